//! One line of a log: a record of a decision, the line of an access log that carries one, or neither.

use jiff::Timestamp;
use palisade::model::{Action, Category, Part, Zone, parse_name};
use serde::Deserialize;
use serde_json::Value;

/// What the beginning of a record looks like, behind whatever prefix the log puts before it.
const RECORD: &[u8] = b"{\"record\":";
/// The version of records that is read.
const VERSION: u64 = 1;

/// One match: a rule, and where it hit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Match {
    pub(crate) rule: u32,
    pub(crate) zone: Zone,
    pub(crate) part: Part,
    /// The name of the field, with what looked like a secret struck out.
    pub(crate) name: String,
    /// A piece of what matched, where the policy asks for such.
    pub(crate) excerpt: Option<String>,
}

/// What a line says of one request. What it does not say is empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    /// A record of the module, not the line of an access log.
    pub(crate) is_record: bool,
    /// Seconds since 1970-01-01 (UTC).
    pub(crate) time: Option<i64>,
    pub(crate) request_id: String,
    pub(crate) client: String,
    pub(crate) method: String,
    pub(crate) host: String,
    /// The path, without the query.
    pub(crate) path: String,
    /// What was decided; `None` where the request never came to the firewall.
    pub(crate) action: Option<Action>,
    pub(crate) reasons: Vec<Category>,
    pub(crate) rules: Vec<u32>,
    pub(crate) matches: Vec<Match>,
    /// Matches beyond these.
    pub(crate) more: u64,
    pub(crate) uninspected: Vec<String>,
    pub(crate) exceptions: Vec<String>,
    pub(crate) expired: Vec<String>,
    pub(crate) scope: Option<String>,
    pub(crate) policy: String,
    pub(crate) revision: String,
    /// Records that were left out before this one, because they came too fast.
    pub(crate) dropped: u64,
}

/// What a line came to.
#[derive(Debug)]
pub(crate) enum Read {
    Entry(Box<Entry>),
    /// Something else that stands in the same log.
    Other,
}

/// The decision, in a record and in the `waf` of an access log alike.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Decision {
    action: Option<String>,
    reasons: Vec<String>,
    rules: Vec<u32>,
    matches: Vec<String>,
    more: u64,
    uninspected: Vec<String>,
    exceptions: Vec<String>,
    expired: Vec<String>,
    scope: Option<String>,
    policy: Option<String>,
    revision: Option<String>,
    dropped: u64,
    excerpts: Vec<Excerpt>,
}

#[derive(Deserialize)]
struct Excerpt {
    #[serde(rename = "match")]
    index: usize,
    text: String,
}

/// What stands around it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Around {
    record: Option<u64>,
    #[serde(alias = "start_time")]
    time: Option<String>,
    request_id: Option<String>,
    #[serde(alias = "downstream_remote_address")]
    client: Option<String>,
    method: Option<String>,
    #[serde(alias = "authority", alias = ":authority")]
    host: Option<String>,
    path: Option<String>,
    waf_action: Option<String>,
    waf: Option<Value>,
}

impl Read {
    /// Reads one line.
    ///
    /// # Errors
    /// Why it cannot be read, though it begins as if it could.
    pub(crate) fn of_line(line: &[u8]) -> Result<Self, String> {
        let start = find(line, RECORD);
        let (start, is_record) = match start {
            Some(start) => (start, true),
            // The line of an access log is all of its line; others hold braces too.
            None => match line.iter().position(|byte| !byte.is_ascii_whitespace()) {
                Some(start) if line.get(start) == Some(&b'{') => (start, false),
                _ => return Ok(Self::Other),
            },
        };
        let text = line.get(start..).unwrap_or_default();
        let wrong = |error: serde_json::Error| crate::input::explained(&error, start);
        // A log may go on behind the record on the same line.
        let mut values = serde_json::Deserializer::from_slice(text).into_iter::<Value>();
        let value = match values.next() {
            Some(value) => value.map_err(wrong)?,
            None => return Ok(Self::Other),
        };
        let around = Around::deserialize(&value).map_err(|error| error.to_string())?;
        if is_record {
            if around.record != Some(VERSION) {
                return Err(format!(
                    "a record of a version that is not known; {VERSION} is"
                ));
            }
            let decision = Decision::deserialize(&value).map_err(|error| error.to_string())?;
            return Entry::new(around, decision, true).map(Self::of);
        }
        if around.method.is_none() || around.path.is_none() {
            return Ok(Self::Other);
        }
        let mut decision = decision_of(around.waf.as_ref())?;
        if decision.action.is_none() {
            decision.action = around.waf_action.clone().filter(|word| word != "-");
        }
        Entry::new(around, decision, false).map(Self::of)
    }

