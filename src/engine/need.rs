//! What a text must hold, byte by byte, for a pattern to match anywhere in it. Asked of the classes of a
//! text's bytes alone, this answers for most rules on most texts without another look at the text.

use regex_syntax::hir::{Class, Hir, HirKind};

use super::literal::Required;
use crate::decode::Signs;
use crate::decode::signs;

/// Classes of bytes without which nothing matches. The default asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Need {
    /// Each of these occurs.
    every: u64,
    /// Of each of these at least one occurs.
    any: Vec<u64>,
    /// Of each of these lists one need is met.
    either: Vec<Vec<Need>>,
}

/// Classes in a set that still says something about a text.
const MOST_CLASSES: u32 = 40;
/// Alternatives of a list that is worth a look.
const MOST_ALTERNATIVES: usize = 48;

impl Need {
    /// What a match of a pattern needs.
    pub(super) fn of_pattern(pattern: &Hir) -> Self {
        match pattern.kind() {
            HirKind::Empty | HirKind::Look(_) => Self::default(),
            HirKind::Literal(literal) => Self::of_text(&literal.0),
            HirKind::Class(class) => Self::of_classes(classes_of(class)),
            HirKind::Capture(capture) => Self::of_pattern(&capture.sub),
            HirKind::Repetition(repetition) if repetition.min == 0 => Self::default(),
            HirKind::Repetition(repetition) => Self::of_pattern(&repetition.sub),
            HirKind::Concat(parts) => parts
                .iter()
                .map(Self::of_pattern)
                .fold(Self::default(), Self::and),
            HirKind::Alternation(parts) => Self::one_of(parts.iter().map(Self::of_pattern)),
        }
    }

    /// What a text needs to occur, in any case.
    pub(super) fn of_text(text: &[u8]) -> Self {
        Self {
            every: signs::classes(text),
            ..Self::default()
        }
    }

    /// One of several needs.
    pub(super) fn one_of(needs: impl Iterator<Item = Self>) -> Self {
        let mut list: Vec<Self> = Vec::new();
        for need in needs {
            if need == Self::default() || list.len() >= MOST_ALTERNATIVES {
                return Self::default();
            }
            if !list.contains(&need) {
                list.push(need);
            }
        }
        // What all of them need is told first, and what is no list of its own is one set.
        let every = list.iter().fold(u64::MAX, |every, need| every & need.every);
        if list.is_empty() {
            return Self::default();
        }
        list.iter_mut().for_each(|need| need.every &= !every);
        if list.contains(&Self::default()) {
            return Self {
                every,
                ..Self::default()
            };
        }
        let single = list.iter().try_fold(0, |all, need| {
            let single =
                need.any.is_empty() && need.either.is_empty() && need.every.count_ones() == 1;
            let set =
                matches!(need.any.as_slice(), [_]) && need.every == 0 && need.either.is_empty();
            let classes = need.any.first().copied().unwrap_or(need.every);
            (single || set).then_some(all | classes)
        });
        let rest = match single {
            Some(classes) => Self::of_classes(classes),
            None => {
                // Whoever needs most is met least: the others are asked first.
                Self {
                    either: vec![list],
                    ..Self::default()
                }
            }
        };
        Self {
            every: rest.every | every,
            ..rest
        }
    }

    fn of_classes(classes: u64) -> Self {
        match classes.count_ones() {
            // A class of nothing: a pattern that never matches. It needs no filter.
            0 => Self::default(),
            1 => Self {
                every: classes,
                ..Self::default()
            },
            2..=MOST_CLASSES => Self {
                any: vec![classes],
                ..Self::default()
            },
            _ => Self::default(),
        }
    }

    fn and(mut self, other: Self) -> Self {
        self.every |= other.every;
        for classes in other.any {
            if !self.any.contains(&classes) {
                self.any.push(classes);
            }
        }
        for list in other.either {
            if !self.either.contains(&list) {
                self.either.push(list);
            }
        }
        let every = self.every;
        self.any.retain(|classes| classes & every == 0);
        self
    }

    /// Writes the need as numbers: the classes that must occur; how many sets there are, and the sets; how
    /// many lists there are, and of each its length and its needs.
    // The build script calls it, which takes this file in.
    #[allow(dead_code)]
    pub(super) fn write(&self, out: &mut Vec<u64>) {
        out.push(self.every);
        out.push(self.any.len() as u64);
        out.extend(&self.any);
        out.push(self.either.len() as u64);
        for list in &self.either {
            out.push(list.len() as u64);
            list.iter().for_each(|need| need.write(out));
        }
    }

    /// Reads what [`Need::write`] wrote, from the start of the numbers, and leaves the rest.
    pub(super) fn read(numbers: &mut &[u64]) -> Self {
        let mut next = || {
            let (first, rest) = numbers.split_first().unwrap_or((&0, &[]));
            *numbers = rest;
            *first
        };
        let every = next();
        let any = (0..next()).map(|_| next()).collect();
        let lists = next();
        let either = (0..lists)
            .map(|_| {
                let (first, rest) = numbers.split_first().unwrap_or((&0, &[]));
                *numbers = rest;
                (0..*first).map(|_| Self::read(numbers)).collect()
            })
            .collect();
        Self { every, any, either }
    }

