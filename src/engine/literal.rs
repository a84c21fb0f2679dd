//! The literals that any match of a pattern must contain: what the prefilter may rely on.
//!
//! The idea is that of RE2's FilteredRE2 (Cox, "Regular Expression Matching with a Trigram Index",
//! 2012): walk the pattern's tree and keep, for each node, the complete set of texts it can match
//! where that is small, and otherwise the best set of texts of which each match holds one.
//! All literals are in ASCII lower case; the prefilter searches without regard to case.

use std::collections::BTreeSet;

use regex_syntax::hir::{Class, Hir, HirKind};

/// A set of literals, one of which stands in every match.
pub(super) type Required = BTreeSet<Vec<u8>>;

/// Texts in a set that is still worth extending.
const MOST_EXACT: usize = 64;
/// Literals in a set that is still worth searching for.
const MOST_REQUIRED: usize = 96;
/// Bytes of a literal; more says nothing more.
pub(super) const LONGEST: usize = 24;

/// Bytes of literals that a policy may still have searched for: an automaton takes up to a hundred times as
/// much, and a short pattern may stand for many of them.
#[derive(Debug)]
pub(super) struct Budget(usize);

impl Budget {
    pub(super) const fn of(bytes: usize) -> Self {
        Self(bytes)
    }

    /// The literals, if they can be afforded. What cannot is looked for without, which is slower and as right.
    pub(super) fn afford(&mut self, literals: Required) -> Option<Required> {
        let bytes = literals.iter().map(Vec::len).sum();
        self.0 = self.0.checked_sub(bytes)?;
        Some(literals)
    }
}

/// The literals of a pattern, or `None` if some match holds none that could be named.
pub(super) fn required(pattern: &Hir) -> Option<Required> {
    let found = walk(pattern);
    let best = [found.exact.filter(usable), found.best]
        .into_iter()
        .flatten()
        .max_by_key(worth)?;
    Some(minimal(best))
}

/// What is known of one node.
struct Found {
    /// Every text the node can match, in lower case, if they are few.
    exact: Option<Required>,
    /// Texts of which every match of the node holds at least one.
    best: Option<Required>,
}

impl Found {
    fn nothing() -> Self {
        Self {
            exact: None,
            best: None,
        }
    }

    fn exactly(texts: Required) -> Self {
        Self {
            exact: Some(texts),
            best: None,
        }
    }

    fn empty() -> Self {
        Self::exactly(Required::from([Vec::new()]))
    }

    /// The best this node offers on its own.
    fn offer(self) -> Option<Required> {
        [self.exact.filter(usable), self.best]
            .into_iter()
            .flatten()
            .max_by_key(worth)
    }
}

fn usable(texts: &Required) -> bool {
    !texts.is_empty() && texts.len() <= MOST_REQUIRED && texts.iter().all(|text| !text.is_empty())
}

/// What a set is worth: the rarer its literals are in ordinary text, the more. In some unit; a set of one
/// literal without letters is worth more than any with a short word.
pub(super) fn worth(texts: &Required) -> u64 {
    // How often a literal occurs, in 2⁻⁴⁰ of the places of a text.
    let all: u64 = texts
        .iter()
        .map(|text| {
            let rarity: u32 = text.iter().take(8).map(|byte| rarity(*byte)).sum();
            1 << 40u32.saturating_sub(rarity)
        })
        .sum();
    u64::MAX - all
}

/// The negative binary logarithm of how often a byte stands behind another one in ordinary names and
/// values, roughly. Letters make words, so they are less of a surprise than their number alone says.
const fn rarity(byte: u8) -> u32 {
    match byte.to_ascii_lowercase() {
        b'e' | b't' | b'a' | b'o' | b'i' | b'n' | b's' | b'r' | b' ' => 3,
        b'l' | b'd' | b'h' | b'c' | b'u' | b'm' | b'0'..=b'9' => 4,
        b'p' | b'g' | b'y' | b'f' | b'b' | b'w' | b'v' | b'k' => 5,
        b'-' | b'.' | b'_' | b'x' | b'j' | b'q' | b'z' => 6,
        b'/' | b',' | b':' | b'=' => 7,
        b'\'' | b'"' | b'&' | b'+' | b'?' | b';' | b'(' | b')' | b'@' | b'%' => 8,
        _ => 10,
    }
}

/// Drops literals that contain another one of the set.
fn minimal(texts: Required) -> Required {
    texts
        .iter()
        .filter(|text| {
            !texts.iter().any(|other| {
                other.len() < text.len() && text.windows(other.len()).any(|part| part == other)
            })
        })
        .cloned()
        .collect()
}

