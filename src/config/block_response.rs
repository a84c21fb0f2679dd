//! What a blocked client is told: status, headers, and a body in JSON or HTML.

use super::node::Node;
use super::problem::Problems;
use super::read::{Object, Read, shown, wrong};

/// What a blocked client is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockResponse {
    /// HTTP status, 400 to 599.
    pub status: u16,
    /// Headers beside the content type, names in lower case. Values are templates.
    pub headers: Vec<(String, String)>,
    /// The body for programs; without it a problem document (RFC 9457).
    pub json: Option<String>,
    /// The body for clients that would rather have HTML than JSON, by their `Accept` header (RFC 9110,
    /// 12.5.1). Without it they get JSON too.
    pub html: Option<String>,
}

impl Default for BlockResponse {
    fn default() -> Self {
        Self {
            status: 403,
            headers: Vec::new(),
            json: None,
            html: None,
        }
    }
}

/// What stands for something else in a template.
const PLACEHOLDERS: [&str; 2] = ["request_id", "status"];
/// Bytes of a body.
const LONGEST_BODY: usize = 16 << 10;
/// Bytes of the value of a header.
const LONGEST_VALUE: usize = 1024;
/// Headers of a response.
const MOST_HEADERS: usize = 16;
/// Headers that are not the policy's to write: they follow from the body, or belong to the connection
/// or to the proxy.
const NOT_OURS: [&str; 9] = [
    "content-type",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "upgrade",
    "te",
    "trailer",
    "x-palisade-decision",
];

/// The headers of an answer that no policy writes.
pub const fn headers_of_the_proxy() -> [&'static str; NOT_OURS.len()] {
    NOT_OURS
}

impl BlockResponse {
    /// Reads what an object says over what holds so far.
    pub(super) fn read_from(&mut self, node: &Node, path: &str, problems: &mut Problems) {
        let Some(mut object) = Object::open(node, path, problems) else {
            return;
        };
        if let Some(status) = object.optional::<u32>("status", problems) {
            match u16::try_from(status) {
                Ok(status) if (400..=599).contains(&status) => self.status = status,
                _ => problems.add(
                    &object.path_of("status"),
                    "expected a status from 400 to 599",
                ),
            }
        }
        let at = object.path_of("headers");
        if let Some(node) = object.node("headers") {
            self.headers = read_headers(node, &at, problems);
        }
        if let Some(text) = template(&mut object, "json", LONGEST_BODY, problems) {
            let sample = text.replace("{request_id}", "0").replace("{status}", "403");
            if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(&sample) {
                let (line, column) = (error.line(), error.column());
                problems.add(
                    &object.path_of("json"),
                    format!("the body would not be JSON: line {line}, column {column}"),
                );
            }
            self.json = Some(text);
        }
        if let Some(text) = template(&mut object, "html", LONGEST_BODY, problems) {
            self.html = Some(text);
        }
        object.close(problems);
    }
}

fn template(
    object: &mut Object<'_>,
    key: &'static str,
    longest: usize,
    problems: &mut Problems,
) -> Option<String> {
    let text = object.optional::<String>(key, problems)?;
    check_template(&text, longest, &object.path_of(key), problems);
    Some(text)
}

/// A template is plain text but for its placeholders; a word in braces that is none of them is a slip.
fn check_template(text: &str, longest: usize, path: &str, problems: &mut Problems) {
    if text.len() > longest {
        problems.add(path, format!("{} bytes; at most {longest}", text.len()));
    }
    for rest in text.split('{').skip(1) {
        let Some((word, _)) = rest.split_once('}') else {
            continue;
        };
        let is_word =
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_');
        if is_word && !PLACEHOLDERS.contains(&word) {
            let message = format!(
                "`{{{}}}` stands for nothing; expected {{{}}}",
                shown(word),
                PLACEHOLDERS.join("}, {")
            );
            problems.add_unknown(path, message, word, PLACEHOLDERS.into_iter());
        }
    }
}

fn read_headers(node: &Node, path: &str, problems: &mut Problems) -> Vec<(String, String)> {
    let Node::Object(entries) = node else {
        wrong::<()>(node, path, "an object from header name to value", problems);
        return Vec::new();
    };
    if entries.len() > MOST_HEADERS {
        problems.add(
            path,
            format!("{} headers; at most {MOST_HEADERS}", entries.len()),
        );
    }
    let mut headers: Vec<(String, String)> = Vec::with_capacity(entries.len());
    for (name, value) in entries {
        let at = format!("{path}[\"{}\"]", shown(name));
        let token = (1..=64).contains(&name.len())
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b));
        if !token {
            problems.add(&at, "expected the name of a header in lower case");
        } else if NOT_OURS.contains(&name.as_str()) {
            problems.add(&at, "this header is not for a policy to write");
        } else if headers.iter().any(|(earlier, _)| earlier == name) {
            problems.add(&at, "this key stands twice; keep one of them");
        }
        let Some(value) = String::read(value, &at, problems) else {
            continue;
        };
        check_template(&value, LONGEST_VALUE, &at, problems);
        // RFC 9110, 5.5, without what is obsolete: a line end would begin another header.
        if !value.bytes().all(|b| (b' '..=b'~').contains(&b)) {
            problems.add(&at, "expected printable ASCII");
        }
        headers.push((name.clone(), value));
    }
    headers
}
