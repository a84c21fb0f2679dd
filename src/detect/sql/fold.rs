//! Folding: tokens that change nothing about what a statement does are dropped or joined as they are
//! read, until the first few tell the shape of the whole.
//!
//! The rules look at two or three tokens from `left` on. All before `left` are settled, but a rule
//! that matched may start again from the first.

use super::fingerprints::LENGTH;
use super::token::{Kind, Token};
use super::tokenizer::Tokenizer;

/// Places for tokens. One more than a fingerprint has is read, to see what the last one is.
const PLACES: usize = LENGTH + 1;

/// A text as its first tokens, folded.
#[derive(Clone, Debug)]
pub struct Folded {
    tokens: [Token; PLACES],
    length: usize,
    read: usize,
    dialects_differ: bool,
}

impl Folded {
    /// The tokens, [`LENGTH`] of them at most; one more where the last is [`Kind::Evil`].
    pub fn tokens(&self) -> &[Token] {
        self.tokens.get(..self.length).unwrap_or_default()
    }

    /// Tokens that were read to get these.
    pub fn read(&self) -> usize {
        self.read
    }

    /// Whether a comment was read that the other dialect may take for something else.
    pub fn dialects_differ(&self) -> bool {
        self.dialects_differ
    }
}

/// What a rule asks for next.
enum Next {
    /// Read on and look at two tokens anew.
    Again,
    /// No rule for two tokens: look at three.
    Three,
    /// What was read is enough.
    Enough,
}

struct Folding<'a> {
    sql: &'a [u8],
    input: Tokenizer<'a>,
    tokens: [Token; PLACES],
    /// Places that are taken.
    end: usize,
    left: usize,
    more: bool,
    /// The last token read, if it is a comment.
    comment: Option<Token>,
}

/// Reads tokens and folds them, until there are enough.
pub(super) fn fold<'a>(sql: &'a [u8], input: Tokenizer<'a>) -> Folded {
    let mut folding = Folding {
        sql,
        input,
        tokens: [Token::NONE; PLACES],
        end: 0,
        left: 0,
        more: true,
        comment: None,
    };
    let whole = !folding.begin() || folding.run();
    folding.finish(whole)
}

