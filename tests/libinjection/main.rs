//! Holds the detectors to libinjection: with the guard in front, and against the C original. `LIBINJECTION_INPUTS` asks for more inputs than the usual run takes.

mod grammar;
mod tokens;

use grammar::Random;
use palisade::decode::Signs;
use palisade::detect::Detector;
use palisade::detect::cross_site_scripting::is_cross_site_scripting;
use palisade::detect::sql;
use palisade::detect::sql_injection::is_sql_injection;
use palisade::model::Named;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn inputs(usual: usize) -> usize {
    std::env::var("LIBINJECTION_INPUTS").map_or(usual, |count| count.parse().expect("a number"))
}

fn shown(text: &[u8]) -> String {
    text.escape_ascii().to_string()
}

/// A text for every kind of token, and for every rule that looks at what a token says.
#[rustfmt::skip]
const PIECES: &[&str] = &[
    " a", " 1", "'", "\"", " and", " or ", "=", "-", ",", "(", ")", ";", ".", " union", " select", " as", " in",
    " sin", " user", " limit", " int", " is", " not", " like", "@v", " collate", " a_b", " all", " by", " order",
    " current", " date", " if", " database", " null", " exec", " into outfile", ":", "?", "%", "::", "!!", "#",
    " --", "--", "\\", "`", "}", "[", "&&", "+", " in boolean", " mode", "\u{a0}", "$1",
    "/", " /*", "*/", "{",
];

/// The verdict by the definition: the text is folded in each context, in both dialects.
fn has_fingerprint(text: &[u8]) -> bool {
    sql::contexts(text).any(|(context, dialects)| {
        let mut readings = dialects
            .iter()
            .map(|dialect| sql::Reading::of(text, context, *dialect));
        readings.any(|reading| reading.is_injection())
    })
}

/// The guard and the look at the first tokens change no verdict; whether the guard refused the text.
fn is_judged_in_full(text: &[u8]) -> bool {
    let passed = Detector::LibinjectionSql.may_match(text, Signs::of(text));
    let found = passed && is_sql_injection(text).is_some();
    assert_eq!(found, has_fingerprint(text), "{}", shown(text));
    !passed
}

/// Every text of so many pieces.
fn all_are_judged_in_full(pieces: &[&str], length: u32) {
    let mut refused = 0;
    let mut text = Vec::new();
    let count = pieces.len().pow(length);
    for number in 0..count {
        text.clear();
        let mut rest = number;
        for _ in 0..length {
            text.extend_from_slice(pieces[rest % pieces.len()].as_bytes());
            rest /= pieces.len();
        }
        refused += usize::from(is_judged_in_full(&text));
    }
    assert!(
        (count / 8..count).contains(&refused),
        "{refused} of {count}"
    );
}

#[test]
fn few_tokens_are_judged_in_full() {
    all_are_judged_in_full(PIECES, 3);
    all_are_judged_in_full(&PIECES[..20], 4);
    all_are_judged_in_full(&PIECES[14..30], 4);
    // At the last place of a fingerprint it matters what is dropped and joined behind it.
    all_are_judged_in_full(&[" a", " 1", " and", "-", " as"], 7);
    all_are_judged_in_full(&[" a", " and", " 'x'", ","], 8);
    all_are_judged_in_full(&[" 1", " as", " and", "-"], 8);
}

#[test]
fn many_tokens_are_judged_in_full() {
    let mut random = Random::new(4);
    let count = inputs(200_000);
    let mut refused = 0;
    for _ in 0..count {
        let few: Vec<&str> = (0..6).map(|_| random.pick(PIECES)).collect();
        let pieces = (0..4 + random.below(9)).map(|_| random.pick(&few));
        let text: String = pieces.collect();
        refused += usize::from(is_judged_in_full(text.as_bytes()));
    }
    assert!(
        (count / 8..count).contains(&refused),
        "{refused} of {count}"
    );
}

