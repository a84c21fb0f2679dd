//! What a byte begins, and where it ends a word: one table for all 256.

/// What begins with a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Class {
    /// Nothing: it stands between tokens.
    White,
    /// An operator of one byte.
    Sign,
    /// An operator of one byte or more.
    Operator,
    /// A string.
    Quote,
    /// A comment or an operator, as the dialect has it.
    Hash,
    /// A sum, a string in dollars or nothing.
    Dollar,
    /// A token of its own.
    Mark,
    /// A comment or an operator.
    Dash,
    /// A number, or a lone dot.
    Number,
    /// A comment or an operator.
    Slash,
    /// A variable.
    At,
    /// A word.
    Word,
    /// A word, or the letter in front of the string that it says how to read: `b'01'`.
    Binary,
    /// The same for `e'\n'`.
    Escaped,
    /// The same for `n'x'` and `nq'[x]'`.
    National,
    /// The same for `q'[x]'`.
    Alternative,
    /// The same for `u&'x'`.
    Unicode,
    /// The same for `x'41'`.
    Hexadecimal,
    /// A name in brackets.
    Bracket,
    /// A backslash, or MySQL's name for no value.
    Backslash,
    /// A name in backticks.
    Tick,
    /// Nothing that SQL knows.
    Other,
}

/// The byte begins a word.
pub(super) const BEGINS_WORD: u8 = 1 << 4;
/// The byte ends a word.
pub(super) const ENDS_WORD: u8 = 1 << 5;
/// The byte ends a word if what stands before it is one of the table.
pub(super) const SPLITS_WORD: u8 = 1 << 6;
/// The byte ends the name of a variable.
pub(super) const ENDS_VARIABLE: u8 = 1 << 7;

const fn class_of(byte: u8) -> Class {
    match byte {
        0..=b' ' | 0x7F | 0xA0 => Class::White,
        b'%' | b'+' | b'^' | b'~' => Class::Sign,
        b'!' | b'&' | b'*' | b':' | b'<'..=b'>' | b'|' => Class::Operator,
        b'\'' | b'"' => Class::Quote,
        b'#' => Class::Hash,
        b'$' => Class::Dollar,
        b'(' | b')' | b',' | b';' | b'{' | b'}' => Class::Mark,
        b'-' => Class::Dash,
        b'.' | b'0'..=b'9' => Class::Number,
        b'/' => Class::Slash,
        b'@' => Class::At,
        b'b' | b'B' => Class::Binary,
        b'e' | b'E' => Class::Escaped,
        b'n' | b'N' => Class::National,
        b'q' | b'Q' => Class::Alternative,
        b'u' | b'U' => Class::Unicode,
        b'x' | b'X' => Class::Hexadecimal,
        b'[' => Class::Bracket,
        b'\\' => Class::Backslash,
        b'`' => Class::Tick,
        b'?' | b']' => Class::Other,
        b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80..=0xFF => Class::Word,
    }
}

/// Whether SQL takes the byte for white space where it asks for nothing else.
pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, 0 | b'\t'..=b'\r' | b' ' | 0xA0)
}

const fn marks_of(byte: u8) -> u8 {
    match byte {
        b'.' => SPLITS_WORD,
        b'`' => SPLITS_WORD | ENDS_VARIABLE,
        b'[' | b']' | b'{' | b'}' | 0xA0 => ENDS_WORD,
        b'<'..=b'@' | b':' | b';' | b'\\' | b'!' | b'#' | b'~' | b'^' | b'|' | b'\'' | b'"' => {
            ENDS_WORD | ENDS_VARIABLE
        }
        b'%' | b'&' | b'('..=b'-' | b'/' => ENDS_WORD | ENDS_VARIABLE,
        _ if is_space(byte) => ENDS_WORD | ENDS_VARIABLE,
        b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80..=0xFF => BEGINS_WORD,
        _ => 0,
    }
}

static CLASSES: [Class; 256] = {
    let mut all = [Class::Other; 256];
    let mut rest: &mut [Class] = &mut all;
    let mut byte = 0u8;
    while let Some((first, others)) = rest.split_first_mut() {
        *first = class_of(byte);
        byte = byte.wrapping_add(1);
        rest = others;
    }
    all
};

static MARKS: [u8; 256] = {
    let mut all = [0; 256];
    let mut rest: &mut [u8] = &mut all;
    let mut byte = 0u8;
    while let Some((first, others)) = rest.split_first_mut() {
        *first = marks_of(byte);
        byte = byte.wrapping_add(1);
        rest = others;
    }
    all
};

/// What begins with this byte.
pub(super) fn class(byte: u8) -> Class {
    CLASSES
        .get(usize::from(byte))
        .copied()
        .unwrap_or(Class::Other)
}

/// What this byte does to a word: [`BEGINS_WORD`], [`ENDS_WORD`], [`SPLITS_WORD`], [`ENDS_VARIABLE`].
pub(super) fn marks(byte: u8) -> u8 {
    MARKS.get(usize::from(byte)).copied().unwrap_or(0)
}
