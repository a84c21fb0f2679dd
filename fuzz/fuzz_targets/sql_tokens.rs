//! Our own SQL tokeniser against libinjection: the same tokens, fingerprints and verdicts in every context
//! and dialect, and no injection refused by the guard in front of it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use libinjectionrs::SqliFlags as Flags;
use libinjectionrs::sqli::{SqliState, SqliTokenizer};
use palisade::decode::Signs;
use palisade::detect::Detector;
use palisade::detect::sql::{Context, Dialect, Reading, Tokenizer, detect};

fuzz_target!(|text: &[u8]| {
    let contexts = [
        (Context::Bare, Flags::FLAG_QUOTE_NONE),
        (Context::Quoted(b'\''), Flags::FLAG_QUOTE_SINGLE),
        (Context::Quoted(b'"'), Flags::FLAG_QUOTE_DOUBLE),
    ];
    let dialects = [
        (Dialect::Ansi, Flags::FLAG_SQL_ANSI),
        (Dialect::MySql, Flags::FLAG_SQL_MYSQL),
    ];
    for (context, quote) in contexts {
        for (dialect, comments) in dialects {
            let mut theirs = SqliTokenizer::new(text, quote | comments);
            for ours in Tokenizer::new(text, context, dialect) {
                let theirs = theirs.next_token().expect("as many tokens");
                assert_eq!(char::from(ours.kind.letter()), theirs.token_type.to_char());
                assert_eq!(ours.start, theirs.pos);
                assert_eq!(ours.text(text), &theirs.val[..theirs.len]);
                assert_eq!(
                    (ours.opened, ours.closed),
                    (theirs.str_open, theirs.str_close)
                );
                assert_eq!(i32::from(ours.count), theirs.count);
            }
            assert!(theirs.next_token().is_none());

            let mut theirs = SqliState::new(text, quote | comments);
            let verdict = theirs.is_sqli();
            let ours = Reading::of(text, context, dialect);
            assert_eq!(ours.fingerprint().as_str(), theirs.fingerprint_string());
            assert_eq!(ours.folded().read(), theirs.stats_tokens);
            assert_eq!(ours.is_injection(), verdict);
        }
    }
    let mut theirs = SqliState::new(text, Flags::FLAG_NONE);
    let expected = theirs.detect().then(|| theirs.fingerprint_string());
    let found = detect(text).map(|fingerprint| fingerprint.to_string());
    assert_eq!(found, expected);
    assert!(found.is_none() || Detector::LibinjectionSql.may_match(text, Signs::of(text)));
});
