//! What speaks against an injection although the fingerprint is that of one: short fingerprints are
//! those of ordinary values too.

use memchr::memmem;

use super::fingerprints::Fingerprint;
use super::fold::Folded;
use super::token::{Kind, Token};

/// Whether a text with this fingerprint is an injection.
pub(super) fn is_injection(sql: &[u8], folded: &Folded, fingerprint: Fingerprint) -> bool {
    if !fingerprint.is_known() {
        return false;
    }
    let letters = fingerprint.as_bytes();
    // What follows this word in a comment is left out of the log of SQL Server.
    if let [_, .., b'c'] = letters
        && memmem::find(sql, b"sp_password").is_some()
    {
        return true;
    }
    match (letters, folded.tokens()) {
        ([_, _], [first, second, ..]) => two(sql, folded, first, second),
        ([_, _, _], [first, second, third, ..]) => {
            three(sql, folded, letters, [first, second, third])
        }
        _ => true,
    }
}

fn two(sql: &[u8], folded: &Folded, first: &Token, second: &Token) -> bool {
    let behind = second.text(sql);
    match (first.kind, second.kind) {
        // `1 union` alone is a value; folded from more, it is not.
        (_, Kind::Union) => folded.read() != 2,
        _ if behind.first() == Some(&b'#') => false,
        (Kind::Bareword, Kind::Comment) if behind.first() != Some(&b'/') => false,
        (Kind::Number, Kind::Comment) => {
            behind.first() == Some(&b'/') || folded.read() > 2 || ends_in_comment(sql, first)
        }
        // `--` and nothing behind it cuts off what follows; with more it is a dash.
        _ => !(behind.len() > 2 && behind.first() == Some(&b'-')),
    }
}

/// Whether what follows a number is white space or a comment. The original counts the number's
/// length from the start of the text wherever the number stands, and so does this.
fn ends_in_comment(sql: &[u8], number: &Token) -> bool {
    match sql.get(usize::from(number.length)..) {
        Some([b'/', b'*', ..] | [b'-', b'-', ..]) => true,
        // Bytes above ASCII are negative to the original.
        Some([next, ..]) => *next <= b' ' || *next >= 0x80,
        _ => false,
    }
}

fn three(sql: &[u8], folded: &Folded, letters: &[u8], tokens: [&Token; 3]) -> bool {
    let [first, second, third] = tokens;
    match letters {
        // ...foo' + 'bar...: both strings are open at their outer ends.
        b"sos" | b"s&s" => first.opened == 0 && third.closed == 0 && first.closed == third.opened,
        // `sexy and 17` is prose; `sexy and 17<18` is not.
        b"s&n" | b"n&1" | b"1&1" | b"1&v" | b"1&s" => folded.read() != 3,
        // Of the keywords only `into outfile` and `into dumpfile` do harm there.
        _ if second.kind == Kind::Keyword => {
            let text = second.text(sql);
            text.len() >= 5
                && text
                    .get(..4)
                    .is_some_and(|start| start.eq_ignore_ascii_case(b"INTO"))
        }
        _ => true,
    }
}
