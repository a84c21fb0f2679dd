//! Inputs for the comparison with libinjection: pieces of attacks put together at random, texts built
//! to have a given fingerprint, and mutations of both. The same seed gives the same inputs.

use libinjectionrs::sqli::sqli_data::SQL_KEYWORDS;

/// A small generator of pseudo-random numbers (Marsaglia, "Xorshift RNGs", 2003).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    pub(crate) fn one_in(&mut self, odds: usize) -> bool {
        self.below(odds) == 0
    }

    pub(crate) fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
}

const WHITE: &[&str] = &[
    " ", " ", " ", "\t", "\n", "/**/", "\u{a0}", "+", "", "\r\n", "\x0b", "\0",
];

#[rustfmt::skip]
const SQL: &[&str] = &[
    "'", "\"", "`", "''", "\\'", "\\", "\\N", "(", ")", ",", ";", "--", "-- ", "#", "/*", "*/",
    "/*!", "/*!50000", "@", "@@version", "@`x`", "$$", "$a$", "$1,000.00", "$", "1", "0", "1.5",
    ".5", "1e5", "1e", "1fUNION", "1d", "0x41", "0x", "0b1", "0b", "0b12", "x'41'", "b'01'", "n'x'",
    "q'[x]'", "nq'!x!'", "u&'x'", "e'x'", "[x]", "{", "}", "{x", ".", "..", ":", "::", ":=", "=",
    "<", ">", "<>", "<=>", "!=", "!", "~", "^", "%", "&", "&&", "|", "||", "+", "-", "*", "/", "or",
    "and", "OR", "AnD", "xor", "not", "like", "rlike", "in", "is", "is not", "between", "div",
    "mod", "union", "union all", "UNION", "uni/**/on", "select", "SELECT", "from", "where",
    "group by", "order by", "having", "limit", "into outfile", "insert into", "update", "set",
    "delete from", "drop table", "waitfor delay", "exec", "declare", "begin", "case", "when",
    "then", "end", "sleep", "benchmark", "concat", "char", "user", "database", "version", "if",
    "load_file", "sp_password", "information_schema.tables", "users", "admin", "password", "a", "b",
    "null", "true", "current_user", "collate", "utf8_bin", "int", "foo", "bar", "O'Brien", "don't",
    "hello", "world", "2024-01-01", "a@b.com", "x", "é", "日本", "\u{feff}", "?",
    "12345678901234567890",
];

#[rustfmt::skip]
const HTML: &[&str] = &[
    "<", ">", "/>", "</", "<!", "<!--", "-->", "--!>", "<!DOCTYPE", "<![CDATA[", "]]>", "<?", "<%",
    "%>", "<script", "<ScRiPt>", "</script>", "<svg", "<svg/onload=", "<img", "<a", "<a href=",
    "<b>", "<x", "<iframe", "<style>", "<xml", "<xsl:", "<\0script", "<s\0vg", "onerror", "onclick",
    "onload\0", "ONFOCUS", "on", "onx", "onerror%09", "style", "href", "src", "action", "xmlns:x",
    "xlink:href", "attributename", "formaction", "by", "to", "from", "filter", "=", " = ", "\t=\n",
    "'", "\"", "`", "/", " ", "\t", "\n", "\0", "javascript:", "java", "&#106;avascript:",
    "&#x6a&#97;va", "data:", "vbscript:", "view-source:", "http://x", "alert(1)", "x", "import",
    "entity", "[if", "a", "text", "é", "\x0c", "&", "#", ";", "5 < 6", "a=b", "&c=d", "q=\"x\"",
];

/// A text of random pieces: SQL, HTML or octets.
pub(crate) fn pieces(random: &mut Random) -> Vec<u8> {
    let mut text = Vec::new();
    let html = random.one_in(2);
    for _ in 0..=random.below(9) {
        match random.below(20) {
            0 => text.push(random.next() as u8),
            1 => text.extend_from_slice(
                SQL_KEYWORDS[random.below(SQL_KEYWORDS.len())]
                    .word
                    .as_bytes(),
            ),
            2 => text.extend_from_slice(random.pick(HTML).as_bytes()),
            3 => text.extend_from_slice(random.pick(SQL).as_bytes()),
            _ if html => text.extend_from_slice(random.pick(HTML).as_bytes()),
            _ => text.extend_from_slice(random.pick(SQL).as_bytes()),
        }
        if !html || random.one_in(4) {
            white(random, &mut text);
        }
    }
    text
}

fn white(random: &mut Random, text: &mut Vec<u8>) {
    match random.pick(WHITE) {
        "\u{a0}" => text.push(0xA0),
        other => text.extend_from_slice(other.as_bytes()),
    }
}

