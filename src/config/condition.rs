//! `when` of a rule, read: conditions on the request as a whole, nested.
//!
//! An object is one condition of one sort:
//!
//! | keys | holds if |
//! |---|---|
//! | `all`, `any`: a list; `not`: one condition | each, one, or none of it holds |
//! | `path`, `host`, `method`, `client_address` | the request is so; what stands together holds together |
//! | `field` or `header`, with tests beside it | some field is there that passes all tests |

use super::matching::{Networks, OneOrMore, checked, read_request};
use super::node::Node;
use super::problem::Problems;
use super::read::{Object, Read, Word, wrong};
use super::rule::{
    DEFAULT_VIEWS, DEFAULT_ZONES, Set, checked_literals, count_literals, whole_bodies,
};
use crate::model::{
    Addresses, Comparison, Condition, Detector, FieldCondition, Matcher, Named, Number, Part,
    PartSet, Range, RequestCondition, RequestMatch, TextMatch, ValueTest, View, ViewSet, Zone,
    ZoneSet,
};

/// How deep conditions may stand in each other.
const MOST_DEEP: usize = 8;
/// Conditions of one rule that look at the request or at fields.
const MOST_LEAVES: usize = 64;

/// Reads `when` of a rule. `views` is what the rule says for all its conditions, if it does.
pub(super) fn read_when(
    object: &mut Object<'_>,
    views: Option<ViewSet>,
    problems: &mut Problems,
) -> Option<Matcher> {
    for key in [
        "literals",
        "regex",
        "detector",
        "anomalies",
        "zones",
        "parts",
    ] {
        if object.has(key) {
            object.node(key);
            let what = match key {
                "zones" | "parts" => "say where to look in each `field`",
                "anomalies" => "a rule on anomalies is a rule of its own",
                _ => "put the test beside a `field`",
            };
            problems.add(
                &object.path_of(key),
                format!("has no meaning beside `when`; {what}"),
            );
        }
    }
    let path = object.path_of("when");
    let node = object.node("when")?;
    let mut reader = Reader {
        views,
        leaves: 0,
        problems,
    };
    let condition = reader.condition(node, &path, 0);
    if reader.leaves > MOST_LEAVES {
        let found = reader.leaves;
        let message = format!("{found} conditions; a rule has at most {MOST_LEAVES}");
        problems.add(&path, message);
        return None;
    }
    condition.map(Matcher::When)
}

struct Reader<'a> {
    views: Option<ViewSet>,
    leaves: usize,
    problems: &'a mut Problems,
}

/// The keys that tell what sort of condition an object is; those of one group may stand together.
const SORTS: [&[&str]; 6] = [
    &["all"],
    &["any"],
    &["not"],
    &["path", "host", "method", "client_address"],
    &["field"],
    &["header"],
];

