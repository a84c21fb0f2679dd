//! JSON (RFC 8259) to one field per value, named by its path: `user.address[0].street`.
//!
//! The reader knows more than JSON: comments, trailing commas, `NaN`, single quotes and bare keys
//! are each a finding and then read on, as lenient parsers read them (JSON5, Python, Gson). What
//! makes no sense at all is inspected raw from that byte to the end. Escapes are how the format writes
//! text, so a value has no form on the wire beside the unescaped one.

use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use super::graphql;
use crate::decode::Signs;
use crate::decode::percent::hex;
use crate::decode::signs::{CONTROL, DIGIT, HIGH, LETTERS, NUL, UPPER, WHITE, classes};
use crate::model::Anomaly;
use crate::request::{Kind, Sink};

/// Reads one JSON text, or with `many` one after the other. Names begin with `prefix`. Returns
/// whether every byte was understood and nothing was odd.
pub(in crate::request) fn read(
    input: &[u8],
    prefix: &[u8],
    many: bool,
    sink: &mut Sink<'_>,
) -> bool {
    let mut reader = Reader {
        rest: input,
        value: input,
        after_scalar: false,
        path: prefix.to_vec(),
        last: 0,
        key_at: 0,
        key_signs: Signs::default(),
        stack: Vec::new(),
        keys: Keys::default(),
        clean: true,
        odd: false,
        sink,
    };
    reader.run(prefix.len(), many);
    reader.clean
}

struct Reader<'a, 'b, 'c> {
    rest: &'a [u8],
    /// The text from the last value on: where nonsense follows, the value may be part of it.
    value: &'a [u8],
    /// Whether the text before this one was a scalar: `1 union select` begins with one.
    after_scalar: bool,
    path: Vec<u8>,
    /// Where the last key or index begins in the path.
    last: usize,
    /// Where the key that the client wrote last begins in the path.
    key_at: usize,
    /// The classes of the bytes of that key.
    key_signs: Signs,
    stack: Vec<Frame>,
    keys: Keys,
    clean: bool,
    /// Whether it was told that something is odd.
    odd: bool,
    sink: &'b mut Sink<'c>,
}

/// An object or array that is open.
struct Frame {
    /// Length of its own path.
    path: usize,
    /// Where its keys begin if it is an object, the index of the next element if it is an array.
    place: Place,
    empty: bool,
}

enum Place {
    Object(usize),
    Array(u32),
}

/// The keys of the objects that are open, to find those that stand twice.
#[derive(Default)]
struct Keys {
    /// A hash of each, those of one object behind those of the object around it.
    hashes: Vec<u64>,
    /// Where an object has many keys, the same by place of the object and hash.
    many: HashSet<(usize, u64)>,
    /// Seeded per body, so nobody can make two keys collide.
    seed: Option<u64>,
}

/// Keys of one object that are compared with each other.
const FEW_KEYS: usize = 16;

impl Keys {
    /// Where the keys of an object that opens now will stand.
    fn open(&self) -> usize {
        self.hashes.len()
    }

    /// Forgets the keys of the object that closes.
    fn close(&mut self, from: usize) {
        let own = self.hashes.get(from..).unwrap_or_default();
        if own.len() >= FEW_KEYS {
            for hash in own {
                self.many.remove(&(from, *hash));
            }
        }
        self.hashes.truncate(from);
    }

    /// Takes note of a key of the object whose keys stand from there on. False if it has it already.
    fn insert(&mut self, from: usize, key: &[u8]) -> bool {
        let seed = *self
            .seed
            .get_or_insert_with(|| RandomState::new().hash_one(0));
        let hash = hash_of(seed, key);
        let own = self.hashes.get(from..).unwrap_or_default();
        let new = if own.len() < FEW_KEYS {
            !own.contains(&hash)
        } else {
            if own.len() == FEW_KEYS {
                self.many.extend(own.iter().map(|hash| (from, *hash)));
            }
            self.many.insert((from, hash))
        };
        if new {
            self.hashes.push(hash);
        }
        new
    }
}