    fn of(entry: Entry) -> Self {
        Self::Entry(Box::new(entry))
    }
}

/// The decision as an access log carries it: as text, as an object, or as an object with the text or the
/// object in its `value`.
fn decision_of(waf: Option<&Value>) -> Result<Decision, String> {
    match waf {
        None | Some(Value::Null) => Ok(Decision::default()),
        Some(Value::String(text)) if text.is_empty() || text == "-" => Ok(Decision::default()),
        Some(Value::String(text)) => {
            serde_json::from_str(text).map_err(|error| format!("waf: {error}"))
        }
        Some(Value::Object(object)) => match object.get("value") {
            Some(inner) if !object.contains_key("action") => decision_of(Some(inner)),
            _ => Decision::deserialize(object).map_err(|error| format!("waf: {error}")),
        },
        Some(_) => Err("waf: neither text nor an object".to_owned()),
    }
}

impl Entry {
    fn new(around: Around, decision: Decision, is_record: bool) -> Result<Self, String> {
        let text = |text: Option<String>| text.filter(|text| text != "-").unwrap_or_default();
        let time = text(around.time);
        let time = match time.is_empty() {
            true => None,
            false => Some(
                time.parse::<Timestamp>()
                    .map_err(|_| "time: not a time as RFC 3339 has it".to_owned())?
                    .as_second(),
            ),
        };
        let action = match decision.action {
            None => None,
            Some(word) => Some(
                parse_name(&word).ok_or_else(|| "action: not a word that is known".to_owned())?,
            ),
        };
        let mut matches = decision
            .matches
            .iter()
            .map(|text| Match::read(text))
            .collect::<Result<Vec<_>, _>>()?;
        for excerpt in decision.excerpts {
            if let Some(one) = matches.get_mut(excerpt.index) {
                one.excerpt = Some(excerpt.text);
            }
        }
        let client = text(around.client);
        let client = match crate::input::address(&client) {
            Some(address) => address.to_string(),
            None => String::new(),
        };
        let path = text(around.path);
        let path = match path.find(['?', '#']) {
            Some(end) => path.get(..end).unwrap_or_default().to_owned(),
            None => path,
        };
        Ok(Self {
            is_record,
            time,
            request_id: text(around.request_id),
            client,
            method: text(around.method),
            host: text(around.host),
            path,
            action,
            // A release to come may know more of them.
            reasons: decision
                .reasons
                .iter()
                .filter_map(|word| parse_name(word))
                .collect(),
            rules: decision.rules,
            matches,
            more: decision.more,
            uninspected: decision.uninspected,
            exceptions: decision.exceptions,
            expired: decision.expired,
            scope: decision.scope,
            policy: decision.policy.unwrap_or_default(),
            revision: decision.revision.unwrap_or_default(),
            dropped: decision.dropped,
        })
    }

    /// Whether the request was stopped, or would have been in mode `block`.
    pub(crate) fn is_stopped(&self) -> bool {
        matches!(self.action, Some(Action::Monitor | Action::Block))
    }
}

impl Match {
    /// Reads `index:rule:zone:name`, or `index:rule:zone|name:name`.
    fn read(text: &str) -> Result<Self, String> {
        let wrong = || "matches: expected `index:rule:zone:name`".to_owned();
        let mut words = text.splitn(4, ':');
        let mut word = || words.next().ok_or_else(wrong);
        let (_, rule, zone, name) = (word()?, word()?, word()?, word()?);
        let (zone, part) = match zone.strip_suffix("|name") {
            Some(zone) => (zone, Part::Name),
            None => (zone, Part::Value),
        };
        Ok(Self {
            rule: rule.parse().map_err(|_| wrong())?,
            zone: parse_name(zone).ok_or_else(wrong)?,
            part,
            name: name.to_owned(),
            excerpt: None,
        })
    }
}

