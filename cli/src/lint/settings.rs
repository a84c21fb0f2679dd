//! Settings that block nothing, see nothing, or trust what clients say.

use std::collections::{BTreeMap, BTreeSet};

use palisade::config::Settings;
use palisade::engine::{Effect, Engine};
use palisade::model::{
    AddressRange, Category, Fallback, Limits, Mode, Named as _, RuleMatch, parse_name,
};
use serde_json::Value;

use super::Policy;
use super::exceptions::{MANY, named};

/// The top of a policy, or one of its scopes.
struct Level<'a> {
    /// `$` or the path of the scope.
    path: String,
    /// The index of the scope.
    scope: Option<usize>,
    settings: &'a Settings,
    /// What it takes from the top, for a scope.
    above: Option<&'a Settings>,
}

pub(super) fn check(policy: &mut Policy<'_>) {
    let config = policy.config;
    if config.name.is_none() && config.revision.is_none() {
        policy.add_with_help(
            "policy-unnamed",
            "$",
            "records will not tell which policy, and which state of it, decided".to_owned(),
            Some("say `name` and `revision`".to_owned()),
        );
    }
    let mut levels = vec![Level {
        path: "$".to_owned(),
        scope: None,
        settings: &config.settings,
        above: None,
    }];
    for (index, scope) in config.scopes.iter().enumerate() {
        levels.push(Level {
            path: scope.path.clone(),
            scope: Some(index),
            settings: &scope.settings,
            above: Some(&config.settings),
        });
    }
    for level in &levels {
        check_mode(policy, level);
        check_categories(policy, level);
        check_share(policy, level);
        check_clients(policy, level);
        check_limits(policy, level);
        check_uninspected(policy, level);
        check_response(policy, level);
        check_overrides(policy, level);
        check_thresholds(policy, level);
    }
}

impl Level<'_> {
    fn has(&self, policy: &Policy<'_>, key: &str) -> bool {
        policy
            .value_at(&self.path)
            .is_some_and(|object| object.get(key).is_some())
    }

    fn at(&self, key: &str) -> String {
        format!("{}.{key}", self.path)
    }
}

fn check_mode(policy: &mut Policy<'_>, level: &Level<'_>) {
    if !level.has(policy, "mode") {
        return;
    }
    match level.settings.mode {
        Mode::Monitor => policy.add_with_help(
            "monitor-mode",
            &level.at("mode"),
            "nothing is blocked".to_owned(),
            Some("`block`, once the records of ordinary traffic are quiet".to_owned()),
        ),
        Mode::Off => policy.add_with_help(
            "inspection-off",
            &level.at("mode"),
            match level.scope {
                Some(_) => "nothing is inspected in this scope".to_owned(),
                None => "nothing is inspected where no scope says otherwise".to_owned(),
            },
            Some("`monitor` records what it would have blocked".to_owned()),
        ),
        Mode::Block => {}
    }
}

fn check_categories(policy: &mut Policy<'_>, level: &Level<'_>) {
    let at = level.at("category_modes");
    let Some(Value::Object(entries)) = policy.value_at(&at) else {
        return;
    };
    let names: Vec<String> = entries.keys().cloned().collect();
    for name in names {
        let Some(category) = parse_name::<Category>(&name) else {
            continue;
        };
        let path = format!("{at}.{name}");
        let mode = level.settings.category_modes.of(category);
        if level.settings.mode == Mode::Off || mode == Some(level.settings.mode) {
            policy.add(
                "category-mode-without-effect",
                &path,
                format!("the mode is `{}` anyway", level.settings.mode),
            );
        } else if mode == Some(Mode::Off) {
            policy.add(
                "category-off",
                &path,
                format!("attacks of the category {name} are neither blocked nor reported"),
            );
        } else if mode == Some(Mode::Monitor) {
            policy.add(
                "monitor-mode",
                &path,
                format!("attacks of the category {name} are not blocked"),
            );
        }
    }
}

