//! What `palisade evaluate` says is what Envoy does: requests of all shapes go through both, under two policies,
//! and each decision is compared as a whole.

use std::fs;
use std::io::Write as _;

use base64::Engine as _;
use palisade_harness::client::Http1;
use palisade_harness::envoy::{BodyMode, Envoy, Listener, Setup};
use palisade_harness::upstream::Upstream;
use serde_json::{Value, json};

/// Attacks of several classes, and what customers write.
const PAYLOADS: [&str; 12] = [
    "1' OR '1'='1",
    "1 UNION SELECT name, probe FROM users-- ",
    "<script>probe(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "../../../../etc/passwd",
    "; cat /etc/passwd | probe 10.0.0.1 80",
    "${jndi:ldap://x.example/probe}",
    "{{7*7}}",
    "O'Brien & Sons probe <info@example.org>",
    "Please probe and select the items; drop them from the list, and order by Friday.",
    "C'est l'été à Besançon, 100 %",
    "SELECT",
];

/// What some rule looks for even in headers.
const HEADER: &str = "<script>probe(1)</script>";

/// One request, as it is written down and as it goes on the wire.
struct Sent {
    method: &'static str,
    target: Vec<u8>,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Sent {
    fn get(target: impl Into<Vec<u8>>) -> Self {
        Self {
            method: "GET",
            target: target.into(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    fn post(media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let length = body.len().to_string();
        let sent = Self {
            method: "POST",
            body,
            ..Self::get("/api/items")
        }
        .with("Content-Length", length);
        match media_type {
            "" => sent,
            media_type => sent.with("Content-Type", media_type),
        }
    }

    fn with(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    fn method(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }

    /// The body in chunks of a few sizes.
    fn chunked(mut self) -> Self {
        self.headers.retain(|(name, _)| name != "Content-Length");
        let mut out = Vec::new();
        for (index, piece) in self
            .body
            .chunks(self.body.len().div_ceil(3).max(1))
            .enumerate()
        {
            let extension = if index == 1 { ";x=y" } else { "" };
            out.extend(format!("{:x}{extension}\r\n", piece.len()).into_bytes());
            out.extend(piece);
            out.extend(b"\r\n");
        }
        out.extend(b"0\r\n\r\n");
        self.body = out;
        self.with("Transfer-Encoding", "chunked")
    }

    fn bytes(&self) -> Vec<u8> {
        let mut out = [self.method.as_bytes(), b" ", &self.target, b" HTTP/1.1\r\n"].concat();
        for (name, value) in &self.headers {
            out.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        out.extend(b"\r\n");
        out.extend(&self.body);
        out
    }

    fn line(&self, id: &str) -> String {
        let text =
            |bytes: &[u8]| -> String { bytes.iter().map(|byte| char::from(*byte)).collect() };
        let target = text(&self.target);
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target.as_str(), None),
        };
        let headers: Vec<_> = self
            .headers
            .iter()
            .map(|(name, value)| (name, text(value)))
            .collect();
        json!({
            "id": id, "label": "malicious", "method": self.method, "path": path, "query": query,
            "headers": headers, "body_b64": base64::engine::general_purpose::STANDARD.encode(&self.body),
        })
        .to_string()
    }
}

fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

fn multipart(text: &str, file: &str) -> Sent {
    let body = format!(
        "--xyz\r\nContent-Disposition: form-data; name=\"q\"\r\n\r\n{text}\r\n--xyz\r\nContent-Disposition: form-data; \
         name=\"f\"; filename=\"{file}\"\r\nContent-Type: image/png\r\n\r\nPNG\r\n--xyz--\r\n"
    );
    Sent::post("multipart/form-data; boundary=xyz", body)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).expect("in memory");
    out.finish().expect("in memory")
}

fn grpc(messages: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    for text in messages {
        let length = u8::try_from(text.len()).expect("a short text");
        // Field 1, a string (protobuf), in a frame of gRPC: no compression, four bytes of length.
        out.extend([0, 0, 0, 0, length + 2, 0x0a, length]);
        out.extend(text.as_bytes());
    }
    out
}

/// Every payload in every place, then what is odd about requests rather than about texts.
fn requests() -> Vec<Sent> {
    const FORM: &str = "application/x-www-form-urlencoded";
    const JSON: &str = "application/json";
    let mut all = Vec::new();
    for text in PAYLOADS {
        let encoded = percent(text);
        let quoted = json!(text).to_string();
        let xml = text.replace('&', "&amp;").replace('<', "&lt;");
        all.extend([
            Sent::get(format!("/search?q={encoded}&page=2")),
            Sent::get(format!("/search?{encoded}=1")),
            Sent::get(format!("/items/{}", encoded.replace("%2F", "/"))),
            Sent::get("/").with("Cookie", format!("a=1; q={encoded}")),
            Sent::get("/").with("Referer", format!("https://x.example/?q={encoded}")),
            Sent::get("/").with("User-Agent", text),
            Sent::get("/").with("X-Note", text),
            Sent::post(FORM, format!("a=1&q={encoded}")),
            Sent::post(FORM, format!("q={encoded}")).chunked(),
            Sent::post(
                JSON,
                format!("{{\"a\": [1, {{\"q\": {quoted}}}], {quoted}: true}}"),
            ),
            multipart(text, "a.png"),
            Sent::post(
                "application/xml",
                format!("<?xml version=\"1.0\"?><a b=\"1\"><c>{xml}</c></a>"),
            ),
            Sent::post("text/plain", text),
            Sent::post("", text),
            Sent::post("application/grpc", grpc(&["hello", text, "bye"])).with("TE", "trailers"),
        ]);
    }
    let attack = "q=1%27%20OR%20%271%27=%271";
    let large = |before: usize, after: usize| {
        format!(
            "pad={}&{attack}&more={}",
            "a".repeat(before),
            "b".repeat(after)
        )
    };
    all.extend([
        Sent::post(FORM, attack).method("GET"),
        Sent::post(FORM, attack).method("PUT"),
        Sent::post(FORM, attack).method("DELETE"),
        Sent::post(FORM, attack).method("PROPFIND"),
        Sent::get(format!("/?{attack}")).method("HEAD"),
        Sent::get("/").method("OPTIONS"),
        Sent::get("/").method("POST"),
        Sent::post(FORM, ""),
        Sent::post(FORM, "").chunked(),
        Sent::post(FORM, large(100_000, 100_000)),
        Sent::post(FORM, large(200_000, 10)),
        Sent::post(FORM, large(131_072 - 5 - attack.len() - 6, 0)),
        Sent::post(FORM, large(131_073 - 5 - attack.len() - 6, 0)),
        Sent::post(FORM, large(100_000, 100_000)).chunked(),
        Sent::post(FORM, gzip(attack.as_bytes())).with("Content-Encoding", "gzip"),
        Sent::post(FORM, attack).with("Content-Encoding", "gzip"),
        Sent::post(FORM, attack).with("Content-Encoding", "nonsense"),
        Sent::post(FORM, attack).with("Expect", "100-continue"),
        Sent::post(JSON, "{\"a\": 1").with("Connection", "close"),
        Sent::post(JSON, "{\"a\": 1, \"a\": \"1' OR '1'='1\"}"),
        Sent::post(FORM, "{\"a\": \"1' OR '1'='1\"}"),
        Sent::post(
            "text/plain; charset=utf-16le",
            b"<\0s\0c\0r\0i\0p\0t\0>\0".as_slice(),
        ),
        Sent::post("multipart/form-data", "--x\r\n\r\na\r\n--x--"),
        multipart("a", "shell.php"),
        Sent::post("application/grpc", grpc(&["hello"])[..8].to_vec()),
        Sent::get(format!("http://other.example/x?{attack}")),
        Sent::get("http://other.example"),
        Sent::get("/?a=%zz&&b=%u0041&c=%00"),
        Sent::get("/a//b/../c/./d;p=1"),
        Sent::get("/").with("X-Latin", b"caf\xe9".as_slice()),
        Sent::get("/").with("X-Space", "  a  "),
        Sent::get("/")
            .with("Cookie", "a=1")
            .with("Cookie", attack.replace('&', ";")),
        Sent::get("/")
            .with("Accept", "text/html")
            .with("Accept", "*/*"),
        Sent::get("/").with("X-A", "1").with("x-a", HEADER),
        Sent::get("/")
            .with("TE", "gzip")
            .with("Keep-Alive", "timeout=5"),
        Sent::get("/").with("Proxy-Connection", HEADER),
        Sent::get("/").with("Keep-Alive", HEADER),
        Sent::get("/").with("Connection", HEADER),
        Sent::get("/").with("TE", HEADER),
        Sent::get("/").with("Expect", HEADER),
        Sent::get("/").with("X-Forwarded-Proto", "https"),
        Sent::get("/").with("X-Forwarded-For", "203.0.113.9"),
        Sent::get("/").with("X-Request-Id", HEADER),
        Sent::get("/").with("Authorization", "Bearer abc.def.ghi"),
        Sent::get("/").with("X-Palisade-Decision", HEADER),
        Sent::get("/").with("X-Empty", ""),
        Sent::get("/socket")
            .with("Connection", "Upgrade")
            .with("Upgrade", "websocket")
            .with("Sec-WebSocket-Version", "13")
            .with("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
            .with("X-Upstream", "accept-upgrade"),
        Sent::get("/").with("Upgrade", HEADER),
    ]);
    for name in [
        "X-Forwarded-Proto",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Port",
        "Forwarded",
        "Via",
        "X-Client-Trace-Id",
        "Content-Type",
        "Accept-Encoding",
        "Traceparent",
    ] {
        all.push(Sent::get("/").with(name, HEADER));
    }
    for name in [
        "attempt-count",
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
        "original-method",
        "original-dst-host",
        "upstream-stream-duration-ms",
        "is-timeout-retry",
        "nothing",
    ] {
        all.push(Sent::get("/").with(&format!("X-Envoy-{name}"), HEADER));
    }
    // The last byte matters, and stands just within or just beyond what is inspected.
    for size in 131_070..131_076 {
        let mut body = format!("a={0}&b={0}&c={0}&d=", "a".repeat(40_000));
        body.push_str(&"a".repeat(size - body.len() - "&q='".len()));
        body.push_str("&q='");
        all.push(Sent::post(FORM, body.clone()));
        all.push(Sent::post(FORM, body).chunked());
    }
    // Envoy takes 100 headers unless it is told otherwise.
    let many = (0..90).fold(Sent::get("/"), |sent, n| sent.with(&format!("X-H{n}"), "v"));
    all.push(many);
    all
}

#[test]
fn every_verdict_equals_that_of_envoy() {
    let folder = std::env::temp_dir().join(format!("palisade-cli-envoy-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let upstream = Upstream::start();
    // A rule that notices one word anywhere and never blocks: what is inspected shows in the matches.
    let probe = json!([{
        "id": 100_000, "name": "probe", "what": "the word probe", "score": {"scanner": 1}, "literals": ["probe"],
        "zones": ["path", "query_string", "request_header", "cookies", "request_body", "raw_body", "file_name"],
    }]);
    let policies = [
        json!({"rules": probe}).to_string(),
        json!({"preset": "strict", "mode": "monitor", "rules": probe}).to_string(),
    ];
    let listeners: Vec<_> = policies
        .iter()
        .map(|policy| Listener::new(policy, BodyMode::Hold))
        .collect();
    let envoy = Envoy::start(Setup::new(upstream.address(), listeners.clone()))
        .unwrap_or_else(|log| panic!("Envoy refused: {log}"));
    let _log = envoy.show_on_failure();

    let mut problems = Vec::new();
    let mut actions = std::collections::BTreeMap::new();
    for (index, (policy, listener)) in policies.iter().zip(&listeners).enumerate() {
        let requests: Vec<_> = requests()
            .into_iter()
            .enumerate()
            // The name says nothing, because the filter inspects the header that carries it.
            .map(|(number, sent)| {
                let id = format!("c{index}x{number}");
                let sent = sent
                    .with("Host", "palisade.test")
                    .with("X-Case", id.as_str());
                (id, sent)
            })
            .collect();
        let native = natively(&folder, policy, &requests);
        assert_eq!(native.len(), requests.len(), "{policy}");
        for ((id, sent), native) in requests.iter().zip(&native) {
            let mut client = Http1::connect(envoy.address(listener)).expect("Envoy listens");
            // Envoy may answer before it has read a large body.
            let _ = client.send(&sent.bytes());
            let answer = client.response(sent.method);
            client.disconnect();
            let entry = envoy
                .entry(id)
                .unwrap_or_else(|why| panic!("{why}: {answer:?}"));
            let Some(decision) = &entry.waf else {
                problems.push(format!(
                    "{id}: Envoy refused it: {} {:?}",
                    entry.code, entry.details
                ));
                continue;
            };
            let decision: Value = serde_json::from_str(decision).expect("a decision is JSON");
            *actions.entry(decision["action"].to_string()).or_insert(0) += 1;
            if *native != decision {
                let start = String::from_utf8_lossy(&sent.bytes())
                    .chars()
                    .take(400)
                    .collect::<String>();
                problems.push(format!(
                    "{policy} {id}\n{start}\n native {native}\n Envoy  {decision}"
                ));
            }
        }
    }
    let _ = fs::remove_dir_all(&folder);
    println!("{actions:?}");
    assert!(
        problems.is_empty(),
        "{} differ:\n{}",
        problems.len(),
        problems.join("\n\n")
    );
    // The comparison means something only if both answers occur often.
    for action in ["\"allow\"", "\"block\"", "\"monitor\""] {
        assert!(
            actions.get(action).is_some_and(|count| *count >= 20),
            "{actions:?}"
        );
    }
}

/// The decisions of `palisade evaluate`, in the order of the requests.
fn natively(folder: &std::path::Path, policy: &str, requests: &[(String, Sent)]) -> Vec<Value> {
    let lines: Vec<_> = requests.iter().map(|(id, sent)| sent.line(id)).collect();
    let (policy_file, file) = (folder.join("policy.json"), folder.join("requests.jsonl"));
    fs::write(&policy_file, policy).expect("a file");
    fs::write(&file, lines.join("\n")).expect("a file");
    let output = assert_cmd::Command::cargo_bin("palisade")
        .expect("the binary")
        .args(["evaluate", "--all", "--json", "--strict", "--policy"])
        .arg(&policy_file)
        .arg(&file)
        .output()
        .expect("it runs");
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let shown = report["shown"].as_array().expect("a list");
    shown
        .iter()
        .zip(requests)
        .map(|(shown, (id, _))| {
            assert_eq!(shown["id"], **id, "the order is that of the file");
            shown["decision"].clone()
        })
        .collect()
}
