//! Strikes out what may be secret before anything of a request is written down: by the name that stands
//! before it, and by its shape. Errs on the side of striking out.

use std::borrow::Cow;

/// Words in the name of a field whose value is secret wherever they stand in it, in lower case.
const WORDS: [&str; 31] = [
    "accesskey",
    "access_key",
    "access-key",
    "api-key",
    "api_key",
    "apikey",
    "auth",
    "bearer",
    "cookie",
    "credential",
    "credit",
    "csrf",
    "cvc",
    "cvv",
    "iban",
    "jwt",
    "otp",
    "pass_",
    "passphrase",
    "passwd",
    "password",
    "passwort",
    "private",
    "pwd",
    "secret",
    "sess",
    "signature",
    "ssn",
    "token",
    "xsrf",
    "card",
];

/// Names of fields whose value is secret, whole, in lower case: too short to be looked for in other words.
const NAMES: [&str; 8] = ["pass", "pin", "sid", "sig", "pw", "key", "tan", "code"];

/// Bytes of a name that are compared.
const LONGEST: usize = 128;
/// Letters and digits without a break from which on a run with both is taken for a key or a token.
const LONG_RUN: usize = 20;

/// Whether the value of a field of that name is secret. `more` are further words, in lower case.
pub fn is_secret_name(name: &[u8], more: &[String]) -> bool {
    // Long names are long by the path that leads to them.
    let tail = name.len().saturating_sub(LONGEST);
    let name = name.get(tail..).unwrap_or(name).to_ascii_lowercase();
    let last = name
        .split(|byte| b".[]/".contains(byte))
        .rfind(|part| !part.is_empty());
    NAMES.iter().any(|known| Some(known.as_bytes()) == last)
        || WORDS
            .iter()
            .copied()
            .chain(more.iter().map(String::as_str))
            .any(|word| memchr::memmem::find(&name, word.as_bytes()).is_some())
}

/// The text with `[card]`, `[email]`, `[jwt]`, `[secret]` and `[redacted]` in place of what looks like such.
/// `more` are further words of secret names, in lower case.
pub fn redacted<'a>(text: &'a [u8], more: &[String]) -> Cow<'a, [u8]> {
    let spans = secrets(text, more);
    if spans.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut done = 0;
    for Secret { start, end, label } in spans {
        out.extend_from_slice(text.get(done..start).unwrap_or_default());
        out.extend_from_slice(label.as_bytes());
        done = end;
    }
    out.extend_from_slice(text.get(done..).unwrap_or_default());
    Cow::Owned(out)
}

/// Whether anything in the text would be struck out.
pub(super) fn has_secret(text: &[u8], more: &[String]) -> bool {
    !secrets(text, more).is_empty()
}

/// Strikes out the same with as many `*`, so that everything else stays where it is.
pub(super) fn strike_out(text: &mut [u8], more: &[String]) {
    for Secret { start, end, .. } in secrets(text, more) {
        text.get_mut(start..end).unwrap_or_default().fill(b'*');
    }
}

/// A path as records show it: without a query, secrets struck out in each segment by itself, at most
/// `most` bytes.
pub fn redacted_path(target: &[u8], most: usize, more: &[String]) -> Vec<u8> {
    let end = memchr::memchr2(b'?', b'#', target).unwrap_or(target.len());
    // What is cut away could complete a shape: the cut comes last, but not much may be looked at.
    let path = target.get(..end.min(most.saturating_mul(4)));
    let path = path.unwrap_or_default();
    let mut out = Vec::with_capacity(path.len());
    for (index, segment) in path.split(|byte| *byte == b'/').enumerate() {
        if index > 0 {
            out.push(b'/');
        }
        out.extend_from_slice(&redacted(segment, more));
    }
    out.truncate(most);
    out
}

/// A stretch that must not be shown.
#[derive(Clone, Copy, Debug)]
struct Secret {
    start: usize,
    end: usize,
    label: &'static str,
}

/// How often a text is percent-decoded to look for secrets in what comes of it.
const PASSES: usize = 3;