/// Where a text stands in another.
fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut at = 0;
    loop {
        at += text.get(at..)?.iter().position(|byte| *byte == first)?;
        if text.get(at..)?.starts_with(wanted) {
            return Some(at);
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(line: &str) -> Entry {
        match Read::of_line(line.as_bytes()) {
            Ok(Read::Entry(entry)) => *entry,
            other => panic!("{line}: {other:?}"),
        }
    }

    const DECISION: &str = r#""action":"monitor","reasons":["sql_injection"],"scores":{"sql_injection":20},
        "rules":[17,1013],"matches":["0:17:query_string:q","1:1013:query_string|name:a:b"],"more":2,
        "uninspected":["body_too_large"],"exceptions":["A-1"],"scope":"api","policy":"shop","revision":"7"}"#;

    #[test]
    fn a_record_is_read_behind_any_prefix() {
        let line = format!(
            r#"[2026-11-20 10:00:00.000][7][warning][wasm] wasm log {{x}}: palisade: {{"record":1,
            "time":"2026-11-20T10:00:00.250Z","request_id":"r","client":"192.0.2.1","method":"GET",
            "host":"shop.example","path":"/a",{DECISION} and more"#
        );
        let read = entry(&line);
        assert!(read.is_record && read.is_stopped());
        assert_eq!(read.time, Some(1_795_168_800));
        assert_eq!(
            (read.path.as_str(), read.client.as_str()),
            ("/a", "192.0.2.1")
        );
        assert_eq!(read.reasons, [Category::SqlInjection]);
        assert_eq!(read.rules, [17, 1013]);
        let last = read.matches.last().expect("two");
        assert_eq!(
            (last.rule, last.part, last.name.as_str()),
            (1013, Part::Name, "a:b")
        );
        assert_eq!((read.more, read.policy.as_str()), (2, "shop"));
    }

    #[test]
    fn an_access_log_carries_the_decision_in_three_forms() {
        let decision = format!("{{{DECISION}").replace('\n', "");
        let text = Value::String(decision.clone()).to_string();
        for waf in [
            decision.clone(),
            text.clone(),
            format!(r#"{{"@type":"x","value":{decision}}}"#),
            format!(r#"{{"value":{text}}}"#),
        ] {
            let line = format!(
                r#"{{"time":"2026-11-20T10:00:00Z","method":"GET","path":"/a?b=c","authority":"x","client":"192.0.2.1:80",
                "status":200,"waf_action":"monitor","waf":{waf}}}"#
            );
            let read = entry(&line);
            assert!(!read.is_record && read.is_stopped());
            assert_eq!(read.matches.len(), 2);
            assert_eq!(
                (read.path.as_str(), read.client.as_str()),
                ("/a", "192.0.2.1")
            );
        }
        let read = entry(r#"{"method":"GET","path":"/","waf_action":"-","waf":"-","client":null}"#);
        assert_eq!((read.action, read.time), (None, None));
        let read = entry(r#"{"method":"GET","path":"/","waf_action":"allow"}"#);
        assert_eq!(read.action, Some(Action::Allow));
    }

    #[test]
    fn excerpts_belong_to_their_matches() {
        let read = entry(
            r#"{"record":1,"action":"block","matches":["0:17:query_string:q","1:18:query_string:q"],
            "excerpts":[{"match":1,"text":"<b>"},{"match":9,"text":"x"}]}"#,
        );
        let found: Vec<_> = read
            .matches
            .iter()
            .map(|one| one.excerpt.as_deref())
            .collect();
        assert_eq!(found, [None, Some("<b>")]);
    }

    #[test]
    fn other_lines_are_told_from_broken_ones() {
        for line in ["", "[info] {\"a\":1}", "text", "{\"level\":\"info\"}"] {
            assert!(
                matches!(Read::of_line(line.as_bytes()), Ok(Read::Other)),
                "{line}"
            );
        }
        for (line, expected) in [
            (r#"x {"record":1,"#, "column 14: EOF while parsing a value"),
            (
                r#"{"record":2,"action":"allow"}"#,
                "a record of a version that is not known; 1 is",
            ),
            (
                r#"{"record":1,"action":"maybe"}"#,
                "action: not a word that is known",
            ),
            (
                r#"{"record":1,"action":"allow","time":"soon"}"#,
                "time: not a time as RFC 3339 has it",
            ),
            (
                r#"{"record":1,"action":"block","matches":["0:x:path:"]}"#,
                "matches: expected `index:rule:zone:name`",
            ),
        ] {
            assert_eq!(Read::of_line(line.as_bytes()).expect_err(line), expected);
        }
    }
}
