//! A request as Envoy hands it to the filter, and the filter's steps over it. What Envoy itself would
//! refuse is handed on all the same: the question is what the firewall says.

use std::net::IpAddr;

use palisade::engine::{Engine, Inspection, Peer, Scratch};
use palisade::model::{Action, Anomaly};
use palisade::request::{Frame, FrameSplitter, Head, claims_websocket, is_websocket_upgrade};
use palisade_harness::cases::{self, Http};

/// A name or value as octets.
pub(crate) type Octets = Vec<u8>;

/// A request as a client sends it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: Octets,
    /// The request target: path and query.
    pub(crate) target: Octets,
    pub(crate) headers: Vec<(Octets, Octets)>,
    pub(crate) body: Octets,
    pub(crate) trailers: Vec<(Octets, Octets)>,
}

impl Request {
    /// The first value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers
            .iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value.as_slice())
    }
}

/// A request as the filter is given it.
#[derive(Clone, Debug)]
pub(crate) struct Proxied {
    pub(crate) method: Octets,
    pub(crate) authority: Octets,
    pub(crate) target: Octets,
    pub(crate) headers: Vec<(Octets, Octets)>,
    pub(crate) body: Octets,
    pub(crate) trailers: Vec<(Octets, Octets)>,
    /// The address of the client, where it is known.
    pub(crate) client: Option<IpAddr>,
    /// When it is judged, in seconds since 1970-01-01 (UTC); now where nobody says otherwise.
    pub(crate) now: Option<u64>,
    /// The head announced that something follows, be it nothing.
    announced: bool,
    /// Nobody knows what followed the head.
    head_only: bool,
}

/// Headers of one connection, which Envoy takes away before any filter runs
/// (`ConnectionManagerUtility::mutateRequestHeaders`).
const OF_CONNECTION: [&[u8]; 3] = [b"keep-alive", b"proxy-connection", b"transfer-encoding"];

/// Orders to Envoy itself, `x-envoy-` and one of these, which it takes from no client at the edge of a
/// network (`ConnectionManagerUtility::cleanInternalHeaders`).
const OF_ENVOY: [&str; 21] = [
    "decorator-operation",
    "downstream-service-cluster",
    "downstream-service-node",
    "expected-rq-timeout-ms",
    "external-address",
    "force-trace",
    "hedge-on-per-try-timeout",
    "internal",
    "ip-tags",
    "max-retries",
    "original-host",
    "original-path",
    "retriable-header-names",
    "retriable-status-codes",
    "retry-grpc-on",
    "retry-on",
    "upstream-alt-stat-name",
    "upstream-rq-per-try-timeout-ms",
    "upstream-rq-timeout-alt-response",
    "upstream-rq-timeout-ms",
    "upstream-stream-duration-ms",
];

/// The header that the filter itself takes away from every request.
const DECISION_HEADER: &[u8] = b"x-palisade-decision";

