//! The core rules, each in every zone where it looks, in names and in values, in every format of a
//! body, with its score; and nowhere else. The table below is written down apart from `rules/`, so
//! that the two check each other.

use std::collections::BTreeMap;

use palisade::config::{Config, SHIPPED_SAMPLES};
use palisade::engine::{Engine, Scratch};
use palisade::model::{Category, Part, Rule, Verdict, Zone};
use palisade::request::Head;
use palisade_harness::cases;

use Category::{
    CrossSiteScripting as Xss, DirectoryTraversal as Path, EvadingTricks as Evading,
    RemoteFileInclusion as Remote, SqlInjection as Sql,
};

/// Where a rule looks: body, path, query string, cookies.
type Zones = &'static [Zone];
const BPQC: Zones = &[
    Zone::RequestBody,
    Zone::Path,
    Zone::QueryString,
    Zone::Cookies,
];
const BPQ: Zones = &[Zone::RequestBody, Zone::Path, Zone::QueryString];
const BQC: Zones = &[Zone::RequestBody, Zone::QueryString, Zone::Cookies];
const BQ: Zones = &[Zone::RequestBody, Zone::QueryString];
const QP: Zones = &[Zone::QueryString, Zone::Path];
const FILE: Zones = &[Zone::FileName];

struct Core {
    id: u32,
    texts: &'static [&'static str],
    zones: Zones,
    scores: &'static [(Category, u32)],
    /// Whether the text must stand in the request as it is, without any encoding.
    raw: bool,
}

const fn core(
    id: u32,
    texts: &'static [&'static str],
    zones: Zones,
    scores: &'static [(Category, u32)],
) -> Core {
    Core {
        id,
        texts,
        zones,
        scores,
        raw: false,
    }
}

const fn raw(id: u32, text: &'static [&'static str], score: &'static [(Category, u32)]) -> Core {
    Core {
        raw: true,
        ..core(id, text, QP, score)
    }
}

#[rustfmt::skip]
const CORE: &[Core] = &[
    core(1000, &["select", "union", "update", "delete", "insert", "table", "from", "ascii", "hex", "unhex", "drop",
                 "load_file", "substr", "group_concat", "dumpfile"], BPQC, &[(Sql, 4)]),
    core(1001, &["\""], BPQC, &[(Sql, 8), (Xss, 8)]),
    core(1002, &["0x"], BPQC, &[(Sql, 2)]),
    core(1003, &["/*"], BPQC, &[(Sql, 8)]),
    core(1004, &["*/"], BPQC, &[(Sql, 8)]),
    core(1005, &["|"], BPQC, &[(Sql, 8)]),
    core(1006, &["&&"], BPQC, &[(Sql, 8)]),
    core(1007, &["--"], BPQC, &[(Sql, 4)]),
    core(1008, &[";"], BPQ, &[(Sql, 4), (Xss, 8)]),
    core(1009, &["="], BQ, &[(Sql, 2)]),
    core(1010, &["("], BPQC, &[(Sql, 4), (Xss, 8)]),
    core(1011, &[")"], BPQC, &[(Sql, 4), (Xss, 8)]),
    core(1013, &["'"], BPQC, &[(Sql, 4), (Xss, 8)]),
    core(1015, &[","], BPQC, &[(Sql, 4)]),
    core(1016, &["#"], BPQC, &[(Sql, 4)]),
    core(1017, &["@@"], BPQC, &[(Sql, 4)]),
    core(1100, &["http://"], BQC, &[(Remote, 8)]),
    core(1101, &["https://"], BQC, &[(Remote, 8)]),
    core(1102, &["ftp://"], BQC, &[(Remote, 8)]),
    core(1103, &["php://"], BQC, &[(Remote, 8)]),
    core(1104, &["sftp://"], BQC, &[(Remote, 8)]),
    core(1105, &["zlib://"], BQC, &[(Remote, 8)]),
    core(1106, &["data://"], BQC, &[(Remote, 8)]),
    core(1107, &["glob://"], BQC, &[(Remote, 8)]),
    core(1108, &["phar://"], BQC, &[(Remote, 8)]),
    core(1109, &["file://"], BQC, &[(Remote, 8)]),
    core(1110, &["gopher://"], BQC, &[(Remote, 8)]),
    core(1200, &[".."], BPQC, &[(Path, 4)]),
    core(1202, &["/etc/passwd"], BPQC, &[(Path, 4)]),
    core(1203, &["c:\\"], BPQC, &[(Path, 4)]),
    core(1204, &["cmd.exe"], BPQC, &[(Path, 4)]),
    core(1205, &["\\"], BPQC, &[(Path, 4)]),
    raw(1207, &["/..;/"], &[(Path, 2)]),
    raw(1208, &["/.;/"], &[(Path, 4)]),
    raw(1209, &["/.%2e/"], &[(Path, 4)]),
    raw(1210, &["/%2e./"], &[(Path, 4)]),
    core(1302, &["<"], BPQC, &[(Xss, 8)]),
    core(1303, &[">"], BPQC, &[(Xss, 8)]),
    core(1310, &["["], BPQC, &[(Xss, 4)]),
    core(1311, &["]"], BPQC, &[(Xss, 4)]),
    core(1312, &["~"], BPQC, &[(Xss, 4)]),
    core(1314, &["`"], BPQC, &[(Xss, 8)]),
    core(1400, &["&#"], BPQC, &[(Evading, 4)]),
    core(1401, &["%u"], BPQC, &[(Evading, 4)]),
    core(1500, &[".ph", ".asp", ".ht"], FILE, &[(Category::FileUpload, 8)]),
];

