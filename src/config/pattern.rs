//! What a regular expression of a rule may be: bytes, no Unicode classes, a bounded size.

use regex_automata::nfa::thompson;
use regex_syntax::hir::Hir;

/// The most a pattern may take once compiled, in bytes.
pub(crate) const SIZE_LIMIT: usize = 1 << 20;

/// What all patterns of a policy may take together: any request may need any of them.
pub(crate) const SIZE_OF_ALL: usize = 128 << 20;

/// Up to here the size of a pattern that is too large is found out, to tell it.
const SIZE_KNOWN: usize = 4 << 20;

/// Parses a pattern.
///
/// # Errors
/// What is wrong with it, in one line.
pub(crate) fn parse(pattern: &str) -> Result<Hir, String> {
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

/// The bytes that a pattern takes once compiled, if it fits the limit, without building the searchers.
///
/// # Errors
/// Why it does not.
pub(crate) fn check_size(hir: &Hir) -> Result<usize, String> {
    let config = thompson::Config::new()
        .utf8(false)
        .nfa_size_limit(Some(SIZE_KNOWN));
    let built = thompson::Compiler::new()
        .configure(config)
        .build_from_hir(hir);
    match built {
        Ok(nfa) if nfa.memory_usage() <= SIZE_LIMIT => Ok(nfa.memory_usage()),
        Ok(nfa) => Err(format!(
            "compiles to {} bytes; at most {SIZE_LIMIT}",
            nfa.memory_usage()
        )),
        Err(error) => Err(match error.size_limit() {
            Some(limit) => format!("compiles to more than {limit} bytes; at most {SIZE_LIMIT}"),
            None => error.to_string(),
        }),
    }
}
