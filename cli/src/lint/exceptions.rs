//! Exceptions that excuse too much, and exceptions that excuse nothing.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use palisade::engine::{Effect, text_matcher};
use palisade::model::{
    Exception, Matcher, Named as _, PartSet, RequestMatch, Rule, RuleMatch, TextMatch, Zone,
    ZoneSet,
};

use super::Policy;
use super::cover::{anchors, covers_place, covers_requests, is_impossible, parsed, requests_apart};

/// Rules that an exception, or an override, names before it is taken for one about a whole class.
pub(super) const MANY: usize = 25;

/// Zones whose fields have names.
const NAMED: ZoneSet = ZoneSet::of(&[
    Zone::QueryString,
    Zone::RequestHeader,
    Zone::Cookies,
    Zone::RequestBody,
]);

/// An exception where it stands.
struct Placed<'a> {
    exception: &'a Exception,
    path: String,
    /// The index of its scope, and the requests of that.
    scope: Option<(usize, &'a RequestMatch)>,
}

pub(super) fn check(policy: &mut Policy<'_>) {
    let config = policy.config;
    let mut all: Vec<Placed<'_>> = Vec::new();
    for (index, exception) in config.settings.exceptions.iter().enumerate() {
        all.push(Placed {
            exception,
            path: format!("$.exceptions[{index}]"),
            scope: None,
        });
    }
    for (scope_index, scope) in config.scopes.iter().enumerate() {
        for (index, exception) in scope.settings.exceptions.iter().enumerate() {
            all.push(Placed {
                exception,
                path: format!("{}.exceptions[{index}]", scope.path),
                scope: Some((scope_index, &scope.request)),
            });
        }
    }
    for placed in &all {
        check_breadth(policy, placed);
        check_upkeep(policy, placed);
        check_use(policy, placed);
    }
    check_shadows(policy, &all);
}

fn is_current(policy: &Policy<'_>, exception: &Exception) -> bool {
    exception.active && exception.expires.is_none_or(|last| last >= policy.today)
}

/// What it excuses beyond what anybody has looked at.
fn check_breadth(policy: &mut Policy<'_>, placed: &Placed<'_>) {
    let Placed {
        exception,
        path,
        scope,
    } = placed;
    let rules = policy.at(path, &["rules", "rule_id", "categories", "tags"]);
    if exception.rules.all {
        policy.add_with_help(
            "exception-every-rule",
            &rules,
            "excuses hits of every rule, those that come with later releases too".to_owned(),
            Some("name the rules that hit, by id".to_owned()),
        );
    } else {
        let count = named(policy, &exception.rules).len();
        if count > MANY {
            policy.add_with_help(
                "exception-many-rules",
                &rules,
                format!("excuses hits of {count} rules"),
                Some("name the rules that hit, by id".to_owned()),
            );
        }
    }
    let bounded = scope.is_some_and(|(_, request)| !request.paths.is_empty());
    if exception.request.paths.is_empty() && !bounded {
        policy.add_with_help(
            "exception-any-path",
            path,
            "holds on every path".to_owned(),
            Some("say `path`".to_owned()),
        );
    }
    let anywhere = exception
        .places
        .iter()
        .all(|place| place.name.is_none() && place.text.is_none() && place.zones.intersects(NAMED));
    if anywhere {
        policy.add_with_help(
            "exception-any-place",
            &policy.at(path, &["zones", "match_zone", "match_zones", "conditions"]),
            "holds in every field".to_owned(),
            Some("say `name`: the parameter, header, cookie or field".to_owned()),
        );
    }
    for text in texts(exception) {
        check_text(policy, exception, path, text);
    }
}

/// Every text that an exception compares with, and what it is compared with.
fn texts(exception: &Exception) -> impl Iterator<Item = (What, &TextMatch)> {
    let paths = exception
        .request
        .paths
        .iter()
        .map(|text| (What::Path, text));
    let places = exception.places.iter().flat_map(|place| {
        let name = place.name.iter().map(|text| (What::Name, text));
        name.chain(place.text.iter().map(|text| (What::Value, text)))
    });
    paths.chain(places)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Path,
    Name,
    Value,
}

impl What {
    const fn keys(self) -> [&'static str; 4] {
        match self {
            Self::Path => ["path", "path", "path", "path"],
            Self::Name => ["name", "match_zones", "conditions", "name"],
            Self::Value => ["value", "match_pattern", "conditions", "match_zones"],
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Name => "name",
            Self::Value => "value",
        }
    }
}

