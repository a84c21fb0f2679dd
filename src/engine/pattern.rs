//! One regular expression of a rule: validated when the policy is read, compiled when it is first
//! needed. Most patterns of a policy are never needed by any request, and compiling is the dear part.

use std::sync::OnceLock;

use regex_automata::meta;
use regex_automata::util::syntax;
use regex_syntax::hir::Hir;

/// The most a pattern may take once compiled, in bytes.
pub(super) const SIZE_LIMIT: usize = 1 << 20;

/// A pattern over bytes.
#[derive(Debug)]
pub(super) struct Pattern {
    text: String,
    compiled: OnceLock<Option<meta::Regex>>,
}

impl Pattern {
    /// A pattern that [`parse`] has accepted.
    pub(super) fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            compiled: OnceLock::new(),
        }
    }

    /// Whether the pattern matches anywhere in the text. A pattern that cannot be compiled is
    /// refused with the policy; should it happen all the same, it matches, and the request is
    /// treated as an attack rather than let through unseen.
    pub(super) fn is_match(&self, text: &[u8]) -> bool {
        match self.compiled.get_or_init(|| compile(&self.text).ok()) {
            Some(regex) => regex.is_match(text),
            None => true,
        }
    }
}

fn syntax() -> syntax::Config {
    syntax::Config::new()
        .unicode(false)
        .utf8(false)
        .nest_limit(64)
}

/// Compiles a pattern.
///
/// # Errors
/// Why it cannot be: a syntax error, or its size.
pub(super) fn compile(pattern: &str) -> Result<meta::Regex, String> {
    meta::Regex::builder()
        .syntax(syntax())
        .configure(
            meta::Config::new()
                .utf8_empty(false)
                .nfa_size_limit(Some(SIZE_LIMIT))
                .onepass_size_limit(Some(64 << 10))
                .hybrid_cache_capacity(128 << 10)
                .dfa(false),
        )
        .build(pattern)
        .map_err(|error| match error.size_limit() {
            Some(_) => format!("compiles to more than {SIZE_LIMIT} bytes"),
            None => error.to_string(),
        })
}

/// Parses a pattern.
///
/// # Errors
/// What is wrong with it, in one line.
pub(super) fn parse(pattern: &str) -> Result<Hir, String> {
    regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .nest_limit(64)
        .build()
        .parse(pattern)
        .map_err(|error| match error {
            regex_syntax::Error::Parse(error) => {
                format!("{} at byte {}", error.kind(), error.span().start.offset)
            }
            regex_syntax::Error::Translate(error) => {
                format!("{} at byte {}", error.kind(), error.span().start.offset)
            }
            _ => "is not a regular expression".to_owned(),
        })
}

/// Whether a pattern fits the size limit, without building the searchers.
///
/// # Errors
/// Why it does not.
pub(super) fn check_size(hir: &Hir) -> Result<(), String> {
    use regex_automata::nfa::thompson;
    thompson::Compiler::new()
        .configure(
            thompson::Config::new()
                .utf8(false)
                .nfa_size_limit(Some(SIZE_LIMIT)),
        )
        .build_from_hir(hir)
        .map(drop)
        .map_err(|error| match error.size_limit() {
            Some(limit) => format!("compiles to more than {limit} bytes"),
            None => error.to_string(),
        })
}