/// A hash that mixes eight bytes at a time by multiplication to twice the width (the idea of wyhash). Nobody
/// who does not know the seed can choose what a factor is.
fn hash_of(seed: u64, bytes: &[u8]) -> u64 {
    let mix = |one: u64, other: u64| {
        let wide = u128::from(one).wrapping_mul(u128::from(other));
        wide as u64 ^ (wide >> 64) as u64
    };
    let four = |bytes: &[u8; 4]| u64::from(u32::from_le_bytes(*bytes));
    let other = seed.rotate_left(32) ^ 0x9e37_79b9_7f4a_7c15;
    let (words, _) = bytes.as_chunks::<8>();
    let hash = words.iter().fold(seed, |hash, word| {
        mix(hash ^ u64::from_le_bytes(*word), other) ^ seed
    });
    // What no word covers, with some of what one did: no loop over single bytes.
    let last = match (bytes.last_chunk(), bytes.first_chunk(), bytes.last_chunk()) {
        (Some(last), ..) => u64::from_le_bytes(*last),
        (_, Some(first), Some(last)) => four(first) << 32 | four(last),
        _ => bytes
            .iter()
            .fold(0, |last, byte| last << 8 | u64::from(*byte)),
    };
    mix(hash ^ last, other ^ bytes.len() as u64)
}

/// Letters and digits of ASCII.
const ALPHANUMERIC: u64 = LETTERS | UPPER | DIGIT;

/// What a string may end in, or an escape begins with.
const QUOTES: u64 = classes(b"\"'\\");

/// What is looked at more closely in a string.
const ODD: u64 = HIGH | NUL | WHITE | CONTROL;

/// What may come next.
#[derive(Clone, Copy)]
enum Expect {
    /// A value.
    Value,
    /// A key or element, or the end of the container; `comma` tells that a comma stands before.
    Member { comma: bool },
    /// A comma, or the end of the container.
    Separator,
    /// Nothing: the text is over.
    End,
}

/// Why reading stops before the end.
enum Stop {
    /// The text makes no sense from here on.
    Nonsense,
    /// Nesting past the limit.
    TooDeep,
}

impl<'a> Reader<'a, '_, '_> {
    fn run(&mut self, prefix: usize, many: bool) {
        let mut texts = 0_u32;
        loop {
            self.skip_blank();
            if self.rest.is_empty() {
                if texts == 0 {
                    self.odd_at_end();
                }
                return;
            }
            if texts == 1 && !many {
                self.clean = false;
                self.sink.find(Anomaly::TrailingJson, b"");
            }
            self.path.truncate(prefix);
            self.key_signs = Signs::of(self.path.get(self.key_at..).unwrap_or_default());
            self.stack.clear();
            let scalar = !matches!(self.rest, [b'{' | b'[', ..]);
            let outcome = self.one();
            // A container that was opened and nothing more: its name is all there is.
            if let Some(Frame {
                path, empty: true, ..
            }) = self.stack.last()
            {
                self.path.truncate(*path);
                self.push(Kind::Literal, b"");
            }
            if let Err(stop) = outcome {
                match stop {
                    Stop::Nonsense => {
                        self.odd();
                        self.sink.raw(self.value);
                    }
                    Stop::TooDeep => {
                        self.clean = false;
                        self.sink.find(Anomaly::JsonTooDeep, b"");
                        self.sink.raw(self.rest);
                    }
                }
                return;
            }
            self.after_scalar = scalar;
            texts = texts.saturating_add(1);
        }
    }

    /// Reads one value with all that is in it.
    fn one(&mut self) -> Result<(), Stop> {
        let mut expect = Expect::Value;
        loop {
            if matches!(expect, Expect::End) {
                return Ok(());
            }
            self.skip_blank();
            let Some(first) = self.rest.first().copied() else {
                self.odd_at_end();
                return Ok(());
            };
            expect = match (expect, first) {
                (Expect::Member { comma }, b'}' | b']') => {
                    if comma {
                        self.odd();
                    }
                    self.close(first)?
                }
                (Expect::Separator, b'}' | b']') => self.close(first)?,
                (Expect::Separator, b',') => {
                    self.bump();
                    Expect::Member { comma: true }
                }
                (Expect::Separator, _) => return Err(Stop::Nonsense),
                // Two commas in a row, or one before the first member.
                (Expect::Member { .. }, b',') => {
                    self.odd();
                    self.bump();
                    Expect::Member { comma: true }
                }
                (Expect::Member { .. }, _) => {
                    self.member(first)?;
                    let Some(first) = self.rest.first().copied() else {
                        self.odd_at_end();
                        return Ok(());
                    };
                    // Behind nearly every value comes a comma.
                    match (self.value(first)?, self.rest) {
                        (Expect::Separator, [b',', after @ ..]) => {
                            self.rest = after;
                            Expect::Member { comma: true }
                        }
                        (expect, _) => expect,
                    }
                }
                (Expect::Value, _) => self.value(first)?,
                (Expect::End, _) => return Ok(()),
            };
        }
    }