impl Proxied {
    /// What becomes of a request on its way through the proxy.
    pub(crate) fn of(request: Request) -> Self {
        let lists = |name: &str, word: &[u8]| {
            request
                .headers
                .iter()
                .filter(|(own, _)| own.eq_ignore_ascii_case(name.as_bytes()))
                .flat_map(|(_, value)| value.split(|byte| *byte == b','))
                .any(|item| item.trim_ascii().eq_ignore_ascii_case(word))
        };
        let upgrade = lists("connection", b"upgrade") && request.header("upgrade").is_some();
        let chunked = lists("transfer-encoding", b"chunked");
        let body = if chunked {
            dechunked(&request.body).unwrap_or_else(|| request.body.clone())
        } else {
            request.body.clone()
        };

        // The absolute form of a target (RFC 9112, 3.2.2) names the host.
        let (mut authority, target) = match absolute(&request.target) {
            Some((host, target)) => (Some(host.to_vec()), target),
            None => (None, request.target.clone()),
        };
        let mut headers = Vec::with_capacity(request.headers.len() + 3);
        for (name, value) in &request.headers {
            let name = name.to_ascii_lowercase();
            let value = value.trim_ascii().to_vec();
            match name.as_slice() {
                b"host" | b":authority" if authority.is_none() => authority = Some(value),
                b"host" | b":authority" => {}
                b"connection" | b"upgrade" if !upgrade => {}
                b"te" if !value.eq_ignore_ascii_case(b"trailers") => {}
                b"expect" if value.eq_ignore_ascii_case(b"100-continue") => {}
                name if OF_CONNECTION.contains(&name) || name == DECISION_HEADER => {}
                name if is_order(name) => {}
                _ => headers.push((name, value)),
            }
        }
        let has = |headers: &[(Octets, Octets)], wanted: &[u8]| {
            headers.iter().any(|(name, _)| name == wanted)
        };
        if !body.is_empty() && !chunked && !has(&headers, b"content-length") {
            let length = body.len().to_string().into_bytes();
            headers.push((b"content-length".to_vec(), length));
        }
        // At the edge of a network Envoy believes no client about these.
        for (name, value) in [
            ("x-forwarded-proto", "http"),
            ("x-request-id", "1f0e4a5c-7b52-4c7e-9d8a-2d3f6b8c9e01"),
        ] {
            headers.retain(|(own, _)| own != name.as_bytes());
            headers.push((name.into(), value.into()));
        }
        Self {
            method: request.method,
            authority: authority.unwrap_or_default(),
            target,
            headers,
            announced: chunked || !body.is_empty() || !request.trailers.is_empty(),
            body,
            trailers: request.trailers,
            head_only: false,
            client: None,
            now: now(),
        }
    }

    /// The same request, of which only the head is known although a body followed.
    pub(crate) fn head_only(mut self) -> Self {
        self.announced = true;
        self.head_only = true;
        self
    }

    /// The request of a test case, which says itself what the filter is given.
    pub(crate) fn of_case(request: &cases::Request) -> Self {
        let mut headers = request.proxied_headers(Http::One);
        headers.retain(|(name, _)| !name.starts_with(':'));
        let body = request.body.clone().unwrap_or_default();
        let octets = |list: Vec<(String, Octets)>| {
            list.into_iter()
                .map(|(name, value)| (name.into_bytes(), value))
                .collect()
        };
        Self {
            method: request.method.clone().into_bytes(),
            authority: request.host.clone(),
            target: request.target.clone(),
            headers: octets(headers),
            announced: !body.is_empty() || !request.trailers.is_empty(),
            body,
            trailers: octets(request.trailers.clone()),
            head_only: false,
            client: request.client,
            now: now(),
        }
    }

    /// Inspects the request step by step as the filter does. `look` is shown the scratch after each
    /// step, when the fields of that step are still in it.
    pub(crate) fn inspect(
        &self,
        engine: &Engine,
        scratch: &mut Scratch,
        mut look: impl FnMut(&Scratch),
    ) -> Inspection {
        let headers: Vec<(&[u8], &[u8])> = borrowed(&self.headers);
        let head = Head {
            method: &self.method,
            scheme: b"http",
            authority: &self.authority,
            target: &self.target,
            protocol: b"",
            headers: &headers,
            end_of_stream: !self.announced,
        };
        let peer = Peer::known(self.client, self.now);
        let mut seen = engine.begin_for(scratch, &head, &peer);
        look(scratch);
        let upgrade = is_websocket_upgrade(&head);
        if !upgrade && claims_websocket(&head) {
            engine.cannot_inspect(&mut seen, Anomaly::FalseUpgrade);
        }
        if upgrade {
            engine.cannot_inspect(&mut seen, Anomaly::UninspectedUpgrade);
            engine.close(scratch, &mut seen);
        }
        if engine.action(&seen) == Action::Block || upgrade || !self.announced || self.head_only {
            return seen;
        }
        let complete = if seen.plan().is_message_stream() {
            self.inspect_messages(engine, scratch, &mut seen, &mut look);
            true
        } else {
            // The filter reads one byte more than the limit, to tell whether there is more.
            let limit = engine.settings(&seen).limits.body_bytes;
            let most = limit.saturating_add(1).min(self.body.len());
            let complete = self.body.len() <= limit;
            if complete && !self.trailers.is_empty() {
                engine.expect_trailers(&mut seen);
            }
            engine.body(scratch, &mut seen, &self.body[..most], complete);
            look(scratch);
            complete
        };
        if engine.action(&seen) == Action::Block {
            return seen;
        }
        if complete && !self.trailers.is_empty() {
            engine.end(scratch, &mut seen, &borrowed(&self.trailers));
            look(scratch);
        }
        engine.close(scratch, &mut seen);
        seen
    }
}