impl Reader<'_> {
    fn condition(&mut self, node: &Node, path: &str, depth: usize) -> Option<Condition> {
        if depth > MOST_DEEP {
            self.problems.add(
                path,
                format!("conditions stand in each other more than {MOST_DEEP} deep"),
            );
            return None;
        }
        let mut object = Object::open(node, path, self.problems)?;
        let given: Vec<&str> = SORTS
            .iter()
            .filter_map(|keys| keys.iter().copied().find(|key| object.has(key)))
            .collect();
        let [sort] = given.as_slice() else {
            for key in SORTS.iter().copied().flatten() {
                object.node(key);
            }
            if given.len() > 1 {
                let message = format!(
                    "{} are conditions of their own; put them into `all`, one object each",
                    given.join(" and ")
                );
                self.problems.add(path, message);
            } else {
                let before = self.problems.count();
                object.close(self.problems);
                if self.problems.count() == before {
                    self.problems.add(path, "the condition is empty");
                }
            }
            return None;
        };
        let condition = match *sort {
            "all" => self
                .list(&mut object, "all", depth)
                .map(|inner| self.all(inner, path)),
            "any" => self.list(&mut object, "any", depth).map(Condition::Any),
            "not" => {
                let at = object.path_of("not");
                let node = object.node("not")?;
                self.condition(node, &at, depth.saturating_add(1))
                    .map(|inner| Condition::Not(Box::new(inner)))
            }
            "field" => self.field(&mut object, path).map(Condition::Field),
            "header" => self.header(&mut object, path).map(Condition::Field),
            _ => self.request(&mut object).map(Condition::Request),
        };
        object.close(self.problems);
        condition
    }

    fn list(
        &mut self,
        object: &mut Object<'_>,
        key: &'static str,
        depth: usize,
    ) -> Option<Vec<Condition>> {
        let at = object.path_of(key);
        let node = object.node(key)?;
        let Node::List(items) = node else {
            return wrong(node, &at, "a list of conditions", self.problems);
        };
        if items.is_empty() {
            self.problems
                .add(&at, "the list is empty; at least one condition is needed");
            return None;
        }
        let read: Vec<Option<Condition>> = items
            .iter()
            .enumerate()
            .map(|(index, item)| {
                self.condition(item, &format!("{at}[{index}]"), depth.saturating_add(1))
            })
            .collect();
        read.into_iter().collect()
    }

    /// Notes conditions on the request that exclude each other.
    fn all(&mut self, inner: Vec<Condition>, path: &str) -> Condition {
        let requests: Vec<&RequestMatch> = inner
            .iter()
            .filter_map(|condition| match condition {
                Condition::Request(request) => Some(&request.request),
                _ => None,
            })
            .collect();
        for (index, one) in requests.iter().enumerate() {
            for other in requests.iter().skip(index.saturating_add(1)) {
                let methods = !one.methods.is_empty()
                    && !other.methods.is_empty()
                    && !one.methods.iter().any(|name| other.methods.contains(name));
                let what = if methods {
                    "method"
                } else if apart(&one.paths, &other.paths) {
                    "path"
                } else if apart(&one.hosts, &other.hosts) {
                    "host"
                } else {
                    continue;
                };
                self.problems.add(
                    &format!("{path}.all"),
                    format!("never holds: no request has both {what}s; use `any`, or one list"),
                );
            }
        }
        Condition::All(inner)
    }

    fn request(&mut self, object: &mut Object<'_>) -> Option<RequestCondition> {
        self.leaves = self.leaves.saturating_add(1);
        let before = self.problems.count();
        let request = read_request(object, self.problems);
        let clients = object
            .optional::<Clients>("client_address", self.problems)
            .map(|clients| clients.0);
        (self.problems.count() == before).then_some(RequestCondition { request, clients })
    }

    fn header(&mut self, object: &mut Object<'_>, path: &str) -> Option<FieldCondition> {
        let name = object.optional::<TextMatch>("header", self.problems);
        if let Some(TextMatch::Exact(name)) = &name {
            let at = object.path_of("header");
            if name.eq_ignore_ascii_case("cookie") {
                self.problems.add(
                    &at,
                    "cookies are fields of their own: { \"field\": { \"zones\": [\"cookies\"], \"name\": … } }",
                );
            } else if name.is_empty() || name.contains([':', ' ']) {
                self.problems.add(
                    &at,
                    "expected the name of a header; method, path and host are conditions of their own",
                );
            }
        }
        let known = name.is_some();
        let place = Place {
            zones: ZoneSet::of(&[Zone::RequestHeader]),
            parts: PartSet::of(&[Part::Value]),
            name,
        };
        // What stands beside it is looked at all the same, for its own problems.
        self.tests(object, place, path).filter(|_| known)
    }

    fn field(&mut self, object: &mut Object<'_>, path: &str) -> Option<FieldCondition> {
        let place = object.optional::<Place>("field", self.problems);
        match place {
            Some(place) => self.tests(object, place, path),
            None => {
                // What stands beside it is looked at all the same, for its own problems.
                let anywhere = Place {
                    zones: DEFAULT_ZONES,
                    parts: PartSet::all(),
                    name: None,
                };
                self.tests(object, anywhere, path);
                None
            }
        }
    }

    /// Reads the tests beside a `field` or `header`.
    fn tests(
        &mut self,
        object: &mut Object<'_>,
        place: Place,
        path: &str,
    ) -> Option<FieldCondition> {
        self.leaves = self.leaves.saturating_add(1);
        let before = self.problems.count();
        type Make = fn(String) -> TextMatch;
        const TEXTS: [(&str, Make); 7] = [
            ("equals", TextMatch::Exact),
            ("exact", TextMatch::Exact),
            ("prefix", TextMatch::Prefix),
            ("suffix", TextMatch::Suffix),
            ("contains", TextMatch::Contains),
            ("glob", TextMatch::Glob),
            ("regex", TextMatch::Regex),
        ];
        let mut tests = Vec::new();
        let mut compares = false;
        let mut searches = false;
        for (key, make) in TEXTS {
            let Some(OneOrMore(texts)) = object.optional::<OneOrMore<String>>(key, self.problems)
            else {
                continue;
            };
            let at = object.path_of(key);
            if key == "exact" && object.has("equals") {
                self.problems.add(&at, "says the same as equals; keep one");
            }
            if !matches!(key, "equals" | "exact") && texts.iter().any(String::is_empty) {
                self.problems
                    .add(&at, "an empty text says nothing; every value would do");
            }
            if key != "regex" {
                count_literals(texts.iter(), &at, self.problems);
            }
            searches |= key == "regex";
            compares |= key != "regex";
            let texts = texts
                .into_iter()
                .filter_map(|text| checked(make(text), &at, self.problems));
            tests.push(ValueTest::Texts(texts.collect()));
        }
        if let Some(literals) = object.optional::<Vec<String>>("literals", self.problems) {
            let at = object.path_of("literals");
            searches = true;
            if let Some(literals) = checked_literals(literals, &at, self.problems) {
                tests.push(ValueTest::Literals(literals));
            }
        }
        if let Some(Word(detector)) = object.optional::<Word<Detector>>("detector", self.problems) {
            searches = true;
            tests.push(ValueTest::Detector(detector));
        }
        if let Some(Bounds(range)) = object.optional("length", self.problems) {
            tests.push(ValueTest::Length(range));
        }
        if let Some(Comparisons(number)) = object.optional("number", self.problems) {
            tests.push(ValueTest::Number(number));
        }
        let count = object
            .optional::<Bounds>("count", self.problems)
            .map(|bounds| bounds.0);
        let ignore_case = object.optional::<bool>("ignore_case", self.problems);
        if ignore_case.is_some() && !compares {
            self.problems.add(
                &object.path_of("ignore_case"),
                "has no meaning here; it goes with equals, prefix, suffix, contains, glob",
            );
        }
        let views = object
            .optional::<Set<View, ViewSet>>("views", self.problems)
            .map(|set| set.0);
        if self.problems.count() > before {
            return None;
        }
        if tests.is_empty() && count.is_none() {
            self.problems.add(
                path,
                "what must the field be? One of equals, prefix, suffix, contains, glob, regex, literals, detector, length, number, count is needed; `\"count\": { \"min\": 1 }` means that it is there",
            );
            return None;
        }
        if never(&tests) {
            self.problems
                .add(path, "never holds: no such text has that length");
        }
        // What searches for attacks looks where rules look; what compares means the value as the
        // application reads it.
        let default = if searches {
            DEFAULT_VIEWS
        } else {
            ViewSet::of(&[View::Plain])
        };
        Some(FieldCondition {
            zones: place.zones,
            parts: place.parts,
            name: place.name,
            views: views.or(self.views).unwrap_or(default),
            tests,
            ignore_case: ignore_case.unwrap_or(false),
            count,
        })
    }
}

