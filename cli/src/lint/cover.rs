//! What one part of a policy says about another: which texts, requests and places lie within which, and
//! which have nothing in common. Where that cannot be told, the answer is the one that reports nothing.

use palisade::engine::text_matches;
use palisade::model::{Place, RequestMatch, TextMatch};
use regex_syntax::hir::{Hir, HirKind, Look};

/// Whether every text that `inner` describes is one that `outer` describes.
pub(super) fn covers(outer: &TextMatch, inner: &TextMatch, fold: bool) -> bool {
    let same = |a: &str, b: &str| match fold {
        true => a.eq_ignore_ascii_case(b),
        false => a == b,
    };
    let starts = |text: &str, start: &str| text.get(..start.len()).is_some_and(|t| same(t, start));
    let ends = |text: &str, end: &str| {
        let at = text.len().checked_sub(end.len());
        at.and_then(|at| text.get(at..))
            .is_some_and(|t| same(t, end))
    };
    if outer == inner || is_everything(outer) {
        return true;
    }
    match (outer, inner) {
        // What most policies compare, without preparing anything.
        (TextMatch::Exact(outer), TextMatch::Exact(text)) => same(outer, text),
        (TextMatch::Prefix(start), TextMatch::Exact(text)) => starts(text, start),
        (outer, TextMatch::Exact(text)) => text_matches(outer, text.as_bytes(), fold),
        (TextMatch::Prefix(start), TextMatch::Prefix(text)) => starts(text, start),
        (TextMatch::Prefix(start), TextMatch::Glob(glob)) => starts(head(glob), start),
        (TextMatch::Suffix(end), TextMatch::Suffix(text)) => ends(text, end),
        (TextMatch::Suffix(end), TextMatch::Glob(glob)) => ends(tail(glob), end),
        (
            TextMatch::Contains(part),
            TextMatch::Prefix(text) | TextMatch::Suffix(text) | TextMatch::Contains(text),
        ) => text_matches(&TextMatch::Contains(part.clone()), text.as_bytes(), fold),
        (TextMatch::Glob(glob), TextMatch::Prefix(text)) => {
            glob.ends_with('*') && !glob.contains('?') && {
                let start = glob.trim_end_matches('*');
                !start.contains('*') && starts(text, start)
            }
        }
        (TextMatch::Glob(glob), TextMatch::Suffix(text)) => {
            glob.starts_with('*') && !glob.contains('?') && {
                let end = glob.trim_start_matches('*');
                !end.contains('*') && ends(text, end)
            }
        }
        // A glob matches another one's own text only if it matches all that the other does, as long as
        // the other's stars meet stars.
        (TextMatch::Glob(outer), TextMatch::Glob(inner)) => {
            !outer.contains('?')
                && text_matches(&TextMatch::Glob(outer.clone()), inner.as_bytes(), fold)
        }
        _ => false,
    }
}

/// The texts in front of the first and behind the last star or question mark.
fn head(glob: &str) -> &str {
    glob.split(['*', '?']).next().unwrap_or_default()
}

fn tail(glob: &str) -> &str {
    glob.rsplit(['*', '?']).next().unwrap_or_default()
}

/// Whether no text can be both.
pub(super) fn apart(one: &TextMatch, other: &TextMatch, fold: bool) -> bool {
    let matches = |wanted: &TextMatch, text: &str| text_matches(wanted, text.as_bytes(), fold);
    let begin = |text: &TextMatch| match text {
        TextMatch::Prefix(start) => Some(start.clone()),
        TextMatch::Glob(glob) => Some(head(glob).to_owned()),
        _ => None,
    };
    let end = |text: &TextMatch| match text {
        TextMatch::Suffix(end) => Some(end.clone()),
        TextMatch::Glob(glob) => Some(tail(glob).to_owned()),
        _ => None,
    };
    match (one, other) {
        (TextMatch::Exact(text), wanted) | (wanted, TextMatch::Exact(text)) => {
            !matches(wanted, text)
        }
        _ => {
            let starts = begin(one).zip(begin(other)).is_some_and(|(a, b)| {
                let length = a.len().min(b.len());
                match (a.get(..length), b.get(..length)) {
                    (Some(a), Some(b)) => !(a == b || fold && a.eq_ignore_ascii_case(b)),
                    _ => false,
                }
            });
            let ends = end(one).zip(end(other)).is_some_and(|(a, b)| {
                let length = a.len().min(b.len());
                match (a.get(a.len() - length..), b.get(b.len() - length..)) {
                    (Some(a), Some(b)) => !(a == b || fold && a.eq_ignore_ascii_case(b)),
                    _ => false,
                }
            });
            starts || ends
        }
    }
}

