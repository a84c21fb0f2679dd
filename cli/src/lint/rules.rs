//! Rules of a policy's own that cost too much, hit too much, or never do anything.

use palisade::config::Settings;
use palisade::engine::{Effect, Engine};
use palisade::model::{Condition, Matcher, Mode, RequestMatch, Rule, RuleAction, Zone, ZoneSet};

use super::Policy;
use super::cover::{is_impossible, parsed, requests_apart};
use super::exceptions::SAMPLES;

/// Bytes of a compiled pattern from which on it is worth a word.
const LARGE: usize = 128 << 10;

/// Of ordinary texts a rule that hits more than one in so many is no rule.
const ONE_IN: usize = 10;

/// A rule where it stands.
struct Placed<'a> {
    rule: &'a Rule,
    path: String,
    /// The index of its scope.
    scope: Option<usize>,
}

pub(super) fn check(policy: &mut Policy<'_>) {
    let all = placed(policy);
    for (index, placed) in all.iter().enumerate() {
        check_matcher(policy, placed);
        check_effect(policy, placed);
        let twin = all.iter().take(index).find(|other| is_twin(other, placed));
        if let Some(twin) = twin {
            policy.add(
                "rule-duplicate",
                &placed.path,
                format!(
                    "looks for the same as rule {}, in the same places",
                    twin.rule.id
                ),
            );
        }
    }
    check_allowing(policy, &all);
}

fn placed<'a>(policy: &Policy<'a>) -> Vec<Placed<'a>> {
    let find = |list: &str, id: u32| {
        let rules = policy.value_at(list)?.as_array()?;
        let index = rules.iter().position(|rule| rule["id"] == id)?;
        Some(format!("{list}[{index}]"))
    };
    let mut all = Vec::new();
    for rule in &policy.config.rules {
        let scopes = policy.config.scopes.iter().enumerate();
        let place = find("$.rules", rule.id)
            .map(|path| (path, None))
            .or_else(|| {
                scopes.into_iter().find_map(|(index, scope)| {
                    let path = find(&format!("{}.rules", scope.path), rule.id)?;
                    Some((path, Some(index)))
                })
            });
        if let Some((path, scope)) = place {
            all.push(Placed { rule, path, scope });
        }
    }
    all
}

fn is_twin(one: &Placed<'_>, other: &Placed<'_>) -> bool {
    let (a, b) = (one.rule, other.rule);
    a.matcher == b.matcher
        && a.zones == b.zones
        && a.parts == b.parts
        && a.views == b.views
        && (one.scope.is_none() || one.scope == other.scope)
}

fn check_matcher(policy: &mut Policy<'_>, placed: &Placed<'_>) {
    let Placed { rule, path, .. } = placed;
    let at = policy.at(path, &["regex", "literals", "detector", "when"]);
    if let Matcher::Regex(regex) = &rule.matcher {
        if parsed(regex).is_some_and(|hir| is_impossible(&hir)) {
            policy.add(
                "rule-impossible",
                &at,
                "nothing matches the pattern: something stands in front of `^` or behind `$`"
                    .to_owned(),
            );
            return;
        }
        if Engine::keys(rule).is_none() {
            policy.add_with_help(
                "rule-without-literal",
                &at,
                "every match may look different, so the pattern is tried on every text".to_owned(),
                Some("put a word of two letters or more into every branch of it".to_owned()),
            );
        }
        if let Some(bytes) = Engine::pattern_bytes(rule)
            && bytes > LARGE
        {
            policy.add_with_help(
                "rule-large",
                &at,
                format!("compiles to {} KiB, in every worker", bytes >> 10),
                Some("repeat less: `.{0,200}` is two hundred dots".to_owned()),
            );
        }
    }
    let decides = matches!(rule.action, RuleAction::Score | RuleAction::Block);
    if decides && !matches!(rule.matcher, Matcher::When(_) | Matcher::Anomalies(_)) {
        let zone = rule.zones.iter().next().unwrap_or(Zone::QueryString);
        let texts = SAMPLES.iter().flat_map(|samples| &samples.benign);
        let of = texts.clone().count();
        let hits = texts
            .filter(|text| policy.engine.matches(rule.id, zone, text.as_bytes()))
            .count();
        if hits * ONE_IN > of {
            policy.add(
                "rule-hits-ordinary",
                &at,
                format!("hits {hits} of {of} samples of ordinary texts"),
            );
        }
    }
}

