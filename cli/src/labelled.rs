//! One line of a file of labelled requests. The format is explained in `docs/evaluate.md`.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::proxied::{Request, parse_raw};

/// What a request is said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
pub(crate) enum Label {
    /// An attack, which should be blocked.
    #[serde(rename = "malicious")]
    Attack,
    /// Ordinary traffic, which should not.
    #[serde(rename = "benign")]
    Benign,
}

impl Label {
    /// Its name in files.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Attack => "malicious",
            Self::Benign => "benign",
        }
    }
}

/// A request with what is known of it.
#[derive(Clone, Debug)]
pub(crate) struct Labelled {
    pub(crate) id: String,
    pub(crate) source: String,
    pub(crate) category: String,
    pub(crate) placement: String,
    pub(crate) label: Label,
    pub(crate) request: Request,
    pub(crate) meta: Map<String, Value>,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    source: Option<Cow<'a, str>>,
    label: Option<Label>,
    category: Option<Cow<'a, str>>,
    placement: Option<Cow<'a, str>>,
    method: Option<Cow<'a, str>>,
    path: Option<Cow<'a, str>>,
    query: Option<Cow<'a, str>>,
    #[serde(default)]
    headers: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    body: Option<Cow<'a, str>>,
    body_b64: Option<Cow<'a, str>>,
    raw: Option<Cow<'a, str>>,
    #[serde(default)]
    meta: Map<String, Value>,
}

/// Base64 with or without its padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
);

impl Labelled {
    /// Reads one line, which is the `number`th of its file.
    ///
    /// # Errors
    /// Why it cannot be read, without the number.
    pub(crate) fn parse(line: &[u8], number: u64) -> Result<Self, String> {
        let line: Line<'_> = serde_json::from_slice(line).map_err(|error| {
            // The reader counts lines of its own, of which there is one.
            let text = error.to_string();
            match text.split_once(" at line 1 column ") {
                Some((what, column)) => format!("column {column}: {what}"),
                None => text,
            }
        })?;
        let label = line.label.ok_or("missing field `label`")?;
        let request = line.request()?;
        let word =
            |word: Option<Cow<'_, str>>| word.map_or_else(|| "-".to_owned(), Cow::into_owned);
        Ok(Self {
            id: line
                .id
                .map_or_else(|| format!("line {number}"), Cow::into_owned),
            source: word(line.source),
            category: word(line.category),
            placement: word(line.placement),
            label,
            request,
            meta: line.meta,
        })
    }

    /// What counts as the payload: two requests with one payload are one attack in two places. A
    /// request that names none is its own.
    pub(crate) fn payload(&self) -> Option<&str> {
        self.meta.get("payload").and_then(Value::as_str)
    }

    /// Takes away what a collection shows of itself rather than of an attack: the User-Agent of its
    /// tool, unless the payload stands there, and a missing Content-Type.
    pub(crate) fn neutralise(&mut self) {
        const BROWSER: &[u8] = b"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 \
            (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
        let request = &mut self.request;
        if self.placement != "user-agent" {
            let agents = request
                .headers
                .iter_mut()
                .filter(|(name, _)| name.eq_ignore_ascii_case(b"user-agent"));
            let mut found = false;
            for (_, value) in agents {
                *value = BROWSER.to_vec();
                found = true;
            }
            if !found {
                request
                    .headers
                    .push((b"User-Agent".to_vec(), BROWSER.to_vec()));
            }
        }
        if !request.body.is_empty() && request.header("content-type").is_none() {
            let media_type = media_type_of(&request.body);
            request.headers.push((b"Content-Type".to_vec(), media_type));
        }
    }
}

/// The request of a line whose label does not matter, and its id.
///
/// # Errors
/// Why it cannot be read.
pub(crate) fn request_of(line: &Value) -> Result<(Option<String>, Request), String> {
    let line = Line::deserialize(line).map_err(|error| error.to_string())?;
    Ok((line.id.as_deref().map(str::to_owned), line.request()?))
}

/// Bytes in base64.
///
/// # Errors
/// Why they are none.
pub(crate) fn from_base64(key: &str, text: &str) -> Result<Vec<u8>, String> {
    BASE64
        .decode(text)
        .map_err(|error| format!("{key}: {error}"))
}

impl Line<'_> {
    fn request(&self) -> Result<Request, String> {
        let raw = self
            .raw
            .as_deref()
            .or_else(|| self.meta.get("raw").and_then(Value::as_str));
        match raw {
            Some(raw) => Ok(parse_raw(&from_base64("raw", raw)?)),
            None => self.request_of_parts(),
        }
    }

    fn request_of_parts(&self) -> Result<Request, String> {
        let path = self.path.as_deref().ok_or("missing field `path`")?;
        let mut target = octets("path", path)?;
        if let Some(query) = &self.query {
            target.push(b'?');
            target.extend(octets("query", query)?);
        }
        let headers = self
            .headers
            .iter()
            .map(|(name, value)| Ok((octets("headers", name)?, octets("headers", value)?)))
            .collect::<Result<_, String>>()?;
        let body = match (&self.body, self.body_b64.as_deref()) {
            (Some(_), Some(_)) => return Err("`body` and `body_b64` exclude each other".to_owned()),
            (Some(text), None) => text.as_bytes().to_vec(),
            (None, text) => from_base64("body_b64", text.unwrap_or_default())?,
        };
        Ok(Request {
            method: octets("method", self.method.as_deref().unwrap_or("GET"))?,
            target,
            headers,
            body,
            trailers: Vec::new(),
        })
    }
}