/// Whether a text may be anything at all.
fn is_everything(text: &TextMatch) -> bool {
    match text {
        TextMatch::Exact(_) => false,
        TextMatch::Prefix(text) | TextMatch::Suffix(text) | TextMatch::Contains(text) => {
            text.is_empty()
        }
        TextMatch::Glob(glob) => !glob.is_empty() && glob.bytes().all(|byte| byte == b'*'),
        TextMatch::Regex(regex) => parsed(regex).is_some_and(|hir| {
            let known = hir.properties();
            known.minimum_len() == Some(0) && known.look_set().is_empty()
        }),
    }
}

/// A pattern as the engine reads it.
pub(super) fn parsed(regex: &str) -> Option<Hir> {
    regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .nest_limit(64)
        .build()
        .parse(regex)
        .ok()
}

/// Whether no text can match a pattern: something must stand in front of its beginning or behind its end.
pub(super) fn is_impossible(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Literal(_) | HirKind::Look(_) => false,
        HirKind::Class(_) => hir.properties().minimum_len().is_none(),
        HirKind::Repetition(repetition) => repetition.min > 0 && is_impossible(&repetition.sub),
        HirKind::Capture(capture) => is_impossible(&capture.sub),
        HirKind::Alternation(all) => all.iter().all(is_impossible),
        HirKind::Concat(all) => {
            let needs = |hir: &Hir| hir.properties().minimum_len().is_some_and(|min| min > 0);
            let mut something = false;
            let mut ended = false;
            for part in all {
                if is_impossible(part)
                    || something && is_look(part, Look::Start)
                    || ended && needs(part)
                {
                    return true;
                }
                something |= needs(part);
                ended |= is_look(part, Look::End);
            }
            false
        }
    }
}

fn is_look(hir: &Hir, wanted: Look) -> bool {
    match hir.kind() {
        HirKind::Look(look) => *look == wanted,
        HirKind::Capture(capture) => is_look(&capture.sub, wanted),
        _ => false,
    }
}

/// Whether a pattern begins at the beginning of a text, and ends at its end.
pub(super) fn anchors(regex: &str) -> (bool, bool) {
    let Some(hir) = parsed(regex) else {
        return (false, false);
    };
    let known = hir.properties();
    (
        known.look_set_prefix().contains(Look::Start),
        known.look_set_suffix().contains(Look::End),
    )
}

fn every(
    outer: &[TextMatch],
    inner: &[TextMatch],
    within: impl Fn(&TextMatch, &TextMatch) -> bool,
) -> bool {
    outer.is_empty()
        || !inner.is_empty()
            && inner
                .iter()
                .all(|inner| outer.iter().any(|outer| within(outer, inner)))
}

/// Whether every request of `inner` is one of `outer`.
pub(super) fn covers_requests(outer: &RequestMatch, inner: &RequestMatch) -> bool {
    every(&outer.hosts, &inner.hosts, |a, b| covers(a, b, false))
        && every(&outer.paths, &inner.paths, |a, b| covers(a, b, false))
        && (outer.methods.is_empty()
            || !inner.methods.is_empty()
                && inner
                    .methods
                    .iter()
                    .all(|name| outer.methods.contains(name)))
}

/// What no request can be both of: its path, its host or its method; nothing if one can.
pub(super) fn requests_apart(one: &RequestMatch, other: &RequestMatch) -> Option<&'static str> {
    let none = |a: &[TextMatch], b: &[TextMatch]| {
        !a.is_empty() && !b.is_empty() && a.iter().all(|a| b.iter().all(|b| apart(a, b, false)))
    };
    let methods = || {
        !one.methods.is_empty()
            && !other.methods.is_empty()
            && !one.methods.iter().any(|name| other.methods.contains(name))
    };
    if none(&one.paths, &other.paths) {
        Some("path")
    } else if none(&one.hosts, &other.hosts) {
        Some("host")
    } else {
        methods().then_some("method")
    }
}

