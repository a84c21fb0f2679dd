//! Exceptions in the four shapes in which they are written, read into one.
//!
//! | shape | told by |
//! |---|---|
//! | one zone and a pattern | `match_zone` |
//! | a list of zones | `match_zones` |
//! | a list of conditions | `conditions` |
//! | our own full form | none of these |

use super::matching::{OneOrMore, check_path, checked, read_request, read_rule_match};
use super::node::Node;
use super::problem::Problems;
use super::read::{Object, Read, not_a};
use crate::model::{Day, Exception, Part, PartSet, Place, RuleMatch, TextMatch, Zone, ZoneSet};

/// Every header, cookies included: a cookie is addressed as the header `cookie` too.
const HEADERS: ZoneSet = ZoneSet::of(&[Zone::RequestHeader, Zone::Cookies]);
/// Every body, split into fields or not.
const BODY: ZoneSet = ZoneSet::of(&[Zone::RequestBody, Zone::RawBody]);

/// Reads a list of exceptions and refuses ids that stand twice.
pub(super) fn read_exceptions(node: &Node, path: &str, problems: &mut Problems) -> Vec<Exception> {
    let Node::List(items) = node else {
        problems.add(
            path,
            format!("expected a list of exceptions, found {}", node.sort()),
        );
        return Vec::new();
    };
    let mut exceptions: Vec<Exception> = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let at = format!("{path}[{index}]");
        if let Some(exception) = read_exception(item, &at, problems) {
            // Records tell exceptions by their ids, so no two of the whole policy share one.
            if !problems.labels.insert(exception.label.clone()) {
                problems.add(
                    &format!("{at}.id"),
                    format!("the id {} stands twice", exception.label),
                );
            }
            exceptions.push(exception);
        }
    }
    exceptions
}

fn read_exception(node: &Node, path: &str, problems: &mut Problems) -> Option<Exception> {
    let mut object = Object::open(node, path, problems)?;
    let shapes = ["match_zone", "match_zones", "conditions"];
    let given: Vec<&str> = shapes.into_iter().filter(|key| object.has(key)).collect();
    if given.len() > 1 {
        problems.add(
            path,
            format!(
                "{} belong to different shapes; keep one",
                given.join(" and ")
            ),
        );
        return None;
    }
    // What all shapes share.
    let label = object
        .optional::<Label>("id", problems)
        .map_or_else(|| path.trim_start_matches("$.").to_owned(), |label| label.0);
    let reason = object.optional::<String>("reason", problems);
    let expires = object.optional::<Day>("expires", problems);
    let active = object.optional::<bool>("active", problems);
    let mut exception = Exception {
        label,
        rules: RuleMatch::default(),
        request: Default::default(),
        places: Vec::new(),
        reason,
        expires,
        active: active.unwrap_or(true),
    };
    let before = problems.count();
    match given.first() {
        None if object.has("rule_id") => {
            problems.add(
                path,
                "`rule_id` goes with match_zone, match_zones or conditions; without them say `rules`",
            );
            return None;
        }
        None => read_own(&mut object, &mut exception, problems),
        Some(&"match_zone") => read_one_zone(&mut object, &mut exception, problems),
        Some(&"match_zones") => read_zones(&mut object, &mut exception, problems),
        Some(_) => read_conditions(&mut object, &mut exception, problems),
    }
    if exception.places.len() > Exception::MOST_PLACES {
        problems.add(
            path,
            format!("at most {} conditions", Exception::MOST_PLACES),
        );
    }
    if exception.rules == RuleMatch::default() && problems.count() == before {
        problems.add(path, "no rule is named; `rules: [0]` means every rule");
    }
    object.close(problems);
    Some(exception)
}

/// An id as a number or a word.
struct Label(String);

