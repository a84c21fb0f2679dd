//! SQL injection by fingerprint: the text is tokenised as SQL, folded, and the order of its first
//! five tokens compared with those of known attacks (Galbreath, "libinjection", Black Hat USA 2012).
//!
//! In front of the tokeniser stand a guard, which lets through what cannot have any of the known
//! fingerprints, and a shortening of hostile words, on which the tokeniser would be quadratic.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

pub use libinjectionrs::Fingerprint;
use libinjectionrs::SqliFlags;
use libinjectionrs::sqli::TokenType;
use libinjectionrs::sqli::sqli_data::{SQL_KEYWORDS, lookup_word_type};
use memchr::{memchr, memchr2_iter, memmem};

use crate::decode::Signs;
use crate::decode::signs::HIGH;

/// The fingerprint of the injection, if the text is one in any of the contexts that the original
/// tries: as it is, behind a single quote, behind a double quote; with ANSI and MySQL comments.
/// Reads [`super::INSPECTED_BYTES`] of it, in linear time.
pub fn is_sql_injection(text: &[u8]) -> Option<Fingerprint> {
    let text = super::inspected(text);
    if !may_be_sql_injection(text, Signs::of(text)) {
        return None;
    }
    fingerprint(&shorten(text))
}

/// The same, in a context in which the text also has the grammar of SQL rather than that of prose,
/// a name, a media type, a filter expression or code. For policies that must not block a customer.
pub fn in_context(text: &[u8]) -> Option<Fingerprint> {
    let text = super::inspected(text);
    if !may_be_sql_injection(text, Signs::of(text)) {
        return None;
    }
    super::sql_context::believed(&shorten(text))
}

/// The verdict of the tokeniser alone.
pub(super) fn fingerprint(text: &[u8]) -> Option<Fingerprint> {
    let mut state = libinjectionrs::SqliState::new(text, SqliFlags::FLAG_NONE);
    state.detect().then(|| Fingerprint::new(state.fingerprint))
}

/// Whether bytes with these signs are more than one word.
pub(super) const fn has_breaks(signs: Signs) -> bool {
    !signs.only(class::WORD) || signs.any(HIGH)
}

/// What bytes can contribute to a fingerprint.
mod class {
    use crate::decode::signs::{DIGIT, HIGH, LETTERS, NUL, classes};

    /// Ends no word; of the bytes that are not ASCII one does.
    pub(super) const WORD: u64 = LETTERS | DIGIT | HIGH | classes(b"_");
    /// Starts a string, or a dollar-quoted one.
    pub(super) const QUOTE: u64 = classes(b"'\"$");
    /// An operator, or the first byte of one.
    pub(super) const OPERATOR: u64 = classes(b"+/%!<>=^~:-*");
    /// A semicolon.
    pub(super) const SEMICOLON: u64 = classes(b";");
    /// A parenthesis.
    pub(super) const PARENTHESIS: u64 = classes(b"()");
    /// A comma.
    pub(super) const COMMA: u64 = classes(b",");
    /// A dash or an asterisk: two bytes of it, or with a slash, open a comment.
    pub(super) const COMMENT: u64 = classes(b"-*");
    /// Gives a variable, a comment or a logical operator on its own, or moves the start of the next
    /// word: the tokeniser decides.
    pub(super) const DECISIVE: u64 = classes(b"#@`\\|&") | NUL;
}

/// Whether the text can have the fingerprint of an injection at all. What is true of all 8,367
/// fingerprints (tests/libinjection builds texts for every one of them):
/// - one token is never enough, except where a comment or a brace makes it so;
/// - one without keyword, union, logical operator or type holds a string, a variable, a comment
///   or a parenthesis;
/// - if all it has of these is strings, it holds an operator or a semicolon too;
/// - if all it has of these is parentheses, it holds a function, an operator or a comma too.
///
/// So a text without the bytes for the latter needs a word of the table for the former.
pub(super) fn may_be_sql_injection(text: &[u8], signs: Signs) -> bool {
    use class::*;
    let has = |classes: u64| signs.any(classes);
    if signs.only(WORD) && !(has(HIGH) && memchr(0xA0, text).is_some()) {
        return false;
    }
    if has(DECISIVE)
        || has(QUOTE) && has(OPERATOR | SEMICOLON | PARENTHESIS)
        || has(PARENTHESIS) && has(OPERATOR | COMMA)
        || has(COMMENT) && opens_comment(text)
    {
        return true;
    }
    // The tokeniser stops at the fifth token that does not fold, so in a long text it is quicker
    // than a look at every word. `IF` is a function that becomes a statement behind a semicolon.
    text.len() > SHORT || has_word(text, has(PARENTHESIS | SEMICOLON))
}

