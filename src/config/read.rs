//! Reads typed values from a JSON tree and notes what does not fit, with its path.

use super::node::Node;
use super::problem::Problems;
use crate::model::{Named, names_of, parse_name};

/// Something that can be read from one JSON value. `None` means that a problem was noted.
pub(super) trait Read: Sized {
    fn read(node: &Node, path: &str, problems: &mut Problems) -> Option<Self>;
}

/// Notes that a value is of the wrong type.
pub(super) fn wrong<T>(
    node: &Node,
    path: &str,
    expected: &str,
    problems: &mut Problems,
) -> Option<T> {
    problems.add(path, format!("expected {expected}, found {}", node.sort()));
    None
}

impl Read for bool {
    fn read(node: &Node, path: &str, problems: &mut Problems) -> Option<Self> {
        match node {
            Node::Bool(value) => Some(*value),
            _ => wrong(node, path, "true or false", problems),
        }
    }
}

impl Read for u32 {
    fn read(node: &Node, path: &str, problems: &mut Problems) -> Option<Self> {
        match node {
            Node::Integer(value) => Self::try_from(*value).ok().or_else(|| {
                problems.add(
                    path,
                    format!("expected a whole number from 0 to {}", Self::MAX),
                );
                None
            }),
            _ => wrong(node, path, "a whole number", problems),
        }
    }
}

impl Read for String {
    fn read(node: &Node, path: &str, problems: &mut Problems) -> Option<Self> {
        match node {
            Node::Text(value) => Some(value.clone()),
            _ => wrong(node, path, "a string", problems),
        }
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(node: &Node, path: &str, problems: &mut Problems) -> Option<Self> {
        let Node::List(items) = node else {
            return wrong(node, path, "a list", problems);
        };
        let read: Vec<Option<T>> = items
            .iter()
            .enumerate()
            .map(|(index, item)| T::read(item, &format!("{path}[{index}]"), problems))
            .collect();
        read.into_iter().collect()
    }
}

/// A word of a closed list.
pub(super) struct Word<T>(pub(super) T);

impl<T: Named> Read for Word<T> {
    fn read(node: &Node, path: &str, problems: &mut Problems) -> Option<Self> {
        // `true` and `false` may be names (of `hold_request_headers`), written as JSON booleans; and
        // what wrote `off` in YAML may come as `false` (YAML 1.1, which Kubernetes reads).
        let text = match node {
            Node::Text(text) => text.as_str(),
            Node::Bool(true) => "true",
            Node::Bool(false) if parse_name::<T>("false").is_none() => "off",
            Node::Bool(false) => "false",
            _ => return wrong(node, path, &one_of::<T>(), problems),
        };
        if let Some(value) = parse_name(text) {
            return Some(Self(value));
        }
        let message = format!("{}; expected {}", not_a(text, T::WHAT), one_of::<T>());
        problems.add_unknown(path, message, text, names_of::<T>());
        None
    }
}

fn one_of<T: Named>() -> String {
    let names: Vec<_> = names_of::<T>().collect();
    format!("one of {}", names.join(", "))
}

/// Says that a value is not one of some words. It is repeated only if it looks like a word of this
/// language: what stands in the wrong place may be a secret.
pub(super) fn not_a(text: &str, what: &str) -> String {
    let article = match what.as_bytes().first() {
        Some(b'a' | b'e' | b'i' | b'o' | b'u') => "an",
        _ => "a",
    };
    let word = (1..=40).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphabetic() || b"_-".contains(&b));
    if word {
        format!("`{text}` is not {article} {what}")
    } else {
        format!("not {article} {what}")
    }
}

/// A key or word of the policy, short enough for an error message and without control characters.
pub(super) fn shown(text: &str) -> String {
    text.chars()
        .take(40)
        .map(|c| if c.is_control() { '\u{FFFD}' } else { c })
        .collect()
}

/// The entries of a JSON object: each key is asked for once, what was never asked for is unknown.
pub(super) struct Object<'a> {
    path: &'a str,
    entries: &'a [(String, Node)],
    known: Vec<&'static str>,
}

impl<'a> Object<'a> {
    /// The object at a path; a problem if it is something else.
    pub(super) fn open(node: &'a Node, path: &'a str, problems: &mut Problems) -> Option<Self> {
        let Node::Object(entries) = node else {
            return wrong(node, path, "an object", problems);
        };
        let mut seen = std::collections::HashSet::with_capacity(entries.len());
        for (key, _) in entries {
            if !seen.insert(key) {
                problems.add(
                    &member(path, key),
                    "this key stands twice; keep one of them",
                );
            }
        }
        Some(Self {
            path,
            entries,
            known: Vec::new(),
        })
    }

    /// The value of a key, if it is there, as it came.
    pub(super) fn node(&mut self, key: &'static str) -> Option<&'a Node> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        self.entries
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, node)| node)
    }

    /// The path of a key of this object.
    pub(super) fn path_of(&self, key: &str) -> String {
        member(self.path, key)
    }

    /// The value of a key, if it is there and right.
    pub(super) fn optional<T: Read>(
        &mut self,
        key: &'static str,
        problems: &mut Problems,
    ) -> Option<T> {
        let path = self.path_of(key);
        self.node(key)
            .and_then(|node| T::read(node, &path, problems))
    }

    /// The value of a key that must be there.
    pub(super) fn required<T: Read>(
        &mut self,
        key: &'static str,
        problems: &mut Problems,
    ) -> Option<T> {
        if !self.entries.iter().any(|(name, _)| name == key) {
            self.node(key);
            problems.add(self.path, format!("`{key}` is missing"));
            return None;
        }
        self.optional(key, problems)
    }

    /// Whether a key is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|(name, _)| name == key)
    }

    /// Notes every key that nobody asked for.
    pub(super) fn close(self, problems: &mut Problems) {
        for (key, _) in self.entries {
            if !self.known.contains(&key.as_str()) {
                problems.add_unknown(
                    &member(self.path, key),
                    format!("unknown key; expected {}", self.known.join(", ")),
                    key,
                    self.known.iter().copied(),
                );
            }
        }
    }
}

/// The path of a member: dotted where the key is a plain word, quoted where it is not.
fn member(path: &str, key: &str) -> String {
    let plain = !key.is_empty()
        && key.len() <= 64
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if plain {
        format!("{path}.{key}")
    } else {
        format!("{path}[\"{}\"]", shown(key))
    }
}
