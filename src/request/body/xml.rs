//! XML 1.0 to one field per text and attribute: `order.item` and `order.item@id`.
//!
//! Character references and the five predefined entities are decoded; no other entity is ever
//! looked up, so nothing expands. A document type declaration is a finding by itself (CWE-611, CWE-776).

use crate::model::Anomaly;
use crate::request::{Kind, Sink};

/// Reads a document. Names begin with `prefix`. Returns whether it was well-formed as far as this
/// reader checks.
pub(super) fn read(input: &[u8], prefix: &[u8], sink: &mut Sink<'_>) -> bool {
    let mut reader = Reader {
        rest: input,
        path: prefix.to_vec(),
        open: Vec::new(),
        text: Vec::new(),
        roots: 0,
        doctype: false,
        clean: true,
        odd: false,
        sink,
    };
    reader.run();
    reader.clean
}

struct Element {
    /// Length of the path without it.
    path: usize,
    /// Where its name begins in the path.
    name: usize,
    /// Whether a field bears its name.
    told: bool,
    /// Whether something stands in it that is a field of its own.
    holds: bool,
}

struct Reader<'a, 'b, 'c> {
    rest: &'a [u8],
    path: Vec<u8>,
    open: Vec<Element>,
    /// Text since the last tag. It runs over comments, instructions and CDATA sections, which an
    /// application does not see: `uni<!-- -->on` is one word.
    text: Vec<u8>,
    roots: usize,
    doctype: bool,
    clean: bool,
    /// Whether it was told that something is odd.
    odd: bool,
    sink: &'b mut Sink<'c>,
}

impl<'a> Reader<'a, '_, '_> {
    fn run(&mut self) {
        while !self.rest.is_empty() {
            let at = memchr::memchr(b'<', self.rest).unwrap_or(self.rest.len());
            let (text, tail) = self.rest.split_at_checked(at).unwrap_or((self.rest, b""));
            if !text.is_empty() {
                let mut whole = std::mem::take(&mut self.text);
                self.unescape(text, &mut whole);
                self.text = whole;
            }
            self.rest = tail;
            let understood = match tail {
                [] => break,
                [b'<', b'!', b'-', b'-', ..] => self.comment(),
                [b'<', b'!', b'[', ..] if tail.starts_with(b"<![CDATA[") => self.cdata(),
                [b'<', b'!', ..] => self.declaration(),
                [b'<', b'?', ..] => self.instruction(),
                [b'<', b'/', ..] => self.end_tag(),
                [b'<', first, ..]
                    if first.is_ascii_alphabetic() || b"_:".contains(first) || *first >= 0x80 =>
                {
                    self.start_tag()
                }
                // Cut within a tag.
                [_] if !self.sink.complete => break,
                _ => {
                    // A `<` that begins nothing is text to a lenient parser.
                    self.odd();
                    self.text.push(b'<');
                    self.bump(1);
                    true
                }
            };
            if !understood {
                self.flush();
                self.sink.raw(self.rest);
                self.close_all();
                return;
            }
        }
        self.flush();
        if !self.open.is_empty() || self.roots == 0 {
            self.odd_at_end();
        }
        self.close_all();
    }

    /// Tells the name of an element that was never closed and holds nothing.
    fn close_all(&mut self) {
        while !self.open.is_empty() {
            self.close();
        }
    }

