//! Recorded traffic as a stream of requests: which format an input has, and how it is cut up.

use std::cell::RefCell;
use std::io::{BufRead, Read as _};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde::Deserialize;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::recorded::Recorded;
use crate::Failure;
use crate::input::{self, Go, LONGEST_LINE, Piece, Progress};
use crate::proxied::parse_raw;
use crate::terminal::Terminal;

/// What a file of traffic looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Told by its first bytes.
    #[default]
    Auto,
    /// One JSON object a line: a request, or an access log's.
    Lines,
    /// An export of a browser or a capturing proxy (HTTP Archive 1.2).
    Har,
    /// Requests as they go on the wire of HTTP/1.1.
    Raw,
}

/// One thing that was read, not yet understood.
pub(super) enum Unit {
    /// A line that holds a request.
    Line(Piece),
    /// The `request` of the entry of a HAR file of that number, from 1.
    Entry(usize, u64, Value),
    /// A request on the wire.
    Raw(usize, u64, Vec<u8>),
    /// Something that cannot be read.
    Broken(usize, u64, String),
}

impl Unit {
    /// What it weighs in memory, about.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Line(piece) => piece.bytes(),
            // Small but for its body.
            Self::Entry(_, _, value) => value
                .pointer("/postData/text")
                .and_then(Value::as_str)
                .map_or(1024, str::len),
            Self::Raw(_, _, bytes) => bytes.len(),
            Self::Broken(..) => 0,
        }
    }

    /// Where it stands: the index of its file, and its number in it.
    pub(super) fn place(&self) -> (usize, u64) {
        match self {
            Self::Line(piece) => (piece.file, piece.number),
            Self::Entry(file, number, _)
            | Self::Raw(file, number, _)
            | Self::Broken(file, number, _) => (*file, *number),
        }
    }

    /// The request that it holds; `None` for what never was one.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(super) fn into_request(self) -> Result<Option<Recorded>, String> {
        match self {
            Self::Line(piece) => Recorded::of_line(&piece.text?).map(Some),
            Self::Entry(_, _, value) => Recorded::of_har(&value),
            Self::Raw(_, _, bytes) => {
                let request = parse_raw(&bytes);
                if request.method.is_empty() || request.target.is_empty() {
                    return Err("expected a request line such as `GET /path HTTP/1.1`".to_owned());
                }
                Ok(Some(Recorded {
                    request,
                    ..Recorded::default()
                }))
            }
            Self::Broken(_, _, problem) => Err(problem),
        }
    }
}

/// Gives everything that stands in the files.
///
/// # Errors
/// If a file cannot be opened or read.
pub(super) fn units(
    files: &[PathBuf],
    format: Format,
    terminal: &Terminal,
    progress: &Progress,
    give: &mut dyn FnMut(Unit) -> Go,
) -> Result<(), Failure> {
    for (file, path) in files.iter().enumerate() {
        let mut source = input::open(path, terminal, progress)?;
        let failed = |error| Failure(format!("{}: {error}", path.display()));
        let format = match format {
            Format::Auto => format_of(source.fill_buf().map_err(failed)?),
            format => format,
        };
        let go = match format {
            Format::Har => har(&mut *source, file, path, give)?,
            Format::Raw => raw(&mut *source, file, path, give)?,
            Format::Auto | Format::Lines => {
                input::lines_of(&mut *source, file, path, &mut |piece| {
                    give(Unit::Line(piece))
                })?
            }
        };
        if go == Go::Stop {
            break;
        }
    }
    Ok(())
}

/// What the first bytes of a file say of it.
fn format_of(start: &[u8]) -> Format {
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let start = start.trim_ascii_start();
    if let Some(inside) = start.strip_prefix(b"{")
        && inside.trim_ascii_start().starts_with(b"\"log\"")
    {
        return Format::Har;
    }
    let line = start.split(|byte| *byte == b'\n').next();
    let line = line.unwrap_or_default().trim_ascii_end();
    let mut words = line.split(|byte| *byte == b' ');
    let method = words.next().unwrap_or_default();
    let is_method = !method.is_empty() && method.iter().all(u8::is_ascii_uppercase);
    let version = words.next_back().unwrap_or_default();
    if is_method && version.starts_with(b"HTTP/") {
        Format::Raw
    } else {
        Format::Lines
    }
}

/// The requests of a file as they go on the wire, one behind the other. Where a length is announced and
/// another request line follows, one ends there; else the rest of the file is its body.
fn raw(
    source: &mut dyn BufRead,
    file: usize,
    path: &Path,
    give: &mut dyn FnMut(Unit) -> Go,
) -> Result<Go, Failure> {
    let mut bytes = Vec::new();
    source
        .take(LONGEST_LINE)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure(format!("{}: {error}", path.display())))?;
    if bytes.len() as u64 == LONGEST_LINE {
        let problem = format!("longer than {} MiB", LONGEST_LINE >> 20);
        return Ok(give(Unit::Broken(file, 1, problem)));
    }
    let mut rest = bytes.as_slice();
    let mut number = 0;
    while !rest.trim_ascii().is_empty() {
        number += 1;
        let (one, next) = rest.split_at(end_of_first(rest));
        rest = next;
        if give(Unit::Raw(file, number, one.to_vec())) == Go::Stop {
            return Ok(Go::Stop);
        }
    }
    Ok(Go::On)
}

/// Where the first of several requests ends.
fn end_of_first(bytes: &[u8]) -> usize {
    let (head, rest) = bytes.split_at(end_of_head(bytes));
    let request = parse_raw(head);
    let length = match request.header("content-length") {
        Some(text) => std::str::from_utf8(text)
            .ok()
            .and_then(|text| text.trim().parse().ok()),
        None if request.header("transfer-encoding").is_some() => None,
        None => Some(0_usize),
    };
    let next = length.and_then(|length| rest.get(length..));
    match next.map(|next| (next, format_of(next))) {
        Some((next, Format::Raw)) => bytes.len() - next.len(),
        _ => bytes.len(),
    }
}

