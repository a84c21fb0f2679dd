//! Where in a JSON text a path such as `$.rules[0].regex` leads, so that a problem can point at a line.

/// Line and column, both from 1; the column counts characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// The position that a path leads to, or as far as it leads: a key that is missing is reported where
/// it should stand. For a member of an object that is its key.
pub(crate) fn of_path(text: &[u8], path: &str) -> Option<Position> {
    let mut reader = Reader { text, at: 0 };
    let mut rest = path.strip_prefix('$')?;
    reader.blank();
    let mut found = reader.at;
    while !rest.is_empty() {
        let step = match Step::take(&mut rest) {
            Some(step) => step,
            None => break,
        };
        match reader.enter(&step) {
            Some(at) => found = at,
            None => break,
        }
    }
    Some(position(text, found))
}

fn position(text: &[u8], at: usize) -> Position {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_lines() {
        let text = "{\n  \"mode\": \"blok\",\n  \"x\": {\"}\": [1, {}], \"é\": 1},\n  \"rules\": [\n    {\"id\": 1},\n    {\"id\": 2, \"regex\": \"(\"}\n  ]\n}\n";
        for (path, line, column) in [
            ("$", 1, 1),
            ("$.mode", 2, 3),
            ("$.x.é", 3, 23),
            ("$.rules", 4, 3),
            ("$.rules[0]", 5, 5),
            ("$.rules[1].regex", 6, 15),
            ("$.rules[1].score", 6, 5),
            ("$.rules[7].id", 4, 3),
            ("$.nothing", 1, 1),
        ] {
            let expected = Position { line, column };
            assert_eq!(of_path(text.as_bytes(), path), Some(expected), "{path}");
        }
    }

    #[test]
    fn text_that_is_no_json_leads_nowhere_and_ends() {
        for text in ["", "{", "{\"a", "[[[", "]", "{\"a\":}", "nonsense", "\"\\"] {
            let _ = of_path(text.as_bytes(), "$.a[3].b");
        }
        assert_eq!(of_path(b"{}", "rules"), None);
    }
}
