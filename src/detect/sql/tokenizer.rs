//! Cuts a text into tokens the way libinjection does, in time linear in its length.

use memchr::{memchr, memmem};

use super::bytes::{self, BEGINS_WORD, Class, ENDS_VARIABLE, ENDS_WORD, SPLITS_WORD};
use super::literal;
use super::token::{Kind, Token};
use super::words::Word;
use super::{Context, Dialect};

/// The tokens of a text, comments among them.
#[derive(Clone, Debug)]
pub struct Tokenizer<'a> {
    sql: &'a [u8],
    at: usize,
    context: Context,
    dialect: Dialect,
    read: usize,
    differs: bool,
}

/// A token whose place is counted from where it begins, and the bytes that it takes.
pub(super) type Piece = (Token, usize);

impl<'a> Tokenizer<'a> {
    /// Begins at the start of the text.
    pub fn new(sql: &'a [u8], context: Context, dialect: Dialect) -> Self {
        Self {
            sql,
            at: 0,
            context,
            dialect,
            read: 0,
            differs: false,
        }
    }

    /// Tokens read so far.
    pub fn read(&self) -> usize {
        self.read
    }

    /// Whether a `#` or a `--` was read that the other dialect may take for something else.
    pub fn dialects_differ(&self) -> bool {
        self.differs
    }

    /// The next token if it is a word that the byte behind it ends, as most are; else nothing, and
    /// [`Tokenizer::next`] has it.
    #[inline]
    pub(super) fn next_word(&mut self) -> Option<Token> {
        if self.at == 0 && self.context != Context::Bare {
            return None;
        }
        let rest = match self.sql.get(self.at..)? {
            [b' ', behind @ ..] => behind,
            rest => rest,
        };
        if bytes::marks(*rest.first()?) & BEGINS_WORD == 0 {
            return None;
        }
        let length = rest
            .iter()
            .position(|byte| bytes::marks(*byte) & (ENDS_WORD | SPLITS_WORD) != 0)
            .unwrap_or(rest.len());
        // `x'41'`, `u&'x'`, and words that a dot may split.
        if matches!(rest.get(length), Some(b'\'' | b'&' | b'.' | b'`')) {
            return None;
        }
        let mut token = known_word(rest, length);
        token.start = self.sql.len().saturating_sub(rest.len());
        self.at = token.start.saturating_add(length);
        self.read = self.read.saturating_add(1);
        Some(token)
    }

    /// The token at the start of `rest`, which begins with `first`.
    fn piece(&mut self, first: u8, rest: &[u8]) -> Piece {
        match bytes::class(first) {
            Class::White | Class::Other => (Token::new(Kind::Unknown, 0, 1), 1),
            Class::Sign => (Token::new(Kind::Operator, 0, 1), 1),
            Class::Operator => operator(rest),
            Class::Quote => literal::string(rest, first),
            Class::Hash => self.hash(rest),
            Class::Dollar => literal::dollar(rest),
            Class::Mark => (Token::new(mark(first), 0, 1), 1),
            Class::Dash => self.dash(rest),
            Class::Number => literal::number(rest),
            Class::Slash => slash(rest),
            Class::At => variable(rest),
            Class::Word => word(rest),
            Class::Binary => literal::digits(rest, |byte| matches!(byte, b'0' | b'1' | 0)),
            Class::Hexadecimal => {
                literal::digits(rest, |byte| byte.is_ascii_hexdigit() || *byte == 0)
            }
            Class::Escaped => literal::escaped(rest),
            Class::National => literal::national(rest),
            Class::Alternative => literal::alternative(rest, 0),
            Class::Unicode => literal::unicode(rest),
            Class::Bracket => {
                let length = memchr(b']', rest).map_or(rest.len(), |end| end.saturating_add(1));
                (Token::new(Kind::Bareword, 0, length), length)
            }
            Class::Backslash => match rest {
                [_, b'N', ..] => (Token::new(Kind::Number, 0, 2), 2),
                _ => (Token::new(Kind::Backslash, 0, 1), 1),
            },
            Class::Tick => tick(rest),
        }
    }

    fn hash(&mut self, rest: &[u8]) -> Piece {
        self.differs = true;
        match self.dialect {
            Dialect::MySql => comment_to_end_of_line(rest),
            Dialect::Ansi => (Token::new(Kind::Operator, 0, 1), 1),
        }
    }

    fn dash(&mut self, rest: &[u8]) -> Piece {
        let [_, b'-', behind @ ..] = rest else {
            return (Token::new(Kind::Operator, 0, 1), 1);
        };
        if behind.first().is_some_and(|byte| !bytes::is_space(*byte)) {
            self.differs = true;
            // To MySQL it is two signs: `1--1`.
            if self.dialect == Dialect::MySql {
                return (Token::new(Kind::Operator, 0, 1), 1);
            }
        }
        comment_to_end_of_line(rest)
    }
}