    fn after_value(&self) -> Expect {
        if self.stack.is_empty() {
            Expect::End
        } else {
            Expect::Separator
        }
    }

    fn close(&mut self, bracket: u8) -> Result<Expect, Stop> {
        let Some(frame) = self.stack.last() else {
            return Err(Stop::Nonsense);
        };
        let (own, both) = match frame.place {
            Place::Object(_) => (b'}', &b"{}"[..]),
            Place::Array(_) => (b']', &b"[]"[..]),
        };
        if bracket != own {
            return Err(Stop::Nonsense);
        }
        let (path, empty) = (frame.path, frame.empty);
        if let Place::Object(keys) = frame.place {
            self.keys.close(keys);
        }
        self.stack.pop();
        self.bump();
        self.path.truncate(path);
        if empty {
            self.push(Kind::Literal, both);
        }
        Ok(self.after_value())
    }

    /// Takes the path of the next member: the key of an object, the index of an array.
    fn member(&mut self, first: u8) -> Result<(), Stop> {
        let Some(frame) = self.stack.last_mut() else {
            return Err(Stop::Nonsense);
        };
        let was_empty = std::mem::replace(&mut frame.empty, false);
        let path = frame.path;
        self.path.truncate(path);
        self.last = path;
        match &mut frame.place {
            Place::Array(index) => {
                self.path.push(b'[');
                push_number(*index, &mut self.path);
                self.path.push(b']');
                *index = index.saturating_add(1);
                self.key_at = self.path.len();
                self.key_signs = Signs::default();
                Ok(())
            }
            Place::Object(keys) => {
                let keys = *keys;
                let (key, signs) = match self.key(first) {
                    Ok(key) => key,
                    Err(stop) => {
                        if let Some(frame) = self.stack.last_mut() {
                            frame.empty = was_empty;
                        }
                        return Err(stop);
                    }
                };
                if path > 0 {
                    self.path.push(b'.');
                }
                self.key_at = self.path.len();
                self.key_signs = signs;
                self.path.extend_from_slice(&key);
                if !self.keys.insert(keys, &key) {
                    self.clean = false;
                    let path = std::mem::take(&mut self.path);
                    self.sink.find(Anomaly::DuplicateJsonKey, &path);
                    self.path = path;
                }
                if !matches!(self.rest, [b':', ..]) {
                    self.skip_blank();
                }
                match self.rest {
                    [b':', after @ ..] => {
                        self.rest = after;
                        self.skip_blank();
                        if self.rest.is_empty() {
                            // The text ends behind the colon: the key is all there is.
                            self.push(Kind::Text, b"");
                        }
                        Ok(())
                    }
                    rest => {
                        self.push(Kind::Text, b"");
                        if rest.is_empty() {
                            Ok(())
                        } else {
                            Err(Stop::Nonsense)
                        }
                    }
                }
            }
        }
    }

    fn key(&mut self, first: u8) -> Result<(Cow<'a, [u8]>, Signs), Stop> {
        self.value = self.rest;
        match first {
            b'"' => Ok(self.string(b'"')),
            b'\'' => {
                self.odd();
                Ok(self.string(b'\''))
            }
            _ => {
                let (word, signs) = self.word(ALPHANUMERIC | HIGH | classes(b"_$-"));
                if word.is_empty() {
                    return Err(Stop::Nonsense);
                }
                self.odd();
                Ok((Cow::Borrowed(word), signs))
            }
        }
    }

