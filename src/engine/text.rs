//! Comparing texts as a policy asks: exactly, by parts, by globs, by patterns.

use super::pattern::Pattern;
use crate::model::TextMatch;

/// A compiled [`TextMatch`].
#[derive(Debug)]
pub(super) enum Text {
    Exact(Box<[u8]>),
    Prefix(Box<[u8]>),
    Suffix(Box<[u8]>),
    Contains(Box<[u8]>),
    Glob(Box<[u8]>),
    Regex(Pattern),
}

impl Text {
    pub(super) fn new(text: &TextMatch) -> Self {
        let bytes = |text: &String| text.as_bytes().into();
        match text {
            TextMatch::Exact(text) => Self::Exact(bytes(text)),
            TextMatch::Prefix(text) => Self::Prefix(bytes(text)),
            TextMatch::Suffix(text) => Self::Suffix(bytes(text)),
            TextMatch::Contains(text) => Self::Contains(bytes(text)),
            TextMatch::Glob(text) => Self::Glob(bytes(text)),
            TextMatch::Regex(text) => Self::Regex(Pattern::new(text)),
        }
    }

    /// Whether the text is what was asked for. `fold` compares without regard to ASCII case; a
    /// regular expression says that itself.
    pub(super) fn matches(&self, text: &[u8], fold: bool) -> bool {
        let same = |a: &[u8], b: &[u8]| {
            if fold {
                a.eq_ignore_ascii_case(b)
            } else {
                a == b
            }
        };
        match self {
            Self::Exact(wanted) => same(text, wanted),
            Self::Prefix(wanted) => text
                .get(..wanted.len())
                .is_some_and(|start| same(start, wanted)),
            Self::Suffix(wanted) => text
                .len()
                .checked_sub(wanted.len())
                .and_then(|at| text.get(at..))
                .is_some_and(|end| same(end, wanted)),
            Self::Contains(wanted) if fold => {
                wanted.is_empty() || text.windows(wanted.len()).any(|part| same(part, wanted))
            }
            Self::Contains(wanted) => memchr::memmem::find(text, wanted).is_some(),
            Self::Glob(glob) => glob_matches(glob, text, fold),
            Self::Regex(pattern) => pattern.is_match(text),
        }
    }
}

/// Whether a text is what a glob describes. Only the last `*` is ever tried again, so the time is at
/// most the product of both lengths, of which a policy bounds one.
fn glob_matches(glob: &[u8], text: &[u8], fold: bool) -> bool {
    let (mut g, mut t) = (0, 0);
    let mut again: Option<(usize, usize)> = None;
    loop {
        match (glob.get(g), text.get(t)) {
            (None, None) => return true,
            (Some(b'*'), _) => {
                again = Some((g, t));
                g += 1;
            }
            (Some(b'?'), Some(_)) => {
                g += 1;
                t += 1;
            }
            (Some(wanted), Some(byte))
                if wanted == byte || fold && wanted.eq_ignore_ascii_case(byte) =>
            {
                g += 1;
                t += 1;
            }
            _ => match again {
                Some((star, from)) if from < text.len() => {
                    again = Some((star, from + 1));
                    g = star + 1;
                    t = from + 1;
                }
                _ => return false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        for (glob, text, expected) in [
            ("*", "", true),
            ("*", "anything", true),
            ("/api/*/items", "/api/v1/items", true),
            ("/api/*/items", "/api/v1/a/items", true),
            ("/api/*/items", "/api/items", false),
            ("items[*].comment", "items[12].comment", true),
            ("items[*].comment", "items[12].title", false),
            ("*.example.com", "a.b.example.com", true),
            ("*.example.com", "example.com", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a*b*c", "aXbYbZc", true),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(
                glob_matches(glob.as_bytes(), text.as_bytes(), false),
                expected,
                "{glob} {text}"
            );
        }
        assert!(glob_matches(b"X-*", b"x-forwarded", true));
    }
}