impl Iterator for Tokenizer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let rest = self.sql.get(self.at..)?;
        let (mut token, used) = match self.context {
            Context::Quoted(quote) if self.at == 0 && !rest.is_empty() => {
                let (mut token, used) = literal::string_from(rest, 0, quote);
                token.opened = 0;
                (token, used)
            }
            _ => {
                let white = rest
                    .iter()
                    .position(|byte| bytes::class(*byte) != Class::White)?;
                self.at = self.at.saturating_add(white);
                let rest = rest.get(white..)?;
                self.piece(*rest.first()?, rest)
            }
        };
        token.start = token.start.saturating_add(self.at);
        self.at = self.at.saturating_add(used);
        self.read = self.read.saturating_add(1);
        Some(token)
    }
}

fn mark(byte: u8) -> Kind {
    match byte {
        b'(' => Kind::LeftParenthesis,
        b')' => Kind::RightParenthesis,
        b',' => Kind::Comma,
        b';' => Kind::Semicolon,
        b'{' => Kind::LeftBrace,
        _ => Kind::RightBrace,
    }
}

fn operator(rest: &[u8]) -> Piece {
    let (kind, length) = match rest {
        [b'<', b'=', b'>', ..] => (Kind::Operator, 3),
        [b'&', b'&', ..] | [b'|', b'|', ..] => (Kind::LogicOperator, 2),
        [b'!', b'!' | b'<' | b'=' | b'>', ..]
        | [b'<', b'<' | b'=' | b'>' | b'@', ..]
        | [b'>', b'=' | b'>', ..]
        | [b':', b':' | b'=', ..]
        | [b'|', b'/' | b'=', ..]
        | [b'&' | b'*', b'=', ..] => (Kind::Operator, 2),
        // At the very end it is an operator like any other.
        [b':', _, ..] => (Kind::Colon, 1),
        _ => (Kind::Operator, 1),
    };
    (Token::new(kind, 0, length), length)
}

fn comment_to_end_of_line(rest: &[u8]) -> Piece {
    match memchr(b'\n', rest) {
        Some(end) => (Token::new(Kind::Comment, 0, end), end.saturating_add(1)),
        None => (Token::new(Kind::Comment, 0, rest.len()), rest.len()),
    }
}

fn slash(rest: &[u8]) -> Piece {
    let [_, b'*', inside @ ..] = rest else {
        return (Token::new(Kind::Operator, 0, 1), 1);
    };
    let end = memmem::find(inside, b"*/");
    // A comment within one, or one that MySQL runs. The asterisk of the end counts as inside.
    let nested = end
        .and_then(|end| inside.get(..=end))
        .is_some_and(|inside| memmem::find(inside, b"/*").is_some());
    let kind = if nested || inside.first() == Some(&b'!') {
        Kind::Evil
    } else {
        Kind::Comment
    };
    let length = end.map_or(rest.len(), |end| end.saturating_add(4));
    (Token::new(kind, 0, length), length)
}

/// A name in backticks: a function if it has the name of one.
fn tick(rest: &[u8]) -> Piece {
    let (mut token, used) = literal::string(rest, b'`');
    token.word = Word::find(token.text(rest));
    token.kind = match token.word.kind() {
        Some(Kind::Function) => Kind::Function,
        _ => Kind::Bareword,
    };
    (token, used)
}

/// `@name`, `@@name`, `@'name'`.
fn variable(rest: &[u8]) -> Piece {
    let count: u8 = if rest.get(1) == Some(&b'@') { 2 } else { 1 };
    let signs = usize::from(count);
    let name = rest.get(signs..).unwrap_or_default();
    let (mut token, used) = match name.first() {
        Some(b'`') => tick(name),
        Some(quote @ (b'\'' | b'"')) => literal::string(name, *quote),
        _ => {
            let length = name
                .iter()
                .position(|byte| bytes::marks(*byte) & ENDS_VARIABLE != 0)
                .unwrap_or(name.len());
            (Token::new(Kind::Variable, 0, length), length)
        }
    };
    token.kind = Kind::Variable;
    token.count = count;
    token.start = token.start.saturating_add(signs);
    (token, used.saturating_add(signs))
}

/// A word, up to the first byte that ends it or to the dot or backtick behind a word of the table.
pub(super) fn word(rest: &[u8]) -> Piece {
    let mut at = 0;
    loop {
        let behind = rest.get(at..).unwrap_or_default();
        let end = behind
            .iter()
            .position(|byte| bytes::marks(*byte) & (ENDS_WORD | SPLITS_WORD) != 0);
        let length = end.map_or(rest.len(), |end| at.saturating_add(end));
        let token = known_word(rest, length);
        let splits = matches!(rest.get(length), Some(b'.' | b'`'));
        if !splits || token.kind != Kind::Bareword {
            return (token, length);
        }
        at = length.saturating_add(1);
    }
}

/// The first bytes as a word of the table, or as one that is not there.
fn known_word(rest: &[u8], length: usize) -> Token {
    let mut token = Token::new(Kind::Bareword, 0, length);
    token.word = Word::find(rest.get(..length).unwrap_or_default());
    if let Some(kind) = token.word.kind() {
        token.kind = kind;
    }
    token
}