    /// The part of it that is quickest to ask: classes of which each occurs, and two sets of which one
    /// occurs each, the rarest in ordinary text.
    pub(super) fn first(&self) -> (u64, [u64; 2]) {
        let lists = self.either.iter().map(|list| {
            list.iter()
                .fold(0, |all, need| all | need.rarest().unwrap_or(u64::MAX))
        });
        let mut sets: Vec<u64> = self.any.iter().copied().chain(lists).collect();
        sets.sort_by_key(|classes| commonness(*classes));
        let set = |index: usize| sets.get(index).copied().unwrap_or(u64::MAX);
        (self.every, [set(0), set(1)])
    }

    /// Classes of which one occurs wherever the need is met, the rarest that can be told.
    fn rarest(&self) -> Option<u64> {
        let single = (0..u64::BITS)
            .map(|bit| 1 << bit)
            .filter(|class| self.every & class != 0);
        let lists = self.either.iter().filter_map(|list| {
            list.iter()
                .try_fold(0, |all, need| Some(all | need.rarest()?))
        });
        single
            .chain(self.any.iter().copied())
            .chain(lists)
            .min_by_key(|classes| commonness(*classes))
    }

    /// The bytes, in lower case, of which one occurs wherever the need is met: of the rarest set that can
    /// be told. `None` if they are not ASCII.
    pub(super) fn bytes(&self) -> Option<Required> {
        let classes = self.rarest()?;
        if classes & (signs::HIGH | signs::CONTROL) != 0 {
            return None;
        }
        let bytes = (0..0x80u8).filter(|byte| signs::class(*byte) & classes != 0);
        Some(bytes.map(|byte| vec![byte.to_ascii_lowercase()]).collect())
    }

    /// Whether a text with these signs has all that is needed.
    pub(super) fn is_met(&self, signs: Signs) -> bool {
        signs.every(self.every)
            && self.any.iter().all(|classes| signs.any(*classes))
            && self
                .either
                .iter()
                .all(|list| list.iter().any(|need| need.is_met(signs)))
    }
}

/// How often one of some classes occurs in ordinary names and values; only the order matters.
fn commonness(classes: u64) -> u32 {
    const COMMON: [(&[u8], u32); 7] = [
        (b"etaoinsrldhcum", 40),
        (b" 0", 40),
        (b"pgyfbwvk", 20),
        (b"jxqz", 8),
        (b".-_", 12),
        (b"/,:=", 6),
        (b"'\"&+?;()@%", 3),
    ];
    (0..u64::BITS)
        .map(|bit| 1 << bit)
        .filter(|class| classes & class != 0)
        .map(|class| {
            let found = COMMON
                .iter()
                .find(|(bytes, _)| signs::classes(bytes) & class != 0);
            found.map_or(1, |(_, weight)| *weight)
        })
        .sum()
}

/// The classes of all bytes of a class.
fn classes_of(class: &Class) -> u64 {
    let of_range = |low: u32, high: u32| {
        if high > 0x7F && matches!(class, Class::Unicode(_)) {
            return u64::MAX;
        }
        (low..=high.min(0xFF)).fold(0, |all, byte| all | signs::class(byte as u8))
    };
    match class {
        Class::Bytes(class) => class.ranges().iter().fold(0, |all, range| {
            all | of_range(range.start().into(), range.end().into())
        }),
        Class::Unicode(class) => class.ranges().iter().fold(0, |all, range| {
            all | of_range(range.start().into(), range.end().into())
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pattern: &str) -> Need {
        Need::of_pattern(&crate::config::pattern::parse(pattern).expect("a valid pattern"))
    }

    #[test]
    fn needs_of_patterns() {
        // The pattern, texts that meet its need, texts that do not.
        let cases: &[(&str, &[&str], &[&str])] = &[
            ("(?i)abc", &["cab", "ABCD"], &["ab", ""]),
            ("a*", &["", "x"], &[]),
            ("a+b", &["ab"], &["a"]),
            ("(?:cat|dog)", &["act", "god"], &["cad", ""]),
            ("[;|&]", &["a;", "|"], &["a"]),
            ("(?:a|b|c)x", &["ax", "xc"], &["x", "abc"]),
            (r"\bor\b\s*['0-9]", &["ro 1", "or'"], &["or", "r1"]),
            ("[^a]", &["b"], &[]),
            ("(?:ab|a)", &["a"], &["b"]),
            ("(?:ab|ac|ad)", &["ab", "da"], &["a", "bc"]),
            (r"(?:x[<>]|y;)z", &["x>z", "zy;"], &["x;z", "y<z", "xyz"]),
            ("(?:a|)b", &["b"], &["a"]),
            (r"\xC0\xAF", &[], &["abc"]),
        ];
        for (pattern, met, unmet) in cases {
            for text in *met {
                let signs = Signs::of(text.as_bytes());
                assert!(of(pattern).is_met(signs), "{pattern} {text}");
            }
            for text in *unmet {
                let signs = Signs::of(text.as_bytes());
                assert!(!of(pattern).is_met(signs), "{pattern} {text}");
            }
        }
    }
}
