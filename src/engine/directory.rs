//! Finds, of many things that each concern some requests, the few that may concern this one.
//!
//! Scopes, exceptions and conditions say which requests they are about, and a policy may have thousands of
//! them. Most name a path, or part of one, or a host: by that they are found, so that what a policy says of
//! other requests costs this one nothing. What is found is a candidate; whether it holds is asked of it.

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::facts::Facts;
use super::hash::{self, Table};
use super::literal::{LONGEST, Required, required};
use crate::config::pattern;
use crate::model::{RequestMatch, TextMatch};

/// Things by number, found by what they say of requests.
#[derive(Debug, Default)]
pub(super) struct Directory {
    by_path: Table<Vec<u32>>,
    /// By the first segment of the path, where another one follows.
    by_segment: Table<Vec<u32>>,
    by_host: Table<Vec<u32>>,
    /// Texts of which the path holds one.
    literals: Option<AhoCorasick>,
    by_literal: Vec<Vec<u32>>,
    /// What nothing of the above can be said of.
    elsewhere: Vec<u32>,
}

/// A directory to which things are added.
#[derive(Debug, Default)]
pub(super) struct Writer {
    directory: Directory,
    literals: BTreeMap<Vec<u8>, Vec<u32>>,
    /// Bytes of those.
    bytes: usize,
}

/// By what a path, or a host, is found.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key<'a> {
    Path(&'a [u8]),
    Segment(&'a [u8]),
    Literal(Vec<u8>),
    Host(&'a [u8]),
}

/// Bytes of literals that are searched for in paths; what goes beyond is asked of every request.
const MOST_BYTES: usize = 64 << 10;
/// Bytes of literals up to which the automaton is the fast and large one.
const MOST_FAST: usize = 2 << 10;

impl Writer {
    /// Adds a thing that concerns some requests. Numbers are given in rising order.
    pub(super) fn add(&mut self, number: u32, request: &RequestMatch) {
        // One that no path is told of may still be told by its host.
        let keys = keys_of_paths(&request.paths).or_else(|| keys_of_hosts(&request.hosts));
        let bytes = |key: &Key<'_>| match key {
            Key::Literal(literal) => literal.len(),
            _ => 0,
        };
        let keys = keys.filter(|keys| {
            let more = keys.iter().map(bytes).sum();
            self.bytes = self.bytes.saturating_add(more);
            more == 0 || self.bytes <= MOST_BYTES
        });
        let Some(mut keys) = keys else {
            self.directory.elsewhere.push(number);
            return;
        };
        keys.sort_unstable();
        keys.dedup();
        for key in keys {
            let list = match key {
                Key::Path(path) => self.directory.by_path.entry(hash::of(path)).or_default(),
                Key::Segment(segment) => self
                    .directory
                    .by_segment
                    .entry(hash::of(segment))
                    .or_default(),
                Key::Host(host) => self.directory.by_host.entry(hash::of(host)).or_default(),
                Key::Literal(literal) => self.literals.entry(literal).or_default(),
            };
            list.push(number);
        }
    }

    /// The directory of all that was added.
    pub(super) fn finish(self) -> Directory {
        let Self {
            mut directory,
            literals,
            bytes,
        } = self;
        if literals.is_empty() {
            return directory;
        }
        let kind = if bytes <= MOST_FAST {
            AhoCorasickKind::DFA
        } else {
            AhoCorasickKind::ContiguousNFA
        };
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(kind))
            .build(literals.keys());
        match automaton {
            Ok(automaton) => {
                directory.literals = Some(automaton);
                directory.by_literal = literals.into_values().collect();
            }
            // Slower, and just as right.
            Err(_) => directory.elsewhere.extend(literals.into_values().flatten()),
        }
        directory
    }
}

impl Directory {
    /// The numbers of what may concern a request, in rising order, each once.
    pub(super) fn candidates(&self, facts: &Facts<'_>) -> Vec<u32> {
        let mut found = Vec::new();
        let path = facts.path();
        let keys = facts.keys();
        let here = self.by_path.get(&keys.path);
        let below = keys.segment.and_then(|key| self.by_segment.get(&key));
        let host = self.by_host.get(&keys.host);
        let lists = [here, below, host];
        found.extend(lists.into_iter().flatten().flatten());
        if let Some(automaton) = &self.literals {
            for hit in automaton.find_overlapping_iter(path) {
                found.extend(
                    self.by_literal
                        .get(hit.pattern().as_usize())
                        .into_iter()
                        .flatten(),
                );
            }
        }
        found.extend(&self.elsewhere);
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// The keys of which every path that one of these texts means has one; `None` if that cannot be said.
fn keys_of_paths(paths: &[TextMatch]) -> Option<Vec<Key<'_>>> {
    let mut keys = Vec::with_capacity(paths.len());
    for path in paths {
        match path {
            TextMatch::Exact(path) => keys.push(Key::Path(path.as_bytes())),
            TextMatch::Prefix(start) => match first_segment(start.as_bytes()) {
                Some(segment) => keys.push(Key::Segment(segment)),
                None => keys.push(literal(start.as_bytes())?),
            },
            TextMatch::Suffix(text) | TextMatch::Contains(text) => {
                keys.push(literal(text.as_bytes())?);
            }
            TextMatch::Glob(glob) => {
                let glob = glob.as_bytes();
                let end = memchr::memchr2(b'*', b'?', glob).unwrap_or(glob.len());
                match first_segment(glob.get(..end)?) {
                    Some(segment) => keys.push(Key::Segment(segment)),
                    None => {
                        let pieces = glob.split(|byte| b"*?".contains(byte));
                        keys.push(literal(pieces.max_by_key(|piece| piece.len())?)?);
                    }
                }
            }
            TextMatch::Regex(regex) => {
                let literals: Required = required(&pattern::parse(regex).ok()?)?;
                keys.extend(literals.into_iter().map(Key::Literal));
            }
        }
    }
    (!keys.is_empty()).then_some(keys)
}

fn keys_of_hosts(hosts: &[TextMatch]) -> Option<Vec<Key<'_>>> {
    let mut keys = Vec::with_capacity(hosts.len());
    for host in hosts {
        let TextMatch::Exact(host) = host else {
            return None;
        };
        keys.push(Key::Host(host.as_bytes()));
    }
    (!keys.is_empty()).then_some(keys)
}

