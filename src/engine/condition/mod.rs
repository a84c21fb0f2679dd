//! Rules with conditions, at work: what is known of each while the request comes, and when it holds.
//!
//! A rule is a tree whose leaves look at the request or at its fields. What the head says of the request
//! is known at once: most rules are decided by it, one way or the other, and the others wait for
//! fields. Leaves whose matches hold a literal are found by the prefilter; the others are tried on
//! the texts of their zones and names, and only while the rest of the tree leaves them a say.
//! Three values are told apart: holds, does not hold, not known yet.

mod bits;
mod build;

use self::bits::{bit, ones, row, set};
use super::compile::{Test, count_in};
use super::facts::Facts;
use super::familiar::Names;
use super::hash::{Table, length_bit};
use super::heads::{self, Heads};
use super::literal::{Budget, Required};
use super::prefilter::RuleIndex;
use super::scratch::Text as Piece;
use super::text::Text;
use crate::model::{Comparison, Hit, Number, Part, PartSet, Range, View, ViewSet, Zone, ZoneSet};
use crate::request::{Field, Fields, Kind};

/// The rules with conditions of a compiled set.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    rules: Vec<Conditional>,
    leaves: Vec<Leaf>,
    heads: Heads,
    gathered: heads::Gathered,
    budget: Budget,
    counters: usize,
    /// A bit for each rule of which something is known only when nothing more can come.
    waiting: Vec<u64>,
    /// A bit for each rule that asks nothing of the request as a whole.
    plain: Vec<u64>,
    /// For each question about the request as a whole, the rules that hold only where the answer is yes.
    guarded: Vec<Vec<u16>>,
    /// Rules that ask such questions and may hold whatever the answers.
    open: Vec<u16>,
    /// A bit for each rule with a leaf that has no literals, and where such leaves look.
    unkeyed: Vec<u64>,
    unkeyed_zones: ZoneSet,
    /// A bit for each rule with such a leaf that names its field.
    naming: Vec<u64>,
    /// Leaves without literals that name their field, by the hash of that name.
    named: Table<Vec<u16>>,
    /// A bit for each length of such a name; the last one for all that are longer.
    named_lengths: u64,
    /// Which fields some leaf may mean.
    reach: Reach,
    /// Where leaves with literals look, and where at texts as they came.
    keyed_zones: ZoneSet,
    keyed_wire: ZoneSet,
    /// Leaves without literals that do not, with the length of the shortest text that can pass: the shortest
    /// first.
    unnamed: Vec<(u32, u16)>,
}

/// Which fields leaves may mean: what no other rule looks at (numbers, tokens, empty values) is only put
/// before those that one of them may.
#[derive(Debug, Default)]
struct Reach {
    /// Where leaves look that do not name their field.
    unnamed: ZoneSet,
    /// Where leaves look that do not, and have nothing to do with texts shorter than `least` bytes.
    long: ZoneSet,
    least: u32,
    /// Where leaves look that name their field, and the names: their lengths as in [`length_bit`], their numbers.
    named: ZoneSet,
    lengths: u64,
    names: Table<()>,
}

/// One rule with a condition.
#[derive(Debug)]
struct Conditional {
    rule: RuleIndex,
    tree: Node,
    /// Questions that are asked when it comes to this rule.
    late: Box<[u32]>,
    /// Whether some leaf has literals.
    keyed: bool,
    /// A leaf with literals without which the rule cannot hold.
    key: Option<u16>,
    /// Where leaves without them look.
    unkeyed: ZoneSet,
    /// What a hit names if no field does.
    place: (Zone, Box<[u8]>),
}

#[derive(Debug)]
enum Node {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    /// A question about the request as a whole, by its number.
    Request(usize),
    Leaf(u16),
}

/// One condition on fields.
#[derive(Debug)]
struct Leaf {
    /// The index of its rule among the conditional ones.
    rule: u16,
    zones: ZoneSet,
    parts: PartSet,
    views: ViewSet,
    name: Option<Text>,
    /// Bytes of the name, where it is given exactly: most fields are told apart by that alone.
    name_length: Option<usize>,
    tests: Vec<Check>,
    fold: bool,
    count: Option<(usize, Range)>,
    /// Whether values that were joined from several fields are looked at: what searches for attacks
    /// does, what counts or compares means the fields themselves.
    joined: bool,
    keyed: bool,
    /// Whether a match brings the rule nearer to holding: then it may be what the hit names, and what
    /// an exception takes away.
    positive: bool,
}

