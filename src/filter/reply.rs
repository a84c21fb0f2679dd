//! The answer to a blocked client: the status, the request id, no hint at the rule; in JSON or HTML.

use super::effects::{DECISION_HEADER, details};
use super::host::{Host, Reply};
use crate::config::BlockResponse;
use crate::model::Verdict;

/// What the answer to a client needs to know of the request.
#[derive(Clone, Debug, Default)]
pub(super) struct Asker {
    /// The proxy's id of the request: what a customer quotes to support. Visible ASCII, without `<`.
    pub(super) request_id: Vec<u8>,
    /// Whether the client speaks gRPC: the body becomes the `grpc-message`.
    pub(super) grpc: bool,
    /// Whether the client would rather have HTML than JSON.
    pub(super) html: bool,
}

/// The body where a policy has none of its own: a problem document (RFC 9457).
const PROBLEM: &str = concat!(
    r#"{"type":"about:blank","title":"Request blocked","status":{status},"request_id":"{request_id}"}"#,
    "\n"
);

/// Answers a blocked client. The `decision` is for the proxy's metadata, which takes it away.
pub(super) fn reply_blocked(
    host: &dyn Host,
    response: &BlockResponse,
    verdict: &Verdict,
    decision: Option<&[u8]>,
    asker: &Asker,
) -> bool {
    let id = String::from_utf8_lossy(&asker.request_id);
    let status = response.status;
    let (media_type, body) = if asker.grpc {
        ("text/plain", format!("request blocked, id {id}"))
    } else {
        match (&response.html, &response.json) {
            (Some(html), _) if asker.html => (
                "text/html; charset=utf-8",
                fill(html, status, &escape_html(&id)),
            ),
            (_, Some(json)) => ("application/json", fill(json, status, &escape_json(&id))),
            (_, None) => (
                "application/problem+json",
                fill(PROBLEM, status, &escape_json(&id)),
            ),
        }
    };
    let own: Vec<(&str, String)> = response
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), fill(value, status, &id)))
        .collect();
    let is_own = |name: &str| own.iter().any(|(own, _)| *own == name);
    let mut headers: Vec<(&str, &[u8])> = vec![("content-type", media_type.as_bytes())];
    if !is_own("cache-control") {
        headers.push(("cache-control", b"no-store"));
    }
    if response.html.is_some() && !is_own("vary") {
        headers.push(("vary", b"accept"));
    }
    headers.extend(own.iter().map(|(name, value)| (*name, value.as_bytes())));
    headers.extend(decision.map(|decision| (DECISION_HEADER, decision)));
    host.reply(&Reply {
        status,
        details: &details(verdict),
        headers: &headers,
        grpc_status: Some(grpc_status(status)),
        body: body.as_bytes(),
    })
}

/// What a call over gRPC is told in place of an HTTP status. A proxy maps what it does not know to UNKNOWN,
/// which says nothing; a call that was blocked was refused.
const fn grpc_status(status: u16) -> u8 {
    match status {
        401 => 16, // UNAUTHENTICATED
        429 => 8,  // RESOURCE_EXHAUSTED
        503 => 14, // UNAVAILABLE
        _ => 7,    // PERMISSION_DENIED
    }
}

/// Puts what belongs there in place of the placeholders. The id is put in last, so that what a client
/// chose is never read as a template.
fn fill(template: &str, status: u16, id: &str) -> String {
    template
        .replace("{status}", &status.to_string())
        .replace("{request_id}", id)
}

fn escape_json(text: &str) -> String {
    let mut quoted = Vec::with_capacity(text.len() + 2);
    crate::engine::json_string(&mut quoted, text.as_bytes());
    let quoted = String::from_utf8_lossy(&quoted);
    let inner = quoted
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    inner.unwrap_or_default().to_owned()
}

/// Text that means itself between tags and in quoted attributes.
fn escape_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '`' => out.push_str("&#96;"),
            _ => out.push(c),
        }
    }
    out
}

/// Whether a client would rather have HTML than JSON (RFC 9110, 12.5.1): only if it says so, not where
/// it takes either as gladly.
pub(super) fn prefers_html<'a>(accept: impl Iterator<Item = &'a [u8]>) -> bool {
    let mut html = Quality::default();
    let mut json = Quality::default();
    for range in accept.flat_map(|value| value.split(|byte| *byte == b',')) {
        let mut parts = range.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let quality = parts.find_map(quality).unwrap_or(1000);
        match name.as_slice() {
            b"text/html" => html.note(3, quality),
            b"application/json" | b"application/problem+json" => json.note(3, quality),
            b"text/*" => html.note(2, quality),
            b"application/*" => json.note(2, quality),
            b"*/*" => {
                html.note(1, quality);
                json.note(1, quality);
            }
            _ => {}
        }
    }
    html.value > json.value
}

/// How gladly a media type is taken, in thousandths, by the most specific range that names it.
#[derive(Default)]
struct Quality {
    specific: u8,
    value: u16,
}

impl Quality {
    fn note(&mut self, specific: u8, value: u16) {
        if specific > self.specific {
            *self = Self { specific, value };
        } else if specific == self.specific {
            self.value = self.value.max(value);
        }
    }
}

/// `q=0.8` in thousandths.
fn quality(parameter: &[u8]) -> Option<u16> {
    let value = parameter
        .strip_prefix(b"q=")
        .or_else(|| parameter.strip_prefix(b"Q="))?;
    let value: f32 = std::str::from_utf8(value).ok()?.parse().ok()?;
    // What is not a number becomes 0, what is out of bounds the nearest bound.
    Some((value.clamp(0.0, 1.0) * 1000.0) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_only_for_those_who_would_rather_have_it() {
        for (accept, html) in [
            // Firefox, Chrome.
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
                true,
            ),
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7",
                true,
            ),
            // curl, fetch, axios.
            ("*/*", false),
            ("", false),
            ("application/json, text/plain, */*", false),
            ("application/json", false),
            ("text/html, application/json", false),
            ("text/html, application/json;q=0.9", true),
            ("text/html;q=0.5, application/json", false),
            ("TEXT/HTML", true),
            ("text/*, application/json;q=0.1", true),
            ("text/html;level=1", true),
            ("text/html;q=0", false),
            ("text/html;q=0, */*", false),
            ("text/html;q=nan", false),
            ("text/html;q=9, application/json", false),
            ("image/png", false),
            (",;,;q=,", false),
        ] {
            let values = [accept.as_bytes()];
            assert_eq!(prefers_html(values.into_iter()), html, "{accept}");
        }
        let two: [&[u8]; 2] = [b"application/json;q=0.1", b"text/html"];
        assert!(prefers_html(two.into_iter()));
    }

    #[test]
    fn templates_hold_whatever_a_client_chose_as_id() {
        let id = r#"a"\{status}&'>"#;
        let json = fill(PROBLEM, 403, &escape_json(id));
        let read: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(read["request_id"], id);
        assert_eq!(read["status"], 403);
        assert_eq!(
            fill(
                "<b title='{request_id}'>{status}</b>",
                429,
                &escape_html(id)
            ),
            "<b title='a&quot;\\{status}&amp;&#39;&gt;'>429</b>"
        );
    }
}
