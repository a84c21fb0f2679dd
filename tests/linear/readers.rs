//! The readers and the decodings by themselves, without limits that would end them early.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use palisade::decode;
use palisade::model::{Limits, ViewSet};
use palisade::request::{
    BodyPlan, Fields, FrameSplitter, Head, read_body, read_head, read_message, read_trailers,
};

use super::{LARGE, compare, hostile, repeat};

/// Limits that end nothing early: the readers themselves must be linear.
fn widest() -> Limits {
    let mut limits = Limits::default();
    for (_, value, range) in limits.entries() {
        *value = *range.end();
    }
    limits
}

/// Every type of body that has a reader, and none.
const TYPES: [&[u8]; 17] = [
    b"application/x-www-form-urlencoded",
    b"multipart/form-data; boundary=b",
    b"multipart/mixed; boundary=bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
    b"application/json",
    b"application/json; charset=utf-16le",
    b"application/x-ndjson",
    b"application/json-seq",
    b"application/xml",
    b"application/soap+xml; charset=utf-7",
    b"application/graphql",
    b"application/grpc",
    b"application/grpc-web",
    b"application/grpc-web-text",
    b"application/protobuf",
    b"text/plain",
    b"application/octet-stream",
    b"",
];

/// What readers find hard: what opens and never closes, what ends at once, names over and over.
fn structures() -> Vec<&'static [u8]> {
    let own: [&[u8]; 44] = [
        b"&",
        b"=",
        b"a=1&",
        b"a&",
        b"a[]=1&",
        b"a[b][c][d]=1&",
        b"a;b=",
        b"[",
        b"{\"a\":",
        b"[]",
        b"[1,",
        b"{\"a\":1}",
        b"{\"a\":1}\n",
        b"\x1e{\"a\":1}\n",
        b"{\"a\":\"\\u0061\",\"a\":1,",
        b"\"a\",",
        b"\"\\",
        b"1e9",
        b"/*",
        b"--b\r\n",
        b"--b\r\n\r\n",
        b"--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n",
        b"--b\r\nContent-Disposition: form-data; name=\"a\"; filename=\"a.txt\"\r\n\r\n1\r\n",
        b"--b\r\na: b\r\n",
        b"\r\n--",
        b"\r\n-",
        b"--b--\r\n",
        b"a: b\r\n",
        b"Content-Transfer-Encoding: base64\r\n",
        b"<a>",
        b"<a/>",
        b"<a b=\"c\">",
        b"<a b=",
        b" b='c'",
        b"</a>",
        b"<![CDATA[",
        b"<?a ",
        b"<!ENTITY a \"&b;&b;\">",
        b"&a;",
        b"query{a(b:\"c\"){d",
        b"{a:b(c:{d:[1,2]}) @e ...f}",
        b"...f#",
        b"\"\"\"a",
        b"\x00\x00\x00\x00\x01\x0a",
    ];
    let mut all = own.to_vec();
    all.extend([
        &b"\x00\x00\x00\x00\x00"[..],
        b"\x0a\x02\x08\x01",
        b"\x0a\x7f",
        b"\x0b",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"AAAAAAEK",
        b"=AAA",
    ]);
    all
}

fn post<'a>(headers: &'a [(&'a [u8], &'a [u8])]) -> Head<'a> {
    Head {
        method: b"POST",
        scheme: b"http",
        authority: b"example.com",
        target: b"/x",
        protocol: b"HTTP/1.1",
        headers,
        end_of_stream: false,
    }
}

#[test]
fn every_reader_of_bodies_is_linear() {
    let limits = widest();
    let mut fields = Fields::default();
    let mut failures = Vec::new();
    let mut runs = 0;
    for media_type in TYPES {
        for coding in [&b""[..], b"gzip", b"deflate"] {
            let headers: [(&[u8], &[u8]); 2] =
                [(b"content-type", media_type), (b"content-encoding", coding)];
            let used = match (media_type, coding) {
                (b"", b"") => &headers[..0],
                (_, b"") => &headers[..1],
                // A compressed body is read like any other once it is inflated.
                (b"application/json", _) => &headers[..],
                _ => continue,
            };
            let plan = BodyPlan::of(&post(used));
            for piece in structures().into_iter().chain(hostile()) {
                let what = format!(
                    "{} {} {}",
                    media_type.escape_ascii(),
                    coding.escape_ascii(),
                    piece.escape_ascii()
                );
                let make = |length: usize| {
                    let text = repeat(piece, length);
                    match coding {
                        b"gzip" => gzip(&text),
                        b"deflate" => deflate(&text),
                        _ => text,
                    }
                };
                let mut run = |body: &[u8]| {
                    fields.clear();
                    read_body(&plan, body, true, &limits, &mut fields);
                    std::hint::black_box(&fields);
                };
                failures.extend(compare(&what, &make, &mut run));
                runs += 1;
            }
        }
    }
    assert!(runs > 1500, "{runs}");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut coder = GzEncoder::new(Vec::new(), Compression::fast());
    let done = coder.write_all(text).and_then(|()| coder.finish());
    done.expect("a vector takes all")
}

fn deflate(text: &[u8]) -> Vec<u8> {
    let mut coder = ZlibEncoder::new(Vec::new(), Compression::fast());
    let done = coder.write_all(text).and_then(|()| coder.finish());
    done.expect("a vector takes all")
}