#[derive(Debug)]
enum Check {
    /// One of these, or of what is searched for without case.
    Texts(Vec<Text>, Option<Test>),
    Test(Test),
    Length(Range),
    Number(Vec<(Comparison, Number)>),
}

/// What is known of one request, rule by rule. Its size depends on the policy alone.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// A bit for each leaf that holds.
    held: Box<[u64]>,
    /// A bit for each question about the request to which the answer is yes.
    said: Box<[u64]>,
    /// A bit for each rule that is not decided.
    live: Box<[u64]>,
    /// A bit for each rule of which a leaf has come to hold since it was last looked at.
    touched: Box<[u64]>,
    counts: Box<[Counted]>,
    found: Vec<Found>,
    /// Nothing more will come.
    closed: bool,
    /// Zones of which it is open what leaves with literals find there.
    pub(super) open: ZoneSet,
    /// Trailers follow the body.
    pub(super) trailers: bool,
}

/// How many fields have matched, and the last of them in this step.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    fields: u32,
    last: u32,
}

/// The first field that matched for a rule.
#[derive(Clone, Debug)]
struct Found {
    rule: u16,
    /// Its number in this step; 0 for an earlier step, so that nothing comes before it.
    order: u32,
    zone: Zone,
    part: Part,
    view: View,
    name: Vec<u8>,
}

/// A rule that holds, with what its hit names.
#[derive(Debug)]
pub(super) struct Fired {
    pub(super) rule: RuleIndex,
    pub(super) zone: Zone,
    pub(super) part: Part,
    pub(super) view: View,
    pub(super) name: Vec<u8>,
}

/// What may still come.
#[derive(Clone, Copy, Debug)]
struct Ahead {
    zones: ZoneSet,
    /// Leaves without literals are still to be tried on what is at hand.
    unkeyed: bool,
}

/// Zones whose fields may come behind the head: those of bodies, and headers as trailers.
pub(super) const BEHIND_HEAD: ZoneSet = ZoneSet::of(&[
    Zone::RequestHeader,
    Zone::Cookies,
    Zone::RequestBody,
    Zone::RawBody,
    Zone::FileName,
    Zone::FileContent,
]);

/// Zones whose fields may come behind the body.
pub(super) const BEHIND_BODY: ZoneSet = ZoneSet::of(&[Zone::RequestHeader, Zone::Cookies]);