#[test]
fn guards_change_no_verdict() {
    let fingerprints = grammar::fingerprints();
    assert_eq!(fingerprints.len(), 8367);
    let mut random = Random::new(1);
    let (mut sql, mut script) = (0u32, 0u32);
    let count = inputs(200_000);
    let all = fingerprints.iter().cycle().take(fingerprints.len() * 4);
    let mut built: Vec<Vec<u8>> = all
        .map(|fingerprint| grammar::of_fingerprint(&mut random, fingerprint))
        .collect();
    for _ in 0..count {
        let text = built
            .pop()
            .unwrap_or_else(|| grammar::input(&mut random, &fingerprints));
        let plain = libinjectionrs::detect_sqli(&text).is_injection();
        let found = is_sql_injection(&text);
        assert_eq!(found.is_some(), plain, "SQL: {}", shown(&text));
        let passed = Detector::LibinjectionSql.may_match(&text, Signs::of(&text));
        assert!(passed || !plain, "SQL: {}", shown(&text));
        let xss = libinjectionrs::detect_xss(&text).is_injection();
        assert_eq!(
            is_cross_site_scripting(&text),
            xss,
            "script: {}",
            shown(&text)
        );
        sql += u32::from(plain);
        script += u32::from(xss);
    }
    // Inputs that are nearly all clean, or nearly all attacks, would prove little.
    let share = |found: u32| f64::from(found) / count as f64;
    assert!((0.05..0.95).contains(&share(sql)), "{}", share(sql));
    assert!((0.02..0.95).contains(&share(script)), "{}", share(script));
    println!("{count} inputs, {sql} SQL injections, {script} scripts");
}

/// The C original in one Python process: answers a batch of texts in order.
struct Original {
    python: String,
}

