//! Rules as they are written, shipped or custom, in the same words.

use super::condition::read_when;
use super::matching::check_pattern;
use super::node::Node;
use super::problem::{Problem, Problems};
use super::read::{Object, Read, Word, shown, wrong};
use crate::model::{
    Anomaly, AnomalySet, Category, Condition, Detector, Family, Matcher, Named, Part, PartSet,
    Rule, RuleAction, View, ViewSet, Zone, ZoneSet, names_of, parse_name,
};

/// The rules that ship with the product, one file each under `rules/`, as one JSON list.
const SHIPPED: &str = include_str!(concat!(env!("OUT_DIR"), "/rules.json"));

/// What the shipped rules say about themselves to people: a JSON list with `id`, `name`, `folder`,
/// `what`, `why`, `attacks` and `benign` of each. For tests and the command line; the module does
/// without.
pub const SHIPPED_SAMPLES: &str = include_str!(concat!(env!("OUT_DIR"), "/samples.json"));

/// Reads the shipped rules.
///
/// # Errors
/// The problems of a rule file; a test proves that there are none.
pub fn shipped_rules() -> Result<Vec<Rule>, Vec<Problem>> {
    let mut problems = Problems::default();
    let rules = match serde_json::from_str::<Node>(SHIPPED) {
        Ok(node) => read_rules(&node, "$", None, &mut problems).unwrap_or_default(),
        Err(error) => {
            problems.add("$", error.to_string());
            Vec::new()
        }
    };
    if problems.is_empty() {
        Ok(rules)
    } else {
        Err(problems.into_list())
    }
}

/// By what policies may point at the shipped rules.
pub(super) struct ShippedNames {
    /// Their ids, in order.
    pub(super) ids: Vec<u32>,
    /// Their tags, each once.
    pub(super) tags: Vec<String>,
}

/// By what policies may point at the shipped rules; `None` if a rule file has problems, and a test proves
/// that none has.
pub(super) fn shipped_names() -> Option<&'static ShippedNames> {
    static NAMES: std::sync::OnceLock<Option<ShippedNames>> = std::sync::OnceLock::new();
    let names = NAMES.get_or_init(|| {
        let rules = shipped_rules().ok()?;
        let mut ids: Vec<u32> = rules.iter().map(|rule| rule.id).collect();
        ids.sort_unstable();
        let mut tags: Vec<String> = rules.into_iter().flat_map(|rule| rule.tags).collect();
        tags.sort_unstable();
        tags.dedup();
        Some(ShippedNames { ids, tags })
    });
    names.as_ref()
}

/// Reads a list of rules and refuses ids that stand twice, or among those that are taken. `custom` is
/// `None` for the shipped rules, which may have any id.
pub(super) fn read_rules(
    node: &Node,
    path: &str,
    custom: Option<&[u32]>,
    problems: &mut Problems,
) -> Option<Vec<Rule>> {
    let Node::List(items) = node else {
        return wrong(node, path, "a list of rules", problems);
    };
    let mut rules: Vec<Rule> = Vec::with_capacity(items.len());
    let mut ids = std::collections::HashSet::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let Some(rule) = read_rule(item, &path, custom.is_some(), problems) else {
            continue;
        };
        if !ids.insert(rule.id) || custom.is_some_and(|taken| taken.contains(&rule.id)) {
            problems.add(
                &format!("{path}.id"),
                format!("the id {} stands twice", rule.id),
            );
        }
        rules.push(rule);
    }
    Some(rules)
}

