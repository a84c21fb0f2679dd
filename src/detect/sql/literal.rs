//! Strings, in all the ways in which dialects quote them, and numbers.

use memchr::{memchr, memmem};

use super::bytes;
use super::token::{Kind, Token};
use super::tokenizer::{Piece, word};

/// A string that begins with its quote.
pub(super) fn string(rest: &[u8], quote: u8) -> Piece {
    string_from(rest, 1, quote)
}

/// A string whose contents begin here; behind a backslash or doubled, a quote is one of them.
pub(super) fn string_from(rest: &[u8], from: usize, quote: u8) -> Piece {
    let mut at = from;
    while let Some(found) = rest.get(at..).and_then(|rest| memchr(quote, rest)) {
        let end = at.saturating_add(found);
        let behind = end.saturating_add(1);
        let inside = rest.get(at..end).unwrap_or_default();
        let backslashes = inside.iter().rev().take_while(|byte| **byte == b'\\');
        if backslashes.count() % 2 == 1 {
            at = behind;
        } else if rest.get(behind) == Some(&quote) {
            at = behind.saturating_add(1);
        } else {
            return closed(from, end, [quote, quote], behind);
        }
    }
    open(from, rest, quote)
}

/// A string that was closed.
fn closed(from: usize, end: usize, quotes: [u8; 2], used: usize) -> Piece {
    let mut token = Token::new(Kind::String, from, end.saturating_sub(from));
    [token.opened, token.closed] = quotes;
    (token, used)
}

/// A string that the text ends in.
fn open(from: usize, rest: &[u8], quote: u8) -> Piece {
    let mut token = Token::new(Kind::String, from, rest.len().saturating_sub(from));
    token.opened = quote;
    (token, rest.len())
}

/// `e'x'`, and `n'x'`, which nothing tells apart.
pub(super) fn escaped(rest: &[u8]) -> Piece {
    match rest {
        [_, b'\'', _, ..] => string_from(rest, 2, b'\''),
        _ => word(rest),
    }
}

/// `n'x'` and `nq'[x]'`.
pub(super) fn national(rest: &[u8]) -> Piece {
    match rest {
        [_, b'\'', _, ..] => string_from(rest, 2, b'\''),
        _ => alternative(rest, 1),
    }
}

/// Oracle's `q'[x]'`, behind so many other letters: it ends with the bracket or sign that it began with.
pub(super) fn alternative(rest: &[u8], letters: usize) -> Piece {
    let Some([b'q' | b'Q', b'\'', sign @ b'!'..=0x7F, inside @ ..]) = rest.get(letters..) else {
        return word(rest);
    };
    let from = rest.len().saturating_sub(inside.len());
    let last = match sign {
        b'(' => b')',
        b'[' => b']',
        b'{' => b'}',
        b'<' => b'>',
        other => *other,
    };
    match memmem::find(inside, &[last, b'\'']) {
        Some(found) => {
            let end = from.saturating_add(found);
            closed(from, end, [b'q', b'q'], end.saturating_add(2))
        }
        None => open(from, rest, b'q'),
    }
}

/// `u&'x'`.
pub(super) fn unicode(rest: &[u8]) -> Piece {
    let [_, b'&', b'\'', ..] = rest else {
        return word(rest);
    };
    let (mut token, used) = string_from(rest, 3, b'\'');
    token.opened = b'u';
    if token.closed != 0 {
        token.closed = b'u';
    }
    (token, used)
}

/// `b'01'` and `x'41'`.
pub(super) fn digits(rest: &[u8], is_digit: fn(&u8) -> bool) -> Piece {
    if let [_, b'\'', inside @ ..] = rest {
        let count = count(inside, is_digit);
        if inside.get(count) == Some(&b'\'') {
            let length = count.saturating_add(3);
            return (Token::new(Kind::Number, 0, length), length);
        }
    }
    word(rest)
}

/// The bytes in front of the first that is none of these.
fn count(bytes: &[u8], is_one: impl Fn(&u8) -> bool) -> usize {
    bytes
        .iter()
        .position(|byte| !is_one(byte))
        .unwrap_or(bytes.len())
}

/// `$1,000.00`, PostgreSQL's `$$x$$` and `$tag$x$tag$`, or a dollar sign.
pub(super) fn dollar(rest: &[u8]) -> Piece {
    let behind = rest.get(1..).unwrap_or_default();
    // A null counts as a part of a number, of a tag, of any run of bytes that the original asks for.
    let sum = count(behind, |byte| matches!(byte, b'0'..=b'9' | b'.' | b',' | 0));
    if sum == 1 && behind.first() == Some(&b'.') {
        return word(rest);
    }
    if sum > 0 {
        let length = sum.saturating_add(1);
        return (Token::new(Kind::Number, 0, length), length);
    }
    let tag = count(behind, |byte| byte.is_ascii_alphabetic() || *byte == 0);
    let from = tag.saturating_add(2);
    let (Some(b'$'), Some(tag), Some(inside)) =
        (behind.get(tag), rest.get(..from), rest.get(from..))
    else {
        return (Token::new(Kind::Bareword, 0, 1), 1);
    };
    match memmem::find(inside, tag) {
        Some(found) => {
            let end = from.saturating_add(found);
            closed(from, end, [b'$', b'$'], end.saturating_add(tag.len()))
        }
        None => open(from, rest, b'$'),
    }
}

/// A number, a dot, or the beginning of a number that is none: `0x`, `1e`.
pub(super) fn number(rest: &[u8]) -> Piece {
    let of_base = |digits: usize| {
        let kind = if digits == 0 {
            Kind::Bareword
        } else {
            Kind::Number
        };
        let length = digits.saturating_add(2);
        (Token::new(kind, 0, length), length)
    };
    match rest {
        [b'0', b'x' | b'X', digits @ ..] => {
            return of_base(count(digits, |byte| byte.is_ascii_hexdigit() || *byte == 0));
        }
        [b'0', b'b' | b'B', digits @ ..] => {
            return of_base(count(digits, |byte| matches!(byte, b'0' | b'1' | 0)));
        }
        _ => {}
    }
    let digits = |from: usize| {
        let rest = rest.get(from..).unwrap_or_default();
        from.saturating_add(count(rest, u8::is_ascii_digit))
    };
    let mut end = digits(0);
    if rest.get(end) == Some(&b'.') {
        end = digits(end.saturating_add(1));
        if end == 1 {
            return (Token::new(Kind::Dot, 0, 1), 1);
        }
    }
    let mut kind = Kind::Number;
    if matches!(rest.get(end), Some(b'e' | b'E')) {
        end = end.saturating_add(1);
        if matches!(rest.get(end), Some(b'+' | b'-')) {
            end = end.saturating_add(1);
        }
        let exponent = end;
        end = digits(exponent);
        if end == exponent {
            kind = Kind::Bareword;
        }
    }
    // Oracle's suffixes. What begins with `u` is the word behind: `1fUNION`.
    let suffixed = matches!(rest.get(end), Some(b'd' | b'D' | b'f' | b'F'))
        && rest
            .get(end.saturating_add(1))
            .is_none_or(|byte| bytes::is_space(*byte) || matches!(byte, b';' | b'u' | b'U'));
    end = end.saturating_add(usize::from(suffixed));
    (Token::new(kind, 0, end), end)
}