impl Original {
    fn find() -> Self {
        let output = Command::new("sh")
            .arg("scripts/libinjection.sh")
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("sh runs");
        assert!(
            output.status.success(),
            "the C original is needed for this test: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let python = String::from_utf8(output.stdout).expect("a path");
        Self {
            python: python.trim().to_owned(),
        }
    }

    fn verdicts(&self, texts: &[Vec<u8>]) -> Vec<(Option<String>, bool)> {
        let mut child = Command::new(&self.python)
            .arg("scripts/libinjection_verdicts.py")
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python runs");
        let mut stdin = child.stdin.take().expect("piped");
        let mut frames = Vec::new();
        for text in texts {
            frames.extend_from_slice(&(text.len() as u32).to_le_bytes());
            frames.extend_from_slice(text);
        }
        let writer = std::thread::spawn(move || stdin.write_all(&frames).expect("python reads"));
        let mut answers = Vec::new();
        let mut stdout = child.stdout.take().expect("piped");
        stdout.read_to_end(&mut answers).expect("python answers");
        writer.join().expect("all was written");
        assert!(child.wait().expect("python ends").success());
        assert_eq!(answers.len(), texts.len() * 10);
        answers
            .chunks(10)
            .map(|answer| {
                let fingerprint: Vec<u8> = answer[1..9]
                    .iter()
                    .copied()
                    .filter(|octet| *octet != 0)
                    .collect();
                let sql = (answer[0] == 1).then(|| String::from_utf8(fingerprint).expect("ASCII"));
                (sql, answer[9] != 255)
            })
            .collect()
    }
}

/// Whether PostgreSQL's `$tag$` occurs. The original looks for the end of such a string from the
/// wrong place and mostly takes the rest of the text for its contents; the crate finds the end.
fn has_tagged_dollar_quote(text: &[u8]) -> bool {
    let is_tag = |octet: &u8| octet.is_ascii_alphabetic() || *octet == 0;
    text.split(|octet| *octet == b'$')
        .skip(1)
        .any(|between| !between.is_empty() && between.iter().all(is_tag))
}

#[test]
fn agrees_with_the_c_original() {
    let original = Original::find();
    let fingerprints = grammar::fingerprints();
    let mut random = Random::new(2);
    let started = Instant::now();
    let count = inputs(100_000);
    let (mut compared, mut tagged) = (0, 0);
    // The count bounds the work; the clock bounds it on a slow machine, far above the usual 5 s.
    while compared < count && (count > 100_000 || started.elapsed() < Duration::from_secs(25)) {
        let texts: Vec<Vec<u8>> = (0..20_000)
            .map(|_| grammar::input(&mut random, &fingerprints))
            .collect();
        for (text, (sql, script)) in texts.iter().zip(original.verdicts(&texts)) {
            let found = is_sql_injection(text).map(|fingerprint| fingerprint.to_string());
            if found != sql && has_tagged_dollar_quote(text) {
                tagged += 1;
                continue;
            }
            assert_eq!(found, sql, "SQL: {}", shown(text));
            let found = is_cross_site_scripting(text);
            assert_eq!(found, script, "script: {}", shown(text));
        }
        compared += texts.len();
    }
    assert!(compared >= 20_000);
    assert!(tagged * 10_000 <= compared, "{tagged} of {compared}");
    println!(
        "{compared} inputs, {tagged} known differences, {:?}",
        started.elapsed()
    );
}

/// An attack behind a long word is found, and so is one in front of it.
#[test]
fn hostile_words_hide_nothing() {
    let attacks = [
        "' or 1=1 -- ",
        "\" or \"a\"=\"a",
        " union select 1,2,3 -- ",
        "'; drop table users -- ",
        "/**/and/**/sleep(5)#",
    ];
    for unit in [
        "a.", "a`", "`", "a$.", "$$.", "1.", "or.", "union.a.", "1e", "\\N.", "é.",
    ] {
        for count in [1, 63, 64, 65, 66, 200, 2_001] {
            for attack in attacks {
                let word = unit.repeat(count);
                for text in [
                    format!("1 {word}{attack}"),
                    format!("1{attack}{word}"),
                    format!("{word}'{attack}"),
                ] {
                    let plain = libinjectionrs::detect_sqli(text.as_bytes()).is_injection();
                    let found = is_sql_injection(text.as_bytes()).is_some();
                    assert_eq!(found, plain, "{} times {unit} around {attack}", count);
                }
            }
        }
    }
}

/// Texts on which a tokeniser could be quadratic: eight times the length may cost little more than
/// eight times the time.
#[test]
fn time_is_linear_in_hostile_texts() {
    let units: &[&[u8]] = &[
        b"a.",
        b"a`",
        b"`",
        b"``",
        b"$$.",
        b"$",
        b"$a",
        b"$a$",
        b"1.",
        b"or.",
        b"or`",
        b"and.or.",
        b"not.",
        b"in.",
        b"1or.",
        b"or.1",
        b"or.1.",
        b"or.a",
        b"int.",
        b"or.`a`.",
        b"or.$",
        b"like.",
        b"union.",
        b"'",
        b"\"",
        b"\\",
        b"\\'",
        b"''",
        b"x'",
        b"b'0",
        b"q'(",
        b"nq'!",
        b"/*",
        b"*/",
        b"/**/",
        b"--",
        b"-- \n",
        b"#",
        b"#\n",
        b"@",
        b"@@`",
        b"(",
        b")",
        b"((1)",
        b"1+",
        b"1,",
        b"a b ",
        b"a,b,",
        b"or 1 ",
        b"select ",
        b"in ",
        b"not ",
        b"{a",
        b"[",
        b"[]",
        b"sp_password--",
        b"\0",
        b"\xa0",
        b"\xff.",
        b"&&",
        b"|",
        b"0x",
        b"1e",
        b"<a ",
        b"<script> a ",
        b"<style>",
        b"<base ",
        b"<script>",
        b"<svg onx=",
        b"1 or (",
        b"x' union ",
        b"' or '",
        b"<p style='&#",
        b"<",
        b"</",
        b"</>",
        b"<!--",
        b"<!-",
        b"-\0",
        b"<!",
        b"<?",
        b"<%",
        b"%",
        b"<![CDATA[",
        b"]]",
        b"=",
        b"a=",
        b"on=",
        b" = ",
        b"\0=",
        b"x/",
        b"/",
        b"href=&#",
        b"&#0",
        b"<a href=\"&#x0",
        b"onerror",
        b"a\0",
        b"x='",
    ];
    let time = |detector: Detector, text: &[u8]| {
        let started = Instant::now();
        std::hint::black_box(detector.matches(std::hint::black_box(text)));
        started.elapsed()
    };
    let texts = |unit: &[u8], length: usize| {
        let text: Vec<u8> = unit.iter().copied().cycle().take(length).collect();
        let framed = [b"<a x='1 ".as_slice(), &text, b"' = "].concat();
        [text, framed]
    };
    for unit in units {
        for (short_text, long_text) in texts(unit, 1_000).iter().zip(texts(unit, 8_000).iter()) {
            for detector in Detector::ALL {
                // A busy machine can only make a run slower, so the quickest of several counts, and
                // one fits into one turn on the processor; a square is a factor of 64 in each.
                let (mut short, mut long) = (Duration::MAX, Duration::MAX);
                let linear = (0..40).any(|_| {
                    short = short.min(time(*detector, short_text));
                    long = long.min(time(*detector, long_text));
                    long < short * 24 + Duration::from_micros(500)
                });
                assert!(
                    linear,
                    "{detector} on {}: {short:?}, then {long:?}",
                    shown(unit)
                );
            }
        }
    }
}