fn read_rule(node: &Node, path: &str, custom: bool, problems: &mut Problems) -> Option<Rule> {
    let mut object = Object::open(node, path, problems)?;
    let id = object.required::<u32>("id", problems);
    let name = object.optional::<String>("name", problems);
    let what = object.optional::<String>("what", problems);
    let why = object.optional::<String>("why", problems);
    let zones = object.optional::<Set<Zone, ZoneSet>>("zones", problems);
    let parts = object.optional::<Set<Part, PartSet>>("parts", problems);
    let views = object.optional::<Set<View, ViewSet>>("views", problems);
    let action = object.optional::<Word<RuleAction>>("action", problems);
    let tags = object.optional::<Vec<String>>("tags", problems);
    let once = object.optional::<bool>("once", problems);
    let allows = matches!(action, Some(Word(RuleAction::Allow)));
    let score = if allows && !object.has("score") {
        // What ends the inspection adds to nothing.
        Some(Vec::new())
    } else {
        read_score(&mut object, problems)
    };
    let matcher = if custom && object.has("when") {
        read_when(&mut object, views.as_ref().map(|set| set.0), problems)
    } else {
        read_matcher(&mut object, path, custom, problems)
    };
    if custom && let Some(Matcher::Regex(text)) = &matcher {
        // The shipped patterns are checked by a test rather than at every start.
        check_pattern(text, &object.path_of("regex"), problems);
    }
    object.close(problems);

    let id = id?;
    if custom && Family::of(id) != Family::Custom {
        problems.add(
            &format!("{path}.id"),
            format!("{id} is reserved; rules of a policy have ids from 100000"),
        );
    }
    let matcher = matcher?;
    let mut place = (
        zones.map_or(DEFAULT_ZONES, |set| whole_bodies(set.0)),
        parts.map_or(PartSet::all(), |set| set.0),
        views.map_or(DEFAULT_VIEWS, |set| set.0),
    );
    if let Matcher::When(condition) = &matcher {
        place = (ZoneSet::EMPTY, PartSet::EMPTY, ViewSet::EMPTY);
        every_place(condition, &mut place);
    }
    let (zones, parts, views) = place;
    Some(Rule {
        id,
        name: name.unwrap_or_else(|| format!("rule-{id}")),
        what: what.unwrap_or_default(),
        why: why.unwrap_or_default(),
        score: score?,
        once: once.unwrap_or(false),
        zones,
        parts,
        views,
        matcher,
        action: action.map_or(RuleAction::Score, |word| word.0),
        tags: tags.unwrap_or_default(),
    })
}

/// Zones as they are meant: a rule that asks for bodies means every body, whether or not a reader
/// could split it.
pub(super) fn whole_bodies(mut zones: ZoneSet) -> ZoneSet {
    if zones.contains(Zone::RequestBody) {
        zones.insert(Zone::RawBody);
    }
    zones
}

/// Adds up where the parts of a condition look.
fn every_place(condition: &Condition, place: &mut (ZoneSet, PartSet, ViewSet)) {
    match condition {
        Condition::All(inner) | Condition::Any(inner) => {
            inner.iter().for_each(|inner| every_place(inner, place));
        }
        Condition::Not(inner) => every_place(inner, place),
        Condition::Request(_) => {}
        Condition::Field(field) => {
            place.0 = place.0.union(field.zones);
            place.1 = place.1.union(field.parts);
            place.2 = place.2.union(field.views);
        }
    }
}

/// Where a rule looks that does not say: everywhere but in the contents of uploaded files.
pub(super) const DEFAULT_ZONES: ZoneSet = ZoneSet::of(&[
    Zone::Path,
    Zone::QueryString,
    Zone::RequestHeader,
    Zone::Cookies,
    Zone::RequestBody,
    Zone::RawBody,
    Zone::FileName,
]);

/// In which forms a rule looks that does not say.
pub(super) const DEFAULT_VIEWS: ViewSet = ViewSet::of(&[View::Plain, View::Decoded, View::Base64]);

pub(super) fn read_score(
    object: &mut Object<'_>,
    problems: &mut Problems,
) -> Option<Vec<(Category, u32)>> {
    let path = object.path_of("score");
    let Some(node) = object.node("score") else {
        problems.add(
            path.strip_suffix(".score").unwrap_or(&path),
            "`score` is missing: an object from category to points, such as { \"sql_injection\": 24 }",
        );
        return None;
    };
    let Node::Object(entries) = node else {
        return wrong(node, &path, "an object from category to points", problems);
    };
    if entries.is_empty() {
        problems.add(&path, "at least one category is needed");
        return None;
    }
    let mut score = Vec::with_capacity(entries.len());
    for (name, points) in entries {
        let at = format!("{path}.{}", shown(name));
        let Some(category) = parse_name::<Category>(name) else {
            problems.add_unknown(
                &at,
                "not a category".to_owned(),
                name,
                names_of::<Category>(),
            );
            continue;
        };
        let Some(points) = u32::read(points, &at, problems) else {
            continue;
        };
        if points > MAX_SCORE {
            problems.add(&at, format!("a score is at most {MAX_SCORE}"));
        }
        score.push((category, points));
    }
    (!score.is_empty()).then_some(score)
}

