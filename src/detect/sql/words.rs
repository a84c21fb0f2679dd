//! The words of the tokeniser's table, in a perfect hash that the build script lays out: one look
//! tells whether a word is there.

use super::hash;
use super::token::Kind;

/// One word, or several with one space between each two.
struct Entry {
    text: &'static str,
    /// What it is; nothing if it only begins others.
    kind: Kind,
    /// Entries behind this one that begin with it and a space.
    longer: u8,
}

/// For the table, which names hundreds.
const fn entry(text: &'static str, kind: Kind, longer: u8) -> Entry {
    Entry { text, kind, longer }
}

// ENTRIES in the order of their texts, DISPLACEMENTS of the groups, PLACES with 1 + the index of an
// entry or 0, LENGTHS of the words that begin with the same two letters.
include!(concat!(env!("OUT_DIR"), "/sql_words.rs"));

/// A word of the table, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word(u16);

impl Word {
    /// No word of the table.
    pub(super) const NONE: Self = Self(0);

    /// The word of the table that this is, in any case.
    pub fn find(text: &[u8]) -> Self {
        if !hash::may_hold(&LENGTHS, text) {
            return Self::NONE;
        }
        let hash = hash::of(text);
        let displacement = DISPLACEMENTS.get(hash::group(hash)).copied().unwrap_or(0);
        let place = hash::place(hash, displacement);
        let word = Self(PLACES.get(place).copied().unwrap_or(0));
        match word.entry() {
            Some(entry) if entry.text.as_bytes().eq_ignore_ascii_case(text) => word,
            _ => Self::NONE,
        }
    }

    fn entry(self) -> Option<&'static Entry> {
        ENTRIES.get(usize::from(self.0).checked_sub(1)?)
    }

    /// What the word is.
    pub fn kind(self) -> Option<Kind> {
        let kind = self.entry()?.kind;
        (kind != Kind::None).then_some(kind)
    }

    /// Its text, in upper case.
    pub fn text(self) -> &'static str {
        self.entry().map_or("", |entry| entry.text)
    }

    /// Whether the table has it with other words behind it.
    pub(super) fn begins_others(self) -> bool {
        self.entry().is_some_and(|entry| entry.longer > 0)
    }

    /// What this word and the next are together, if the table has them.
    pub(super) fn and(self, next: &[u8]) -> Option<(Self, Kind)> {
        let first = self.entry()?;
        // In order of their texts, what begins with a word and a space stands right behind it.
        (1..=u16::from(first.longer)).find_map(|offset| {
            let both = Self(self.0.saturating_add(offset));
            let rest = both.text().as_bytes().get(first.text.len()..)?;
            let (_, second) = rest.split_first()?;
            let kind = both.kind()?;
            second.eq_ignore_ascii_case(next).then_some((both, kind))
        })
    }
}
