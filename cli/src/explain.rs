//! Why a verdict is what it is, in words.

use std::fmt::Write as _;

use palisade::engine::Engine;
use palisade::model::{Action, Hit, Named, Part, Sums, Verdict, View};

use crate::proxied::Proxied;
use crate::terminal::{Ink, Terminal};

/// Bytes of one value that are shown.
const SHOWN: usize = 300;

/// Bytes as one line of text: what is not printable is escaped, what is long is cut.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let (cut, more) = match bytes.get(..SHOWN) {
        Some(cut) if bytes.len() > SHOWN => (cut, bytes.len() - SHOWN),
        _ => (bytes, 0),
    };
    let mut text = String::with_capacity(cut.len());
    push_shown(cut, &mut text);
    if more > 0 {
        let _ = write!(text, "… ({more} bytes more)");
    }
    text
}

/// Appends bytes as text: what is not printable is escaped.
pub(crate) fn push_shown(bytes: &[u8], text: &mut String) {
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\n' => text.push_str("\\n"),
                '\r' => text.push_str("\\r"),
                '\t' => text.push_str("\\t"),
                c if c.is_control()
                    || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
                {
                    let _ = write!(text, "\\u{{{:x}}}", u32::from(c));
                }
                c => text.push(c),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
}

/// Octets as text whose characters are U+0000 to U+00FF: nothing is lost.
pub(crate) fn octets(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// The decision as the access log of the proxy prints it.
pub(crate) fn decision(verdict: &Verdict) -> serde_json::Value {
    let mut json = Vec::new();
    palisade::engine::Record {
        verdict,
        policy: None,
        revision: None,
        microseconds: None,
        redact: &[],
    }
    .write_json(&mut json);
    serde_json::from_slice(&json).unwrap_or_default()
}

/// A request: its line, the headers that say something, and its body.
pub(crate) fn request(proxied: &Proxied, out: &mut String) {
    let _ = writeln!(
        out,
        "  request   {} {}",
        shown(&proxied.method),
        shown(&proxied.target)
    );
    for (name, value) in &proxied.headers {
        if !ORDINARY.contains(&name.as_slice()) {
            let _ = writeln!(out, "  header    {}: {}", shown(name), shown(value));
        }
    }
    if !proxied.body.is_empty() {
        let _ = writeln!(out, "  body      {}", shown(&proxied.body));
    }
}

/// Headers that the proxy adds or that describe the client rather than the request.
const ORDINARY: [&[u8]; 8] = [
    b"accept",
    b"accept-encoding",
    b"accept-language",
    b"cache-control",
    b"content-length",
    b"pragma",
    b"x-forwarded-proto",
    b"x-request-id",
];

/// What is to be done, in one phrase.
pub(crate) fn judgement(verdict: &Verdict, terminal: &Terminal) -> String {
    let word = match verdict.action {
        Action::Allow => terminal.ink(Ink::Good, "allow"),
        Action::Monitor => terminal.ink(Ink::Warning, "monitor (would be blocked)"),
        Action::Block => terminal.ink(Ink::Bad, "block"),
    };
    let reasons: Vec<_> = verdict.reasons.iter().map(|reason| reason.name()).collect();
    match reasons.is_empty() {
        true => word,
        false => format!("{word} for {}", reasons.join(", ")),
    }
}

/// A verdict, one line for each thing that led to it. What recorded only is named by its ids.
pub(crate) fn verdict(engine: &Engine, verdict: &Verdict, terminal: &Terminal, out: &mut String) {
    let _ = writeln!(out, "  verdict   {}", judgement(verdict, terminal));
    sums(engine, "scores", &verdict.scores, out);
    sums(engine, "recorded", &verdict.recorded, out);
    for hit in verdict.hits.iter().filter(|hit| hit.enforced) {
        line(engine, hit, terminal, out);
    }
    let mut quiet: Vec<u32> = verdict
        .hits
        .iter()
        .filter(|hit| !hit.enforced)
        .map(|hit| hit.rule)
        .collect();
    quiet.sort_unstable();
    quiet.dedup();
    if !quiet.is_empty() {
        let ids: Vec<_> = quiet.iter().map(u32::to_string).collect();
        let _ = writeln!(out, "  recorded  by {}", ids.join(", "));
    }
    if verdict.more_hits > 0 {
        let _ = writeln!(out, "  and       {} more hits", verdict.more_hits);
    }
    if verdict.hits.is_empty() {
        out.push_str("  no rule matched\n");
    }
    if !verdict.exceptions.is_empty() {
        let _ = writeln!(out, "  excepted  by {}", verdict.exceptions.join(", "));
    }
    if !verdict.expired.is_empty() {
        let days = verdict.expired.iter().map(|label| {
            let on = engine.expiring().find(|(known, _)| known == label);
            match on {
                Some((_, last)) => format!("{label} ({last})"),
                None => label.clone(),
            }
        });
        let days: Vec<_> = days.collect();
        let _ = writeln!(out, "  expired   {}", days.join(", "));
    }
    if let Some(scope) = &verdict.scope {
        let _ = writeln!(out, "  scope     {scope}");
    }
    if !verdict.uninspected.is_empty() {
        let names: Vec<_> = verdict.uninspected.iter().map(Named::name).collect();
        let _ = writeln!(out, "  not seen  {}", names.join(", "));
    }
}

fn sums(engine: &Engine, what: &str, sums: &Sums, out: &mut String) {
    let texts: Vec<_> = sums
        .iter()
        .map(|(category, sum)| format!("{category} {sum} of {}", engine.threshold(category)))
        .collect();
    if !texts.is_empty() {
        let _ = writeln!(out, "  {what:<9} {}", texts.join(", "));
    }
}

fn line(engine: &Engine, hit: &Hit, terminal: &Terminal, out: &mut String) {
    let rule = engine.rule(hit.rule);
    let name = rule.map_or("", |rule| rule.name.as_str());
    let id = terminal.ink(Ink::Strong, &hit.rule.to_string());
    let _ = write!(out, "  rule      {id} {name}");
    place(hit, out);
    let scores: Vec<_> = rule
        .map(|rule| rule.score.as_slice())
        .unwrap_or_default()
        .iter()
        .map(|(category, score)| format!("{category} +{}", score.saturating_mul(hit.count)))
        .collect();
    let _ = write!(out, ": {}", scores.join(", "));
    out.push('\n');
}

/// Where a rule hit, and how often.
pub(crate) fn place(hit: &Hit, out: &mut String) {
    let _ = write!(out, " in {}", hit.zone);
    if !hit.name.is_empty() {
        let _ = write!(out, " `{}`", shown(&hit.name));
    }
    if hit.part == Part::Name {
        out.push_str(", its name");
    }
    if hit.view != View::Plain {
        let _ = write!(out, ", {} view", hit.view);
    }
    if hit.count > 1 {
        let _ = write!(out, ", {} times", hit.count);
    }
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn nothing_that_moves_a_terminal_is_shown_as_it_is() {
        assert_eq!(
            shown(b"a\x1b[31m\r\n\xff\0"),
            "a\\u{1b}[31m\\r\\n\\xff\\u{0}"
        );
        assert_eq!(shown("é\u{202e}".as_bytes()), "é\\u{202e}");
        assert!(shown(&[b'a'; 400]).ends_with("a… (100 bytes more)"));
    }
}
