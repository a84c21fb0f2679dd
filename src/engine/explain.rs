//! Why a verdict is what it is: where in a text a rule matches, what a hit is worth, what a rule does in a
//! scope. For people who ask afterwards; no request passes through here.

use std::ops::Range;

use super::compile::{CompiledRule, Effect, Engine, Test};
use super::inspect::Inspection;
use super::pattern::Pattern;
use super::prefilter::RuleIndex;
use super::text::Text;
use crate::config::pattern;
use crate::detect::sql_injection;
use crate::model::{
    Category, Condition, Detector, FieldCondition, Matcher, Named as _, Number, Part, Rule,
    TextMatch, ValueTest, Zone,
};

/// Where a rule matches a text, and what it sees in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The bytes that match, in order, without overlaps; at most [`Found::MOST`].
    pub spans: Vec<Range<usize>>,
    /// What a detector calls it: of SQL its name and the fingerprint of the tokens.
    pub by: Option<String>,
}

impl Found {
    /// Spans that are listed.
    pub const MOST: usize = 100;

    fn of(spans: impl Iterator<Item = Range<usize>>) -> Option<Self> {
        let spans: Vec<_> = spans.take(Self::MOST).collect();
        (!spans.is_empty()).then_some(Self { spans, by: None })
    }
}

/// One half of a field in one of its forms.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The zone of the field.
    pub zone: Zone,
    /// The half.
    pub part: Part,
    /// The name of the field, decoded once.
    pub name: &'a [u8],
    /// The text of that half in that form.
    pub text: &'a [u8],
}

/// Whether a text is what a policy asks for. `fold` compares without regard to ASCII case; a regular
/// expression says that itself.
pub fn text_matches(wanted: &TextMatch, text: &[u8], fold: bool) -> bool {
    text_matcher(wanted)(text, fold)
}

/// The same for many texts: a pattern is compiled once.
pub fn text_matcher(wanted: &TextMatch) -> impl Fn(&[u8], bool) -> bool + use<> {
    let compiled = Text::new(wanted);
    move |text, fold| compiled.matches(text, fold)
}

impl Engine {
    /// The bytes that the rule of that id matches in a text, if it matches it. Of a rule with conditions,
    /// what those of its conditions that look at the field match.
    pub fn explain(&self, id: u32, seen: &Seen<'_>) -> Option<Found> {
        let (.., compiled) = self.numbered(id)?;
        match &compiled.rule.matcher {
            Matcher::When(condition) => {
                let mut spans = Vec::new();
                leaves(condition, &mut |leaf| {
                    if looks_at(leaf, seen) {
                        spans.extend(passed(leaf, seen));
                    }
                });
                Found::of(merged(spans).into_iter())
            }
            _ => found_by(&compiled.test, seen),
        }
    }

    /// What a hit of that rule adds to the sums in the scope of a request, overrides included.
    pub fn worth(&self, inspection: &Inspection, id: u32) -> &[(Category, u32)] {
        self.score(inspection.scope_index(), id)
    }

    /// What the rule of that id does in a scope, by the index of the scope in the configuration; `None` for
    /// all requests that no scope concerns.
    pub fn effect(&self, scope: Option<usize>, id: u32) -> Effect {
        let scope = scope.map_or(Some(&self.default_scope), |index| self.scopes.get(index));
        match (scope, self.numbered(id)) {
            (Some(scope), Some((set, index, _))) => scope.effect(set, index),
            _ => Effect::Off,
        }
    }

    /// What a hit of that rule adds to the sums in a scope, as [`Engine::effect`] counts them.
    pub fn score(&self, scope: Option<usize>, id: u32) -> &[(Category, u32)] {
        let scope = scope.map_or(Some(&self.default_scope), |index| self.scopes.get(index));
        let (Some(scope), Some((set, index, compiled))) = (scope, self.numbered(id)) else {
            return &[];
        };
        let own = scope.scores.get(&(set as u8, index));
        own.unwrap_or(&compiled.rule.score)
    }

    /// The bytes that the pattern of a rule takes once it is compiled; `None` for a rule without one.
    pub fn pattern_bytes(rule: &Rule) -> Option<usize> {
        match &rule.matcher {
            Matcher::Regex(text) => pattern::parse(text)
                .and_then(|hir| pattern::check_size(&hir))
                .ok(),
            _ => None,
        }
    }

    fn numbered(&self, id: u32) -> Option<(usize, RuleIndex, &CompiledRule)> {
        self.sets.iter().enumerate().find_map(|(set, rules)| {
            let index = rules.rules.iter().position(|rule| rule.rule.id == id)?;
            Some((
                set,
                RuleIndex::try_from(index).ok()?,
                rules.rules.get(index)?,
            ))
        })
    }
}

