//! HTML character references (WHATWG HTML, 13.2.5.72 to 13.2.5.80), named and numeric, with and
//! without the semicolon.
//!
//! Of the 2,231 names only those are known whose text contains an ASCII character, with the names that
//! a browser prefers to a shorter one of them: the rest can neither spell an attack nor hide one.
//!
//! A `<` or `>` that is written as a reference inside a `code` or `pre` element stays one: there it is shown, which is how
//! every editor sends an example of markup, and resolved it would be the markup that it is an example of.

use super::Outcome;
use super::character::push_code_point;
use super::percent::hex;

/// Whether there is anything to decode.
pub fn applies(input: &[u8]) -> bool {
    let mut code = Code::of(input);
    memchr::memchr_iter(b'&', input).any(|at| {
        input
            .get(at..)
            .and_then(reference)
            .is_some_and(|(meaning, _)| !(meaning.bounds_tag() && code.holds(at)))
    })
}

/// Appends the decoding of `input` to `out`, in the way browsers read text (not attributes, where
/// fewer references without semicolon count).
pub fn decode(input: &[u8], out: &mut Vec<u8>) -> Outcome {
    let mut outcome = Outcome::default();
    let mut rest = input;
    let mut code = Code::of(input);
    while let Some((plain, tail)) =
        memchr::memchr(b'&', rest).and_then(|at| rest.split_at_checked(at))
    {
        out.extend_from_slice(plain);
        let at = input.len().saturating_sub(tail.len());
        let meant =
            reference(tail).filter(|(meaning, _)| !(meaning.bounds_tag() && code.holds(at)));
        rest = match (meant, tail) {
            (Some((Meaning::Text(text), after)), _) => {
                outcome.changed = true;
                out.extend_from_slice(text.as_bytes());
                after
            }
            (Some((Meaning::CodePoint(code_point), after)), _) => {
                outcome.changed = true;
                push_code_point(code_point, out);
                after
            }
            (None, [first, after @ ..]) => {
                out.push(*first);
                after
            }
            (None, []) => return outcome,
        };
    }
    out.extend_from_slice(rest);
    outcome
}

/// What a reference stands for.
enum Meaning {
    Text(&'static str),
    CodePoint(u32),
}

impl Meaning {
    fn bounds_tag(&self) -> bool {
        matches!(self, Self::Text("<" | ">") | Self::CodePoint(0x3C | 0x3E))
    }
}

/// The elements of a text that show code, one after the other.
struct Code<'a> {
    input: &'a [u8],
    /// Where the element that was found last begins and ends; empty before the first.
    element: std::ops::Range<usize>,
    done: bool,
}

impl<'a> Code<'a> {
    fn of(input: &'a [u8]) -> Self {
        Self {
            input,
            element: 0..0,
            done: false,
        }
    }

    /// Whether the place lies in such an element. Asked for places in rising order, all calls together
    /// read the text twice at most.
    fn holds(&mut self, at: usize) -> bool {
        while !self.done && self.element.end <= at {
            match self.next(self.element.end) {
                Some(element) => self.element = element,
                None => self.done = true,
            }
        }
        self.element.contains(&at)
    }

    /// The next element from this place on that is also closed.
    fn next(&self, from: usize) -> Option<std::ops::Range<usize>> {
        const ELEMENTS: [(&[u8], &[u8]); 2] = [(b"<code", b"</code"), (b"<pre", b"</pre")];
        let rest = self.input.get(from..)?;
        let (start, close) = memchr::memchr_iter(b'<', rest).find_map(|start| {
            let tag = rest.get(start..)?;
            let (open, close) = ELEMENTS.iter().find(|(open, _)| begins(tag, open))?;
            matches!(tag.get(open.len()), Some(b'>' | b' ' | b'\n' | b'\t'))
                .then_some((start, close))
        })?;
        let behind = rest.get(start..)?;
        let end = memchr::memchr_iter(b'<', behind)
            .find(|end| behind.get(*end..).is_some_and(|tag| begins(tag, close)))?;
        let start = from.saturating_add(start);
        Some(start..start.saturating_add(end))
    }
}

fn begins(text: &[u8], with: &[u8]) -> bool {
    text.get(..with.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(with))
}

/// The reference at the beginning of the text, and what follows it. `&amp;` for `&` counts.
fn reference(text: &[u8]) -> Option<(Meaning, &[u8])> {
    match text {
        [b'&', b'#', b'x' | b'X', digits @ ..] => numeric(digits, 16),
        [b'&', b'#', digits @ ..] => numeric(digits, 10),
        [b'&', name @ ..] => named(name),
        _ => None,
    }
}

