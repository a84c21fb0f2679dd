//! Characters that later software turns into ASCII: compatibility forms (Unicode NFKC: full-width,
//! mathematical and enclosed letters), best-fit conversions to code pages, IDNA's other full stops and
//! letters whose upper case is ASCII. `＜script＞` becomes `<script>` behind the firewall (CWE-176).

use super::Outcome;
use super::utf8::well_formed;

/// Whether there is anything to fold.
///
/// Chinese and Japanese prose is full of full-width punctuation, and Turkish of dotless i: such
/// characters alone are no reason for another view. They are folded where a character that prose
/// does not use stands beside them.
pub fn applies(input: &[u8]) -> bool {
    let mut letters_too = None;
    leads(input).any(|at| match input.get(at..).and_then(folded) {
        Some(Fold {
            weight: Weight::Strong,
            ..
        }) => true,
        Some(Fold {
            weight: Weight::Letter,
            ..
        }) => {
            *letters_too.get_or_insert_with(|| memchr::memchr3(b'<', b'=', b'(', input).is_some())
        }
        Some(Fold {
            weight: Weight::FullStop,
            length,
            ..
        }) => in_a_name(input, at, length),
        Some(Fold {
            weight: Weight::Prose,
            ..
        })
        | None => false,
    })
}

/// Appends `input` to `out` with the characters of [`applies`] replaced by their ASCII.
pub fn decode(input: &[u8], out: &mut Vec<u8>) -> Outcome {
    let mut outcome = Outcome::default();
    if !applies(input) {
        out.extend_from_slice(input);
        return outcome;
    }
    let mut copied = 0;
    for at in leads(input) {
        let Some(fold) = input.get(at..).and_then(folded) else {
            continue;
        };
        out.extend_from_slice(input.get(copied..at).unwrap_or_default());
        out.push(fold.ascii);
        if fold.code_point == TWO_DOTS {
            out.push(fold.ascii);
        }
        copied = at + fold.length;
        outcome.changed = true;
    }
    out.extend_from_slice(input.get(copied..).unwrap_or_default());
    outcome
}

/// The two dot leader, the one character here that stands for two.
const TWO_DOTS: u32 = 0x2025;

/// Where a character that might be folded begins.
fn leads(input: &[u8]) -> impl Iterator<Item = usize> {
    input
        .iter()
        .enumerate()
        .filter(|(_, byte)| matches!(byte, 0xC4 | 0xC5 | 0xCA | 0xCB | 0xE2 | 0xE3 | 0xEF | 0xF0))
        .map(|(at, _)| at)
}

/// What a character is folded to.
struct Fold {
    code_point: u32,
    length: usize,
    ascii: u8,
    weight: Weight,
}

/// How much a character says about the text in which it stands.
enum Weight {
    /// Ordinary prose hardly ever has it.
    Strong,
    /// A letter of an ordinary language, a trick beside markup or code.
    Letter,
    /// The full stop of Chinese and Japanese, a dot between ASCII letters or digits (UTS #46).
    FullStop,
    /// Punctuation of ordinary prose.
    Prose,
}

/// Whether a full stop stands inside of what may be the name or the address of a host.
fn in_a_name(input: &[u8], at: usize, length: usize) -> bool {
    let alphanumeric = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    alphanumeric(at.checked_sub(1).and_then(|before| input.get(before)))
        && alphanumeric(input.get(at + length))
}

fn folded(text: &[u8]) -> Option<Fold> {
    let length = well_formed(text);
    let character = std::str::from_utf8(text.get(..length)?)
        .ok()?
        .chars()
        .next()?;
    let code_point = u32::from(character);
    let (ascii, weight) = ascii(code_point)?;
    Some(Fold {
        code_point,
        length,
        ascii,
        weight,
    })
}

fn ascii(code_point: u32) -> Option<(u8, Weight)> {
    use Weight::{FullStop, Letter, Prose, Strong};
    let nth = |first: u8, base: u32| first.wrapping_add((code_point - base) as u8);
    Some(match code_point {
        0x0131 => (b'i', Letter),
        0x017F => (b's', Letter),
        0x02B9 | 0x02BC | 0x02C8 | 0x2032 => (b'\'', Strong),
        0x02BA | 0x2033 => (b'"', Strong),
        0x2024 | TWO_DOTS => (b'.', Strong),
        0x2044 | 0x2215 => (b'/', Strong),
        0x2216 => (b'\\', Strong),
        0x2039 | 0x2329 | 0x3008 => (b'<', Prose),
        0x203A | 0x232A | 0x3009 => (b'>', Prose),
        0x2102 | 0x212D => (b'C', Strong),
        0x210A => (b'g', Strong),
        0x210B..=0x210D => (b'H', Strong),
        0x210E => (b'h', Strong),
        0x2110 | 0x2111 => (b'I', Strong),
        0x2112 => (b'L', Strong),
        0x2113 => (b'l', Strong),
        0x2115 => (b'N', Strong),
        0x2119 => (b'P', Strong),
        0x211A => (b'Q', Strong),
        0x211B..=0x211D => (b'R', Strong),
        0x2124 => (b'Z', Strong),
        0x212A => (b'K', Strong),
        0x212C => (b'B', Strong),
        0x212F => (b'e', Strong),
        0x2130 => (b'E', Strong),
        0x2131 => (b'F', Strong),
        0x2133 => (b'M', Strong),
        0x2134 => (b'o', Strong),
        0x2139 => (b'i', Strong),
        0x2460..=0x2468 => (nth(b'1', 0x2460), Strong),
        0x24B6..=0x24CF => (nth(b'A', 0x24B6), Strong),
        0x24D0..=0x24E9 => (nth(b'a', 0x24D0), Strong),
        0x24EA => (b'0', Strong),
        0x3000 => (b' ', Prose),
        0x3002 | 0xFF61 => (b'.', FullStop),
        0xFE52 => (b'.', Strong),
        0xFE59 => (b'(', Strong),
        0xFE5A => (b')', Strong),
        0xFE5F => (b'#', Strong),
        0xFE60 => (b'&', Strong),
        0xFE61 => (b'*', Strong),
        0xFE63 => (b'-', Strong),
        0xFE64 => (b'<', Strong),
        0xFE65 => (b'>', Strong),
        0xFE66 => (b'=', Strong),
        0xFE68 => (b'\\', Strong),
        0xFE69 => (b'$', Strong),
        0xFE6A => (b'%', Strong),
        0xFE6B => (b'@', Strong),
        // ！（），：；？～ of prose, and the full stop ．
        0xFF01 | 0xFF08 | 0xFF09 | 0xFF0C | 0xFF1A | 0xFF1B | 0xFF1F | 0xFF5E => {
            (nth(b'!', 0xFF01), Prose)
        }
        0xFF01..=0xFF5E => (nth(b'!', 0xFF01), Strong),
        0x1_D400..=0x1_D6A3 => {
            let letter = ((code_point - 0x1_D400) % 52) as u8;
            let ascii = if letter < 26 {
                b'A' + letter
            } else {
                b'a' + (letter - 26)
            };
            (ascii, Strong)
        }
        0x1_D7CE..=0x1_D7FF => (b'0' + ((code_point - 0x1_D7CE) % 10) as u8, Strong),
        _ => return None,
    })
}
