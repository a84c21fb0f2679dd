//! A recorded request, whatever recorded it.

use std::net::IpAddr;

use serde_json::{Map, Value};

use crate::input::{address, explained};
use crate::labelled::{from_base64, request_of};
use crate::proxied::{Octets, Request};

/// A request with what its recording says beside it.
#[derive(Clone, Debug, Default)]
pub(super) struct Recorded {
    /// What its file calls it.
    pub(super) id: Option<String>,
    pub(super) request: Request,
    pub(super) client: Option<IpAddr>,
    /// It had a body that was not recorded.
    pub(super) head_only: bool,
}

/// Keys by which the line of an access log is told from a request of our own.
const OF_ACCESS_LOG: [&str; 10] = [
    "authority",
    ":authority",
    "protocol",
    "status",
    "response_code",
    "details",
    "response_code_details",
    "waf",
    "waf_action",
    "start_time",
];

/// Headers that access logs print under a key of their own, `-` written as `_`.
const HEADER_KEYS: [&str; 9] = [
    "user_agent",
    "referer",
    "content_type",
    "accept",
    "accept_language",
    "accept_encoding",
    "cookie",
    "origin",
    "x_forwarded_for",
];

/// Methods whose requests have a body as a rule.
const WITH_BODY: [&[u8]; 3] = [b"POST", b"PUT", b"PATCH"];

impl Recorded {
    /// Reads one line: a request of our own format, or of an access log in JSON. What stands before the first
    /// brace is a prefix of the log.
    ///
    /// # Errors
    /// Why it is neither.
    pub(super) fn of_line(line: &[u8]) -> Result<Self, String> {
        let start = line
            .iter()
            .position(|byte| *byte == b'{')
            .ok_or("no JSON object")?;
        let text = line.get(start..).unwrap_or_default();
        let value: Value =
            serde_json::from_slice(text).map_err(|error| explained(&error, start))?;
        let Value::Object(object) = &value else {
            return Err("no JSON object".to_owned());
        };
        if object.contains_key("record") {
            return Err("a record of a decision, which does not carry the request".to_owned());
        }
        if OF_ACCESS_LOG.iter().any(|key| object.contains_key(*key)) {
            return Self::of_access_log(object);
        }
        let (id, request) = request_of(&value)?;
        Ok(Self {
            id,
            request,
            ..Self::default()
        })
    }

    fn of_access_log(object: &Map<String, Value>) -> Result<Self, String> {
        let text = |keys: &[&str]| keys.iter().find_map(|key| said(object.get(*key)));
        let method = text(&["method", ":method", "request_method"]).ok_or("no `method`")?;
        let path = text(&["path", ":path", "request_path"]).ok_or("no `path`")?;
        let mut headers = Vec::new();
        if let Some(host) = text(&["authority", ":authority", "host"]) {
            headers.push((b"host".to_vec(), host.into_bytes()));
        }
        for key in HEADER_KEYS {
            let name = key.replace('_', "-");
            if let Some(value) = text(&[key, &name]) {
                headers.push((name.into_bytes(), value.into_bytes()));
            }
        }
        for key in ["headers", "request_headers"] {
            headers.extend(listed_headers(object.get(key))?);
        }
        let client = text(&["client", "downstream_remote_address", "x_forwarded_for"]);
        let method = method.into_bytes();
        Ok(Self {
            id: text(&["request_id", "x_request_id"]),
            head_only: WITH_BODY.contains(&method.as_slice()),
            request: Request {
                method,
                target: path.into_bytes(),
                headers,
                ..Request::default()
            },
            client: client.as_deref().and_then(address),
        })
    }

    /// Reads the `request` of an entry of a HAR file; `None` for what never was a request over HTTP, such as
    /// an image inside a page.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(super) fn of_har(request: &Value) -> Result<Option<Self>, String> {
        let text = |value: &Value, key: &str| said(value.get(key));
        let method = text(request, "method").ok_or("no `request.method`")?;
        let url = text(request, "url").ok_or("no `request.url`")?;
        let url = url.split('#').next().unwrap_or_default();
        let Some((scheme, rest)) = url.split_once("://") else {
            return Ok(None);
        };
        let target = match scheme.to_ascii_lowercase().as_str() {
            "http" | "https" => url.to_owned(),
            "ws" | "wss" => format!("http://{rest}"),
            _ => return Ok(None),
        };
        let mut headers = listed_headers(request.get("headers"))?;
        // What HTTP/2 writes in front of the headers; the URL says the same.
        headers.retain(|(name, _)| !name.starts_with(b":"));
        let body = match request.get("postData") {
            None | Some(Value::Null) => Vec::new(),
            Some(data) => body_of_har(data)?,
        };
        Ok(Some(Self {
            request: Request {
                method: method.into_bytes(),
                target: target.into_bytes(),
                headers,
                body,
                trailers: Vec::new(),
            },
            ..Self::default()
        }))
    }
}