    /// The text up to `end`, behind `start` bytes; the rest follows it. `None` if it does not end.
    fn until(&mut self, start: usize, end: &[u8]) -> Option<&'a [u8]> {
        let inner = self.rest.get(start..)?;
        let found = memchr::memmem::find(inner, end);
        let Some((inner, after)) = found.and_then(|at| inner.split_at_checked(at)) else {
            self.odd_at_end();
            return None;
        };
        self.rest = after.get(end.len()..).unwrap_or_default();
        Some(inner)
    }

    fn comment(&mut self) -> bool {
        let Some(inner) = self.until(4, b"-->") else {
            return false;
        };
        self.push(b"#comment", Kind::Text, inner);
        true
    }

    fn cdata(&mut self) -> bool {
        let Some(inner) = self.until(9, b"]]>") else {
            return false;
        };
        self.text.extend_from_slice(inner);
        true
    }

    fn instruction(&mut self) -> bool {
        let Some(inner) = self.until(2, b"?>") else {
            return false;
        };
        let ordinary = |byte: &u8| byte.is_ascii_alphanumeric() || b" =\"'.-_".contains(byte);
        let kind = if inner.starts_with(b"xml ") && inner.iter().all(ordinary) {
            Kind::Token
        } else {
            Kind::Text
        };
        self.push(b"?", kind, inner);
        true
    }

    /// `<!DOCTYPE …>` with what it declares; or another declaration, which has no place outside it.
    fn declaration(&mut self) -> bool {
        self.flush();
        let start = self.rest;
        let doctype = start
            .get(2..9)
            .is_some_and(|word| word.eq_ignore_ascii_case(b"doctype"));
        if doctype {
            self.doctype = true;
            self.clean = false;
            self.sink.find(Anomaly::XmlDoctype, b"");
        } else if start.len() >= 9 {
            self.odd();
        } else {
            self.odd_at_end();
        }
        let mut brackets = 0_usize;
        let mut quote = None;
        let mut end = None;
        for (at, byte) in start.iter().enumerate() {
            match (quote, byte) {
                (Some(open), byte) if open == *byte => quote = None,
                (Some(_), _) => {}
                (None, b'"' | b'\'') => quote = Some(*byte),
                (None, b'[') => brackets = brackets.saturating_add(1),
                (None, b']') => brackets = brackets.saturating_sub(1),
                (None, b'>') if brackets == 0 => {
                    end = Some(at.saturating_add(1));
                    break;
                }
                _ => {}
            }
        }
        // A quote in a comment of the subset misleads the count; the whole rest is looked at then.
        let (whole, after) = end
            .and_then(|end| start.split_at_checked(end))
            .unwrap_or((start, b""));
        if has_entity(whole) {
            self.sink.find(Anomaly::XmlEntity, b"");
        }
        if end.is_none() {
            self.odd_at_end();
            return false;
        }
        self.rest = after;
        self.push(b"!", Kind::Text, whole);
        true
    }

    fn start_tag(&mut self) -> bool {
        self.flush();
        if self.open.len() >= self.sink.limits.xml_depth {
            self.clean = false;
            self.sink.find(Anomaly::XmlTooDeep, b"");
            return false;
        }
        if self.open.is_empty() {
            self.roots = self.roots.saturating_add(1);
            if self.roots > 1 {
                self.odd();
            }
        }
        self.bump(1);
        let name = self.take(|byte| !byte.is_ascii_whitespace() && byte != b'>' && byte != b'/');
        let path = self.path.len();
        if path > 0 {
            self.path.push(b'.');
        }
        self.open.push(Element {
            path,
            name: self.path.len(),
            told: false,
            holds: false,
        });
        self.path.extend_from_slice(name);
        loop {
            self.take(|byte| byte.is_ascii_whitespace());
            match self.rest {
                [b'/', b'>', ..] => {
                    self.bump(2);
                    self.close();
                    return true;
                }
                [b'>', ..] => {
                    self.bump(1);
                    return true;
                }
                [] => {
                    self.odd_at_end();
                    return true;
                }
                [b'/' | b'=', ..] => {
                    self.odd();
                    self.bump(1);
                }
                _ => self.attribute(),
            }
        }
    }

    fn attribute(&mut self) {
        let name =
            self.take(|byte| !byte.is_ascii_whitespace() && !matches!(byte, b'=' | b'>' | b'/'));
        self.take(|byte| byte.is_ascii_whitespace());
        let value = match self.rest {
            [b'=', ..] => {
                self.bump(1);
                self.take(|byte| byte.is_ascii_whitespace());
                match self.rest {
                    [quote @ (b'"' | b'\''), ..] => {
                        self.bump(1);
                        let value = self.take(|byte| byte != *quote);
                        if self.rest.is_empty() {
                            self.odd_at_end();
                        }
                        self.bump(1);
                        if memchr::memchr(b'<', value).is_some() {
                            self.odd();
                        }
                        value
                    }
                    _ => {
                        self.odd_at_end();
                        self.take(|byte| !byte.is_ascii_whitespace() && byte != b'>')
                    }
                }
            }
            _ => {
                self.odd_at_end();
                b""
            }
        };
        let mut text = Vec::with_capacity(value.len());
        self.unescape(value, &mut text);
        let suffix = [b"@", name].concat();
        self.push(&suffix, Kind::Text, &text);
    }

    fn end_tag(&mut self) -> bool {
        self.flush();
        let Some(inner) = self.until(2, b">") else {
            return false;
        };
        let expected = self.open.last().and_then(|top| self.path.get(top.name..));
        if expected != Some(inner.trim_ascii_end()) {
            self.odd();
            self.push(b"/", Kind::Text, inner);
        }
        self.close();
        true
    }

    fn close(&mut self) {
        let Some(element) = self.open.pop() else {
            return;
        };
        if !element.told {
            let kind = if element.holds {
                Kind::Container
            } else {
                Kind::Literal
            };
            self.sink.push_keyed(kind, &self.path, element.name, b"");
        }
        self.path.truncate(element.path);
        if let Some(parent) = self.open.last_mut() {
            parent.holds = true;
        }
    }

    /// The text since the last tag, as a field of the element it stands in.
    fn flush(&mut self) {
        let text = std::mem::take(&mut self.text);
        if !text.trim_ascii().is_empty() {
            if self.open.is_empty() {
                self.odd();
            }
            self.push(b"", Kind::Text, &text);
        }
        self.text = text;
        self.text.clear();
    }

    fn push(&mut self, suffix: &[u8], kind: Kind, value: &[u8]) {
        let length = self.path.len();
        let key = match suffix {
            b"" => self.open.last().map_or(0, |element| element.name),
            [b'@', ..] => length.saturating_add(1),
            // What the path says of comments and the like is ours.
            _ => length.saturating_add(suffix.len()),
        };
        self.path.extend_from_slice(suffix);
        let mut name = self.path.as_slice();
        if name.len() > self.sink.limits.name_bytes {
            // Long names further out must not push the last one out of sight.
            self.sink.find(Anomaly::NameTooLong, name);
            let last = self.open.last().map_or(0, |element| element.name);
            name = name.get(last..).unwrap_or(name);
        }
        let dropped = self.path.len().saturating_sub(name.len());
        self.sink
            .push_keyed(kind, name, key.saturating_sub(dropped), value);
        self.path.truncate(length);
        if let Some(element) = self.open.last_mut() {
            element.told |= suffix.is_empty();
            element.holds = true;
        }
    }

    /// Decodes character references and predefined entities (XML 1.0, 4.1 and 4.6).
    fn unescape(&mut self, text: &[u8], out: &mut Vec<u8>) {
        let mut rest = text;
        loop {
            let at = memchr::memchr(b'&', rest).unwrap_or(rest.len());
            let (plain, tail) = rest.split_at_checked(at).unwrap_or((rest, b""));
            out.extend_from_slice(plain);
            let Some(behind) = tail.strip_prefix(b"&") else {
                return;
            };
            // Longer references than this name nothing; the search stays linear.
            let window = behind.get(..12).unwrap_or(behind);
            let end = memchr::memchr(b';', window).unwrap_or(0);
            let (name, after) = behind.split_at_checked(end).unwrap_or((b"", behind));
            match reference(name) {
                Some(character) => {
                    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                    rest = after.strip_prefix(b";").unwrap_or(after);
                }
                None => {
                    if !self.doctype && (behind.len() > 12 || self.sink.complete) {
                        self.odd();
                    }
                    out.push(b'&');
                    rest = behind;
                }
            }
        }
    }

    fn take(&mut self, fits: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest;
        let length = rest.iter().take_while(|byte| fits(**byte)).count();
        let (word, after) = rest.split_at_checked(length).unwrap_or((rest, b""));
        self.rest = after;
        word
    }

    fn bump(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }

    fn odd(&mut self) {
        self.clean = false;
        if !self.odd {
            self.odd = true;
            self.sink.find(Anomaly::InvalidXml, b"");
        }
    }

    fn odd_at_end(&mut self) {
        if self.sink.complete {
            self.odd();
        }
    }
}

