//! Scopes that never hold, that hold for whoever wants them to, or that change nothing.

use palisade::config::Settings;
use palisade::model::{Mode, TextMatch};

use super::Policy;
use super::cover::{anchors, covers_requests};

pub(super) fn check(policy: &mut Policy<'_>) {
    let config = policy.config;
    for (index, scope) in config.scopes.iter().enumerate() {
        let path = &scope.path;
        // They stand in the order in which they are tried.
        let earlier = config.scopes.iter().take(index);
        if let Some(outer) = earlier
            .into_iter()
            .find(|outer| covers_requests(&outer.request, &scope.request))
        {
            policy.add(
                "scope-shadowed",
                path,
                format!(
                    "never holds: `{}` is tried before it and takes all of its requests",
                    outer.name
                ),
            );
        }
        if same(&scope.settings, &config.settings) {
            policy.add(
                "scope-without-effect",
                path,
                "says nothing else than the top of the policy".to_owned(),
            );
        }
        for (key, texts) in [
            ("host", &scope.request.hosts),
            ("path", &scope.request.paths),
        ] {
            let open = texts.iter().find(|text| match text {
                TextMatch::Regex(regex) => {
                    let (start, end) = anchors(regex);
                    // A path that begins so is as good as a prefix.
                    !start || !end && key == "host"
                }
                TextMatch::Contains(_) => true,
                TextMatch::Prefix(_) | TextMatch::Suffix(_) if key == "host" => {
                    !matches!(text, TextMatch::Suffix(end) if end.starts_with('.'))
                }
                _ => false,
            });
            if open.is_some() {
                policy.add_with_help(
                    "scope-open-pattern",
                    &policy.at(path, &[key]),
                    format!("the pattern of the {key} is open: clients can write a {key} that matches it"),
                    Some("begin it with `^` and end it with `$`, or say the whole of it".to_owned()),
                );
            }
        }
    }
}

/// Whether two scopes do the same with every request.
fn same(scope: &Settings, top: &Settings) -> bool {
    let mut bare = top.clone();
    bare.exceptions.clear();
    // `mode: off` switches the rest off with it.
    *scope == bare || scope.mode == Mode::Off && top.mode == Mode::Off
}
