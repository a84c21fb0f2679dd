//! What the decodings look for in a text, by the classes of its bytes.

use super::signs::{self, Signs};

/// The null byte.
pub(super) const NUL: u64 = signs::NUL;
/// The control characters below the space, but for the null byte: several databases read each as a space.
pub(super) const CONTROL: u64 = signs::WHITE | signs::CONTROL;
/// Space.
pub(super) const SPACE: u64 = signs::SPACE;
/// `%`.
pub(super) const PERCENT: u64 = signs::class(b'%');
/// `&`.
pub(super) const AMPERSAND: u64 = signs::class(b'&');
/// `\`.
pub(super) const BACKSLASH: u64 = signs::class(b'\\');
/// `+`.
pub(super) const PLUS: u64 = signs::class(b'+');
/// Bytes that begin an overlong sequence or a character with an ASCII look-alike, and the last byte of
/// the space that does not break, or the whole of it in Latin-1. [`of`] says nothing of other bytes that
/// are not ASCII.
pub(super) const HIGH: u64 = signs::HIGH;
/// `*`.
pub(super) const STAR: u64 = signs::class(b'*');
/// `'`, `"` and the backtick.
pub(super) const QUOTE: u64 = signs::classes(b"'\"`");
/// `$`.
pub(super) const DOLLAR: u64 = signs::class(b'$');
/// `^`.
pub(super) const CARET: u64 = signs::class(b'^');
/// `{`.
pub(super) const BRACE: u64 = signs::class(b'{');
/// `[`.
pub(super) const BRACKET: u64 = signs::class(b'[');
/// `/`.
pub(super) const SLASH: u64 = signs::class(b'/');
/// `.`.
pub(super) const DOT: u64 = signs::class(b'.');
/// `;`.
pub(super) const SEMICOLON: u64 = signs::class(b';');

/// The signs of a text with what matters to decodings: most text that is not ASCII holds no byte that
/// any of them looks for.
pub(super) fn of(text: &[u8], signs: Signs) -> Signs {
    if signs.any(HIGH) && !text.iter().any(|byte| leads(*byte)) {
        signs.without(HIGH)
    } else {
        signs
    }
}

/// Overlong forms, then the leads of the blocks that `fold` knows: dotless i, long s, modifier letters,
/// punctuation and symbols, CJK punctuation, full-width forms; and the space that does not break.
const fn leads(byte: u8) -> bool {
    matches!(
        byte,
        0xC0 | 0xC1 | 0xE0 | 0xF0 | 0xF8
            ..=0xFD | 0xC4 | 0xC5 | 0xCA | 0xCB | 0xE2 | 0xE3 | 0xEF | 0xA0
    )
}
