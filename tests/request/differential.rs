//! The readers against second implementations, on generated input. Where the two differ on purpose
//! the generator or the comparison says so.

use std::collections::HashMap;

use palisade::model::{Anomaly, AnomalySet, Limits};
use palisade::request::{Fields, Kind};

use crate::compression::{deflate, gzip, zlib};
use crate::{body, body_with, text};

/// xorshift64: the same cases on every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    /// Up to `most` pieces joined.
    fn join(&mut self, most: usize, pieces: &[&str]) -> String {
        (0..self.below(most + 1))
            .map(|_| self.pick(pieces))
            .collect()
    }
}

/// Names and values alone, in order.
fn pairs(fields: &Fields) -> Vec<(String, String)> {
    fields
        .iter()
        .filter(|field| !crate::adds_nothing(field))
        .map(|field| (text(fields.get(field.name)), text(fields.get(field.value))))
        .collect()
}

#[test]
fn forms_like_form_urlencoded() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    // No `;`, which only this reader also splits at, and no name twice, which only it joins.
    let pieces = [
        "a", "Z", "0", "-", "%41", "%20", "+", "%2B", "%", "%4", "%zz", "ä", "%C3%A4", "=", "'",
        "<", "[", "]", ".", "%26", "%3D",
    ];
    for _ in 0..20_000 {
        let input: String = (0..random.below(6))
            .map(|index| {
                format!(
                    "{index}{}={}",
                    random.join(4, &pieces),
                    random.join(8, &pieces)
                )
            })
            .collect::<Vec<_>>()
            .join(random.pick(&["&", "&&"]));
        let expected: Vec<(String, String)> = form_urlencoded::parse(input.as_bytes())
            .into_owned()
            .collect();
        let found = body("application/x-www-form-urlencoded", input.as_bytes());
        // The crate replaces what is not UTF-8; this reader keeps the bytes.
        let lossy = |span| String::from_utf8_lossy(found.get(span)).into_owned();
        let found: Vec<_> = found
            .iter()
            .filter(|field| !crate::adds_nothing(field))
            .map(|field| (lossy(field.name), lossy(field.value)))
            .collect();
        assert_eq!(found, expected, "{input}");
    }
}

/// A JSON value as text, mostly valid.
fn json_text(random: &mut Random, depth: usize) -> String {
    let blank = |random: &mut Random| random.join(1, &[" ", "\n", "\t", "\r\n"]);
    let string = |random: &mut Random| {
        let pieces = [
            "a",
            "b",
            "'",
            "<",
            " ",
            "ä",
            "\u{1f600}",
            "\\n",
            "\\\"",
            "\\\\",
            "\\/",
            "\\u0027",
            "\\u00e4",
            "\\ud83d\\ude00",
            "\\u0000",
        ];
        format!("\"{}\"", random.join(6, &pieces))
    };
    match random.below(if depth == 0 { 4 } else { 6 }) {
        0 => string(random),
        1 => random
            .pick(&["0", "-1", "12.5", "1e3", "-0.25E-2", "18446744073709551615"])
            .to_owned(),
        2 => random.pick(&["true", "false", "null"]).to_owned(),
        3 => random.pick(&["{}", "[]"]).to_owned(),
        4 => {
            let items: Vec<String> = (0..random.below(4))
                .map(|_| {
                    format!(
                        "{}{}{}",
                        blank(random),
                        json_text(random, depth - 1),
                        blank(random)
                    )
                })
                .collect();
            format!("[{}]", items.join(","))
        }
        _ => {
            // A number in front keeps the keys of one object apart: serde_json's tree holds one of each.
            let items: Vec<String> = (0..random.below(4))
                .map(|index| {
                    let key = string(random);
                    format!(
                        "{}\"{index}{}{}:{}",
                        blank(random),
                        &key[1..],
                        blank(random),
                        json_text(random, depth - 1)
                    )
                })
                .collect();
            format!("{{{}}}", items.join(","))
        }
    }
}

fn leaves(value: &serde_json::Value, path: String, out: &mut Vec<(String, String)>) {
    match value {
        serde_json::Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                leaves(item, format!("{path}[{index}]"), out);
            }
        }
        serde_json::Value::Object(members) if !members.is_empty() => {
            for (key, member) in members {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                leaves(member, path, out);
            }
        }
        serde_json::Value::String(text) => out.push((path, text.clone())),
        // Numbers are kept as they are written, so they are compared as numbers.
        serde_json::Value::Number(number) => out.push((path, format!("{:?}", number.as_f64()))),
        other => out.push((path, other.to_string())),
    }
}