fn literal(text: &[u8]) -> Option<Key<'static>> {
    let text = text.get(..LONGEST).unwrap_or(text).to_ascii_lowercase();
    // Every path has a slash.
    (!text.is_empty() && text != b"/").then_some(Key::Literal(text))
}

/// The first segment of a path in which another one follows.
pub(super) fn first_segment(path: &[u8]) -> Option<&[u8]> {
    let rest = path.strip_prefix(b"/")?;
    rest.get(..memchr::memchr(b'/', rest)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::facts::{Facts, Peer, Requests};
    use crate::request::Head;

    fn head<'a>(host: &'a str, target: &'a str) -> Head<'a> {
        Head {
            method: b"GET",
            scheme: b"https",
            authority: host.as_bytes(),
            target: target.as_bytes(),
            protocol: b"HTTP/1.1",
            headers: &[],
            end_of_stream: true,
        }
    }

    /// Whatever holds is a candidate; and what names something else is not even that.
    #[test]
    fn what_concerns_a_request_is_found() {
        let text = |text: &str| text.to_owned();
        let all = [
            (TextMatch::Exact(text("/a/b")), "/a/b", "/a/c"),
            (TextMatch::Prefix(text("/a/b")), "/a/bc", "/b/a"),
            (TextMatch::Prefix(text("/api")), "/apis/1", "/ap/i"),
            (TextMatch::Suffix(text(".php")), "/a/x.php", "/a/x.html"),
            (TextMatch::Contains(text("Admin")), "/a/Admin/b", "/a/b"),
            (TextMatch::Glob(text("/t/*/r")), "/t/1/r", "/u/1/r"),
            (TextMatch::Glob(text("*/r?ports")), "/t/1/reports", "/t/1"),
            (
                TextMatch::Regex(text("^/v[0-9]/item$")),
                "/v1/item",
                "/v1/other",
            ),
            (TextMatch::Regex(text("(?i)ITEM|part")), "/x/iTem", "/x/y"),
        ];
        for (path, inside, outside) in &all {
            let request = RequestMatch {
                paths: vec![path.clone()],
                ..RequestMatch::default()
            };
            let mut writer = Writer::default();
            writer.add(7, &request);
            let directory = writer.finish();
            let nobody = Peer::default();
            let inside = head("h", inside);
            let inside = Facts::of(&inside, &nobody);
            assert!(Requests::new(&request).contain(&inside), "{path:?}");
            assert_eq!(directory.candidates(&inside), [7], "{path:?}");
            let none = head("h", outside);
            let none = directory.candidates(&Facts::of(&none, &nobody));
            assert!(none.is_empty(), "{path:?} {outside}");
        }
        // All together, twice, with a list, one by host, one that says nothing that could be found.
        let mut writer = Writer::default();
        let list = RequestMatch {
            paths: all.iter().map(|(path, ..)| path.clone()).collect(),
            ..RequestMatch::default()
        };
        let host = RequestMatch {
            hosts: vec![TextMatch::Exact(text("api.example.com"))],
            ..RequestMatch::default()
        };
        let any = RequestMatch {
            paths: vec![
                TextMatch::Exact(text("/a/b")),
                TextMatch::Regex(text("^/[a-z]*$")),
            ],
            ..RequestMatch::default()
        };
        for (number, request) in [&list, &list, &host, &any].into_iter().enumerate() {
            writer.add(number as u32, request);
        }
        let directory = writer.finish();
        for (host, target, found) in [
            ("h", "/a/b", &[0, 1, 3][..]),
            ("h", "/a/bx.php", &[0, 1, 3]),
            ("API.example.com:443", "/", &[2, 3]),
            ("h", "/none", &[3]),
        ] {
            assert_eq!(
                directory.candidates(&Facts::of(&head(host, target), &Peer::default())),
                found,
                "{target}"
            );
        }
    }
}
