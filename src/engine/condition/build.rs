//! Rules with conditions, compiled: trees of questions and leaves, and by what each is found.

use super::bits::{row, set};
use super::{Budget, Check, Conditional, Conditions, Leaf, Node, Reach, Required, RuleIndex, hash};
use crate::config::pattern;
use crate::engine::compile::{Test, keys_of, literal_test};
use crate::engine::hash::length_bit;
use crate::engine::literal::{LONGEST, required, worth};
use crate::engine::text::Text;
use crate::model::{
    Condition, FieldCondition, RequestCondition, TextMatch, ValueTest, View, Zone, ZoneSet,
};

impl Conditions {
    /// Adds a rule, and to `keys`, for each of its leaves, the literals of which every match holds one.
    ///
    /// # Errors
    /// What is wrong with a pattern.
    pub(in crate::engine) fn add(
        &mut self,
        rule: RuleIndex,
        condition: &Condition,
        keys: &mut Vec<Option<Required>>,
    ) -> Result<(), String> {
        let own = u16::try_from(self.rules.len()).map_err(|_| TOO_MANY)?;
        let first = self.leaves.len();
        let mut place = None;
        let tree = self.node(own, condition, true, &mut place, keys)?;
        let leaves = self.leaves.get(first..).unwrap_or_default();
        let keyed = leaves.iter().any(|leaf| leaf.keyed);
        let unkeyed = leaves
            .iter()
            .filter(|leaf| !leaf.keyed)
            .fold(ZoneSet::EMPTY, |zones, leaf| zones.union(leaf.zones));
        let number = self.rules.len();
        let naming = leaves
            .iter()
            .any(|leaf| !leaf.keyed && matches!(leaf.name, Some(Text::Exact(_))));
        for row in [
            &mut self.waiting,
            &mut self.plain,
            &mut self.unkeyed,
            &mut self.naming,
        ] {
            row.resize(number / 64 + 1, 0);
        }
        if self.waits(&tree, false) {
            set(&mut self.waiting, number, true);
        }
        set(&mut self.unkeyed, number, !unkeyed.is_empty());
        set(&mut self.naming, number, naming);
        self.unkeyed_zones = self.unkeyed_zones.union(unkeyed);
        let mut needs = Needs::default();
        self.needs(&tree, &mut needs);
        match needs.question {
            Some(question) => {
                if self.guarded.len() <= question {
                    self.guarded
                        .resize_with(question.saturating_add(1), Vec::new);
                }
                self.guarded
                    .get_mut(question)
                    .into_iter()
                    .for_each(|list| list.push(own));
            }
            None if asks_head(&tree) => self.open.push(own),
            None => set(&mut self.plain, number, true),
        }
        self.rules.push(Conditional {
            rule,
            tree,
            late: Box::default(),
            keyed,
            key: needs.leaf,
            unkeyed,
            place: place.map_or_else(
                || (Zone::RequestHeader, Box::default()),
                |(_, zone, name)| (zone, name),
            ),
        });
        Ok(())
    }

    fn node(
        &mut self,
        rule: u16,
        condition: &Condition,
        positive: bool,
        place: &mut Option<(u8, Zone, Box<[u8]>)>,
        keys: &mut Vec<Option<Required>>,
    ) -> Result<Node, String> {
        let mut offer = |rank: u8, zone: Zone, name: &str| {
            if place.as_ref().is_none_or(|(known, ..)| rank < *known) {
                *place = Some((rank, zone, name.as_bytes().into()));
            }
        };
        match condition {
            Condition::All(inner) | Condition::Any(inner) => {
                let mut nodes = inner
                    .iter()
                    .map(|inner| self.node(rule, inner, positive, place, keys))
                    .collect::<Result<Vec<_>, _>>()?;
                // What is known first is asked first.
                nodes.sort_by_key(|node| !matches!(node, Node::Request(_)));
                Ok(match condition {
                    Condition::All(_) => Node::All(nodes),
                    _ => Node::Any(nodes),
                })
            }
            Condition::Not(inner) => {
                let inner = self.node(rule, inner, !positive, place, keys)?;
                Ok(Node::Not(Box::new(inner)))
            }
            Condition::Request(request) => {
                offer(u8::from(!positive), Zone::RequestHeader, name_of(request));
                Ok(Node::Request(self.gathered.add(request)))
            }
            Condition::Field(field) => {
                let name = match &field.name {
                    Some(TextMatch::Exact(name)) => name,
                    _ => "",
                };
                let zone = field.zones.iter().next().unwrap_or(Zone::RequestHeader);
                offer(2, zone, name);
                let index = u16::try_from(self.leaves.len()).map_err(|_| TOO_MANY)?;
                let leaf = self.leaf(rule, field, positive, keys)?;
                self.leaves.push(leaf);
                Ok(Node::Leaf(index))
            }
        }
    }