impl Read for Label {
    fn read(node: &Node, path: &str, problems: &mut Problems) -> Option<Self> {
        let text = match node {
            Node::Integer(number) => number.to_string(),
            _ => String::read(node, path, problems)?,
        };
        let fits =
            (1..=64).contains(&text.len()) && !text.bytes().any(|byte| byte < b' ' || byte == b'"');
        if !fits {
            problems.add(path, "expected 1 to 64 printable characters");
        }
        Some(Self(text))
    }
}

/// Our own full form: `rules`, `categories`, `tags`, `host`, `path`, `method`, `zones`, `name`,
/// `part`, `value`.
fn read_own(object: &mut Object<'_>, exception: &mut Exception, problems: &mut Problems) {
    exception.rules = read_rule_match(object, problems);
    exception.request = read_request(object, problems);
    let zones = object.optional::<OneOrMore<ZoneWord>>("zones", problems);
    let name = object.optional::<TextMatch>("name", problems);
    let part = object.optional::<PartWord>("part", problems);
    let text = object.optional::<TextMatch>("value", problems);
    if zones.is_none() && name.is_none() && part.is_none() && text.is_none() {
        return;
    }
    let zones = zones.map_or(ZoneSet::all(), |zones| {
        zones
            .0
            .into_iter()
            .fold(ZoneSet::EMPTY, |all, zone| all.union(zone.0))
    });
    if name.is_some() && !zones.intersects(NAMED) {
        problems.add(
            &object.path_of("name"),
            "fields of these zones have no names; this condition never holds",
        );
    }
    exception.places.push(Place {
        zones,
        parts: part.map_or(PartSet::all(), |part| part.0),
        name,
        text,
    });
}

/// Zones whose fields have names.
const NAMED: ZoneSet = ZoneSet::of(&[
    Zone::QueryString,
    Zone::RequestHeader,
    Zone::Cookies,
    Zone::RequestBody,
    Zone::FileName,
    Zone::FileContent,
]);

/// The zone words of all shapes.
const ZONES: [(&str, ZoneSet); 12] = [
    ("path", ZoneSet::of(&[Zone::Path])),
    ("query_string", ZoneSet::of(&[Zone::QueryString])),
    ("request_header", HEADERS),
    ("headers", HEADERS),
    ("cookies", ZoneSet::of(&[Zone::Cookies])),
    ("request_body", BODY),
    ("body", BODY),
    ("raw_body", ZoneSet::of(&[Zone::RawBody])),
    ("file_name", ZoneSet::of(&[Zone::FileName])),
    ("file_content", ZoneSet::of(&[Zone::FileContent])),
    ("header", HEADERS),
    ("query", ZoneSet::of(&[Zone::QueryString])),
];

/// The zone words that `zones` and `match_zone` know.
pub fn zone_words() -> impl Iterator<Item = &'static str> {
    ZONES.iter().map(|(word, _)| *word)
}

/// The zone words that `match_zones` knows.
pub fn shape_zone_words() -> impl Iterator<Item = &'static str> {
    SHAPE_ZONES.into_iter()
}

/// The words of `match` in `conditions`.
pub fn condition_words() -> impl Iterator<Item = &'static str> {
    let listed = CONDITIONS.iter().map(|(word, ..)| *word);
    listed.chain(["any_url", "file_extension"])
}

/// A word for zones.
struct ZoneWord(ZoneSet);

impl Read for ZoneWord {
    fn read(node: &Node, path: &str, problems: &mut Problems) -> Option<Self> {
        let word = String::read(node, path, problems)?;
        let found = ZONES
            .iter()
            .find(|(name, _)| *name == word)
            .map(|(_, zones)| Self(*zones));
        if found.is_none() {
            let message = not_a(&word, "zone");
            problems.add_unknown(path, message, &word, zone_words());
        }
        found
    }
}

struct PartWord(PartSet);

impl Read for PartWord {
    fn read(node: &Node, path: &str, problems: &mut Problems) -> Option<Self> {
        match String::read(node, path, problems)?.as_str() {
            "name" => Some(Self(PartSet::of(&[Part::Name]))),
            "value" => Some(Self(PartSet::of(&[Part::Value]))),
            _ => {
                problems.add(path, "expected name or value");
                None
            }
        }
    }
}