fn check_share(policy: &mut Policy<'_>, level: &Level<'_>) {
    if !level.has(policy, "enforce_percent") {
        return;
    }
    let path = level.at("enforce_percent");
    let enforcement = &level.settings.enforcement;
    if let Some(header) = &enforcement.header {
        policy.add_with_help(
            "enforce-by-header",
            &path,
            format!("a client that writes `{header}` chooses whether it is blocked"),
            Some(
                "take a header that the proxy sets and clients cannot, or leave it out".to_owned(),
            ),
        );
    }
    match enforcement.share {
        0 => policy.add(
            "enforce-nothing",
            &path,
            "no request is blocked; `mode: monitor` says that plainly".to_owned(),
        ),
        1..10_000 => policy.add(
            "enforce-part",
            &path,
            format!(
                "{} % of the traffic are not blocked",
                f64::from(10_000 - enforcement.share) / 100.0
            ),
        ),
        _ => {}
    }
}

/// Addresses in a list from which on it is wide: a /16 of IPv4.
const WIDE: u128 = 1 << 16;
/// The same of IPv6, a /32: what a provider is given.
const WIDE_V6: u128 = 1 << 96;
/// What IPv4 is mapped to (RFC 4291, 2.5.5.2).
const MAPPED: std::ops::RangeInclusive<u128> = 0xFFFF_0000_0000..=0xFFFF_FFFF_FFFF;

fn check_clients(policy: &mut Policy<'_>, level: &Level<'_>) {
    for key in ["allow_clients", "deny_clients"] {
        let path = level.at(key);
        let Some(Value::Array(entries)) = policy.value_at(&path) else {
            continue;
        };
        let entries: Vec<(usize, AddressRange)> = entries
            .iter()
            .enumerate()
            .filter_map(|(index, entry)| Some((index, range_of(entry.as_str()?)?)))
            .collect();
        if entries.is_empty() {
            continue;
        }
        if key == "allow_clients" {
            policy.add_with_help(
                "allow-clients-trusted",
                &path,
                "these clients are not inspected, and the address is the one that Envoy takes for theirs"
                    .to_owned(),
                Some("see that `use_remote_address` is true, and `xff_num_trusted_hops` right".to_owned()),
            );
            for (index, range) in &entries {
                let size = range.last - range.first;
                let v4 = MAPPED.contains(&range.first) && MAPPED.contains(&range.last);
                let wide = if v4 { WIDE } else { WIDE_V6 };
                if size >= wide - 1 {
                    policy.add(
                        "allow-clients-wide",
                        &format!("{path}[{index}]"),
                        "a network of this size holds clients that nobody knows".to_owned(),
                    );
                }
            }
        } else {
            let allowed: Vec<AddressRange> = match policy.value_at(&level.at("allow_clients")) {
                Some(Value::Array(list)) => list
                    .iter()
                    .filter_map(|entry| range_of(entry.as_str()?))
                    .collect(),
                _ => Vec::new(),
            };
            for (index, range) in &entries {
                let both =
                    |other: &AddressRange| other.first <= range.last && range.first <= other.last;
                if allowed.iter().any(both) {
                    policy.add(
                        "client-lists-overlap",
                        &format!("{path}[{index}]"),
                        "is on `allow_clients` too; `deny_clients` goes before it".to_owned(),
                    );
                }
            }
        }
    }
}

/// A network as the policy reads it; it has been read before.
fn range_of(text: &str) -> Option<AddressRange> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    let address: std::net::IpAddr = address.parse().ok()?;
    let bits: u32 = if address.is_ipv4() { 32 } else { 128 };
    let length: u32 = length.map_or(Some(bits), |length| length.parse().ok())?;
    let first = palisade::model::number_of(address);
    let behind = bits.checked_sub(length)?;
    let mask = 1_u128
        .checked_shl(behind)
        .map_or(u128::MAX, |size| size - 1);
    Some(AddressRange {
        first,
        last: first | mask,
    })
}

