//! The decision as one JSON object: what access logs print, what the command line reads back.

use crate::model::{Action, AnomalySet, EndedBy, Hit, Named, Part, Sums, Verdict};

/// A verdict with what identifies it, ready to be written.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// What was decided.
    pub verdict: &'a Verdict,
    /// The name of the policy, if it has one.
    pub policy: Option<&'a str>,
    /// The revision of the policy, if it has one.
    pub revision: Option<&'a str>,
}

impl Record<'_> {
    /// Appends the record as JSON. Names of fields are included, values never are. A request on
    /// which nothing matched is `{"action":"allow"}` and no more.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        let verdict = self.verdict;
        out.extend_from_slice(b"{\"action\":\"");
        out.extend_from_slice(verdict.action.name().as_bytes());
        out.push(b'"');
        let nothing = verdict.action == Action::Allow
            && verdict.hits.is_empty()
            && verdict.uninspected.is_empty()
            && verdict.exceptions.is_empty()
            && verdict.expired.is_empty()
            && verdict.ended_by.is_none();
        if !nothing {
            self.write_reasons(out);
        }
        out.push(b'}');
    }

    fn write_reasons(&self, out: &mut Vec<u8>) {
        let verdict = self.verdict;
        if !verdict.reasons.is_empty() {
            key(out, "reasons");
            list(
                out,
                verdict.reasons.iter().map(|category| category.name()),
                |out, name| {
                    json_string(out, name.as_bytes());
                },
            );
        }
        write_sums(out, "scores", &verdict.scores);
        write_sums(out, "recorded", &verdict.recorded);
        if !verdict.hits.is_empty() {
            key(out, "rules");
            let mut rules: Vec<u32> = verdict.hits.iter().map(|hit| hit.rule).collect();
            rules.sort_unstable();
            rules.dedup();
            list(out, rules.into_iter(), |out, id| {
                out.extend_from_slice(id.to_string().as_bytes())
            });
            key(out, "matches");
            list(out, verdict.hits.iter().enumerate(), |out, (index, hit)| {
                json_string(out, &match_of(index, hit));
            });
        }
        if verdict.more_hits > 0 {
            key(out, "more");
            out.extend_from_slice(verdict.more_hits.to_string().as_bytes());
        }
        write_anomalies(out, "uninspected", verdict.uninspected);
        for (name, labels) in [
            ("exceptions", &verdict.exceptions),
            ("expired", &verdict.expired),
        ] {
            if !labels.is_empty() {
                key(out, name);
                list(out, labels.iter(), |out, label| {
                    json_string(out, label.as_bytes())
                });
            }
        }
        if let Some(by) = verdict.ended_by {
            key(out, "ended_by");
            match by {
                EndedBy::Rule(id) => json_string(out, format!("rule {id}").as_bytes()),
                EndedBy::AllowedClient => json_string(out, b"allow_clients"),
                EndedBy::DeniedClient => json_string(out, b"deny_clients"),
                EndedBy::Uninspected => json_string(out, b"uninspected"),
            }
        }
        if verdict.sampled_out {
            key(out, "sampled_out");
            out.extend_from_slice(b"true");
        }
        if let Some(scope) = &verdict.scope {
            key(out, "scope");
            json_string(out, scope.as_bytes());
        }
        for (name, value) in [("policy", self.policy), ("revision", self.revision)] {
            if let Some(value) = value {
                key(out, name);
                json_string(out, value.as_bytes());
            }
        }
    }
}

/// One match as `index:rule:zone:name`; `zone|name` where the rule matched the name of the field
/// rather than its value.
pub fn match_of(index: usize, hit: &Hit) -> Vec<u8> {
    let part = match hit.part {
        Part::Name => "|name",
        Part::Value => "",
    };
    let mut text = format!("{index}:{}:{}{part}:", hit.rule, hit.zone).into_bytes();
    text.extend_from_slice(&hit.name);
    text
}

fn write_sums(out: &mut Vec<u8>, name: &str, sums: &Sums) {
    let mut some = sums.iter().peekable();
    if some.peek().is_none() {
        return;
    }
    key(out, name);
    out.push(b'{');
    for (index, (category, sum)) in some.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        json_string(out, category.name().as_bytes());
        out.push(b':');
        out.extend_from_slice(sum.to_string().as_bytes());
    }
    out.push(b'}');
}

fn write_anomalies(out: &mut Vec<u8>, name: &str, anomalies: AnomalySet) {
    if !anomalies.is_empty() {
        key(out, name);
        list(out, anomalies.iter(), |out, anomaly| {
            json_string(out, anomaly.name().as_bytes())
        });
    }
}

fn key(out: &mut Vec<u8>, name: &str) {
    out.push(b',');
    json_string(out, name.as_bytes());
    out.push(b':');
}

fn list<T>(
    out: &mut Vec<u8>,
    items: impl Iterator<Item = T>,
    mut write: impl FnMut(&mut Vec<u8>, T),
) {
    out.push(b'[');
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

/// A JSON string of bytes that need not be UTF-8: what is not becomes U+FFFD, so that the line
/// stays valid JSON whatever a client sent. Line ends are escaped: one record is one line.
pub fn json_string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
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
}
