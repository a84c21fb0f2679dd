//! Lays out what the SQL tokeniser looks up: the words of libinjection in a perfect hash, and its
//! fingerprints as an automaton. Both lists come from the crate that the tests compare with.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use libinjectionrs::sqli::sqli_data::SQL_KEYWORDS;

#[path = "../src/detect/sql/hash.rs"]
#[allow(dead_code)]
mod hash;

/// The variant of `Kind` for the letter of the list.
fn kind(letter: u8) -> &'static str {
    match letter {
        b'k' => "Keyword",
        b'U' => "Union",
        b'B' => "Group",
        b'E' => "Expression",
        b't' => "SqlType",
        b'f' => "Function",
        b'n' => "Bareword",
        b'1' => "Number",
        b'v' => "Variable",
        b'o' => "Operator",
        b'&' => "LogicOperator",
        b'A' => "Collate",
        b'T' => "Tsql",
        other => panic!("{} is no kind of word", char::from(other)),
    }
}

/// The letter that stands for a fingerprint in the list.
const FINGERPRINT: u8 = b'F';

/// The words as Rust, for `words.rs` to include.
pub(crate) fn words() -> String {
    let mut words: BTreeMap<&str, &str> = SQL_KEYWORDS
        .iter()
        .filter(|keyword| keyword.token_type != FINGERPRINT)
        .filter(|keyword| {
            keyword
                .word
                .starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        })
        .map(|keyword| (keyword.word, kind(keyword.token_type)))
        .collect();
    // `at time zone` is joined word by word, so its beginnings must have a place too.
    let beginnings: Vec<&str> = words
        .keys()
        .flat_map(|word| word.match_indices(' ').map(|(at, _)| &word[..at]))
        .collect();
    for beginning in beginnings {
        words.entry(beginning).or_insert("None");
    }
    let texts: Vec<&str> = words.keys().copied().collect();

    let mut out = String::new();
    line(
        &mut out,
        format_args!("static ENTRIES: [Entry; {}] = [", words.len()),
    );
    for (at, (text, kind)) in words.iter().enumerate() {
        let longer = texts[at + 1..]
            .iter()
            .take_while(|next| {
                next.strip_prefix(text)
                    .is_some_and(|rest| rest.starts_with(' '))
            })
            .count();
        line(
            &mut out,
            format_args!("entry({text:?}, Kind::{kind}, {longer}),"),
        );
    }
    line(&mut out, format_args!("];"));
    let (places, displacements) = lay_out(&texts);
    array(&mut out, "PLACES", "u16", &places);
    array(&mut out, "DISPLACEMENTS", "u8", &displacements);
    let mut lengths = vec![0; hash::STARTS];
    for text in &texts {
        assert!(
            text.len() > 1,
            "{text} is shorter than its place in the table"
        );
        let (start, length) = hash::start(text.as_bytes());
        lengths[start] |= length;
    }
    array(&mut out, "LENGTHS", "u16", &lengths);
    out
}

/// A place for every word that no other has, by moving the words of each group together (Belazzougui,
/// Botelho, Dietzfelbinger, "Hash, displace, and compress", 2009).
fn lay_out(texts: &[&str]) -> (Vec<u16>, Vec<u8>) {
    let mut groups: Vec<Vec<(u64, u16)>> = vec![Vec::new(); hash::GROUPS];
    for (at, text) in texts.iter().enumerate() {
        let hash = hash::of(text.as_bytes());
        let number = u16::try_from(at + 1).expect("some thousand words");
        groups[hash::group(hash)].push((hash, number));
    }
    let mut places = vec![0; hash::PLACES];
    let mut displacements = vec![0; hash::GROUPS];
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_by_key(|group| std::cmp::Reverse(groups[*group].len()));
    for group in order {
        let displacement = (0..=u8::MAX)
            .find(|displacement| {
                let taken: BTreeSet<usize> = groups[group]
                    .iter()
                    .map(|(hash, _)| hash::place(*hash, *displacement))
                    .filter(|place| places[*place] == 0)
                    .collect();
                taken.len() == groups[group].len()
            })
            .expect("a displacement for each group: add places or groups in hash.rs");
        displacements[group] = displacement;
        for (hash, number) in &groups[group] {
            places[hash::place(*hash, displacement)] = *number;
        }
    }
    (places, displacements)
}

/// Fingerprints that begin alike: what may follow, and whether one ends here.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Beginning {
    next: BTreeMap<char, Beginning>,
    ends: bool,
}

/// The fingerprints as Rust, for `fingerprints.rs` to include.
pub(crate) fn fingerprints() -> String {
    let all: Vec<&str> = SQL_KEYWORDS
        .iter()
        .filter(|keyword| keyword.token_type == FINGERPRINT)
        .filter_map(|keyword| keyword.word.strip_prefix('0'))
        .collect();
    let mut letters: Vec<char> = all.iter().flat_map(|text| text.chars()).collect();
    letters.sort_unstable();
    letters.dedup();
    let mut symbols = [0u8; 128];
    for (column, letter) in letters.iter().enumerate() {
        let column = u8::try_from(column + 1).expect("few letters");
        symbols[*letter as usize] = column;
        symbols[letter.to_ascii_lowercase() as usize] = column;
    }
    let width = letters.len() + 1;

    let mut first = Beginning::default();
    let longest = all.iter().map(|text| text.len()).max().unwrap_or(0);
    for text in &all {
        let mut at = &mut first;
        for letter in text.chars() {
            at = at.next.entry(letter).or_default();
        }
        at.ends = true;
    }
    // Beginnings of one length after which the same may follow are one state.
    let mut states: Vec<BTreeMap<Beginning, u8>> = vec![BTreeMap::new(); longest + 1];
    number(&first, &mut states, 0);
    let mut rows = vec![0u8; width];
    let mut steps = Vec::new();
    for (length, states_of_length) in states.iter().enumerate() {
        steps.push(rows.len() / width - 1);
        let mut in_order: Vec<_> = states_of_length.iter().collect();
        in_order.sort_by_key(|(_, number)| **number);
        for (beginning, _) in in_order {
            let mut row = vec![0; width];
            row[0] = u8::from(beginning.ends);
            for (letter, next) in &beginning.next {
                row[usize::from(symbols[*letter as usize])] = states[length + 1][next];
            }
            rows.extend(row);
        }
    }

    let mut out = String::new();
    line(&mut out, format_args!("const WIDTH: usize = {width};"));
    array(&mut out, "SYMBOLS", "u8", &symbols);
    array(&mut out, "STEPS", "u16", &steps);
    array(&mut out, "ROWS", "u8", &rows);
    out
}

/// Numbers the states from 1, anew for each length.
fn number(beginning: &Beginning, states: &mut [BTreeMap<Beginning, u8>], length: usize) {
    for next in beginning.next.values() {
        number(next, states, length + 1);
    }
    let number = u8::try_from(states[length].len() + 1).expect("fewer than 256 states");
    states[length].entry(beginning.clone()).or_insert(number);
}

fn array<T: std::fmt::Display>(out: &mut String, name: &str, of: &str, values: &[T]) {
    let values: Vec<String> = values.iter().map(T::to_string).collect();
    let (length, values) = (values.len(), values.join(","));
    line(
        out,
        format_args!("static {name}: [{of}; {length}] = [{values}];"),
    );
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(out, "{text}").expect("a string grows");
}
