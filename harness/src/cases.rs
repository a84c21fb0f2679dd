//! The case suite: a policy, a raw request and the verdict that is expected of it, read from
//! `tests/cases/*.toml`. The format is explained in `tests/cases/README.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::Deserialize;

use crate::bytes::Bytes;
pub use crate::outcome::{Action, Outcome};

/// One case: what is sent under which policy, and what must come of it.
#[derive(Clone, Debug)]
pub struct Case {
    /// The file it stands in, for example `query.toml`.
    pub file: String,
    /// The line of that file in which it is named, from 1.
    pub line: usize,
    /// Its name, unique over the suite.
    pub name: String,
    /// Where it was learned.
    pub why: Option<String>,
    /// The policy, as JSON text.
    pub policy: String,
    /// Whether the case itself says so; else another one may be meant.
    pub states_policy: bool,
    /// What is sent.
    pub request: Request,
    /// What must come of it.
    pub expect: Expect,
    /// Who runs it.
    drivers: Vec<Driver>,
    /// Why not everyone runs it.
    pub skip_reason: Option<String>,
}

impl Case {
    /// Whether this driver runs the case.
    pub fn runs_on(&self, driver: Driver) -> bool {
        self.drivers.contains(&driver)
    }
}

/// Who runs cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Driver {
    /// The engine called as a library.
    Engine,
    /// The filter on a fake host, the body cut at every byte.
    FakeHost,
    /// The module inside a real Envoy.
    Envoy,
}

impl Driver {
    /// Every driver.
    pub const ALL: [Self; 3] = [Self::Engine, Self::FakeHost, Self::Envoy];
}

/// A version of HTTP that a case is sent over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Http {
    /// HTTP/1.1 (RFC 9112).
    One,
    /// HTTP/2 without TLS, by prior knowledge (RFC 9113).
    Two,
}

/// A request, as it goes on the wire.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: Vec<u8>,
    /// The `host` header or `:authority`.
    pub host: Vec<u8>,
    /// The other headers that the case states, in order, with the letter case of HTTP/1.1.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body; `None` is a request without one, `Some` of nothing is a body of length zero.
    pub body: Option<Vec<u8>>,
    /// Trailers.
    pub trailers: Vec<(String, Vec<u8>)>,
    /// Whether the body goes without a stated length.
    pub chunked: bool,
    /// The versions of HTTP that can express it.
    pub http: Vec<Http>,
    /// The address of the client.
    pub client: Option<IpAddr>,
}

impl Request {
    /// Whether the case states this header itself.
    pub fn has_header(&self, name: &str) -> bool {
        self.headers
            .iter()
            .any(|(own, _)| own.eq_ignore_ascii_case(name))
    }

    /// The headers about the body that a client adds: a length, or the announcement of chunks in HTTP/1.1.
    pub fn framing(&self, http: Http) -> Option<(&'static str, String)> {
        let body = self.body.as_ref()?;
        if self.has_header("content-length") || self.has_header("transfer-encoding") {
            None
        } else if self.chunked {
            (http == Http::One).then(|| ("transfer-encoding", "chunked".to_owned()))
        } else {
            Some(("content-length", body.len().to_string()))
        }
    }

    /// The header map as a filter inside the proxy is given it: pseudo-headers first, names in lower
    /// case. For drivers that have no proxy.
    pub fn proxied_headers(&self, http: Http) -> Vec<(String, Vec<u8>)> {
        let mut map = vec![
            (":authority".to_owned(), self.host.clone()),
            (":path".to_owned(), self.target.clone()),
            (":method".to_owned(), self.method.clone().into_bytes()),
            (":scheme".to_owned(), b"http".to_vec()),
        ];
        map.extend(
            self.headers
                .iter()
                .map(|(name, v)| (name.to_ascii_lowercase(), v.clone())),
        );
        if let Some((name, value)) = self.framing(http) {
            map.push((name.to_owned(), value.into_bytes()));
        }
        map.push(("x-forwarded-proto".to_owned(), b"http".to_vec()));
        map
    }
}