impl Conditions {
    fn leaf_at(&self, index: u16) -> Option<&Leaf> {
        self.leaves.get(index as usize)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether any of them looks at fields.
    pub(super) fn asks_fields(&self) -> bool {
        !self.leaves.is_empty()
    }

    /// The names of the headers that conditions look at, and whether they look at the path; `None` if one may
    /// look at any header.
    pub(super) fn headers(&self) -> Option<Names> {
        let mut names = Names::default();
        for leaf in &self.leaves {
            // The path has no name.
            let names_another = matches!(&leaf.name, Some(Text::Exact(name)) if !name.is_empty());
            if leaf.zones.contains(Zone::Path) && !names_another {
                names.add_paths();
            }
            if leaf.zones.contains(Zone::RequestHeader) {
                match &leaf.name {
                    Some(Text::Exact(name)) => names.add(name),
                    _ => return None,
                }
            }
        }
        Some(names)
    }

    /// How many leaves there are.
    pub(super) const fn leaves(&self) -> usize {
        self.leaves.len()
    }

    /// Where each leaf looks, in the order of their numbers.
    pub(super) fn places(&self) -> impl Iterator<Item = (ZoneSet, PartSet)> {
        self.leaves.iter().map(|leaf| (leaf.zones, leaf.parts))
    }

    /// Whether some leaf may mean this field and what of it is this long.
    pub(super) fn may_mean(&self, fields: &Fields, field: &Field, length: usize) -> bool {
        let reach = &self.reach;
        if reach.unnamed.contains(field.zone)
            || reach.long.contains(field.zone) && length >= reach.least as usize
        {
            return true;
        }
        let name = fields.get(field.name);
        reach.named.contains(field.zone)
            && reach.lengths & length_bit(name) != 0
            && reach.names.contains_key(&hash(name))
    }

    /// Where leaves look that the prefilter finds; with `wire`, where at texts as they came.
    pub(super) const fn keyed_zones(&self, wire: bool) -> ZoneSet {
        if wire {
            self.keyed_wire
        } else {
            self.keyed_zones
        }
    }

    /// The leaves that the prefilter finds.
    pub(super) fn keyed(&self) -> impl Iterator<Item = u16> {
        (0..self.leaves.len() as u16)
            .filter(|index| self.leaf_at(*index).is_some_and(|leaf| leaf.keyed))
    }

    /// Decides by the head what it decides, of the rules whose bits are set in `in_force`. Gives the rules
    /// that hold to `fired`; what is known of the others, if there are any. `all` looks at each rule, keeps
    /// those too that cannot hold any more, and asks each question.
    pub(super) fn open(
        &self,
        facts: &Facts<'_>,
        in_force: &[u64],
        all: bool,
        mut fired: impl FnMut(Fired),
    ) -> Option<Box<Known>> {
        let answers = self.heads.answer(facts, all);
        let mut said = row(self.heads.len());
        let mut due = Vec::new();
        for question in answers {
            set(&mut said, question as usize, true);
            due.extend(self.guarded.get(question as usize).into_iter().flatten());
        }
        due.extend(&self.open);
        let mut live = row(self.rules.len());
        if all {
            live.copy_from_slice(in_force);
            due = (0..self.rules.len() as u16).collect();
        } else {
            for (live, (plain, in_force)) in live.iter_mut().zip(self.plain.iter().zip(in_force)) {
                *live = plain & in_force;
            }
            due.sort_unstable();
        }
        for index in due {
            let Some(rule) = self.rules.get(index as usize) else {
                continue;
            };
            let index = index as usize;
            if !bit(in_force, index) {
                continue;
            }
            for late in rule.late.iter().map(|late| *late as usize) {
                let yes = self.heads.holds(late, facts);
                set(&mut said, late, yes);
            }
            let value = head_value(&rule.tree, &said);
            if value == Some(true) {
                fired(rule.fired(None));
            }
            set(
                &mut live,
                index,
                value.is_none() || all && value == Some(false),
            );
        }
        let some = live.iter().any(|word| *word != 0);
        some.then(|| Box::new(Known::new(self, live, said)))
    }

    /// Whether a leaf that is not decided looks at this half of this field in this form.
    pub(super) fn looks_at(&self, known: &Known, leaf: u16, piece: &Piece, field: &Field) -> bool {
        let Some(own) = self.leaf_at(leaf) else {
            return false;
        };
        let wire = match piece.part {
            Part::Name => field.wire_name,
            Part::Value => field.wire_value,
        };
        let in_view = own.views.contains(piece.view)
            // Where nothing was decoded, what came on the wire is the plain text.
            || piece.view == View::Plain && wire.is_none() && own.views.contains(View::Wire);
        let named = |length: usize| field.name.len() == length;
        in_view
            && own.name_length.is_none_or(named)
            && own.zones.contains(field.zone)
            && own.parts.contains(piece.part)
            && (own.joined || field.kind != Kind::Joined)
            && bit(&known.live, own.rule as usize)
            && (own.count.is_some() || !bit(&known.held, leaf as usize))
    }

    /// Whether a leaf means this field.
    pub(super) fn means(&self, leaf: u16, fields: &Fields, field: &Field) -> bool {
        let fold = field.zone == Zone::RequestHeader;
        self.leaf_at(leaf).is_some_and(|leaf| {
            leaf.name
                .as_ref()
                .is_none_or(|name| name.matches(fields.get(field.name), fold))
        })
    }

    /// Whether a text passes all tests of a leaf.
    pub(super) fn passes(&self, leaf: u16, zone: Zone, text: &[u8]) -> bool {
        self.leaf_at(leaf).is_some_and(|leaf| {
            leaf.tests
                .iter()
                .all(|test| test.passes(zone, text, leaf.fold))
        })
    }

    /// The rule of a leaf, if a match of it may be taken away by an exception: one that could not hold
    /// anyway gives no exception anything to do.
    pub(super) fn exceptable(&self, known: &Known, leaf: u16) -> Option<RuleIndex> {
        let leaf = self.leaf_at(leaf).filter(|leaf| leaf.positive)?;
        let rule = self.rules.get(leaf.rule as usize)?;
        let ahead = Ahead {
            zones: known.open,
            unkeyed: true,
        };
        (self.value(&rule.tree, known, ahead) != Some(false)).then_some(rule.rule)
    }

    /// Notes that a field has passed a leaf's tests. `order` is its number in this step, from 1.
    pub(super) fn note(
        &self,
        known: &mut Known,
        leaf: u16,
        order: u32,
        (zone, part, view): (Zone, Part, View),
        name: &[u8],
    ) {
        let Some(own) = self.leaf_at(leaf) else {
            return;
        };
        match own.count {
            None => set(&mut known.held, leaf as usize, true),
            Some((counter, _)) => {
                if let Some(counted) = known.counts.get_mut(counter)
                    && counted.last != order
                {
                    counted.fields = counted.fields.saturating_add(1);
                    counted.last = order;
                }
            }
        }
        set(&mut known.touched, own.rule as usize, true);
        if !own.positive {
            return;
        }
        let found = || Found {
            rule: own.rule,
            order,
            zone,
            part,
            view,
            name: name.get(..Hit::NAME_BYTES).unwrap_or(name).to_vec(),
        };
        match known.found.iter_mut().find(|found| found.rule == own.rule) {
            Some(earlier) if order < earlier.order => *earlier = found(),
            Some(_) => {}
            None => known.found.push(found()),
        }
    }

    /// Lists the leaves without literals and names that have something to look for among fields of
    /// `present`, none of whose texts is longer than `longest`, with the length of the shortest text that can
    /// pass, the shortest first; false if no leaf without literals has. With `drop` drops the rules that
    /// cannot hold whatever those leaves would find.
    pub(super) fn wants_unkeyed(
        &self,
        known: &mut Known,
        (present, zones): (ZoneSet, ZoneSet),
        longest: u32,
        drop: bool,
        unnamed: &mut Vec<(u32, u16)>,
    ) -> bool {
        unnamed.clear();
        let passable = self.unnamed.partition_point(|(least, _)| *least <= longest);
        let passable = self.unnamed.get(..passable).unwrap_or_default();
        if !self.unkeyed_zones.intersects(present) || passable.is_empty() && self.named.is_empty() {
            return false;
        }
        let ahead = Ahead {
            zones,
            unkeyed: true,
        };
        let mut wanted = false;
        // Of leaves for which every text is too short, none can say anything.
        let asking = if passable.is_empty() {
            &self.naming
        } else {
            &self.unkeyed
        };
        let live = known.live.clone();
        for index in ones(&live).filter(|index| bit(asking, *index)) {
            let Some(rule) = self.rules.get(index) else {
                continue;
            };
            if !rule.unkeyed.intersects(present) {
                continue;
            }
            let lost = || match rule.key {
                Some(key) if !bit(&known.held, key as usize) => {
                    self.value(&Node::Leaf(key), known, ahead) == Some(false)
                }
                _ => self.value(&rule.tree, known, ahead) == Some(false),
            };
            if drop && rule.keyed && lost() {
                set(&mut known.live, index, false);
            } else {
                wanted = true;
            }
        }
        if wanted {
            let asked = |(_, leaf): &&(u32, u16)| {
                self.leaf_at(*leaf).is_some_and(|own| {
                    own.zones.intersects(present)
                        && bit(&known.live, own.rule as usize)
                        && (own.count.is_some() || !bit(&known.held, *leaf as usize))
                })
            };
            unnamed.extend(passable.iter().filter(asked));
        }
        wanted && !(unnamed.is_empty() && self.named.is_empty())
    }

    /// The leaves without literals that may mean a field of this very name.
    pub(super) fn named(&self, name: &[u8]) -> &[u16] {
        if self.named_lengths & length_bit(name) == 0 {
            return &[];
        }
        self.named.get(&hash(name)).map_or(&[], Vec::as_slice)
    }

    /// Decides what can be decided, with `zones` still to come, and gives the rules that hold.
    pub(super) fn settle(&self, known: &mut Known, zones: ZoneSet) -> Vec<Fired> {
        let ahead = Ahead {
            zones,
            unkeyed: false,
        };
        known.closed = zones.is_empty();
        let mut fired = Vec::new();
        for (touched, (live, waiting)) in known
            .touched
            .iter_mut()
            .zip(known.live.iter().zip(&self.waiting))
        {
            *touched = live & (*touched | waiting);
        }
        let due = std::mem::take(&mut known.touched);
        for index in ones(&due) {
            let Some(rule) = self.rules.get(index) else {
                continue;
            };
            let value = self.value(&rule.tree, known, ahead);
            if value == Some(true) {
                let found = known
                    .found
                    .iter()
                    .find(|found| found.rule as usize == index);
                fired.push(rule.fired(found));
            }
            if value.is_some() {
                set(&mut known.live, index, false);
            }
        }
        known.touched = due;
        known.touched.fill(0);
        known.found.iter_mut().for_each(|found| found.order = 0);
        known.counts.iter_mut().for_each(|counted| counted.last = 0);
        fired
    }

    fn value(&self, node: &Node, known: &Known, ahead: Ahead) -> Option<bool> {
        match node {
            Node::All(inner) => every(
                inner.iter().map(|inner| self.value(inner, known, ahead)),
                false,
            ),
            Node::Any(inner) => every(
                inner.iter().map(|inner| self.value(inner, known, ahead)),
                true,
            ),
            Node::Not(inner) => self.value(inner, known, ahead).map(|value| !value),
            Node::Request(number) => Some(bit(&known.said, *number)),
            Node::Leaf(index) => {
                let leaf = self.leaf_at(*index)?;
                let last = !leaf.zones.intersects(ahead.zones) && (leaf.keyed || !ahead.unkeyed);
                match leaf.count {
                    None => (bit(&known.held, *index as usize) || last)
                        .then(|| bit(&known.held, *index as usize)),
                    Some((counter, range)) => {
                        let fields = known
                            .counts
                            .get(counter)
                            .map_or(0, |counted| counted.fields);
                        if fields > range.max {
                            Some(false)
                        } else if fields >= range.min && range.max == u32::MAX {
                            Some(true)
                        } else {
                            last.then(|| range.contains(fields))
                        }
                    }
                }
            }
        }
    }
}

/// Of values in a list, whether one is `wanted`; the other way round if none is; not known if it may
/// still be.
fn every(values: impl Iterator<Item = Option<bool>>, wanted: bool) -> Option<bool> {
    let mut all_known = true;
    for value in values {
        match value {
            Some(value) if value == wanted => return Some(wanted),
            Some(_) => {}
            None => all_known = false,
        }
    }
    all_known.then_some(!wanted)
}

/// What the head alone says of a tree.
fn head_value(node: &Node, said: &[u64]) -> Option<bool> {
    match node {
        Node::All(inner) => every(inner.iter().map(|inner| head_value(inner, said)), false),
        Node::Any(inner) => every(inner.iter().map(|inner| head_value(inner, said)), true),
        Node::Not(inner) => head_value(inner, said).map(|value| !value),
        Node::Request(number) => Some(bit(said, *number)),
        Node::Leaf(_) => None,
    }
}

/// A number for a name, the same for any case of its letters (FNV-1a). The table it looks up holds names of
/// the policy alone, so that no request can crowd it.
fn hash(name: &[u8]) -> u64 {
    name.iter().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

impl Conditional {
    fn fired(&self, found: Option<&Found>) -> Fired {
        match found {
            Some(found) => Fired {
                rule: self.rule,
                zone: found.zone,
                part: found.part,
                view: found.view,
                name: found.name.clone(),
            },
            None => Fired {
                rule: self.rule,
                zone: self.place.0,
                part: Part::Value,
                view: View::Plain,
                name: self.place.1.to_vec(),
            },
        }
    }
}

impl Check {
    fn passes(&self, zone: Zone, text: &[u8], fold: bool) -> bool {
        match self {
            Self::Texts(texts, folded) => {
                texts.iter().any(|wanted| wanted.matches(text, fold))
                    || folded
                        .as_ref()
                        .is_some_and(|test| count_in(test, zone, text) > 0)
            }
            Self::Test(test) => count_in(test, zone, text) > 0,
            Self::Length(range) => range.contains(u32::try_from(text.len()).unwrap_or(u32::MAX)),
            Self::Number(wanted) => Number::parse(text).is_some_and(|number| {
                wanted
                    .iter()
                    .all(|(comparison, to)| comparison.holds(number, *to))
            }),
        }
    }
}

impl Known {
    fn new(conditions: &Conditions, live: Box<[u64]>, said: Box<[u64]>) -> Self {
        Self {
            held: row(conditions.leaves.len()),
            said,
            touched: row(conditions.rules.len()),
            live,
            counts: vec![Counted::default(); conditions.counters].into_boxed_slice(),
            found: Vec::new(),
            closed: false,
            open: ZoneSet::all(),
            trailers: false,
        }
    }

    /// Whether all that comes has been seen.
    pub(super) const fn is_closed(&self) -> bool {
        self.closed
    }
}