/// Bytes of a text whose words are looked up one by one.
const SHORT: usize = 256;

/// Whether `--` or `/*` occurs.
fn opens_comment(text: &[u8]) -> bool {
    memmem::find(text, b"--").is_some() || memmem::find(text, b"/*").is_some()
}

/// Whether a word occurs that gives a keyword, an operator or a variable; or, where asked for, a function.
fn has_word(text: &[u8], functions: bool) -> bool {
    let words = &*WORDS;
    let mut rest = text;
    while !rest.is_empty() {
        let length = rest
            .iter()
            .position(|byte| LETTER_OF.get(usize::from(*byte)) == Some(&0));
        let (run, behind) = rest
            .split_at_checked(length.unwrap_or(rest.len()))
            .unwrap_or((rest, &[]));
        rest = behind.get(1..).unwrap_or_default();
        // Behind a number a word may begin anywhere: `1eunion` is `1e` and `union`.
        let found = if run.iter().any(u8::is_ascii_digit) {
            run.iter().any(|byte| !byte.is_ascii_digit()) && has_ending(words, run, functions)
        } else {
            run.len() <= LONGEST_WORD && words.may_hold(hash_of(run), functions)
        };
        if found {
            return true;
        }
    }
    false
}

/// Whether a run ends in a word.
fn has_ending(words: &Words, run: &[u8], functions: bool) -> bool {
    let last = run.len().saturating_sub(LONGEST_WORD);
    (last..run.len()).any(|start| {
        let word = run.get(start..).unwrap_or_default();
        words.may_hold(hash_of(word), functions)
    })
}

/// The letter, digit or underscore that a byte is, in upper case; 0 for all others.
static LETTER_OF: [u8; 256] = {
    let mut letters = [0; 256];
    let mut byte = 0;
    let mut rest: &mut [u8] = &mut letters;
    while let Some((first, others)) = rest.split_first_mut() {
        *first = match byte {
            b'a'..=b'z' => byte - 32,
            b'A'..=b'Z' | b'0'..=b'9' | b'_' => byte,
            _ => 0,
        };
        byte = byte.wrapping_add(1);
        rest = others;
    }
    letters
};

/// No keyword is longer (the table's longest has 29 bytes), and no word of 32 is looked up.
const LONGEST_WORD: usize = 32;

/// A hash of a word in any case: of its length and of its first and last four bytes, in which the
/// words of the table differ well enough.
fn hash_of(word: &[u8]) -> u64 {
    let four = |bytes: &[u8]| {
        bytes.iter().fold(0u64, |all, byte| {
            all << 8 | u64::from(LETTER_OF.get(usize::from(*byte)).copied().unwrap_or(0))
        })
    };
    let first = four(word.get(..4).unwrap_or(word));
    let last = four(word.get(word.len().saturating_sub(4)..).unwrap_or(word));
    let mixed = (first << 32 | last) ^ (word.len() as u64) << 59;
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 32)
}

/// The words of the tokeniser's table as two Bloom filters: they may hold more than they were
/// given, never less.
struct Words {
    statements: Vec<u64>,
    functions: Vec<u64>,
}

/// Built from the tokeniser's own table, so that the two cannot drift apart.
static WORDS: LazyLock<Words> = LazyLock::new(|| {
    let mut words = Words {
        statements: vec![0; FILTER_WORDS],
        functions: vec![0; FILTER_WORDS],
    };
    for keyword in SQL_KEYWORDS {
        // Of several words the first must be there before the others are joined to it; of a dotted
        // word the last part is what stands in front of the next space.
        let first = keyword.word.split(' ').next().unwrap_or_default();
        let last = first.rsplit('.').next().unwrap_or_default();
        let hash = hash_of(last.as_bytes());
        match keyword.token_type {
            b'F' | b'n' | b'1' if !keyword.word.contains(' ') => {}
            b'f' => insert(&mut words.functions, hash),
            _ => insert(&mut words.statements, hash),
        }
    }
    // Words that become functions only in front of a parenthesis.
    for name in [
        "USER_ID",
        "USER_NAME",
        "DATABASE",
        "PASSWORD",
        "USER",
        "CURRENT_USER",
        "CURRENT_DATE",
        "CURRENT_TIME",
        "CURRENT_TIMESTAMP",
        "LOCALTIME",
        "LOCALTIMESTAMP",
    ] {
        insert(&mut words.functions, hash_of(name.as_bytes()));
    }
    words
});

