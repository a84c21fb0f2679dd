//! Whether a text that has the fingerprint of an injection also has its grammar.
//!
//! A fingerprint is five tokens: a quoted word, a list of strings, a call in a line of code and a
//! sentence with `and` in it have fingerprints of injections too. What they lack is
//! - a place to break out of: an injection stands behind a value, and the value is short and plain;
//! - or, without one, something that only SQL has: a subselect, a comparison of two literals behind
//!   `or`, a function that no other language has, a second statement.
//!
//! So a text is believed if the first holds and nothing speaks for a quotation, or if the second holds.

use memchr::{memchr, memmem};

use super::sql::{self, Context, Dialect, Fingerprint, Kind, Tokenizer, Word};

/// The fingerprint of the injection, if the text has one in a context in which it is also believed.
pub(super) fn believed(text: &[u8]) -> Option<Fingerprint> {
    for (context, dialects) in sql::contexts(text) {
        for dialect in dialects {
            let reading = sql::Reading::of(text, context, *dialect);
            if reading.is_injection() {
                if Reading::of(text, context, *dialect).is_believed() {
                    return Some(reading.fingerprint());
                }
            } else if !reading.dialects_differ() {
                break;
            }
        }
    }
    None
}

/// Tokens of one text that are looked at. A fingerprint stands within the first few, and padding
/// is one string or one comment.
const TOKENS: usize = 400;

/// A token and what it says.
struct Token<'a> {
    kind: Kind,
    /// Its first bytes; empty where they are not UTF-8, as no word of SQL is.
    text: &'a str,
    opened: u8,
    closed: u8,
    count: u8,
}

/// The text as its tokens, comments left out.
struct Reading<'a> {
    text: &'a [u8],
    context: Context,
    tokens: Vec<Token<'a>>,
    /// Whether the last token is a comment, so that it cuts off the rest of the statement.
    cut_off: bool,
}

impl<'a> Reading<'a> {
    fn of(text: &'a [u8], context: Context, dialect: Dialect) -> Self {
        let mut tokenizer = Tokenizer::new(text, context, dialect);
        let mut tokens = Vec::new();
        let mut cut_off = false;
        while let Some(token) = tokenizer.next()
            && tokens.len() < TOKENS
        {
            cut_off = token.kind == Kind::Comment;
            if !cut_off {
                tokens.push(Token {
                    kind: token.kind,
                    text: str::from_utf8(token.text(text)).unwrap_or_default(),
                    opened: token.opened,
                    closed: token.closed,
                    count: token.count,
                });
            }
        }
        Self {
            text,
            context,
            tokens,
            cut_off,
        }
    }

    fn is_believed(&self) -> bool {
        match self.context {
            Context::Quoted(quote) => self.leaves_a_value(quote) || self.is_sql(),
            Context::Bare => {
                self.is_sql() || self.is_whole_statement() || self.comments_out_the_rest()
            }
        }
    }

    /// Whether the quote ends a plain value rather than opening a quotation, and more than words
    /// stand behind it.
    fn leaves_a_value(&self, quote: u8) -> bool {
        let Some(at) = memchr(quote, self.text) else {
            return false;
        };
        let (value, behind) = self.text.split_at_checked(at).unwrap_or((self.text, &[]));
        let behind = behind.get(1..).unwrap_or_default();
        if !is_plain_value(value)
            || opens_quotation(value, behind, quote)
            || quote == b'"' && measures_inches(value, behind)
            || self.is_random()
        {
            return false;
        }
        // `the boys' and the girls' coats`: nothing but words.
        self.cut_off
            || self
                .tokens
                .iter()
                .enumerate()
                .skip(1)
                .any(|(at, token)| {
                    // A dash between two words is one of a sentence.
                    let sign = token.kind == Kind::Operator
                        && self.token(at.saturating_sub(1)).is_some_and(is_word)
                        && self.token(at + 1).is_some_and(is_word);
                    !is_word(token) && token.kind != Kind::String && !sign
                })
            // `a' like 'b`: a comparison of two values, one of which the application closes.
            || self.tokens.len() == 3
                && self.says(1, &["like", "rlike", "regexp", "glob"])
                && self.token(2).is_some_and(|token| token.closed == 0)
            || (0..self.tokens.len()).any(|at| {
                self.says(at, &["union"])
                    && self.says(self.skip(at + 1), &["select"])
                    && self.kind(self.skip(at + 1) + 1) == Kind::None
            })
    }