impl Folding<'_> {
    /// Puts the first token that means something into the first place, if there is one.
    fn begin(&mut self) -> bool {
        let sql = self.sql;
        let first = self.input.find(|token| !is_skipped_at_first(token, sql));
        self.more = first.is_some();
        if let Some(first) = first {
            self.push(first);
        }
        self.more
    }

    /// Folds until the end of the text or the last place; false if a rule broke off.
    fn run(&mut self) -> bool {
        loop {
            if self.end >= LENGTH {
                self.fold_five();
            }
            if !self.more || self.left >= LENGTH {
                return true;
            }
            if !self.has(2) {
                self.left = self.end;
                continue;
            }
            if self.is_settled() {
                self.left = self.left.saturating_add(1);
                continue;
            }
            match self.fold_two() {
                Next::Again => continue,
                Next::Enough => return false,
                Next::Three => {}
            }
            if !self.has(3) {
                self.left = self.end;
            } else if !self.fold_three() {
                self.left = self.left.saturating_add(1);
            }
        }
    }

    fn finish(self, whole: bool) -> Folded {
        let mut folded = Folded {
            tokens: self.tokens,
            length: self.end,
            read: self.input.read(),
            dialects_differ: whole && self.input.dialects_differ(),
        };
        if !whole {
            return folded;
        }
        folded.length = folded.length.min(LENGTH);
        // A backtick that nothing follows opens a comment in what PHP makes of it.
        if folded.length > 2
            && let Some(last) = folded.tokens.get_mut(folded.length.saturating_sub(1))
            && last.kind == Kind::Bareword
            && (last.opened, last.closed, last.length) == (b'`', 0, 0)
        {
            last.kind = Kind::Comment;
        }
        if folded.length < LENGTH
            && let Some(comment) = self.comment
            && let Some(place) = folded.tokens.get_mut(folded.length)
        {
            *place = comment;
            folded.length = folded.length.saturating_add(1);
        }
        folded
    }

    fn push(&mut self, token: Token) {
        if let Some(place) = self.tokens.get_mut(self.end) {
            *place = token;
            self.end = self.end.saturating_add(1);
        }
    }

    /// Reads until there are so many tokens from `left` on; whether there are.
    fn has(&mut self, count: usize) -> bool {
        while self.more && self.end < PLACES && self.end.saturating_sub(self.left) < count {
            match self.input.next() {
                Some(token) if token.kind == Kind::Comment => self.comment = Some(token),
                Some(token) => {
                    self.comment = None;
                    self.push(token);
                }
                None => self.more = false,
            }
        }
        self.end.saturating_sub(self.left) >= count
    }

    fn at(&self, place: usize) -> Token {
        self.tokens.get(place).copied().unwrap_or(Token::NONE)
    }

    fn set(&mut self, place: usize, token: Token) {
        if let Some(slot) = self.tokens.get_mut(place) {
            *slot = token;
        }
    }

    /// Whether no rule begins with the two tokens at `left`, as with most words of prose.
    fn is_settled(&self) -> bool {
        match self.tokens.get(self.left..) {
            Some([a, b, ..]) => partners(a.kind) & b.kind.bit() == 0 && !a.word.begins_others(),
            _ => false,
        }
    }

    /// Drops the last tokens, and looks at all from the first again.
    fn drop_last(&mut self, count: usize) -> Next {
        self.end = self.end.saturating_sub(count);
        self.left = 0;
        Next::Again
    }

    /// Five tokens that are no more than the first of them, as far as injections go.
    fn fold_five(&mut self) {
        use Kind::{Bareword as Name, Comma, LeftParenthesis, Number, Operator, RightParenthesis};
        let [a, b, c, d, e, behind] = self.tokens;
        let folds = matches!(
            [a.kind, b.kind, c.kind, d.kind, e.kind],
            [
                Number,
                Operator | Comma,
                LeftParenthesis,
                Number,
                RightParenthesis
            ] | [
                Name,
                Operator,
                LeftParenthesis,
                Name | Number,
                RightParenthesis
            ] | [Number, RightParenthesis, Comma, LeftParenthesis, Number]
                | [Name, RightParenthesis, Operator, LeftParenthesis, Name]
        );
        if folds {
            self.left = 0;
            if self.end > LENGTH {
                self.set(1, behind);
                self.end = 2;
            } else {
                self.end = 1;
            }
        }
    }

    /// The rules for the two tokens at `left`.
    fn fold_two(&mut self) -> Next {
        let left = self.left;
        let right = left.saturating_add(1);
        let (mut a, mut b) = (self.at(left), self.at(right));
        let sql = self.sql;
        match a.kind {
            // "foo" "bar" is one string, ;; one end.
            Kind::String | Kind::Semicolon if a.kind == b.kind => {
                self.end = self.end.saturating_sub(1);
                return Next::Again;
            }
            Kind::Operator | Kind::LogicOperator
                if b.kind == Kind::SqlType || is_unary(&b, sql) =>
            {
                return self.drop_last(1);
            }
            Kind::LeftParenthesis if is_unary(&b, sql) => {
                self.end = self.end.saturating_sub(1);
                self.left = left.saturating_sub(1);
                return Next::Again;
            }
            Kind::LeftParenthesis | Kind::RightParenthesis if a.kind == b.kind => {
                return self.drop_last(1);
            }
            // In Transact-SQL a statement of its own: ; if 1=1 ...
            Kind::Semicolon if b.kind == Kind::Function && begins_with_if(&b, sql) => {
                b.kind = Kind::Tsql;
                self.set(right, b);
                return Next::Again;
            }
            _ => {}
        }
        if let Some(joined) = join(&a, &b, sql) {
            self.set(left, joined);
            self.end = self.end.saturating_sub(1);
            self.left = left.saturating_sub(1);
            return Next::Again;
        }
        match a.kind {
            Kind::Bareword | Kind::Variable
                if b.kind == Kind::LeftParenthesis && is_name_and_function(&a, sql) =>
            {
                a.kind = Kind::Function;
                self.set(left, a);
                Next::Again
            }
            Kind::Keyword if a.says("IN", sql) || a.says("NOT IN", sql) => {
                // In front of a list it compares; in all other places it is a word like another.
                a.kind = match b.kind {
                    Kind::LeftParenthesis => Kind::Operator,
                    _ => Kind::Bareword,
                };
                self.set(left, a);
                Next::Again
            }
            Kind::Operator if a.says("LIKE", sql) || a.says("NOT LIKE", sql) => {
                if b.kind == Kind::LeftParenthesis {
                    a.kind = Kind::Function;
                    self.set(left, a);
                }
                Next::Three
            }
            // A type, or the character set of a string, in front of a value.
            Kind::SqlType
                if matches!(
                    b.kind,
                    Kind::Bareword
                        | Kind::Number
                        | Kind::SqlType
                        | Kind::LeftParenthesis
                        | Kind::Function
                        | Kind::Variable
                        | Kind::String
                ) =>
            {
                self.set(left, b);
                self.drop_last(1)
            }
            Kind::Collate if b.kind == Kind::Bareword => {
                // There are too many collations to list; all have an underscore.
                if b.text(sql).contains(&b'_') {
                    b.kind = Kind::SqlType;
                    self.set(right, b);
                    self.left = 0;
                }
                Next::Three
            }
            // Transact-SQL reads `\%1` as 0 % 1, and `\1` as 1.
            Kind::Backslash if is_arithmetic(&b, sql) => {
                a.kind = Kind::Number;
                self.set(left, a);
                self.drop_last(0)
            }
            Kind::Backslash => {
                self.set(left, b);
                self.drop_last(1)
            }
            // {``.``.id} is valid in MySQL, and nothing that anyone writes.
            Kind::LeftBrace if b.kind == Kind::Bareword && b.length == 0 => {
                b.kind = Kind::Evil;
                self.set(right, b);
                self.end = right.saturating_add(1);
                Next::Enough
            }
            // {foo expression} of ODBC is the expression.
            Kind::LeftBrace if b.kind == Kind::Bareword => self.drop_last(2),
            _ if b.kind == Kind::RightBrace => self.drop_last(1),
            _ => Next::Three,
        }
    }

    /// The rules for the three tokens at `left`; whether one matched.
    fn fold_three(&mut self) -> bool {
        use Kind::{
            Bareword, Comma, Dot, Expression, Function, Group, Keyword, LeftParenthesis,
            LogicOperator, Number, Operator, RightParenthesis, SqlType, String, Variable,
        };
        let middle = self.left.saturating_add(1);
        let last = middle.saturating_add(1);
        let (mut a, b, c) = (self.at(self.left), self.at(middle), self.at(last));
        let sql = self.sql;
        match (a.kind, b.kind, c.kind) {
            // What is computed from values is a value; so is a list of them.
            (Number | Bareword, Operator, Number | Bareword)
            | (Variable, Operator, Variable | Number | Bareword)
            | (LogicOperator, _, LogicOperator)
            | (
                Bareword | Number | String | Variable,
                Comma,
                Number | Bareword | String | Variable,
            )
            // Of database.table nothing counts but that it is a name.
            | (Bareword, Dot, Bareword) => {
                self.drop_last(2);
            }
            (Operator, _, Operator) if b.kind != LeftParenthesis => {
                self.drop_last(2);
            }
            // PostgreSQL's cast: x::int.
            (Bareword | Number | Variable | String, Operator, SqlType) if b.text(sql) == b"::" => {
                self.drop_last(2);
            }
            // A sign in front of a value, and select . `foo`.
            (Expression | Group, Operator, LeftParenthesis)
            | (Comma, Operator, LeftParenthesis | Function)
            | (
                Keyword | Expression | Group,
                Operator,
                Number | Bareword | Variable | String | Function,
            ) if is_unary(&b, sql) => {
                self.set(middle, c);
                self.drop_last(1);
            }
            (Expression, Dot, Bareword) => {
                self.set(middle, c);
                self.drop_last(1);
            }
            // 1,-1 is 1,1 and so 1: what stands in front of the comma is looked at again.
            (Comma, Operator, Number | Bareword | Variable | String) if is_unary(&b, sql) => {
                self.set(middle, c);
                self.drop_last(3);
            }
            // USER() takes no argument: user(foo) calls something else.
            (Function, LeftParenthesis, _) if c.kind != RightParenthesis && a.says("USER", sql) => {
                a.kind = Bareword;
                self.set(self.left, a);
                return false;
            }
            _ => return false,
        }
        true
    }
}