/// For each limit, below what attacks hide behind it, above what it costs; 0 and the most for never.
const BOUNDS: [(&str, u64, u64); 16] = [
    ("body_bytes", 16 << 10, 1 << 20),
    ("fields", 256, 16_384),
    ("name_bytes", 256, 65_536),
    ("value_bytes", 4096, 1 << 20),
    ("json_depth", 8, 128),
    ("xml_depth", 8, 128),
    ("graphql_depth", 4, 128),
    ("graphql_aliases", 0, 4096),
    ("decode_passes", 3, 8),
    ("decompressed_bytes", 16 << 10, 4 << 20),
    ("decompression_ratio", 5, 1000),
    ("headers", 32, 1024),
    ("header_bytes", 8192, 512 << 10),
    ("multipart_parts", 8, 4096),
    ("file_bytes", 0, 1 << 20),
    ("hold_seconds", 5, 600),
];

fn check_limits(policy: &mut Policy<'_>, level: &Level<'_>) {
    for (key, low, high) in BOUNDS {
        let path = format!("{}.{key}", level.at("limits"));
        let Some(value) = policy.value_at(&path).and_then(Value::as_u64) else {
            continue;
        };
        let mut standard = Limits::default();
        let standard = standard
            .entries()
            .into_iter()
            .find(|(name, ..)| *name == key)
            .map_or(0, |(_, value, _)| *value);
        let then = match key {
            "body_bytes" | "value_bytes" | "name_bytes" | "decompressed_bytes" => {
                "an attack behind the limit is not seen"
            }
            "decode_passes" => "an attack that is encoded more often is not seen",
            _ => "ordinary requests pass the limit",
        };
        if value < low {
            policy.add_with_help(
                "limit-low",
                &path,
                format!("{value}: {then}"),
                Some(format!("the default is {standard}")),
            );
        } else if value > high {
            policy.add_with_help(
                "limit-high",
                &path,
                format!("{value}: one request may cost each worker that much memory or time"),
                Some(format!("the default is {standard}")),
            );
        }
    }
}

fn check_uninspected(policy: &mut Policy<'_>, level: &Level<'_>) {
    let say = |policy: &mut Policy<'_>, path: &str, what: &str| {
        policy.add_with_help(
            "uninspected-pass",
            path,
            format!("a client that brings about `{what}` is not inspected"),
            Some("`inspect_prefix` lets what was read decide".to_owned()),
        );
    };
    let path = level.at("uninspected");
    if let Some(Value::Object(entries)) = policy.value_at(&path) {
        let passing: Vec<String> = entries
            .iter()
            .filter(|(_, value)| value.as_str() == Some(Fallback::Pass.name()))
            .map(|(name, _)| name.clone())
            .collect();
        for name in passing {
            say(policy, &format!("{path}.{name}"), &name);
        }
    }
    let path = level.at("on_error");
    if policy.value_at(&path).and_then(Value::as_str) == Some(Fallback::Pass.name()) {
        say(policy, &path, "unreadable");
    }
}

fn check_response(policy: &mut Policy<'_>, level: &Level<'_>) {
    let path = level.at("block_response");
    let Some(Value::Object(response)) = policy.value_at(&path) else {
        return;
    };
    let status = response.get("status").and_then(Value::as_u64);
    let quiet: Vec<&str> = ["json", "html"]
        .into_iter()
        .filter(|key| {
            let text = response.get(*key).and_then(Value::as_str);
            text.is_some_and(|text| !text.contains("{request_id}"))
        })
        .collect();
    if let Some(status @ 500..) = status {
        policy.add_with_help(
            "block-status-retried",
            &format!("{path}.status"),
            format!("{status} says that the service failed: clients and proxies try again, and alarms go off"),
            Some("a status from 400 to 499, such as 403".to_owned()),
        );
    }
    for key in quiet {
        policy.add_with_help(
            "block-response-without-id",
            &format!("{path}.{key}"),
            "a customer who is blocked has nothing to quote".to_owned(),
            Some("put `{request_id}` into it".to_owned()),
        );
    }
}