fn check_text(
    policy: &mut Policy<'_>,
    exception: &Exception,
    path: &str,
    (what, text): (What, &TextMatch),
) {
    let at = policy.at(path, &what.keys());
    let word = what.word();
    if let TextMatch::Regex(regex) = text
        && parsed(regex).is_some_and(|hir| is_impossible(&hir))
    {
        policy.add(
            "exception-impossible",
            &at,
            format!("the pattern of the {word} matches nothing: something stands in front of `^` or behind `$`"),
        );
        return;
    }
    let admitted = admitted(policy, exception, what, text);
    if let Some((let_through, of)) = admitted
        && let_through * 2 > of
    {
        policy.add_with_help(
            "exception-any-text",
            &at,
            format!("the pattern of the {word} excuses almost anything: {let_through} of {of} samples of attacks match it"),
            Some("describe what the field holds, such as `^[A-Za-z' ]{1,60}$`".to_owned()),
        );
        return;
    }
    let open = match text {
        TextMatch::Regex(regex) => match anchors(regex) {
            (true, true) => None,
            // A path or a name that begins so is as good as a prefix.
            (true, false) if what != What::Value => None,
            (true, false) => Some("its end"),
            (false, true) => Some("its beginning"),
            (false, false) => Some("either end"),
        },
        TextMatch::Contains(_) => Some("either end"),
        TextMatch::Prefix(_) if what == What::Value => Some("its end"),
        TextMatch::Suffix(_) if what == What::Value => Some("its beginning"),
        _ => None,
    };
    if let Some(end) = open {
        policy.add_with_help(
            "exception-open-pattern",
            &at,
            format!("the pattern of the {word} is open at {end}: an attack may stand there"),
            Some("begin it with `^` and end it with `$`".to_owned()),
        );
    }
}

/// Attacks and ordinary texts that the shipped rules are proven by.
#[derive(serde::Deserialize)]
pub(super) struct Samples {
    pub(super) id: u32,
    #[serde(default)]
    pub(super) attacks: Vec<String>,
    #[serde(default)]
    pub(super) benign: Vec<String>,
}

/// The samples of every shipped rule; a test reads them.
pub(super) static SAMPLES: LazyLock<Vec<Samples>> =
    LazyLock::new(|| serde_json::from_str(palisade::config::SHIPPED_SAMPLES).unwrap_or_default());

/// How many samples of attacks a pattern admits, of how many of the rules that are excused; of a name or a
/// path, how many that have nothing in common.
fn admitted(
    policy: &Policy<'_>,
    exception: &Exception,
    what: What,
    text: &TextMatch,
) -> Option<(usize, usize)> {
    if matches!(text, TextMatch::Exact(_)) {
        return None;
    }
    let matches = text_matcher(text);
    let all = |texts: &[&str]| {
        let every = texts.iter().all(|text| matches(text.as_bytes(), false));
        every.then_some((1, 1))
    };
    match what {
        What::Name => all(&["q", "user.name", "items[12].id", "x-y_z", "", "a b", "Ünï"]),
        What::Path => all(&["/", "/a", "/a/b.php", "/A-b_c/12", "/%", "/é/x y"]),
        What::Value => {
            let named = named(policy, &exception.rules);
            let excused: BTreeSet<u32> = named.iter().map(|rule| rule.id).collect();
            let count = |of_rules: bool| {
                let samples = SAMPLES
                    .iter()
                    .filter(|samples| !of_rules || excused.contains(&samples.id))
                    .flat_map(|samples| &samples.attacks);
                let of = samples.clone().count();
                (
                    samples
                        .filter(|text| matches(text.as_bytes(), false))
                        .count(),
                    of,
                )
            };
            match count(!exception.rules.all) {
                // Rules that are proven otherwise have no samples.
                (_, 0) => Some(count(false)),
                counted => Some(counted),
            }
        }
    }
}

/// Whether anybody will know why it is there, and look at it again.
fn check_upkeep(policy: &mut Policy<'_>, placed: &Placed<'_>) {
    let Placed {
        exception, path, ..
    } = placed;
    if exception
        .reason
        .as_ref()
        .is_none_or(|text| text.trim().is_empty())
    {
        policy.add_with_help(
            "exception-without-reason",
            &policy.at(path, &["reason"]),
            "nobody will know why it is there".to_owned(),
            Some("say `reason`: what is legitimate, and why the service bears it".to_owned()),
        );
    }
    match exception.expires {
        None => policy.add_with_help(
            "exception-without-expiry",
            path,
            "holds for ever".to_owned(),
            Some("say `expires`, a day on which somebody looks at it again".to_owned()),
        ),
        Some(last) if last < policy.today => policy.add_with_help(
            "exception-expired",
            &policy.at(path, &["expires"]),
            format!("expired on {last} and no longer holds"),
            Some("remove it, or look at it again and say a later day".to_owned()),
        ),
        Some(_) => {}
    }
    if !exception.active {
        policy.add(
            "exception-inactive",
            &policy.at(path, &["active", "status"]),
            "is switched off and excuses nothing".to_owned(),
        );
    }
}

