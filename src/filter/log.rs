//! Records: one JSON line in the proxy's log about a request, with what is needed to find it elsewhere,
//! never with a value that it carried unless the policy asks; and not so many of them that a flood
//! drowns the log.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::host::{Host, Level};
use crate::config::Telemetry;
use crate::engine::{Item, Record, json_string, member, redacted, redacted_path};
use crate::model::{Action, Day, Recorded, Verdict};
use crate::request::Head;

/// What a record says of a request besides the decision.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    method: Vec<u8>,
    host: Vec<u8>,
    target: Vec<u8>,
    traceparent: Vec<u8>,
}

/// Bytes of a method, a host and a path that are written.
const METHOD: usize = 32;
const HOST: usize = 256;
const PATH: usize = 512;
/// Bytes of a target that are kept, from which the path is made: what is cut off may complete a secret.
const TARGET: usize = 4 * PATH;

impl Asked {
    /// Keeps what a record needs, because the headers may be gone when it is written.
    pub(super) fn of(head: &Head<'_>) -> Self {
        let cut = |bytes: &[u8], most: usize| bytes.get(..most).unwrap_or(bytes).to_vec();
        let target = head.target.split(|byte| *byte == b'?').next();
        let traceparent = head.values(b"traceparent").next().unwrap_or_default();
        Self {
            method: cut(head.method, METHOD),
            host: cut(head.authority, HOST),
            target: cut(target.unwrap_or_default(), TARGET),
            traceparent: if is_traceparent(traceparent) {
                traceparent.to_vec()
            } else {
                Vec::new()
            },
        }
    }
}

/// Whether a header is a trace context (W3C Trace Context, 3.2) and so says nothing else.
fn is_traceparent(value: &[u8]) -> bool {
    value.len() == 55
        && value.iter().enumerate().all(|(index, byte)| match index {
            2 | 35 | 52 => *byte == b'-',
            _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(byte),
        })
}

/// Whether a policy wants a record of a request.
pub(super) fn wants(telemetry: &Telemetry, record: &Record<'_>) -> bool {
    match telemetry.record {
        Recorded::Off => false,
        Recorded::Blocked => record.verdict.action != Action::Allow,
        Recorded::Matched => !record.is_clean(),
        Recorded::All => true,
    }
}

/// How many records each rule has left lately.
#[derive(Debug, Default)]
pub(super) struct Limiter(HashMap<u32, Second>);

/// One second in the life of a rule.
#[derive(Debug)]
struct Second {
    since: u64,
    lines: u32,
    dropped: u32,
}

impl Limiter {
    /// Whether one more line about a rule may be written at this time, in nanoseconds; if so, how many were
    /// left out since the last. There are no more entries than rules.
    fn admits(&mut self, rule: u32, most: u32, now: u64) -> Option<u32> {
        if most == 0 {
            return Some(0);
        }
        let second = match self.0.entry(rule) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(Second {
                since: now,
                lines: 0,
                dropped: 0,
            }),
        };
        if now.saturating_sub(second.since) >= 1_000_000_000 || now < second.since {
            (second.since, second.lines) = (now, 0);
        }
        if second.lines >= most {
            second.dropped = second.dropped.saturating_add(1);
            return None;
        }
        second.lines = second.lines.saturating_add(1);
        Some(std::mem::take(&mut second.dropped))
    }
}

/// The rule that a record is counted for: the first that was enforced, else the first at all, else none.
fn rule_of(verdict: &Verdict) -> u32 {
    let enforced = verdict.hits.iter().find(|hit| hit.enforced);
    enforced.or(verdict.hits.first()).map_or(0, |hit| hit.rule)
}

/// Writes a record. False if the rate of its rule left it out.
pub(super) fn write(
    host: &dyn Host,
    limiter: &mut Limiter,
    telemetry: &Telemetry,
    record: &Record<'_>,
    (asked, request_id): (&Asked, &[u8]),
) -> bool {
    let now = host.now();
    let rule = rule_of(record.verdict);
    let Some(dropped) = limiter.admits(rule, telemetry.log_rate, now) else {
        return false;
    };
    let words = &telemetry.redact;
    let mut line = Vec::with_capacity(512);
    line.extend_from_slice(b"palisade: {\"record\":1,\"time\":");
    json_string(&mut line, time(now).as_bytes());
    let mut client = Vec::with_capacity(48);
    if host.property("source\0address", &mut client)
        && let Some(colon) = client.iter().rposition(|byte| *byte == b':')
    {
        client.truncate(colon);
        // As access logs have it: an IPv6 address without its brackets.
        client.retain(|byte| !b"[]".contains(byte));
    }
    for (name, value) in [
        ("request_id", redacted(request_id, words).into_owned()),
        ("traceparent", asked.traceparent.clone()),
        ("client", client),
        ("method", redacted(&asked.method, words).into_owned()),
        ("host", redacted(&asked.host, words).into_owned()),
        ("path", redacted_path(&asked.target, PATH, words)),
    ] {
        if !value.is_empty() {
            member(&mut line, name, &Item::Text(value.into()));
        }
    }
    let mut decision = Vec::new();
    record.write_json(&mut decision);
    line.push(b',');
    let entries = decision.strip_prefix(b"{").unwrap_or_default();
    line.extend_from_slice(entries.strip_suffix(b"}").unwrap_or_default());
    if dropped > 0 {
        member(&mut line, "dropped", &Item::Number(dropped.into()));
    }
    let excerpts = record.excerpts();
    if telemetry.excerpts && !excerpts.is_empty() {
        member(&mut line, "excerpts", &Item::List(excerpts));
    }
    line.push(b'}');
    let level = match record.verdict.action {
        Action::Allow => Level::Info,
        Action::Monitor | Action::Block => Level::Warn,
    };
    host.log(level, &String::from_utf8_lossy(&line));
    true
}

/// A time in nanoseconds since the epoch as RFC 3339 has it, in UTC, to the millisecond.
fn time(now: u64) -> String {
    let (seconds, milliseconds) = (now / 1_000_000_000, now / 1_000_000 % 1000);
    let second = seconds % 86_400;
    format!(
        "{}T{:02}:{:02}:{:02}.{milliseconds:03}Z",
        Day::of_seconds(seconds),
        second / 3600,
        second / 60 % 60,
        second % 60,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (milliseconds, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_078_099_199_999, "2004-02-29T23:59:59.999Z"),
            (1_704_067_199_001, "2023-12-31T23:59:59.001Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(time(milliseconds * 1_000_000), expected);
        }
        time(u64::MAX);
    }

    #[test]
    fn only_a_trace_context_passes_for_one() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert!(is_traceparent(good.as_bytes()));
        for bad in [
            "",
            "00-4111111111111111-00f067aa0ba902b7-01",
            &good.to_uppercase(),
            &good.replace('-', "_"),
        ] {
            assert!(!is_traceparent(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn each_rule_has_its_second() {
        let mut limiter = Limiter::default();
        let second = 1_000_000_000;
        for (rule, at, expected) in [
            (17, 5, Some(0)),
            (17, 6, Some(0)),
            (17, 7, None),
            (18, 7, Some(0)),
            (17, 4 + second, None),
            (17, 5 + second, Some(2)),
            (17, 6 + second, Some(0)),
            (17, 7 + second, None),
            // The clock was set back.
            (17, 1, Some(1)),
        ] {
            assert_eq!(limiter.admits(rule, 2, at), expected, "{rule} at {at}");
        }
        for _ in 0..100 {
            assert_eq!(limiter.admits(17, 0, 1), Some(0));
        }
    }
}
