//! The decision as a list of named entries, and as one JSON object: what access logs print, what the
//! command line reads back. Names of fields are included, with what looks like a secret struck out;
//! values never are, but for excerpts, which only a record has and only if the policy asks.

use std::borrow::Cow;

use super::redact::redacted;
use crate::config::Config;
use crate::model::{Action, EndedBy, Hit, Named, Part, Sums, Verdict};

/// A verdict with what identifies it, ready to be written.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// What was decided.
    pub verdict: &'a Verdict,
    /// The name of the policy, if it has one.
    pub policy: Option<&'a str>,
    /// The revision of the policy, if it has one.
    pub revision: Option<&'a str>,
    /// How long the inspection took, in microseconds, if it was timed.
    pub microseconds: Option<u64>,
    /// Words of secret names beyond those that always are, in lower case.
    pub redact: &'a [String],
}

/// One value of a decision.
#[derive(Clone, Debug, PartialEq)]
pub enum Item<'a> {
    /// Text; not necessarily UTF-8.
    Text(Cow<'a, [u8]>),
    /// A number.
    Number(u64),
    /// Something that is so.
    True,
    /// Several values.
    List(Vec<Self>),
    /// Values by name.
    Map(Vec<(&'static str, Self)>),
}

impl<'a> Item<'a> {
    fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text.as_bytes()))
    }
}

impl<'a> Record<'a> {
    /// A verdict under the policy that it was made by.
    pub fn of(verdict: &'a Verdict, config: &'a Config) -> Self {
        Self {
            verdict,
            policy: config.name.as_deref(),
            revision: config.revision.as_deref(),
            microseconds: None,
            redact: &config.telemetry.redact,
        }
    }

    /// Whether there is nothing to say but that the request went on.
    pub fn is_clean(&self) -> bool {
        let verdict = self.verdict;
        verdict.action == Action::Allow
            && verdict.hits.is_empty()
            && verdict.uninspected.is_empty()
            && verdict.exceptions.is_empty()
            && verdict.expired.is_empty()
            && verdict.ended_by.is_none()
    }

    /// Appends the decision as JSON. Of a request on which nothing matched it says `{"action":"allow"}`, what
    /// the policy is called, and the time that it took, where it has and was.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"action\":\"");
        out.extend_from_slice(self.verdict.action.name().as_bytes());
        out.push(b'"');
        if self.is_clean() {
            for (name, value) in [("policy", self.policy), ("revision", self.revision)] {
                if let Some(value) = value {
                    member(out, name, &Item::text(value));
                }
            }
            if let Some(time) = self.microseconds {
                member(out, "microseconds", &Item::Number(time));
            }
        } else {
            let entries = self.entries();
            let behind_action = entries.iter().skip(1);
            behind_action.for_each(|(name, item)| member(out, name, item));
        }
        out.push(b'}');
    }

    /// All that there is to say, the action first, even where the JSON says nothing of it.
    pub fn entries(&self) -> Vec<(&'static str, Item<'a>)> {
        self.entries_of(|_| true)
    }

    /// The same, but only what is `wanted`, by name, and the action.
    pub fn entries_of(&self, wanted: impl Fn(&str) -> bool) -> Vec<(&'static str, Item<'a>)> {
        let verdict = self.verdict;
        let mut entries = Vec::with_capacity(8);
        entries.push(("action", Item::text(verdict.action.name())));
        let mut add = |name, item| {
            if wanted(name) {
                entries.push((name, item));
            }
        };
        if verdict.action == Action::Monitor {
            add("would", Item::text(Action::Block.name()));
        }
        if !verdict.reasons.is_empty() {
            let names = verdict.reasons.iter();
            let names = names.map(|category| Item::text(category.name()));
            add("reasons", Item::List(names.collect()));
        }
        for (name, sums) in [("scores", &verdict.scores), ("recorded", &verdict.recorded)] {
            if let Some(sums) = sums_of(sums) {
                add(name, sums);
            }
        }
        if !verdict.hits.is_empty() {
            let mut rules: Vec<u32> = verdict.hits.iter().map(|hit| hit.rule).collect();
            rules.sort_unstable();
            rules.dedup();
            let rules = rules.into_iter().map(|rule| Item::Number(rule.into()));
            add("rules", Item::List(rules.collect()));
            if wanted("matches") {
                let matches = verdict.hits.iter().enumerate();
                let matches = matches
                    .map(|(index, hit)| Item::Text(match_of(index, hit, self.redact).into()));
                add("matches", Item::List(matches.collect()));
            }
        }
        if verdict.more_hits > 0 {
            add("more", Item::Number(verdict.more_hits.into()));
        }
        if !verdict.uninspected.is_empty() {
            let names = verdict.uninspected.iter();
            let names = names.map(|anomaly| Item::text(anomaly.name()));
            add("uninspected", Item::List(names.collect()));
        }
        for (name, labels) in [
            ("exceptions", &verdict.exceptions),
            ("expired", &verdict.expired),
        ] {
            if !labels.is_empty() {
                let labels = labels.iter().map(|label| Item::text(label));
                add(name, Item::List(labels.collect()));
            }
        }
        if let Some(by) = verdict.ended_by {
            let by = match by {
                EndedBy::Rule(id) => Item::Text(format!("rule {id}").into_bytes().into()),
                EndedBy::AllowedClient => Item::text("allow_clients"),
                EndedBy::DeniedClient => Item::text("deny_clients"),
                EndedBy::Uninspected => Item::text("uninspected"),
            };
            add("ended_by", by);
        }
        if verdict.sampled_out {
            add("sampled_out", Item::True);
        }
        for (name, value) in [
            ("scope", verdict.scope.as_deref()),
            ("policy", self.policy),
            ("revision", self.revision),
        ] {
            if let Some(value) = value {
                add(name, Item::text(value));
            }
        }
        if let Some(time) = self.microseconds {
            add("microseconds", Item::Number(time));
        }
        entries
    }

    /// What matched, for each match of which there is a piece: the index of the match, and the text.
    pub fn excerpts(&self) -> Vec<Item<'a>> {
        let hits = self.verdict.hits.iter().enumerate();
        let some = hits.filter(|(_, hit)| !hit.excerpt.is_empty());
        some.map(|(index, hit)| {
            Item::Map(vec![
                ("match", Item::Number(index as u64)),
                ("text", Item::Text(Cow::Borrowed(&hit.excerpt))),
            ])
        })
        .collect()
    }
}