/// Whether two lists of exact texts have none in common.
fn apart(one: &[TextMatch], other: &[TextMatch]) -> bool {
    let exact = |texts: &[TextMatch]| {
        !texts.is_empty() && texts.iter().all(|text| matches!(text, TextMatch::Exact(_)))
    };
    exact(one) && exact(other) && !one.iter().any(|text| other.contains(text))
}

/// Whether lengths and texts exclude each other.
fn never(tests: &[ValueTest]) -> bool {
    let ranges = || {
        tests.iter().filter_map(|test| match test {
            ValueTest::Length(range) => Some(*range),
            _ => None,
        })
    };
    let fits = |text: &TextMatch| match text {
        TextMatch::Exact(text) => ranges().all(|range| range.contains(text.len() as u32)),
        TextMatch::Prefix(text) | TextMatch::Suffix(text) | TextMatch::Contains(text) => {
            ranges().all(|range| text.len() as u32 <= range.max)
        }
        TextMatch::Glob(_) | TextMatch::Regex(_) => true,
    };
    tests
        .iter()
        .any(|test| matches!(test, ValueTest::Texts(texts) if !texts.iter().any(fits)))
}

/// One address or network, or a list of them.
struct Clients(Addresses);

impl Read for Clients {
    fn read(node: &Node, path: &str, problems: &mut Problems) -> Option<Self> {
        let list = match node {
            Node::List(items) if items.is_empty() => {
                problems.add(path, "the list is empty; at least one network is needed");
                return None;
            }
            Node::List(_) => return Networks::read(node, path, problems).map(|it| Self(it.0)),
            Node::Text(_) => Node::List(vec![node.clone()]),
            _ => return wrong(node, path, "a network, or a list of them", problems),
        };
        Networks::read(&list, path, problems).map(|it| Self(it.0))
    }
}