/// The body of a `postData`: its text, or the parameters where there is no text.
fn body_of_har(data: &Value) -> Result<Octets, String> {
    if let Some(Value::String(text)) = data.get("text") {
        return match data.get("encoding").and_then(Value::as_str) {
            Some("base64") => from_base64("request.postData.text", text),
            _ => Ok(text.clone().into_bytes()),
        };
    }
    let params = data.get("params").and_then(Value::as_array);
    let mut body = Vec::new();
    for param in params.into_iter().flatten() {
        if !body.is_empty() {
            body.push(b'&');
        }
        let part = |key: &str| param.get(key).and_then(Value::as_str).unwrap_or_default();
        body.extend_from_slice(part("name").as_bytes());
        body.push(b'=');
        body.extend_from_slice(part("value").as_bytes());
    }
    Ok(body)
}

/// What a value says, unless it is one of the ways to say nothing.
fn said(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if text.is_empty() || text == "-" => None,
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Headers as an object, a list of pairs, or a list of objects with `name` and `value`.
fn listed_headers(value: Option<&Value>) -> Result<Vec<(Octets, Octets)>, String> {
    const WRONG: &str = "headers: expected names with values, all texts";
    let pair = |name: &Value, value: &Value| match (name, value) {
        (Value::String(name), Value::String(value)) => {
            Ok((name.clone().into_bytes(), value.clone().into_bytes()))
        }
        _ => Err(WRONG.to_owned()),
    };
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Object(object)) => object
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| pair(&Value::String(name.clone()), value))
            .collect(),
        Some(Value::Array(list)) => list
            .iter()
            .map(|item| match item {
                Value::Array(two) => match two.as_slice() {
                    [name, value] => pair(name, value),
                    _ => Err(WRONG.to_owned()),
                },
                item => pair(
                    item.get("name").unwrap_or_default(),
                    item.get("value").unwrap_or_default(),
                ),
            })
            .collect(),
        Some(_) => Err(WRONG.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    #[test]
    fn lines_of_access_logs_are_requests_as_far_as_they_go() {
        let line = br#"[2026] prefix {"start_time":"x","method":"POST","path":"/a?b=c","authority":"shop",
            "user_agent":"curl/8","referer":"-","cookie":null,"downstream_remote_address":"192.0.2.1:4711",
            "headers":{"x-a":"1","x-b":null},"request_id":"r-1","response_code":200}"#;
        let read = Recorded::of_line(line).expect("a request");
        assert_eq!(text(&read.request.target), "/a?b=c");
        let headers: Vec<_> = read
            .request
            .headers
            .iter()
            .map(|(name, value)| format!("{}: {}", text(name), text(value)))
            .collect();
        assert_eq!(headers, ["host: shop", "user-agent: curl/8", "x-a: 1"]);
        assert_eq!(read.client, Some([192, 0, 2, 1].into()));
        assert_eq!(read.id.as_deref(), Some("r-1"));
        assert!(read.head_only && read.request.body.is_empty());
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for (line, expected) in [
            ("nothing", "no JSON object"),
            ("ab{", "column 3: EOF while parsing an object"),
            (
                r#"{"record":1,"path":"/"}"#,
                "a record of a decision, which does not carry the request",
            ),
            (r#"{"status":200,"path":"/"}"#, "no `method`"),
            (r#"{"label":"benign"}"#, "missing field `path`"),
        ] {
            assert_eq!(
                Recorded::of_line(line.as_bytes()).expect_err(line),
                expected
            );
        }
    }

    #[test]
    fn entries_of_har_files_are_whole_requests() {
        let entry = serde_json::json!({"method": "POST", "url": "https://shop.example/a?b=c#d",
            "headers": [{"name": ":path", "value": "/"}, {"name": "X-A", "value": "b"}],
            "postData": {"mimeType": "application/x-www-form-urlencoded",
                "params": [{"name": "a", "value": "b"}, {"name": "c"}]}});
        let read = Recorded::of_har(&entry)
            .expect("a request")
            .expect("over HTTP");
        assert_eq!(text(&read.request.target), "https://shop.example/a?b=c");
        assert_eq!(text(&read.request.body), "a=b&c=");
        assert_eq!(read.request.headers.len(), 1);
        let entry = serde_json::json!({"method": "PUT", "url": "http://x/", "postData":
            {"text": "AAE=", "encoding": "base64"}});
        let read = Recorded::of_har(&entry)
            .expect("a request")
            .expect("over HTTP");
        assert_eq!(read.request.body, [0, 1]);
        let image = serde_json::json!({"method": "GET", "url": "data:image/png;base64,AA"});
        assert!(Recorded::of_har(&image).expect("no request").is_none());
        assert!(Recorded::of_har(&serde_json::json!({})).is_err());
    }
}
