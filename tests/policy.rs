//! What a policy says and what comes of it: modes, presets, overrides, exceptions, scopes, lists of clients,
//! limits, each key in a table of small policies and requests.

use palisade::config::Config;
use palisade::engine::{Engine, Inspection, Peer, Record, Scratch};
use palisade::model::{Action, Anomaly, Category, Limits, Mode, Named, Sensitivity, Verdict};
use palisade::request::Head;

/// A request as a test states it.
#[derive(Clone, Copy)]
struct Ask<'a> {
    method: &'a str,
    host: &'a str,
    target: &'a str,
    headers: &'a [(&'a str, &'a str)],
    body: &'a str,
    client: &'a str,
    /// Seconds since 1970-01-01.
    now: Option<u64>,
}

const ASK: Ask<'static> = Ask {
    method: "GET",
    host: "api.example.com",
    target: "/",
    headers: &[],
    body: "",
    client: "",
    now: None,
};

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
const FORM: &[(&str, &str)] = &[("content-type", "application/x-www-form-urlencoded")];

fn get(target: &str) -> Ask<'_> {
    Ask { target, ..ASK }
}

fn post<'a>(target: &'a str, headers: &'a [(&'a str, &'a str)], body: &'a str) -> Ask<'a> {
    Ask {
        method: "POST",
        target,
        headers,
        body,
        ..ASK
    }
}

fn compile(policy: &str) -> Engine {
    Config::parse(policy.as_bytes())
        .and_then(Engine::compile)
        .unwrap_or_else(|problems| panic!("{policy}: {problems:#?}"))
}

fn inspect(engine: &Engine, ask: &Ask<'_>) -> Inspection {
    let headers: Vec<(&[u8], &[u8])> = ask
        .headers
        .iter()
        .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
        .collect();
    let head = Head {
        method: ask.method.as_bytes(),
        scheme: b"https",
        authority: ask.host.as_bytes(),
        target: ask.target.as_bytes(),
        protocol: b"HTTP/1.1",
        headers: &headers,
        end_of_stream: ask.body.is_empty(),
    };
    let peer = Peer::known(ask.client.parse().ok(), ask.now);
    let mut scratch = Scratch::default();
    let mut seen = engine.begin_for(&mut scratch, &head, &peer);
    if engine.action(&seen) != Action::Block && !ask.body.is_empty() {
        engine.body(&mut scratch, &mut seen, ask.body.as_bytes(), true);
    }
    seen
}

fn judge(policy: &str, ask: &Ask<'_>) -> Verdict {
    let engine = compile(policy);
    let seen = inspect(&engine, ask);
    engine.verdict(&seen)
}

fn record(policy: &str, ask: &Ask<'_>) -> serde_json::Value {
    let engine = compile(policy);
    let verdict = engine.verdict(&inspect(&engine, ask));
    let mut json = Vec::new();
    Record::of(&verdict, engine.config()).write_json(&mut json);
    serde_json::from_slice(&json).expect("a record is JSON")
}

/// The action, then what else is worth telling: the scope, the exceptions that applied, what ended it.
fn told(verdict: &Verdict) -> String {
    let mut out = verdict.action.name().to_owned();
    if let Some(scope) = &verdict.scope {
        out += &format!(" in {scope}");
    }
    if !verdict.exceptions.is_empty() {
        out += &format!(" but {}", verdict.exceptions.join(","));
    }
    if !verdict.expired.is_empty() {
        out += &format!(" expired {}", verdict.expired.join(","));
    }
    if verdict.sampled_out {
        out += " sampled_out";
    }
    if let Some(by) = verdict.ended_by {
        out += &format!(" by {by:?}");
    }
    out
}

/// Three rules of our own whose texts nothing else looks for, each enough to block.
const RULES: &str = r#""rules": [
    {"id": 100001, "literals": ["zap"], "score": {"sql_injection": 16}, "tags": ["first", "both"]},
    {"id": 100002, "literals": ["zip"], "score": {"web_shell": 16}, "tags": ["both"]},
    {"id": 100005, "literals": ["zop"], "score": {"scanner": 16}}
]"#;

/// A policy with those rules.
fn own(rest: &str) -> String {
    let comma = if rest.is_empty() { "" } else { ", " };
    format!("{{{RULES}{comma}{rest}}}")
}