/// Everything that must not be shown, in order, without overlaps: in the text as it stands, and in what
/// it reads as once percent-decoded.
fn secrets(text: &[u8], more: &[String]) -> Vec<Secret> {
    let mut found = scan(text, more);
    if memchr::memchr(b'%', text).is_none() {
        return found;
    }
    // Where each byte of the decoded text came from.
    let mut decoded: Vec<u8> = text.to_vec();
    let mut origin: Vec<(usize, usize)> = (0..text.len()).map(|at| (at, at + 1)).collect();
    for _ in 0..PASSES {
        if !percent_decode(&mut decoded, &mut origin) {
            break;
        }
        for secret in scan(&decoded, more) {
            let start = origin.get(secret.start).map(|(start, _)| *start);
            let last = secret.end.checked_sub(1).and_then(|last| origin.get(last));
            if let (Some(start), Some((_, end))) = (start, last) {
                found.push(Secret {
                    start,
                    end: *end,
                    ..secret
                });
            }
        }
    }
    found.sort_unstable_by_key(|secret| secret.start);
    found.dedup_by(|next, last| {
        let overlap = next.start < last.end;
        if overlap {
            last.end = last.end.max(next.end);
        }
        overlap
    });
    found
}

/// Percent-decodes once, and what is said of each byte with it. False if there was nothing to decode.
fn percent_decode(text: &mut Vec<u8>, origin: &mut Vec<(usize, usize)>) -> bool {
    let digit = |byte: &u8| (*byte as char).to_digit(16);
    let (mut bytes, mut places) = (Vec::new(), Vec::new());
    let mut rest = text.as_slice();
    let mut from = origin.as_slice();
    let before = text.len();
    while let ([first, behind @ ..], [place, places_behind @ ..]) = (rest, from) {
        if let (b'%', [high, low, after @ ..]) = (first, behind)
            && let (Some(high), Some(low)) = (digit(high), digit(low))
            && let [_, last, places_after @ ..] = places_behind
        {
            bytes.push((high << 4 | low) as u8);
            places.push((place.0, last.1));
            (rest, from) = (after, places_after);
        } else {
            bytes.push(*first);
            places.push(*place);
            (rest, from) = (behind, places_behind);
        }
    }
    (*text, *origin) = (bytes, places);
    text.len() < before
}

/// Everything that must not be shown in a text as it stands, in order, without overlaps.
fn scan(text: &[u8], more: &[String]) -> Vec<Secret> {
    let mut found: Vec<Secret> = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let before = at.checked_sub(1).and_then(|before| text.get(before));
        // Shapes begin where a word begins, but for the sign in the middle of an address.
        let begins = !before.is_some_and(u8::is_ascii_alphanumeric);
        // Names are looked at once, from their first byte on.
        let begins_name = !before.is_some_and(is_of_name);
        let secret = if !begins {
            address(text, at)
        } else if is_uuid(text, at) {
            // It names something, and its digits may look like a card's.
            at += UUID;
            continue;
        } else {
            jwt(text, at)
                .or_else(|| card(text, at))
                .or_else(|| begins_name.then(|| behind_name(text, at, more)).flatten())
                .or_else(|| token(text, at))
                .or_else(|| address(text, at))
        };
        let Some(mut secret) = secret else {
            at += 1;
            continue;
        };
        // An address reaches back over what was passed.
        let last = found.last().map_or(0, |last| last.end);
        secret.start = secret.start.max(last);
        at = secret.end.max(at + 1);
        if secret.start < secret.end {
            found.push(secret);
        }
    }
    found
}

/// The length of the run at `at` of bytes of a kind.
fn run(text: &[u8], at: usize, is: impl Fn(&u8) -> bool) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    rest.iter().position(|byte| !is(byte)).unwrap_or(rest.len())
}

fn is_of_name(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_.-".contains(byte)
}

fn is_base64(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_+=".contains(byte)
}

/// Bytes of a UUID as text.
const UUID: usize = 36;

/// Whether a UUID (RFC 9562) stands at `at`.
fn is_uuid(text: &[u8], at: usize) -> bool {
    let Some((uuid, rest)) = text.get(at..).and_then(|text| text.split_at_checked(UUID)) else {
        return false;
    };
    let mut bytes = uuid.iter().enumerate();
    bytes.all(|(index, byte)| match index {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    }) && !rest.first().is_some_and(u8::is_ascii_alphanumeric)
}

/// A JSON Web Token (RFC 7519), or the head of one: `{"` in base64, and what follows.
fn jwt(text: &[u8], at: usize) -> Option<Secret> {
    text.get(at..)?.strip_prefix(b"eyJ")?;
    let length = run(text, at, |byte| is_base64(byte) || *byte == b'.');
    (length >= 16).then_some(Secret {
        start: at,
        end: at + length,
        label: "[jwt]",
    })
}