/// `rule_id` of the written shapes: 0 means every rule.
fn read_rule_id(object: &mut Object<'_>, exception: &mut Exception, problems: &mut Problems) {
    match object.required::<u32>("rule_id", problems) {
        Some(0) => exception.rules.all = true,
        Some(id) => exception.rules.ids.push((id, id)),
        None => {}
    }
}

/// `path` of the written shapes: exact, unless the shape says how to compare. Empty or null means any.
fn read_path(
    object: &mut Object<'_>,
    make: fn(String) -> TextMatch,
    exception: &mut Exception,
    problems: &mut Problems,
) {
    let path = nullable(object, "path", problems);
    if let Some(text) = path.filter(|text| !text.is_empty()) {
        let at = object.path_of("path");
        if let Some(path) = checked(make(text), &at, problems) {
            check_path(&path, &at, problems);
            exception.request.paths.push(path);
        }
    }
}

/// A string that may be null, which means that it was not given.
fn nullable(object: &mut Object<'_>, key: &'static str, problems: &mut Problems) -> Option<String> {
    let at = object.path_of(key);
    match object.node(key) {
        None | Some(Node::Null) => None,
        Some(node) => String::read(node, &at, problems),
    }
}

/// `{"rule_id", "match_zone", "match_pattern", "path", "active"}`.
fn read_one_zone(object: &mut Object<'_>, exception: &mut Exception, problems: &mut Problems) {
    read_rule_id(object, exception, problems);
    read_path(object, TextMatch::Exact, exception, problems);
    let zones = object.required::<ZoneWord>("match_zone", problems);
    let at = object.path_of("match_pattern");
    let pattern = nullable(object, "match_pattern", problems).filter(|text| !text.is_empty());
    let text = match pattern {
        Some(pattern) => match checked(TextMatch::Regex(pattern), &at, problems) {
            Some(text) => Some(text),
            None => return,
        },
        None => None,
    };
    if let Some(ZoneWord(zones)) = zones {
        exception.places.push(Place {
            zones,
            parts: PartSet::all(),
            name: None,
            text,
        });
    }
}

/// `{"rule_id", "match_zones": [{"zone", "zone_input", "matches_on"}], "use_regex", "path", "status"}`.
fn read_zones(object: &mut Object<'_>, exception: &mut Exception, problems: &mut Problems) {
    read_rule_id(object, exception, problems);
    let regex = object
        .optional::<bool>("use_regex", problems)
        .unwrap_or(false);
    if let Some(status) = object.optional::<bool>("status", problems) {
        exception.active &= status;
    }
    read_path(
        object,
        if regex {
            TextMatch::Regex
        } else {
            TextMatch::Exact
        },
        exception,
        problems,
    );
    let at = object.path_of("match_zones");
    let Some(Node::List(zones)) = object.node("match_zones") else {
        problems.add(&at, "expected a list of zones");
        return;
    };
    if zones.is_empty() {
        problems.add(&at, "at least one zone is needed");
    }
    for (index, node) in zones.iter().enumerate() {
        let at = format!("{at}[{index}]");
        if let Some(place) = read_zone_place(node, &at, regex, problems) {
            exception.places.push(place);
        }
    }
}

/// The zone words of the shape with a list of zones.
const SHAPE_ZONES: [&str; 9] = [
    "path",
    "query_string",
    "request_body",
    "request_header",
    "file_name",
    "raw_body",
    "conditional_query_string",
    "conditional_request_body",
    "conditional_request_header",
];

