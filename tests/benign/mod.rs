//! Ordinary requests by the thousand, made from tables and templates: what browsers, shops, editors, applications and
//! machines send. Written from what such clients are known to send, not taken from a recording.
#![allow(unreachable_pub, reason = "one module of one test")]

use serde_json::Value;

pub(crate) mod account;
pub(crate) mod browser;
pub(crate) mod everyday;
pub(crate) mod machine;
pub(crate) mod query;
pub(crate) mod shop;
pub(crate) mod upload;
pub(crate) mod writing;

/// A repeatable source of choices (SplitMix64, Steele, Lea and Flood 2014).
pub(crate) struct Dice(u64);

impl Dice {
    /// The same seed gives the same requests on every machine.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap_or(0)
    }

    /// One of a list.
    pub(crate) fn pick<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list[self.below(list.len())]
    }

    /// True once in `of` times.
    pub(crate) fn once_in(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }

    /// Letters of an alphabet.
    pub(crate) fn text(&mut self, alphabet: &str, length: usize) -> String {
        let letters: Vec<char> = alphabet.chars().collect();
        (0..length)
            .map(|_| letters[self.below(letters.len())])
            .collect()
    }

    /// Hexadecimal digits.
    pub(crate) fn hex(&mut self, length: usize) -> String {
        self.text("0123456789abcdef", length)
    }

    /// Bytes that mean nothing: a key, a compressed record.
    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next().to_le_bytes()[0]).collect()
    }

    /// A random UUID (RFC 9562, version 4).
    pub(crate) fn uuid(&mut self) -> String {
        format!(
            "{}-{}-4{}-a{}-{}",
            self.hex(8),
            self.hex(4),
            self.hex(3),
            self.hex(3),
            self.hex(12)
        )
    }

    /// Base64 of random bytes, in the alphabet of URLs, without padding.
    pub(crate) fn token(&mut self, length: usize) -> String {
        self.text(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
            length,
        )
    }
}

/// One request, with what kind of traffic it stands for.
pub(crate) struct Request {
    pub(crate) kind: &'static str,
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// A request without headers.
    pub(crate) fn new(kind: &'static str, method: &'static str, target: impl Into<String>) -> Self {
        Self {
            kind,
            method,
            target: target.into(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Adds a header.
    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Gives the request a body of a type.
    pub(crate) fn body(self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let mut this = self
            .header("content-type", content_type)
            .header("content-length", body.len().to_string());
        this.body = body;
        this
    }

    /// Posts a form, as a browser writes it.
    pub(crate) fn form(self, fields: &[(&str, &str)]) -> Self {
        let pairs: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{}={}", form(name), form(value)))
            .collect();
        self.body("application/x-www-form-urlencoded", pairs.join("&"))
    }

    /// Sends JSON.
    pub(crate) fn json(self, value: &Value) -> Self {
        self.body("application/json", value.to_string())
    }

    /// Sends a multipart form: name, file name (empty for a plain field), type, contents.
    pub(crate) fn multipart(self, dice: &mut Dice, parts: &[(&str, &str, &str, &[u8])]) -> Self {
        let boundary = match dice.below(3) {
            0 => format!(
                "----WebKitFormBoundary{}",
                dice.text("ABCDEFabcdef0123456789", 16)
            ),
            1 => format!("---------------------------{}", dice.text("0123456789", 29)),
            _ => dice.hex(32),
        };
        let mut body = Vec::new();
        for (name, file, content_type, contents) in parts {
            body.extend_from_slice(
                format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"")
                    .as_bytes(),
            );
            if !file.is_empty() {
                let file = file.replace('"', "%22");
                body.extend_from_slice(
                    format!("; filename=\"{file}\"\r\nContent-Type: {content_type}").as_bytes(),
                );
            }
            body.extend_from_slice(b"\r\n\r\n");
            body.extend_from_slice(contents);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        self.body(&format!("multipart/form-data; boundary={boundary}"), body)
    }
}

/// The lines of a table.
pub(crate) fn lines(table: &'static str) -> Vec<&'static str> {
    table.lines().filter(|line| !line.is_empty()).collect()
}

/// Percent-encodes as the URL standard does in a form: blanks become `+`.
pub(crate) fn form(text: &str) -> String {
    encode(text, b"*-._", true)
}

/// Percent-encodes as `encodeURIComponent` does.
pub(crate) fn component(text: &str) -> String {
    encode(text, b"-_.!~*'()", false)
}

/// Percent-encodes what no query may hold, and nothing else: what a careless client sends.
pub(crate) fn sparingly(text: &str) -> String {
    encode(text, b"-_.!~*'()$,;:@/?=[]{}|&", false)
}

fn encode(text: &str, keep: &[u8], plus: bool) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte == b' ' && plus {
            out.push('+');
        } else if byte.is_ascii_alphanumeric() || keep.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Text for an XML document.
pub(crate) fn xml(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// Everything: `count` requests, all kinds in turn.
pub(crate) fn requests(seed: u64, count: usize) -> Vec<Request> {
    type Maker = fn(&mut Dice) -> Request;
    const MAKERS: &[Maker] = &[
        browser::navigation,
        browser::landing,
        browser::script_call,
        shop::search,
        shop::filters,
        shop::cart,
        shop::checkout,
        shop::review,
        account::login,
        account::password,
        account::registration,
        account::single_sign_on,
        account::saml,
        writing::page,
        writing::markdown,
        writing::comment,
        writing::issue,
        writing::chat,
        writing::snippet,
        writing::contact,
        writing::near_miss,
        writing::near_miss,
        query::public_filter,
        query::graphql,
        query::elastic,
        query::autocomplete,
        machine::rest,
        machine::webhook,
        machine::telemetry,
        machine::soap,
        machine::reports,
        machine::dav,
        machine::health,
        machine::repository,
        machine::remote_call,
        upload::files,
        upload::picture,
    ];
    let mut dice = Dice::new(seed);
    (0..count)
        .map(|index| MAKERS[index % MAKERS.len()](&mut dice))
        .collect()
}
