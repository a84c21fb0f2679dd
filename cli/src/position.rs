//! Where in a policy's text a path such as `$.rules[0].regex` leads, so that a problem can point at it.

use std::cell::OnceCell;
use std::ops::Range;

use granit_parser::{Event, Parser};

/// Line and column, both from 1; the column counts characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// The position of a byte.
pub(crate) fn position(text: &[u8], at: usize) -> Position {
    let before = text.get(..at).unwrap_or(text);
    let start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |newline| newline + 1);
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = String::from_utf8_lossy(before.get(start..).unwrap_or_default())
        .chars()
        .count()
        + 1;
    Position { line, column }
}

/// The places of a text, of which YAML is read once, however many paths are asked for.
#[derive(Default)]
pub(crate) struct Places(OnceCell<Option<Tree>>);

impl Places {
    /// The bytes that a path leads to, or as far as it leads: a key that is missing is reported where
    /// it should stand. For a member of an object that is its key and, on one line, its value.
    pub(crate) fn range_of(&self, text: &[u8], yaml: bool, path: &str) -> Option<Range<usize>> {
        let mut rest = path.strip_prefix('$')?;
        let mut steps = Vec::new();
        while let Some(step) = Step::take(&mut rest) {
            steps.push(step);
        }
        let found = if yaml {
            let tree = self
                .0
                .get_or_init(|| Tree::read(std::str::from_utf8(text).ok()?));
            tree.as_ref()?.follow(&steps)
        } else {
            Reader { text, at: 0 }.follow(&steps)
        };
        let bytes = text.get(found.clone())?;
        // Of what goes over several lines the first is enough.
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let first = end.and_then(|end| bytes.get(..end)).unwrap_or(bytes);
        Some(found.start..found.start + first.trim_ascii_end().len())
    }
}

/// One step of a path.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

impl Step {
    fn take(path: &mut &str) -> Option<Self> {
        if let Some(rest) = path.strip_prefix('.') {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (key, rest) = rest.split_at(end);
            *path = rest;
            return Some(Self::Key(key.to_owned()));
        }
        let (inside, rest) = path.strip_prefix('[')?.split_once(']')?;
        *path = rest;
        match inside.parse() {
            Ok(index) => Some(Self::Index(index)),
            Err(_) => Some(Self::Key(inside.trim_matches(['"', '\'']).to_owned())),
        }
    }
}