fn reference(name: &[u8]) -> Option<char> {
    Some(match name {
        b"lt" => '<',
        b"gt" => '>',
        b"amp" => '&',
        b"quot" => '"',
        b"apos" => '\'',
        [b'#', b'x' | b'X', digits @ ..] => char_of(digits, 16)?,
        [b'#', digits @ ..] => char_of(digits, 10)?,
        _ => return None,
    })
}

fn char_of(digits: &[u8], radix: u32) -> Option<char> {
    char::from_u32(u32::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()?)
}

/// Whether a declaration declares an entity, in any case of letters.
fn has_entity(text: &[u8]) -> bool {
    memchr::memchr_iter(b'!', text).any(|at| {
        text.get(at..)
            .and_then(|tail| tail.get(1..7))
            .is_some_and(|word| word.eq_ignore_ascii_case(b"entity"))
    })
}

/// The charset that the XML declaration names, `None` where it names none.
pub(super) fn declared_encoding(input: &[u8]) -> Option<&[u8]> {
    let head = input.get(..128).unwrap_or(input);
    let declaration = head.strip_prefix(b"<?xml")?;
    let end = memchr::memmem::find(declaration, b"?>").unwrap_or(declaration.len());
    let declaration = declaration.get(..end)?;
    let at = memchr::memmem::find(declaration, b"encoding")?;
    let value = declaration.get(at..)?.get(8..)?.trim_ascii_start();
    let value = value.strip_prefix(b"=")?.trim_ascii_start();
    let (quote, value) = value.split_first()?;
    value.split(|byte| byte == quote).next()
}