/// One match as `index:rule:zone:name`; `zone|name` where the rule matched the name of the field
/// rather than its value. What looks like a secret in the name is struck out.
pub fn match_of(index: usize, hit: &Hit, redact: &[String]) -> Vec<u8> {
    let part = match hit.part {
        Part::Name => "|name",
        Part::Value => "",
    };
    let mut text = Vec::with_capacity(40);
    write_number(&mut text, index as u64);
    text.push(b':');
    write_number(&mut text, hit.rule.into());
    for piece in [":", hit.zone.name(), part, ":"] {
        text.extend_from_slice(piece.as_bytes());
    }
    text.extend_from_slice(&redacted(&hit.name, redact));
    text
}

fn sums_of(sums: &Sums) -> Option<Item<'static>> {
    let sums: Vec<_> = sums
        .iter()
        .map(|(category, sum)| (category.name(), Item::Number(sum.into())))
        .collect();
    (!sums.is_empty()).then_some(Item::Map(sums))
}

/// Appends a comma, a name and a value: a member of an object behind its first.
pub fn member(out: &mut Vec<u8>, name: &str, item: &Item<'_>) {
    out.push(b',');
    json_string(out, name.as_bytes());
    out.push(b':');
    item.write_json(out);
}

impl Item<'_> {
    /// Appends the value as JSON.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => json_string(out, text),
            Self::Number(number) => write_number(out, *number),
            Self::True => out.extend_from_slice(b"true"),
            Self::List(items) => {
                out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    item.write_json(out);
                }
                out.push(b']');
            }
            Self::Map(entries) => {
                out.push(b'{');
                for (index, (name, item)) in entries.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    json_string(out, name.as_bytes());
                    out.push(b':');
                    item.write_json(out);
                }
                out.push(b'}');
            }
        }
    }

    /// Appends the value as one word for logs in plain text: lists with commas, sums as
    /// `category=sum`; a byte that would end the word, in the name of a field, percent-encoded.
    pub fn write_plain(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => {
                for byte in text.iter() {
                    if byte.is_ascii_graphic() && !b",\"\\%".contains(byte) {
                        out.push(*byte);
                    } else {
                        out.extend_from_slice(format!("%{byte:02X}").as_bytes());
                    }
                }
            }
            Self::Number(number) => write_number(out, *number),
            Self::True => out.extend_from_slice(b"true"),
            Self::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    item.write_plain(out);
                }
            }
            Self::Map(entries) => {
                for (index, (name, item)) in entries.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    out.extend_from_slice(name.as_bytes());
                    out.push(b'=');
                    item.write_plain(out);
                }
            }
        }
    }
}

/// Appends a number in decimal digits, without a text of its own.
fn write_number(out: &mut Vec<u8>, number: u64) {
    let mut digits = [0; 20];
    let mut rest = number;
    let mut used: usize = 0;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
        used = used.saturating_add(1);
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(
        digits
            .get(digits.len().saturating_sub(used)..)
            .unwrap_or(&digits),
    );
}

/// A JSON string of bytes that need not be UTF-8: what is not becomes U+FFFD, so that the line
/// stays valid JSON whatever a client sent. Line ends are escaped: one record is one line.
pub fn json_string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    let plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    if bytes.iter().all(plain) {
        out.extend_from_slice(bytes);
        out.push(b'"');
        return;
    }
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"' => out.extend_from_slice(b"\\\""),
                '\\' => out.extend_from_slice(b"\\\\"),
                // Control characters, and the line ends of Unicode that some log readers obey.
                '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{2028}' | '\u{2029}' => {
                    out.extend_from_slice(format!("\\u{:04x}", u32::from(c)).as_bytes());
                }
                _ => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{FFFD}".as_bytes());
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_valid_json_whatever_the_bytes() {
        for bytes in [
            &b"plain"[..],
            b"\"\\\n\r\0\x7f",
            b"\xff\xfe",
            "\u{2028}\u{1F600}".as_bytes(),
            b"caf\xe9",
        ] {
            let mut out = Vec::new();
            json_string(&mut out, bytes);
            let read: String = serde_json::from_slice(&out).expect("valid JSON");
            assert_eq!(read, String::from_utf8_lossy(bytes));
            assert!(!out.contains(&b'\n'));
        }
    }

    #[test]
    fn numbers_are_written_whole() {
        for number in [0, 1, 9, 10, 99, 100, 12_345, u64::MAX] {
            let mut out = b"n".to_vec();
            write_number(&mut out, number);
            assert_eq!(String::from_utf8_lossy(&out), format!("n{number}"));
        }
    }

    #[test]
    fn plain_words_hold_whatever_the_bytes() {
        let names = [&b"a"[..], b"b,c \n\"%\\", b"\xe9"];
        let list = Item::List(
            names
                .iter()
                .map(|name| Item::Text((*name).into()))
                .collect(),
        );
        let mut out = Vec::new();
        list.write_plain(&mut out);
        assert_eq!(out, b"a,b%2Cc%20%0A%22%25%5C,%E9");
    }
}