/// A number as serde_json reads it: its quick way to round is not that of the standard library.
fn number(text: &str) -> String {
    let parsed: Option<serde_json::Number> = serde_json::from_str(text).ok();
    format!("{:?}", parsed.and_then(|number| number.as_f64()))
}

#[test]
fn json_like_serde_json() {
    let mut random = Random(0x2545_F491_4F6C_DD1D);
    let limits = Limits::default();
    let (mut valid, mut invalid) = (0, 0);
    for _ in 0..20_000 {
        let mut input = json_text(&mut random, 4).into_bytes();
        // Every other text is damaged: a byte changed, dropped or doubled.
        if random.below(2) == 0 && !input.is_empty() {
            let at = random.below(input.len());
            match random.below(3) {
                0 => {
                    input[at] = random.pick(&[
                        b"\"", b"\\", b",", b":", b"{", b"]", b"0", b"\x01", b"\xff", b"u", b" ",
                    ])[0]
                }
                1 => drop(input.remove(at)),
                _ => input.insert(at, input[at]),
            }
        }
        let parsed: Result<serde_json::Value, _> = serde_json::from_slice(&input);
        let headers: &[(&[u8], &[u8])] = &[(b"content-type", b"application/json")];
        let found = body_with(headers, &input, true, &limits);
        let odd = found.anomalies().contains(Anomaly::InvalidJson)
            || found.anomalies().contains(Anomaly::TrailingJson);
        if input.is_empty() {
            continue;
        }
        assert_eq!(odd, parsed.is_err(), "{} {:?}", text(&input), parsed.err());
        let Ok(parsed) = parsed else {
            invalid += 1;
            continue;
        };
        valid += 1;
        if found.anomalies().contains(Anomaly::DuplicateJsonKey) {
            continue;
        }
        let mut expected = Vec::new();
        leaves(&parsed, String::new(), &mut expected);
        let mut seen: Vec<(String, String)> = found
            .iter()
            .filter(|field| !crate::adds_nothing(field))
            .map(|field| {
                let value = text(found.get(field.value));
                let value = match field.kind {
                    Kind::Number => number(&value),
                    _ => value,
                };
                (text(found.get(field.name)), value)
            })
            .collect();
        // serde_json sorts the keys of an object.
        expected.sort();
        seen.sort();
        assert_eq!(seen, expected, "{}", text(&input));
    }
    assert!(valid > 5_000 && invalid > 3_000, "{valid} {invalid}");
}