/// Words of 64 bits in one filter: 8 KiB.
const FILTER_WORDS: usize = 1024;

/// The two bits that stand for a hash: index and mask each.
fn places(hash: u64) -> [(usize, u64); 2] {
    let low = hash & 0xffff;
    let high = (hash >> 40) & 0xffff;
    [low, high].map(|bit| ((bit >> 6) as usize, 1 << (bit & 63)))
}

fn insert(filter: &mut [u64], hash: u64) {
    for (index, mask) in places(hash) {
        if let Some(word) = filter.get_mut(index) {
            *word |= mask;
        }
    }
}

fn contains(filter: &[u64], hash: u64) -> bool {
    places(hash)
        .into_iter()
        .all(|(index, mask)| filter.get(index).is_some_and(|word| word & mask != 0))
}

impl Words {
    fn may_hold(&self, hash: u64, functions: bool) -> bool {
        contains(&self.statements, hash) || functions && contains(&self.functions, hash)
    }
}

/// Bytes kept at each end of a shortened word. The longest keyword has 29 bytes and a token keeps
/// 31, so what lies deeper in a word decides nothing but where the word ends.
const KEPT: usize = 64;

/// Dots and backticks that a run of bytes that end no word may hold before it is looked at more
/// closely. The tokeniser looks the word up anew at each of them; this many keep that linear.
const LOOKUPS: usize = 64;

/// The text with the middle of hostile words left out.
///
/// At each dot and backtick of a word the tokeniser looks up all that stands before it, and in front
/// of each keyword that a dot sets apart it searches the end of the whole: a text of nothing but
/// `a.` or `or.` would cost the square of its length. No table name, host name or list of numbers
/// has this many dots and no space; where one does, its two ends say what it is. A backtick may
/// also end a name, so their number stays odd or even.
pub(super) fn shorten(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr2_iter(b'.', b'`', text).nth(LOOKUPS).is_none() {
        return Cow::Borrowed(text);
    }
    let mut shortened: Option<Vec<u8>> = None;
    let mut copied = 0;
    let mut at = 0usize;
    while let Some(rest) = text.get(at..)
        && !rest.is_empty()
    {
        let length = rest
            .iter()
            .position(|byte| ends_word(*byte))
            .unwrap_or(rest.len());
        let run = rest.get(..length).unwrap_or(rest);
        // `\N` is a token of its own, so the word begins behind it.
        let skipped = match text.get(at.saturating_sub(1)..) {
            Some([b'\\', b'N', ..]) => 1,
            _ => 0,
        };
        for cut in superfluous(run, skipped).into_iter().flatten() {
            let middle = run.get(cut.clone()).unwrap_or_default();
            let (from, to) = (at.saturating_add(cut.start), at.saturating_add(cut.end));
            let kept = shortened.get_or_insert_default();
            kept.extend_from_slice(text.get(copied..from).unwrap_or_default());
            if middle.iter().filter(|byte| **byte == b'`').count() % 2 == 1 {
                kept.push(b'`');
            }
            copied = to;
        }
        at = at.saturating_add(length).saturating_add(1);
    }
    match shortened {
        Some(mut kept) => {
            kept.extend_from_slice(text.get(copied..).unwrap_or_default());
            Cow::Owned(kept)
        }
        None => Cow::Borrowed(text),
    }
}

/// Keywords kept at each end of a run in which dots set them apart; a fingerprint has five tokens.
const KEPT_KEYWORDS: usize = 16;