fn read_zone_place(node: &Node, path: &str, regex: bool, problems: &mut Problems) -> Option<Place> {
    let mut object = Object::open(node, path, problems)?;
    let zone = object.required::<String>("zone", problems);
    let input = nullable(&mut object, "zone_input", problems).filter(|text| !text.is_empty());
    let part = match object.node("matches_on") {
        None | Some(Node::Null) => None,
        Some(node) => PartWord::read(node, &format!("{path}.matches_on"), problems),
    };
    object.close(problems);
    let zone = zone?;
    let zones = match zone.trim_start_matches("conditional_") {
        "path" => ZoneSet::of(&[Zone::Path]),
        "query_string" => ZoneSet::of(&[Zone::QueryString]),
        "request_body" => BODY,
        "request_header" => HEADERS,
        "file_name" => ZoneSet::of(&[Zone::FileName]),
        "raw_body" => ZoneSet::of(&[Zone::RawBody]),
        _ => ZoneSet::EMPTY,
    };
    let at = format!("{path}.zone");
    if zones.is_empty() || !SHAPE_ZONES.contains(&zone.as_str()) {
        let message = not_a(&zone, "zone of this shape");
        problems.add_unknown(&at, message, &zone, shape_zone_words());
        return None;
    }
    let conditional = zone.starts_with("conditional_");
    let name = match (conditional, input) {
        (true, Some(name)) => {
            let make = if regex {
                TextMatch::Regex
            } else {
                TextMatch::Exact
            };
            Some(checked(
                make(name),
                &format!("{path}.zone_input"),
                problems,
            )?)
        }
        (true, None) => {
            problems.add(
                path,
                "a conditional zone names one variable in `zone_input`",
            );
            return None;
        }
        (false, Some(_)) => {
            problems.add(
                &format!("{path}.zone_input"),
                format!("only a conditional zone names a variable: `conditional_{zone}`"),
            );
            return None;
        }
        (false, None) => None,
    };
    Some(Place {
        zones,
        parts: part.map_or(PartSet::all(), |part| part.0),
        name,
        text: None,
    })
}

/// `{"rule_id", "conditions": [{"match", "name", "value"}], "operator", "path", "name"}`.
fn read_conditions(object: &mut Object<'_>, exception: &mut Exception, problems: &mut Problems) {
    read_rule_id(object, exception, problems);
    // A title for people.
    object.optional::<String>("name", problems);
    if let Some(status) = object.optional::<bool>("status", problems) {
        exception.active &= status;
    }
    let operator = operator(object, problems);
    read_path(
        object,
        operator.unwrap_or(TextMatch::Exact),
        exception,
        problems,
    );
    let at = object.path_of("conditions");
    let Some(Node::List(conditions)) = object.node("conditions") else {
        problems.add(&at, "expected a list of conditions");
        return;
    };
    if conditions.is_empty() {
        problems.add(&at, "at least one condition is needed");
    }
    for (index, node) in conditions.iter().enumerate() {
        read_condition(
            node,
            &format!("{at}[{index}]"),
            operator,
            exception,
            problems,
        );
    }
}

fn operator(object: &mut Object<'_>, problems: &mut Problems) -> Option<fn(String) -> TextMatch> {
    let word = nullable(object, "operator", problems)?;
    match word.as_str() {
        "regex" => Some(TextMatch::Regex),
        "contains" => Some(TextMatch::Contains),
        _ => {
            problems.add(&object.path_of("operator"), "expected regex or contains");
            None
        }
    }
}

