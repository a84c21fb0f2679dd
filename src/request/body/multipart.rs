//! `multipart/form-data` (RFC 7578) and its relatives (RFC 2046, 5.1).
//!
//! The formats' many parsers disagree on almost everything that is not written the way browsers
//! write it, and every disagreement is a way past a firewall. This reader takes what any of them
//! might take, and tells where they would differ.

use std::borrow::Cow;

use memchr::memmem;

use super::{BodyFormat, graphql, json, xml};
use crate::model::{Anomaly, Zone};
use crate::request::charset::Charset;
use crate::request::params::{self, Param};
use crate::request::{Kind, Sink, transfer};

/// Lines of headers of one part.
const MAX_PART_HEADERS: usize = 32;
/// Names or file names of one part that are followed up.
const MAX_NAMES: usize = 4;
/// Multipart bodies within parts.
const MAX_DEPTH: usize = 1;
/// Boundaries of one such body that are followed up: each is one more reading of the same bytes.
const MAX_INNER_BOUNDARIES: usize = 2;

/// How a multipart body is to be read.
pub(super) struct Multipart<'a> {
    /// Every boundary that some parser would take.
    pub(super) boundaries: &'a [Vec<u8>],
    /// Whether every part must have a name.
    pub(super) form_data: bool,
    /// The charset of parts that name none.
    pub(super) charset: Charset,
}

/// Reads a multipart body.
pub(super) fn read(input: &[u8], plan: &Multipart<'_>, sink: &mut Sink<'_>) {
    let first = sink.fields.list().len();
    let mut matched = false;
    for boundary in plan.boundaries {
        let mut reader = Reader {
            plan,
            parts: 0,
            depth: 0,
            sink: &mut sink.inner(true, true),
        };
        matched |= reader.body(input, boundary, b"");
    }
    if !matched {
        // The head names no boundary, or not the one that is used.
        if sink.complete || plan.boundaries.is_empty() {
            sink.find(Anomaly::BadBoundary, b"");
        }
        sink.raw(input);
        if let Some(boundary) = guess_boundary(input) {
            let mut reader = Reader {
                plan,
                parts: 0,
                depth: 0,
                sink: &mut sink.inner(true, false),
            };
            reader.body(input, boundary, b"");
        }
    }
    sink.fields
        .join_repeated(sink.limits, Zone::RequestBody, first);
}

/// Whether a body begins like a multipart one: with a boundary, and a part's header behind it.
pub(super) fn looks_like(text: &[u8]) -> bool {
    guess_boundary(text).is_some_and(|boundary| {
        let head = text
            .get(..boundary.len().saturating_add(128))
            .unwrap_or(text);
        head.windows(19)
            .any(|word| word.eq_ignore_ascii_case(b"content-disposition"))
    })
}

/// What the first line would be the delimiter of.
fn guess_boundary(text: &[u8]) -> Option<&[u8]> {
    let line = text
        .trim_ascii_start()
        .split(|byte| *byte == b'\n')
        .next()?
        .trim_ascii_end();
    line.strip_prefix(b"--")
        .filter(|boundary| !boundary.is_empty() && boundary.len() <= 200)
}

/// Header lines, folded ones joined.
type Lines<'t> = Vec<Cow<'t, [u8]>>;

struct Reader<'a, 'b, 'c> {
    plan: &'a Multipart<'a>,
    parts: usize,
    depth: usize,
    sink: &'b mut Sink<'c>,
}

/// What the headers of a part say.
#[derive(Default)]
struct PartHead {
    /// Names, decoded and as they came.
    names: Vec<(Vec<u8>, Vec<u8>)>,
    files: Vec<(Vec<u8>, Vec<u8>)>,
    /// Whether a file name is there that only some parsers know.
    extended_file: bool,
    media_type: Vec<u8>,
    charset: Option<Charset>,
    boundaries: Vec<Vec<u8>>,
    transfer: Vec<u8>,
}

/// A line that is a delimiter.
struct Delimiter {
    /// Where the content before it ends.
    content_end: usize,
    /// Where what follows begins.
    next: usize,
    last: bool,
}