fn check_effect(policy: &mut Policy<'_>, placed: &Placed<'_>) {
    let Placed { rule, path, scope } = placed;
    if rule.what.trim().is_empty() && rule.why.trim().is_empty() {
        policy.add_with_help(
            "rule-unexplained",
            path,
            "nobody will know what it is for".to_owned(),
            Some("say `what` it matches and `why` that is an attack".to_owned()),
        );
    }
    let points: u32 = rule.score.iter().map(|(_, points)| *points).sum();
    if rule.action == RuleAction::Score && points == 0 {
        policy.add(
            "rule-worthless",
            &policy.at(path, &["score"]),
            "adds nothing to any sum".to_owned(),
        );
    }
    let config = policy.config;
    let settings: Vec<&Settings> = match scope {
        Some(index) => config
            .scopes
            .get(*index)
            .map(|s| &s.settings)
            .into_iter()
            .collect(),
        None => std::iter::once(&config.settings)
            .chain(config.scopes.iter().map(|scope| &scope.settings))
            .collect(),
    };
    let contents = ZoneSet::of(&[Zone::FileContent]);
    let only_contents = rule.zones == contents;
    if only_contents
        && settings
            .iter()
            .all(|settings| settings.limits.file_bytes == 0)
    {
        policy.add_with_help(
            "rule-sees-nothing",
            &policy.at(path, &["zones", "when"]),
            "looks at contents of files, and `limits.file_bytes` is 0: nothing of them is read"
                .to_owned(),
            Some("say how much of a file is read: `limits: {file_bytes: 65536}`".to_owned()),
        );
    } else if settings.iter().all(|settings| settings.mode == Mode::Off) {
        policy.add(
            "rule-sees-nothing",
            path,
            "nothing is inspected where it holds: the mode is `off`".to_owned(),
        );
    } else {
        let scopes = match scope {
            Some(index) => vec![Some(*index)],
            None => std::iter::once(None)
                .chain((0..config.scopes.len()).map(Some))
                .collect(),
        };
        if scopes
            .iter()
            .all(|scope| policy.engine.effect(*scope, rule.id) == Effect::Off)
        {
            policy.add(
                "rule-sees-nothing",
                path,
                "an override switches it off wherever it holds".to_owned(),
            );
        }
    }
}

/// Rules that end the inspection: who can bring that about, and what they undo.
fn check_allowing(policy: &mut Policy<'_>, all: &[Placed<'_>]) {
    let of = |action: RuleAction| {
        all.iter()
            .filter(move |placed| placed.rule.action == action)
    };
    for allowing in of(RuleAction::Allow) {
        let at = policy.at(&allowing.path, &["action"]);
        if !is_bound(&allowing.rule.matcher) {
            policy.add_with_help(
                "rule-allow-anywhere",
                &at,
                "whoever writes the text that it looks for is not inspected".to_owned(),
                Some("bind it with `when` to a path and a client address".to_owned()),
            );
        }
        let undone: Vec<String> = of(RuleAction::Block)
            .filter(|blocking| meet(allowing, blocking))
            .map(|blocking| blocking.rule.id.to_string())
            .collect();
        if !undone.is_empty() {
            policy.add(
                "allow-above-block",
                &at,
                format!(
                    "a request on which it hits is let through although {} blocks at once",
                    match undone.as_slice() {
                        [one] => format!("rule {one}"),
                        many => format!("each of the rules {}", many.join(", ")),
                    }
                ),
            );
        }
    }
}

/// Whether a rule asks for something of the request that is not text of a field.
fn is_bound(matcher: &Matcher) -> bool {
    fn asks(condition: &Condition) -> bool {
        match condition {
            Condition::All(inner) => inner.iter().any(asks),
            Condition::Any(inner) => inner.iter().all(asks),
            Condition::Request(request) => request.clients.is_some() || !request.request.is_any(),
            Condition::Not(_) | Condition::Field(_) => false,
        }
    }
    matches!(matcher, Matcher::When(condition) if asks(condition))
}

/// The requests that a rule is about, as far as it must be one of them.
fn requests(matcher: &Matcher) -> Vec<&RequestMatch> {
    fn collect<'a>(condition: &'a Condition, found: &mut Vec<&'a RequestMatch>) {
        match condition {
            Condition::All(inner) => inner.iter().for_each(|inner| collect(inner, found)),
            Condition::Request(request) => found.push(&request.request),
            Condition::Any(_) | Condition::Not(_) | Condition::Field(_) => {}
        }
    }
    let mut found = Vec::new();
    if let Matcher::When(condition) = matcher {
        collect(condition, &mut found);
    }
    found
}

/// Whether one request may hit both.
fn meet(one: &Placed<'_>, other: &Placed<'_>) -> bool {
    let apart = requests(&one.rule.matcher).iter().any(|a| {
        requests(&other.rule.matcher)
            .iter()
            .any(|b| requests_apart(a, b).is_some())
    });
    let scopes = one.scope.is_some() && other.scope.is_some() && one.scope != other.scope;
    !apart && !scopes
}
