//! GraphQL documents (October 2021 specification, 2) to one field per argument, named by the path
//! to it: `user.posts.title` for `{ user { posts(title: "…") } }`.

use std::borrow::Cow;
use std::io::Write;

use crate::decode::percent::hex;
use crate::model::Anomaly;
use crate::request::{Kind, Sink};

/// Recursion never goes deeper, whatever the policy permits.
const MAX_DEPTH: usize = 200;

/// Whether a text begins like an operation or a fragment and has a selection.
pub(in crate::request) fn looks_like(text: &[u8]) -> bool {
    let mut lexer = Lexer { rest: text };
    let starts = match lexer.next(&mut |_| {}) {
        Token::Mark(b'{') => true,
        Token::Name(b"query" | b"mutation" | b"subscription" | b"fragment") => {
            memchr::memchr(b'{', lexer.rest).is_some()
        }
        _ => false,
    };
    // `{"…` is JSON.
    starts && !matches!(lexer.next(&mut |_| {}), Token::Text(_))
}

/// Directives of one document that are no sign of anything.
const ORDINARY_DIRECTIVES: usize = 8;

/// Reads an executable document. Names begin with `prefix`. Returns whether every byte was
/// understood; otherwise the whole text is inspected raw too. A document that is understood is grammar and
/// no text, unless what it asks for is telling: the schema of the service, or directives upon directives.
pub(in crate::request) fn read(input: &[u8], prefix: &[u8], sink: &mut Sink<'_>) -> bool {
    let depth = sink.limits.graphql_depth.min(MAX_DEPTH);
    let mut parser = Parser {
        lexer: Lexer { rest: input },
        token: Token::End,
        path: prefix.to_vec(),
        depth,
        aliases: 0,
        directives: 0,
        asks_for_schema: false,
        sink,
    };
    parser.bump();
    let outcome = parser.document();
    let telling = parser.asks_for_schema || parser.directives > ORDINARY_DIRECTIVES;
    if parser.aliases > sink.limits.graphql_aliases {
        sink.fields
            .find(Anomaly::GraphqlTooManyAliases, sink.zone, prefix);
    }
    match outcome {
        Ok(()) => {
            if telling {
                sink.text(prefix, input);
            }
            return true;
        }
        // Whatever the request calls it, nothing else is nested like this.
        Err(Stop::TooDeep) => sink.fields.find(Anomaly::GraphqlTooDeep, sink.zone, prefix),
        Err(Stop::Nonsense) => sink.find(Anomaly::InvalidGraphql, prefix),
        Err(Stop::Cut) => sink.find_at_end(Anomaly::InvalidGraphql, prefix),
    }
    // Words that went for names may be half of what is wrong.
    sink.raw(input);
    false
}

enum Stop {
    Nonsense,
    TooDeep,
    /// The text is over in the middle of something.
    Cut,
}