/// What must come of a request. Lists name what must be there; they are not exhaustive.
#[derive(Clone, Debug)]
pub struct Expect {
    /// The action of the decision.
    pub action: Action,
    /// The status for the client.
    pub status: u16,
    /// Whether the case itself says so; else the status is the one that goes with the action.
    pub states_status: bool,
    /// Rules that must have hit.
    pub rules: Vec<u32>,
    /// Rules that must not have hit.
    pub not_rules: Vec<u32>,
    /// Matches that must stand in the decision, as `rule:zone:name`.
    pub matches: Vec<String>,
    /// Categories whose enforced score must be above zero.
    pub categories: Vec<String>,
    /// Sums of enforced scores that must be exact.
    pub scores: BTreeMap<String, u32>,
    /// Anomalies that must have been found.
    pub findings: Vec<String>,
    /// What must be recorded as not inspected.
    pub uninspected: Vec<String>,
    /// Labels of exceptions that must have removed hits.
    pub exceptions: Vec<String>,
    /// What must have ended the inspection, as the record writes it.
    pub ended_by: Option<String>,
    /// What the proxy itself answers before any filter sees the request.
    pub refused: BTreeMap<Http, Refusal>,
    /// What comes of the request where the proxy normalises paths first.
    pub normalized: Option<Normalized>,
}

/// How the proxy refuses a request before any filter sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// With this status.
    Status(u16),
    /// With a reset of the stream or the end of the connection, and no status.
    Reset,
}

/// What comes of a request where the proxy normalises its path first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normalized {
    /// The filter sees it and does this.
    Action(Action),
    /// The proxy refuses it.
    Refused(u16),
}

impl Expect {
    /// Only an action and a status.
    pub fn of(action: Action, status: u16) -> Self {
        Self {
            action,
            status,
            states_status: true,
            rules: Vec::new(),
            not_rules: Vec::new(),
            matches: Vec::new(),
            categories: Vec::new(),
            scores: BTreeMap::new(),
            findings: Vec::new(),
            uninspected: Vec::new(),
            exceptions: Vec::new(),
            ended_by: None,
            refused: BTreeMap::new(),
            normalized: None,
        }
    }

    /// Every way in which the outcome differs from what was expected; empty where it does not.
    pub fn differences(&self, outcome: &Outcome) -> Vec<String> {
        let mut out = Vec::new();
        if outcome.action != self.action {
            out.push(format!(
                "action is {}, expected {}",
                outcome.action, self.action
            ));
        }
        if let Some(status) = outcome.status.filter(|status| *status != self.status) {
            out.push(format!("status is {status}, expected {}", self.status));
        }
        let rules = outcome.rules();
        for rule in self.rules.iter().filter(|rule| !rules.contains(rule)) {
            out.push(format!("rule {rule} did not hit"));
        }
        for rule in self.not_rules.iter().filter(|rule| rules.contains(rule)) {
            out.push(format!("rule {rule} hit"));
        }
        for text in self
            .matches
            .iter()
            .filter(|text| !outcome.matches.contains(text))
        {
            out.push(format!("match `{text}` is missing"));
        }
        for name in &self.categories {
            if outcome.scores.get(name).is_none_or(|score| *score == 0) {
                out.push(format!("category {name} has no score"));
            }
        }
        for (name, score) in &self.scores {
            let found = outcome.scores.get(name).copied().unwrap_or(0);
            if found != *score {
                out.push(format!("score of {name} is {found}, expected {score}"));
            }
        }
        if let Some(findings) = &outcome.findings {
            for name in self.findings.iter().filter(|name| !findings.contains(name)) {
                out.push(format!("finding {name} is missing"));
            }
        }
        for name in self
            .uninspected
            .iter()
            .filter(|name| !outcome.uninspected.contains(name))
        {
            out.push(format!("`{name}` is not recorded as uninspected"));
        }
        for label in &self.exceptions {
            if !outcome.exceptions.contains(label) {
                out.push(format!("the exception `{label}` did not apply"));
            }
        }
        if self.ended_by.is_some() && self.ended_by != outcome.ended_by {
            out.push(format!("it was not ended by {:?}", self.ended_by));
        }
        if !out.is_empty() {
            out.push(format!("outcome: {outcome:?}"));
        }
        out
    }
}