    /// Whether the text is what a password manager makes: no word, and of every kind of sign something.
    fn is_random(&self) -> bool {
        let count = |kind: fn(&u8) -> bool| {
            let mut seen = [false; 128];
            for byte in self.text.iter().filter(|byte| kind(byte)) {
                if let Some(seen) = seen.get_mut(usize::from(*byte)) {
                    *seen = true;
                }
            }
            seen.iter().filter(|seen| **seen).count()
        };
        (10..=64).contains(&self.text.len())
            && self.text.iter().all(u8::is_ascii_graphic)
            && count(u8::is_ascii_alphabetic) >= 5
            && count(u8::is_ascii_uppercase) >= 2
            && count(u8::is_ascii_lowercase) >= 2
            && count(u8::is_ascii_punctuation) >= 4
            && !self.tokens.iter().any(|token| {
                !matches!(token.kind, Kind::Bareword | Kind::String | Kind::Variable)
                    && token
                        .text
                        .starts_with(|first: char| first.is_ascii_alphabetic())
            })
            && !self
                .text
                .chunk_by(|a, b| {
                    a.is_ascii_lowercase() && b.is_ascii_lowercase()
                        || a.is_ascii_uppercase() && b.is_ascii_uppercase()
                })
                .any(|run| run.len() > 5)
    }

    /// A whole statement. `select a seat from the list` is one word for word, so there must be
    /// more than words.
    ///
    /// A query that reads named columns was not injected into anything: it is what people paste who
    /// ask about SQL, and what public query languages (SOQL, InfluxQL, those of document stores) look like.
    fn is_whole_statement(&self) -> bool {
        let start = self.skip(0);
        self.is_statement(start)
            && self.tokens.iter().any(|token| !is_word(token))
            && !(self.says(start, &["select"]) && self.reads_columns(start + 1))
    }

    /// Whether a list of columns and a table stand here, without a literal among the columns.
    fn reads_columns(&self, at: usize) -> bool {
        let list = self.skip(at);
        let end = (list..self.tokens.len()).find(|at| self.says(*at, &["from"]));
        let reads = |at| {
            !self.is_literal(at)
                || self.kind(at) == Kind::String
                    && self.kind(at.saturating_sub(1)) == Kind::LeftParenthesis
        };
        end.is_some_and(|end| {
            end > list
                && (list..end).all(reads)
                && self
                    .token(end + 1)
                    .is_some_and(|table| is_word(table) || table.opened == b'"')
        }) && !self.cut_off
    }

    /// `1 -- `, `1/*` and `(1) or (2) #`: an expression of literals in front of a comment that has
    /// nothing behind its start.
    fn comments_out_the_rest(&self) -> bool {
        let text = self.text.trim_ascii();
        let Some(expression) = [b"--".as_slice(), b"#", b"/*"]
            .into_iter()
            .find_map(|comment| text.strip_suffix(comment))
        else {
            return false;
        };
        let ends = matches!(
            expression.last(),
            Some(b' ' | b'\t' | b')' | b'\'' | b'"' | b'0'..=b'9')
        );
        let condition = self.is_literal(0) && self.kind(1) == Kind::LogicOperator;
        let names = self.tokens.iter().any(|token| token.kind == Kind::Bareword);
        let list = self.tokens.iter().any(|token| token.kind == Kind::Comma);
        (ends || condition) && !names && !list
    }

    fn is_sql(&self) -> bool {
        (0..self.tokens.len()).any(|at| {
            self.unites(at)
                || self.compares_literals(at)
                || self.selects_inside(at)
                || self.calls_the_database(at)
                || self.begins_second_statement(at)
                || self.says_what_only_sql_says(at)
        }) || self.hides_keyword_in_comment()
    }