    fn leaf(
        &mut self,
        rule: u16,
        field: &FieldCondition,
        positive: bool,
        keys: &mut Vec<Option<Required>>,
    ) -> Result<Leaf, String> {
        let mut best: Option<Required> = None;
        let mut derived = false;
        let mut searches = false;
        let mut tests = Vec::with_capacity(field.tests.len());
        for test in &field.tests {
            if let Some(key) = key_of(test)?
                && best.as_ref().is_none_or(|best| worth(best) < worth(&key))
            {
                best = Some(key);
                derived = is_pattern(test);
            }
            tests.push(match test {
                ValueTest::Texts(texts) => {
                    searches |= texts
                        .iter()
                        .any(|text| matches!(text, TextMatch::Regex(_) | TextMatch::Contains(_)));
                    // Compared place by place this would take the product of both lengths.
                    let folded: Vec<String> = texts
                        .iter()
                        .filter_map(|text| match text {
                            TextMatch::Contains(text) if field.ignore_case => Some(text.clone()),
                            _ => None,
                        })
                        .collect();
                    let others = texts.iter().filter(|text| {
                        !(field.ignore_case && matches!(text, TextMatch::Contains(_)))
                    });
                    let folded = match folded.is_empty() {
                        true => None,
                        false => Some(literal_test(&folded)?),
                    };
                    Check::Texts(others.map(Text::new).collect(), folded)
                }
                ValueTest::Literals(texts) => {
                    searches = true;
                    Check::Test(literal_test(texts)?)
                }
                ValueTest::Detector(detector) => {
                    searches = true;
                    Check::Test(Test::Detector(*detector))
                }
                ValueTest::Length(range) => Check::Length(*range),
                ValueTest::Number(number) => Check::Number(number.clone()),
            });
        }
        if derived {
            best = best.and_then(|literals| self.budget.afford(literals));
        }
        let count = field.count.map(|range| (self.counters, range));
        self.counters = self.counters.saturating_add(usize::from(count.is_some()));
        let leaf = Leaf {
            rule,
            zones: field.zones,
            parts: field.parts,
            views: field.views,
            name: field.name.as_ref().map(Text::new),
            name_length: match &field.name {
                Some(TextMatch::Exact(name)) => Some(name.len()),
                _ => None,
            },
            tests,
            fold: field.ignore_case,
            count,
            joined: searches && count.is_none(),
            keyed: best.is_some(),
            positive: positive && field.count.is_none_or(|range| range.max == u32::MAX),
        };
        if best.is_none() {
            let index = self.leaves.len() as u16;
            match &field.name {
                Some(TextMatch::Exact(name)) => {
                    self.named_lengths |= length_bit(name.as_bytes());
                    self.named
                        .entry(hash(name.as_bytes()))
                        .or_default()
                        .push(index);
                }
                _ => self.unnamed.push((shortest(&field.tests), index)),
            }
        }
        keys.push(best);
        Ok(leaf)
    }

    /// Whether something in a tree is known only when nothing more can come.
    fn waits(&self, node: &Node, negated: bool) -> bool {
        match node {
            Node::All(inner) | Node::Any(inner) => {
                inner.iter().any(|inner| self.waits(inner, negated))
            }
            Node::Not(inner) => self.waits(inner, true),
            Node::Request(_) => false,
            Node::Leaf(index) => {
                negated
                    || self
                        .leaf_at(*index)
                        .and_then(|leaf| leaf.count)
                        .is_some_and(|(_, range)| range.max < u32::MAX)
            }
        }
    }

    /// What a tree cannot hold without: the narrowest question about the request as a whole, and a leaf with
    /// literals.
    fn needs(&self, node: &Node, needs: &mut Needs) {
        match node {
            Node::All(inner) => inner.iter().for_each(|inner| self.needs(inner, needs)),
            Node::Request(number) => {
                let narrow = |number: &usize| self.gathered.narrow(*number);
                if needs
                    .question
                    .as_ref()
                    .is_none_or(|known| narrow(known) < narrow(number))
                {
                    needs.question = Some(*number);
                }
            }
            Node::Leaf(index) => {
                let keyed = self
                    .leaf_at(*index)
                    .is_some_and(|leaf| leaf.keyed && leaf.count.is_none());
                if keyed {
                    needs.leaf.get_or_insert(*index);
                }
            }
            Node::Any(_) | Node::Not(_) => {}
        }
    }

    /// Says that all rules are there.
    pub(in crate::engine) fn finish(&mut self) {
        let gathered = std::mem::take(&mut self.gathered);
        // A rule that no other question tells of is due when a late one is answered by yes.
        let late = |number: &u32| gathered.is_late(*number as usize);
        let guards = (0..self.guarded.len() as u32).filter(|number| {
            let rules = self.guarded.get(*number as usize);
            rules.is_some_and(|rules| !rules.is_empty())
        });
        let at_once: Vec<u32> = guards.filter(late).collect();
        for rule in &mut self.rules {
            let mut questions = Vec::new();
            questions_of(&rule.tree, &mut questions);
            questions.retain(|number| late(number) && !at_once.contains(number));
            rule.late = questions.into();
        }
        self.heads = gathered.finish(at_once);
        self.unnamed.sort_unstable();
        self.reach();
    }