/// A text that has this fingerprint, or one near it.
pub(crate) fn of_fingerprint(random: &mut Random, fingerprint: &str) -> Vec<u8> {
    let mut text = Vec::new();
    // Behind a quote that the application opened, the first string has only an end.
    let tail = fingerprint.starts_with('S') && random.one_in(2);
    for (at, token) in fingerprint.chars().enumerate() {
        if tail && at == 0 {
            text.extend_from_slice(random.pick(&["x'", "'", "\"", "1\""]).as_bytes());
        } else {
            text.extend_from_slice(token_text(random, token).as_bytes());
        }
        if random.one_in(8) {
            white(random, &mut text);
        } else if !random.one_in(6) {
            text.push(b' ');
        }
    }
    text
}

fn token_text(random: &mut Random, token: char) -> String {
    let of_type = match token {
        'K' => b'k',
        'U' => b'U',
        'B' => b'B',
        'E' => b'E',
        'T' if random.one_in(4) => b't',
        'T' => b'T',
        'O' if random.one_in(2) => b'o',
        '&' => b'&',
        'A' => b'A',
        'F' => b'f',
        'V' if random.one_in(2) => b'v',
        other => {
            let text = match other {
                'N' => random.pick(&["a", "users", "[x]", "`y`", "é", "a.b", "id"]),
                '1' => random.pick(&["1", "0x41", "1.5", ".5", "1e5", "\\N", "$1", "b'01'"]),
                'S' => random.pick(&["'x'", "\"x\"", "$$x$$", "n'x'", "q'[x]'", "''", "'x"]),
                'C' => random.pick(&["--", "-- ", "#", "/*", "/**/", "--x"]),
                'V' => random.pick(&["@x", "@@version", "@`x`", "@'x'"]),
                'O' => random.pick(&["=", "+", "-", "*", "<", "<=>", "!=", "%", "^", "/", ":="]),
                'X' => random.pick(&["/*!", "/*/*x*/", "{ ``"]),
                '\\' => "\\",
                other => return other.to_string(),
            };
            return text.to_owned();
        }
    };
    let words: Vec<&str> = SQL_KEYWORDS
        .iter()
        .filter(|keyword| keyword.token_type == of_type)
        .map(|keyword| keyword.word)
        .collect();
    let word = random.pick(&words);
    match random.below(3) {
        0 => word.to_ascii_lowercase(),
        1 => word.to_owned(),
        _ => word
            .chars()
            .enumerate()
            .map(|(at, c)| {
                if at % 2 == 0 {
                    c
                } else {
                    c.to_ascii_lowercase()
                }
            })
            .collect(),
    }
}

/// The fingerprints of the table, upper case.
pub(crate) fn fingerprints() -> Vec<&'static str> {
    SQL_KEYWORDS
        .iter()
        .filter(|keyword| keyword.token_type == b'F')
        .filter_map(|keyword| keyword.word.strip_prefix('0'))
        .collect()
}

/// Changes a few octets: drops, doubles, swaps, replaces, inserts, or turns the case.
pub(crate) fn mutate(random: &mut Random, text: &mut Vec<u8>) {
    const INTERESTING: &[u8] = b"'\"`;,()#-/*=<>@$\\.|&{}[] \t\n\0\xa0\xff1a_x%+!~^:?E0";
    for _ in 0..=random.below(3) {
        let at = random.below(text.len() + 1);
        let octet = if random.one_in(6) {
            random.next() as u8
        } else {
            INTERESTING[random.below(INTERESTING.len())]
        };
        match random.below(6) {
            0 if at < text.len() => drop(text.remove(at)),
            1 if at < text.len() => text[at] = octet,
            2 if at < text.len() => text[at] ^= 0x20,
            3 if at < text.len() => {
                let copy: Vec<u8> = text[at..].iter().copied().take(8).collect();
                text.extend(copy);
            }
            4 => text.truncate(at.max(1)),
            _ => text.insert(at, octet),
        }
    }
}

/// One input of any kind.
pub(crate) fn input(random: &mut Random, fingerprints: &[&str]) -> Vec<u8> {
    let mut text = match random.below(4) {
        0 | 1 => {
            let fingerprint = fingerprints[random.below(fingerprints.len())];
            of_fingerprint(random, fingerprint)
        }
        _ => pieces(random),
    };
    if random.one_in(2) {
        mutate(random, &mut text);
    }
    if random.one_in(12) {
        let deep = long_word(random);
        let at = random.below(text.len() + 1);
        text.splice(at..at, deep);
    }
    text
}

/// A long word, of the kinds that a tokeniser reads differently.
pub(crate) fn long_word(random: &mut Random) -> Vec<u8> {
    let unit = random.pick(&[
        "a.",
        "ab.",
        "a",
        "1.",
        "union.",
        "a1.",
        "é.",
        "_.",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.",
        "or.",
    ]);
    unit.repeat(1 + random.below(200)).into_bytes()
}