/// Text whose characters are the octets on the wire.
fn octets(key: &str, text: &str) -> Result<Vec<u8>, String> {
    text.chars()
        .map(|c| {
            u8::try_from(u32::from(c)).map_err(|_| {
                format!("{key}: {c:?} is no octet; write each octet as U+0000 to U+00FF")
            })
        })
        .collect()
}

/// The media type that fits a body.
fn media_type_of(body: &[u8]) -> Vec<u8> {
    let start = body.trim_ascii_start();
    match start {
        [b'{' | b'[', ..] => b"application/json".to_vec(),
        [b'<', ..] if is_xml(start) => b"application/xml".to_vec(),
        [b'-', b'-', ..] => {
            let line = start.split(|byte| matches!(byte, b'\r' | b'\n')).next();
            let boundary = line.and_then(|line| line.get(2..)).unwrap_or_default();
            [b"multipart/form-data; boundary=", boundary].concat()
        }
        // A `=` at the end alone is the padding of base64.
        _ if has_pair(start) => b"application/x-www-form-urlencoded".to_vec(),
        _ => b"text/plain".to_vec(),
    }
}

/// Whether text that begins with `<` says of itself that it is XML. Markup that does not is a fragment of HTML
/// which a client would hardly send under that name.
fn is_xml(text: &[u8]) -> bool {
    let begins = |start: &[u8]| {
        text.get(..start.len())
            .is_some_and(|own| own.eq_ignore_ascii_case(start))
    };
    let first_tag = text.split(|byte| *byte == b'>').next().unwrap_or_default();
    let name = first_tag
        .split(|byte| byte.is_ascii_whitespace())
        .next()
        .unwrap_or_default();
    begins(b"<?xml")
        || (begins(b"<!doctype") && !begins(b"<!doctype html"))
        || name.contains(&b':')
        || first_tag
            .windows(6)
            .any(|window| window == b"xmlns=" || window == b"xmlns:")
}

/// Whether a text holds `name=value` somewhere. What ends in `=` alone may be padded base64.
fn has_pair(text: &[u8]) -> bool {
    let text = text.trim_ascii_end();
    let end = text.iter().rposition(|byte| *byte != b'=');
    end.and_then(|end| text.get(..end))
        .is_some_and(|text| text.contains(&b'='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_are_octets() {
        let line = br#"{"label":"malicious","path":"/\u00ff","query":"","headers":[["A","\u0000"]],"body_b64":"/w"}"#;
        let read = Labelled::parse(line, 7).expect("a request");
        assert_eq!(read.request.target, b"/\xff?");
        assert_eq!(read.request.headers[0].1, b"\0");
        assert_eq!(read.request.body, b"\xff");
        assert_eq!(read.id, "line 7");
        assert_eq!(read.request.method, b"GET");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (line, expected) in [
            ("{", "column 1: EOF while parsing an object"),
            (r#"{"path":"/"}"#, "missing field `label`"),
            (r#"{"label":"benign"}"#, "missing field `path`"),
            (
                r#"{"label":"benign","path":"/é€"}"#,
                "path: '€' is no octet; write each octet as U+0000 to U+00FF",
            ),
            (
                r#"{"label":"benign","path":"/","body":"","body_b64":""}"#,
                "`body` and `body_b64` exclude each other",
            ),
        ] {
            assert_eq!(
                Labelled::parse(line.as_bytes(), 1).expect_err(line),
                expected
            );
        }
    }

    #[test]
    fn a_fitting_media_type() {
        for (body, expected) in [
            (" {\"a\":1}", "application/json"),
            ("<?xml version=\"1.0\"?><a/>", "application/xml"),
            ("<s:Envelope><s:Body/></s:Envelope>", "application/xml"),
            ("<a xmlns='x'/>", "application/xml"),
            ("<script>alert(1)</script>", "text/plain"),
            ("<!DOCTYPE html><p>", "text/plain"),
            (
                "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
                "application/xml",
            ),
            ("PHNjcmlwdD4=", "text/plain"),
            ("a=PHNjcmlwdD4=", "application/x-www-form-urlencoded"),
            (
                "--x\r\nContent-Disposition: form-data",
                "multipart/form-data; boundary=x",
            ),
            ("a=b", "application/x-www-form-urlencoded"),
            ("hello", "text/plain"),
        ] {
            assert_eq!(media_type_of(body.as_bytes()), expected.as_bytes());
        }
    }
}