    fn token(&self, at: usize) -> Option<&Token<'a>> {
        self.tokens.get(at)
    }

    fn kind(&self, at: usize) -> Kind {
        self.token(at).map_or(Kind::None, |token| token.kind)
    }

    /// Whether the token at this place is one of these words, in any case.
    fn says(&self, at: usize, words: &[&str]) -> bool {
        self.token(at).is_some_and(|token| is_one_of(token, words))
    }

    /// The place of the first token from here on that is none of `(`, a sign, or a word that changes nothing.
    fn skip(&self, mut at: usize) -> usize {
        while self.kind(at) == Kind::LeftParenthesis
            || self.kind(at) == Kind::Operator && self.says(at, &["+", "-", "!", "~", "not", "!!"])
            || self.says(at, &["binary", "all", "distinct", "distinctrow", "not"])
        {
            at += 1;
        }
        at
    }

    fn is_literal(&self, at: usize) -> bool {
        matches!(self.kind(at), Kind::Number | Kind::String)
            || self.says(at, &["null", "true", "false"])
    }

    /// `union select 1`, `except values (1)`.
    fn unites(&self, at: usize) -> bool {
        if !self.says(at, &["union", "except", "intersect"]) {
            return false;
        }
        // `1 union#`: the rest of the statement was cut off, or comes with another parameter.
        let before = at.checked_sub(1).map(|at| self.kind(at));
        if before == Some(Kind::Number) && self.kind(at + 1) == Kind::None {
            return true;
        }
        let verb = self.skip(at + 1);
        self.says(verb, &["select", "values"]) && self.is_select_list(verb + 1)
    }

    /// Whether what stands here is a list of columns rather than the next word of a sentence.
    fn is_select_list(&self, at: usize) -> bool {
        let first = self.skip(at);
        match self.kind(first) {
            Kind::Number | Kind::String | Kind::Variable | Kind::Evil | Kind::Dot => true,
            Kind::Operator => self.says(first, &["*"]),
            Kind::None => false,
            _ => {
                let next = first + 1;
                matches!(self.kind(next), Kind::Comma | Kind::LeftParenthesis)
                    || self.says(first, &["case"])
                    || self.says(next, &["from"])
                        && matches!(
                            self.kind(next + 2),
                            Kind::None | Kind::RightParenthesis | Kind::Semicolon | Kind::Comma
                        )
                    || self.says(next, &["from"])
                        && self.says(next + 2, &["where", "limit", "order"])
            }
        }
    }

    /// `or 1=1`, `and 'a' like 'a'`, `when 2=3`: a comparison that names no column.
    fn compares_literals(&self, at: usize) -> bool {
        if self.kind(at) != Kind::LogicOperator
            && !self.says(
                at,
                &["where", "having", "when", "if", "iif", "elt", "make_set"],
            )
        {
            return false;
        }
        let left = self.skip(at + 1);
        let mut comparison = left + 1;
        while self.kind(comparison) == Kind::RightParenthesis {
            comparison += 1;
        }
        let right = self.skip(comparison + 1);
        let same_name = || match (self.token(left), self.token(right)) {
            (Some(left), Some(right)) => {
                left.kind == Kind::Bareword && is_one_of(right, &[left.text])
            }
            _ => false,
        };
        // Languages that call functions in conditions compare with two signs.
        let calls = self.says(comparison, &["="]) && self.kind(right + 1) == Kind::LeftParenthesis;
        let asks = calls || self.is_literal(right) || self.asks_the_database(right);
        // `"host" = 'web-1'`: in the standard's dialect the former is the name of a column.
        let names_column = matches!(
            (self.token(left), self.token(right)),
            (Some(left), Some(right)) if left.opened == b'"' && right.opened == b'\''
        );
        self.says(comparison, COMPARISONS)
            && (self.is_literal(left) && !names_column && asks || same_name())
    }

    /// A function, a subselect or a variable of the server.
    fn asks_the_database(&self, at: usize) -> bool {
        matches!(self.kind(at), Kind::Function | Kind::Variable) || self.says(at, &["select"])
    }

    /// `(select count(*) from t)`, `and select 1`.
    fn selects_inside(&self, at: usize) -> bool {
        // Behind an operator, a query of columns needs a parenthesis; without one it is another line of a text.
        let opens = self.kind(at) == Kind::LeftParenthesis
            || self.kind(at) == Kind::LogicOperator && !self.reads_columns(at + 2);
        opens && self.says(at + 1, &["select"]) && self.is_select_list(at + 2)
            || self.says(at, &["select"])
                && self.kind(self.skip(at + 1)) != Kind::None
                && self.says(
                    self.skip(at + 1),
                    &[
                        "sleep",
                        "load_file",
                        "char",
                        "chr",
                        "concat",
                        "version",
                        "substr",
                    ],
                )
                && self.kind(self.skip(at + 1) + 1) == Kind::LeftParenthesis
    }

    /// A call of a function that has no use but in SQL, or that an injection asks behind `and`.
    fn calls_the_database(&self, at: usize) -> bool {
        if self.kind(at + 1) != Kind::LeftParenthesis {
            return false;
        }
        let concatenates = self.says(at, &["char", "chr"])
            && self.kind(at + 2) == Kind::Number
            && self.kind(at + 3) == Kind::RightParenthesis
            && self.says(at + 4, &["+", "||", ","])
            && self.says(at + 5, &["char", "chr"])
            // `Chr(13) + Chr(10)` ends a line in BASIC; an injection spells letters.
            && self.token(at + 2).is_some_and(|code| {
                !code.text.parse::<u32>().is_ok_and(|code| matches!(code, 9 | 10 | 13))
            });
        let spells = self.says(at, &["concat"])
            && self
                .token(at + 2)
                .is_some_and(|token| token.text.starts_with("0x"));
        let reads_one_character = self.says(at, &["ascii", "ord", "hex", "bin"])
            && self.says(
                self.skip(at + 1),
                &["substring", "substr", "mid", "left", "right"],
            );
        if self.says(at, ONLY_IN_SQL) || concatenates || spells || reads_one_character {
            return true;
        }
        let before = (0..at)
            .rev()
            .find(|at| self.kind(*at) != Kind::LeftParenthesis);
        let Some(before) = before else {
            return false;
        };
        self.says(at, IN_A_CONDITION) && self.says(before, BEFORE_A_CONDITION)
            || self.says(at, &["sleep"])
                && !self
                    .token(self.skip(at + 2))
                    .is_some_and(|token| token.kind == Kind::Bareword)
                && (self.is_literal(before)
                    || self.says(before, &["+", "-", "*", "/", "||", "&&", "=", ","]))
    }

    /// `; drop table t`: a semicolon and a statement, not just its verb.
    fn begins_second_statement(&self, at: usize) -> bool {
        self.kind(at) == Kind::Semicolon && self.is_statement(self.skip(at + 1))
    }

    fn is_statement(&self, at: usize) -> bool {
        let after = at + 1;
        let number_or_name = |at| self.is_literal(at) || self.token(at).is_some_and(is_word);
        self.says(at, &["select"]) && self.is_select_list(after)
            || self.says(at, &["drop", "create", "alter", "truncate"]) && self.says(after, OBJECTS)
            || self.says(at, &["insert", "replace"]) && self.says(after, &["into"])
            || self.says(at, &["delete"])
                && (self.says(after, &["from"])
                    || self.says(after, &["low_priority", "quick", "ignore"])
                        && self.says(after + 1, &["from"]))
            || self.says(at, &["call"])
                && self.kind(after + 1) == Kind::LeftParenthesis
                && self.cut_off
            || self.says(at, &["update"]) && self.says(after + 1, &["set"])
            || self.says(at, &["set"]) && self.kind(after) == Kind::Variable
            || self.says(at, &["declare"]) && self.kind(after) == Kind::Variable
            || self.says(at, &["exec", "execute"]) && self.runs_a_procedure(after)
            || self.says(at, &["waitfor"]) && self.says(after, &["delay", "time"])
            || self.says(at, &["shutdown"]) && !number_or_name(after)
            || self.says(at, &["if", "iif", "while", "case"]) && self.compares_literals(at)
    }

    fn runs_a_procedure(&self, at: usize) -> bool {
        self.token(at).is_some_and(|token| {
            let name = token.text.to_ascii_lowercase();
            token.kind == Kind::Variable
                || ["xp_", "sp_", "master", "sys.", "dbms_"]
                    .iter()
                    .any(|start| name.starts_with(start))
        })
    }

    fn says_what_only_sql_says(&self, at: usize) -> bool {
        let Some(token) = self.token(at) else {
            return false;
        };
        let name = token.text.to_ascii_lowercase();
        let first_part = name.split('.').next().unwrap_or_default();
        let names_the_server = token.kind == Kind::Variable
            && token.count == 2
            && [
                "version",
                "datadir",
                "hostname",
                "basedir",
                "servername",
                "global",
            ]
            .iter()
            .any(|variable| name.starts_with(variable));
        let behind_a_value = at.checked_sub(1).is_some_and(|before| {
            matches!(
                self.kind(before),
                Kind::Number | Kind::String | Kind::RightParenthesis
            )
        });
        let ends = |at: usize| {
            matches!(
                self.kind(at),
                Kind::None | Kind::Comma | Kind::Semicolon | Kind::Number
            )
        };
        let chooses =
            self.says(at, &["case"]) && self.is_literal(at + 1) && self.says(at + 2, &["when"]);
        names_the_server
            || chooses
            || is_word(token)
                && (CATALOGUES.contains(&first_part) || CATALOGUES.contains(&name.as_str()))
            || self.says(at, &["into"])
                && self.says(at + 1, &["outfile", "dumpfile"])
                && self.kind(at + 2) == Kind::String
            || self.says(at, &["waitfor"])
                && self.says(at + 1, &["delay", "time"])
                && self.kind(at + 2) == Kind::String
            || self.says(at, &["procedure"])
                && self.says(at + 1, &["analyse"])
                && self.kind(at + 2) == Kind::LeftParenthesis
            || behind_a_value
                && self.says(at, &["order", "group"])
                && self.says(at + 1, &["by"])
                && self.kind(self.skip(at + 2)) == Kind::Number
                && ends(self.skip(at + 2) + 1)
    }

    /// `/*!50000union*/`: MySQL runs what stands in such a comment. Licences in scripts begin the
    /// same way, but with no keyword.
    fn hides_keyword_in_comment(&self) -> bool {
        memmem::find_iter(self.text, b"/*!").any(|at| {
            let inside = self.text.get(at.saturating_add(3)..).unwrap_or_default();
            let digits = inside
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            let word = inside.get(digits..).unwrap_or_default().trim_ascii_start();
            let length = word
                .iter()
                .take(32)
                .take_while(|byte| byte.is_ascii_alphabetic())
                .count();
            word.get(..length)
                .and_then(|word| Word::find(word).kind())
                .is_some_and(|kind| kind != Kind::Bareword)
        })
    }
}