    /// Finds out where the leaves look.
    fn reach(&mut self) {
        let mut reach = Reach {
            least: u32::MAX,
            ..Reach::default()
        };
        for leaf in self.leaves.iter().filter(|leaf| leaf.keyed) {
            self.keyed_zones = self.keyed_zones.union(leaf.zones);
            if leaf.views.contains(View::Wire) {
                self.keyed_wire = self.keyed_wire.union(leaf.zones);
            }
        }
        for (index, leaf) in (0..).zip(&self.leaves) {
            if let Some(Text::Exact(name)) = &leaf.name {
                reach.named = reach.named.union(leaf.zones);
                reach.lengths |= length_bit(name);
                reach.names.insert(hash(name), ());
                continue;
            }
            let least = self.unnamed.iter().find(|(_, unnamed)| *unnamed == index);
            match least {
                Some((least, _)) if *least > 0 => {
                    reach.long = reach.long.union(leaf.zones);
                    reach.least = reach.least.min(*least);
                }
                _ => reach.unnamed = reach.unnamed.union(leaf.zones),
            }
        }
        self.reach = reach;
    }

    /// A row of bits, one for each rule with conditions that is in force.
    pub(in crate::engine) fn row(&self, in_force: impl Fn(RuleIndex) -> bool) -> Box<[u64]> {
        let mut row = row(self.rules.len());
        for (index, rule) in self.rules.iter().enumerate() {
            set(&mut row, index, in_force(rule.rule));
        }
        row
    }
}

/// Whether a tree asks anything of the request as a whole.
fn asks_head(node: &Node) -> bool {
    match node {
        Node::All(inner) | Node::Any(inner) => inner.iter().any(asks_head),
        Node::Not(inner) => asks_head(inner),
        Node::Request(_) => true,
        Node::Leaf(_) => false,
    }
}

/// The questions about the request as a whole that a tree asks.
fn questions_of(node: &Node, questions: &mut Vec<u32>) {
    match node {
        Node::All(inner) | Node::Any(inner) => inner
            .iter()
            .for_each(|inner| questions_of(inner, questions)),
        Node::Not(inner) => questions_of(inner, questions),
        Node::Request(number) => questions.push(*number as u32),
        Node::Leaf(_) => {}
    }
}

/// What a rule cannot hold without.
#[derive(Default)]
struct Needs {
    question: Option<usize>,
    leaf: Option<u16>,
}

/// Bytes of the shortest text that can pass all tests.
fn shortest(tests: &[ValueTest]) -> u32 {
    let least = tests.iter().map(|test| match test {
        ValueTest::Length(range) => range.min,
        // A number has a digit, and the detectors find nothing in nothing.
        ValueTest::Number(_) | ValueTest::Detector(_) => 1,
        ValueTest::Texts(_) | ValueTest::Literals(_) => 0,
    });
    least.max().unwrap_or(0)
}

const TOO_MANY: &str = "too many conditions";

/// What a hit on the request as a whole is called: the first thing that is asked for.
const fn name_of(request: &RequestCondition) -> &'static str {
    if !request.request.paths.is_empty() {
        "path"
    } else if !request.request.methods.is_empty() {
        "method"
    } else if !request.request.hosts.is_empty() {
        "host"
    } else {
        "client_address"
    }
}

/// Whether the literals of a test are taken from patterns, which may stand for more than is written.
fn is_pattern(test: &ValueTest) -> bool {
    matches!(test, ValueTest::Texts(texts) if texts.iter().any(|text| matches!(text, TextMatch::Regex(_))))
}

/// Bytes of literals that are taken from the patterns of conditions.
const LITERALS_OF_PATTERNS: usize = 128 << 10;

impl Default for Budget {
    fn default() -> Self {
        Self::of(LITERALS_OF_PATTERNS)
    }
}

/// The literals of which a text that passes the test holds one, if they can be named.
fn key_of(test: &ValueTest) -> Result<Option<Required>, String> {
    let key = match test {
        ValueTest::Literals(texts) => Some(keys_of(texts.iter().map(String::as_bytes))),
        ValueTest::Texts(texts) => {
            let mut key = Required::new();
            for text in texts {
                let of_text = match text {
                    TextMatch::Exact(text)
                    | TextMatch::Prefix(text)
                    | TextMatch::Suffix(text)
                    | TextMatch::Contains(text) => one(text.as_bytes()),
                    TextMatch::Glob(glob) => glob
                        .as_bytes()
                        .split(|byte| b"*?".contains(byte))
                        .max_by_key(|piece| piece.len())
                        .and_then(one),
                    TextMatch::Regex(regex) => required(&pattern::parse(regex)?),
                };
                match of_text {
                    Some(literals) => key.extend(literals),
                    None => return Ok(None),
                }
            }
            Some(key)
        }
        ValueTest::Detector(_) | ValueTest::Length(_) | ValueTest::Number(_) => None,
    };
    Ok(key.filter(|key| !key.is_empty()))
}

fn one(text: &[u8]) -> Option<Required> {
    let text = text.get(..LONGEST).unwrap_or(text).to_ascii_lowercase();
    (!text.is_empty()).then(|| Required::from([text]))
}