/// More than this says nothing that `action: block` does not say better.
const MAX_SCORE: u32 = 1000;

fn read_matcher(
    object: &mut Object<'_>,
    path: &str,
    custom: bool,
    problems: &mut Problems,
) -> Option<Matcher> {
    const KINDS: [&str; 4] = ["literals", "regex", "detector", "anomalies"];
    if custom {
        // Known, so that a misspelt key finds it.
        object.node("when");
    }
    let given = KINDS.iter().filter(|kind| object.has(kind)).count();
    let literals = object.optional::<Vec<String>>("literals", problems);
    let regex = object.optional::<String>("regex", problems);
    let detector = object.optional::<Word<Detector>>("detector", problems);
    let anomalies = object.optional::<Set<Anomaly, AnomalySet>>("anomalies", problems);
    if given != 1 {
        problems.add(
            path,
            format!(
                "exactly one of {}{} is needed, found {given}",
                KINDS.join(", "),
                if custom { ", when" } else { "" }
            ),
        );
        return None;
    }
    if let Some(literals) = literals {
        let at = format!("{path}.literals");
        return checked_literals(literals, &at, problems).map(Matcher::Literals);
    }
    regex
        .map(Matcher::Regex)
        .or(detector.map(|word| Matcher::Detector(word.0)))
        .or(anomalies.map(|set| Matcher::Anomalies(set.0)))
}

/// Bytes of all literals of a policy: the automaton that finds them takes about a hundred times as much.
const LITERALS_OF_ALL: usize = 256 << 10;

/// Notes what is wrong with a list of literals.
pub(super) fn checked_literals(
    literals: Vec<String>,
    at: &str,
    problems: &mut Problems,
) -> Option<Vec<String>> {
    if literals.is_empty() {
        problems.add(at, "at least one text is needed");
        return None;
    }
    for (index, literal) in literals.iter().enumerate() {
        if literal.is_empty() || literal.len() > MAX_LITERAL {
            problems.add(
                &format!("{at}[{index}]"),
                format!("expected 1 to {MAX_LITERAL} bytes"),
            );
        }
    }
    count_literals(literals.iter(), at, problems);
    Some(literals)
}

/// Adds the bytes of texts that every request is searched for.
pub(super) fn count_literals<'a>(
    texts: impl Iterator<Item = &'a String>,
    at: &str,
    problems: &mut Problems,
) {
    let before = problems.literal_bytes;
    let sum = texts.map(String::len).sum();
    problems.literal_bytes = before.saturating_add(sum);
    // Said once, where the sum is passed.
    if before <= LITERALS_OF_ALL && problems.literal_bytes > LITERALS_OF_ALL {
        problems.add(
            at,
            format!("up to here all literals together have more than {LITERALS_OF_ALL} bytes"),
        );
    }
}

/// Bytes of one literal.
const MAX_LITERAL: usize = 1024;

/// A list of words, read into a set.
pub(super) struct Set<T, S>(pub(super) S, std::marker::PhantomData<T>);

/// A set that words can be added to.
pub(super) trait Collect<T>: Default {
    fn add(&mut self, value: T);
}

macro_rules! collect {
    ($($value:ty => $set:ty),*) => { $(impl Collect<$value> for $set {
        fn add(&mut self, value: $value) {
            self.insert(value);
        }
    })* };
}
collect!(Zone => ZoneSet, View => ViewSet, Part => PartSet, Anomaly => AnomalySet);

impl<T: Named, S: Collect<T>> Read for Set<T, S> {
    fn read(node: &Node, path: &str, problems: &mut Problems) -> Option<Self> {
        let words = Vec::<Word<T>>::read(node, path, problems)?;
        if words.is_empty() {
            problems.add(path, format!("at least one {} is needed", T::WHAT));
            return None;
        }
        let mut set = S::default();
        words.into_iter().for_each(|word| set.add(word.0));
        Some(Self(set, std::marker::PhantomData))
    }
}