#[test]
fn reading_messages_is_linear() {
    let limits = widest();
    let mut fields = Fields::default();
    let mut failures = Vec::new();
    for media_type in [&b"application/grpc"[..], b"application/connect+json"] {
        let headers = [(&b"content-type"[..], media_type)];
        let plan = BodyPlan::of(&post(&headers));
        for piece in structures() {
            // Frames of every size, down to one byte each.
            for size in [1, 5, 100, LARGE] {
                let what = format!(
                    "{}, frames of {size}: {}",
                    media_type.escape_ascii(),
                    piece.escape_ascii()
                );
                let make = |length: usize| {
                    let text = repeat(piece, length);
                    let framed = |message: &[u8]| {
                        let mut frame = vec![0];
                        frame.extend((message.len() as u32).to_be_bytes());
                        frame.extend(message);
                        frame
                    };
                    text.chunks(size).flat_map(framed).collect::<Vec<u8>>()
                };
                let mut run = |body: &[u8]| {
                    let mut splitter = FrameSplitter::new(limits.body_bytes);
                    let mut rest = body;
                    fields.clear();
                    while let Some(frame) = splitter.next_frame(&mut rest) {
                        fields.clear();
                        read_message(&plan, &frame, &limits, &mut fields);
                    }
                };
                failures.extend(compare(&what, &make, &mut run));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn reading_heads_is_linear() {
    let limits = widest();
    let mut fields = Fields::default();
    let mut failures = Vec::new();
    let own: [&[u8]; 12] = [
        b"/",
        b"/.",
        b"/../a",
        b"//",
        b"?",
        b"#",
        b"/a;b=c",
        b"a=1; ",
        b"; ",
        b"\"a\"; ",
        b"$Version=1; ",
        b",",
    ];
    for piece in own.into_iter().chain(structures()).chain(hostile()) {
        for place in [
            "path",
            "query",
            "cookie",
            "header",
            "type",
            "many headers",
            "trailers",
        ] {
            let what = format!("{place} {}", piece.escape_ascii());
            let make = |length: usize| repeat(piece, length);
            let mut run = |text: &[u8]| {
                let (path, query) = ([b"/", text].concat(), [b"/?", text].concat());
                let name: &[u8] = match place {
                    "cookie" => b"cookie",
                    "type" => b"content-type",
                    _ => b"x-note",
                };
                let headers: Vec<(&[u8], &[u8])> = match place {
                    "path" | "query" => Vec::new(),
                    "many headers" | "trailers" => {
                        text.chunks(16).map(|value| (name, value)).collect()
                    }
                    _ => vec![(name, text)],
                };
                let mut head = post(&headers);
                match place {
                    "path" => head.target = &path,
                    "query" => head.target = &query,
                    _ => {}
                }
                fields.clear();
                if place == "trailers" {
                    read_trailers(&headers, &limits, &mut fields);
                } else {
                    std::hint::black_box(BodyPlan::of(&head));
                    read_head(&head, &limits, &mut fields);
                }
            };
            failures.extend(compare(&what, &make, &mut run));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Every decoding by itself, and all of them together with as many passes as a policy may ask for.
#[test]
fn every_decoding_is_linear() {
    type Decode = fn(&[u8], &mut Vec<u8>);
    let decodings: [(&str, Decode); 17] = [
        ("base64", |text, out| {
            let _ = decode::base64::decode(text, out);
        }),
        ("css", |text, out| {
            let _ = decode::css::decode(text, out);
        }),
        ("entity", |text, out| {
            let _ = decode::entity::decode(text, out);
        }),
        ("fold", |text, out| {
            let _ = decode::fold::decode(text, out);
        }),
        ("javascript", |text, out| {
            let _ = decode::javascript::decode(text, out);
        }),
        ("null", |text, out| {
            let _ = decode::null::decode(text, out);
        }),
        ("path", |text, out| {
            let _ = decode::path::decode(text, out);
        }),
        ("percent", |text, out| {
            let _ = decode::percent::decode(text, true, out);
        }),
        ("scheme", |text, out| {
            let _ = decode::scheme::decode(text, out);
        }),
        ("shell", |text, out| {
            let _ = decode::shell::decode(text, out);
        }),
        ("sql", |text, out| {
            let _ = decode::sql::decode(text, out);
        }),
        ("sql, innermost", |text, out| {
            let _ = decode::sql::decode_innermost(text, out);
        }),
        ("sql, lines", |text, out| {
            let _ = decode::sql::decode_lines(text, out);
        }),
        ("percent u", |text, out| {
            let _ = decode::unicode_percent::decode(text, out);
        }),
        ("utf7", |text, out| {
            let _ = decode::utf7::decode(text, out);
        }),
        ("utf8", |text, out| {
            let _ = decode::utf8::decode(text, out);
        }),
        ("all", |text, out| {
            let mut expander = decode::Expander::default();
            let mut emit = |_, form: &[u8]| out.push(form.len() as u8);
            let _ = expander.expand(text, 16, ViewSet::all(), true, &mut emit);
        }),
    ];
    let mut failures = Vec::new();
    for (name, decode) in decodings {
        for piece in hostile().into_iter().chain(structures()) {
            let what = format!("{name}: {}", piece.escape_ascii());
            let make = |length: usize| repeat(piece, length);
            let mut out = Vec::new();
            let mut run = |text: &[u8]| {
                out.clear();
                decode(text, &mut out);
                std::hint::black_box(&out);
            };
            failures.extend(compare(&what, &make, &mut run));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
