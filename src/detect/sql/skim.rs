//! What the first tokens already say: of most texts they are the beginning of no fingerprint, whatever
//! follows, and two words of prose are such a beginning.
//!
//! The tokens are read one by one, without folding, as long as folding changes nothing about those
//! before them. Why that can be told, from the rules in `fold.rs`:
//! - a rule begins with the token at `left`, and keeps it unless it makes another of it, which it does
//!   to none of those that [`is_steady`] lets through;
//! - the others that it changes or drops stand behind that one, and as long as no rule begins in front
//!   of the last token (no two neighbours but those of [`begin_a_rule`] do), they stand behind the last;
//! - the rules for five tokens begin with a value, and a sign or a parenthesis that is not steady.
//!
//! What is folded here is what those rules drop at once: a sign and a value behind a value, a string
//! behind a string, and what stands between two logical operators.

use super::fingerprints::Beginning;
use super::fold::{is_name_and_function, is_skipped_at_first};
use super::token::{Kind, Token};
use super::tokenizer::Tokenizer;
use super::words::Word;
use super::{Context, Dialect};

/// Whether the text cannot have the fingerprint of an injection in this context, in either dialect.
/// Asked only of texts in which nothing is [`Kind::Evil`]: those without `/*` and `{`.
///
/// False says nothing: then the text must be folded.
pub(crate) fn is_hopeless(sql: &[u8], context: Context) -> bool {
    let dialect = match context {
        Context::Quoted(b'"') => Dialect::MySql,
        _ => Dialect::Ansi,
    };
    let mut tokens = Tokenizer::new(sql, context, dialect);
    let mut skim = Skim {
        beginning: Beginning::NONE,
        held: None,
        last: Kind::None,
    };
    loop {
        let said = match tokens.next_word() {
            Some(token) if token.word == Word::NONE => skim.add(token.kind),
            Some(token) => skim.read(&token, &mut tokens, sql),
            None => match tokens.next() {
                Some(token) => skim.read(&token, &mut tokens, sql),
                None => return !skim.is_known(),
            },
        };
        match said {
            Said::Nothing => {}
            Said::Hopeless => return true,
            Said::Unclear => return false,
        }
    }
}

/// What a token says about the text.
enum Said {
    /// That the next may say something.
    Nothing,
    /// That no fingerprint begins so.
    Hopeless,
    /// That only folding can tell.
    Unclear,
}

/// The tokens read so far.
struct Skim {
    /// What the fingerprint begins with, whatever follows.
    beginning: Beginning,
    /// The last token if it stands behind a logical operator: a second one behind it drops it.
    held: Option<Kind>,
    last: Kind,
}

impl Skim {
    /// Reads a token, and those behind it that it takes to tell what it is.
    fn read(&mut self, token: &Token, tokens: &mut Tokenizer<'_>, sql: &[u8]) -> Said {
        let (mut kind, last) = (token.kind, self.last);
        match kind {
            Kind::LogicOperator if self.held.is_some() => {
                self.held = None;
                self.last = kind;
                return Said::Nothing;
            }
            // What stands behind the second may be dropped too, and then the second itself.
            Kind::LogicOperator if last == Kind::LogicOperator => return Said::Unclear,
            Kind::Comment => return Said::Unclear,
            // The other dialect may read a comment.
            Kind::Operator if tokens.dialects_differ() => return Said::Unclear,
            _ if last == Kind::None && is_skipped_at_first(token, sql) => return Said::Nothing,
            // The rule for logical operators may not look back at the first string.
            Kind::String if last == Kind::String => {
                return match self.held {
                    Some(_) => Said::Unclear,
                    None => Said::Nothing,
                };
            }
            Kind::Operator | Kind::Comma | Kind::Dot if is_value(last) => {
                return match tokens.next() {
                    Some(next) if is_one_value(last, kind, next.kind) => Said::Nothing,
                    Some(_) => Said::Unclear,
                    None => {
                        let whole = self.whole().and_then(|whole| whole.then(kind));
                        match whole.is_some_and(Beginning::ends) {
                            true => Said::Unclear,
                            false => Said::Hopeless,
                        }
                    }
                };
            }
            _ => {}
        }
        if !is_steady(token, sql) && !is_sign_at_first(token, last) {
            if !is_word_alone(token, tokens, sql) {
                return Said::Unclear;
            }
            // It compares only in front of a list.
            if token.says("IN", sql) {
                kind = Kind::Bareword;
            }
        }
        if begin_a_rule(last, kind) {
            return Said::Unclear;
        }
        self.add(kind)
    }

