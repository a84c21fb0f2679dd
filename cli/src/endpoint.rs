//! Endpoints: a method and a path in which what identifies one thing is replaced by its kind, so that
//! `/orders/17` and `/orders/18` are one.

use palisade::decode;

/// What stands in for a segment, and the regular expression of those it stands for.
const KINDS: [(&str, &str); 5] = [
    ("{number}", "[0-9]+"),
    (
        "{uuid}",
        "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}",
    ),
    ("{hex}", "[0-9A-Fa-f]+"),
    ("{date}", "[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    ("{any}", "[^/]+"),
];

/// What stands in for any segment.
pub(crate) const ANY: &str = "{any}";

/// The longest segment that may be a word of the application rather than somebody's value.
const LONGEST_WORD: usize = 40;
/// Segments that are told apart; what follows is one more of any kind.
const MOST_SEGMENTS: usize = 16;

/// The template of a path as a client sent it. It is decoded and resolved as exceptions do it; the query, if
/// there is one, is left out.
pub(crate) fn template(target: &[u8]) -> String {
    let end = target
        .iter()
        .position(|byte| matches!(byte, b'?' | b'#'))
        .unwrap_or(target.len());
    let path = target.get(..end).unwrap_or(target);
    let mut decoded = Vec::with_capacity(path.len());
    decode::percent::decode(path, false, &mut decoded);
    let mut resolved = Vec::with_capacity(decoded.len());
    decode::path::decode(&decoded, &mut resolved);
    let text = String::from_utf8_lossy(&resolved);
    let mut out = String::with_capacity(text.len());
    let segments = text.strip_prefix('/').unwrap_or(&text).split('/');
    for (index, segment) in segments.enumerate() {
        if index == MOST_SEGMENTS {
            out.push_str("/{more}");
            break;
        }
        out.push('/');
        match kind(segment) {
            Some(kind) => out.push_str(kind),
            None => out.push_str(segment),
        }
    }
    out
}

/// What kind of value a segment is; `None` for a word of the application.
fn kind(segment: &str) -> Option<&'static str> {
    // A template that is read again stays what it is; a record comes with its own.
    if let Some((own, _)) = KINDS.iter().find(|(own, _)| *own == segment) {
        return Some(own);
    }
    let bytes = segment.as_bytes();
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    if bytes.is_empty() {
        None
    } else if digits == bytes.len() {
        Some("{number}")
    } else if is_uuid(bytes) {
        Some("{uuid}")
    } else if is_date(bytes) {
        Some("{date}")
    } else if bytes.len() >= 8 && digits >= 2 && bytes.iter().all(u8::is_ascii_hexdigit) {
        Some("{hex}")
    } else if bytes.len() > LONGEST_WORD
        || digits >= 4 && bytes.len() >= 12
        || !bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~@!+,:=$".contains(byte))
    {
        Some(ANY)
    } else {
        None
    }
}

fn is_uuid(bytes: &[u8]) -> bool {
    bytes.len() == 36
        && bytes.iter().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_date(bytes: &[u8]) -> bool {
    bytes.len() == 10
        && bytes.iter().enumerate().all(|(index, byte)| match index {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

/// Whether a template stands for more than one path.
pub(crate) fn is_pattern(template: &str) -> bool {
    template.contains('{')
}

/// The regular expression of the paths that a template stands for, anchored at both ends; `None` for one that
/// nobody should excuse, because it stands for too much.
pub(crate) fn regex(template: &str) -> Option<String> {
    let mut out = "^".to_owned();
    let mut words = 0;
    for segment in template.strip_prefix('/').unwrap_or(template).split('/') {
        out.push('/');
        match KINDS.iter().find(|(own, _)| *own == segment) {
            Some((_, kind)) => out.push_str(kind),
            None if segment == "{more}" => return None,
            None => {
                words += usize::from(!segment.is_empty());
                escape(segment, &mut out);
            }
        }
    }
    out.push('$');
    (words > 0).then_some(out)
}

/// Appends a text in which every character means itself.
pub(crate) fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        if r"\.+*?()|[]{}^$#&-~".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
}

/// A path that belongs to a template, for trying it out.
pub(crate) fn example(template: &str) -> String {
    template
        .replace("{number}", "17")
        .replace("{uuid}", "1f0e4a5c-7b52-4c7e-9d8a-2d3f6b8c9e01")
        .replace("{hex}", "1f0e4a5c")
        .replace("{date}", "2026-01-31")
        .replace(ANY, "a")
}

/// A method as it is counted: what is none is one other.
pub(crate) fn method(bytes: &[u8]) -> String {
    let known = !bytes.is_empty()
        && bytes.len() <= 20
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_uppercase() || *byte == b'-');
    if known {
        String::from_utf8_lossy(bytes).into_owned()
    } else {
        "OTHER".to_owned()
    }
}

/// The host of an authority: without port, in lower case, nothing but what a host may hold.
pub(crate) fn host(authority: &str) -> String {
    let host = authority.rsplit('@').next().unwrap_or_default();
    let end = match host.starts_with('[') {
        true => host.find(']').map(|at| at + 1),
        false => host.find(':'),
    };
    let host = end.and_then(|end| host.get(..end)).unwrap_or(host);
    let host = host.strip_suffix('.').unwrap_or(host);
    let fits = host.len() <= 253
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte));
    match fits {
        true => host.to_ascii_lowercase(),
        false => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_templates() {
        for (path, expected) in [
            ("/orders/17?a=b", "/orders/{number}"),
            ("/orders/../users/%31%32/", "/users/{number}/"),
            ("/i/1f0e4a5c-7b52-4c7e-9d8a-2d3f6b8c9e01/x", "/i/{uuid}/x"),
            ("/d/2026-11-20", "/d/{date}"),
            ("/api/v1/data", "/api/v1/data"),
            ("/c/deadbeef01", "/c/{hex}"),
            ("/p/O'Brien", "/p/{any}"),
            ("/p/a%20b", "/p/{any}"),
            ("/", "/"),
            ("", "/"),
            ("/{number}/{nonsense}", "/{number}/{any}"),
            ("/\u{ff}", "/{any}"),
        ] {
            assert_eq!(template(path.as_bytes()), expected, "{path}");
        }
        let deep = "/a".repeat(40);
        let template = template(deep.as_bytes());
        assert!(template.ends_with("/a/{more}"));
        assert_eq!(regex(&template), None);
    }

    #[test]
    fn templates_become_patterns() {
        for (template, expected) in [
            ("/orders/{number}", Some("^/orders/[0-9]+$")),
            ("/a.b/{any}", Some(r"^/a\.b/[^/]+$")),
            ("/{any}", None),
            ("/", None),
        ] {
            assert_eq!(regex(template).as_deref(), expected, "{template}");
        }
        assert_eq!(example("/a/{number}/{any}"), "/a/17/a");
        // What an example is made of belongs to its template.
        for (kind, _) in KINDS {
            let path = example(&format!("/a/{kind}"));
            let again = template(path.as_bytes());
            assert!(
                again == format!("/a/{kind}") || kind == ANY,
                "{path} {again}"
            );
        }
    }

    #[test]
    fn hosts_are_told_from_what_is_none() {
        for (authority, expected) in [
            ("Shop.Example:8080", "shop.example"),
            ("u@shop.example.", "shop.example"),
            ("[::1]:80", "[::1]"),
            ("<b>", ""),
        ] {
            assert_eq!(host(authority), expected);
        }
    }
}