/// The kinds behind this one with which a rule begins, joined words aside.
const fn partners(kind: Kind) -> u32 {
    const VALUE: u32 = Kind::Operator.bit() | Kind::Comma.bit();
    let own = match kind {
        Kind::None | Kind::Union | Kind::Tsql | Kind::Unknown | Kind::Evil => 0,
        Kind::Number => VALUE,
        Kind::String => VALUE | Kind::String.bit(),
        Kind::Variable => VALUE | Kind::LeftParenthesis.bit(),
        Kind::Bareword => VALUE | Kind::LeftParenthesis.bit() | Kind::Dot.bit(),
        Kind::Function => Kind::LeftParenthesis.bit(),
        Kind::Group | Kind::Expression => Kind::Operator.bit() | Kind::Dot.bit(),
        Kind::Comma => Kind::Operator.bit(),
        Kind::Semicolon => Kind::Semicolon.bit() | Kind::Function.bit(),
        Kind::RightParenthesis => Kind::RightParenthesis.bit(),
        Kind::RightBrace | Kind::Dot | Kind::Colon => 0,
        _ => !0,
    };
    own | Kind::RightBrace.bit()
}

/// Whether the token means nothing in front of all others.
pub(super) fn is_skipped_at_first(token: &Token, sql: &[u8]) -> bool {
    matches!(
        token.kind,
        Kind::Comment | Kind::LeftParenthesis | Kind::SqlType
    ) || is_unary(token, sql)
}