    /// Adds a steady token that begins no rule with the last.
    #[inline]
    fn add(&mut self, kind: Kind) -> Said {
        // With a token behind it that is no logical operator, nothing drops what was held.
        let longer = match self.whole() {
            Some(whole) if self.last == Kind::LogicOperator => {
                self.held = Some(kind);
                // At the last place there is no room to fold what stands behind it.
                if whole.has_one_place() {
                    return Said::Unclear;
                }
                Some(whole)
            }
            Some(whole) => {
                self.held = None;
                whole.then(kind)
            }
            None => None,
        };
        self.last = kind;
        match longer {
            None => Said::Hopeless,
            Some(longer) if longer.is_full() => Said::Unclear,
            Some(longer) => {
                self.beginning = longer;
                Said::Nothing
            }
        }
    }

    /// The beginning with what is held, if any fingerprint begins so.
    #[inline]
    fn whole(&self) -> Option<Beginning> {
        match self.held {
            Some(kind) => self.beginning.then(kind),
            None => Some(self.beginning),
        }
    }

    /// Whether the fingerprint is one of an injection if nothing follows.
    fn is_known(&self) -> bool {
        self.whole().is_some_and(Beginning::ends)
    }
}

/// Whether the token stays what it is, whatever follows: no rule makes another of it.
fn is_steady(token: &Token, sql: &[u8]) -> bool {
    keeps_its_kind(token, sql) && !token.word.begins_others()
}

/// The same of a word that the table has with others behind it, or that compares in front of a list, if
/// a steady word stands behind it that is none of those.
fn is_word_alone(token: &Token, behind: &Tokenizer<'_>, sql: &[u8]) -> bool {
    (keeps_its_kind(token, sql) || token.kind == Kind::Keyword)
        && behind
            .clone()
            .next_word()
            .is_some_and(|next| token.word.and(next.text(sql)).is_none() && is_steady(&next, sql))
}

/// Whether no rule makes another kind of this token, on its own or with a sign behind it.
fn keeps_its_kind(token: &Token, sql: &[u8]) -> bool {
    match token.kind {
        // In backticks it may be the beginning of a comment.
        Kind::Bareword if token.opened != 0 => false,
        Kind::Bareword if token.word == Word::NONE => true,
        Kind::Bareword | Kind::Variable => !is_name_and_function(token, sql),
        Kind::Keyword => !token.says("IN", sql),
        Kind::Function => !token.says("USER", sql),
        Kind::Number
        | Kind::String
        | Kind::LogicOperator
        | Kind::LeftParenthesis
        | Kind::Union
        | Kind::Group
        | Kind::Expression
        | Kind::Tsql
        | Kind::Colon
        | Kind::Unknown => true,
        _ => false,
    }
}

/// Whether it is an operator in front of everything, and no word that may become another.
fn is_sign_at_first(token: &Token, last: Kind) -> bool {
    token.kind == Kind::Operator && last == Kind::None && token.word == Word::NONE
}

/// Whether a rule begins with these two, both of them steady.
fn begin_a_rule(first: Kind, second: Kind) -> bool {
    first == Kind::LeftParenthesis && second == Kind::LeftParenthesis
}

fn is_value(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Number | Kind::Bareword | Kind::Variable | Kind::String
    )
}

/// Whether the three are no more than the first of them.
fn is_one_value(first: Kind, sign: Kind, last: Kind) -> bool {
    use Kind::{Bareword, Comma, Dot, Number, Operator, String, Variable};
    matches!(
        (first, sign, last),
        (Number | Bareword, Operator, Number | Bareword)
            | (Variable, Operator, Variable | Number | Bareword)
            | (
                Bareword | Number | String | Variable,
                Comma,
                Number | Bareword | String | Variable
            )
            | (Bareword, Dot, Bareword)
    )
}