impl Reader<'_, '_, '_> {
    /// Reads the parts between delimiters of that boundary. Returns whether there is any.
    fn body(&mut self, input: &[u8], boundary: &[u8], outer: &[u8]) -> bool {
        let needle = [b"--", boundary].concat();
        let finder = memmem::Finder::new(&needle);
        let mut start = None;
        let mut from = 0_usize;
        while let Some(delimiter) = self.delimiter(input, &finder, needle.len(), from) {
            let content = match start {
                Some(start) => input.get(start..delimiter.content_end).unwrap_or_default(),
                None => {
                    let preamble = input.get(..delimiter.content_end).unwrap_or_default();
                    self.around(preamble);
                    b""
                }
            };
            if let Some(start) = start
                && !self.part(content, input.get(start..).unwrap_or_default(), true, outer)
            {
                return true;
            }
            start = Some(delimiter.next);
            from = delimiter.next;
            if delimiter.last {
                self.around(input.get(delimiter.next..).unwrap_or_default());
                return true;
            }
        }
        let Some(start) = start else {
            return false;
        };
        self.sink.find_at_end(Anomaly::BadBoundary, b"");
        let content = input.get(start..).unwrap_or_default();
        if !content.is_empty() {
            self.part(content, content, false, outer);
        }
        true
    }

    /// The next delimiter line from `from` on.
    fn delimiter(
        &mut self,
        input: &[u8],
        finder: &memmem::Finder<'_>,
        length: usize,
        from: usize,
    ) -> Option<Delimiter> {
        let mut search = from;
        loop {
            let at = finder.find(input.get(search..)?)?.saturating_add(search);
            search = at.saturating_add(1);
            let before = input.get(from..at).unwrap_or_default();
            // Where the line begins, and what ends the line before.
            let (line_start, content_end, bare_before) = match before {
                // The line end of the delimiter before this one was taken with it.
                [] => (true, at, false),
                [.., b'\r', b'\n'] => (true, at.saturating_sub(2), false),
                [.., b'\n'] => (true, at.saturating_sub(1), true),
                _ => (false, at, false),
            };
            let behind = input.get(at.saturating_add(length)..).unwrap_or_default();
            let (last, padded) = match behind.strip_prefix(b"--") {
                Some(rest) => (true, rest),
                // Cut within the last delimiter.
                None if behind == b"-" && !self.sink.complete => (true, &b""[..]),
                None => (false, behind),
            };
            let padding = padded
                .iter()
                .take_while(|byte| matches!(byte, b' ' | b'\t'))
                .count();
            let line_end = padded.get(padding..).unwrap_or_default();
            let (after, bare_after) = match line_end {
                [b'\r', b'\n', after @ ..] => (after, false),
                [b'\n', after @ ..] => (after, true),
                // The body ends here; or is cut here, and the line may go on.
                [] if last || !self.sink.complete => (line_end, false),
                [] => {
                    self.sink.find(Anomaly::BadBoundary, b"");
                    (line_end, false)
                }
                [b'\r'] => (line_end, false),
                _ if last && line_start => {
                    // `--boundary--junk`: the end to some, text to others.
                    self.sink.find(Anomaly::AmbiguousMultipart, b"");
                    (line_end, false)
                }
                _ => {
                    // A longer word that begins like the boundary: text, but not to a parser that
                    // compares no further.
                    if line_start {
                        self.sink.find(Anomaly::AmbiguousMultipart, b"");
                    }
                    continue;
                }
            };
            if !line_start {
                // `text--boundary` in mid-line is text to most, the end of the part to some.
                self.sink.find(Anomaly::AmbiguousMultipart, b"");
                continue;
            }
            if bare_before || bare_after || padding > 0 {
                self.sink.find(Anomaly::AmbiguousMultipart, b"");
            }
            return Some(Delimiter {
                content_end: content_end.max(from),
                next: input.len().saturating_sub(after.len()),
                last,
            });
        }
    }

    /// Text before the first or behind the last delimiter, which one parser skips and another reads.
    fn around(&mut self, text: &[u8]) {
        if !text.trim_ascii().is_empty() {
            self.sink.find(Anomaly::AmbiguousMultipart, b"");
            self.sink.raw(text);
        }
    }

    /// Reads one part. Returns whether the limits permit another; `rest` is the body from here on.
    fn part(&mut self, content: &[u8], rest: &[u8], whole: bool, outer: &[u8]) -> bool {
        if self.parts >= self.sink.limits.multipart_parts {
            self.sink.find(Anomaly::TooManyParts, b"");
            self.sink.raw(rest);
            return false;
        }
        self.parts = self.parts.saturating_add(1);
        let Some((lines, value)) = self.header_lines(content, whole) else {
            return true;
        };
        let head = self.part_head(&lines);
        self.value(&head, value, whole, outer);
        true
    }

    /// The header lines of a part, unfolded, and what follows them.
    fn header_lines<'t>(
        &mut self,
        content: &'t [u8],
        whole: bool,
    ) -> Option<(Lines<'t>, &'t [u8])> {
        let mut lines: Lines<'_> = Vec::new();
        let mut rest = content;
        loop {
            let Some(at) = memchr::memchr(b'\n', rest) else {
                // No empty line: there is no value, and whatever stands here is inspected raw.
                if whole || self.sink.complete {
                    self.sink.find(Anomaly::MalformedMultipart, b"");
                }
                self.sink.raw(content);
                return None;
            };
            let (line, after) = rest.split_at_checked(at).unwrap_or((rest, b""));
            rest = after.strip_prefix(b"\n").unwrap_or(after);
            let line = match line.strip_suffix(b"\r") {
                Some(line) => line,
                None => {
                    self.sink.find(Anomaly::AmbiguousMultipart, b"");
                    line
                }
            };
            if line.is_empty() {
                return Some((lines, rest));
            }
            if memchr::memchr(0, line).is_some() {
                self.sink.find(Anomaly::NullByte, b"");
            }
            if memchr::memchr(b'\r', line).is_some() {
                // A carriage return by itself ends a line for some.
                self.sink.find(Anomaly::AmbiguousMultipart, b"");
            }
            if matches!(line.first(), Some(b' ' | b'\t')) {
                // A folded header (RFC 5322, 2.2.3): PHP and busboy differ.
                self.sink.find(Anomaly::AmbiguousMultipart, b"");
                if let Some(last) = lines.last_mut() {
                    last.to_mut().extend_from_slice(line);
                    continue;
                }
            }
            if lines.len() >= MAX_PART_HEADERS {
                self.sink.find(Anomaly::MalformedMultipart, b"");
                self.sink.raw(content);
                return None;
            }
            lines.push(Cow::Borrowed(line));
        }
    }

    fn part_head(&mut self, lines: &[Cow<'_, [u8]>]) -> PartHead {
        let mut head = PartHead::default();
        let mut seen: Vec<Vec<u8>> = Vec::new();
        for line in lines {
            let colon = memchr::memchr(b':', line);
            let Some((name, value)) = colon.and_then(|at| line.split_at_checked(at)) else {
                self.sink.find(Anomaly::MalformedMultipart, b"");
                self.sink.raw(line);
                continue;
            };
            let value = value.strip_prefix(b":").unwrap_or(value).trim_ascii();
            let token =
                |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
            if name.is_empty() || !name.iter().all(token) {
                // `Content-Disposition : form-data` is a header to some parsers and none to others.
                self.sink.find(Anomaly::MalformedMultipart, b"");
            }
            let name = name.trim_ascii().to_ascii_lowercase();
            if seen.contains(&name) {
                self.sink.find(Anomaly::AmbiguousMultipart, b"");
            }
            match name.as_slice() {
                b"content-disposition" => self.disposition(value, &mut head),
                b"content-type" => self.part_type(value, &mut head),
                b"content-transfer-encoding" => {
                    if !head.transfer.is_empty() {
                        self.sink.text(&name, &head.transfer);
                    }
                    head.transfer = value.to_ascii_lowercase();
                }
                _ => self.sink.text(&name, value),
            }
            seen.push(name);
        }
        if head.names.is_empty() && self.plan.form_data && self.depth == 0 {
            self.sink.find(Anomaly::MalformedMultipart, b"");
        }
        if head.names.len() > 1 || head.files.len() > 1 || head.extended_file {
            self.sink.find(Anomaly::AmbiguousMultipart, b"");
        }
        head
    }

    fn disposition(&mut self, value: &[u8], head: &mut PartHead) {
        let at = memchr::memchr(b';', value).unwrap_or(value.len());
        let (kind, rest) = value.split_at_checked(at).unwrap_or((value, b""));
        let form_data = kind.trim_ascii().eq_ignore_ascii_case(b"form-data");
        if !form_data {
            self.sink.text(b"content-disposition", kind.trim_ascii());
        }
        if !form_data && self.plan.form_data && self.depth == 0 {
            self.sink.find(Anomaly::MalformedMultipart, b"");
            if memchr::memchr(b'=', kind).is_some() {
                // The disposition itself is missing: its parameters stand first.
                self.parameters(value, head);
                return;
            }
        }
        self.parameters(rest.strip_prefix(b";").unwrap_or(rest), head);
    }

    fn parameters(&mut self, text: &[u8], head: &mut PartHead) {
        let (params, odd) = params::parse(text);
        if odd {
            self.sink.find(Anomaly::AmbiguousMultipart, b"");
        }
        for param in params {
            let list = match param.name.as_slice() {
                b"name" => &mut head.names,
                b"filename" => &mut head.files,
                _ => {
                    self.other_param(&param);
                    continue;
                }
            };
            head.extended_file |= param.extended && param.name == b"filename";
            if list.len() < MAX_NAMES {
                list.push((param.value.to_vec(), wire(&param).to_vec()));
            } else {
                self.sink.raw(param.wire);
            }
        }
    }

    fn part_type(&mut self, value: &[u8], head: &mut PartHead) {
        let at = memchr::memchr(b';', value).unwrap_or(value.len());
        let (media_type, rest) = value.split_at_checked(at).unwrap_or((value, b""));
        head.media_type = media_type.trim_ascii().to_ascii_lowercase();
        let ordinary = |byte: &u8| byte.is_ascii_alphanumeric() || b"/+-._*".contains(byte);
        if !head.media_type.iter().all(ordinary) {
            self.sink.text(b"content-type", media_type);
        }
        let (params, odd) = params::parse(rest.strip_prefix(b";").unwrap_or(rest));
        if odd {
            self.sink.find(Anomaly::AmbiguousMultipart, b"");
        }
        for param in params {
            if param.name == b"charset" && !Charset::is_usual_of_part(&param.value) {
                self.sink.find(Anomaly::UnusualPartCharset, b"");
            }
            match param.name.as_slice() {
                b"charset" => match Charset::of_label(&param.value) {
                    Some(charset) if !param.odd => head.charset = Some(charset),
                    Some(charset) => {
                        head.charset = Some(charset);
                        self.other_param(&param);
                    }
                    None => {
                        self.sink.find(Anomaly::UnknownCharset, b"");
                        self.other_param(&param);
                    }
                },
                b"boundary" if head.boundaries.len() < MAX_INNER_BOUNDARIES => {
                    self.other_param(&param);
                    head.boundaries.push(param.value.to_vec());
                }
                _ => self.other_param(&param),
            }
        }
    }

    /// A parameter that says nothing about how to read the part.
    fn other_param(&mut self, param: &Param<'_>) {
        self.sink.fields.push_decoded(
            self.sink.limits,
            self.sink.zone,
            Kind::Text,
            (&param.name, None),
            (&param.value, differs(&param.value, wire(param))),
        );
    }

    fn value(&mut self, head: &PartHead, wire: &[u8], whole: bool, outer: &[u8]) {
        let (name, wire_name) = match head.names.first() {
            Some((name, wire)) => (name.as_slice(), wire.as_slice()),
            None => (outer, outer),
        };
        let mut value = Cow::Borrowed(wire);
        match head.transfer.as_slice() {
            b"" | b"7bit" | b"8bit" | b"binary" => {}
            b"base64" => {
                // RFC 7578 (4.7) deprecates it: most servers take the text as it is, some decode it.
                self.sink.find(Anomaly::AmbiguousMultipart, name);
                value = Cow::Owned(transfer::base64(wire));
            }
            b"quoted-printable" => {
                self.sink.find(Anomaly::AmbiguousMultipart, name);
                value = Cow::Owned(transfer::quoted_printable(wire));
            }
            other => {
                self.sink.find(Anomaly::AmbiguousMultipart, name);
                self.sink.text(b"content-transfer-encoding", other);
            }
        }
        for (file, wire_file) in &head.files {
            self.sink.fields.push_decoded(
                self.sink.limits,
                Zone::FileName,
                Kind::Text,
                (name, differs(name, wire_name)),
                (file, differs(file, wire_file)),
            );
        }
        if !head.boundaries.is_empty()
            && head.media_type.starts_with(b"multipart/")
            && self.depth < MAX_DEPTH
        {
            self.nested(head, &value, whole, name);
            self.further_names(head);
            return;
        }
        let is_file = head.files.iter().any(|(file, _)| !file.is_empty());
        if is_file && !head.extended_file {
            self.file(head, &value, whole, name);
            self.further_names(head);
            return;
        }
        if is_file {
            self.file(head, &value, whole, name);
        }
        let charset = head.charset.unwrap_or(self.plan.charset);
        if let Some(text) = charset.decode(&value) {
            value = Cow::Owned(text);
        }
        if self.structured(head, &value, whole, name) {
            self.further_names(head);
            return;
        }
        for (name, wire_name) in other_names(head, name, wire_name) {
            self.sink.fields.push_decoded(
                self.sink.limits,
                Zone::RequestBody,
                Kind::Text,
                (name, differs(name, wire_name)),
                (&value, differs(&value, wire)),
            );
        }
    }

    /// Names beside the first, of a part whose value stands under that one alone, and what stood around
    /// any of them on the wire and is part of no field.
    fn further_names(&mut self, head: &PartHead) {
        for (index, (name, wire)) in head.names.iter().enumerate() {
            if index > 0 {
                self.sink.text(name, b"");
            }
            if name != wire {
                self.sink.raw(wire);
            }
        }
    }

    /// Reads a part that says it is JSON or XML as such. Returns whether it did.
    fn structured(&mut self, head: &PartHead, value: &[u8], whole: bool, name: &[u8]) -> bool {
        let mut sink = self.sink.inner(true, true);
        sink.complete |= whole;
        match BodyFormat::of_media_type(&head.media_type) {
            BodyFormat::Json => json::read(value, name, false, &mut sink),
            BodyFormat::Ndjson => json::read(value, name, true, &mut sink),
            BodyFormat::Xml => xml::read(value, name, &mut sink),
            BodyFormat::Graphql => graphql::read(value, name, &mut sink),
            _ => return false,
        };
        true
    }

    /// The contents of an uploaded file. Scripts send JSON as a file named `blob`; that is data.
    fn file(&mut self, head: &PartHead, value: &[u8], whole: bool, name: &[u8]) {
        let blob = matches!(head.files.as_slice(), [(file, _)] if file == b"blob");
        let limit = self.sink.limits.file_bytes;
        if blob && self.structured(head, value, whole, name) || limit == 0 {
            return;
        }
        let inspected = value.get(..limit).unwrap_or(value);
        self.sink
            .push(Zone::FileContent, Kind::Text, name, inspected);
    }

    /// A multipart body as a part: several files under one name, as RFC 2388 had it.
    fn nested(&mut self, head: &PartHead, value: &[u8], whole: bool, name: &[u8]) {
        self.sink.find(Anomaly::AmbiguousMultipart, name);
        let mut matched = false;
        for boundary in &head.boundaries {
            let mut sink = self.sink.inner(true, true);
            sink.complete |= whole;
            let mut reader = Reader {
                plan: self.plan,
                parts: self.parts,
                depth: self.depth.saturating_add(1),
                sink: &mut sink,
            };
            matched |= !boundary.is_empty() && reader.body(value, boundary, name);
            self.parts = reader.parts;
        }
        // Most servers know nothing of nesting and take the whole for the value.
        if !matched || head.files.is_empty() {
            self.sink.raw(value);
        }
    }
}

/// Every name under which some parser would file the value.
fn other_names<'t>(
    head: &'t PartHead,
    name: &'t [u8],
    wire: &'t [u8],
) -> impl Iterator<Item = (&'t [u8], &'t [u8])> {
    let further = head.names.iter().skip(1);
    std::iter::once((name, wire))
        .chain(further.map(|(name, wire)| (name.as_slice(), wire.as_slice())))
}

/// The parameter as it came, without its quotes.
fn wire<'p>(param: &Param<'p>) -> &'p [u8] {
    param
        .wire
        .strip_prefix(b"\"")
        .and_then(|text| text.strip_suffix(b"\""))
        .unwrap_or(param.wire)
}

fn differs<'t>(decoded: &[u8], wire: &'t [u8]) -> Option<&'t [u8]> {
    (decoded != wire).then_some(wire)
}
