//! Sums are what the documents say: each enforced hit adds its score as often as it counts, what records only stands
//! apart and never decides, and a category acts at its threshold.

use palisade::config::Config;
use palisade::engine::{Engine, Scratch};
use palisade::model::{Action, Category, Family, RuleAction, Sums, Verdict};
use palisade::request::Head;
use palisade_harness::cases::{self, Case, Driver, Http};

fn engine(policy: &str) -> Engine {
    Config::parse(policy.as_bytes())
        .and_then(Engine::compile)
        .expect("a good policy")
}

/// The request of a case, head and body.
fn judge(engine: &Engine, scratch: &mut Scratch, case: &Case) -> Verdict {
    let headers = case.request.proxied_headers(Http::One);
    let find = |name: &str| {
        headers
            .iter()
            .find(|(own, _)| own == name)
            .map_or(&b""[..], |(_, value)| value.as_slice())
    };
    let plain: Vec<(&[u8], &[u8])> = headers
        .iter()
        .filter(|(name, _)| !name.starts_with(':'))
        .map(|(name, value)| (name.as_bytes(), value.as_slice()))
        .collect();
    let body = case.request.body.as_deref().unwrap_or_default();
    let head = Head {
        method: find(":method"),
        scheme: find(":scheme"),
        authority: find(":authority"),
        target: find(":path"),
        protocol: b"HTTP/1.1",
        headers: &plain,
        end_of_stream: body.is_empty(),
    };
    let mut seen = engine.begin(scratch, &head);
    if !body.is_empty() {
        engine.body(scratch, &mut seen, body, true);
    }
    engine.verdict(&seen)
}

/// What the hits come to: those that are enforced, or those that record.
fn reckoned(engine: &Engine, verdict: &Verdict, enforced: bool) -> Vec<(Category, u32)> {
    let mut sums = Sums::default();
    for hit in verdict.hits.iter().filter(|hit| hit.enforced == enforced) {
        let rule = engine.rule(hit.rule).expect("a hit belongs to a rule");
        for (category, points) in &rule.score {
            sums.add(*category, points * hit.count);
        }
    }
    sums.iter().collect()
}

#[test]
fn sums_are_those_of_the_hits() {
    let mut scratch = Scratch::default();
    let (mut summed, mut recorded) = (0, 0);
    for policy in ["{}", r#"{"preset":"strict"}"#] {
        let engine = engine(policy);
        for case in cases::load()
            .iter()
            .filter(|case| case.runs_on(Driver::Engine))
        {
            let verdict = judge(&engine, &mut scratch, case);
            let what = format!("{} under {policy}: {verdict:?}", case.name);
            // A verdict keeps so many hits; what is not kept counts all the same.
            if verdict.more_hits > 0 {
                continue;
            }
            assert_eq!(
                verdict.scores.iter().collect::<Vec<_>>(),
                reckoned(&engine, &verdict, true),
                "{what}"
            );
            assert_eq!(
                verdict.recorded.iter().collect::<Vec<_>>(),
                reckoned(&engine, &verdict, false),
                "{what}"
            );
            summed += usize::from(verdict.scores.iter().next().is_some());
            recorded += usize::from(verdict.recorded.iter().next().is_some());
        }
    }
    assert!(summed > 200 && recorded > 200, "{summed} {recorded}");
}

#[test]
fn what_records_never_decides() {
    let balanced = engine("{}");
    let strict = engine(r#"{"preset":"strict"}"#);
    let mut scratch = Scratch::default();
    let mut apart = 0;
    for case in cases::load()
        .iter()
        .filter(|case| case.runs_on(Driver::Engine))
    {
        let verdict = judge(&balanced, &mut scratch, case);
        for hit in &verdict.hits {
            let rule = balanced.rule(hit.rule).expect("a hit belongs to a rule");
            let records = rule.family() == Family::Core || rule.action == RuleAction::Monitor;
            assert_eq!(hit.enforced, !records, "{}: rule {}", case.name, rule.id);
        }
        // At medium a category acts at 16, and nothing but a sum or what could not be inspected blocks.
        let reached = verdict.scores.iter().any(|(_, sum)| sum >= 16);
        if verdict.uninspected.is_empty() {
            assert_eq!(verdict.action == Action::Block, reached, "{}", case.name);
        }
        let would = verdict.recorded.iter().any(|(_, sum)| sum >= 16);
        if would && !reached && verdict.uninspected.is_empty() {
            // The same request, where the same rules count.
            assert_eq!(verdict.action, Action::Allow, "{}", case.name);
            let verdict = judge(&strict, &mut scratch, case);
            assert_eq!(verdict.action, Action::Block, "{}", case.name);
            apart += 1;
        }
    }
    assert!(apart > 20, "{apart} cases tell the presets apart");
}