/// Where a condition looks: the name of a field, or `{"zones", "name", "parts"}`.
struct Place {
    zones: ZoneSet,
    parts: PartSet,
    name: Option<TextMatch>,
}

/// Zones whose fields have no names.
const NAMELESS: ZoneSet = ZoneSet::of(&[Zone::Path, Zone::RawBody]);

impl Read for Place {
    fn read(node: &Node, path: &str, problems: &mut Problems) -> Option<Self> {
        if let Node::Text(name) = node {
            return checked(TextMatch::Exact(name.clone()), path, problems).map(|name| Self {
                zones: DEFAULT_ZONES,
                parts: PartSet::of(&[Part::Value]),
                name: Some(name),
            });
        }
        let mut object = Object::open(node, path, problems)?;
        let before = problems.count();
        let zones = object.optional::<Set<Zone, ZoneSet>>("zones", problems);
        let name = object.optional::<TextMatch>("name", problems);
        let parts = object.optional::<Set<Part, PartSet>>("parts", problems);
        if let (Some(zones), Some(_)) = (&zones, &name)
            && zones.0.iter().all(|zone| NAMELESS.contains(zone))
        {
            problems.add(
                &object.path_of("name"),
                "fields of these zones have no names; this condition never holds",
            );
        }
        object.close(problems);
        (problems.count() == before).then_some(Self {
            zones: zones.map_or(DEFAULT_ZONES, |set| whole_bodies(set.0)),
            parts: parts.map_or(PartSet::of(&[Part::Value]), |set| set.0),
            name,
        })
    }
}

/// `{"min", "max"}`, one of them or both.
struct Bounds(Range);

impl Read for Bounds {
    fn read(node: &Node, path: &str, problems: &mut Problems) -> Option<Self> {
        let mut object = Object::open(node, path, problems)?;
        let before = problems.count();
        let min = object.optional::<u32>("min", problems);
        let max = object.optional::<u32>("max", problems);
        object.close(problems);
        if problems.count() > before {
            return None;
        }
        let range = Range {
            min: min.unwrap_or(0),
            max: max.unwrap_or(u32::MAX),
        };
        if min.is_none() && max.is_none() {
            problems.add(path, "expected min, max or both");
        } else if range.min > range.max {
            problems.add(path, "never holds: min is larger than max");
        } else if range.min == 0 && range.max == u32::MAX {
            problems.add(path, "always holds");
        }
        Some(Self(range))
    }
}

/// `{"lt", "le", "gt", "ge", "eq"}`, each with a number.
struct Comparisons(Vec<(Comparison, Number)>);

impl Read for Comparisons {
    fn read(node: &Node, path: &str, problems: &mut Problems) -> Option<Self> {
        let mut object = Object::open(node, path, problems)?;
        let before = problems.count();
        let mut list = Vec::new();
        for comparison in Comparison::ALL {
            if let Some(Exactly(number)) = object.optional(comparison.name(), problems) {
                list.push((*comparison, number));
            }
        }
        object.close(problems);
        if problems.count() > before {
            return None;
        }
        if list.is_empty() {
            problems.add(path, "expected at least one of lt, le, gt, ge, eq");
            return None;
        }
        // With what is asked for from below put to what is asked for from above.
        let excluded = list.iter().any(|(one, low)| {
            list.iter().any(|(other, high)| {
                let lower = matches!(one, Comparison::Gt | Comparison::Ge | Comparison::Eq);
                let upper = matches!(other, Comparison::Lt | Comparison::Le | Comparison::Eq);
                let strict = *one == Comparison::Gt || *other == Comparison::Lt;
                lower
                    && upper
                    && (Comparison::Gt.holds(*low, *high)
                        || strict && Comparison::Eq.holds(*low, *high))
            })
        });
        if excluded {
            problems.add(path, "never holds: no number is both");
        }
        Some(Self(list))
    }
}

struct Exactly(Number);

impl Read for Exactly {
    fn read(node: &Node, path: &str, problems: &mut Problems) -> Option<Self> {
        let number = match node {
            Node::Integer(number) => Some(Number::whole(*number)),
            Node::Fraction(number) => Number::fraction(*number),
            _ => None,
        };
        match number {
            Some(number) => Some(Self(number)),
            None => wrong(node, path, "a number", problems),
        }
    }
}
