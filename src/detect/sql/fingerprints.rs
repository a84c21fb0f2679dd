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
        let mut state = 1;
        for (letter, base) in self.as_bytes().iter().zip(STEPS) {
            let symbol = SYMBOLS.get(usize::from(*letter)).copied().unwrap_or(0);
            if symbol == 0 {
                return false;
            }
            state = next(base, state, symbol);
            if state == 0 {
                return false;
            }
        }
        // Behind the last token nothing can follow: the state itself is the end.
        self.length > 0
            && STEPS
                .get(usize::from(self.length))
                .is_none_or(|base| next(*base, state, 0) != 0)
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
