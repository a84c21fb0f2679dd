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

/// The places of a text, which is read once, however many are asked for.
#[derive(Default)]
pub(crate) struct Places {
    tree: OnceCell<Option<Tree>>,
    /// Where lines begin.
    lines: OnceCell<Vec<usize>>,
}

impl Places {
    /// The bytes that a path leads to, or as far as it leads: a key that is missing is reported where
    /// it should stand. For a member of an object that is its key and, on one line, its value.
    pub(crate) fn range_of(&self, text: &[u8], yaml: bool, path: &str) -> Option<Range<usize>> {
        let mut rest = path.strip_prefix('$')?;
        let mut steps = Vec::new();
        while let Some(step) = Step::take(&mut rest) {
            steps.push(step);
        }
        let tree = self.tree.get_or_init(|| match yaml {
            true => Tree::read(std::str::from_utf8(text).ok()?),
            false => Reader { text, at: 0 }.tree(0),
        });
        let found = tree.as_ref()?.follow(&steps);
        let bytes = text.get(found.clone())?;
        // Of what goes over several lines the first is enough.
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let first = end.and_then(|end| bytes.get(..end)).unwrap_or(bytes);
        Some(found.start..found.start + first.trim_ascii_end().len())
    }

    /// Line and column of a byte.
    pub(crate) fn position(&self, text: &[u8], at: usize) -> Position {
        let at = at.min(text.len());
        let lines = self.lines.get_or_init(|| {
            let ends = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
            std::iter::once(0)
                .chain(ends.map(|(end, _)| end + 1))
                .collect()
        });
        let line = lines.partition_point(|start| *start <= at);
        let start = line
            .checked_sub(1)
            .and_then(|index| lines.get(index))
            .copied();
        let before = text.get(start.unwrap_or(0)..at).unwrap_or_default();
        Position {
            line: line.max(1),
            column: String::from_utf8_lossy(before).chars().count() + 1,
        }
    }

    /// A line, from 1, without its end.
    pub(crate) fn line<'a>(&self, text: &'a [u8], line: usize) -> &'a [u8] {
        // Made sure of by asking for any position.
        self.position(text, 0);
        let lines = self.lines.get().map_or(&[][..], Vec::as_slice);
        let start = line.checked_sub(1).and_then(|index| lines.get(index));
        let end = lines
            .get(line)
            .map_or(text.len(), |next| next.saturating_sub(1));
        start
            .and_then(|start| text.get(*start..end))
            .unwrap_or_default()
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

/// How deep JSON is read; its own reader goes no deeper.
const MOST_DEEP: usize = 128;

/// Reads JSON text that is known to be well-formed; of any other it makes what it can.
struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
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

    /// The value that begins here.
    fn tree(&mut self, depth: usize) -> Option<Tree> {
        self.blank();
        let start = self.at;
        let inner = match self.peek()? {
            b'{' if depth < MOST_DEEP => Inner::Map(self.members(depth)),
            b'[' if depth < MOST_DEEP => Inner::List(self.items(depth)),
            b'"' => {
                self.string()?;
                Inner::Leaf
            }
            _ => {
                while self
                    .peek()
                    .is_some_and(|byte| !byte.is_ascii_whitespace() && !b",]}".contains(&byte))
                {
                    self.at += 1;
                }
                (self.at > start).then_some(Inner::Leaf)?
            }
        };
        Some(Tree {
            range: start..self.at,
            inner,
        })
    }

    fn members(&mut self, depth: usize) -> Vec<(String, usize, Tree)> {
        let mut members = Vec::new();
        self.at += 1;
        while self.take(b'}').is_none() {
            let Some(member) = self.member(depth) else {
                break;
            };
            members.push(member);
            if self.take(b',').is_none() {
                let _ = self.take(b'}');
                break;
            }
        }
        members
    }

    fn member(&mut self, depth: usize) -> Option<(String, usize, Tree)> {
        self.blank();
        let at = self.at;
        let key = self.string()?;
        self.take(b':')?;
        Some((key, at, self.tree(depth + 1)?))
    }

    fn items(&mut self, depth: usize) -> Vec<Tree> {
        let mut items = Vec::new();
        self.at += 1;
        while self.take(b']').is_none() {
            let Some(item) = self.tree(depth + 1) else {
                break;
            };
            items.push(item);
            if self.take(b',').is_none() {
                let _ = self.take(b']');
                break;
            }
        }
        items
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
}

/// A document, of which only the places are kept.
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

    fn position(text: &[u8], at: usize) -> Position {
        Places::default().position(text, at)
    }

    #[test]
    fn lines_are_counted_and_cut() {
        let (text, places) = ("a\né b\n\nc".as_bytes(), Places::default());
        for (at, line, column, whole) in [
            (0, 1, 1, "a"),
            (1, 1, 2, "a"),
            (2, 2, 1, "é b"),
            (5, 2, 3, "é b"),
            (7, 3, 1, ""),
            (8, 4, 1, "c"),
            (99, 4, 2, "c"),
        ] {
            assert_eq!(places.position(text, at), Position { line, column }, "{at}");
            assert_eq!(places.line(text, line), whole.as_bytes(), "{at}");
        }
        assert_eq!(places.line(text, 0), b"");
        assert_eq!(places.line(text, 9), b"");
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