/// The words of `match`: where, in which half, whether one field is named, whether a text is asked for.
const CONDITIONS: [(&str, ZoneSet, Option<Part>, bool); 13] = {
    const QUERY: ZoneSet = ZoneSet::of(&[Zone::QueryString]);
    const FORM: ZoneSet = ZoneSet::of(&[Zone::RequestBody]);
    [
        ("any_http_header_value", HEADERS, Some(Part::Value), false),
        ("any_http_header_name", HEADERS, Some(Part::Name), false),
        (
            "specific_http_header_value",
            HEADERS,
            Some(Part::Value),
            true,
        ),
        ("specific_http_header_name", HEADERS, Some(Part::Name), true),
        ("any_query_string_value", QUERY, Some(Part::Value), false),
        ("any_query_string_name", QUERY, Some(Part::Name), false),
        (
            "specific_query_string_value",
            QUERY,
            Some(Part::Value),
            true,
        ),
        ("specific_query_string_name", QUERY, Some(Part::Name), true),
        ("body_form_field_value", FORM, Some(Part::Value), false),
        ("body_form_field_name", FORM, Some(Part::Name), false),
        (
            "specific_body_form_field_value",
            FORM,
            Some(Part::Value),
            true,
        ),
        (
            "specific_body_form_field_name",
            FORM,
            Some(Part::Name),
            true,
        ),
        ("raw_body", ZoneSet::of(&[Zone::RawBody]), None, false),
    ]
};

fn read_condition(
    node: &Node,
    path: &str,
    outer: Option<fn(String) -> TextMatch>,
    exception: &mut Exception,
    problems: &mut Problems,
) {
    let Some(mut object) = Object::open(node, path, problems) else {
        return;
    };
    let word = object.required::<String>("match", problems);
    let make = operator(&mut object, problems).or(outer);
    // The kind of the condition, as some exports spell it out; it follows from `match`.
    object.optional::<String>("condition_type", problems);
    let name = nullable(&mut object, "name", problems).filter(|text| !text.is_empty());
    let value = nullable(&mut object, "value", problems).filter(|text| !text.is_empty());
    object.close(problems);
    let Some(word) = word else { return };
    if name.is_some() && !word.starts_with("specific_") {
        let message = match word.strip_prefix("any_") {
            Some(rest) if rest != "url" => {
                format!(
                    "this condition concerns every field; say `specific_{rest}` for one of them"
                )
            }
            _ => "this condition has no name to compare".to_owned(),
        };
        problems.add(&format!("{path}.name"), message);
        return;
    }
    let text_at = format!("{path}.value");
    let text = |text: Option<String>, problems: &mut Problems| match text {
        Some(text) => checked(make.unwrap_or(TextMatch::Regex)(text), &text_at, problems).map(Some),
        None => Some(None),
    };
    match word.as_str() {
        "any_url" => {
            // The whole path is meant; what is asked of it is asked of the request.
            if let Some(Some(path)) = text(value, problems) {
                exception.request.paths.push(path);
            }
            exception.places.push(Place {
                zones: ZoneSet::of(&[Zone::Path, Zone::QueryString]),
                parts: PartSet::all(),
                name: None,
                text: None,
            });
        }
        "file_extension" => {
            let Some(text) = text(value, problems) else {
                return;
            };
            // What stands behind the last dot of the file name.
            let text = match text {
                Some(TextMatch::Contains(ending)) => Some(TextMatch::Suffix(format!(
                    ".{}",
                    ending.trim_start_matches('.')
                ))),
                other => other,
            };
            exception.places.push(Place {
                zones: ZoneSet::of(&[Zone::FileName]),
                parts: PartSet::of(&[Part::Value]),
                name: None,
                text,
            });
        }
        _ => {
            let Some((_, zones, part, specific)) =
                CONDITIONS.iter().find(|(name, ..)| *name == word)
            else {
                let message = not_a(&word, "condition");
                problems.add_unknown(&format!("{path}.match"), message, &word, condition_words());
                return;
            };
            // Exports name the field of a `specific_…_value` in `value` where they give no name.
            let (name, value) = match (specific, name, value) {
                (true, None, Some(value)) => (Some(value), None),
                (_, name, value) => (name, value),
            };
            if *specific && name.is_none() {
                problems.add(path, "`name` is missing: which field is meant");
                return;
            }
            let Some(text) = text(value, problems) else {
                return;
            };
            let name = name.map(TextMatch::Exact);
            let parts = part.map_or(PartSet::all(), |part| PartSet::of(&[part]));
            exception.places.push(Place {
                zones: *zones,
                parts,
                name,
                text,
            });
        }
    }
}