/// Functions that no other language has, or that only an injection calls.
#[rustfmt::skip]
const ONLY_IN_SQL: &[&str] = &[
    "benchmark", "pg_sleep", "extractvalue", "updatexml", "load_file", "group_concat", "concat_ws",
    "make_set", "randomblob", "generate_series", "xp_cmdshell", "xmltype", "utl_http.request",
    "utl_inaddr.get_host_address", "utl_inaddr.get_host_name", "dbms_pipe.receive_message",
    "dbms_lock.sleep", "user_lock.sleep", "fn_sqlvarbasetostr", "lo_import", "unhex",
];

/// Functions that an injection asks in a condition, to read a character or to wait.
#[rustfmt::skip]
const IN_A_CONDITION: &[&str] = &[
    "ascii", "ord", "substring", "substr", "mid", "hex", "bin", "char", "chr", "md5", "sha1",
    "sleep", "version", "database", "user", "system_user", "current_user", "session_user", "cast",
    "convert", "exists", "elt", "if", "iif", "instr", "locate", "row", "char_length", "bit_length",
];

/// Words that a condition follows.
#[rustfmt::skip]
const BEFORE_A_CONDITION: &[&str] = &[
    "and", "or", "xor", "rlike", "having", "where", "when", "then", "select",
];

/// Operators that compare.
#[rustfmt::skip]
const COMPARISONS: &[&str] = &[
    "=", "==", "<", ">", "<=", ">=", "<>", "!=", "<=>", "like", "rlike", "regexp", "glob", "is",
    "between", "in",
];