fn found_by(test: &Test, seen: &Seen<'_>) -> Option<Found> {
    let text = seen.text;
    match test {
        Test::Byte(byte) => Found::of(
            text.iter()
                .enumerate()
                .filter(|(_, own)| own.eq_ignore_ascii_case(byte))
                .map(|(at, _)| at..at.saturating_add(1)),
        ),
        Test::Texts(automaton) => Found::of(automaton.find_iter(text).map(|found| found.range())),
        Test::Pattern(pattern) => Found::of(pattern.find_all(text, Found::MOST).into_iter()),
        Test::Detector(detector) if seen.zone == Zone::Path => {
            // Each segment by itself, as the engine asks.
            let mut start = 0_usize;
            text.split(|byte| *byte == b'/').find_map(|segment| {
                let at = start;
                start = start.saturating_add(segment.len()).saturating_add(1);
                let mut found = detected(*detector, segment)?;
                for span in &mut found.spans {
                    *span = span.start.saturating_add(at)..span.end.saturating_add(at);
                }
                Some(found)
            })
        }
        Test::Detector(detector) => detected(*detector, text),
        Test::Anomalies(_) | Test::When => None,
    }
}

/// A detector reads a text as a whole, so all of it is what matches.
fn detected(detector: Detector, text: &[u8]) -> Option<Found> {
    let fingerprint = match detector {
        Detector::LibinjectionSql => Some(sql_injection::is_sql_injection(text)?),
        Detector::LibinjectionSqlInContext => Some(sql_injection::in_context(text)?),
        Detector::LibinjectionXss | Detector::LibinjectionXssInContext => {
            detector.matches(text).then_some(None)?
        }
    };
    let by = match fingerprint {
        Some(fingerprint) => format!("{} {}", detector.name(), fingerprint.as_str()),
        None => detector.name().to_owned(),
    };
    let whole = 0..text.len();
    Some(Found {
        spans: vec![whole],
        by: Some(by),
    })
}

/// Calls back with every condition on fields that speaks for the rule where it holds.
fn leaves<'a>(condition: &'a Condition, found: &mut impl FnMut(&'a FieldCondition)) {
    match condition {
        Condition::All(inner) | Condition::Any(inner) => {
            inner.iter().for_each(|inner| leaves(inner, found));
        }
        Condition::Field(field) => found(field),
        Condition::Not(_) | Condition::Request(_) => {}
    }
}

fn looks_at(leaf: &FieldCondition, seen: &Seen<'_>) -> bool {
    let named = leaf
        .name
        .as_ref()
        .is_none_or(|name| Text::new(name).matches(seen.name, seen.zone == Zone::RequestHeader));
    leaf.zones.contains(seen.zone) && leaf.parts.contains(seen.part) && named
}

/// What the tests of a leaf match; nothing if one of them fails.
fn passed(leaf: &FieldCondition, seen: &Seen<'_>) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    for test in &leaf.tests {
        match test_spans(test, leaf.ignore_case, seen) {
            Some(found) => spans.extend(found),
            None => return Vec::new(),
        }
    }
    spans
}

fn test_spans(test: &ValueTest, fold: bool, seen: &Seen<'_>) -> Option<Vec<Range<usize>>> {
    let text = seen.text;
    let spans = match test {
        ValueTest::Texts(texts) => texts
            .iter()
            .flat_map(|wanted| text_spans(wanted, fold, text))
            .collect(),
        ValueTest::Literals(literals) => literals
            .iter()
            .flat_map(|literal| occurrences(literal.as_bytes(), true, text))
            .collect(),
        ValueTest::Detector(detector) => {
            found_by(&Test::Detector(*detector), seen).map_or_else(Vec::new, |found| found.spans)
        }
        ValueTest::Length(range) => {
            let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
            return range.contains(length).then(Vec::new);
        }
        ValueTest::Number(wanted) => {
            let number = Number::parse(text)?;
            let holds = wanted
                .iter()
                .all(|(comparison, to)| comparison.holds(number, *to));
            return holds.then(|| std::iter::once(0..text.len()).collect());
        }
    };
    (!spans.is_empty()).then_some(spans)
}

fn text_spans(wanted: &TextMatch, fold: bool, text: &[u8]) -> Vec<Range<usize>> {
    let whole = 0..text.len();
    let one = |span: Range<usize>| std::iter::once(span).collect();
    if !Text::new(wanted).matches(text, fold) {
        return Vec::new();
    }
    match wanted {
        TextMatch::Exact(_) | TextMatch::Glob(_) => one(whole),
        TextMatch::Prefix(start) => one(0..start.len()),
        TextMatch::Suffix(end) => one(text.len().saturating_sub(end.len())..text.len()),
        TextMatch::Contains(part) => occurrences(part.as_bytes(), fold, text),
        TextMatch::Regex(regex) => Pattern::new(regex).find_all(text, Found::MOST),
    }
}

