//! Holds our own tokens, folding and fingerprints to those of the crate that they replace: every token,
//! every folded token, every verdict, in each context and dialect. `LIBINJECTION_INPUTS` asks for
//! more inputs than the usual run takes.

use crate::grammar::{self, Random};
use crate::{inputs, shown};
use libinjectionrs::SqliFlags;
use libinjectionrs::sqli::sqli_data::{SQL_KEYWORDS, lookup_word_type};
use libinjectionrs::sqli::{SqliState, SqliTokenizer, Token as Expected};
use palisade::detect::sql::{Context, Dialect, Kind, Reading, Token, Tokenizer, Word, detect};

type F = SqliFlags;

const READINGS: [(Context, Dialect, F, F); 6] = [
    (
        Context::Bare,
        Dialect::Ansi,
        F::FLAG_QUOTE_NONE,
        F::FLAG_SQL_ANSI,
    ),
    (
        Context::Bare,
        Dialect::MySql,
        F::FLAG_QUOTE_NONE,
        F::FLAG_SQL_MYSQL,
    ),
    (
        Context::Quoted(b'\''),
        Dialect::Ansi,
        F::FLAG_QUOTE_SINGLE,
        F::FLAG_SQL_ANSI,
    ),
    (
        Context::Quoted(b'\''),
        Dialect::MySql,
        F::FLAG_QUOTE_SINGLE,
        F::FLAG_SQL_MYSQL,
    ),
    (
        Context::Quoted(b'"'),
        Dialect::Ansi,
        F::FLAG_QUOTE_DOUBLE,
        F::FLAG_SQL_ANSI,
    ),
    (
        Context::Quoted(b'"'),
        Dialect::MySql,
        F::FLAG_QUOTE_DOUBLE,
        F::FLAG_SQL_MYSQL,
    ),
];

/// Whether both say the same; joined words are compared in any case.
fn same(ours: &Token, theirs: &Expected, text: &[u8]) -> bool {
    let said = &theirs.val[..theirs.len];
    char::from(ours.kind.letter()) == theirs.token_type.to_char()
        && ours.start == theirs.pos
        && usize::from(ours.length) == theirs.len
        && (ours.opened, ours.closed) == (theirs.str_open, theirs.str_close)
        && i32::from(ours.count) == theirs.count
        && ours.text(text).eq_ignore_ascii_case(said)
}

fn compare(text: &[u8]) -> bool {
    for (context, dialect, quote, comments) in READINGS {
        let about = || format!("{context:?}, {dialect:?}: {}", shown(text));
        let mut theirs = SqliTokenizer::new(text, quote | comments);
        let mut ours = Tokenizer::new(text, context, dialect);
        loop {
            match (ours.next(), theirs.next_token()) {
                (None, None) => break,
                (Some(ours), Some(theirs)) if same(&ours, &theirs, text) => {}
                (ours, theirs) => panic!("{}\n{ours:?}\n{theirs:?}", about()),
            }
        }
        let differ = theirs.stats_comment_ddx != 0 || theirs.stats_comment_hash != 0;
        assert_eq!(ours.dialects_differ(), differ, "{}", about());

        let mut theirs = SqliState::new(text, quote | comments);
        let verdict = theirs.is_sqli();
        let ours = Reading::of(text, context, dialect);
        let said = ours.fingerprint();
        assert_eq!(said.as_str(), theirs.fingerprint_string(), "{}", about());
        assert_eq!(ours.folded().read(), theirs.stats_tokens, "{}", about());
        let differ = theirs.stats_comment_ddx != 0 || theirs.stats_comment_hash != 0;
        assert_eq!(ours.dialects_differ(), differ, "{}", about());
        assert_eq!(ours.is_injection(), verdict, "{}", about());
        if said.as_str() != "X" {
            let folded = ours.folded().tokens();
            assert_eq!(folded.len(), theirs.tokens.len(), "{}", about());
            for (ours, theirs) in folded.iter().zip(&theirs.tokens) {
                assert!(
                    same(ours, theirs, text),
                    "{}\n{ours:?}\n{theirs:?}",
                    about()
                );
            }
        }
    }
    let mut theirs = SqliState::new(text, F::FLAG_NONE);
    let expected = theirs.detect().then(|| theirs.fingerprint_string());
    let found = detect(text).map(|fingerprint| fingerprint.to_string());
    assert_eq!(found, expected, "{}", shown(text));
    found.is_some()
}