    fn value(&mut self, first: u8) -> Result<Expect, Stop> {
        if !(self.after_scalar && self.stack.is_empty()) {
            self.value = self.rest;
        }
        match first {
            b'{' | b'[' => {
                if self.stack.len() >= self.sink.limits.json_depth {
                    self.push(Kind::Text, b"");
                    return Err(Stop::TooDeep);
                }
                if self.path.len() > self.key_at {
                    // The key of an object or a list is no part of any name further in.
                    self.push(Kind::Container, b"");
                }
                self.bump();
                let place = if first == b'{' {
                    Place::Object(self.keys.open())
                } else {
                    Place::Array(0)
                };
                self.stack.push(Frame {
                    path: self.path.len(),
                    place,
                    empty: true,
                });
                return Ok(Expect::Member { comma: false });
            }
            b'"' | b'\'' => {
                if first == b'\'' {
                    self.odd();
                }
                let (text, signs) = self.string(first);
                if first == b'\'' && self.rest.is_empty() {
                    // Closed or not, nobody's string: perhaps an apostrophe.
                    if !self.path.is_empty() {
                        self.push(Kind::Text, b"");
                    }
                    return Err(Stop::Nonsense);
                }
                let kind = if self.is_graphql(&text) {
                    Kind::Token
                } else {
                    Kind::Text
                };
                self.push_seen(kind, &text, signs);
            }
            _ => self.scalar()?,
        }
        Ok(self.after_value())
    }

    /// Whether the value is a GraphQL document under the key that GraphQL over HTTP gives it. Its
    /// strings are fields of their own then; braces and parentheses around them are its grammar.
    fn is_graphql(&mut self, text: &[u8]) -> bool {
        let key = self.path.get(self.last..).unwrap_or_default();
        if key.strip_prefix(b".").unwrap_or(key) != b"query"
            || self.stack.len() > 3
            || !graphql::looks_like(text)
        {
            return false;
        }
        let path = std::mem::take(&mut self.path);
        let clean = graphql::read(text, &path, &mut self.sink.inner(true, false));
        self.path = path;
        clean
    }

    /// A number, `true`, `false` or `null`; or what lenient parsers take for one.
    fn scalar(&mut self) -> Result<(), Stop> {
        let start = self.rest;
        let (word, signs) = self.word(ALPHANUMERIC | classes(b"+-._"));
        let kind = match word {
            b"true" | b"false" | b"null" => Kind::Literal,
            _ if is_number(word) => Kind::Number,
            b"NaN" | b"Infinity" | b"-Infinity" | b"+Infinity" | b"undefined" | b"True"
            | b"False" | b"None" | b"nan" | b"inf" | b"-inf" => {
                self.odd();
                Kind::Literal
            }
            // `0x1F`, `007`, `+1`, `.5`: digits first, and short.
            _ if word.len() <= 64
                && word
                    .iter()
                    .find(|byte| !b"+-.".contains(byte))
                    .is_some_and(u8::is_ascii_digit) =>
            {
                self.odd_unless_cut();
                Kind::Text
            }
            _ if !word.is_empty() && self.rest.is_empty() && !self.sink.complete => Kind::Text,
            _ => {
                // The path is told, the text is left for the raw rest.
                self.push(Kind::Text, b"");
                self.rest = start;
                return Err(Stop::Nonsense);
            }
        };
        self.push_seen(kind, word, signs);
        match self.rest {
            []
            | [
                b' ' | b'\t' | b'\n' | b'\r' | b',' | b']' | b'}' | b'/' | b'#' | 0x0B | 0x0C
                | 0x1E,
                ..,
            ] => Ok(()),
            _ => Err(Stop::Nonsense),
        }
    }

    /// The text behind an opening quote up to the closing one, unescaped.
    #[inline(always)]
    fn string(&mut self, quote: u8) -> (Cow<'a, [u8]>, Signs) {
        // Nearly all are short, hold nothing that is worth a look, and end in a quote.
        if let [_, inner @ ..] = self.rest
            && let Some(soon) = inner.first_chunk()
            && let Some((signs, length)) = Signs::soon_until(soon, QUOTES | ODD)
            && let Some((plain, [end, after @ ..])) = inner.split_at_checked(length)
            && *end == quote
        {
            self.rest = after;
            return (Cow::Borrowed(plain), signs);
        }
        self.long_string(quote)
    }

