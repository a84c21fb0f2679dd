//! Character sets of a body, turned into UTF-8 before any reader sees it: what is scanned must be
//! what the application reads, not what an attacker spelled in other bytes.

/// A character set that readers know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Charset {
    /// UTF-8, or a set in which every ASCII byte is that ASCII character: read as it is.
    #[default]
    Ascii,
    /// ISO 8859-1: one byte a code point.
    Latin1,
    /// UTF-7 (RFC 2152), in which `+ADw-` is `<`.
    Utf7,
    /// UTF-16, least significant byte first.
    Utf16Le,
    /// UTF-16, most significant byte first.
    Utf16Be,
    /// UTF-32, least significant byte first.
    Utf32Le,
    /// UTF-32, most significant byte first.
    Utf32Be,
    /// EBCDIC of IBM mainframes, which IIS and Java decode for whoever asks for it.
    Ibm037,
}

impl Charset {
    /// Whether a program that writes forms would name this charset for one of their parts: browsers name
    /// none (RFC 7578, 4.6 and 5.1.2), libraries those in which an ASCII byte is always that character.
    pub(super) fn is_usual_of_part(label: &[u8]) -> bool {
        let label = label.trim_ascii().to_ascii_lowercase();
        [
            &b"utf-8"[..],
            b"utf8",
            b"us-ascii",
            b"ascii",
            b"latin1",
            b"",
        ]
        .contains(&label.as_slice())
            || label.starts_with(b"iso-8859-")
            || label.starts_with(b"windows-125")
    }

    /// The set of that label, `None` if no reader knows it. Without a byte order mark UTF-16 is
    /// taken as browsers and Windows write it, least significant byte first.
    pub(super) fn of_label(label: &[u8]) -> Option<Self> {
        let label = label.trim_ascii().to_ascii_lowercase();
        Some(match label.as_slice() {
            b"latin1" | b"iso-8859-1" | b"iso8859-1" | b"iso_8859-1" | b"l1" | b"windows-1252"
            | b"cp1252" => Self::Latin1,
            b"utf-7"
            | b"utf7"
            | b"unicode-1-1-utf-7"
            | b"csunicode11utf7"
            | b"x-unicode-2-0-utf-7" => Self::Utf7,
            b"utf-16" | b"utf16" | b"utf-16le" | b"utf16le" | b"unicode" | b"ucs-2"
            | b"iso-10646-ucs-2" | b"csunicode" | b"unicodefeff" => Self::Utf16Le,
            b"utf-16be" | b"utf16be" | b"unicodefffe" => Self::Utf16Be,
            b"utf-32" | b"utf32" | b"utf-32le" | b"utf32le" | b"ucs-4" => Self::Utf32Le,
            b"utf-32be" | b"utf32be" => Self::Utf32Be,
            // The pages differ in a few punctuation marks; letters, quotes and brackets `<`, `(` are alike.
            b"ibm037" | b"cp037" | b"ibm-037" | b"ebcdic-cp-us" | b"ebcdic-cp-ca" | b"csibm037"
            | b"ibm500" | b"cp500" | b"ibm01140" | b"ibm1047" | b"cp1047" | b"ibm01047" => {
                Self::Ibm037
            }
            b"utf-8" | b"utf8" | b"us-ascii" | b"ascii" | b"" | b"binary" | b"gb2312" | b"gbk"
            | b"gb18030" | b"big5" | b"shift_jis" | b"shift-jis" | b"sjis" | b"euc-jp"
            | b"euc-kr" | b"koi8-r" | b"koi8-u" | b"tis-620" => Self::Ascii,
            other
                if other.starts_with(b"iso-8859-")
                    || other.starts_with(b"windows-125")
                    || other.starts_with(b"cp125") =>
            {
                Self::Ascii
            }
            _ => return None,
        })
    }