enum Token<'a> {
    /// One of `! $ & ( ) : = @ [ ] { | }`.
    Mark(u8),
    Spread,
    Name(&'a [u8]),
    Number(&'a [u8]),
    Text(Cow<'a, [u8]>),
    /// A string that is not closed.
    Open(Cow<'a, [u8]>),
    End,
    Bad,
}

struct Lexer<'a> {
    rest: &'a [u8],
}

impl<'a> Lexer<'a> {
    /// The next token; comments go to `comment`.
    fn next(&mut self, comment: &mut dyn FnMut(&'a [u8])) -> Token<'a> {
        loop {
            match self.rest {
                [b' ' | b'\t' | b'\r' | b'\n' | b',', after @ ..]
                | [0xEF, 0xBB, 0xBF, after @ ..] => self.rest = after,
                [b'#', ..] => {
                    let text = self.take(|byte| byte != b'\n' && byte != b'\r');
                    comment(text);
                }
                [] => return Token::End,
                [b'.', b'.', b'.', after @ ..] => {
                    self.rest = after;
                    return Token::Spread;
                }
                [b'"', b'"', b'"', after @ ..] => {
                    self.rest = after;
                    return self.block();
                }
                [b'"', after @ ..] => {
                    self.rest = after;
                    return self.string();
                }
                [first, after @ ..] => {
                    let first = *first;
                    if b"!$&():=@[]{|}".contains(&first) {
                        self.rest = after;
                        return Token::Mark(first);
                    }
                    if first.is_ascii_alphabetic() || first == b'_' {
                        return Token::Name(
                            self.take(|byte| byte.is_ascii_alphanumeric() || byte == b'_'),
                        );
                    }
                    if first.is_ascii_digit() || first == b'-' {
                        let word = self
                            .take(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
                        if super::json::is_number(word) {
                            return Token::Number(word);
                        }
                        return Token::Bad;
                    }
                    return Token::Bad;
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

    /// What stands between `"""` and `"""`, `\"""` being the only escape.
    fn block(&mut self) -> Token<'a> {
        let mut out = Vec::new();
        loop {
            let at = memchr::memmem::find(self.rest, b"\"\"\"").unwrap_or(self.rest.len());
            let (text, after) = self.rest.split_at_checked(at).unwrap_or((self.rest, b""));
            let Some(after) = after.strip_prefix(b"\"\"\"") else {
                out.extend_from_slice(text);
                self.rest = after;
                return Token::Open(Cow::Owned(out));
            };
            self.rest = after;
            match text.strip_suffix(b"\\") {
                Some(text) => {
                    out.extend_from_slice(text);
                    out.extend_from_slice(b"\"\"\"");
                }
                None if out.is_empty() => return Token::Text(Cow::Borrowed(text)),
                None => {
                    out.extend_from_slice(text);
                    return Token::Text(Cow::Owned(out));
                }
            }
        }
    }

    fn string(&mut self) -> Token<'a> {
        let mut out: Option<Vec<u8>> = None;
        loop {
            let text = self.take(|byte| !matches!(byte, b'"' | b'\\' | b'\n' | b'\r'));
            if let Some(out) = &mut out {
                out.extend_from_slice(text);
            }
            match self.rest {
                [b'\\', after @ ..] => {
                    let out = out.get_or_insert_with(|| text.to_vec());
                    self.rest = escape(after, out);
                }
                end => {
                    let text = match out {
                        Some(out) => Cow::Owned(out),
                        None => Cow::Borrowed(text),
                    };
                    return match end {
                        [b'"', after @ ..] => {
                            self.rest = after;
                            Token::Text(text)
                        }
                        _ => Token::Open(text),
                    };
                }
            }
        }
    }
}

/// Decodes what stands behind a backslash and returns what follows.
fn escape<'a>(text: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let mut push = |point: u32| {
        let character = char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER);
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    };
    match text {
        [b'u', b'{', after @ ..] => {
            let mut point = 0_u32;
            let mut rest = after;
            while let [digit, after @ ..] = rest {
                let Some(value) = hex(*digit) else { break };
                point = (point << 4 | u32::from(value)).min(0x11_0000);
                rest = after;
            }
            push(point);
            rest.strip_prefix(b"}").unwrap_or(rest)
        }
        [b'u', after @ ..] => match super::json::four_digits(after) {
            Some((unit @ 0xD800..0xDC00, after)) => match after {
                [b'\\', b'u', rest @ ..]
                    if let Some((low @ 0xDC00..0xE000, rest)) = super::json::four_digits(rest) =>
                {
                    push(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00));
                    rest
                }
                _ => {
                    push(0xFFFD);
                    after
                }
            },
            Some((unit, after)) => {
                push(unit);
                after
            }
            None => after,
        },
        [byte, after @ ..] => {
            push(u32::from(match byte {
                b'b' => 0x08,
                b'f' => 0x0C,
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                other => *other,
            }));
            after
        }
        [] => text,
    }
}

struct Parser<'a, 'b, 'c> {
    lexer: Lexer<'a>,
    token: Token<'a>,
    path: Vec<u8>,
    depth: usize,
    aliases: usize,
    directives: usize,
    asks_for_schema: bool,
    sink: &'b mut Sink<'c>,
}

impl<'a> Parser<'a, '_, '_> {
    fn bump(&mut self) {
        let (path, sink) = (&self.path, &mut self.sink);
        // A comment is no part of the document but of the text that an application may log or store.
        self.token = self.lexer.next(&mut |comment| sink.text(path, comment));
    }

    fn stop<T>(&mut self) -> Result<T, Stop> {
        match std::mem::replace(&mut self.token, Token::End) {
            Token::End => Err(Stop::Cut),
            Token::Open(text) => {
                self.push(Kind::Text, &text);
                Err(Stop::Cut)
            }
            _ => Err(Stop::Nonsense),
        }
    }

    fn is(&self, mark: u8) -> bool {
        matches!(self.token, Token::Mark(known) if known == mark)
    }

    /// Takes the mark if it stands here.
    fn take(&mut self, mark: u8) -> bool {
        let here = self.is(mark);
        if here {
            self.bump();
        }
        here
    }

    fn expect(&mut self, mark: u8) -> Result<(), Stop> {
        if self.take(mark) { Ok(()) } else { self.stop() }
    }

    fn name(&mut self) -> Result<&'a [u8], Stop> {
        match self.token {
            Token::Name(name) => {
                self.bump();
                Ok(name)
            }
            _ => self.stop(),
        }
    }

    fn enter(&mut self, name: &[u8]) -> usize {
        let length = self.path.len();
        if length > 0 {
            self.path.push(b'.');
        }
        self.path.extend_from_slice(name);
        length
    }

    fn push(&mut self, kind: Kind, value: &[u8]) {
        // Names of GraphQL are words; the path adds only dots.
        let key = memchr::memrchr(b'.', &self.path).map_or(0, |dot| dot.saturating_add(1));
        self.sink.push_keyed(kind, &self.path, key, value);
    }

    fn document(&mut self) -> Result<(), Stop> {
        let depth = self.depth;
        loop {
            match self.token {
                Token::Name(b"query" | b"mutation" | b"subscription") => {
                    self.bump();
                    if let Token::Name(_) = self.token {
                        self.bump();
                    }
                    if self.take(b'(') {
                        self.variables(depth)?;
                    }
                    self.directives(depth)?;
                }
                Token::Name(b"fragment") => {
                    self.bump();
                    self.name()?;
                    if self.name()? != b"on" {
                        return Err(Stop::Nonsense);
                    }
                    self.name()?;
                    self.directives(depth)?;
                }
                _ => {}
            }
            self.expect(b'{')?;
            self.selections(depth)?;
            if matches!(self.token, Token::End) {
                return Ok(());
            }
        }
    }

    /// `$name: Type = default @directive`, up to the closing parenthesis.
    fn variables(&mut self, depth: usize) -> Result<(), Stop> {
        while !self.take(b')') {
            self.expect(b'$')?;
            let name = self.name()?;
            self.expect(b':')?;
            let mut brackets = 0_usize;
            while self.take(b'[') {
                brackets = brackets.saturating_add(1);
            }
            self.name()?;
            self.take(b'!');
            for _ in 0..brackets {
                self.expect(b']')?;
                self.take(b'!');
            }
            if self.take(b'=') {
                let length = self.enter(name);
                self.value(depth)?;
                self.path.truncate(length);
            }
            self.directives(depth)?;
        }
        Ok(())
    }

    fn directives(&mut self, depth: usize) -> Result<(), Stop> {
        while self.take(b'@') {
            self.directives = self.directives.saturating_add(1);
            let name = self.name()?;
            let length = self.enter(name);
            self.arguments(depth)?;
            self.path.truncate(length);
        }
        Ok(())
    }

    fn arguments(&mut self, depth: usize) -> Result<(), Stop> {
        if self.take(b'(') {
            while !self.take(b')') {
                self.member(depth)?;
            }
        }
        Ok(())
    }

    /// `name: value`.
    fn member(&mut self, depth: usize) -> Result<(), Stop> {
        let name = self.name()?;
        self.expect(b':')?;
        let length = self.enter(name);
        self.value(depth)?;
        self.path.truncate(length);
        Ok(())
    }

    fn selections(&mut self, depth: usize) -> Result<(), Stop> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(Stop::TooDeep);
        };
        while !self.take(b'}') {
            let length = self.path.len();
            if matches!(self.token, Token::Spread) {
                self.bump();
                if let Token::Name(name) = self.token {
                    self.bump();
                    if name == b"on" {
                        self.name()?;
                    }
                }
            } else {
                let mut name = self.name()?;
                if self.take(b':') {
                    self.aliases = self.aliases.saturating_add(1);
                    name = self.name()?;
                }
                self.asks_for_schema |= name == b"__schema" || name == b"__type";
                self.enter(name);
                self.arguments(depth)?;
            }
            self.directives(depth)?;
            if self.take(b'{') {
                self.selections(depth)?;
            }
            self.path.truncate(length);
        }
        Ok(())
    }

    fn value(&mut self, depth: usize) -> Result<(), Stop> {
        match std::mem::replace(&mut self.token, Token::Bad) {
            Token::Text(text) => {
                self.push(Kind::Text, &text);
                self.bump();
            }
            Token::Number(word) => {
                self.push(Kind::Number, word);
                self.bump();
            }
            Token::Name(word) => {
                self.push(Kind::Literal, word);
                self.bump();
            }
            Token::Mark(b'$') => {
                self.bump();
                self.name()?;
            }
            Token::Mark(b'[') => {
                let Some(depth) = depth.checked_sub(1) else {
                    return Err(Stop::TooDeep);
                };
                self.bump();
                let mut index = 0_u32;
                while !self.take(b']') {
                    let length = self.path.len();
                    // A Vec takes every byte.
                    let _ = write!(self.path, "[{index}]");
                    index = index.saturating_add(1);
                    self.value(depth)?;
                    self.path.truncate(length);
                }
            }
            Token::Mark(b'{') => {
                let Some(depth) = depth.checked_sub(1) else {
                    return Err(Stop::TooDeep);
                };
                self.bump();
                while !self.take(b'}') {
                    self.member(depth)?;
                }
            }
            other => {
                self.token = other;
                return self.stop();
            }
        }
        Ok(())
    }
}
