//! Turns the rule files of `rules/` into JSON that the library embeds: `rules.json` for the engine,
//! `samples.json` for the tests and the command line, which prove and explain the rules. Beside them,
//! the tables of the SQL tokeniser.

use std::path::{Path, PathBuf};
use std::{env, fs};

use serde_json::{Map, Value};

#[path = "src/engine/literal.rs"]
#[allow(dead_code, unreachable_pub)]
mod literal;
#[path = "src/engine/need.rs"]
#[allow(dead_code, unreachable_pub)]
mod need;
#[path = "src/decode/signs.rs"]
#[allow(dead_code, unreachable_pub)]
mod signs;

/// What the engine's modules above import by this name.
mod decode {
    pub(crate) use super::signs::{self, Signs};
}

#[path = "build/sql_tables.rs"]
mod sql_tables;

fn main() {
    println!("cargo:rerun-if-changed=rules");
    let mut files = Vec::new();
    find(Path::new("rules"), &mut files);
    files.sort();

    let (mut rules, mut samples) = (Vec::new(), Vec::new());
    for file in files {
        let (rule, sample) = read(&file);
        rules.push(rule);
        samples.push(sample);
    }
    rules.sort_by_key(|rule| rule["id"].as_u64());
    samples.sort_by_key(|sample| sample["id"].as_u64());

    for source in [
        "src/engine/literal.rs",
        "src/engine/need.rs",
        "src/decode/signs.rs",
    ] {
        println!("cargo:rerun-if-changed={source}");
    }
    let keys: Vec<String> = rules.iter().filter_map(keys).collect();

    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::write(out.join("rules.json"), Value::Array(rules).to_string())
        .expect("OUT_DIR is writable");
    fs::write(out.join("keys.rs"), format!("&[{}]", keys.join(",\n")))
        .expect("OUT_DIR is writable");
    fs::write(out.join("samples.json"), Value::Array(samples).to_string())
        .expect("OUT_DIR is writable");

    for name in ["build", "build.rs", "src/detect/sql/hash.rs"] {
        println!("cargo:rerun-if-changed={name}");
    }
    fs::write(out.join("sql_words.rs"), sql_tables::words()).expect("OUT_DIR is writable");
    fs::write(out.join("sql_fingerprints.rs"), sql_tables::fingerprints())
        .expect("OUT_DIR is writable");
}

/// The keys of a rule with a pattern, as an expression of Rust.
fn keys(rule: &Value) -> Option<String> {
    let id = rule["id"].as_u64()?;
    let pattern = rule["regex"].as_str()?;
    let hir = regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .nest_limit(64)
        .build()
        .parse(pattern)
        .unwrap_or_else(|e| panic!("rule {id}: {e}"));
    let literals = match literal::required(&hir) {
        Some(literals) => {
            let list: Vec<String> = literals
                .iter()
                .map(|text| format!("b\"{}\"", text.escape_ascii()))
                .collect();
            format!("Some(&[{}])", list.join(","))
        }
        None => "None".to_owned(),
    };
    let mut need = Vec::new();
    need::Need::of_pattern(&hir).write(&mut need);
    Some(format!(
        "Keys {{ rule: {id}, literals: {literals}, need: &{need:?} }}"
    ))
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            find(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "toml") {
            files.push(path);
        }
    }
}

/// One rule file, `rules/<category>/<id>-<name>.toml`, as the rule and as its samples.
fn read(file: &Path) -> (Value, Value) {
    let text = fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let table: Map<String, Value> =
        toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let stem = file
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or_default();
    let (id, name) = stem
        .split_once('-')
        .and_then(|(id, name)| Some((id.parse::<u32>().ok()?, name)))
        .unwrap_or_else(|| panic!("{}: expected <id>-<name>.toml", file.display()));
    let folder = file
        .parent()
        .and_then(Path::file_name)
        .and_then(|name| name.to_str());

    let mut rule = Map::new();
    let mut sample = Map::new();
    for target in [&mut rule, &mut sample] {
        target.insert("id".into(), id.into());
        target.insert("name".into(), name.into());
    }
    sample.insert("folder".into(), folder.unwrap_or_default().into());
    for (key, value) in table {
        match key.as_str() {
            "attacks" | "benign" | "samples" => sample.insert(key, value),
            // Prose is for people: the command line shows it, the module does without.
            "what" | "why" | "unkeyed" => sample.insert(key, value),
            _ => rule.insert(key, value),
        };
    }
    (Value::Object(rule), Value::Object(sample))
}
