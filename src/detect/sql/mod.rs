//! SQL as injections hold it: tokens, the folding of what changes nothing, and the fingerprints of
//! known attacks (Galbreath, "libinjection", Black Hat USA 2012).
//!
//! The verdicts are those of libinjection, byte for byte (tests/libinjection compares the two): its lists
//! of words and fingerprints are built in, and what it reads wrongly is read wrongly here. What is
//! different is the cost: no copies, no allocation, one look for a word, time linear in the text, and of
//! most texts no more is read than two tokens.
//!
//! ```
//! use palisade::detect::sql;
//!
//! let found = sql::detect(b"1' or '1'='1").expect("an injection");
//! assert_eq!(found.as_str(), "s&sos");
//! assert!(sql::detect(b"O'Brien and sons").is_none());
//! ```

mod bytes;
mod fingerprints;
mod fold;
mod hash;
mod literal;
mod skim;
mod token;
mod tokenizer;
mod verdict;
mod words;

use memchr::{memchr, memmem};

pub use fingerprints::Fingerprint;
pub use fold::Folded;
pub(super) use skim::is_hopeless;
pub use token::{KEPT, Kind, Token};
pub use tokenizer::Tokenizer;
pub use words::Word;

/// The context in which a database would read the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// Behind no quote: a number, a name, a whole statement.
    Bare,
    /// Behind this quote.
    Quoted(u8),
}

/// Whose comments the text may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `--` opens a comment wherever it stands, `#` is an operator.
    Ansi,
    /// `--` opens a comment only in front of white space, `#` always does.
    MySql,
}

/// A text, folded in one context and dialect.
#[derive(Clone, Debug)]
pub struct Reading<'a> {
    sql: &'a [u8],
    folded: Folded,
    fingerprint: Fingerprint,
}

impl<'a> Reading<'a> {
    /// Reads as much of the text as its fingerprint takes.
    pub fn of(sql: &'a [u8], context: Context, dialect: Dialect) -> Self {
        let folded = fold::fold(sql, Tokenizer::new(sql, context, dialect));
        let fingerprint = Fingerprint::of(folded.tokens());
        Self {
            sql,
            folded,
            fingerprint,
        }
    }

    /// Its first tokens, and what it took to get them.
    pub fn folded(&self) -> &Folded {
        &self.folded
    }

    /// The kinds of its first tokens.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Whether the text is an injection in this context and dialect.
    pub fn is_injection(&self) -> bool {
        verdict::is_injection(self.sql, &self.folded, self.fingerprint)
    }

    /// Whether the other dialect may read another text.
    pub fn dialects_differ(&self) -> bool {
        self.folded.dialects_differ()
    }
}

/// The contexts in which a text is read, with the dialects in which it is. The second matters only
/// where [`Reading::dialects_differ`] in the first.
pub fn contexts(sql: &[u8]) -> impl Iterator<Item = (Context, &'static [Dialect])> {
    const BOTH: &[Dialect] = &[Dialect::Ansi, Dialect::MySql];
    let all = [
        (Context::Bare, BOTH),
        (Context::Quoted(b'\''), BOTH),
        // Only MySQL has strings in double quotes.
        (Context::Quoted(b'"'), &[Dialect::MySql]),
    ];
    all.into_iter().filter(|(context, _)| match context {
        Context::Bare => true,
        Context::Quoted(quote) => memchr(*quote, sql).is_some(),
    })
}

/// Whether a look at the first tokens may spare the folding, and the guard in front of the detector had
/// none: it leaves out texts with a slash, of which most are URLs.
fn is_skimmed_here(sql: &[u8]) -> bool {
    sql.len() <= SKIMMED
        && memchr(b'/', sql).is_some()
        && memchr(b'{', sql).is_none()
        && memmem::find(sql, b"/*").is_none()
}

/// Bytes of a text that is looked through for what may be [`Kind::Evil`]; folding one that is longer
/// costs no more than that.
const SKIMMED: usize = 1024;

/// The fingerprint of the injection, if the text is one in any context.
pub fn detect(sql: &[u8]) -> Option<Fingerprint> {
    let skims = is_skimmed_here(sql);
    for (context, dialects) in contexts(sql) {
        if skims && is_hopeless(sql, context) {
            continue;
        }
        for dialect in dialects {
            let reading = Reading::of(sql, context, *dialect);
            if reading.is_injection() {
                return Some(reading.fingerprint());
            }
            if !reading.dialects_differ() {
                break;
            }
        }
    }
    None
}