/// The number of a payment card: 13 to 19 digits that pass Luhn's test (ISO/IEC 7812-1), also in groups.
fn card(text: &[u8], at: usize) -> Option<Secret> {
    if !matches!(text.get(at)?, b'2'..=b'6') {
        return None;
    }
    let mut digits = [0_u8; 20];
    let (mut count, mut end) = (0, at);
    let mut position = at;
    while let Some(byte) = text.get(position) {
        if byte.is_ascii_digit() {
            *digits.get_mut(count)? = byte - b'0';
            count += 1;
            end = position + 1;
        } else if !(matches!(byte, b' ' | b'-' | b'+' | b'.') && end == position) {
            break;
        }
        position += 1;
    }
    let digits = digits.get(..count)?;
    if !(13..=19).contains(&count) {
        return None;
    }
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(index, digit)| {
            let digit = u32::from(*digit) << (index % 2);
            digit / 10 + digit % 10
        })
        .sum();
    (sum % 10 == 0).then_some(Secret {
        start: at,
        end,
        label: "[card]",
    })
}

/// A run of letters and digits that no word is, with what belongs to it in base64.
fn token(text: &[u8], at: usize) -> Option<Secret> {
    let length = run(text, at, u8::is_ascii_alphanumeric);
    let word = text.get(at..at + length)?;
    let mixed = word.iter().any(u8::is_ascii_digit) && word.iter().any(u8::is_ascii_alphabetic);
    (length >= LONG_RUN && mixed).then(|| Secret {
        start: at,
        end: at + run(text, at, is_base64),
        label: "[secret]",
    })
}

/// An e-mail address around the `@` at `at`.
fn address(text: &[u8], at: usize) -> Option<Secret> {
    if *text.get(at)? != b'@' {
        return None;
    }
    let before = text.get(..at)?;
    let local = before
        .iter()
        .rev()
        .take(64)
        .take_while(|byte| byte.is_ascii_alphanumeric() || b"._%+-".contains(byte))
        .count();
    let domain = run(text, at + 1, |byte| {
        byte.is_ascii_alphanumeric() || b".-".contains(byte)
    });
    let name = text.get(at + 1..at + 1 + domain)?;
    (local > 0 && name.contains(&b'.')).then_some(Secret {
        start: at - local,
        end: at + 1 + domain,
        label: "[email]",
    })
}

