//! A token of SQL: what it is and where in the text it stands.

use super::words::Word;

/// What a token is, as far as fingerprints tell tokens apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// No token: what stands in a place that is not taken.
    None,
    /// A word of the language that is nothing more special.
    Keyword,
    /// `union` and its like: what joins a second query.
    Union,
    /// `group by`, `order by`, `limit`, `having`.
    Group,
    /// The verb of a statement: `select`, `insert`.
    Expression,
    /// The name of a type, or of a character set in front of a string.
    SqlType,
    /// The name of a function.
    Function,
    /// Any other word.
    Bareword,
    /// A number, or a word that stands for a value.
    Number,
    /// `@name`, or a word that stands for what the server knows.
    Variable,
    /// A quoted text.
    String,
    /// An operator that is not a logical one.
    Operator,
    /// `and`, `or`, `&&`, `||`, `xor`.
    LogicOperator,
    /// A comment.
    Comment,
    /// `collate`.
    Collate,
    /// `(`
    LeftParenthesis,
    /// `)`
    RightParenthesis,
    /// `{`
    LeftBrace,
    /// `}`
    RightBrace,
    /// `.`
    Dot,
    /// `,`
    Comma,
    /// `:`
    Colon,
    /// `;`
    Semicolon,
    /// A word that begins a statement of Transact-SQL.
    Tsql,
    /// A byte that SQL has no use for.
    Unknown,
    /// What nobody writes but to get past a filter: a comment that runs, or one within another.
    Evil,
    /// `\`
    Backslash,
}

impl Kind {
    /// A bit of its own, for sets of kinds.
    pub(super) const fn bit(self) -> u32 {
        1 << self as u32
    }

    /// The letter or sign for it in a fingerprint.
    pub const fn letter(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Keyword => b'k',
            Self::Union => b'U',
            Self::Group => b'B',
            Self::Expression => b'E',
            Self::SqlType => b't',
            Self::Function => b'f',
            Self::Bareword => b'n',
            Self::Number => b'1',
            Self::Variable => b'v',
            Self::String => b's',
            Self::Operator => b'o',
            Self::LogicOperator => b'&',
            Self::Comment => b'c',
            Self::Collate => b'A',
            Self::LeftParenthesis => b'(',
            Self::RightParenthesis => b')',
            Self::LeftBrace => b'{',
            Self::RightBrace => b'}',
            Self::Dot => b'.',
            Self::Comma => b',',
            Self::Colon => b':',
            Self::Semicolon => b';',
            Self::Tsql => b'T',
            Self::Unknown => b'?',
            Self::Evil => b'X',
            Self::Backslash => b'\\',
        }
    }
}

/// Bytes that a token keeps of its text; what is longer is cut.
pub const KEPT: usize = 31;

/// A token. Its text is not copied: [`Token::text`] finds it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Bytes of its text, [`KEPT`] at most.
    pub length: u8,
    /// What opened the string or the quoted name; 0 where nothing did.
    pub opened: u8,
    /// What closed it; 0 where nothing did.
    pub closed: u8,
    /// The `@` in front of a variable: one or two.
    pub count: u8,
    /// Whether it was joined from several words; its text is then that of the table.
    pub(super) joined: bool,
    /// The word of the table that its text is, if it was looked up.
    pub(super) word: Word,
    /// Where its text begins, in bytes from the start of the whole.
    pub start: usize,
}

impl Token {
    /// What stands in a place that is not taken.
    pub(super) const NONE: Self = Self::new(Kind::None, 0, 0);

    /// A token of this many bytes.
    pub(super) const fn new(kind: Kind, start: usize, length: usize) -> Self {
        Self {
            kind,
            length: if length < KEPT {
                length as u8
            } else {
                KEPT as u8
            },
            opened: 0,
            closed: 0,
            count: 0,
            joined: false,
            word: Word::NONE,
            start,
        }
    }

    /// The first [`KEPT`] bytes of what it says in this text; joined words come in upper case,
    /// with one space between them.
    pub fn text<'a>(&self, sql: &'a [u8]) -> &'a [u8] {
        if self.joined {
            return self.word.text().as_bytes();
        }
        sql.get(self.start..)
            .and_then(|rest| rest.get(..usize::from(self.length)))
            .unwrap_or_default()
    }

    /// Whether it says this, in any case.
    pub(super) fn says(&self, word: &str, sql: &[u8]) -> bool {
        usize::from(self.length) == word.len()
            && self.text(sql).eq_ignore_ascii_case(word.as_bytes())
    }
}