/// What statements create, change and drop.
#[rustfmt::skip]
const OBJECTS: &[&str] = &[
    "table", "database", "schema", "view", "user", "login", "role", "index", "procedure",
    "function", "trigger", "or", "temporary", "column",
];

/// Tables that describe the tables.
#[rustfmt::skip]
const CATALOGUES: &[&str] = &[
    "information_schema", "sysobjects", "syscolumns", "sysdatabases", "sqlite_master", "pg_catalog",
    "all_tables", "user_tables", "rdb$database", "msysaccessobjects",
];

/// Whether the quote behind this value opens a quotation rather than ending the value.
fn opens_quotation(value: &[u8], behind: &[u8], quote: u8) -> bool {
    // `b'x'`, `return f"x"`: the quote belongs to a literal of a programming language.
    if let Some((last, rest)) = value.split_last()
        && b"bfrunBFRUN".contains(last)
        && rest.last().is_none_or(|byte| !byte.is_ascii_alphanumeric())
    {
        return true;
    }
    let sign_of_search = quote == b'"' && matches!(value.trim_ascii(), b"+" | b"-");
    if value.last().is_some_and(|byte| !byte.is_ascii_whitespace()) && !sign_of_search {
        return false;
    }
    // `say "like"`, `"@name"`, `'--option'`: it opens a word.
    let signs = behind
        .iter()
        .take(3)
        .take_while(|byte| b"@&%<$^_[{-./,(~!:+".contains(byte))
        .count();
    let opens_word = |byte: &u8| byte.is_ascii_alphabetic() || signs == 0 && byte.is_ascii_digit();
    if behind.get(signs).is_some_and(opens_word) {
        // `'-sleep(5)-'` computes; no option or name is called.
        let word = behind.get(signs..).unwrap_or_default();
        let length = word
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
            .count();
        let computes = matches!(behind, [b'-' | b'+' | b'&' | b'^', ..]) && signs == 1;
        return !(computes && word.get(length) == Some(&b'('));
    }
    // `a "*" b`, `'+': add`, `"""`: it stands around a sign. `'='` alone compares two values, but
    // `"*"` alone is a search for all.
    let Some(end) = memchr(quote, behind) else {
        return false;
    };
    let (sign, rest) = behind.split_at_checked(end).unwrap_or((behind, &[]));
    let alone = rest.get(1..).unwrap_or_default().trim_ascii().is_empty();
    !sign.iter().any(u8::is_ascii_alphanumeric)
        && (!alone || quote == b'"' || !value.trim_ascii().is_empty())
}

