//! One look at every byte of a text: which decodings can have anything to do there.
//!
//! Nearly all names and values of ordinary traffic carry none of these marks, and this single pass
//! is then all that they pay.

/// The marks of a text: one bit for each class of bytes that some decoding looks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks {
    seen: u32,
    pairs: u32,
}

/// The null byte.
pub(super) const NUL: u32 = 1;
/// The control characters below the space, but for the null byte: several databases read each as a space.
pub(super) const CONTROL: u32 = 1 << 1;
/// Space.
pub(super) const SPACE: u32 = 1 << 2;
/// `%`.
pub(super) const PERCENT: u32 = 1 << 3;
/// `&`.
pub(super) const AMPERSAND: u32 = 1 << 4;
/// `\`.
pub(super) const BACKSLASH: u32 = 1 << 5;
/// `+`.
pub(super) const PLUS: u32 = 1 << 6;
/// Bytes that begin an overlong sequence or a character with an ASCII look-alike.
pub(super) const LEAD: u32 = 1 << 7;
/// `*`.
pub(super) const STAR: u32 = 1 << 8;
/// `-`.
pub(super) const DASH: u32 = 1 << 9;
/// `#`.
pub(super) const HASH: u32 = 1 << 10;
/// `'`, `"` and the backtick.
pub(super) const QUOTE: u32 = 1 << 11;
/// `$`.
pub(super) const DOLLAR: u32 = 1 << 12;
/// `^`.
pub(super) const CARET: u32 = 1 << 13;
/// `{`.
pub(super) const BRACE: u32 = 1 << 14;
/// `[`.
pub(super) const BRACKET: u32 = 1 << 15;
/// `/`.
pub(super) const SLASH: u32 = 1 << 16;
/// `.`.
pub(super) const DOT: u32 = 1 << 17;
/// `;`.
pub(super) const SEMICOLON: u32 = 1 << 18;
/// `:`.
pub(super) const COLON: u32 = 1 << 19;
/// Any byte that stands in no base64 text, line breaks and padding included.
pub(super) const NOT_BASE64: u32 = 1 << 20;
/// The last byte of the space that does not break, or the whole of it in Latin-1.
pub(super) const NBSP: u32 = 1 << 21;
/// Every mark.
pub(super) const ALL: u32 = u32::MAX;

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    let mut rest: &mut [u32] = &mut table;
    while let Some((first, others)) = rest.split_first_mut() {
        *first = class(byte);
        byte = byte.wrapping_add(1);
        rest = others;
    }
    table
}

const fn class(byte: u8) -> u32 {
    let base64 = match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => 0,
        b'+' | b'/' | b'-' | b'_' | b'=' | b' ' | b'\r' | b'\n' => 0,
        _ => NOT_BASE64,
    };
    base64
        | match byte {
            0 => NUL,
            0x01..=0x1F => CONTROL,
            b' ' => SPACE,
            b'%' => PERCENT,
            b'&' => AMPERSAND,
            b'\\' => BACKSLASH,
            b'+' => PLUS,
            b'*' => STAR,
            b'-' => DASH,
            b'#' => HASH,
            b'\'' | b'"' | b'`' => QUOTE,
            b'$' => DOLLAR,
            b'^' => CARET,
            b'{' => BRACE,
            b'[' => BRACKET,
            b'/' => SLASH,
            b'.' => DOT,
            b';' => SEMICOLON,
            b':' => COLON,
            // Overlong forms, then the leads of the blocks that `fold` knows: dotless i, long s,
            // modifier letters, punctuation and symbols, CJK punctuation, full-width forms.
            0xC0 | 0xC1 | 0xE0 | 0xF0 | 0xF8..=0xFD => LEAD,
            0xC4 | 0xC5 | 0xCA | 0xCB | 0xE2 | 0xE3 | 0xEF => LEAD,
            0xA0 => NBSP,
            _ => 0,
        }
}

impl Marks {
    /// Looks at every byte once.
    pub(super) fn of(text: &[u8]) -> Self {
        let mut marks = Self::default();
        let mut last = 0;
        for byte in text {
            let class = TABLE.get(usize::from(*byte)).copied().unwrap_or(ALL);
            marks.seen |= class;
            marks.pairs |= class & last;
            last = class;
        }
        marks
    }

    /// Whether a byte of one of these classes occurs.
    pub(super) const fn any(self, classes: u32) -> bool {
        self.seen & classes != 0
    }

    /// Whether two neighbours are of the same one of these classes.
    pub(super) const fn twice(self, classes: u32) -> bool {
        self.pairs & classes != 0
    }
}