#[test]
fn has_the_words_of_the_crate() {
    for keyword in SQL_KEYWORDS {
        let is_word = keyword
            .word
            .starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        for text in [keyword.word.to_owned(), keyword.word.to_ascii_lowercase()] {
            let kind = Word::find(text.as_bytes()).kind();
            let letter = kind.map(Kind::letter);
            assert_eq!(letter, is_word.then_some(keyword.token_type), "{text}");
        }
        // One letter more or less, and no other is found in its place.
        for text in [format!("{}x", keyword.word), keyword.word[1..].to_owned()] {
            let expected = lookup_word_type(&text)
                .filter(|_| text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'));
            let kind = Word::find(text.as_bytes()).kind();
            let letter = kind.map(|kind| char::from(kind.letter()));
            assert_eq!(letter, expected.map(|kind| kind.to_char()), "{text}");
        }
    }
}

#[test]
fn reads_what_is_short_as_the_crate_does() {
    compare(b"");
    for first in 0..=u8::MAX {
        compare(&[first]);
        for second in 0..=u8::MAX {
            compare(&[first, second]);
        }
    }
    const SIGNS: &[u8] = b"'\"`\\/*!-#$@.,:;=<>|&(){}[]1e0xbnquA \n\0\xa0\xe9";
    for first in SIGNS {
        for second in SIGNS {
            for third in SIGNS {
                compare(&[*first, *second, *third]);
            }
        }
    }
}

/// Texts that a table of random ones may not hold.
const TEXTS: &[&str] = &[
    "1' or '1'='1",
    "1 union all select 1,2,3 -- ",
    "'; drop table users -- ",
    "1--1",
    "1#x\n or 1",
    "lock in share mode",
    "natural full outer join",
    "`natural full outer` join",
    "at time zone",
    "`in share` mode",
    "lock `in share` mode",
    "`lock in` share",
    "is not distinct from x",
    "current date",
    "next value for x",
    "select @@version",
    "@`user`(1)",
    "@'user' (1)",
    "@user(",
    "user(1)",
    "user()",
    "x like(1)",
    "x not like (1)",
    "like }",
    "x in (1)",
    "not in (1)",
    "in 1",
    "1 collate utf8_bin",
    "1 collate binary",
    "\\%1",
    "\\1",
    "\\N",
    "\\n",
    "{``.``.id}",
    "{x 1}",
    "{ `` }",
    "1::int",
    "x::int",
    "'x'::text",
    "1,-1",
    "1,-sin(1)",
    "select -1",
    "select . `x`",
    "a.b.c",
    "or.1",
    "union.select",
    "user.x",
    "; if 1=1",
    "; ifnull(1)",
    "1 `",
    "1 or `",
    "a,b,`",
    "/*!50000union*/ 1",
    "/*/**/*/",
    "/*/*/",
    "/* */ 1 /*",
    "1/*",
    "x/*",
    "1 /* sp_password",
    "1--",
    "1 --",
    "1 -- x",
    "x -- y",
    "x #",
    "x'#",
    "sexy and 17",
    "sexy and 17<18",
    "foo' + 'bar",
    "foo\" + \"bar",
    "'a' + 'b'",
    "1 into outfile 'x'",
    "'x' into outfile 'x'",
    "x into dumpfile y",
    "$1,000.00 or 1",
    "$.x",
    "$x$a$x$",
    "$x$a$y$",
    "$$a$$",
    "$$",
    "$",
    "$a",
    "$\0",
    "$a\0$b$a\0$",
    "q'(a)'",
    "q'!a!'",
    "q'\x1fa'",
    "nq'[a]'",
    "n'a'",
    "e'a\\'b'",
    "u&'a'",
    "u&'a",
    "x'4g'",
    "b'2'",
    "0x",
    "0b",
    "0xg",
    "1e",
    "1e+",
    "1e5",
    "1.e5",
    ".e5",
    "1d",
    "1fu",
    "1f;",
    "1f1",
    "..",
    "1..2",
    "'a''b'c",
    "'a\\'b'c",
    "'a\\\\'b'c",
    "`a``b`",
    "[a]b",
    "[a",
    "a]b",
    "@",
    "@@",
    "@@@",
    "@ a",
    "a@b.com",
    "I don't think so, and you can't either",
    "Tom & Jerry",
    "select a seat from the list",
    "the union will select a delegate",
    "in.in.in",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.or",
    "order by by",
    "group\nby 1",
    "group/**/by 1",
    "insert high_priority into x",
    "<=>",
    "a:b",
    "a:",
];

#[test]
fn reads_known_texts_as_the_crate_does() {
    let mut found = 0;
    for text in TEXTS {
        for text in [
            text.to_string(),
            text.to_uppercase(),
            format!("1 {text}"),
            format!("x' {text}"),
        ] {
            found += u32::from(compare(text.as_bytes()));
        }
    }
    assert!(found > 50, "{found}");
}

/// Words of the table with what may stand between and around them.
fn soup(random: &mut Random) -> Vec<u8> {
    #[rustfmt::skip]
    const BETWEEN: &[&str] = &[
        " ", " ", " ", " ", " ", ".", "`", ",", "(", ")", "+", "-", "=", "\n", "/**/", ";", "'", "::",
        " 1 ", " 'x' ", "@", "{", "}", "\\", " -- ", "#", "0x", "1", "_", "é", "!", "~", " not ",
    ];
    let words = SQL_KEYWORDS.len();
    let mut text = Vec::new();
    for _ in 0..=random.below(6) {
        let keyword = &SQL_KEYWORDS[random.below(words)];
        if keyword.token_type == b'F' && !random.one_in(20) {
            let named = [
                "user", "in", "not", "like", "if", "database", "current", "lock", "x",
            ];
            text.extend_from_slice(random.pick(&named).as_bytes());
        } else if random.one_in(2) {
            text.extend_from_slice(keyword.word.to_ascii_lowercase().as_bytes());
        } else {
            // Of several words some may be quoted, or stand apart.
            let between = random.pick(&[" ", "  ", "/**/", "` ", " `", "\t"]);
            text.extend_from_slice(keyword.word.replace(' ', between).as_bytes());
        }
        text.extend_from_slice(random.pick(BETWEEN).as_bytes());
    }
    text
}

fn octets(random: &mut Random) -> Vec<u8> {
    const SIGNS: &[u8] = b"'\"`\\/*!-#$@.,:;=<>|&(){}[]%^+~?1e0xXbBnNqQuUfdA_ \n\0\xa0\xe9";
    let any = random.one_in(4);
    (0..random.below(24))
        .map(|_| match any {
            true => random.next() as u8,
            false => SIGNS[random.below(SIGNS.len())],
        })
        .collect()
}

#[test]
fn reads_everything_as_the_crate_does() {
    let fingerprints = grammar::fingerprints();
    let mut random = Random::new(3);
    let count = inputs(50_000);
    let mut found = 0u32;
    for turn in 0..count {
        let mut text = match turn % 5 {
            0 => soup(&mut random),
            1 => octets(&mut random),
            2 => TEXTS[random.below(TEXTS.len())].as_bytes().to_vec(),
            _ => grammar::input(&mut random, &fingerprints),
        };
        if turn % 5 == 2 || random.one_in(4) {
            grammar::mutate(&mut random, &mut text);
        }
        found += u32::from(compare(&text));
    }
    let share = f64::from(found) / count as f64;
    assert!((0.05..0.95).contains(&share), "{share}");
    println!("{count} inputs, {found} injections");
}
