//! Control characters inside of the scheme of a URL. Browsers remove tabs and line breaks from URLs
//! before they read them (WHATWG URL, 4.4), so `java&#x0A;script:` runs.

use super::Outcome;

/// Whether there is anything to remove.
pub fn applies(input: &[u8]) -> bool {
    memchr::memchr_iter(b':', input).any(|colon| broken_scheme(input, colon).is_some())
}

/// Appends `input` to `out` with the schemes of [`SCHEMES`] mended.
pub fn decode(input: &[u8], out: &mut Vec<u8>) -> Outcome {
    let mut outcome = Outcome::default();
    let mut copied = 0;
    for colon in memchr::memchr_iter(b':', input) {
        if let Some(start) = broken_scheme(input, colon) {
            outcome.changed = true;
            out.extend_from_slice(input.get(copied..start).unwrap_or_default());
            let scheme = input.get(start..colon).unwrap_or_default();
            out.extend(scheme.iter().filter(|byte| !control(**byte)));
            copied = colon;
        }
    }
    out.extend_from_slice(input.get(copied..).unwrap_or_default());
    outcome
}

/// Schemes that run code or fetch, so that somebody has a reason to hide them.
const SCHEMES: [&str; 12] = [
    "javascript",
    "vbscript",
    "livescript",
    "data",
    "file",
    "https",
    "http",
    "ftp",
    "gopher",
    "ldap",
    "php",
    "phar",
];

const fn control(byte: u8) -> bool {
    matches!(byte, 0x01..=0x1F)
}

/// Where the scheme before this colon begins, if control characters stand in it. Looks back no
/// farther than to the colon before, so that all colons together cost one pass for each scheme.
fn broken_scheme(input: &[u8], colon: usize) -> Option<usize> {
    let before = input.get(..colon)?;
    SCHEMES.iter().find_map(|scheme| {
        let mut rest = before;
        let mut broken = false;
        for letter in scheme.bytes().rev() {
            while let [shorter @ .., last] = rest
                && control(*last)
            {
                broken = true;
                rest = shorter;
            }
            match rest {
                [shorter @ .., last] if last.eq_ignore_ascii_case(&letter) => rest = shorter,
                _ => return None,
            }
        }
        broken.then_some(rest.len())
    })
}