fn engine() -> Engine {
    let policy = Config::parse(br#"{"preset":"strict"}"#).expect("a policy");
    Engine::compile(policy).expect("the shipped rules compile")
}

/// Percent-encodes all but letters and digits.
fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// Letters and digits as references, so that nothing of the text is XML.
fn references(text: &str) -> String {
    text.bytes().map(|byte| format!("&#{byte};")).collect()
}

/// A request with a text in one place.
struct Request {
    what: String,
    zone: Zone,
    part: Part,
    target: String,
    cookie: String,
    content_type: &'static str,
    body: Vec<u8>,
}

/// Every place of a zone that can hold the text.
fn requests(zone: Zone, text: &str, raw: bool) -> Vec<Request> {
    let spelled = if raw { text.to_owned() } else { percent(text) };
    let place = |what: &str, part| Request {
        what: what.to_owned(),
        zone,
        part,
        target: "/x".to_owned(),
        cookie: String::new(),
        content_type: "",
        body: Vec::new(),
    };
    let body = |what: &str, part, content_type, body: String| Request {
        content_type,
        body: body.into_bytes(),
        ..place(what, part)
    };
    match zone {
        Zone::Path => vec![Request {
            target: format!("/x{spelled}y"),
            ..place("path", Part::Value)
        }],
        Zone::QueryString => vec![
            Request {
                target: format!("/x?q=x{spelled}y"),
                ..place("query value", Part::Value)
            },
            Request {
                target: format!("/x?x{spelled}y=1"),
                ..place("query name", Part::Name)
            },
        ],
        Zone::Cookies => vec![
            Request {
                cookie: format!("c=x{spelled}y"),
                ..place("cookie value", Part::Value)
            },
            Request {
                cookie: format!("x{spelled}y=1"),
                ..place("cookie name", Part::Name)
            },
        ],
        Zone::RequestBody => {
            let json = serde_json::to_string(&format!("x{text}y")).expect("a string");
            let form = "application/x-www-form-urlencoded";
            let mut all = vec![
                body("form value", Part::Value, form, format!("q=x{spelled}y")),
                body("form name", Part::Name, form, format!("x{spelled}y=1")),
                body(
                    "JSON value",
                    Part::Value,
                    "application/json",
                    format!("{{\"q\":[{json}]}}"),
                ),
                body(
                    "JSON key",
                    Part::Name,
                    "application/json",
                    format!("{{\"a\":{{{json}:1}}}}"),
                ),
                body(
                    "XML text",
                    Part::Value,
                    "application/xml",
                    format!("<a><b>x{}y</b></a>", references(text)),
                ),
                body(
                    "XML attribute",
                    Part::Value,
                    "application/xml",
                    format!("<a b=\"x{}y\"/>", references(text)),
                ),
                body(
                    "multipart value",
                    Part::Value,
                    "multipart/form-data; boundary=b",
                    format!(
                        "--b\r\nContent-Disposition: form-data; name=\"q\"\r\n\r\nx{text}y\r\n--b--\r\n"
                    ),
                ),
                body(
                    "GraphQL argument",
                    Part::Value,
                    "application/graphql",
                    format!("{{ a(b: {json}) }}"),
                ),
            ];
            // Four bytes of length, then field 1, a string.
            let mut message = vec![0x0A, (text.len() + 2) as u8];
            message.extend(format!("x{text}y").bytes());
            let mut framed = vec![0];
            framed.extend((message.len() as u32).to_be_bytes());
            framed.extend(message);
            all.push(Request {
                content_type: "application/grpc-web",
                body: framed,
                ..place("gRPC-Web string", Part::Value)
            });
            if !text.contains(['"', '\\']) {
                all.push(body(
                    "multipart name",
                    Part::Name,
                    "multipart/form-data; boundary=b",
                    format!("--b\r\nContent-Disposition: form-data; name=\"x{text}y\"\r\n\r\n1\r\n--b--\r\n"),
                ));
            }
            all.push(Request {
                zone: Zone::RawBody,
                ..body("plain text", Part::Value, "text/plain", format!("x{text}y"))
            });
            all
        }
        Zone::FileName => vec![body(
            "file name",
            Part::Value,
            "multipart/form-data; boundary=b",
            format!(
                "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x{text}y\"\r\n\r\n1\r\n--b--\r\n"
            ),
        )],
        Zone::RequestHeader | Zone::RawBody | Zone::FileContent => Vec::new(),
    }
}

fn judge(engine: &Engine, scratch: &mut Scratch, request: &Request) -> Verdict {
    let mut headers: Vec<(&[u8], &[u8])> = Vec::new();
    if !request.cookie.is_empty() {
        headers.push((b"cookie", request.cookie.as_bytes()));
    }
    if !request.content_type.is_empty() {
        headers.push((b"content-type", request.content_type.as_bytes()));
    }
    let head = Head {
        method: if request.body.is_empty() {
            b"GET"
        } else {
            b"POST"
        },
        scheme: b"http",
        authority: b"example.com",
        target: request.target.as_bytes(),
        protocol: b"HTTP/1.1",
        headers: &headers,
        end_of_stream: request.body.is_empty(),
    };
    let mut seen = engine.begin(scratch, &head);
    if !request.body.is_empty() {
        engine.body(scratch, &mut seen, &request.body, true);
    }
    engine.verdict(&seen)
}

/// How often each core rule stands in a text, by the table alone; those that look at the zone.
fn expected(zone: Zone, text: &str) -> BTreeMap<u32, u32> {
    let zone = if zone == Zone::RawBody {
        Zone::RequestBody
    } else {
        zone
    };
    let lower = text.to_ascii_lowercase();
    CORE.iter()
        .filter(|rule| rule.zones.contains(&zone) && !rule.raw)
        .map(|rule| {
            // Of two words in one place the longer counts.
            let mut rest = lower.as_str();
            let mut count = 0;
            while !rest.is_empty() {
                let longest = rule
                    .texts
                    .iter()
                    .filter(|text| rest.starts_with(**text))
                    .map(|text| text.len())
                    .max();
                count += u32::from(longest.is_some());
                rest = &rest[longest.unwrap_or(1)..];
            }
            (rule.id, count)
        })
        .filter(|(_, count)| *count > 0)
        .collect()
}

#[test]
fn every_core_rule_in_every_zone_and_format() {
    let engine = engine();
    let mut scratch = Scratch::default();
    let mut tried = 0;
    for rule in CORE {
        for text in rule.texts {
            for zone in rule.zones {
                for request in requests(*zone, text, rule.raw) {
                    for text in [(*text).to_owned(), text.to_ascii_uppercase()] {
                        let request = if text == text.to_ascii_lowercase() {
                            &request
                        } else {
                            let all = requests(*zone, &text, rule.raw);
                            let same = |other: &Request| other.what == request.what;
                            &all.into_iter().find(same).expect("the same place")
                        };
                        let verdict = judge(&engine, &mut scratch, request);
                        let what = format!("rule {}, {text:?}, {}", rule.id, request.what);
                        let hits = |id| {
                            let place = (request.zone, request.part);
                            verdict
                                .hits
                                .iter()
                                .find(|hit| hit.rule == id && (hit.zone, hit.part) == place)
                        };
                        let hit = hits(rule.id).unwrap_or_else(|| panic!("{what}: {verdict:?}"));
                        assert!(hit.enforced, "{what}");
                        tried += 1;
                        if rule.raw {
                            assert_eq!(hit.count, 1, "{what}");
                            continue;
                        }
                        for (id, count) in expected(request.zone, &text) {
                            let found = hits(id).map(|hit| hit.count);
                            assert_eq!(found, Some(count), "rule {id}: {what}");
                        }
                    }
                }
            }
        }
    }
    assert!(tried > 1000, "{tried}");
}

#[test]
fn no_core_rule_looks_elsewhere() {
    let engine = engine();
    let mut scratch = Scratch::default();
    let everywhere = [
        Zone::Path,
        Zone::QueryString,
        Zone::Cookies,
        Zone::RequestBody,
        Zone::FileName,
    ];
    for rule in CORE {
        for zone in everywhere.iter().filter(|zone| !rule.zones.contains(zone)) {
            for request in rule
                .texts
                .iter()
                .flat_map(|text| requests(*zone, text, rule.raw))
            {
                let verdict = judge(&engine, &mut scratch, &request);
                let hit = |hit: &palisade::model::Hit| {
                    hit.rule == rule.id && (hit.zone, hit.part) == (request.zone, request.part)
                };
                assert!(
                    !verdict.hits.iter().any(hit),
                    "rule {} in {}",
                    rule.id,
                    request.what
                );
            }
        }
    }
}

#[test]
fn scores_are_those_of_the_table() {
    let engine = engine();
    let shipped: Vec<&Rule> = engine
        .rules()
        .filter(|rule| (1000..=1500).contains(&rule.id))
        .collect();
    assert_eq!(shipped.len(), CORE.len());
    for (rule, core) in shipped.iter().zip(CORE) {
        assert_eq!(rule.id, core.id);
        let mut own = rule.score.clone();
        let mut table = core.scores.to_vec();
        own.sort_unstable_by_key(|(category, _)| *category as usize);
        table.sort_unstable_by_key(|(category, _)| *category as usize);
        assert_eq!(own, table, "rule {}", rule.id);
    }
}

#[test]
fn every_rule_on_the_form_of_a_request_is_reached_by_a_case() {
    #[derive(serde::Deserialize)]
    struct Shipped {
        id: u32,
        samples: Option<String>,
    }
    let shipped: Vec<Shipped> = serde_json::from_str(SHIPPED_SAMPLES).expect("a list of rules");
    let cases = cases::load();
    let mut structural = 0;
    for rule in shipped
        .iter()
        .filter(|rule| rule.samples.as_deref() == Some("cases"))
    {
        structural += 1;
        // No request is unreadable by what it holds, only by what the proxy does: tests/fake_host.rs.
        if rule.id != 1 {
            assert!(
                cases
                    .iter()
                    .any(|case| case.expect.rules.contains(&rule.id)),
                "no case reaches rule {}",
                rule.id
            );
        }
    }
    assert!(structural > 8, "{structural}");
}