    fn long_string(&mut self, quote: u8) -> (Cow<'a, [u8]>, Signs) {
        self.bump();
        let plain = self.plain(quote);
        let signs = self.check(plain);
        if let [end, after @ ..] = self.rest
            && *end == quote
        {
            self.rest = after;
            return (Cow::Borrowed(plain), signs);
        }
        if self.rest.is_empty() {
            self.odd_at_end();
            return (Cow::Borrowed(plain), signs);
        }
        let text = self.escaped(quote, plain);
        let signs = Signs::of(&text);
        (Cow::Owned(text), signs)
    }

    /// Goes on at the first escape of a string that begins so.
    #[inline(never)]
    fn escaped(&mut self, quote: u8, plain: &[u8]) -> Vec<u8> {
        let mut out = plain.to_vec();
        while let [b'\\', ..] = self.rest {
            self.escape(&mut out);
            let plain = self.plain(quote);
            self.check(plain);
            out.extend_from_slice(plain);
        }
        if self.rest.is_empty() {
            self.odd_at_end();
        }
        self.bump();
        out
    }

    /// What stands before the next backslash, closing quote or the end.
    #[inline]
    fn plain(&mut self, quote: u8) -> &'a [u8] {
        let rest = self.rest;
        let at = memchr::memchr2(quote, b'\\', rest).unwrap_or(rest.len());
        let (plain, tail) = rest.split_at_checked(at).unwrap_or((rest, b""));
        self.rest = tail;
        plain
    }

    /// Control characters and bytes that are not UTF-8 have no place in a string.
    #[inline]
    fn check(&mut self, text: &[u8]) -> Signs {
        let signs = Signs::of(text);
        if signs.any(ODD) {
            self.check_each(text);
        }
        signs
    }

    fn check_each(&mut self, text: &[u8]) {
        let bad = match std::str::from_utf8(text) {
            Ok(_) => false,
            Err(error) => {
                error.error_len().is_some() || self.sink.complete || !self.rest.is_empty()
            }
        };
        if bad || text.iter().any(|byte| *byte < b' ') {
            self.odd();
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) {
        let (plain, after) = match self.rest {
            [b'\\', b'u', after @ ..] => {
                self.rest = after;
                self.unicode(out);
                return;
            }
            [b'\\', b'x', a, b, after @ ..] if let (Some(high), Some(low)) = (hex(*a), hex(*b)) => {
                self.rest = after;
                self.odd();
                push_char(u32::from(high << 4 | low), out);
                return;
            }
            [b'\\', byte, after @ ..] => (*byte, after),
            _ => {
                self.rest = &[];
                self.odd_at_end();
                return;
            }
        };
        self.rest = after;
        out.push(match plain {
            b'"' | b'\\' | b'/' => plain,
            b'b' => 0x08,
            b'f' => 0x0C,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            other => {
                // JSON5 and PHP drop the backslash, others keep it; the letter is what counts.
                self.odd();
                match other {
                    b'0' => 0,
                    b'v' => 0x0B,
                    other => other,
                }
            }
        });
    }

    /// What stands behind `\u`.
    fn unicode(&mut self, out: &mut Vec<u8>) {
        let Some((unit, after)) = four_digits(self.rest) else {
            self.odd_unless_cut();
            out.extend_from_slice(b"\\u");
            return;
        };
        self.rest = after;
        if !(0xD800..0xE000).contains(&unit) {
            push_char(unit, out);
            return;
        }
        if unit < 0xDC00
            && let [b'\\', b'u', after @ ..] = after
            && let Some((low @ 0xDC00..0xE000, after)) = four_digits(after)
        {
            self.rest = after;
            push_char(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00), out);
            return;
        }
        // A surrogate by itself: parsers drop it, replace it or refuse it.
        self.odd_unless_cut();
        push_char(0xFFFD, out);
    }

    /// The bytes of certain classes that come next.
    fn word(&mut self, fits: u64) -> (&'a [u8], Signs) {
        let (signs, length) = Signs::until(self.rest, !fits);
        let (word, after) = self
            .rest
            .split_at_checked(length)
            .unwrap_or((self.rest, b""));
        self.rest = after;
        (word, signs)
    }

    /// Skips white space, and comments where a lenient parser would: those are inspected by themselves.
    #[inline]
    fn skip_blank(&mut self) {
        let something = |byte: &u8| *byte > b' ' && !matches!(byte, b'/' | b'#');
        if !self.rest.first().is_some_and(something) {
            self.skip_blanks();
        }
    }

    fn skip_blanks(&mut self) {
        loop {
            let rest = self.rest;
            let blank = rest
                .iter()
                .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
                .count();
            self.rest = rest.get(blank..).unwrap_or_default();
            let end = match self.rest {
                [b'/', b'*', inner @ ..] => memchr::memmem::find(inner, b"*/")
                    .map_or(self.rest.len(), |at| at.saturating_add(4)),
                [b'/', b'/', ..] | [b'#', ..] => {
                    memchr::memchr(b'\n', self.rest).unwrap_or(self.rest.len())
                }
                // The record separator of RFC 7464 and the odd spaces of JSON5.
                [0x1E | 0x0B | 0x0C, ..] => 1,
                _ => return,
            };
            let (comment, after) = self.rest.split_at_checked(end).unwrap_or((self.rest, b""));
            self.rest = after;
            if comment != [0x1E] {
                self.odd();
                self.sink.raw(comment);
            }
        }
    }

    fn push(&mut self, kind: Kind, value: &[u8]) {
        self.push_seen(kind, value, Signs::of(value));
    }

    fn push_seen(&mut self, kind: Kind, value: &[u8], signs: Signs) {
        let name = self.path.as_slice();
        if name.len() <= self.sink.limits.name_bytes {
            let name = (name, self.key_at, self.key_signs);
            self.sink.push_plain(kind, name, (value, signs));
            return;
        }
        // Long keys further out must not push the last one out of sight.
        self.sink.find(Anomaly::NameTooLong, name);
        let name = name.get(self.last..).unwrap_or(name);
        let dropped = self.path.len().saturating_sub(name.len());
        self.sink
            .push_keyed(kind, name, self.key_at.saturating_sub(dropped), value);
    }

    fn bump(&mut self) {
        self.rest = self.rest.get(1..).unwrap_or_default();
    }

    fn odd(&mut self) {
        self.clean = false;
        if !self.odd {
            self.odd = true;
            self.sink.find(Anomaly::InvalidJson, b"");
        }
    }

    /// Odd, unless the text was cut off right there.
    fn odd_unless_cut(&mut self) {
        // Within the last bytes of a prefix nothing can be told.
        if self.rest.len() > 12 {
            self.odd();
        } else {
            self.odd_at_end();
        }
    }

    fn odd_at_end(&mut self) {
        if self.sink.complete {
            self.odd();
        }
    }
}

