//! SQL injection by fingerprint: the text is tokenised as SQL, folded, and the order of its first
//! five tokens compared with those of known attacks (Galbreath, "libinjection", Black Hat USA 2012).

pub use libinjectionrs::Fingerprint;
use libinjectionrs::SqliFlags;

/// The fingerprint of the injection, if the text is one in any of the contexts that the original
/// tries: as it is, behind a single quote, behind a double quote; with ANSI and MySQL comments.
pub fn is_sql_injection(text: &[u8]) -> Option<Fingerprint> {
    let text = super::inspected(text);
    let mut state = libinjectionrs::SqliState::new(text, SqliFlags::FLAG_NONE);
    state.detect().then(|| Fingerprint::new(state.fingerprint))
}
