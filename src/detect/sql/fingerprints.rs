//! Fingerprints, and which of them are those of injections: an automaton of one state per way in
//! which a beginning may go on, laid out by the build script.

use std::fmt;

use super::token::{Kind, Token};

// SYMBOLS: for each kind of token its column, 1 and up, 0 for those in no fingerprint. WIDTH: columns of a row. ROWS: for
// each state and column the next state, 0 for none, in column 0 whether a fingerprint may end. STEPS:
// the state that counts as 0 for each token; states count from 1, anew for each.
include!(concat!(env!("OUT_DIR"), "/sql_fingerprints.rs"));

/// Tokens in a fingerprint.
pub(super) const LENGTH: usize = 5;

/// The kinds of the first tokens of a text, folded; of none to [`LENGTH`] of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    letters: [u8; LENGTH],
    length: u8,
}

impl Fingerprint {
    /// The fingerprint of these tokens. One of them that nobody writes honestly is the whole of it.
    pub(super) fn of(tokens: &[Token]) -> Self {
        let mut letters = [0; LENGTH];
        if tokens.iter().any(|token| token.kind == Kind::Evil) {
            if let Some(first) = letters.first_mut() {
                *first = Kind::Evil.letter();
            }
            return Self { letters, length: 1 };
        }
        for (letter, token) in letters.iter_mut().zip(tokens) {
            *letter = token.kind.letter();
        }
        Self {
            letters,
            length: tokens.len().min(LENGTH) as u8,
        }
    }

    /// As libinjection writes it: one letter or sign for each token.
    pub fn as_str(&self) -> &str {
        str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.letters
            .get(..usize::from(self.length))
            .unwrap_or_default()
    }

    /// Whether it is one of an injection.
    pub(super) fn is_known(&self) -> bool {
        self.as_bytes()
            .iter()
            .try_fold(Beginning::NONE, |beginning, letter| beginning.and(*letter))
            .is_some_and(Beginning::ends)
    }
}

/// How a fingerprint begins: the state that its first letters lead to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beginning {
    state: u8,
    length: u8,
}

impl Beginning {
    /// No letter yet.
    pub(super) const NONE: Self = Self {
        state: 1,
        length: 0,
    };

    /// One letter more, if any fingerprint of an injection begins so; behind [`LENGTH`] of them none counts.
    #[inline]
    pub(super) fn then(self, kind: Kind) -> Option<Self> {
        self.and(kind.letter())
    }

    #[inline]
    fn and(self, letter: u8) -> Option<Self> {
        if self.is_full() {
            return Some(self);
        }
        let base = STEPS.get(usize::from(self.length)).copied()?;
        let symbol = SYMBOLS.get(usize::from(letter)).copied()?;
        if symbol == 0 {
            return None;
        }
        match next(base, self.state, symbol) {
            0 => None,
            state => Some(Self {
                state,
                length: self.length.saturating_add(1),
            }),
        }
    }

    /// Whether nothing counts that follows.
    pub(super) fn is_full(self) -> bool {
        usize::from(self.length) >= LENGTH
    }

    /// Whether nothing counts that follows the next.
    pub(super) fn has_one_place(self) -> bool {
        usize::from(self.length) + 1 == LENGTH
    }

    /// Whether it is a whole fingerprint.
    pub(super) fn ends(self) -> bool {
        // Behind the last token nothing can follow: the state itself is the end.
        self.length > 0
            && STEPS
                .get(usize::from(self.length))
                .is_none_or(|base| next(*base, self.state, 0) != 0)
    }
}

/// The next state.
fn next(base: u16, state: u8, symbol: u8) -> u8 {
    let row = usize::from(base) + usize::from(state);
    ROWS.get(row * WIDTH + usize::from(symbol))
        .copied()
        .unwrap_or(0)
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}