/// Whether it can take any hit away at all.
fn check_use(policy: &mut Policy<'_>, placed: &Placed<'_>) {
    let Placed {
        exception,
        path,
        scope,
    } = placed;
    if !is_current(policy, exception) {
        return;
    }
    if let Some((_, request)) = scope
        && let Some(what) = requests_apart(&exception.request, request)
    {
        policy.add(
            "exception-impossible",
            &policy.at(path, &[what]),
            format!("never holds: the scope is about requests of another {what}"),
        );
        return;
    }
    if exception.rules.all {
        return;
    }
    let rules = named(policy, &exception.rules);
    let at = policy.at(path, &["rules", "rule_id", "categories", "tags"]);
    let zones = exception
        .places
        .iter()
        .fold(ZoneSet::EMPTY, |all, place| all.union(place.zones));
    let parts: Vec<PartSet> = exception.places.iter().map(|place| place.parts).collect();
    for rule in &rules {
        // Rules that are named one by one are meant one by one.
        let alone = exception.rules.ids.contains(&(rule.id, rule.id));
        if !alone && rules.len() > 1 {
            continue;
        }
        let looks = exception.places.is_empty()
            || rule.zones.is_empty()
            || rule.zones.intersects(zones)
                && parts.iter().any(|parts| {
                    rule.parts.intersects(*parts) || matches!(rule.matcher, Matcher::Anomalies(_))
                });
        if !looks {
            let names: Vec<_> = rule.zones.iter().map(|zone| zone.name()).collect();
            let halves: Vec<_> = rule.parts.iter().map(|part| part.name()).collect();
            policy.add(
                "exception-wrong-place",
                &at,
                format!(
                    "rule {} never looks there: it looks at the {} in {}",
                    rule.id,
                    halves.join(" and "),
                    names.join(", ")
                ),
            );
        }
    }
    let scopes = || match scope {
        Some((index, _)) => vec![Some(*index)],
        None => std::iter::once(None)
            .chain((0..policy.config.scopes.len()).map(Some))
            .collect(),
    };
    let strongest = |rule: &Rule| {
        let effects = scopes()
            .into_iter()
            .map(|scope| policy.engine.effect(scope, rule.id));
        effects.fold(Effect::Off, |strongest, effect| match (strongest, effect) {
            (Effect::Off, other) | (other, Effect::Off) => other,
            (Effect::Record, other) | (other, Effect::Record) => other,
            (other, _) => other,
        })
    };
    let effects: Vec<Effect> = rules.iter().map(|rule| strongest(rule)).collect();
    if effects.is_empty() || effects.contains(&Effect::Enforce) || effects.contains(&Effect::Always)
    {
        return;
    }
    let these = match rules.as_slice() {
        [rule] => format!("rule {}", rule.id),
        _ => "these rules".to_owned(),
    };
    if effects.contains(&Effect::Record) {
        policy.add(
            "exception-not-needed",
            &at,
            format!("{these} only records under this policy: there is nothing to excuse"),
        );
    } else {
        policy.add(
            "exception-rule-off",
            &at,
            format!("{these} never hits: it is switched off where the exception holds"),
        );
    }
}

/// The rules that an exception names, but for one that names all.
pub(super) fn named<'a>(policy: &Policy<'a>, rules: &RuleMatch) -> Vec<&'a Rule> {
    policy
        .engine
        .rules()
        .filter(|rule| rules.contains(rule))
        .collect()
}

/// Exceptions that another one makes needless.
fn check_shadows(policy: &mut Policy<'_>, all: &[Placed<'_>]) {
    let sets: Vec<BTreeSet<u32>> = all
        .iter()
        .map(|placed| {
            let rules = named(policy, &placed.exception.rules);
            rules.iter().map(|rule| rule.id).collect()
        })
        .collect();
    for (index, inner) in all.iter().enumerate() {
        if !is_current(policy, inner.exception) {
            continue;
        }
        let broader = all.iter().enumerate().find(|(other, outer)| {
            *other != index
                && is_current(policy, outer.exception)
                && sets[*other].is_superset(&sets[index])
                && shadows(outer, inner)
                // Of two that are alike the later one is needless.
                && (*other < index
                    || !(sets[index].is_superset(&sets[*other]) && shadows(inner, outer)))
        });
        if let Some((_, outer)) = broader {
            policy.add(
                "exception-shadowed",
                &inner.path,
                format!(
                    "changes nothing: `{}` excuses the same and more",
                    outer.exception.label
                ),
            );
        }
    }
}

fn shadows(outer: &Placed<'_>, inner: &Placed<'_>) -> bool {
    let here = match (outer.scope, inner.scope) {
        (None, _) => true,
        (Some((outer, _)), Some((inner, _))) => outer == inner,
        (Some(_), None) => false,
    };
    let (a, b) = (outer.exception, inner.exception);
    let lasts = match (a.expires, b.expires) {
        (None, _) => true,
        (Some(a), Some(b)) => a >= b,
        (Some(_), None) => false,
    };
    let requests = covers_requests(&a.request, &b.request)
        || inner
            .scope
            .is_some_and(|(_, scope)| covers_requests(&a.request, scope));
    let places = match a.places.as_slice() {
        [] => true,
        [one] => !b.places.is_empty() && b.places.iter().all(|place| covers_place(one, place)),
        // Several places must all be there.
        many => many == b.places.as_slice(),
    };
    here && lasts && requests && places
}