/// Where the head of a request ends: behind the first empty line that follows another.
fn end_of_head(bytes: &[u8]) -> usize {
    let mut end = 0;
    let mut begun = false;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        end += line.len();
        let empty = line.trim_ascii().is_empty();
        if empty && begun {
            break;
        }
        begun |= !empty;
    }
    end
}

/// The entries of a HAR file, one at a time: none of its answers is kept, and the file may be larger than
/// memory.
fn har(
    source: &mut dyn BufRead,
    file: usize,
    path: &Path,
    give: &mut dyn FnMut(Unit) -> Go,
) -> Result<Go, Failure> {
    if source
        .fill_buf()
        .map_err(|error| Failure(format!("{}: {error}", path.display())))?
        .starts_with(b"\xef\xbb\xbf")
    {
        source.consume(3);
    }
    let entries = RefCell::new(Entries {
        file,
        number: 0,
        stopped: false,
        give,
    });
    let mut reader = serde_json::Deserializer::from_reader(source);
    let result = Inside(&["log", "entries"], &entries).deserialize(&mut reader);
    let mut entries = entries.borrow_mut();
    match result {
        _ if entries.stopped => Ok(Go::Stop),
        Ok(()) => Ok(Go::On),
        Err(error) if error.is_io() => Err(Failure(format!("{}: {error}", path.display()))),
        Err(error) => {
            let number = entries.number + 1;
            let problem = format!("the rest of the file is not read: {error}");
            Ok((entries.give)(Unit::Broken(file, number, problem)))
        }
    }
}

struct Entries<'a> {
    file: usize,
    number: u64,
    stopped: bool,
    give: &'a mut dyn FnMut(Unit) -> Go,
}

/// One entry; all but its request is passed over.
#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    request: Value,
}

/// What stands in an object under a key, in an object under the next, and so on; there, a list of entries.
struct Inside<'a, 'b>(&'a [&'a str], &'a RefCell<Entries<'b>>);

impl<'de> DeserializeSeed<'de> for Inside<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        match self.0.is_empty() {
            true => reader.deserialize_seq(self),
            false => reader.deserialize_map(self),
        }
    }
}

impl<'de> Visitor<'de> for Inside<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.first() {
            Some(key) => write!(f, "an object with `{key}`"),
            None => f.write_str("a list of entries"),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some((wanted, rest)) = self.0.split_first() else {
            return Ok(());
        };
        while let Some(key) = map.next_key::<String>()? {
            if key == *wanted {
                map.next_value_seed(Inside(rest, self.1))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(entry) = list.next_element::<Entry>()? {
            let mut entries = self.1.borrow_mut();
            entries.number += 1;
            let unit = Unit::Entry(entries.file, entries.number, entry.request);
            if (entries.give)(unit) == Go::Stop {
                entries.stopped = true;
                return Err(serde::de::Error::custom("no more is wanted"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_their_first_bytes() {
        for (start, expected) in [
            ("{\"log\": {", Format::Har),
            ("\u{feff}\n{\n \"log\":{", Format::Har),
            ("{\"label\":\"benign\"}", Format::Lines),
            ("GET / HTTP/1.1\r\nHost: x", Format::Raw),
            ("\r\nPOST /a b HTTP/1.0\n", Format::Raw),
            ("[2026-11-20] {\"method\"", Format::Lines),
            ("", Format::Lines),
        ] {
            assert_eq!(format_of(start.as_bytes()), expected, "{start}");
        }
    }

    fn all(read: impl FnOnce(&mut dyn FnMut(Unit) -> Go) -> Result<Go, Failure>) -> Vec<String> {
        let mut found = Vec::new();
        let mut give = |unit: Unit| {
            let (_, number) = unit.place();
            found.push(match unit.into_request() {
                Ok(Some(read)) => format!(
                    "{number} {} {}",
                    String::from_utf8_lossy(&read.request.target),
                    String::from_utf8_lossy(&read.request.body)
                ),
                Ok(None) => format!("{number} none"),
                Err(problem) => format!("{number} {problem}"),
            });
            Go::On
        };
        assert!(read(&mut give).is_ok());
        found
    }

    #[test]
    fn requests_on_the_wire_follow_one_another() {
        let wire = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na=bGET /c HTTP/1.1\r\nHost: x\r\n\r\n\
            POST /d HTTP/1.1\r\nContent-Length: 1\r\n\r\nlonger than it says";
        let found = all(|give| raw(&mut &wire[..], 0, Path::new("x"), give));
        assert_eq!(found, ["1 /a a=b", "2 /c ", "3 /d longer than it says"]);
    }

    #[test]
    fn a_har_file_is_read_up_to_where_it_breaks() {
        let text = br#"{"log":{"version":"1.2","pages":[{}],"entries":[
            {"response":{"content":{"text":"x"}},"request":{"method":"GET","url":"http://x/1"}},
            {"request":{"method":"GET","url":"about:blank"}},
            {"nothing":1},
            {"request":{"method":"POST","url":"http://x/2","postData":{"text":"a"}}}, {"request" "#;
        let found = all(|give| har(&mut &text[..], 0, Path::new("x"), give));
        assert_eq!(found.len(), 5, "{found:?}");
        assert_eq!(found[0], "1 http://x/1 ");
        assert_eq!(found[1], "2 none");
        assert_eq!(found[2], "3 no `request.method`");
        assert_eq!(found[3], "4 http://x/2 a");
        assert!(
            found[4].starts_with("5 the rest of the file is not read"),
            "{found:?}"
        );
    }
}