fn check_overrides(policy: &mut Policy<'_>, level: &Level<'_>) {
    let own = level.above.map_or(0, |above| above.overrides.len());
    let list = level.at("overrides");
    let Some(changes) = level.settings.overrides.get(own..) else {
        return;
    };
    for (index, change) in changes.iter().enumerate() {
        let path = format!("{list}[{index}]");
        let rules = named(policy, &change.rules);
        if change.mode == Some(Mode::Off) && (rules.len() > MANY || is_class(&change.rules)) {
            policy.add_with_help(
                "override-broad-off",
                &path,
                format!("switches {} rules off", rules.len()),
                Some(
                    "`mode: monitor` still records them; or name the rules that are in the way"
                        .to_owned(),
                ),
            );
        }
        if change.even_in_monitor && (rules.len() > MANY || is_class(&change.rules)) {
            policy.add(
                "override-blocks-in-monitor",
                &format!("{path}.even_in_monitor"),
                format!(
                    "{} rules block even where the policy only monitors",
                    rules.len()
                ),
            );
        }
        let without = without_override(policy, level, own + index);
        let Some(without) = without else { continue };
        let idle = policy.engine.rules().all(|rule| {
            policy.engine.effect(level.scope, rule.id) == without.effect(level.scope, rule.id)
                && policy.engine.score(level.scope, rule.id) == without.score(level.scope, rule.id)
        });
        if idle && level.settings.mode != Mode::Off {
            policy.add(
                "override-without-effect",
                &path,
                "changes nothing: the rules do so anyway, or a later override undoes it".to_owned(),
            );
        }
    }
}

fn is_class(rules: &RuleMatch) -> bool {
    rules.all || !rules.categories.is_empty()
}

/// The engine of the policy without one override, at the level where it stands.
fn without_override(policy: &Policy<'_>, level: &Level<'_>, index: usize) -> Option<Engine> {
    let mut config = policy.config.clone();
    let settings = match level.scope {
        Some(scope) => &mut config.scopes.get_mut(scope)?.settings,
        None => &mut config.settings,
    };
    settings.overrides.remove(index);
    Engine::compile(config).ok()
}

fn check_thresholds(policy: &mut Policy<'_>, level: &Level<'_>) {
    let settings = level.settings;
    if settings.mode == Mode::Off
        || !(level.has(policy, "sensitivity") || level.has(policy, "overrides"))
    {
        return;
    }
    let mut most: BTreeMap<&str, u32> = BTreeMap::new();
    let mut standard: BTreeSet<&str> = BTreeSet::new();
    for rule in policy.engine.rules() {
        let score = policy.engine.score(level.scope, rule.id);
        let enforced = matches!(
            policy.engine.effect(level.scope, rule.id),
            Effect::Enforce | Effect::Always
        );
        for (category, points) in score {
            if enforced {
                let entry = most.entry(category.name()).or_default();
                *entry = (*entry).max(*points);
            }
        }
        for (category, points) in &rule.score {
            if *points >= palisade::model::Sensitivity::Medium.threshold() {
                standard.insert(category.name());
            }
        }
    }
    let mut failed: Vec<(&str, u32, u32)> = Vec::new();
    for category in Category::ALL {
        let threshold = settings.thresholds.of(*category).threshold();
        let highest = most.get(category.name()).copied().unwrap_or(0);
        if highest < threshold && standard.contains(category.name()) {
            failed.push((category.name(), highest, threshold));
        }
    }
    let path = policy.at(&level.path, &["sensitivity", "overrides"]);
    match failed.as_slice() {
        [] => {}
        [(name, highest, threshold)] => {
            let own = format!("{path}.{name}");
            let path = if policy.value_at(&own).is_some() {
                own
            } else {
                path
            };
            policy.add(
                "threshold-unreached",
                &path,
                format!(
                    "no single rule reaches {threshold} in {name}: the highest is worth {highest}"
                ),
            );
        }
        many => {
            let names: Vec<&str> = many.iter().map(|(name, ..)| *name).collect();
            policy.add(
                "threshold-unreached",
                &path,
                format!(
                    "no single rule reaches the threshold in {} categories: {}",
                    many.len(),
                    names.join(", ")
                ),
            );
        }
    }
}