pub(super) fn four_digits(text: &[u8]) -> Option<(u32, &[u8])> {
    let [a, b, c, d, after @ ..] = text else {
        return None;
    };
    let digit = |byte: &u8| hex(*byte).map(u32::from);
    let unit = digit(a)? << 12 | digit(b)? << 8 | digit(c)? << 4 | digit(d)?;
    Some((unit, after))
}

/// Appends a number in decimal digits.
fn push_number(number: u32, out: &mut Vec<u8>) {
    let mut digits = [b'0'; 10];
    let mut rest = number;
    let mut used = 0usize;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
        used += 1;
        if rest == 0 {
            break;
        }
    }
    let start = digits.len().saturating_sub(used);
    out.extend_from_slice(digits.get(start..).unwrap_or_default());
}

fn push_char(point: u32, out: &mut Vec<u8>) {
    let character = char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

/// The grammar of numbers (RFC 8259, 6).
pub(super) fn is_number(word: &[u8]) -> bool {
    fn digits(text: &[u8]) -> (usize, &[u8]) {
        let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        (count, text.get(count..).unwrap_or_default())
    }
    let word = word.strip_prefix(b"-").unwrap_or(word);
    let (whole, mut rest) = digits(word);
    if whole == 0 || whole > 1 && word.first() == Some(&b'0') {
        return false;
    }
    if let Some(fraction) = rest.strip_prefix(b".") {
        let (count, after) = digits(fraction);
        if count == 0 {
            return false;
        }
        rest = after;
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let exponent = match exponent {
            [b'+' | b'-', after @ ..] => after,
            other => other,
        };
        let (count, after) = digits(exponent);
        return count > 0 && after.is_empty();
    }
    rest.is_empty()
}