fn numeric(text: &[u8], radix: u32) -> Option<(Meaning, &[u8])> {
    let mut number: u32 = 0;
    let mut rest = text;
    while let [digit, after @ ..] = rest
        && let Some(digit) = hex(*digit).map(u32::from)
        && digit < radix
    {
        number = number.saturating_mul(radix).saturating_add(digit);
        rest = after;
    }
    if rest.len() == text.len() {
        return None;
    }
    let after = match rest {
        [b';', after @ ..] => after,
        _ => rest,
    };
    Some((Meaning::CodePoint(replaced(number)), after))
}

/// The numbers that mean another character than their own: those of Windows-1252, and null.
fn replaced(number: u32) -> u32 {
    match number {
        0 => 0xFFFD,
        0x80..=0x9F => WINDOWS_1252
            .get(number as usize - 0x80)
            .copied()
            .map_or(number, u32::from),
        _ => number,
    }
}

const WINDOWS_1252: [u16; 32] = [
    0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039,
    0x0152, 0x8D, 0x017D, 0x8F, 0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
    0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D, 0x017E, 0x0178,
];

fn named(text: &[u8]) -> Option<(Meaning, &[u8])> {
    let length = text
        .iter()
        .take(LONGEST + 1)
        .position(|byte| !byte.is_ascii_alphanumeric())
        .unwrap_or(text.len().min(LONGEST + 1));
    let (name, behind) = text.split_at_checked(length)?;
    if let [b';', after @ ..] = behind
        && let Ok(at) = NAMES.binary_search_by(|(known, _)| known.as_bytes().cmp(name))
    {
        return NAMES
            .get(at)
            .map(|(_, meaning)| (Meaning::Text(meaning), after));
    }
    LEGACY.iter().find_map(|(known, meaning)| {
        text.strip_prefix(known.as_bytes())
            .map(|after| (Meaning::Text(meaning), after))
    })
}

/// Bytes of the longest name.
const LONGEST: usize = 16;

/// Names that count without their semicolon too. None is the prefix of another.
const LEGACY: [(&str, &str); 9] = [
    ("AMP", "&"),
    ("GT", ">"),
    ("LT", "<"),
    ("QUOT", "\""),
    ("amp", "&"),
    ("gt", ">"),
    ("lt", "<"),
    ("nbsp", "\u{A0}"),
    ("quot", "\""),
];

/// Names that count with their semicolon, sorted by byte.
const NAMES: [(&str, &str); 74] = [
    ("AMP", "&"),
    ("DiacriticalGrave", "`"),
    ("GT", ">"),
    ("Hat", "^"),
    ("LT", "<"),
    ("NewLine", "\n"),
    ("NonBreakingSpace", "\u{A0}"),
    ("QUOT", "\""),
    ("Tab", "\t"),
    ("UnderBar", "_"),
    ("VerticalLine", "|"),
    ("amp", "&"),
    ("apos", "'"),
    ("ast", "*"),
    ("bne", "=\u{20E5}"),
    ("bsol", "\\"),
    ("colon", ":"),
    ("comma", ","),
    ("commat", "@"),
    ("dollar", "$"),
    ("equals", "="),
    ("excl", "!"),
    ("fjlig", "fj"),
    ("grave", "`"),
    ("gt", ">"),
    ("gtcc", "\u{2AA7}"),
    ("gtcir", "\u{2A7A}"),
    ("gtdot", "\u{22D7}"),
    ("gtlPar", "\u{2995}"),
    ("gtquest", "\u{2A7C}"),
    ("gtrapprox", "\u{2A86}"),
    ("gtrarr", "\u{2978}"),
    ("gtrdot", "\u{22D7}"),
    ("gtreqless", "\u{22DB}"),
    ("gtreqqless", "\u{2A8C}"),
    ("gtrless", "\u{2277}"),
    ("gtrsim", "\u{2273}"),
    ("lbrace", "{"),
    ("lbrack", "["),
    ("lcub", "{"),
    ("lowbar", "_"),
    ("lpar", "("),
    ("lsqb", "["),
    ("lt", "<"),
    ("ltcc", "\u{2AA6}"),
    ("ltcir", "\u{2A79}"),
    ("ltdot", "\u{22D6}"),
    ("lthree", "\u{22CB}"),
    ("ltimes", "\u{22C9}"),
    ("ltlarr", "\u{2976}"),
    ("ltquest", "\u{2A7B}"),
    ("ltrPar", "\u{2996}"),
    ("ltri", "\u{25C3}"),
    ("ltrie", "\u{22B4}"),
    ("ltrif", "\u{25C2}"),
    ("midast", "*"),
    ("nbsp", "\u{A0}"),
    ("num", "#"),
    ("nvgt", ">\u{20D2}"),
    ("nvlt", "<\u{20D2}"),
    ("percnt", "%"),
    ("period", "."),
    ("plus", "+"),
    ("quest", "?"),
    ("quot", "\""),
    ("rbrace", "}"),
    ("rbrack", "]"),
    ("rcub", "}"),
    ("rpar", ")"),
    ("rsqb", "]"),
    ("semi", ";"),
    ("sol", "/"),
    ("verbar", "|"),
    ("vert", "|"),
];