/// The suite as it was when this crate was compiled, for places without a file system.
///
/// # Panics
/// If a case is not written as the format asks, with every problem.
pub fn embedded() -> Vec<Case> {
    const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
    or_panic(parse_suite(FILES.iter().copied()))
}

/// The suite as it stands in `tests/cases`.
///
/// # Panics
/// If the folder cannot be read, or a case is not written as the format asks, with every problem.
#[cfg(not(target_family = "wasm"))]
pub fn load() -> Vec<Case> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cases");
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(&folder).expect("tests/cases is a folder") {
        let path = entry.expect("tests/cases can be read").path();
        if path.extension().is_some_and(|ext| ext == "toml") {
            let name = path
                .file_name()
                .expect("a file has a name")
                .to_string_lossy()
                .into_owned();
            files.insert(
                name,
                std::fs::read_to_string(&path).expect("a case file is UTF-8"),
            );
        }
    }
    or_panic(parse_suite(
        files
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str())),
    ))
}

fn or_panic(suite: Result<Vec<Case>, Vec<String>>) -> Vec<Case> {
    suite.unwrap_or_else(|problems| panic!("tests/cases:\n{}", problems.join("\n")))
}

/// Reads files, given by name and text, into one suite.
///
/// # Errors
/// Every problem of every file, each with the file and, where known, the case.
pub fn parse_suite<'a>(
    files: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Vec<Case>, Vec<String>> {
    let mut cases: Vec<Case> = Vec::new();
    let mut problems = Vec::new();
    for (file, text) in files {
        let read: Written = match toml::from_str(text) {
            Ok(read) => read,
            Err(error) => {
                problems.push(format!("{file}: {error}"));
                continue;
            }
        };
        if read.case.is_empty() {
            problems.push(format!("{file}: no case stands here"));
        }
        for written in read.case {
            let name = written.name.get_ref().clone();
            let before = text.as_bytes().iter().take(written.name.span().start);
            let line = before.filter(|byte| **byte == b'\n').count() + 1;
            match written.check(file, line) {
                Ok(case) => cases.push(case),
                Err(found) => problems.extend(
                    found
                        .iter()
                        .map(|text| format!("{file}:{line}: {name}: {text}")),
                ),
            }
        }
    }
    let mut seen = BTreeMap::new();
    for case in &cases {
        if let Some(other) = seen.insert(&case.name, &case.file) {
            problems.push(format!(
                "{}:{}: {}: the name is taken in {other}",
                case.file, case.line, case.name
            ));
        }
    }
    if problems.is_empty() {
        Ok(cases)
    } else {
        Err(problems)
    }
}