fn walk(hir: &Hir) -> Found {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Found::empty(),
        HirKind::Literal(literal) => {
            Found::exactly(Required::from([literal.0.to_ascii_lowercase()]))
        }
        HirKind::Class(class) => match class_texts(class) {
            Some(texts) => Found::exactly(texts),
            None => Found::nothing(),
        },
        HirKind::Capture(capture) => walk(&capture.sub),
        HirKind::Repetition(repetition) => {
            let sub = walk(&repetition.sub);
            match (repetition.min, repetition.max) {
                (0, Some(1)) => match sub.exact {
                    Some(mut texts) if texts.len() < MOST_EXACT => {
                        texts.insert(Vec::new());
                        Found::exactly(texts)
                    }
                    _ => Found::nothing(),
                },
                (0, _) => Found::nothing(),
                (1, Some(1)) => sub,
                _ => Found {
                    exact: None,
                    best: sub.offer(),
                },
            }
        }
        HirKind::Concat(parts) => concat(parts),
        HirKind::Alternation(parts) => alternation(parts),
    }
}

fn class_texts(class: &Class) -> Option<Required> {
    let mut texts = Required::new();
    let mut add = |low: u32, high: u32| {
        if high.saturating_sub(low) >= 32 {
            return false;
        }
        for value in low..=high {
            match u8::try_from(value) {
                Ok(byte) if byte < 0x80 || matches!(class, Class::Bytes(_)) => {
                    texts.insert(vec![byte.to_ascii_lowercase()]);
                }
                _ => return false,
            }
        }
        true
    };
    let all = match class {
        Class::Bytes(class) => class
            .ranges()
            .iter()
            .all(|range| add(range.start().into(), range.end().into())),
        Class::Unicode(class) => class
            .ranges()
            .iter()
            .all(|range| add(range.start().into(), range.end().into())),
    };
    (all && texts.len() <= 16).then_some(texts)
}

fn concat(parts: &[Hir]) -> Found {
    let mut run = Required::from([Vec::new()]);
    let mut whole = true;
    let mut offers = Vec::new();
    for part in parts {
        let found = walk(part);
        match found.exact {
            Some(texts) => {
                if run.len() * texts.len() <= MOST_EXACT {
                    run = product(&run, &texts);
                } else {
                    whole = false;
                    offers.push(std::mem::replace(&mut run, texts));
                }
            }
            None => {
                whole = false;
                offers.push(std::mem::replace(&mut run, Required::from([Vec::new()])));
                offers.extend(found.best);
            }
        }
    }
    let long = run.iter().any(|text| text.len() > LONGEST);
    if whole && !long {
        return Found::exactly(run);
    }
    offers.push(
        run.into_iter()
            .map(|text| text.into_iter().take(LONGEST).collect())
            .collect(),
    );
    Found {
        exact: None,
        best: offers.into_iter().filter(usable).max_by_key(worth),
    }
}

fn product(left: &Required, right: &Required) -> Required {
    left.iter()
        .flat_map(|start| {
            right
                .iter()
                .map(move |end| start.iter().chain(end).copied().collect::<Vec<u8>>())
        })
        .collect()
}

fn alternation(parts: &[Hir]) -> Found {
    let mut exact = Some(Required::new());
    let mut best = Some(Required::new());
    for part in parts {
        let found = walk(part);
        match (&mut exact, &found.exact) {
            (Some(all), Some(texts)) if all.len() + texts.len() <= MOST_EXACT => {
                all.extend(texts.iter().cloned());
            }
            _ => exact = None,
        }
        match (&mut best, found.offer()) {
            (Some(all), Some(texts)) if all.len() + texts.len() <= MOST_REQUIRED => {
                all.extend(texts);
            }
            _ => best = None,
        }
    }
    Found {
        best: if exact.is_some() { None } else { best },
        exact,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pattern: &str) -> Option<Vec<String>> {
        let hir = crate::config::pattern::parse(pattern).expect("a valid pattern");
        required(&hir).map(|set| {
            set.into_iter()
                .map(|text| String::from_utf8_lossy(&text).into())
                .collect()
        })
    }

    #[test]
    fn literals_of_patterns() {
        let cases: &[(&str, Option<&[&str]>)] = &[
            ("abc", Some(&["abc"])),
            ("(?i)UNION", Some(&["union"])),
            (r"(?i)\bunion\b\s+(?:all\s+)?select", Some(&["select"])),
            ("(?:cat|dog)s?", Some(&["cat", "dog"])),
            ("a*", None),
            ("a*b", Some(&["b"])),
            (
                "[0-9]+",
                Some(&["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]),
            ),
            ("[^a]", None),
            (r"x.*etc/passwd", Some(&["etc/passwd"])),
            ("(?:abc|.)", None),
            ("(?:abc|x[^y]z{2})", Some(&["abc", "z"])),
            ("(?:union){2,}", Some(&["union"])),
            ("[ab][cd]", Some(&["ac", "ad", "bc", "bd"])),
            (r"\x00", Some(&["\0"])),
        ];
        for (pattern, expected) in cases {
            let expected = expected.map(|set| set.iter().map(|s| (*s).to_owned()).collect());
            assert_eq!(of(pattern), expected, "{pattern}");
        }
    }
}