    /// The set that a byte order mark announces, and the text behind the mark.
    pub(super) fn of_mark(text: &[u8]) -> Option<(Self, &[u8])> {
        Some(match text {
            [0xEF, 0xBB, 0xBF, rest @ ..] => (Self::Ascii, rest),
            [0xFF, 0xFE, 0, 0, rest @ ..] => (Self::Utf32Le, rest),
            [0, 0, 0xFE, 0xFF, rest @ ..] => (Self::Utf32Be, rest),
            [0xFF, 0xFE, rest @ ..] => (Self::Utf16Le, rest),
            [0xFE, 0xFF, rest @ ..] => (Self::Utf16Be, rest),
            _ => return None,
        })
    }

    /// The set that the null bytes among the first four give away where a text must begin with two
    /// ASCII characters, as JSON (RFC 4627, 3) and XML (appendix F) must.
    pub(super) fn of_nulls(text: &[u8]) -> Option<Self> {
        match text {
            [0, 0, 0, 1..=255, ..] => Some(Self::Utf32Be),
            [1..=255, 0, 0, 0, ..] => Some(Self::Utf32Le),
            [0, 1..=255, 0, 1..=255, ..] | [0, 1..=255] => Some(Self::Utf16Be),
            [1..=255, 0, 1..=255, 0, ..] | [1..=255, 0] => Some(Self::Utf16Le),
            _ => None,
        }
    }

    /// Whether one character takes two bytes or more.
    pub(super) fn is_wide(self) -> bool {
        matches!(
            self,
            Self::Utf16Le | Self::Utf16Be | Self::Utf32Le | Self::Utf32Be
        )
    }

    /// The text in UTF-8; `None` if it is the same bytes. Characters that do not exist become U+FFFD.
    pub(super) fn decode(self, text: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Ascii => None,
            Self::Latin1 => (!text.is_ascii()).then(|| {
                text.iter()
                    .map(|byte| char::from(*byte))
                    .collect::<String>()
                    .into_bytes()
            }),
            Self::Utf7 => memchr::memchr(b'+', text).map(|_| utf7(text)),
            Self::Utf16Le => Some(utf16(text.chunks(2).map(|pair| match pair {
                [low, high] => u16::from_le_bytes([*low, *high]),
                _ => 0xFFFD,
            }))),
            Self::Utf16Be => Some(utf16(text.chunks(2).map(|pair| match pair {
                [high, low] => u16::from_be_bytes([*high, *low]),
                _ => 0xFFFD,
            }))),
            Self::Utf32Le => Some(utf32(text, u32::from_le_bytes)),
            Self::Utf32Be => Some(utf32(text, u32::from_be_bytes)),
            Self::Ibm037 => Some(
                text.iter()
                    .map(|byte| {
                        char::from(IBM037.get(usize::from(*byte)).copied().unwrap_or_default())
                    })
                    .collect::<String>()
                    .into_bytes(),
            ),
        }
    }
}

fn utf16(units: impl Iterator<Item = u16>) -> Vec<u8> {
    char::decode_utf16(units)
        .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect::<String>()
        .into_bytes()
}

fn utf32(text: &[u8], unit: fn([u8; 4]) -> u32) -> Vec<u8> {
    text.chunks(4)
        .map(|four| {
            <[u8; 4]>::try_from(four)
                .ok()
                .and_then(|four| char::from_u32(unit(four)))
                .unwrap_or(char::REPLACEMENT_CHARACTER)
        })
        .collect::<String>()
        .into_bytes()
}