// The format as it is written; everything above is what it means.

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    case: Vec<WrittenCase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCase {
    name: toml::Spanned<String>,
    why: Option<String>,
    policy: Option<WrittenPolicy>,
    request: WrittenRequest,
    expect: WrittenExpect,
    drivers: Option<Vec<Driver>>,
    skip_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenPolicy {
    Text(String),
    Table(serde_json::Map<String, serde_json::Value>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRequest {
    method: Option<String>,
    target: Bytes,
    #[serde(default)]
    headers: Vec<(String, Bytes)>,
    body: Option<Bytes>,
    #[serde(default)]
    trailers: Vec<(String, Bytes)>,
    #[serde(default)]
    chunked: bool,
    #[serde(default)]
    http: WrittenHttp,
    client: Option<IpAddr>,
}

#[derive(Deserialize, Default)]
enum WrittenHttp {
    #[default]
    #[serde(rename = "both")]
    Both,
    #[serde(rename = "1.1")]
    One,
    #[serde(rename = "2")]
    Two,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenExpect {
    action: Action,
    status: Option<u16>,
    #[serde(default)]
    rules: Vec<u32>,
    #[serde(default)]
    not_rules: Vec<u32>,
    #[serde(default)]
    matches: Vec<String>,
    #[serde(default)]
    categories: Vec<String>,
    #[serde(default)]
    scores: BTreeMap<String, u32>,
    #[serde(default)]
    findings: Vec<String>,
    #[serde(default)]
    uninspected: Vec<String>,
    #[serde(default)]
    exceptions: Vec<String>,
    ended_by: Option<String>,
    refused: Option<WrittenRefused>,
    normalized: Option<WrittenNormalized>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenRefused {
    Both(WrittenRefusal),
    Each(WrittenRefusedEach),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRefusedEach {
    http1: Option<WrittenRefusal>,
    http2: Option<WrittenRefusal>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(untagged)]
enum WrittenRefusal {
    Status(u16),
    Word(WrittenReset),
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WrittenReset {
    Reset,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenNormalized {
    Status(u16),
    Action(Action),
}

/// Headers that speak of one HTTP/1.1 connection and may not stand in HTTP/2 (RFC 9113, 8.2.2).
const CONNECTION_HEADERS: [&str; 5] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
];

impl WrittenCase {
    fn check(self, file: &str, line: usize) -> Result<Case, Vec<String>> {
        let mut problems = Vec::new();
        let name = self.name.into_inner();
        let states_policy = self.policy.is_some();
        let slug = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || !name.chars().all(slug) {
            problems.push("a name is made of a-z, 0-9 and `-`".to_owned());
        }
        let drivers = self.drivers.unwrap_or_else(|| Driver::ALL.to_vec());
        let all = Driver::ALL.iter().all(|driver| drivers.contains(driver));
        match (&self.skip_reason, all) {
            (None, false) => problems.push("a driver is left out without a skip_reason".to_owned()),
            (Some(_), true) => problems.push("skip_reason, but every driver runs it".to_owned()),
            _ => {}
        }
        let policy = match self.policy {
            None => "{}".to_owned(),
            Some(WrittenPolicy::Text(text)) => text,
            Some(WrittenPolicy::Table(table)) => serde_json::Value::Object(table).to_string(),
        };
        let http = match self.request.http {
            WrittenHttp::Both => vec![Http::One, Http::Two],
            WrittenHttp::One => vec![Http::One],
            WrittenHttp::Two => vec![Http::Two],
        };
        let request = self.request.check(http, &mut problems);
        let expect = self.expect.check(&request, &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Case {
            file: file.to_owned(),
            line,
            name,
            why: self.why,
            policy,
            states_policy,
            request,
            expect,
            drivers,
            skip_reason: self.skip_reason,
        })
    }
}

impl WrittenRequest {
    fn check(self, http: Vec<Http>, problems: &mut Vec<String>) -> Request {
        let breaks_lines = |bytes: &[u8]| bytes.iter().any(|b| matches!(b, b'\r' | b'\n'));
        let method = self.method.unwrap_or_else(|| "GET".to_owned());
        if breaks_lines(&self.target.0) || breaks_lines(method.as_bytes()) {
            problems.push("a line end in the request line makes another request of it".to_owned());
        }
        for (name, value) in self.headers.iter().chain(&self.trailers) {
            if name.starts_with(':') || name.is_empty() || breaks_lines(name.as_bytes()) {
                problems.push(format!("`{name}` is no header name"));
            }
            if breaks_lines(&value.0) {
                problems.push(format!(
                    "a line end in the value of `{name}` makes another header"
                ));
            }
        }
        let mut host = b"palisade.test".to_vec();
        let mut headers = Vec::new();
        for (name, value) in self.headers {
            if name.eq_ignore_ascii_case("host") {
                host = value.0;
            } else {
                headers.push((name, value.0));
            }
        }
        if http.contains(&Http::Two) {
            for (name, _) in &headers {
                if CONNECTION_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
                    problems.push(format!(
                        "`{name}` cannot be said in HTTP/2: set http = \"1.1\""
                    ));
                }
            }
        }
        if (self.chunked || !self.trailers.is_empty()) && self.body.is_none() {
            problems.push("chunked and trailers want a body".to_owned());
        }
        if !self.trailers.is_empty() && !self.chunked && http.contains(&Http::One) {
            problems
                .push("HTTP/1.1 has trailers only behind chunks: set chunked = true".to_owned());
        }
        Request {
            method,
            target: self.target.0,
            host,
            headers,
            body: self.body.map(|body| body.0),
            trailers: self
                .trailers
                .into_iter()
                .map(|(name, value)| (name, value.0))
                .collect(),
            chunked: self.chunked,
            http,
            client: self.client,
        }
    }
}

impl WrittenExpect {
    fn check(self, request: &Request, problems: &mut Vec<String>) -> Expect {
        let blocked = self.action == Action::Block;
        let proof = self.rules.len()
            + self.matches.len()
            + self.categories.len()
            + self.scores.len()
            + self.findings.len()
            + self.uninspected.len()
            + usize::from(self.ended_by.is_some());
        if self.action != Action::Allow && proof == 0 {
            problems.push(
                "name what acts (rules, matches, categories, scores, findings, uninspected or ended_by), \
                 or the case passes for the wrong reason"
                    .to_owned(),
            );
        }
        let both: BTreeSet<_> = self
            .rules
            .iter()
            .filter(|r| self.not_rules.contains(r))
            .collect();
        if !both.is_empty() {
            problems.push(format!("{both:?} stand in rules and in not_rules"));
        }
        for text in &self.matches {
            if text.split(':').count() < 3 {
                problems.push(format!("a match is `rule:zone:name`, not `{text}`"));
            }
        }
        let mut refused = BTreeMap::new();
        let refusal = |written| match written {
            WrittenRefusal::Status(status) => Refusal::Status(status),
            WrittenRefusal::Word(WrittenReset::Reset) => Refusal::Reset,
        };
        match self.refused {
            None => {}
            Some(WrittenRefused::Both(written)) => {
                refused.extend(request.http.iter().map(|http| (*http, refusal(written))));
            }
            Some(WrittenRefused::Each(each)) => {
                let each = [(Http::One, each.http1), (Http::Two, each.http2)];
                for (http, written) in each {
                    let Some(written) = written else { continue };
                    if !request.http.contains(&http) {
                        problems.push(format!("refused over {http:?}, which it is not sent over"));
                    }
                    refused.insert(http, refusal(written));
                }
            }
        }
        Expect {
            action: self.action,
            status: self.status.unwrap_or(if blocked { 403 } else { 200 }),
            states_status: self.status.is_some(),
            rules: self.rules,
            not_rules: self.not_rules,
            matches: self.matches,
            categories: self.categories,
            scores: self.scores,
            findings: self.findings,
            uninspected: self.uninspected,
            exceptions: self.exceptions,
            ended_by: self.ended_by,
            refused,
            normalized: self.normalized.map(|written| match written {
                WrittenNormalized::Status(status) => Normalized::Refused(status),
                WrittenNormalized::Action(action) => Normalized::Action(action),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Result<Case, String> {
        parse_suite([("a.toml", text)])
            .map(|mut cases| cases.remove(0))
            .map_err(|problems| problems.join("\n"))
    }

    const SMALL: &str = r#"
        [[case]]
        name = "small"
        [case.request]
        target = "/"
        [case.expect]
        action = "allow"
    "#;

    #[test]
    fn the_suite_is_well_formed_and_the_same_when_compiled_in() {
        let names = |cases: Vec<Case>| cases.into_iter().map(|case| case.name).collect::<Vec<_>>();
        let loaded = names(load());
        assert!(!loaded.is_empty());
        assert_eq!(loaded, names(embedded()));
    }

    #[test]
    fn names_in_the_suite_are_names_of_the_product() {
        let zones = [
            "path",
            "query_string",
            "request_header",
            "cookies",
            "request_body",
        ];
        let more = ["raw_body", "file_name", "file_content"];
        for case in load() {
            for text in &case.expect.matches {
                let zone = text.split(':').nth(1).unwrap();
                let zone = zone.strip_suffix("|name").unwrap_or(zone);
                assert!(
                    zones.contains(&zone) || more.contains(&zone),
                    "{}: {text}",
                    case.name
                );
            }
        }
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let case = one(SMALL).unwrap();
        assert_eq!((case.policy.as_str(), case.states_policy), ("{}", false));
        assert_eq!((case.line, case.expect.states_status), (3, false));
        assert_eq!(case.request.method, "GET");
        assert_eq!(case.request.host, b"palisade.test");
        assert_eq!(case.request.http, [Http::One, Http::Two]);
        assert_eq!(case.request.body, None);
        assert_eq!(case.expect.status, 200);
        assert!(Driver::ALL.iter().all(|driver| case.runs_on(*driver)));
    }

    #[test]
    fn everything_can_be_said() {
        let case = one(r#"
            [[case]]
            name = "whole"
            why = "because"
            policy = { preset = "strict", limits = { fields = 3 }, scopes = [{ path = "/a" }] }
            drivers = ["engine", "envoy"]
            skip_reason = "one reason"
            [case.request]
            method = "PUT"
            target = ["/?q=", { hex = "ff" }]
            headers = [["Host", "shop.test"], ["X-One", "1"], ["x-two", { hex = "fe" }]]
            body = ["a=", { text = "x", repeat = 3 }]
            trailers = [["x-end", "1"]]
            chunked = true
            http = "1.1"
            client = "127.0.0.7"
            [case.expect]
            action = "block"
            status = 406
            rules = [17]
            not_rules = [18]
            matches = ["17:query_string:q"]
            categories = ["sql_injection"]
            scores = { sql_injection = 8 }
            findings = ["null_byte"]
            uninspected = ["body_too_large"]
            refused = { http1 = 400 }
            normalized = "allow"
        "#)
        .unwrap();
        assert_eq!(
            case.policy,
            r#"{"limits":{"fields":3},"preset":"strict","scopes":[{"path":"/a"}]}"#
        );
        assert!(!case.runs_on(Driver::FakeHost));
        let request = &case.request;
        assert_eq!(request.target, b"/?q=\xff");
        assert_eq!(request.body.as_deref(), Some(&b"a=xxx"[..]));
        assert_eq!(
            request.framing(Http::One),
            Some(("transfer-encoding", "chunked".into()))
        );
        assert_eq!(request.framing(Http::Two), None);
        let map = request.proxied_headers(Http::One);
        assert_eq!(map[0], (":authority".into(), b"shop.test".to_vec()));
        assert!(map.contains(&("x-one".into(), b"1".to_vec())));
        assert_eq!(case.expect.refused[&Http::One], Refusal::Status(400));
        assert_eq!(
            case.expect.normalized,
            Some(Normalized::Action(Action::Allow))
        );
    }

    #[test]
    fn refusals_may_be_said_once_for_both() {
        let case = one(&format!("{SMALL}\nrefused = \"reset\"")).unwrap();
        assert_eq!(case.expect.refused.len(), 2);
        assert_eq!(case.expect.refused[&Http::Two], Refusal::Reset);
    }

    #[test]
    fn a_policy_may_be_text_that_is_not_even_json() {
        let text = SMALL.replace(
            "[case.request]",
            "policy = '{\"a\":1,\"a\":'\n[case.request]",
        );
        assert_eq!(one(&text).unwrap().policy, r#"{"a":1,"a":"#);
    }

    #[test]
    fn what_the_format_does_not_know_is_refused() {
        let swap = |from: &str, to: &str| SMALL.replace(from, to);
        for (text, word) in [
            (String::new(), "no case"),
            (format!("policy = 1\n{SMALL}"), "policy"),
            (swap("name =", "nam ="), "nam"),
            (swap("name = \"small\"", "name = \"Small one\""), "a-z"),
            (swap("target =", "path ="), "path"),
            (
                swap("target = \"/\"", "target = \"/\"\nbodi = \"\""),
                "bodi",
            ),
            (swap("target = \"/\"", "target = \"/\\n\""), "line end"),
            (
                swap("target = \"/\"", "target = \"/\"\nchunked = true"),
                "want a body",
            ),
            (swap("target = \"/\"", "target = \"/\"\nhttp = \"3\""), "3"),
            (
                swap(
                    "target = \"/\"",
                    "target = \"/\"\nbody = \"\"\ntrailers = [[\"a\", \"b\"]]",
                ),
                "chunks",
            ),
            (
                swap(
                    "target = \"/\"",
                    "target = \"/\"\nheaders = [[\"Upgrade\", \"b\"]]",
                ),
                "HTTP/2",
            ),
            (
                swap(
                    "target = \"/\"",
                    "target = \"/\"\nheaders = [[\":path\", \"b\"]]",
                ),
                "header name",
            ),
            (
                swap(
                    "target = \"/\"",
                    "target = \"/\"\nheaders = [[\"a\", \"b\\nc\"]]",
                ),
                "line end",
            ),
            (swap("\"allow\"", "\"deny\""), "deny"),
            (swap("\"allow\"", "\"block\""), "name what acts"),
            (swap("\"allow\"", "\"allow\"\nrule = [1]"), "rule"),
            (
                swap("\"allow\"", "\"allow\"\nrules = [1]\nnot_rules = [1]"),
                "{1} stand",
            ),
            (
                swap("\"allow\"", "\"allow\"\nmatches = [\"17\"]"),
                "rule:zone:name",
            ),
            (
                swap("[case.request]", "drivers = [\"envoy\"]\n[case.request]"),
                "skip_reason",
            ),
            (
                swap("[case.request]", "skip_reason = \"x\"\n[case.request]"),
                "every driver",
            ),
            (format!("{SMALL}{SMALL}"), "taken"),
        ] {
            let problem = one(&text).map(|case| case.name).unwrap_err();
            assert!(
                problem.contains(word),
                "expected `{word}` in: {problem}\nfor {text}"
            );
        }
    }

    #[test]
    fn an_outcome_that_differs_is_told_apart() {
        let case = one(&SMALL.replace(
            "\"allow\"",
            "\"block\"\nrules = [17]\nnot_rules = [1013]\nmatches = [\"17:query_string:id\"]\n\
             categories = [\"sql_injection\"]\nscores = { sql_injection = 8 }\n\
             findings = [\"null_byte\"]\nuninspected = [\"body_too_large\"]\n\
             exceptions = [\"x\"]\nended_by = \"rule 7\"",
        ))
        .unwrap();
        let right = Outcome {
            action: Action::Block,
            status: Some(403),
            matches: vec!["17:query_string:id".into()],
            scores: [("sql_injection".to_owned(), 8)].into(),
            findings: Some(vec!["null_byte".into()]),
            uninspected: vec!["body_too_large".into()],
            exceptions: vec!["x".into()],
            ended_by: Some("rule 7".into()),
        };
        assert_eq!(case.expect.differences(&right), [""; 0]);
        let wrong: [fn(&mut Outcome); 11] = [
            |o| o.action = Action::Monitor,
            |o| o.status = Some(200),
            |o| o.matches = vec!["18:query_string:id".into()],
            |o| o.matches = vec!["17:cookies:id".into()],
            |o| o.matches.push("1013:cookies:id".into()),
            |o| o.scores.clear(),
            |o| *o.scores.get_mut("sql_injection").unwrap() = 9,
            |o| o.findings = Some(Vec::new()),
            |o| o.uninspected.clear(),
            |o| o.exceptions.clear(),
            |o| o.ended_by = None,
        ];
        for (index, change) in wrong.iter().enumerate() {
            let mut outcome = right.clone();
            change(&mut outcome);
            assert!(
                !case.expect.differences(&outcome).is_empty(),
                "change {index}"
            );
        }
    }
}