/// What follows a secret name: `password=…`, `"token": "…"`, `<pin>…`, the part of a multipart body.
fn behind_name(text: &[u8], at: usize, more: &[String]) -> Option<Secret> {
    let length = run(text, at, is_of_name);
    let name = text.get(at..at + length).filter(|name| !name.is_empty())?;
    let mut start = at + length;
    // Quotes, brackets and spaces close the name.
    start += run(text, start, |byte| b"\"'`\\] \t".contains(byte));
    let rest = text.get(start..)?;
    let sign = match rest {
        [b'=' | b':' | b'>', ..] => 1,
        [b'\r', b'\n', b'\r', b'\n', ..] => 4,
        [b'\n', b'\n', ..] => 2,
        _ => return None,
    };
    if !is_secret_name(name, more) {
        return None;
    }
    start += sign;
    start += run(text, start, |byte| b" \t\\".contains(byte));
    let quote = text
        .get(start)
        .copied()
        .filter(|byte| b"\"'`".contains(byte));
    start += usize::from(quote.is_some());
    let length = match quote {
        Some(quote) => run(text, start, |byte| *byte != quote && *byte != b'\n'),
        None => run(text, start, |byte| !b"&;,<\"'`}]\r\n".contains(byte)),
    };
    (length > 0).then_some(Secret {
        start,
        end: start + length,
        label: "[redacted]",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> String {
        String::from_utf8_lossy(&redacted(text.as_bytes(), &["colour".to_owned()])).into_owned()
    }

    #[test]
    fn shapes_and_names_are_struck_out() {
        for (input, expected) in [
            // Numbers from the card schemes' own test pages.
            ("4111111111111111", "[card]"),
            ("n 4111 1111 1111 1111 x", "n [card] x"),
            ("5500-0055-5555-5559", "[card]"),
            ("378282246310005", "[card]"),
            ("6011+0009+9013+9424", "[card]"),
            ("mail alice@example.com now", "mail [email] now"),
            ("alice%2Bx%40mail.example.org", "[email]"),
            (
                "%257B%2522pwd%2522%253A%2522abc%2522",
                "%257B%2522pwd%2522%253A%2522[redacted]%2522",
            ),
            ("%34111111111111111", "[card]"),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "[jwt]"),
            ("sk_live_4eC39HqLyjWDarjtT1zdp7dc", "sk_live_[secret]"),
            ("da39a3ee5e6b4b0d3255bfef95601890afd80709", "[secret]"),
            ("password=hunter2&a=1", "password=[redacted]&a=1"),
            ("user[password]=hunter2", "user[password]=[redacted]"),
            (
                "{\"Token\": \"a b\", \"x\": 1}",
                "{\"Token\": \"[redacted]\", \"x\": 1}",
            ),
            ("{\\\"pwd\\\":\\\"x", "{\\\"pwd\\\":\\\"[redacted]"),
            ("<pin>1234</pin>", "<pin>[redacted]</pin>"),
            (
                "name=\"password\"\r\n\r\nhunter2\r\n--b",
                "name=\"password\"\r\n\r\n[redacted]\r\n--b",
            ),
            ("Authorization: Basic YTpi", "Authorization: [redacted]"),
            ("secret%3Dx", "secret%3D[redacted]"),
            ("user.pin=1234&a.b", "user.pin=[redacted]&a.b"),
            ("favourite_colour=red", "favourite_colour=[redacted]"),
            ("a=1&csrf_token=q;b=2", "a=1&csrf_token=[redacted];b=2"),
        ] {
            assert_eq!(text(input), expected);
        }
    }

    #[test]
    fn what_explains_a_decision_stays() {
        for input in [
            "1 UNION SELECT password FROM users",
            "' OR '1'='1' -- ",
            "4111111111111112",
            "1700000000000",
            "d2c21672-0360-479b-afd9-4a5fd5124ed4",
            // Thirteen digits of it pass Luhn's test.
            "8569ea92-5699-4506-8710-2cccd317411e",
            "user.address.street",
            "<script>alert(1)</script>",
            "../../etc/passwd",
            "how-to-build-a-house-in-2024-for-less",
            "a@b",
            "",
            "=",
            "@",
            "%40",
        ] {
            assert_eq!(text(input), input);
        }
    }

    #[test]
    fn paths_are_struck_out_by_what_they_decode_to() {
        for (target, expected) in [
            ("/users/alice@example.com/x?q=1", "/users/[email]/x"),
            ("/pay/%34111111111111111", "/pay/[card]"),
            ("/a;jsessionid=abc/b", "/a;jsessionid=[redacted]/b"),
            ("/a/%2e%2e/etc#f", "/a/%2e%2e/etc"),
            ("*", "*"),
            ("", ""),
        ] {
            let path = redacted_path(target.as_bytes(), 512, &[]);
            assert_eq!(String::from_utf8_lossy(&path), expected);
        }
        assert_eq!(redacted_path(&[b'a'; 3000], 512, &[]).len(), 512);
    }

    #[test]
    fn striking_out_moves_nothing() {
        let mut bytes = b"a password=x&4111111111111111 b".to_vec();
        strike_out(&mut bytes, &[]);
        assert_eq!(bytes, b"a password=*&**************** b");
    }

    #[test]
    fn names_of_fields() {
        for (name, secret) in [
            ("password", true),
            ("user[Password]", true),
            ("user.pin", true),
            ("user[pin]", true),
            ("opinion", false),
            ("zip_code", false),
            ("president", false),
            ("", false),
            ("..", false),
            (&format!("{}.api_key", "a.".repeat(100)), true),
        ] {
            assert_eq!(is_secret_name(name.as_bytes(), &[]), secret, "{name}");
        }
    }

    #[test]
    fn any_bytes_will_do() {
        // Every pair of bytes that mean something here, over and over, cut anywhere.
        let parts = [
            "eyJ", "4", "@", "%40", "password", "=", "\"", "\r\n\r\n", "\u{e9}", "a1", ".",
        ];
        for a in parts {
            for b in parts {
                let text = [a, b].concat().repeat(40);
                for end in [0, 1, 7, 41, text.len() / 2, text.len()] {
                    let cut = &text.as_bytes()[..end.min(text.len())];
                    let mut struck = cut.to_vec();
                    strike_out(&mut struck, &[]);
                    assert_eq!(struck.len(), cut.len());
                    redacted(cut, &[]);
                }
            }
        }
    }
}