/// `+`, base64 of UTF-16 without padding, then `-` or any byte outside base64 (RFC 2152).
fn utf7(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    loop {
        let at = memchr::memchr(b'+', rest).unwrap_or(rest.len());
        let (plain, tail) = rest.split_at_checked(at).unwrap_or((rest, b""));
        out.extend_from_slice(plain);
        let Some(shifted) = tail.strip_prefix(b"+") else {
            return out;
        };
        let mut units = Vec::new();
        let (mut bits, mut held) = (0_u32, 0_u32);
        let mut count = 0_usize;
        for digit in shifted.iter().map_while(|byte| sextet(*byte)) {
            count = count.saturating_add(1);
            bits = bits << 6 | u32::from(digit);
            held += 6;
            if held >= 16 {
                held -= 16;
                units.push((bits >> held) as u16);
                bits &= (1 << held) - 1;
            }
        }
        let after = shifted.get(count..).unwrap_or_default();
        rest = after.strip_prefix(b"-").unwrap_or(after);
        if count == 0 {
            out.push(b'+');
        } else {
            out.extend_from_slice(&utf16(units.into_iter()));
        }
    }
}

/// The value of a base64 digit, standard or URL-safe alphabet apart from `-`, which ends UTF-7.
fn sextet(digit: u8) -> Option<u8> {
    Some(match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

/// Code points of IBM code page 37, all below U+0100.
#[rustfmt::skip]
const IBM037: [u8; 256] = [
    0x00, 0x01, 0x02, 0x03, 0x9c, 0x09, 0x86, 0x7f, 0x97, 0x8d, 0x8e, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f,
    0x10, 0x11, 0x12, 0x13, 0x9d, 0x85, 0x08, 0x87, 0x18, 0x19, 0x92, 0x8f, 0x1c, 0x1d, 0x1e, 0x1f,
    0x80, 0x81, 0x82, 0x83, 0x84, 0x0a, 0x17, 0x1b, 0x88, 0x89, 0x8a, 0x8b, 0x8c, 0x05, 0x06, 0x07,
    0x90, 0x91, 0x16, 0x93, 0x94, 0x95, 0x96, 0x04, 0x98, 0x99, 0x9a, 0x9b, 0x14, 0x15, 0x9e, 0x1a,
    0x20, 0xa0, 0xe2, 0xe4, 0xe0, 0xe1, 0xe3, 0xe5, 0xe7, 0xf1, 0xa2, 0x2e, 0x3c, 0x28, 0x2b, 0x7c,
    0x26, 0xe9, 0xea, 0xeb, 0xe8, 0xed, 0xee, 0xef, 0xec, 0xdf, 0x21, 0x24, 0x2a, 0x29, 0x3b, 0xac,
    0x2d, 0x2f, 0xc2, 0xc4, 0xc0, 0xc1, 0xc3, 0xc5, 0xc7, 0xd1, 0xa6, 0x2c, 0x25, 0x5f, 0x3e, 0x3f,
    0xf8, 0xc9, 0xca, 0xcb, 0xc8, 0xcd, 0xce, 0xcf, 0xcc, 0x60, 0x3a, 0x23, 0x40, 0x27, 0x3d, 0x22,
    0xd8, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0xab, 0xbb, 0xf0, 0xfd, 0xfe, 0xb1,
    0xb0, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f, 0x70, 0x71, 0x72, 0xaa, 0xba, 0xe6, 0xb8, 0xc6, 0xa4,
    0xb5, 0x7e, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0xa1, 0xbf, 0xd0, 0xdd, 0xde, 0xae,
    0x5e, 0xa3, 0xa5, 0xb7, 0xa9, 0xa7, 0xb6, 0xbc, 0xbd, 0xbe, 0x5b, 0x5d, 0xaf, 0xa8, 0xb4, 0xd7,
    0x7b, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0xad, 0xf4, 0xf6, 0xf2, 0xf3, 0xf5,
    0x7d, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f, 0x50, 0x51, 0x52, 0xb9, 0xfb, 0xfc, 0xf9, 0xfa, 0xff,
    0x5c, 0xf7, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0xb2, 0xd4, 0xd6, 0xd2, 0xd3, 0xd5,
    0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0xb3, 0xdb, 0xdc, 0xd9, 0xda, 0x9f,];
