//! One regular expression of a rule: validated when the policy is read, compiled when it is first
//! needed. Most patterns of a policy are never needed by any request, and compiling is the dear part.

use std::sync::OnceLock;

use regex_automata::meta;
use regex_automata::util::syntax;

use crate::config::pattern::SIZE_LIMIT;

/// A pattern over bytes.
#[derive(Debug)]
pub(super) struct Pattern {
    text: String,
    compiled: OnceLock<Option<meta::Regex>>,
}

impl Pattern {
    /// A pattern that was accepted with its policy.
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

    /// Where the pattern matches, the first `most` places; for explanations.
    pub(super) fn find_all(&self, text: &[u8], most: usize) -> Vec<std::ops::Range<usize>> {
        match self.compiled.get_or_init(|| compile(&self.text).ok()) {
            Some(regex) => regex
                .find_iter(text)
                .map(|found| found.range())
                .take(most)
                .collect(),
            None => std::iter::once(0..text.len()).collect(),
        }
    }
}

impl Pattern {
    /// Where the first match begins.
    pub(super) fn begins(&self, text: &[u8]) -> Option<usize> {
        let regex = self.compiled.get()?.as_ref()?;
        regex.find(text).map(|found| found.start())
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
