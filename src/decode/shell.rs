//! A command line the way a shell reads it: `c'a't`, `c\at`, `c^at`, `ca$@t`, `cat${IFS}/etc/passwd` and
//! `{cat,/etc/passwd}` all become `cat` and its argument. POSIX shells, `cmd.exe` and PowerShell at once.

use super::{Outcome, javascript};

/// Appends the shell's reading of `input` to `out`.
///
/// Quotes go where nothing between them is white space, so that an apostrophe in prose stays. What a
/// variable holds is not known: one beside a word is taken for empty, `$IFS` for a space, and
/// `${PATH:0:1}` for the slash with which paths begin.
pub fn decode(input: &[u8], out: &mut Vec<u8>) -> Outcome {
    let start = out.len();
    let mut rest = input;
    while let [first, after @ ..] = rest {
        let before = out.get(start..).and_then(<[u8]>::last).copied();
        rest = match first {
            b'\'' | b'"' | b'`' => quote(*first, before, after, out),
            b'\\' => match after {
                [b'\r', b'\n', behind @ ..] | [b'\n', behind @ ..] => behind,
                [escaped @ 0x21..=0x7E, behind @ ..] => {
                    out.push(*escaped);
                    behind
                }
                _ => kept(*first, after, out),
            },
            b'^' => match after {
                [escaped @ 0x21..=0x7E, behind @ ..] => {
                    out.push(*escaped);
                    behind
                }
                _ => kept(*first, after, out),
            },
            b'$' => dollar(before, after, out),
            b'{' => match list(after) {
                Some((items, behind)) => {
                    out.extend(
                        items
                            .iter()
                            .map(|byte| if *byte == b',' { b' ' } else { *byte }),
                    );
                    behind
                }
                None => kept(*first, after, out),
            },
            b'[' => match after {
                [letter, b']', behind @ ..]
                    if letter.is_ascii_alphabetic()
                        && (is_word(before) || is_word(behind.first().copied())) =>
                {
                    out.push(*letter);
                    behind
                }
                _ => kept(*first, after, out),
            },
            _ => {
                let plain = after
                    .iter()
                    .position(|byte| {
                        matches!(
                            byte,
                            b'\'' | b'"' | b'`' | b'\\' | b'^' | b'$' | b'{' | b'['
                        )
                    })
                    .unwrap_or(after.len());
                let Some((plain, behind)) = rest.split_at_checked(plain + 1) else {
                    break;
                };
                out.extend_from_slice(plain);
                behind
            }
        };
    }
    Outcome {
        changed: out.get(start..) != Some(input),
        ..Outcome::default()
    }
}

fn kept<'a>(byte: u8, after: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    out.push(byte);
    after
}

/// Whether a byte belongs to a word: the name of a command, or a path.
fn is_word(byte: Option<u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'/' | b'.'))
}

fn quote<'a>(quote: u8, before: Option<u8>, after: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    if let [second, behind @ ..] = after
        && *second == quote
    {
        return behind;
    }
    if quote == b'`' {
        // PowerShell's escape inside of a word; elsewhere it runs a command, or marks code in prose.
        let next = after.first().copied();
        return if is_word(before) && (is_word(next) || next == Some(b'-')) {
            after
        } else {
            kept(quote, after, out)
        };
    }
    // A quote that finds no partner in its word has read to the word's end, past no other quote of
    // its kind: so all together read each byte twice at most.
    let end = after
        .iter()
        .position(|byte| *byte == quote || byte.is_ascii_whitespace());
    match end.and_then(|end| after.split_at_checked(end)) {
        Some((inside, [close, behind @ ..])) if *close == quote => {
            out.extend_from_slice(inside);
            behind
        }
        _ => kept(quote, after, out),
    }
}

/// What stands for `$` and that which follows it.
fn dollar<'a>(before: Option<u8>, after: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    match after {
        // ANSI-C quoting.
        [b'\'', inside @ ..] => {
            let end = memchr::memchr(b'\'', inside);
            match end.and_then(|end| inside.split_at_checked(end)) {
                Some((escaped, [_, behind @ ..])) => {
                    javascript::decode(escaped, out);
                    behind
                }
                _ => kept(b'$', after, out),
            }
        }
        [b'"', ..] => after,
        [b'(', b')', behind @ ..] | [b'@' | b'*', behind @ ..] => behind,
        [b'!' | b'?' | b'#' | b'-', behind @ ..]
            if is_word(before) && is_word(behind.first().copied()) =>
        {
            behind
        }
        // An argument of the script, not the price of something.
        [b'0'..=b'9', behind @ ..]
            if !matches!(behind, [b'0'..=b'9' | b'.' | b',', ..])
                && (is_word(before)
                    || before == Some(b' ')
                    || is_word(behind.first().copied())) =>
        {
            behind
        }
        [b'{', inside @ ..] => braced(before, after, inside, out),
        [b'I', b'F', b'S', behind @ ..] if !continues_name(behind) => {
            out.push(b' ');
            behind
        }
        [b'a'..=b'z' | b'A'..=b'Z' | b'_', ..] if is_word(before) => {
            let name = after
                .iter()
                .position(|byte| !continues_name(&[*byte]))
                .unwrap_or(after.len());
            after.get(name..).unwrap_or_default()
        }
        _ => kept(b'$', after, out),
    }
}

fn continues_name(text: &[u8]) -> bool {
    matches!(text, [byte, ..] if byte.is_ascii_alphanumeric() || *byte == b'_')
}

/// Bytes in which `${…}` must end: a name and its modifiers.
const LONGEST_EXPANSION: usize = 32;

fn braced<'a>(
    before: Option<u8>,
    after: &'a [u8],
    inside: &'a [u8],
    out: &mut Vec<u8>,
) -> &'a [u8] {
    let end = inside
        .iter()
        .take(LONGEST_EXPANSION)
        .position(|byte| matches!(byte, b'}' | b'{'));
    let Some((name, [b'}', behind @ ..])) = end.and_then(|end| inside.split_at_checked(end)) else {
        return kept(b'$', after, out);
    };
    let modifier = |prefix: &[u8]| {
        name.strip_prefix(prefix)
            .is_some_and(|m| !continues_name(m))
    };
    if modifier(b"IFS") {
        out.push(b' ');
        return behind;
    }
    if [b"PATH", b"HOME".as_slice(), b"PWD", b"SHELL"]
        .iter()
        .any(|name| modifier(name))
        && name.ends_with(b":0:1")
    {
        out.push(b'/');
        return behind;
    }
    if is_word(before) || is_word(behind.first().copied()) {
        return behind;
    }
    kept(b'$', after, out)
}

/// The items of a brace expansion such as `cat,/etc/passwd`, and what follows it. JSON, code and
/// templates have characters in their braces that no such list needs.
fn list(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|byte| {
        !matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b',' | b'/' | b'.' | b'-' | b'_' | b'*' | b'?' | b'~' | b'+' | b'@' | b'%')
    })?;
    let (items, behind) = text.split_at_checked(end)?;
    let [b'}', behind @ ..] = behind else {
        return None;
    };
    (memchr::memchr(b',', items).is_some() && !items.first()?.is_ascii_digit())
        .then_some((items, behind))
}