/// `+`, `-`, `!`, `~`, `!!` and `not`, which a value may have in front.
fn is_unary(token: &Token, sql: &[u8]) -> bool {
    token.kind == Kind::Operator
        && match token.text(sql) {
            [sign] => matches!(sign, b'+' | b'-' | b'!' | b'~'),
            [b'!', b'!'] => true,
            word => word.eq_ignore_ascii_case(b"NOT"),
        }
}

/// Whether this is an operator between numbers.
fn is_arithmetic(token: &Token, sql: &[u8]) -> bool {
    token.kind == Kind::Operator && matches!(token.text(sql), [b'*' | b'/' | b'-' | b'+' | b'%'])
}

fn begins_with_if(token: &Token, sql: &[u8]) -> bool {
    matches!(token.text(sql), [b'I' | b'i', b'F' | b'f', ..])
}

/// Two words that the table has as one: `group by`, and `union all` in front of `distinct`.
fn join(a: &Token, b: &Token, sql: &[u8]) -> Option<Token> {
    const WORDS: [Kind; 8] = [
        Kind::Keyword,
        Kind::Bareword,
        Kind::Operator,
        Kind::Union,
        Kind::Function,
        Kind::Expression,
        Kind::Tsql,
        Kind::SqlType,
    ];
    if !a.word.begins_others()
        || !WORDS.contains(&a.kind)
        || !(WORDS.contains(&b.kind) || b.kind == Kind::LogicOperator)
    {
        return None;
    }
    let (word, kind) = a.word.and(b.text(sql))?;
    Some(Token {
        kind,
        word,
        joined: true,
        length: word.text().len() as u8,
        ..*a
    })
}

/// Words that are columns as often as functions; a parenthesis tells.
pub(super) fn is_name_and_function(token: &Token, sql: &[u8]) -> bool {
    NAMES_AND_FUNCTIONS.iter().any(|name| token.says(name, sql))
}

/// Words that become functions in front of a parenthesis.
const NAMES_AND_FUNCTIONS: [&str; 11] = [
    "USER_ID",
    "USER_NAME",
    "DATABASE",
    "PASSWORD",
    "USER",
    "CURRENT_USER",
    "CURRENT_DATE",
    "CURRENT_TIME",
    "CURRENT_TIMESTAMP",
    "LOCALTIME",
    "LOCALTIMESTAMP",
];