/// What may be left out of a run of bytes that end no word: most of many keywords, and the middle
/// of the word behind them. The run is read the way the tokeniser would, from this place.
fn superfluous(run: &[u8], mut start: usize) -> [Option<Range<usize>>; 2] {
    let Some(inner) = run.len().checked_sub(KEPT).and_then(|end| run.get(..end)) else {
        return [None, None];
    };
    let lookups = || inner.iter().filter(|byte| matches!(byte, b'.' | b'`'));
    if lookups().nth(LOOKUPS).is_none() {
        return [None, None];
    }
    let mut keywords = 0usize;
    let mut first_left_out = 0;
    let mut last = [0usize; KEPT_KEYWORDS];
    let mut word = None;
    while let Some(rest) = run.get(start..)
        && let Some(byte) = rest.first()
    {
        let token = if byte.is_ascii_digit() || *byte == b'.' {
            number_length(rest)
        } else if byte.is_ascii_alphabetic() || *byte == b'_' || *byte >= 0x80 {
            let Some(length) = keyword_length(rest) else {
                word = Some(start);
                break;
            };
            if keywords == KEPT_KEYWORDS {
                first_left_out = start;
            }
            if let Some(place) = last.get_mut(keywords % KEPT_KEYWORDS) {
                *place = start;
            }
            keywords = keywords.saturating_add(1);
            length
        } else {
            1
        };
        start = start.saturating_add(token.max(1));
    }
    let first_kept = last.get(keywords % KEPT_KEYWORDS).copied().unwrap_or(0);
    let keywords = (keywords > 2 * KEPT_KEYWORDS).then_some(first_left_out..first_kept);
    let word = word.and_then(|start| {
        let middle = start.saturating_add(KEPT)..run.len().saturating_sub(KEPT);
        let many = run
            .get(middle.clone())?
            .iter()
            .filter(|byte| matches!(byte, b'.' | b'`'));
        many.take(LOOKUPS).count().eq(&LOOKUPS).then_some(middle)
    });
    [keywords, word]
}

/// The length of the keyword that a dot or backtick sets apart from the rest of a word.
fn keyword_length(word: &[u8]) -> Option<usize> {
    word.iter()
        .take(LONGEST_WORD)
        .enumerate()
        .filter(|(_, byte)| matches!(byte, b'.' | b'`'))
        .map(|(at, _)| at)
        .find(|at| {
            word.get(..*at)
                .and_then(|prefix| std::str::from_utf8(prefix).ok())
                .and_then(lookup_word_type)
                .is_some_and(|found| found != TokenType::Bareword)
        })
}

/// The length of the number at the start of a word, as the tokeniser reads numbers.
fn number_length(word: &[u8]) -> usize {
    let digits = |from: usize| {
        let rest = word.get(from..).unwrap_or_default();
        from + rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
    };
    if let [b'0', base @ (b'x' | b'X' | b'b' | b'B'), rest @ ..] = word {
        let hexadecimal = base.eq_ignore_ascii_case(&b'x');
        let is_digit = |byte: &&u8| match hexadecimal {
            true => byte.is_ascii_hexdigit(),
            false => matches!(byte, b'0' | b'1'),
        };
        return 2 + rest.iter().take_while(is_digit).count();
    }
    let mut end = digits(0);
    if word.get(end) == Some(&b'.') {
        end = digits(end + 1);
        if end == 1 {
            return 1;
        }
    }
    if matches!(word.get(end), Some(b'e' | b'E')) {
        end = digits(end + 1);
    }
    let suffixed = matches!(word.get(end), Some(b'd' | b'D' | b'f' | b'F'))
        && matches!(word.get(end + 1), None | Some(b'u' | b'U'));
    end + usize::from(suffixed)
}

/// Whether the byte ends a word of the tokeniser.
fn ends_word(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'['
            | b']'
            | b'{'
            | b'}'
            | b'<'
            | b'>'
            | b':'
            | b'\\'
            | b'?'
            | b'='
            | b'@'
            | b'!'
            | b'#'
            | b'~'
            | b'+'
            | b'-'
            | b'*'
            | b'/'
            | b'&'
            | b'|'
            | b'^'
            | b'%'
            | b'('
            | b')'
            | b','
            | b'\''
            | b';'
            | b'\t'
            | b'\n'
            | 0x0B
            | 0x0C
            | b'\r'
            | b'"'
            | 0xA0
            | 0
    )
}