impl Proxied {
    /// A stream of messages is judged message by message, up to the first that is blocked.
    fn inspect_messages(
        &self,
        engine: &Engine,
        scratch: &mut Scratch,
        seen: &mut Inspection,
        look: &mut impl FnMut(&Scratch),
    ) {
        let mut splitter = FrameSplitter::new(engine.settings(seen).limits.body_bytes);
        let mut rest = self.body.as_slice();
        while let Some(frame) = splitter.next_frame(&mut rest) {
            engine.message(scratch, seen, &frame);
            look(scratch);
            if engine.action(seen) == Action::Block {
                return;
            }
        }
        if splitter.is_inside_frame() {
            let frame = Frame {
                flags: 0,
                message: splitter.unfinished(),
                complete: false,
            };
            engine.message(scratch, seen, &frame);
            look(scratch);
        }
    }
}

/// Seconds since 1970-01-01 (UTC).
fn now() -> Option<u64> {
    let since = std::time::UNIX_EPOCH.elapsed();
    since.ok().map(|since| since.as_secs())
}

fn is_order(name: &[u8]) -> bool {
    name.strip_prefix(b"x-envoy-")
        .is_some_and(|rest| OF_ENVOY.iter().any(|order| order.as_bytes() == rest))
}

fn borrowed(list: &[(Octets, Octets)]) -> Vec<(&[u8], &[u8])> {
    list.iter()
        .map(|(name, value)| (name.as_slice(), value.as_slice()))
        .collect()
}

/// Host and origin form of a target in absolute form.
fn absolute(target: &[u8]) -> Option<(&[u8], Octets)> {
    let rest = ["http://", "https://"].iter().find_map(|scheme| {
        let (start, rest) = target.split_at_checked(scheme.len())?;
        start
            .eq_ignore_ascii_case(scheme.as_bytes())
            .then_some(rest)
    })?;
    let end = rest
        .iter()
        .position(|byte| matches!(byte, b'/' | b'?' | b'#'))
        .unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    let mut origin = Vec::with_capacity(path.len() + 1);
    if path.first() != Some(&b'/') {
        origin.push(b'/');
    }
    origin.extend_from_slice(path);
    Some((host, origin))
}

/// A body out of its chunks (RFC 9112, 7.1), as far as they go; nothing if it is not in chunks.
fn dechunked(bytes: &[u8]) -> Option<Octets> {
    let mut body = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    let mut first = true;
    loop {
        let end = rest.iter().position(|byte| *byte == b'\n');
        let line = end.and_then(|end| rest.get(..end)).map(<[u8]>::trim_ascii);
        let size = line.and_then(|line| {
            let digits = line.split(|byte| *byte == b';').next()?.trim_ascii();
            usize::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
        });
        let (Some(end), Some(size)) = (end, size) else {
            return (!first).then_some(body);
        };
        first = false;
        rest = rest.get(end + 1..).unwrap_or_default();
        if size == 0 {
            return Some(body);
        }
        let data = rest.get(..size).unwrap_or(rest);
        body.extend_from_slice(data);
        rest = rest.get(data.len()..).unwrap_or_default();
        rest = rest
            .strip_prefix(b"\r\n")
            .or(rest.strip_prefix(b"\n"))
            .unwrap_or(rest);
    }
}

