//! Scopes: requests for which a policy says something else.

use super::matching::read_request;
use super::node::Node;
use super::problem::Problems;
use super::read::Object;
use super::rule::read_rules;
use super::settings::Settings;
use crate::model::{RequestMatch, Rule, TextMatch};

/// Requests for which something else holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Scope {
    /// What records call it.
    pub name: String,
    /// Where it stands in the document.
    pub path: String,
    /// The requests it concerns.
    pub request: RequestMatch,
    /// What holds for them: the policy's settings with the scope's own over them.
    pub settings: Settings,
}

/// Scopes of one policy: every request is compared with each until one fits.
const MOST_SCOPES: usize = 1000;

/// Overrides, and sixteens of rules, that are copied for scopes.
const MOST_COPIES: usize = 200_000;

/// Reads scopes and puts the most specific first.
pub(super) fn read_scopes(
    node: &Node,
    path: &str,
    base: &Settings,
    rules: &mut Vec<Rule>,
    problems: &mut Problems,
) -> Vec<Scope> {
    let Node::List(items) = node else {
        problems.add(
            path,
            format!("expected a list of scopes, found {}", node.sort()),
        );
        return Vec::new();
    };
    if items.len() > MOST_SCOPES {
        problems.add(
            path,
            format!("{} scopes; at most {MOST_SCOPES}", items.len()),
        );
        return Vec::new();
    }
    let mut scopes: Vec<Scope> = Vec::with_capacity(items.len());
    if items
        .len()
        .saturating_mul(base.overrides.len().max(base.own_rules.len() / 16))
        > MOST_COPIES
    {
        problems.add(path, "too many scopes for so many rules and overrides");
        return Vec::new();
    }
    // The policy's exceptions hold everywhere; kept with a scope are its own. They may be many: they are
    // not copied for each scope only to be dropped.
    let bare = without_exceptions(base);
    for (index, item) in items.iter().enumerate() {
        let at = format!("{path}[{index}]");
        let Some(mut object) = Object::open(item, &at, problems) else {
            continue;
        };
        let name = object
            .optional::<String>("name", problems)
            .unwrap_or_else(|| format!("scopes[{index}]"));
        let request = read_request(&mut object, problems);
        let mut settings = bare.clone();
        settings.read_from(&mut object, problems);
        let rules_at = object.path_of("rules");
        if let Some(node) = object.node("rules") {
            let taken: Vec<u32> = rules.iter().map(|rule| rule.id).collect();
            let own = read_rules(node, &rules_at, Some(&taken), problems).unwrap_or_default();
            settings.own_rules.extend(own.iter().map(|rule| rule.id));
            rules.extend(own);
        }
        let given = ["host", "path", "method"]
            .into_iter()
            .any(|key| object.has(key));
        object.close(problems);
        if !given {
            problems.add(&at, "a scope needs a host, a path or a method; what holds for every request stands at the top");
        }
        if name.is_empty() || name.len() > 64 {
            problems.add(&format!("{at}.name"), "expected 1 to 64 characters");
        }
        for earlier in &scopes {
            if earlier.name == name {
                problems.add(
                    &format!("{at}.name"),
                    format!("the name stands twice, see {}", earlier.path),
                );
            }
            if !request.is_any() && same_requests(&earlier.request, &request) {
                problems.add(
                    &at,
                    format!("concerns the same requests as {}", earlier.path),
                );
            }
        }
        scopes.push(Scope {
            name,
            path: at,
            request,
            settings,
        });
    }
    // Stable: among equals the one that stands first wins.
    scopes.sort_by_key(|scope| std::cmp::Reverse(specificity(&scope.request)));
    scopes
}

fn without_exceptions(settings: &Settings) -> Settings {
    let mut bare = settings.clone();
    bare.exceptions = Vec::new();
    bare
}

/// Whether two scopes are about the same requests, in whatever order they say so.
fn same_requests(one: &RequestMatch, other: &RequestMatch) -> bool {
    fn same<T: PartialEq>(one: &[T], other: &[T]) -> bool {
        one.len() == other.len() && one.iter().all(|item| other.contains(item))
    }
    same(&one.hosts, &other.hosts)
        && same(&one.paths, &other.paths)
        && same(&one.methods, &other.methods)
}

/// How narrow a scope is: a named host before a wildcard before none; then the same for the path,
/// a longer one before a shorter; then whether it names methods.
fn specificity(request: &RequestMatch) -> (u8, u8, usize, bool) {
    let rank = |texts: &[TextMatch]| {
        let ranks = texts.iter().map(|text| match text {
            TextMatch::Exact(text) => (4, text.len()),
            TextMatch::Prefix(text) | TextMatch::Suffix(text) => (3, text.len()),
            TextMatch::Glob(text) | TextMatch::Contains(text) => (2, text.len()),
            TextMatch::Regex(text) => (1, text.len()),
        });
        // As narrow as its widest entry.
        ranks.min().unwrap_or((0, 0))
    };
    let (host, _) = rank(&request.hosts);
    let (path, length) = rank(&request.paths);
    (host, path, length, !request.methods.is_empty())
}