/// Checks a table of what a policy says beside [`RULES`], a request, and what is told of it.
fn check(rows: &[(&str, Ask<'_>, &str)]) {
    let mut wrong = Vec::new();
    for (rest, ask, expected) in rows {
        let found = told(&judge(&own(rest), ask));
        if found != *expected {
            wrong.push(format!(
                "{rest}\n  {} {}{} {}\n  expected {expected}, found {found}",
                ask.method, ask.host, ask.target, ask.body
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Checks exceptions, given without `id`, which is `x` for all.
fn check_exceptions(rows: &[(&str, Ask<'_>, &str)]) {
    let with: Vec<String> = rows
        .iter()
        .map(|(exception, ..)| format!(r#""exceptions": [{{"id": "x", {exception}}}]"#))
        .collect();
    let rows: Vec<_> = with
        .iter()
        .zip(rows)
        .map(|(with, (_, ask, expected))| (with.as_str(), *ask, *expected))
        .collect();
    check(&rows);
}

#[test]
fn modes_of_the_policy_of_categories_and_of_rules() {
    check(&[
        ("", get("/?q=zap"), "block"),
        ("", get("/?q=tap"), "allow"),
        (r#""mode": "block""#, get("/?q=zap"), "block"),
        (r#""mode": "monitor""#, get("/?q=zap"), "monitor"),
        (r#""mode": "monitor""#, get("/?q=tap"), "allow"),
        (r#""mode": "off""#, get("/?q=zap"), "allow"),
        // A category.
        (
            r#""category_modes": {"sql_injection": "monitor"}"#,
            get("/?q=zap"),
            "monitor",
        ),
        (
            r#""category_modes": {"sql_injection": "monitor"}"#,
            get("/?q=zip"),
            "block",
        ),
        (
            r#""category_modes": {"sql_injection": "monitor"}"#,
            get("/?q=zap%20zip"),
            "block",
        ),
        (
            r#""category_modes": {"sql_injection": "off"}"#,
            get("/?q=zap"),
            "allow",
        ),
        (
            r#""mode": "monitor", "category_modes": {"sql_injection": "block"}"#,
            get("/?q=zap"),
            "block",
        ),
        (
            r#""mode": "monitor", "category_modes": {"sql_injection": "block"}"#,
            get("/?q=zip"),
            "monitor",
        ),
        (
            r#""mode": "off", "category_modes": {"sql_injection": "block"}"#,
            get("/?q=zap"),
            "allow",
        ),
        // Rules by id, range, category, tag.
        (
            r#""overrides": [{"rules": [100001], "mode": "off"}]"#,
            get("/?q=zap"),
            "allow",
        ),
        (
            r#""overrides": [{"rules": 100001, "mode": "off"}]"#,
            get("/?q=zip"),
            "block",
        ),
        (
            r#""overrides": [{"rules": ["100001-100002"], "mode": "monitor"}]"#,
            get("/?q=zap%20zip"),
            "allow",
        ),
        (
            r#""overrides": [{"rules": ["100001-100002"], "mode": "monitor"}]"#,
            get("/?q=zop"),
            "block",
        ),
        (
            r#""overrides": [{"rules": [0], "mode": "off"}]"#,
            get("/?q=zap%20zip%20zop"),
            "allow",
        ),
        (
            r#""overrides": [{"categories": ["web_shell"], "mode": "off"}]"#,
            get("/?q=zip"),
            "allow",
        ),
        (
            r#""overrides": [{"categories": ["web_shell"], "mode": "off"}]"#,
            get("/?q=zap"),
            "block",
        ),
        (
            r#""overrides": [{"tags": ["both"], "mode": "off"}]"#,
            get("/?q=zap%20zip"),
            "allow",
        ),
        (
            r#""overrides": [{"tags": ["first"], "mode": "off"}]"#,
            get("/?q=zip"),
            "block",
        ),
        // Later entries win.
        (
            r#""overrides": [{"rules": [0], "mode": "off"}, {"rules": [100001], "mode": "block"}]"#,
            get("/?q=zap"),
            "block",
        ),
        // What a hit is worth.
        (
            r#""overrides": [{"rules": [100001], "score": {"sql_injection": 15}}]"#,
            get("/?q=zap"),
            "allow",
        ),
        (
            r#""overrides": [{"rules": [100001], "score": {"sql_injection": 8}}]"#,
            get("/?q=zap&r=zap"),
            "block",
        ),
        // A rule that blocks even where the policy only monitors; others still only monitor.
        (
            r#""mode": "monitor", "overrides": [{"rules": [100001], "mode": "block", "even_in_monitor": true}]"#,
            get("/?q=zap"),
            "block",
        ),
        (
            r#""mode": "monitor", "overrides": [{"rules": [100001], "mode": "block", "even_in_monitor": true}]"#,
            get("/?q=zip"),
            "monitor",
        ),
        (
            r#""mode": "monitor", "overrides": [{"rules": [100001], "mode": "block"}]"#,
            get("/?q=zap"),
            "monitor",
        ),
    ]);
}

#[test]
fn a_rule_that_monitors_has_a_sum_of_its_own() {
    let policy = own(r#""overrides": [{"rules": [100001], "mode": "monitor"}]"#);
    let verdict = judge(&policy, &get("/?q=zap"));
    assert_eq!(verdict.action, Action::Allow);
    assert_eq!(verdict.recorded.get(Category::SqlInjection), 16);
    assert_eq!(verdict.scores.get(Category::SqlInjection), 0);
    assert!(verdict.hits.iter().all(|hit| !hit.enforced));
    let verdict = judge(&own(r#""mode": "monitor""#), &get("/?q=zap"));
    assert_eq!(
        verdict.scores.get(Category::SqlInjection),
        16,
        "would block"
    );
}

#[test]
fn presets_say_which_families_decide() {
    // Two apostrophes reach the threshold of cross-site scripting by core rule 1013.
    let apostrophes = get("/?q=a%27b%27c");
    for (policy, expected) in [
        (r"{}", "allow"),
        (r#"{"preset": "balanced"}"#, "allow"),
        (r#"{"preset": "strict"}"#, "block"),
        (
            r#"{"preset": "balanced", "overrides": [{"rules": [1013], "mode": "block"}]}"#,
            "block",
        ),
        (
            r#"{"preset": "strict", "overrides": [{"rules": [1013], "mode": "monitor"}]}"#,
            "allow",
        ),
    ] {
        assert_eq!(told(&judge(policy, &apostrophes)), expected, "{policy}");
    }
    // Signatures decide under both.
    for preset in ["balanced", "strict"] {
        let policy = format!(r#"{{"preset": "{preset}"}}"#);
        let attack = get("/?q=1%20UNION%20SELECT%20password%20FROM%20users");
        assert_eq!(told(&judge(&policy, &attack)), "block", "{policy}");
    }
}

#[test]
fn sensitivity_is_the_sum_at_which_a_category_acts() {
    for level in Sensitivity::ALL {
        let threshold = level.threshold();
        for (points, expected) in [(threshold - 1, "allow"), (threshold, "block")] {
            for sensitivity in [
                format!("\"{level}\""),
                format!(r#"{{"sql_injection": "{level}"}}"#),
            ] {
                let rest = format!(
                    r#""sensitivity": {sensitivity}, "overrides": [{{"rules": [100001], "score": {{"sql_injection": {points}}}}}]"#
                );
                check(&[(&rest, get("/?q=zap"), expected)]);
            }
        }
    }
    // Of one category alone: the others stay at medium.
    check(&[
        (
            r#""sensitivity": {"sql_injection": "low"}"#,
            get("/?q=zap"),
            "allow",
        ),
        (
            r#""sensitivity": {"sql_injection": "low"}"#,
            get("/?q=zip"),
            "block",
        ),
        (r#""sensitivity": "low""#, get("/?q=zip"), "allow"),
    ]);
}

#[test]
fn a_share_of_traffic_is_enforced_and_stable() {
    let blocked = |policy: &str, asks: &mut dyn Iterator<Item = String>| {
        let engine = compile(&own(policy));
        asks.filter(|client| {
            let ask = Ask {
                client,
                ..get("/?q=zap")
            };
            let action = engine.action(&inspect(&engine, &ask));
            // Again, on another path, with another agent: the same client is always in the same share.
            let again = Ask {
                client,
                headers: &[("user-agent", "other")],
                ..get("/elsewhere?q=zap")
            };
            assert_eq!(action, engine.action(&inspect(&engine, &again)), "{client}");
            assert_ne!(action, Action::Allow, "what is not enforced is monitored");
            action == Action::Block
        })
        .count()
    };
    let v4 = || (0..2000_u32).map(|n| std::net::Ipv4Addr::from(0x0A00_0000 + n).to_string());
    let v6 = || (0..2000_u32).map(|n| format!("2001:db8:{:x}:{n:x}::1", n / 7));
    for (percent, least, most) in [
        ("0", 0, 0),
        ("1", 5, 45),
        ("12.5", 190, 310),
        ("50", 900, 1100),
        ("100", 2000, 2000),
    ] {
        let policy = format!(r#""enforce_percent": {percent}"#);
        for found in [blocked(&policy, &mut v4()), blocked(&policy, &mut v6())] {
            assert!((least..=most).contains(&found), "{percent}: {found}");
        }
    }
    // Whoever is enforced at 10 percent is so at 50 too: a roll-out only ever grows.
    let (ten, fifty) = (
        compile(&own(r#""enforce_percent": 10"#)),
        compile(&own(r#""enforce_percent": 50"#)),
    );
    for client in v4() {
        let ask = Ask {
            client: &client,
            ..get("/?q=zap")
        };
        if ten.action(&inspect(&ten, &ask)) == Action::Block {
            assert_eq!(fifty.action(&inspect(&fifty, &ask)), Action::Block);
        }
    }
    // An IPv4 client is the same client where the proxy writes it as IPv6.
    for client in v4().take(200) {
        let mapped = format!("::ffff:{client}");
        let actions = [client, mapped].map(|client| {
            let ask = Ask {
                client: &client,
                ..get("/?q=zap")
            };
            fifty.action(&inspect(&fifty, &ask))
        });
        assert_eq!(actions[0], actions[1]);
    }
    // By a header: clients differ, the bucket does not.
    let engine = compile(&own(
        r#""enforce_percent": {"percent": 50, "header": "x-tenant"}"#,
    ));
    let mut enforced = 0;
    for tenant in 0..400 {
        let tenant = tenant.to_string();
        let actions = ["192.0.2.1", "198.51.100.7", ""].map(|client| {
            let headers = [("x-tenant", tenant.as_str())];
            let ask = Ask {
                client,
                headers: &headers,
                ..get("/?q=zap")
            };
            engine.action(&inspect(&engine, &ask))
        });
        assert!(
            actions.iter().all(|action| *action == actions[0]),
            "{tenant}"
        );
        enforced += u32::from(actions[0] == Action::Block);
    }
    assert!((150..=250).contains(&enforced), "{enforced}");
    check(&[
        (
            r#""enforce_percent": 0"#,
            get("/?q=zap"),
            "monitor sampled_out",
        ),
        (
            r#""enforce_percent": 0"#,
            get("/?q=tap"),
            "allow sampled_out",
        ),
        // A rule that blocks even in monitor does so here.
        (
            r#""enforce_percent": 0, "overrides": [{"rules": [100001], "mode": "block", "even_in_monitor": true}]"#,
            get("/?q=zap"),
            "block sampled_out",
        ),
    ]);
}

#[test]
fn exceptions_by_rule() {
    check_exceptions(&[
        (r#""rules": [100001]"#, get("/?q=zap"), "allow but x"),
        (r#""rules": 100001"#, get("/?q=zap"), "allow but x"),
        (r#""rules": [100001]"#, get("/?q=zip"), "block"),
        (r#""rules": [100001]"#, get("/?q=zap%20zip"), "block but x"),
        (r#""rules": [0]"#, get("/?q=zap%20zip%20zop"), "allow but x"),
        (
            r#""rules": ["100001-100002"]"#,
            get("/?q=zap%20zip"),
            "allow but x",
        ),
        (r#""rules": ["100001-100002"]"#, get("/?q=zop"), "block"),
        (
            r#""rules": ["100002-100009", 100001]"#,
            get("/?q=zap%20zop"),
            "allow but x",
        ),
        (
            r#""categories": ["sql_injection"]"#,
            get("/?q=zap"),
            "allow but x",
        ),
        (r#""categories": "sql_injection""#, get("/?q=zip"), "block"),
        (r#""tags": ["both"]"#, get("/?q=zap%20zip"), "allow but x"),
        (r#""tags": ["both"]"#, get("/?q=zop"), "block"),
        (r#""tags": "first""#, get("/?q=zip"), "block"),
        // Any entry names a rule.
        (
            r#""rules": [100001], "tags": ["both"], "categories": ["scanner"]"#,
            get("/?q=zap%20zip%20zop"),
            "allow but x",
        ),
    ]);
}

#[test]
fn exceptions_are_found_by_any_of_their_paths() {
    let several = r#""rules": [100001], "path": ["/a/b", {"prefix": "/a/"}, {"glob": "/c/*/d"}, {"glob": "/e*"}, {"regex": "^/f$"}]"#;
    let keyed = r#""rules": [100001], "path": ["/a/b", {"prefix": "/a/"}, {"glob": "/c/*/d"}]"#;
    check_exceptions(&[
        (several, get("/a/b?q=zap"), "allow but x"),
        (several, get("/a/c?q=zap"), "allow but x"),
        (several, get("/c/1/d?q=zap"), "allow but x"),
        (several, get("/e1/x?q=zap"), "allow but x"),
        (several, get("/f?q=zap"), "allow but x"),
        (several, get("/c/1/e?q=zap"), "block"),
        (several, get("/a?q=zap"), "block"),
        (keyed, get("/a/b?q=zap"), "allow but x"),
        (keyed, get("/a/c?q=zap"), "allow but x"),
        (keyed, get("/c/1/d?q=zap"), "allow but x"),
        (keyed, get("/c/d?q=zap"), "block"),
        (keyed, get("/?q=zap"), "block"),
        (
            r#""rules": [100001], "path": {"prefix": "/"}"#,
            get("/a/b?q=zap"),
            "allow but x",
        ),
        (
            r#""rules": [100001], "path": {"prefix": "/a"}"#,
            get("/ab/c?q=zap"),
            "allow but x",
        ),
        (
            r#""rules": [100001], "path": {"glob": "*/d"}"#,
            get("/a/b/d?q=zap"),
            "allow but x",
        ),
        (
            r#""rules": [100001], "path": {"glob": "/a?/d"}"#,
            get("/ab/d?q=zap"),
            "allow but x",
        ),
    ]);
}

#[test]
fn exceptions_by_request() {
    let at = |host| Ask {
        host,
        ..get("/?q=zap")
    };
    let by = |method| Ask {
        method,
        ..get("/?q=zap")
    };
    check_exceptions(&[
        // Paths are resolved as a server routes them, so that no spelling widens or escapes an exception.
        (
            r#""rules": [100001], "path": "/a""#,
            get("/a?q=zap"),
            "allow but x",
        ),
        (
            r#""rules": [100001], "path": "/a""#,
            get("/b?q=zap"),
            "block",
        ),
        (
            r#""rules": [100001], "path": "/a""#,
            get("/a/b?q=zap"),
            "block",
        ),
        (
            r#""rules": [100001], "path": "/a""#,
            get("//a?q=zap"),
            "allow but x",
        ),
        // The exception applies; the dots are an attack by themselves.
        (
            r#""rules": [100001], "path": "/a""#,
            get("/b/../a?q=zap"),
            "block but x",
        ),
        (
            r#""rules": [100001], "path": "/a""#,
            get("/%61?q=zap"),
            "allow but x",
        ),
        (
            r#""rules": [100001], "path": "/a""#,
            get("/a/../b?q=zap"),
            "block",
        ),
        (
            r#""rules": [100001], "path": "/a""#,
            get("/a%2f..%2fb?q=zap"),
            "block",
        ),
        (
            r#""rules": [100001], "path": "/a""#,
            get("/A?q=zap"),
            "block",
        ),
        (
            r#""rules": [100001], "path": ["/a", "/b"]"#,
            get("/b?q=zap"),
            "allow but x",
        ),
        (
            r#""rules": [100001], "path": ["/a", "/b"]"#,
            get("/c?q=zap"),
            "block",
        ),
        (
            r#""rules": [100001], "path": {"exact": "/a"}"#,
            get("/a?q=zap"),
            "allow but x",
        ),
        (
            r#""rules": [100001], "path": {"prefix": "/a/"}"#,
            get("/a/b/c?q=zap"),
            "allow but x",
        ),
        (
            r#""rules": [100001], "path": {"prefix": "/a/"}"#,
            get("/a?q=zap"),
            "block",
        ),
        (
            r#""rules": [100001], "path": {"prefix": "/a/"}"#,
            get("/a/../b?q=zap"),
            "block",
        ),
        (
            r#""rules": [100001], "path": {"suffix": ".json"}"#,
            get("/a.json?q=zap"),
            "allow but x",
        ),
        (
            r#""rules": [100001], "path": {"suffix": ".json"}"#,
            get("/a?q=zap&b=.json"),
            "block",
        ),
        (
            r#""rules": [100001], "path": {"contains": "/v1/"}"#,
            get("/a/v1/b?q=zap"),
            "allow but x",
        ),
        (
            r#""rules": [100001], "path": {"contains": "/v1/"}"#,
            get("/a/v2/b?q=zap"),
            "block",
        ),
        (
            r#""rules": [100001], "path": {"glob": "/users/*/notes"}"#,
            get("/users/7/notes?q=zap"),
            "allow but x",
        ),
        (
            r#""rules": [100001], "path": {"glob": "/users/*/notes"}"#,
            get("/users/7/name?q=zap"),
            "block",
        ),
        (
            r#""rules": [100001], "path": {"regex": "^/users/[0-9]+$"}"#,
            get("/users/7?q=zap"),
            "allow but x",
        ),
        (
            r#""rules": [100001], "path": {"regex": "^/users/[0-9]+$"}"#,
            get("/users/x?q=zap"),
            "block",
        ),
        // Hosts, without port and without case.
        (
            r#""rules": [100001], "host": "api.example.com""#,
            at("api.example.com"),
            "allow but x",
        ),
        (
            r#""rules": [100001], "host": "API.example.com""#,
            at("Api.Example.Com:8443"),
            "allow but x",
        ),
        (
            r#""rules": [100001], "host": "api.example.com""#,
            at("www.example.com"),
            "block",
        ),
        (
            r#""rules": [100001], "host": "*.example.com""#,
            at("a.example.com"),
            "allow but x",
        ),
        (
            r#""rules": [100001], "host": "*.example.com""#,
            at("example.com"),
            "block",
        ),
        (
            r#""rules": [100001], "host": "*.example.com""#,
            at("a.example.com.evil.test"),
            "block",
        ),
        (
            r#""rules": [100001], "host": ["a.test", "b.test"]"#,
            at("b.test"),
            "allow but x",
        ),
        (
            r#""rules": [100001], "host": {"regex": "^a[0-9]\\.test$"}"#,
            at("a1.test"),
            "allow but x",
        ),
        (
            r#""rules": [100001], "host": {"regex": "^a[0-9]\\.test$"}"#,
            at("ab.test"),
            "block",
        ),
        // Methods.
        (
            r#""rules": [100001], "method": "PUT""#,
            by("PUT"),
            "allow but x",
        ),
        (r#""rules": [100001], "method": "PUT""#, by("GET"), "block"),
        (
            r#""rules": [100001], "method": ["PUT", "GET"]"#,
            by("GET"),
            "allow but x",
        ),
        // All conditions together.
        (
            r#""rules": [100001], "path": "/", "host": "a.test", "method": "GET""#,
            at("a.test"),
            "allow but x",
        ),
        (
            r#""rules": [100001], "path": "/", "host": "a.test", "method": "PUT""#,
            at("a.test"),
            "block",
        ),
        (
            r#""rules": [100001], "path": "/x", "host": "a.test", "method": "GET""#,
            at("a.test"),
            "block",
        ),
    ]);
}

#[test]
fn exceptions_by_place() {
    let items = r#"{"items": [{"comment": "a"}, {"comment": "zap"}]}"#;
    let title = r#"{"items": [{"title": "zap"}]}"#;
    let header = |headers| Ask {
        headers,
        ..get("/")
    };
    check_exceptions(&[
        (
            r#""rules": [100001], "zones": ["query_string"]"#,
            get("/?q=zap"),
            "allow but x",
        ),
        (
            r#""rules": [100001], "zones": "query_string""#,
            get("/zap"),
            "block",
        ),
        (
            r#""rules": [100001], "zones": "query_string""#,
            post("/", FORM, "q=zap"),
            "block",
        ),
        (
            r#""rules": [100001], "zones": ["query_string", "path"]"#,
            get("/zap"),
            "allow but x",
        ),
        (
            r#""rules": [100001], "zones": ["request_body"]"#,
            post("/", FORM, "q=zap"),
            "allow but x",
        ),
        (
            r#""rules": [100001], "zones": ["request_body"]"#,
            get("/?q=zap"),
            "block",
        ),
        (
            r#""rules": [100001], "zones": ["body"]"#,
            post("/", &[("content-type", "text/plain")], "zap"),
            "allow but x",
        ),
        (
            r#""rules": [100001], "zones": ["raw_body"]"#,
            post("/", FORM, "q=zap"),
            "block",
        ),
        (
            r#""rules": [100001], "zones": ["file_name"]"#,
            get("/?q=zap"),
            "block",
        ),
        // Names.
        (
            r#""rules": [100001], "name": "q""#,
            get("/?q=zap"),
            "allow but x",
        ),
        (r#""rules": [100001], "name": "q""#, get("/?r=zap"), "block"),
        (
            r#""rules": [100001], "name": "q""#,
            get("/?q=zap&r=zap"),
            "block but x",
        ),
        (
            r#""rules": [100001], "name": {"prefix": "utm_"}"#,
            get("/?utm_source=zap"),
            "allow but x",
        ),
        (
            r#""rules": [100001], "name": {"glob": "filter[*]"}"#,
            get("/?filter[a]=zap"),
            "allow but x",
        ),
        (
            r#""rules": [100001], "name": {"glob": "filter[*]"}"#,
            get("/?filter=zap"),
            "block",
        ),
        (
            r#""rules": [100001], "name": {"regex": "^(q|query)$"}"#,
            get("/?query=zap"),
            "allow but x",
        ),
        (
            r#""rules": [100001], "name": {"regex": "^(q|query)$"}"#,
            get("/?querys=zap"),
            "block",
        ),
        // Key paths.
        (
            r#""rules": [100001], "name": {"glob": "items[*].comment"}"#,
            post("/", JSON, items),
            "allow but x",
        ),
        (
            r#""rules": [100001], "name": {"glob": "items[*].comment"}"#,
            post("/", JSON, title),
            "block",
        ),
        (
            r#""rules": [100001], "name": "items[1].comment""#,
            post("/", JSON, items),
            "allow but x",
        ),
        (
            r#""rules": [100001], "name": "items[0].comment""#,
            post("/", JSON, items),
            "block",
        ),
        // The halves of a field.
        (
            r#""rules": [100001], "part": "value""#,
            get("/?q=zap"),
            "allow but x",
        ),
        (
            r#""rules": [100001], "part": "value""#,
            get("/?zap=q"),
            "block",
        ),
        (
            r#""rules": [100001], "part": "name""#,
            get("/?zap=q"),
            "allow but x",
        ),
        (
            r#""rules": [100001], "part": "name""#,
            get("/?q=zap"),
            "block",
        ),
        (
            r#""rules": [100001], "part": "name""#,
            get("/?zap=zap"),
            "block but x",
        ),
        // What stands there.
        (
            r#""rules": [100001], "value": "zap""#,
            get("/?q=zap"),
            "allow but x",
        ),
        (
            r#""rules": [100001], "value": "zap""#,
            get("/?q=zapp"),
            "block",
        ),
        (
            r#""rules": [100001], "value": {"regex": "^zap[0-9]*$"}"#,
            get("/?q=zap7"),
            "allow but x",
        ),
        (
            r#""rules": [100001], "value": {"regex": "^zap[0-9]*$"}"#,
            get("/?q=zap%27"),
            "block",
        ),
        (
            r#""rules": [100001], "value": {"suffix": "zap"}"#,
            get("/?q=a%20zap"),
            "allow but x",
        ),
        // Headers without regard to case; cookies, and a cookie addressed as the header `cookie`.
        (
            r#""rules": [100001], "zones": "request_header", "name": "X-Note""#,
            header(&[("x-note", "zap")]),
            "allow but x",
        ),
        (
            r#""rules": [100001], "zones": "request_header", "name": "x-other""#,
            header(&[("x-note", "zap")]),
            "block",
        ),
        (
            r#""rules": [100001], "zones": "cookies", "name": "note""#,
            header(&[("cookie", "note=zap")]),
            "allow but x",
        ),
        (
            r#""rules": [100001], "zones": "cookies", "name": "Note""#,
            header(&[("cookie", "note=zap")]),
            "block",
        ),
        (
            r#""rules": [100001], "zones": "cookies", "name": "cookie""#,
            header(&[("cookie", "note=zap")]),
            "block",
        ),
        (
            r#""rules": [100001], "zones": "request_header", "name": "cookie""#,
            header(&[("cookie", "note=zap")]),
            "allow but x",
        ),
        (
            r#""rules": [100001], "zones": "request_header", "name": "cookie""#,
            header(&[("x-note", "zap")]),
            "block",
        ),
        // All conditions together.
        (
            r#""rules": [100001], "path": "/a", "zones": "query_string", "name": "q", "part": "value", "value": {"prefix": "zap"}"#,
            get("/a?q=zapper"),
            "allow but x",
        ),
        (
            r#""rules": [100001], "path": "/a", "zones": "query_string", "name": "q", "part": "value", "value": {"prefix": "zap"}"#,
            get("/a?q=a%20zap"),
            "block",
        ),
    ]);
}

#[test]
fn exceptions_in_force_inactive_and_expired() {
    // 2026-12-31 is day 20818.
    let last = 20_818 * 86_400;
    let on = |now| Ask {
        now: Some(now),
        ..get("/?q=zap")
    };
    check_exceptions(&[
        (
            r#""rules": [100001], "active": true"#,
            get("/?q=zap"),
            "allow but x",
        ),
        (
            r#""rules": [100001], "active": false"#,
            get("/?q=zap"),
            "block",
        ),
        (
            r#""rules": [100001], "reason": "ticket 7""#,
            get("/?q=zap"),
            "allow but x",
        ),
        // Inclusive, UTC.
        (
            r#""rules": [100001], "expires": "2026-12-31""#,
            on(last - 86_400),
            "allow but x",
        ),
        (
            r#""rules": [100001], "expires": "2026-12-31""#,
            on(last),
            "allow but x",
        ),
        (
            r#""rules": [100001], "expires": "2026-12-31""#,
            on(last + 86_399),
            "allow but x",
        ),
        (
            r#""rules": [100001], "expires": "2026-12-31""#,
            on(last + 86_400),
            "block expired x",
        ),
        (
            r#""rules": [100001], "expires": "2026-12-31""#,
            on(u64::MAX),
            "block expired x",
        ),
        (
            r#""rules": [100001], "expires": "2026-12-31", "active": false"#,
            on(last),
            "block",
        ),
        // Named only where it would have removed the hit.
        (
            r#""rules": [100001], "expires": "2026-12-31", "path": "/elsewhere""#,
            on(last + 86_400),
            "block",
        ),
        (
            r#""rules": [100001], "expires": "2026-12-31", "name": "r""#,
            on(last + 86_400),
            "block",
        ),
        (
            r#""rules": [100002], "expires": "2026-12-31""#,
            on(last + 86_400),
            "block",
        ),
        (
            r#""rules": [100001], "expires": "2026-12-31", "active": false"#,
            on(last + 86_400),
            "block",
        ),
    ]);
}

#[test]
fn exceptions_in_the_shape_of_one_zone() {
    let header = |headers| Ask {
        headers,
        ..get("/")
    };
    check_exceptions(&[
        (
            r#""rule_id": 100001, "match_zone": "query_string""#,
            get("/?q=zap"),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "match_zone": "query_string""#,
            get("/?q=zip"),
            "block",
        ),
        (
            r#""rule_id": 0, "match_zone": "query_string""#,
            get("/?q=zap%20zip"),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "match_zone": "query_string""#,
            get("/zap"),
            "block",
        ),
        (
            r#""rule_id": 100001, "match_zone": "path""#,
            get("/zap"),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "match_zone": "body""#,
            post("/", FORM, "q=zap"),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "match_zone": "headers""#,
            header(&[("x-note", "zap")]),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "match_zone": "cookies""#,
            header(&[("cookie", "a=zap")]),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "match_zone": "cookies""#,
            header(&[("x-note", "zap")]),
            "block",
        ),
        (
            r#""rule_id": 100001, "match_zone": "query_string", "path": "/a""#,
            get("/a?q=zap"),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "match_zone": "query_string", "path": "/a""#,
            get("/b?q=zap"),
            "block",
        ),
        (
            r#""rule_id": 100001, "match_zone": "query_string", "path": null"#,
            get("/b?q=zap"),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "match_zone": "query_string", "path": """#,
            get("/b?q=zap"),
            "allow but x",
        ),
        // The pattern is matched against the part that hit.
        (
            r#""rule_id": 100001, "match_zone": "query_string", "match_pattern": "^zap[0-9]+$""#,
            get("/?q=zap7"),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "match_zone": "query_string", "match_pattern": "^zap[0-9]+$""#,
            get("/?q=zap"),
            "block",
        ),
        (
            r#""rule_id": 100001, "match_zone": "query_string", "match_pattern": "^zap[0-9]+$""#,
            get("/?q=zap7&r=zap"),
            "block but x",
        ),
        (
            r#""rule_id": 100001, "match_zone": "query_string", "match_pattern": null"#,
            get("/?q=zap"),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "match_zone": "query_string", "active": true, "reason": "why""#,
            get("/?q=zap"),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "match_zone": "query_string", "active": false"#,
            get("/?q=zap"),
            "block",
        ),
    ]);
}

#[test]
fn exceptions_in_the_shape_of_zones() {
    let header = |headers| Ask {
        headers,
        ..get("/")
    };
    check_exceptions(&[
        (
            r#""rule_id": 100001, "match_zones": [{"zone": "query_string"}]"#,
            get("/?q=zap"),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "match_zones": [{"zone": "query_string", "zone_input": null, "matches_on": null}]"#,
            get("/?q=zap"),
            "allow but x",
        ),
        (
            r#""rule_id": 0, "match_zones": [{"zone": "query_string"}]"#,
            get("/?q=zip"),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "match_zones": [{"zone": "query_string", "matches_on": "value"}]"#,
            get("/?q=zap"),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "match_zones": [{"zone": "query_string", "matches_on": "name"}]"#,
            get("/?q=zap"),
            "block",
        ),
        (
            r#""rule_id": 100001, "match_zones": [{"zone": "query_string", "matches_on": "name"}]"#,
            get("/?zap=q"),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "match_zones": [{"zone": "path"}]"#,
            get("/zap"),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "match_zones": [{"zone": "request_body"}]"#,
            post("/", FORM, "q=zap"),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "match_zones": [{"zone": "request_header"}]"#,
            header(&[("x-note", "zap")]),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "match_zones": [{"zone": "raw_body"}]"#,
            post("/", &[("content-type", "text/plain")], "zap"),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "match_zones": [{"zone": "file_name"}]"#,
            get("/?q=zap"),
            "block",
        ),
        (
            r#""rule_id": 100001, "match_zones": [{"zone": "conditional_query_string", "zone_input": "q"}]"#,
            get("/?q=zap"),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "match_zones": [{"zone": "conditional_query_string", "zone_input": "q"}]"#,
            get("/?r=zap"),
            "block",
        ),
        (
            r#""rule_id": 100001, "match_zones": [{"zone": "conditional_request_body", "zone_input": "q"}]"#,
            post("/", FORM, "q=zap"),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "match_zones": [{"zone": "conditional_request_body", "zone_input": "q"}]"#,
            post("/", FORM, "r=zap"),
            "block",
        ),
        (
            r#""rule_id": 100001, "match_zones": [{"zone": "conditional_request_header", "zone_input": "X-Note"}]"#,
            header(&[("x-note", "zap")]),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "match_zones": [{"zone": "conditional_request_header", "zone_input": "Cookie"}]"#,
            header(&[("cookie", "a=zap")]),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "use_regex": true, "match_zones": [{"zone": "conditional_query_string", "zone_input": "^q[0-9]$"}]"#,
            get("/?q1=zap"),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "use_regex": true, "match_zones": [{"zone": "conditional_query_string", "zone_input": "^q[0-9]$"}]"#,
            get("/?q=zap"),
            "block",
        ),
        (
            r#""rule_id": 100001, "use_regex": true, "path": "^/a", "match_zones": [{"zone": "query_string"}]"#,
            get("/ab?q=zap"),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "path": "/a", "match_zones": [{"zone": "query_string"}]"#,
            get("/ab?q=zap"),
            "block",
        ),
        (
            r#""rule_id": 100001, "status": true, "reason": "r", "match_zones": [{"zone": "query_string"}]"#,
            get("/?q=zap"),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "status": false, "match_zones": [{"zone": "query_string"}]"#,
            get("/?q=zap"),
            "block",
        ),
        // All of them: the hit in one, the others present in the request.
        (
            r#""rule_id": 100001, "match_zones": [{"zone": "query_string"}, {"zone": "conditional_request_header", "zone_input": "x-app"}]"#,
            Ask {
                headers: &[("x-app", "1")],
                ..get("/?q=zap")
            },
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "match_zones": [{"zone": "query_string"}, {"zone": "conditional_request_header", "zone_input": "x-app"}]"#,
            get("/?q=zap"),
            "block",
        ),
    ]);
}

#[test]
fn exceptions_in_the_shape_of_conditions() {
    let header = |headers| Ask {
        headers,
        ..get("/")
    };
    let upload = "--b\r\ncontent-disposition: form-data; name=\"f\"; filename=\"zap.txt\"\r\n\r\nhello\r\n--b--\r\n";
    let multipart: &[(&str, &str)] = &[("content-type", "multipart/form-data; boundary=b")];
    check_exceptions(&[
        (
            r#""rule_id": 100001, "conditions": [{"match": "any_query_string_value"}]"#,
            get("/?q=zap"),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "conditions": [{"match": "any_query_string_value"}]"#,
            get("/?zap=q"),
            "block",
        ),
        (
            r#""rule_id": 100001, "conditions": [{"match": "any_query_string_name"}]"#,
            get("/?zap=q"),
            "allow but x",
        ),
        (
            r#""rule_id": 0, "name": "a title", "conditions": [{"match": "any_query_string_value"}]"#,
            get("/?q=zip"),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "conditions": [{"match": "specific_query_string_value", "name": "q"}]"#,
            get("/?q=zap"),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "conditions": [{"match": "specific_query_string_value", "name": "q"}]"#,
            get("/?r=zap"),
            "block",
        ),
        (
            r#""rule_id": 100001, "conditions": [{"match": "specific_query_string_value", "value": "q"}]"#,
            get("/?q=zap"),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "conditions": [{"match": "specific_query_string_name", "name": "zap"}]"#,
            get("/?zap=q"),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "conditions": [{"match": "any_http_header_value"}]"#,
            header(&[("x-note", "zap")]),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "conditions": [{"match": "any_http_header_value"}]"#,
            header(&[("cookie", "a=zap")]),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "conditions": [{"match": "any_http_header_name"}]"#,
            header(&[("x-note", "zap")]),
            "block",
        ),
        (
            r#""rule_id": 100001, "conditions": [{"match": "specific_http_header_value", "name": "X-Note"}]"#,
            header(&[("x-note", "zap")]),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "conditions": [{"match": "specific_http_header_value", "name": "Cookie"}]"#,
            header(&[("cookie", "a=zap")]),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "conditions": [{"match": "specific_http_header_name", "name": "x-zap"}]"#,
            header(&[("x-zap", "1")]),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "conditions": [{"match": "body_form_field_value"}]"#,
            post("/", FORM, "q=zap"),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "conditions": [{"match": "body_form_field_name"}]"#,
            post("/", FORM, "zap=q"),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "conditions": [{"match": "specific_body_form_field_value", "name": "q"}]"#,
            post("/", FORM, "q=zap"),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "conditions": [{"match": "specific_body_form_field_value", "name": "q"}]"#,
            post("/", FORM, "r=zap"),
            "block",
        ),
        (
            r#""rule_id": 100001, "conditions": [{"match": "specific_body_form_field_name", "name": "zap"}]"#,
            post("/", FORM, "zap=1"),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "conditions": [{"match": "raw_body"}]"#,
            post("/", &[("content-type", "text/plain")], "zap"),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "conditions": [{"match": "raw_body"}]"#,
            post("/", FORM, "q=zap"),
            "block",
        ),
        (
            r#""rule_id": 100001, "conditions": [{"match": "any_url"}]"#,
            get("/zap"),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "conditions": [{"match": "any_url"}]"#,
            get("/?q=zap"),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "conditions": [{"match": "any_url"}]"#,
            post("/", FORM, "q=zap"),
            "block",
        ),
        (
            r#""rule_id": 100001, "operator": "contains", "conditions": [{"match": "any_url", "value": "/a/"}]"#,
            get("/x/a/zap"),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "operator": "contains", "conditions": [{"match": "any_url", "value": "/a/"}]"#,
            get("/x/b/zap"),
            "block",
        ),
        (
            r#""rule_id": 100001, "operator": "contains", "conditions": [{"match": "file_extension", "value": "txt"}]"#,
            post("/", multipart, upload),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "operator": "contains", "conditions": [{"match": "file_extension", "value": "pdf"}]"#,
            post("/", multipart, upload),
            "block",
        ),
        // The operator, for all or for one.
        (
            r#""rule_id": 100001, "operator": "contains", "conditions": [{"match": "any_query_string_value", "value": "[0-9]"}]"#,
            get("/?q=zap7"),
            "block",
        ),
        (
            r#""rule_id": 100001, "operator": "contains", "conditions": [{"match": "any_query_string_value", "value": "ap7"}]"#,
            get("/?q=zap7"),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "operator": "regex", "conditions": [{"match": "any_query_string_value", "value": "[0-9]"}]"#,
            get("/?q=zap7"),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "operator": "contains", "conditions": [{"match": "any_query_string_value", "value": "[0-9]", "operator": "regex"}]"#,
            get("/?q=zap7"),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "operator": "contains", "path": "/v1", "conditions": [{"match": "any_query_string_value"}]"#,
            get("/api/v1/a?q=zap"),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "operator": "regex", "path": "^/api/v[12]/", "conditions": [{"match": "any_query_string_value"}]"#,
            get("/api/v3/a?q=zap"),
            "block",
        ),
        (
            r#""rule_id": 100001, "path": "/v1", "conditions": [{"match": "any_query_string_value"}]"#,
            get("/api/v1/a?q=zap"),
            "block",
        ),
        (
            r#""rule_id": 100001, "status": false, "conditions": [{"match": "any_query_string_value"}]"#,
            get("/?q=zap"),
            "block",
        ),
        // All conditions must hold.
        (
            r#""rule_id": 100001, "conditions": [{"match": "any_query_string_value"}, {"match": "specific_http_header_value", "name": "x-app", "value": "^7$"}]"#,
            Ask {
                headers: &[("x-app", "7")],
                ..get("/?q=zap")
            },
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "conditions": [{"match": "any_query_string_value"}, {"match": "specific_http_header_value", "name": "x-app", "value": "^7$"}]"#,
            Ask {
                headers: &[("x-app", "8")],
                ..get("/?q=zap")
            },
            "block",
        ),
        // One in the head, the hit in the body.
        (
            r#""rule_id": 100001, "conditions": [{"match": "body_form_field_value"}, {"match": "specific_query_string_value", "name": "tool", "value": "^1$"}]"#,
            post("/?tool=1", FORM, "q=zap"),
            "allow but x",
        ),
        (
            r#""rule_id": 100001, "conditions": [{"match": "body_form_field_value"}, {"match": "specific_query_string_value", "name": "tool", "value": "^1$"}]"#,
            post("/?tool=2", FORM, "q=zap"),
            "block",
        ),
    ]);
}

#[test]
fn an_exception_removes_the_hit_and_nothing_else() {
    // Half of the points are excepted; the other half still counts.
    let policy = own(
        r#""overrides": [{"rules": [100001], "score": {"sql_injection": 8}}],
           "exceptions": [{"id": "x", "rules": [100001], "name": "q"}]"#,
    );
    for (target, points, action) in [
        ("/?q=zap", 0, Action::Allow),
        ("/?q=zap&r=zap", 8, Action::Allow),
        ("/?q=zap&r=zap&s=zap", 16, Action::Block),
        ("/?q=zap%20zap%20zap&r=zap", 8, Action::Allow),
    ] {
        let verdict = judge(&policy, &get(target));
        assert_eq!(
            verdict.scores.get(Category::SqlInjection),
            points,
            "{target}"
        );
        assert_eq!(verdict.action, action, "{target}");
        assert_eq!(verdict.exceptions, ["x"], "{target}");
        assert!(verdict.hits.iter().all(|hit| hit.name != b"q"), "{target}");
    }
    // Other rules still look at the very field.
    let verdict = judge(&policy, &get("/?q=zap%20zip"));
    assert_eq!(verdict.action, Action::Block);
    assert_eq!(verdict.hits.len(), 1);
    // What could not be inspected stays so: an exception for every rule excuses no size.
    let policy = r#"{"exceptions": [{"id": "x", "rules": [0]}], "limits": {"json_depth": 2}}"#;
    let deep = post("/", JSON, r#"{"a": {"b": {"c": {"d": 1}}}}"#);
    assert_eq!(judge(policy, &deep).action, Action::Block);
    // The label of one without an id is its place.
    let policy = own(r#""exceptions": [{"rules": [100002]}, {"rules": [100001]}]"#);
    let verdict = judge(&policy, &get("/?q=zap"));
    assert_eq!(verdict.exceptions, ["exceptions[1]"]);
    // An id may be a number, as other products write them.
    let policy = own(r#""exceptions": [{"id": 1234, "rules": [100001]}]"#);
    assert_eq!(judge(&policy, &get("/?q=zap")).exceptions, ["1234"]);
}

#[test]
fn scopes_concern_requests() {
    type Row = (
        &'static str,
        &'static [(&'static str, &'static str, &'static str)],
    );
    let rows: &[Row] = &[
        (
            r#""host": "a.test""#,
            &[
                ("GET", "a.test/", "in"),
                ("GET", "A.TEST:80/", "in"),
                ("GET", "b.test/", "out"),
                ("GET", "/", "out"),
            ],
        ),
        (
            r#""host": "*.a.test""#,
            &[
                ("GET", "x.a.test/", "in"),
                ("GET", "a.test/", "out"),
                ("GET", "a.test.b/", "out"),
            ],
        ),
        (
            r#""path": "/a""#,
            &[
                ("GET", "h/a", "in"),
                ("GET", "h/a/b", "out"),
                ("GET", "h//a?x", "in"),
            ],
        ),
        (
            r#""path": {"prefix": "/a/"}"#,
            &[
                ("GET", "h/a/b", "in"),
                ("GET", "h/a", "out"),
                ("GET", "h/a/../b", "out"),
                ("GET", "h/x/..//a/b", "in"),
            ],
        ),
        (
            r#""path": {"glob": "/a/*/c"}"#,
            &[("GET", "h/a/b/c", "in"), ("GET", "h/a/c", "out")],
        ),
        (
            r#""path": {"regex": "^/a[0-9]"}"#,
            &[("GET", "h/a1", "in"), ("GET", "h/ab", "out")],
        ),
        (
            r#""method": ["PUT", "PATCH"]"#,
            &[
                ("PUT", "h/", "in"),
                ("PATCH", "h/", "in"),
                ("GET", "h/", "out"),
            ],
        ),
        (
            r#""host": "h", "path": "/a", "method": "PUT""#,
            &[
                ("PUT", "h/a", "in"),
                ("GET", "h/a", "out"),
                ("PUT", "h/b", "out"),
                ("PUT", "g/a", "out"),
            ],
        ),
    ];
    for (concerns, asks) in rows {
        let policy = own(&format!(
            r#""scopes": [{{"name": "s", {concerns}, "mode": "monitor"}}]"#
        ));
        for (method, place, expected) in *asks {
            let (host, target) = place.split_at(place.find('/').expect("a path"));
            let ask = Ask {
                method,
                host,
                target,
                headers: &[("x-note", "zap")],
                ..ASK
            };
            let expected = match *expected {
                "in" => "monitor in s",
                // A request of no scope falls to the default, never to nothing.
                _ => "block",
            };
            assert_eq!(
                told(&judge(&policy, &ask)),
                expected,
                "{concerns} {method} {place}"
            );
        }
    }
}

#[test]
fn the_most_specific_scope_wins_wherever_it_stands() {
    // From the most specific to the least.
    let order = [
        r#"{"name": "a", "host": "h.test", "path": "/api/v1", "method": "GET", "mode": "monitor"}"#,
        r#"{"name": "b", "host": "h.test", "path": "/api/v1", "mode": "monitor"}"#,
        r#"{"name": "c", "host": "h.test", "path": {"prefix": "/api/v1"}, "mode": "monitor"}"#,
        r#"{"name": "d", "host": "h.test", "path": {"prefix": "/api"}, "mode": "monitor"}"#,
        r#"{"name": "e", "host": "h.test", "path": {"regex": "^/api"}, "mode": "monitor"}"#,
        r#"{"name": "f", "host": "h.test", "mode": "monitor"}"#,
        r#"{"name": "g", "host": "*.test", "path": "/api/v1", "mode": "monitor"}"#,
        r#"{"name": "h", "host": "*.test", "mode": "monitor"}"#,
        r#"{"name": "i", "path": "/api/v1", "mode": "monitor"}"#,
        r#"{"name": "j", "method": "GET", "mode": "monitor"}"#,
    ];
    let ask = Ask {
        host: "h.test",
        ..get("/api/v1")
    };
    for first in 0..order.len() {
        let expected = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"][first];
        let mut left: Vec<&str> = order[first..].to_vec();
        for _ in 0..2 {
            let policy = format!(r#"{{"scopes": [{}]}}"#, left.join(", "));
            assert_eq!(
                judge(&policy, &ask).scope.as_deref(),
                Some(expected),
                "{policy}"
            );
            left.reverse();
        }
    }
    // Among equals the first one stands.
    let equal = r#"{"scopes": [{"name": "p", "path": {"regex": "^/a"}}, {"name": "q", "path": {"regex": "/a$"}}]}"#;
    assert_eq!(judge(equal, &get("/a")).scope.as_deref(), Some("p"));
}

#[test]
fn a_scope_overrides_what_stands_above() {
    let deep = r#"{"a": {"b": {"c": 1}}}"#;
    let rows: &[(&str, &str, Ask<'_>, &str, &str)] = &[
        // What stands at the top, in the scope, the request; what is told outside and inside of the scope.
        (
            "",
            r#""mode": "monitor""#,
            get("/?q=zap"),
            "block",
            "monitor",
        ),
        ("", r#""mode": "off""#, get("/?q=zap"), "block", "allow"),
        (
            r#""mode": "off""#,
            r#""mode": "block""#,
            get("/?q=zap"),
            "allow",
            "block",
        ),
        (
            "",
            r#""category_modes": {"sql_injection": "off"}"#,
            get("/?q=zap"),
            "block",
            "allow",
        ),
        (
            "",
            r#""preset": "strict""#,
            get("/?q=%3C%3E"),
            "allow",
            "block",
        ),
        (
            r#""preset": "strict""#,
            r#""preset": "balanced""#,
            get("/?q=%3C%3E"),
            "block",
            "allow",
        ),
        (
            "",
            r#""sensitivity": "low""#,
            get("/?q=zap"),
            "block",
            "allow",
        ),
        (
            r#""sensitivity": "low""#,
            r#""sensitivity": {"sql_injection": "medium"}"#,
            get("/?q=zap"),
            "allow",
            "block",
        ),
        (
            r#""sensitivity": "low""#,
            r#""sensitivity": {"sql_injection": "medium"}"#,
            get("/?q=zip"),
            "allow",
            "allow",
        ),
        (
            "",
            r#""overrides": [{"rules": [100001], "mode": "off"}]"#,
            get("/?q=zap"),
            "block",
            "allow",
        ),
        (
            r#""overrides": [{"rules": [0], "mode": "off"}]"#,
            r#""overrides": [{"rules": [100001], "mode": "block"}]"#,
            get("/?q=zap"),
            "allow",
            "block",
        ),
        (
            r#""overrides": [{"rules": [100002], "mode": "off"}]"#,
            r#""overrides": [{"rules": [100001], "mode": "off"}]"#,
            get("/?q=zip"),
            "allow",
            "allow",
        ),
        (
            "",
            r#""exceptions": [{"id": "x", "rules": [100001]}]"#,
            get("/?q=zap"),
            "block",
            "allow but x",
        ),
        (
            r#""exceptions": [{"id": "x", "rules": [100001]}]"#,
            r#""mode": "block""#,
            get("/?q=zap"),
            "allow but x",
            "allow but x",
        ),
        (
            "",
            r#""enforce_percent": 0"#,
            get("/?q=zap"),
            "block",
            "monitor sampled_out",
        ),
        (
            "",
            r#""allow_clients": ["192.0.2.1"]"#,
            Ask {
                client: "192.0.2.1",
                ..get("/?q=zap")
            },
            "block",
            "allow by AllowedClient",
        ),
        (
            "",
            r#""deny_clients": ["192.0.2.1"]"#,
            Ask {
                client: "192.0.2.1",
                ..get("/")
            },
            "allow",
            "block by DeniedClient",
        ),
        (
            r#""deny_clients": ["192.0.2.1"]"#,
            r#""deny_clients": []"#,
            Ask {
                client: "192.0.2.1",
                ..get("/")
            },
            "block by DeniedClient",
            "allow",
        ),
        (
            "",
            r#""limits": {"json_depth": 2}"#,
            post("/", JSON, deep),
            "allow",
            "block",
        ),
        (
            r#""limits": {"json_depth": 2}"#,
            r#""uninspected": {"json_too_deep": "inspect_prefix"}"#,
            post("/", JSON, deep),
            "block",
            "allow",
        ),
        (
            r#""limits": {"json_depth": 2}"#,
            r#""uninspected": {"json_too_deep": "pass"}"#,
            post("/", JSON, deep),
            "block",
            "allow by Uninspected",
        ),
        (
            "",
            r#""rules": [{"id": 100009, "literals": ["zup"], "score": {"scanner": 16}}]"#,
            get("/?q=zup"),
            "allow",
            "block",
        ),
        (
            "",
            r#""rules": [{"id": 100009, "literals": ["zup"], "score": {"scanner": 16}}]"#,
            get("/?q=zap"),
            "block",
            "block",
        ),
    ];
    for (above, inside, ask, expected_out, expected_in) in rows {
        let comma = if above.is_empty() { "" } else { ", " };
        let policy = own(&format!(
            r#"{above}{comma}"scopes": [{{"name": "s", "host": "s.test", {inside}}}]"#
        ));
        assert_eq!(
            told(&judge(&policy, ask)),
            *expected_out,
            "outside: {policy}"
        );
        let within = Ask {
            host: "s.test",
            ..*ask
        };
        let found = told(&judge(&policy, &within)).replacen(" in s", "", 1);
        assert_eq!(found, *expected_in, "inside: {policy}");
    }
    let engine = compile(
        r#"{"block_response": {"status": 403},
            "scopes": [{"host": "s.test", "block_response": {"status": 429}, "on_error": "pass"}]}"#,
    );
    for (host, status, on_error) in [
        ("s.test", 429, Action::Allow),
        ("t.test", 403, Action::Block),
    ] {
        let mut seen = inspect(&engine, &Ask { host, ..get("/") });
        assert_eq!(engine.settings(&seen).block_response.status, status);
        engine.cannot_inspect(&mut seen, Anomaly::Unreadable);
        assert_eq!(engine.action(&seen), on_error);
    }
}

#[test]
fn clients_that_are_refused_or_not_inspected() {
    let from = |client| Ask {
        client,
        ..get("/?q=zap")
    };
    let clean = |client| Ask { client, ..get("/") };
    let lists = r#""allow_clients": ["192.0.2.0/24", "2001:db8:a::/48"], "deny_clients": ["198.51.100.7", "2001:db8:b::/48", "192.0.2.66"]"#;
    check(&[
        (lists, from("192.0.2.1"), "allow by AllowedClient"),
        (lists, from("::ffff:192.0.2.1"), "allow by AllowedClient"),
        (lists, from("192.0.3.1"), "block"),
        (lists, from("2001:db8:a::1"), "allow by AllowedClient"),
        (lists, from("2001:db8:c::1"), "block"),
        (lists, clean("2001:db8:c::1"), "allow"),
        (lists, clean("198.51.100.7"), "block by DeniedClient"),
        (lists, clean("::ffff:198.51.100.7"), "block by DeniedClient"),
        (lists, clean("198.51.100.8"), "allow"),
        (lists, clean("2001:db8:b:1::1"), "block by DeniedClient"),
        // On both lists: refused.
        (lists, from("192.0.2.66"), "block by DeniedClient"),
        // No address is on no list.
        (lists, from(""), "block"),
        (lists, clean(""), "allow"),
        (
            r#""deny_clients": ["0.0.0.0/0"]"#,
            clean("192.0.2.1"),
            "block by DeniedClient",
        ),
        (
            r#""deny_clients": ["0.0.0.0/0"]"#,
            clean("2001:db8::1"),
            "allow",
        ),
        (
            r#""deny_clients": ["::/0"]"#,
            clean("192.0.2.1"),
            "block by DeniedClient",
        ),
        // The list obeys the mode of the policy, and no category's.
        (
            r#""mode": "monitor", "deny_clients": ["192.0.2.1"]"#,
            clean("192.0.2.1"),
            "monitor by DeniedClient",
        ),
        (
            r#""mode": "off", "deny_clients": ["192.0.2.1"]"#,
            clean("192.0.2.1"),
            "allow",
        ),
        (
            r#""deny_clients": ["192.0.2.1"], "category_modes": {"unwanted_access": "off"}"#,
            clean("192.0.2.1"),
            "block by DeniedClient",
        ),
        (
            r#""mode": "monitor", "deny_clients": ["192.0.2.1"], "category_modes": {"unwanted_access": "block"}"#,
            clean("192.0.2.1"),
            "monitor by DeniedClient",
        ),
        (
            r#""enforce_percent": 0, "deny_clients": ["192.0.2.1"]"#,
            clean("192.0.2.1"),
            "block by DeniedClient",
        ),
    ]);
    assert!(compile(r#"{"exceptions": [{"rules": [17], "expires": "2026-12-31"}]}"#).needs_time());
    assert!(!compile(r#"{"exceptions": [{"rules": [17]}]}"#).needs_time());
}

#[test]
fn every_limit_is_read_and_bounded() {
    let keys: Vec<_> = Limits::default()
        .entries()
        .map(|(key, value, range)| (key, *value, range))
        .to_vec();
    for (key, default, range) in keys {
        let (least, most) = range.clone().into_inner();
        assert!(range.contains(&default), "{key}");
        for value in [least, most] {
            let mut limits = compile(&format!(r#"{{"limits": {{"{key}": {value}}}}}"#))
                .config()
                .settings
                .limits
                .clone();
            let read = limits.entries().into_iter().find(|entry| entry.0 == key);
            assert_eq!(read.map(|entry| *entry.1), Some(value), "{key}");
            let changed = limits
                .entries()
                .into_iter()
                .zip(Limits::default().entries())
                .filter(|(now, then)| now.1 != then.1)
                .count();
            assert!(changed <= 1, "{key} changes another limit");
        }
        let too_much = format!(r#"{{"limits": {{"{key}": {}}}}}"#, most + 1);
        let problems = Config::parse(too_much.as_bytes()).expect_err(key);
        assert_eq!(problems.len(), 1, "{key}");
        assert_eq!(problems[0].path, format!("$.limits.{key}"));
        assert_eq!(problems[0].message, format!("expected {least} to {most}"));
    }
    let policy = r#"{"limits": {"body_bytes": 10}, "uninspected": {"body_too_large": "block"}}"#;
    assert_eq!(
        judge(policy, &post("/", FORM, "a=12345678")).action,
        Action::Allow
    );
    assert_eq!(
        judge(policy, &post("/", FORM, "a=123456789")).action,
        Action::Block
    );
}

#[test]
fn what_could_not_be_seen_follows_the_policy() {
    for anomaly in Anomaly::UNINSPECTED.iter() {
        for (word, action) in [
            ("block", Action::Block),
            ("inspect_prefix", Action::Allow),
            ("pass", Action::Allow),
        ] {
            let policy = format!(r#"{{"uninspected": {{"{anomaly}": "{word}"}}}}"#);
            let engine = compile(&policy);
            let mut seen = inspect(&engine, &get("/"));
            engine.cannot_inspect(&mut seen, anomaly);
            let verdict = engine.verdict(&seen);
            assert_eq!(verdict.action, action, "{policy}");
            assert!(verdict.uninspected.contains(anomaly), "{policy}");
        }
        let engine = compile("{}");
        let mut seen = inspect(&engine, &get("/"));
        engine.cannot_inspect(&mut seen, anomaly);
        let default = match anomaly.default_fallback() {
            palisade::model::Fallback::Block => Action::Block,
            _ => Action::Allow,
        };
        assert_eq!(engine.action(&seen), default, "{anomaly}");
    }
    for (policy, action) in [
        (r#"{"on_error": "block"}"#, Action::Block),
        (r#"{"on_error": "pass"}"#, Action::Allow),
        (
            r#"{"mode": "monitor", "on_error": "block"}"#,
            Action::Monitor,
        ),
        (r#"{"uninspected": {"unreadable": "pass"}}"#, Action::Allow),
    ] {
        let engine = compile(policy);
        let mut seen = inspect(&engine, &get("/"));
        engine.cannot_inspect(&mut seen, Anomaly::Unreadable);
        assert_eq!(engine.action(&seen), action, "{policy}");
    }
}

#[test]
fn records_say_which_policy_decided() {
    let said = record(
        &own(r#""name": "shop", "revision": "2026-11-20.1", "mode": "monitor""#),
        &get("/?q=zap"),
    );
    assert_eq!(said["policy"], "shop");
    assert_eq!(said["revision"], "2026-11-20.1");
    assert_eq!(said["action"], "monitor");
    let said = record(
        &own(
            r#""exceptions": [{"id": "CRM-12", "rules": [100001]}], "scopes": [{"name": "crm", "path": "/crm"}]"#,
        ),
        &get("/crm?q=zap"),
    );
    assert_eq!(said["action"], "allow");
    assert_eq!(said["exceptions"], serde_json::json!(["CRM-12"]));
    assert_eq!(said["scope"], "crm");
    let said = record(&own(r#""enforce_percent": 0"#), &get("/?q=zap"));
    assert_eq!(said["sampled_out"], true);
    let allowed = Ask {
        client: "192.0.2.1",
        ..get("/?q=zap")
    };
    let said = record(&own(r#""allow_clients": ["192.0.2.1"]"#), &allowed);
    assert_eq!(said["ended_by"], "allow_clients");
    assert_eq!(
        record("{}", &get("/")),
        serde_json::json!({"action": "allow"})
    );
    assert_eq!(
        record(r#"{"name": "shop", "revision": "7"}"#, &get("/")),
        serde_json::json!({"action": "allow", "policy": "shop", "revision": "7"})
    );
}

#[test]
fn an_empty_document_is_the_default_policy() {
    for text in ["", " \n", "{}", r#"{"version": 1}"#] {
        let config = Config::parse(text.as_bytes()).expect(text);
        assert_eq!(config, Config::default(), "{text:?}");
    }
    assert_eq!(Config::default().settings.mode, Mode::Block);
}