/// `5/8"-drill-bit`, `24"-monitor`: a number, the sign of an inch, and a word that is no call.
fn measures_inches(value: &[u8], behind: &[u8]) -> bool {
    let Some(word) = behind.strip_prefix(b"-") else {
        return false;
    };
    let length = word
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
        .count();
    value.last().is_some_and(u8::is_ascii_digit)
        && word.first().is_some_and(u8::is_ascii_alphabetic)
        && word.get(length) != Some(&b'(')
}

/// Whether the token came from a word, so that a sentence may hold it.
fn is_word(token: &Token<'_>) -> bool {
    token
        .text
        .starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && token.kind != Kind::String
        && token.kind != Kind::Variable
        || token.kind == Kind::Bareword
}

fn is_one_of(token: &Token<'_>, words: &[&str]) -> bool {
    !matches!(token.kind, Kind::String | Kind::Variable)
        && words
            .iter()
            .any(|word| token.text.eq_ignore_ascii_case(word))
}

/// Bytes of a plain value. A longer one is a text, and its quotes are quotations until something
/// in it is SQL.
const PLAIN_VALUE: usize = 48;

/// Whether this could be the value of a field that is looked up in a database: a name, a number,
/// an address, a few words; not markup, code, a list or a URL with parameters.
fn is_plain_value(value: &[u8]) -> bool {
    value.len() <= PLAIN_VALUE
        && value
            .iter()
            .filter(|byte| byte.is_ascii_whitespace())
            .count()
            <= 3
        && !value
            .iter()
            .any(|byte| b"{}[]<>=;\"'`\\$|&?(#\n\r".contains(byte))
}