fn occurrences(part: &[u8], fold: bool, text: &[u8]) -> Vec<Range<usize>> {
    if part.is_empty() {
        return Vec::new();
    }
    text.windows(part.len())
        .enumerate()
        .filter(|(_, window)| match fold {
            true => window.eq_ignore_ascii_case(part),
            false => *window == part,
        })
        .map(|(at, window)| at..at.saturating_add(window.len()))
        .take(Found::MOST)
        .collect()
}

/// Spans in order, those that touch put together.
fn merged(mut spans: Vec<Range<usize>>) -> Vec<Range<usize>> {
    spans.sort_unstable_by_key(|span| (span.start, span.end));
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(spans.len());
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
            _ => merged.push(span),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn matches_are_found_where_they_stand() {
        let policy = br#"{"rules": [
            {"id": 100001, "regex": "b+", "score": {"scanner": 4}},
            {"id": 100002, "literals": ["One", "three"], "score": {"scanner": 4}},
            {"id": 100003, "score": {"scanner": 4}, "when": {"all": [
                {"path": "/a"},
                {"field": {"zones": ["query_string"], "name": "q"}, "contains": "x", "length": {"min": 3}},
                {"not": {"field": "z", "contains": "y"}}]}},
            {"id": 100004, "score": {"scanner": 4}, "when":
                {"field": "n", "number": {"gt": 5}}}
        ]}"#;
        let engine = Config::parse(policy)
            .and_then(Engine::compile)
            .expect("a policy");
        for (rule, zone, name, text, expected, by) in [
            (100_001, Zone::QueryString, "", "abba b", "1-3 5-6", None),
            (100_001, Zone::QueryString, "", "xyz", "", None),
            (100_002, Zone::Cookies, "", "THREE one", "0-5 6-9", None),
            (100_003, Zone::QueryString, "q", "axxa", "1-3", None),
            (100_003, Zone::QueryString, "q", "xx", "", None),
            (100_003, Zone::QueryString, "r", "axxa", "", None),
            (100_003, Zone::QueryString, "z", "yyy", "", None),
            (100_004, Zone::RequestBody, "n", "17", "0-2", None),
            (100_004, Zone::RequestBody, "n", "3", "", None),
            (1_013, Zone::QueryString, "", "a'b'", "1-2 3-4", None),
            (
                17,
                Zone::QueryString,
                "id",
                "1' or '1'='1",
                "0-12",
                Some("libinjection_sql s&sos"),
            ),
            (
                17,
                Zone::Path,
                "",
                "/a/1' or '1'='1/b",
                "3-15",
                Some("libinjection_sql s&sos"),
            ),
            (17, Zone::QueryString, "id", "plain", "", None),
        ] {
            let seen = Seen {
                zone,
                part: Part::Value,
                name: name.as_bytes(),
                text: text.as_bytes(),
            };
            let found = engine.explain(rule, &seen).unwrap_or_default();
            let spans: Vec<_> = found
                .spans
                .iter()
                .map(|span| format!("{}-{}", span.start, span.end))
                .collect();
            assert_eq!(spans.join(" "), expected, "{rule} {text}");
            assert_eq!(found.by.as_deref(), by, "{rule} {text}");
            if rule < 100_000 {
                let counts = engine.matches(rule, zone, text.as_bytes());
                assert_eq!(counts, !expected.is_empty(), "{rule} {text}");
            }
        }
    }

    /// Each shipped rule finds its own samples where the engine does.
    #[test]
    fn whatever_matches_is_explained() {
        let engine = Engine::compile(Config::default()).expect("the default policy");
        let samples: Vec<serde_json::Value> =
            serde_json::from_str(crate::config::SHIPPED_SAMPLES).expect("samples");
        let mut explained = 0;
        for rule in &samples {
            let id = rule["id"].as_u64().expect("an id") as u32;
            let texts = ["attacks", "benign"].map(|key| rule[key].as_array().into_iter().flatten());
            for text in texts.into_iter().flatten().filter_map(|text| text.as_str()) {
                let seen = Seen {
                    zone: Zone::RequestBody,
                    part: Part::Value,
                    name: b"",
                    text: text.as_bytes(),
                };
                let found = engine.explain(id, &seen);
                assert_eq!(
                    engine.matches(id, seen.zone, seen.text),
                    found.is_some(),
                    "{id} {text}"
                );
                if let Some(found) = found {
                    explained += 1;
                    for span in found.spans {
                        assert!(text.as_bytes().get(span).is_some(), "{id} {text}");
                    }
                }
            }
        }
        assert!(explained > 500, "{explained}");
    }
}