/// Reads a whole request as it goes on the wire of HTTP/1.1, as far as possible: whatever is not a
/// header line is left out, and line ends may be `\n`.
pub(crate) fn parse_raw(bytes: &[u8]) -> Request {
    let mut request = Request::default();
    let mut rest = bytes;
    // Empty lines may stand before the request line (RFC 9112, 2.2).
    while let Some(next) = rest.strip_prefix(b"\r\n").or(rest.strip_prefix(b"\n")) {
        rest = next;
    }
    let first = take_line(&mut rest);
    let mut words = first.splitn(2, |byte| *byte == b' ');
    request.method = words.next().unwrap_or_default().to_vec();
    let target = words.next().unwrap_or_default();
    // The version is what stands behind the last space: a target may hold spaces of its own.
    let end = target
        .windows(6)
        .rposition(|window| window.eq_ignore_ascii_case(b" HTTP/"))
        .unwrap_or(target.len());
    request.target = target.get(..end).unwrap_or(target).to_vec();
    while !rest.is_empty() {
        let line = take_line(&mut rest);
        if line.is_empty() {
            break;
        }
        if matches!(line.first(), Some(b' ' | b'\t'))
            && let Some((_, value)) = request.headers.last_mut()
        {
            // A folded line goes on with the value before (RFC 9112, 5.2).
            value.push(b' ');
            value.extend_from_slice(line.trim_ascii());
        } else if let Some(colon) = line.iter().position(|byte| *byte == b':') {
            let (name, value) = line.split_at(colon);
            let value = value.get(1..).unwrap_or_default();
            request
                .headers
                .push((name.trim_ascii().to_vec(), value.trim_ascii().to_vec()));
        }
    }
    request.body = rest.to_vec();
    request
}

fn take_line<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let end = rest.iter().position(|byte| *byte == b'\n');
    let (line, next) = match end {
        Some(end) => (&rest[..end], &rest[end + 1..]),
        None => (*rest, &b""[..]),
    };
    *rest = next;
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    #[test]
    fn raw_requests_are_read_as_far_as_possible() {
        let request = parse_raw(
            b"\r\nPOST /a b?c=d HTTP/1.1\r\nHost: x\nX-Fold: a\r\n  b\r\nnonsense\r\n\r\nbody\r\n",
        );
        assert_eq!(text(&request.method), "POST");
        assert_eq!(text(&request.target), "/a b?c=d");
        assert_eq!(request.header("x-fold"), Some(&b"a b"[..]));
        assert_eq!(request.headers.len(), 2);
        assert_eq!(text(&request.body), "body\r\n");
        assert_eq!(text(&parse_raw(b"GET /").target), "/");
    }

    #[test]
    fn chunks_are_joined() {
        let cases: [(&[u8], Option<&str>); 6] = [
            (b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n", Some("abcde")),
            (b"3\r\nHi \r\n3\r\nCRS\r\n0\r\n", Some("Hi CRS")),
            (b"A\r\n0123456789\r\n0\r\n\r\n", Some("0123456789")),
            (b"5\r\nab", Some("ab")),
            (b"a=1&b=2", None),
            (b"", None),
        ];
        for (bytes, expected) in cases {
            assert_eq!(
                dechunked(bytes).map(|body| text(&body)).as_deref(),
                expected
            );
        }
    }

    #[test]
    fn the_proxy_changes_what_concerns_the_connection() {
        let mut request = parse_raw(
            b"POST http://Shop.example?q=1 HTTP/1.1\r\nHOST: other\r\nConnection: close\r\nUpgrade: x\r\n\
              TE: gzip\r\nKeep-Alive: 5\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\
              X-Palisade-Decision: forged\r\nAccept:  */* \r\n\r\n",
        );
        request.body = b"1\r\na\r\n0\r\n\r\n".to_vec();
        let proxied = Proxied::of(request);
        assert_eq!(text(&proxied.authority), "Shop.example");
        assert_eq!(text(&proxied.target), "/?q=1");
        assert_eq!(text(&proxied.body), "a");
        let names: Vec<_> = proxied.headers.iter().map(|(name, _)| text(name)).collect();
        assert_eq!(names, ["accept", "x-forwarded-proto", "x-request-id"]);
        assert_eq!(text(&proxied.headers[0].1), "*/*");
    }

    #[test]
    fn an_upgrade_keeps_its_headers() {
        let proxied = Proxied::of(parse_raw(
            b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n",
        ));
        let names: Vec<_> = proxied.headers.iter().map(|(name, _)| text(name)).collect();
        assert!(names.contains(&"connection".to_owned()) && names.contains(&"upgrade".to_owned()));
    }
}
