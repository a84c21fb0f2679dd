//! One look at every byte of a text: which classes of bytes it holds. Everything cheap that is asked of a
//! text afterwards is asked of these two numbers: which decodings can have anything to do, which rules
//! can match at all, what the detectors need.
//!
//! Nearly all names and values of ordinary traffic are letters and digits, and this single pass is
//! then most of what they pay.

/// The classes of bytes that a text holds, and those of which two stand side by side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signs {
    seen: u64,
    pairs: u64,
}

/// The digits.
pub const DIGIT: u64 = 1 << 26;
/// The null byte.
pub const NUL: u64 = 1 << 27;
/// Tab and the line ends.
pub const WHITE: u64 = 1 << 28;
/// The other control characters.
pub const CONTROL: u64 = 1 << 29;
/// Space.
pub const SPACE: u64 = 1 << 30;
/// Bytes that are not ASCII.
pub const HIGH: u64 = 1 << 63;
/// The letters, in both cases.
pub const LETTERS: u64 = (1 << 26) - 1;
/// Capitals, beside their letters.
pub const UPPER: u64 = 1 << 25;

/// The class of a byte, as one bit: each letter without regard to case (but that the rare `z` shares one
/// with `q`), the digits, each sign of ASCII, and the few kinds of what is left.
pub const fn class(byte: u8) -> u64 {
    match byte {
        b'z' | b'Z' => class(b'q'),
        b'a'..=b'y' => 1 << (byte - b'a'),
        b'A'..=b'Y' => 1 << (byte - b'A'),
        b'0'..=b'9' => DIGIT,
        0 => NUL,
        b'\t'..=b'\r' => WHITE,
        0x01..=0x08 | 0x0E..=0x1F | 0x7F => CONTROL,
        b' ' => SPACE,
        b'!'..=b'/' => 1 << (31 + byte - b'!'),
        b':'..=b'@' => 1 << (46 + byte - b':'),
        b'['..=b'`' => 1 << (53 + byte - b'['),
        b'{'..=b'~' => 1 << (59 + byte - b'{'),
        0x80..=0xFF => HIGH,
    }
}

/// The classes of some bytes.
pub const fn classes(bytes: &[u8]) -> u64 {
    let mut all = 0;
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        all |= class(*first);
        rest = tail;
    }
    all
}

const TABLE: [u64; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    let mut rest: &mut [u64] = &mut table;
    while let Some((first, others)) = rest.split_first_mut() {
        *first = match byte {
            b'A'..=b'Z' => class(byte) | UPPER,
            _ => class(byte),
        };
        byte = byte.wrapping_add(1);
        rest = others;
    }
    table
};

#[inline]
fn look_up(byte: u8) -> u64 {
    TABLE.get(usize::from(byte)).copied().unwrap_or(u64::MAX)
}

impl Signs {
    /// Looks at every byte once.
    pub fn of(text: &[u8]) -> Self {
        let mut signs = Self::default();
        let mut last = 0;
        // By fours: measured in Wasm, where every turn of a loop also asks whether it is to be interrupted.
        let (fours, rest) = text.as_chunks::<4>();
        for four in fours {
            let [a, b, c, d] = four.map(look_up);
            signs.seen |= a | b | c | d;
            signs.pairs |= last & a | a & b | b & c | c & d;
            last = d;
        }
        for byte in rest {
            let class = look_up(*byte);
            signs.seen |= class;
            signs.pairs |= class & last;
            last = class;
        }
        signs
    }

    /// The classes alone. Of pairs this says that there may be any.
    pub fn seen_in(text: &[u8]) -> Self {
        let (eights, rest) = text.as_chunks::<8>();
        let of_eight = |eight: &[u8; 8]| eight.map(look_up).into_iter().fold(0, |a, b| a | b);
        let seen = eights.iter().fold(0, |all, eight| all | of_eight(eight));
        Self {
            seen: rest.iter().fold(seen, |all, byte| all | look_up(*byte)),
            pairs: u64::MAX,
        }
    }

    /// All classes that occur.
    pub const fn seen(self) -> u64 {
        self.seen
    }

    /// Whether a byte of one of these classes occurs.
    pub const fn any(self, classes: u64) -> bool {
        self.seen & classes != 0
    }

    /// Whether each of these classes occurs.
    pub const fn every(self, classes: u64) -> bool {
        self.seen & classes == classes
    }

    /// Whether no other classes occur than these.
    pub const fn only(self, classes: u64) -> bool {
        self.seen & !classes == 0
    }

    /// Whether two neighbours are of the same one of these classes.
    pub const fn twice(self, classes: u64) -> bool {
        self.pairs & classes != 0
    }

    /// The same without some classes: of them nothing matters here.
    #[must_use]
    pub const fn without(self, classes: u64) -> Self {
        Self {
            seen: self.seen & !classes,
            pairs: self.pairs & !classes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_one_class_and_all_are_used() {
        let mut all = 0;
        for byte in 0..=u8::MAX {
            let class = class(byte);
            assert_eq!(class.count_ones(), 1, "{byte:#x}");
            assert_eq!(class, super::class(byte.to_ascii_uppercase()), "{byte:#x}");
            all |= class;
        }
        assert_eq!(all | UPPER, u64::MAX);
        assert_eq!(all & UPPER, 0);
        // Each sign of ASCII has a class of its own.
        let signs: Vec<u8> = (b'!'..=b'~').filter(u8::is_ascii_punctuation).collect();
        assert_eq!(classes(&signs).count_ones() as usize, signs.len());
    }

    #[test]
    fn any_length_is_seen_whole() {
        let text: Vec<u8> = (0..=255u8).flat_map(|byte| [byte, byte ^ 0x5A]).collect();
        for start in 0..text.len() - 40 {
            for end in start..start + 40 {
                let text = &text[start..end];
                let seen = text.iter().fold(0, |all, byte| all | look_up(*byte));
                let pairs = text
                    .iter()
                    .zip(text.iter().skip(1))
                    .fold(0, |all, (a, b)| all | look_up(*a) & look_up(*b));
                assert_eq!(Signs::of(text), Signs { seen, pairs });
                assert_eq!(Signs::seen_in(text).seen(), seen);
            }
        }
    }

    #[test]
    fn pairs_are_of_neighbours() {
        let signs = Signs::of(b"a//b.c.d");
        assert!(signs.twice(class(b'/')) && !signs.twice(class(b'.')));
        assert!(signs.every(classes(b"ABCD/.")) && signs.only(LETTERS | classes(b"/.")));
        assert!(!signs.any(UPPER) && Signs::of(b"aBc").any(UPPER));
    }
}