/// Whether a hit in `inner` is one in `outer`.
pub(super) fn covers_place(outer: &Place, inner: &Place) -> bool {
    let zones = inner.zones.iter().all(|zone| outer.zones.contains(zone));
    let parts = inner.parts.iter().all(|part| outer.parts.contains(part));
    let text = |outer: &Option<TextMatch>, inner: &Option<TextMatch>| match (outer, inner) {
        (None, _) => true,
        (Some(outer), Some(inner)) => covers(outer, inner, false),
        (Some(outer), None) => is_everything(outer),
    };
    zones && parts && text(&outer.name, &inner.name) && text(&outer.text, &inner.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `=a`, `^a`, `$a`, `~a`, `*a`, `/a`: exact, prefix, suffix, contains, glob, regex.
    fn text(written: &str) -> TextMatch {
        let (kind, text) = written.split_at(1);
        let text = text.to_owned();
        match kind {
            "=" => TextMatch::Exact(text),
            "^" => TextMatch::Prefix(text),
            "$" => TextMatch::Suffix(text),
            "~" => TextMatch::Contains(text),
            "*" => TextMatch::Glob(text),
            _ => TextMatch::Regex(text),
        }
    }

    #[test]
    fn what_lies_within_what() {
        for (outer, inner, expected) in [
            ("=/a", "=/a", true),
            ("^/a", "=/a/b", true),
            ("^/a", "=/b", false),
            ("^/a", "^/a/b", true),
            ("^/a/b", "^/a", false),
            ("^/a", "*/a/*", true),
            ("^/a", "*/*", false),
            ("$.css", "$x.css", true),
            ("$.css", "*/a/*.css", true),
            ("~b", "^abc", true),
            ("*/a/*", "^/a/b", true),
            ("*/a/*/c", "^/a/b", false),
            ("**.example.com", "$x.example.com", true),
            ("**.example.com", "=a.example.com", true),
            ("**.example.com", "**.a.example.com", true),
            ("**.a.example.com", "**.example.com", false),
            ("*?", "**", false),
            ("/.*", "=x", true),
            ("/.*", "/y", true),
            ("/^/a", "=/a/b", true),
            ("/^/a", "^/a", false),
            ("~", "/x", true),
            ("**", "/x", true),
        ] {
            assert_eq!(
                covers(&text(outer), &text(inner), false),
                expected,
                "{outer} {inner}"
            );
        }
        assert!(covers(&text("^X-"), &text("=x-a"), true));
    }

    /// Whatever is said to lie within does so for texts made of the same pieces.
    #[test]
    fn covers_never_claims_too_much() {
        let pieces = [
            "", "/", "a", "/a", "a/", "/a/b", "*", "a*", "*a", "/a*b", "?", "a?",
        ];
        let texts = [
            "", "/", "a", "/a", "/a/", "a/b", "/a/b", "/ab", "xa", "ax", "/axb", "b",
        ];
        let all: Vec<TextMatch> = ["=", "^", "$", "~", "*"]
            .iter()
            .flat_map(|kind| {
                pieces
                    .iter()
                    .map(move |piece| text(&format!("{kind}{piece}")))
            })
            .collect();
        let (mut covering, mut separate) = (0, 0);
        for one in &all {
            for other in &all {
                let matches =
                    |wanted: &TextMatch, text: &&str| text_matches(wanted, text.as_bytes(), false);
                if covers(one, other, false) {
                    covering += 1;
                    for text in texts.iter().filter(|text| matches(other, text)) {
                        assert!(matches(one, text), "{one:?} {other:?} {text}");
                    }
                }
                if apart(one, other, false) {
                    separate += 1;
                    for text in &texts {
                        assert!(
                            !(matches(one, text) && matches(other, text)),
                            "{one:?} {other:?} {text}"
                        );
                    }
                }
            }
        }
        assert!(covering > 400 && separate > 400, "{covering} {separate}");
    }

    #[test]
    fn patterns_that_nothing_matches() {
        for (regex, expected) in [
            ("a^b", true),
            ("(a$)b", false),
            ("a$b", true),
            ("(?:a^b|c)", false),
            ("a*^b", false),
            ("^a$", false),
            ("[^\\x00-\\xff]", true),
            ("(a^b)+", true),
            ("(a^b)*", false),
            ("(^)a(^)b", true),
        ] {
            let hir = parsed(regex).expect(regex);
            assert_eq!(is_impossible(&hir), expected, "{regex}");
        }
        assert_eq!(anchors("^a$"), (true, true));
        assert_eq!(anchors("^(a|b)"), (true, false));
        assert_eq!(anchors("^a|b$"), (false, false));
    }
}