/// Walks over JSON text that is known to be well-formed; on any other it stops early, no more.
struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn follow(&mut self, steps: &[Step]) -> Range<usize> {
        self.blank();
        let mut found = self.at..self.value_end();
        for step in steps {
            match self.enter(step) {
                Some(at) => found = at..self.value_end(),
                None => break,
            }
        }
        found
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn blank(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn take(&mut self, wanted: u8) -> Option<()> {
        self.blank();
        (self.peek() == Some(wanted)).then(|| self.at += 1)
    }

    /// Behind the value that begins here, or here if none does.
    fn value_end(&self) -> usize {
        let mut ahead = Reader {
            text: self.text,
            at: self.at,
        };
        match ahead.skip() {
            Some(()) => ahead.at,
            None => self.at,
        }
    }

    /// Goes to the value that a step leads to; says where it, or its key, begins.
    fn enter(&mut self, step: &Step) -> Option<usize> {
        match step {
            Step::Key(key) => {
                self.take(b'{')?;
                loop {
                    self.blank();
                    let at = self.at;
                    let found = self.string()?;
                    self.take(b':')?;
                    self.blank();
                    if found == *key {
                        return Some(at);
                    }
                    self.skip()?;
                    self.take(b',')?;
                }
            }
            Step::Index(index) => {
                self.take(b'[')?;
                for _ in 0..*index {
                    self.skip()?;
                    self.take(b',')?;
                }
                self.blank();
                Some(self.at)
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        let start = self.at;
        self.take(b'"')?;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        serde_json::from_slice(self.text.get(start..self.at)?).ok()
    }

    /// Passes over one value.
    fn skip(&mut self) -> Option<()> {
        let mut depth = 0usize;
        loop {
            self.blank();
            match self.peek()? {
                b'"' => {
                    self.string()?;
                }
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                    continue;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                b',' | b':' => {
                    self.at += 1;
                    continue;
                }
                _ => {
                    while self
                        .peek()
                        .is_some_and(|byte| !byte.is_ascii_whitespace() && !b",]}".contains(&byte))
                    {
                        self.at += 1;
                    }
                }
            }
            if depth == 0 {
                return Some(());
            }
        }
    }
}

/// A YAML document, of which only the places are kept.
struct Tree {
    range: Range<usize>,
    inner: Inner,
}

enum Inner {
    Leaf,
    List(Vec<Tree>),
    /// Key, where it begins, and what it stands for.
    Map(Vec<(String, usize, Tree)>),
}

/// A list or an object that is not yet closed.
struct Open {
    start: usize,
    inner: Inner,
    /// The key whose value comes next.
    key: Option<(String, usize)>,
}

impl Tree {
    /// The first document of a text; `None` for what is no YAML.
    fn read(text: &str) -> Option<Self> {
        let mut open: Vec<Open> = Vec::new();
        for event in Parser::new_from_str(text) {
            let (event, span) = event.ok()?;
            let range = span.byte_range()?;
            let done = match event {
                Event::MappingStart(..) | Event::SequenceStart(..) => {
                    let inner = match event {
                        Event::MappingStart(..) => Inner::Map(Vec::new()),
                        _ => Inner::List(Vec::new()),
                    };
                    open.push(Open {
                        start: range.start,
                        inner,
                        key: None,
                    });
                    continue;
                }
                Event::MappingEnd | Event::SequenceEnd => {
                    let Open { start, inner, .. } = open.pop()?;
                    // Where the end of a block is noticed is already behind it.
                    let end = match &inner {
                        Inner::Map(entries) => entries.last().map(|(.., tree)| tree.range.end),
                        Inner::List(items) => items.last().map(|tree| tree.range.end),
                        Inner::Leaf => None,
                    };
                    let flow = matches!(text.as_bytes().get(start), Some(b'{' | b'['));
                    let end = end.filter(|_| !flow).unwrap_or(range.end);
                    Self {
                        range: start..end,
                        inner,
                    }
                }
                Event::Scalar(text, ..) => {
                    if let Some(top) = open.last_mut()
                        && matches!(top.inner, Inner::Map(_))
                        && top.key.is_none()
                    {
                        top.key = Some((text.into_owned(), range.start));
                        continue;
                    }
                    Self {
                        range,
                        inner: Inner::Leaf,
                    }
                }
                Event::Alias(_) => Self {
                    range,
                    inner: Inner::Leaf,
                },
                _ => continue,
            };
            let Some(top) = open.last_mut() else {
                return Some(done);
            };
            match &mut top.inner {
                Inner::Map(entries) => match top.key.take() {
                    Some((key, at)) => entries.push((key, at, done)),
                    // A key that is no scalar; no policy has one.
                    None => top.key = Some((String::new(), done.range.start)),
                },
                Inner::List(items) => items.push(done),
                Inner::Leaf => {}
            }
        }
        None
    }

    fn follow(&self, steps: &[Step]) -> Range<usize> {
        let mut found = self.range.clone();
        let mut tree = self;
        for step in steps {
            let next = match (step, &tree.inner) {
                (Step::Key(key), Inner::Map(entries)) => entries
                    .iter()
                    .find(|(own, ..)| own == key)
                    .map(|(_, at, tree)| (*at, tree)),
                (Step::Index(index), Inner::List(items)) => {
                    items.get(*index).map(|tree| (tree.range.start, tree))
                }
                _ => None,
            };
            let Some((start, inner)) = next else { break };
            tree = inner;
            found = start..tree.range.end.max(start);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range_of(text: &[u8], yaml: bool, path: &str) -> Option<Range<usize>> {
        Places::default().range_of(text, yaml, path)
    }

    #[test]
    fn paths_lead_to_lines() {
        let text = "{\n  \"mode\": \"blok\",\n  \"x\": {\"}\": [1, {}], \"é\": 1},\n  \"rules\": [\n    {\"id\": 1},\n    {\"id\": 2, \"regex\": \"(\"}\n  ]\n}\n";
        let yaml = "mode: blok\nx: {'}': [1, {}], é: 1}\nrules:\n  - id: 1\n  - id: 2\n    regex: '('\n# the end\n";
        for (path, json, in_yaml, shown) in [
            ("$", (1, 1), (1, 1), ["{", "mode: blok"]),
            (
                "$.mode",
                (2, 3),
                (1, 1),
                ["\"mode\": \"blok\"", "mode: blok"],
            ),
            ("$.x.é", (3, 23), (2, 19), ["\"é\": 1", "é: 1"]),
            ("$.rules", (4, 3), (3, 1), ["\"rules\": [", "rules:"]),
            ("$.rules[0]", (5, 5), (4, 5), ["{\"id\": 1}", "id: 1"]),
            (
                "$.rules[1].regex",
                (6, 15),
                (6, 5),
                ["\"regex\": \"(\"", "regex: '('"],
            ),
            (
                "$.rules[1].score",
                (6, 5),
                (5, 5),
                ["{\"id\": 2, \"regex\": \"(\"}", "id: 2"],
            ),
            ("$.rules[7].id", (4, 3), (3, 1), ["\"rules\": [", "rules:"]),
            ("$.nothing", (1, 1), (1, 1), ["{", "mode: blok"]),
        ] {
            for (text, is_yaml, (line, column), shown) in [
                (text, false, json, shown[0]),
                (yaml, true, in_yaml, shown[1]),
            ] {
                let range = range_of(text.as_bytes(), is_yaml, path).expect(path);
                let found = position(text.as_bytes(), range.start);
                assert_eq!(found, Position { line, column }, "{path} {is_yaml}");
                assert_eq!(&text[range], shown, "{path} {is_yaml}");
            }
        }
    }

    #[test]
    fn yaml_as_people_write_it_has_places_too() {
        let text = "---\n# first\nname: &n shop\nrevision: *n\nexceptions: [\n  {id: A, rules: 17}, {id: \"B\",\n   reason: 'x\n     y'}]\nblock_response:\n  html: |\n    <p>\n    é\nscopes:\n- name: a\n- name: b\n";
        for (path, line, column, shown) in [
            ("$.revision", 4, 1, "revision: *n"),
            ("$.exceptions[1].id", 6, 24, "id: \"B\""),
            ("$.exceptions[1].reason", 7, 4, "reason: 'x"),
            ("$.block_response.html", 10, 3, "html: |"),
            ("$.scopes[1].name", 15, 3, "name: b"),
        ] {
            let range = range_of(text.as_bytes(), true, path).expect(path);
            let found = position(text.as_bytes(), range.start);
            assert_eq!(found, Position { line, column }, "{path}");
            assert_eq!(&text[range], shown, "{path}");
        }
    }

    #[test]
    fn text_that_is_no_policy_leads_nowhere_and_ends() {
        for text in [
            "",
            "{",
            "{\"a",
            "[[[",
            "]",
            "{\"a\":}",
            "nonsense",
            "\"\\",
            "a: [",
            "? [a]\n: b",
        ] {
            let _ = range_of(text.as_bytes(), false, "$.a[3].b");
            let _ = range_of(text.as_bytes(), true, "$.a[3].b");
        }
        assert_eq!(range_of(b"{}", false, "rules"), None);
    }
}