#[test]
fn multipart_like_multer() {
    let mut random = Random(0xD1B5_4A32_D192_ED03);
    let pieces = [
        "a", "<b>", "'", " ", "ä", "\r\n", "\n", "--", "--B", "%27", "\"", "=", ";", "\\",
    ];
    for _ in 0..5_000 {
        let mut input = String::new();
        for index in 0..random.below(5) {
            // Names without quotes and backslashes: multer keeps escapes as they are.
            let name = format!(
                "{index}{}",
                random.join(3, &["a", "ä", "%27", " ", ";", "="])
            );
            let value = random.join(8, &pieces);
            input += &format!(
                "--Bound\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            );
        }
        input += "--Bound--\r\n";
        let stream = futures_util::stream::once(std::future::ready(Ok::<_, std::io::Error>(
            input.clone().into_bytes(),
        )));
        let mut multipart = multer::Multipart::new(stream, "Bound");
        let mut expected = Vec::new();
        futures_executor::block_on(async {
            while let Some(field) = multipart.next_field().await.expect("a field") {
                let name = field.name().unwrap_or_default().to_owned();
                let bytes = field.bytes().await.expect("a value");
                expected.push((name, text(&bytes)));
            }
        });
        let found = body("multipart/form-data; boundary=Bound", input.as_bytes());
        assert_eq!(pairs(&found), expected, "{input}");
    }
}

#[test]
fn compression_like_zlib() {
    let mut random = Random(0xA076_1D64_78BD_642F);
    let words = [
        "select ",
        "a",
        "<script>",
        "0123456789",
        "\0",
        "ä",
        "the quick brown fox ",
    ];
    for _ in 0..500 {
        let plain = random.join(400, &words);
        for (coding, packed) in [
            ("gzip", gzip(plain.as_bytes())),
            ("deflate", zlib(plain.as_bytes())),
            ("deflate", deflate(plain.as_bytes())),
        ] {
            let headers: &[(&[u8], &[u8])] = &[
                (b"content-type", b"text/plain"),
                (b"content-encoding", coding.as_bytes()),
            ];
            let found = body_with(
                headers,
                &packed,
                true,
                &Limits {
                    decompression_ratio: 2000,
                    ..Limits::default()
                },
            );
            let seen = found.iter().next().map(|field| found.get(field.value));
            assert_eq!(seen.unwrap_or_default(), plain.as_bytes(), "{coding}");
            let packing = [Anomaly::InvalidCompression, Anomaly::DecompressionLimit];
            assert!(
                !found.anomalies().intersects(AnomalySet::of(&packing)),
                "{coding}"
            );
        }
    }
}

/// Whatever the bytes, every reader ends, and what it says fits its input in size.
#[test]
fn any_bytes_under_any_type() {
    let mut random = Random(0xE703_7ED1_A0B4_28DB);
    let types = [
        "application/x-www-form-urlencoded",
        "application/json",
        "application/x-ndjson",
        "text/xml",
        "application/graphql",
        "multipart/form-data; boundary=B",
        "application/grpc",
        "application/grpc-web-text",
        "application/x-protobuf",
        "text/plain; charset=utf-7",
        "text/xml; charset=utf-16",
        "application/x-www-form-urlencoded; charset=ibm037",
        "a, b",
    ];
    let pieces: [&[u8]; 24] = [
        b"{",
        b"}",
        b"[",
        b"]",
        b"\"",
        b"\\",
        b"\\u",
        b"<",
        b">",
        b"<!DOCTYPE",
        b"<![CDATA[",
        b"-->",
        b"&",
        b"=",
        b"%",
        b"--B",
        b"\r\n",
        b"Content-Disposition: form-data; name=",
        b"\0",
        b"\xff",
        b"\x0a\x05",
        b"a",
        b":",
        b"{a(b:\"",
    ];
    let mut kinds = HashMap::new();
    for _ in 0..20_000 {
        let input: Vec<u8> = (0..random.below(40))
            .flat_map(|_| random.pick(&pieces).iter().copied())
            .collect();
        let content_type = random.pick(&types);
        let headers: &[(&[u8], &[u8])] = &[(b"content-type", content_type.as_bytes())];
        for complete in [true, false] {
            let found = body_with(headers, &input, complete, &Limits::default());
            *kinds.entry(found.list().len().min(9)).or_insert(0) += 1;
            assert!(
                found.arena().len() <= 4096 + input.len() * 64,
                "{content_type} {}",
                text(&input)
            );
        }
    }
    assert!(kinds.len() > 5, "{kinds:?}");
}

/// Nothing is left out: a mark put anywhere into the text of any format stands in some field
/// afterwards, in one piece. Grammar alone may part it: quotes in strings, so it holds none.
#[test]
fn nothing_is_unseen() {
    let mut random = Random(0x8EBC_6AF0_9C88_C6E3);
    let formats: [(&str, &[&str]); 4] = [
        (
            "application/x-www-form-urlencoded",
            &[
                "a", "=", "&", "%", "%4", "+", ";", "\r\n", "[", "{", "\"", "<", "--",
            ],
        ),
        (
            "application/json",
            &[
                "{",
                "}",
                "[",
                "]",
                "\"",
                "'",
                "\\",
                "\\u",
                "\\ud83d",
                ",",
                ":",
                "1",
                "-",
                ".5",
                "true",
                "NaN",
                " ",
                "\n",
                "/*",
                "*/",
                "//",
                "#",
                "a",
                "{\"",
                "\":[",
                "\"a\":",
                "{\"query\":\"{",
                "\u{1}",
                "<",
            ],
        ),
        (
            "text/xml",
            &[
                "<",
                ">",
                "</",
                "/>",
                "<a",
                "<a>",
                "</a>",
                "<b>",
                "=",
                "\"",
                "'",
                " ",
                "b=\"",
                "<!--",
                "-->",
                "<![CDATA[",
                "]]>",
                "<!DOCTYPE ",
                "[",
                "]",
                "<!ENTITY ",
                "<?",
                "?>",
                "&",
                ";",
                "&#",
                "&#x27;",
                "&lt;",
                "x",
            ],
        ),
        (
            "multipart/form-data; boundary=B",
            &[
                "--B",
                "--B\r\n",
                "--B--",
                "\r\n",
                "\r\n\r\n",
                "\n",
                "\r",
                "--",
                "Content-Disposition: form-data; name=a",
                "; name=\"",
                "; filename=\"",
                "; filename=b",
                "; filename*=utf-8''",
                "; filename*0=",
                "; filename*1=",
                "\"",
                ";",
                "=",
                ":",
                " ",
                "\\",
                "'",
                "Content-Type: ",
                "text/xml",
                "application/json",
                "multipart/mixed; boundary=C",
                "--C\r\n",
                "Content-Transfer-Encoding: ",
                "x",
                "{\"",
                "<a>",
            ],
        ),
    ];
    let mark = "zq(xa";
    for _ in 0..40_000 {
        let (content_type, pieces) = formats[random.below(formats.len())];
        let input = random.join(12, pieces) + mark + &random.join(12, pieces);
        let limits = Limits {
            file_bytes: 4096,
            ..Limits::default()
        };
        let headers: &[(&[u8], &[u8])] = &[(b"content-type", content_type.as_bytes())];
        let found = body_with(headers, input.as_bytes(), true, &limits);
        let seen = found
            .arena()
            .windows(mark.len())
            .any(|window| window == mark.as_bytes());
        assert!(seen, "{content_type}: {input:?}\n{:?}", crate::list(&found));
    }
}

/// A well-formed element as text.
fn xml_text(random: &mut Random, depth: usize) -> String {
    let name = random.pick(&["a", "b:c", "_d", "é"]);
    let text = [
        "x",
        "'",
        "ä",
        " ",
        "\n",
        "&lt;",
        "&amp;",
        "&#x27;",
        "&#60;",
        "&quot;",
        "]",
        ">",
        "<!-- ' -- -->",
        "<![CDATA[<z>&amp;]]>",
        "<?p q?>",
    ];
    let mut out = format!("<{name}");
    for index in 0..random.below(3) {
        out += &format!(
            " {}k{index} =\n\"{}\"",
            random.pick(&["", "n:"]),
            random.join(3, &["x", "'", "&gt;", "&#39;", "ä", ">"])
        );
    }
    if random.below(5) == 0 {
        return out + "/>";
    }
    out.push('>');
    for _ in 0..random.below(4) {
        out += &random.join(4, &text);
        if depth > 0 {
            out += &xml_text(random, depth - 1);
        }
    }
    out + &random.join(3, &text) + &format!("</{name} >")
}

#[test]
fn xml_like_quick_xml() {
    use quick_xml::events::Event;
    let mut random = Random(0x5851_F42D_4C95_7F2D);
    for _ in 0..5_000 {
        let input = xml_text(&mut random, 3);
        let mut reader = quick_xml::Reader::from_str(&input);
        reader.config_mut().check_comments = false;
        let mut expected: Vec<(String, String)> = Vec::new();
        let mut path: Vec<String> = Vec::new();
        let mut buffer = String::new();
        loop {
            let event = reader
                .read_event()
                .unwrap_or_else(|error| panic!("{input} {error}"));
            if matches!(
                event,
                Event::Start(_) | Event::Empty(_) | Event::End(_) | Event::Eof
            ) {
                if !buffer.trim_ascii().is_empty() {
                    expected.push((path.join("."), std::mem::take(&mut buffer)));
                }
                buffer.clear();
            }
            match &event {
                Event::Start(tag) | Event::Empty(tag) => {
                    path.push(tag.name().0.to_owned());
                    for attribute in tag.attributes() {
                        let attribute = attribute.expect("an attribute");
                        let value = quick_xml::escape::unescape(&attribute.value)
                            .expect("entities")
                            .into_owned();
                        expected.push((format!("{}@{}", path.join("."), attribute.key.0), value));
                    }
                    if matches!(event, Event::Empty(_)) {
                        path.pop();
                    }
                }
                Event::End(_) => drop(path.pop()),
                Event::Text(piece) => buffer += piece,
                Event::CData(piece) => buffer += piece,
                Event::GeneralRef(name) => {
                    let name = format!("&{};", &**name);
                    buffer += &quick_xml::escape::unescape(&name).expect("an entity");
                }
                Event::Eof => break,
                _ => {}
            }
        }
        let found = body("application/xml", input.as_bytes());
        assert!(!found.anomalies().contains(Anomaly::InvalidXml), "{input}");
        // The other reader is not asked for comments, instructions and elements without content.
        let seen: Vec<(String, String)> = pairs(&found)
            .into_iter()
            .zip(found.iter().filter(|field| !crate::adds_nothing(field)))
            .filter(|((name, _), field)| {
                field.kind == Kind::Text
                    && !name.ends_with(['#', '?'])
                    && !name.ends_with("#comment")
            })
            .map(|(pair, _)| pair)
            .collect();
        assert_eq!(seen, expected, "{input}");
    }
}
