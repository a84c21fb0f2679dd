//! The baseline: how many instructions each stage took when that was last looked at, and with which compiler.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::count;

/// A stage may grow by this share before it is a regression, and is worth a new baseline when it shrank by that.
const SLACK: f64 = 0.05;
/// The same where another compiler has made the code, which counts for more than most changes of it.
const SLACK_ELSEWHERE: f64 = 0.30;

#[derive(Debug, Serialize, Deserialize)]
struct Baseline {
    /// A sentence of CHANGELOG.md: why a stage was last allowed to take more than before.
    why: String,
    /// What made the code and what ran it.
    compiler: String,
    processor: String,
    /// Instructions by stage.
    instructions: BTreeMap<String, u64>,
}

/// Compares with the baseline and tells of every stage that has changed.
pub(crate) fn check(path: &Path) -> Result<(), String> {
    let baseline = read(path)?;
    let changelog = changelog(path)?;
    if !holds(&changelog, &baseline.why) {
        return Err(format!(
            "CHANGELOG.md does not hold the `why` of {}: {}",
            path.display(),
            baseline.why
        ));
    }
    let (compiler, processor) = (compiler()?, processor());
    let alike = baseline.compiler == compiler && baseline.processor == processor;
    let slack = if alike { SLACK } else { SLACK_ELSEWHERE };
    if !alike {
        println!(
            "The baseline is of {}, {}; this is {compiler}, {processor}. So only growth above {:.0} % fails.",
            baseline.compiler,
            baseline.processor,
            slack * 100.0
        );
    }
    let (worse, better) = compare(&baseline.instructions, &count::instructions()?, slack);
    if better > 0 {
        println!(
            "{better} stages take less than the baseline says: `make perf-baseline` holds them to it."
        );
    }
    if worse.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{}\nIf that is worth it: say so in CHANGELOG.md, then make perf-baseline WHY='the sentence'",
        worse.join("\n")
    ))
}

/// What has become worse, in words, and how many stages have become better. Prints all of them.
fn compare(
    baseline: &BTreeMap<String, u64>,
    counted: &[(String, u64)],
    slack: f64,
) -> (Vec<String>, usize) {
    let mut worse = Vec::new();
    let mut better = 0;
    println!("{:40} {:>12} {:>12}", "stage", "baseline", "now");
    for (name, now) in counted {
        let Some(before) = baseline.get(name) else {
            worse.push(format!("{name} is not in the baseline"));
            continue;
        };
        let change = *now as f64 / *before as f64 - 1.0;
        println!("{name:40} {before:12} {now:12} {:+7.1}%", change * 100.0);
        if change > slack {
            worse.push(format!("{name}: {before} instructions have become {now}"));
        }
        better += usize::from(change < -SLACK);
    }
    for name in baseline.keys() {
        if !counted.iter().any(|(own, _)| own == name) {
            worse.push(format!("{name} is in the baseline alone"));
        }
    }
    (worse, better)
}

/// Makes a new baseline of what is counted now.
pub(crate) fn write(path: &Path) -> Result<(), String> {
    let before = fs::read_to_string(path)
        .is_ok()
        .then(|| read(path))
        .transpose()?;
    let said = env::var("WHY").ok().filter(|why| !why.trim().is_empty());
    let instructions: BTreeMap<String, u64> = count::instructions()?.into_iter().collect();
    let grown: Vec<String> = before
        .iter()
        .flat_map(|before| &before.instructions)
        .filter(|(name, before)| {
            let now = instructions.get(*name).copied().unwrap_or_default();
            now as f64 > **before as f64 * (1.0 + SLACK)
        })
        .map(|(name, _)| name.clone())
        .collect();
    let why = match (said, before) {
        (Some(said), _) => said,
        (None, Some(before)) if grown.is_empty() => before.why,
        (None, _) => {
            return Err(format!(
                "these take more than before: {}. Say why in CHANGELOG.md, then make perf-baseline WHY='the sentence'",
                grown.join("; ")
            ));
        }
    };
    if !holds(&changelog(path)?, &why) {
        return Err(format!("CHANGELOG.md does not hold: {why}"));
    }
    let baseline = Baseline {
        why,
        compiler: compiler()?,
        processor: processor(),
        instructions,
    };
    let text = toml::to_string(&baseline).map_err(|error| error.to_string())?;
    let head = "# Instructions of each stage (benches/stages), which `make perf-test` compares with. Made by `make perf-baseline`.\n";
    fs::write(path, format!("{head}{text}"))
        .map_err(|error| format!("{}: {error}", path.display()))?;
    println!(
        "{} stages, in {}",
        baseline.instructions.len(),
        path.display()
    );
    Ok(())
}

fn read(path: &Path) -> Result<Baseline, String> {
    let said = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = fs::read_to_string(path).map_err(|error| said(&error))?;
    toml::from_str(&text).map_err(|error| said(&error))
}

fn changelog(path: &Path) -> Result<String, String> {
    let root = path.canonicalize().ok();
    let root = root.as_deref().unwrap_or(path).ancestors().nth(2);
    let file = root.unwrap_or(Path::new("")).join("CHANGELOG.md");
    fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))
}

/// Whether a text holds a sentence, however its lines are broken.
fn holds(text: &str, sentence: &str) -> bool {
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let sentence = flat(sentence);
    !sentence.is_empty() && flat(text).contains(&sentence)
}

fn compiler() -> Result<String, String> {
    let run = Command::new("rustc").arg("-vV").output();
    let run = run.map_err(|error| format!("rustc does not run: {error}"))?;
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    let of = |key: &str| {
        let line = said.lines().find_map(|line| line.strip_prefix(key));
        line.unwrap_or_default().trim().to_owned()
    };
    Ok(format!(
        "rustc {}, LLVM {}, {}",
        of("release:"),
        of("LLVM version:"),
        of("host:")
    ))
}

/// What the searches for bytes choose their code by.
fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let flags = info.lines().find(|line| line.starts_with("flags"));
    let has = |flag: &str| flags.is_some_and(|flags| flags.split(' ').any(|own| own == flag));
    if has("avx2") {
        "with AVX2"
    } else {
        "without AVX2"
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_fails_and_shrinking_does_not() {
        let baseline = BTreeMap::from([("a".to_owned(), 1000), ("b".to_owned(), 1000)]);
        let with = |a, b| {
            compare(
                &baseline,
                &[("a".to_owned(), a), ("b".to_owned(), b)],
                SLACK,
            )
        };
        assert_eq!(with(1049, 951), (vec![], 0));
        assert_eq!(with(100, 1000), (vec![], 1));
        assert_eq!(
            with(1051, 900),
            (vec!["a: 1000 instructions have become 1051".to_owned()], 1)
        );
        let (worse, _) = compare(
            &baseline,
            &[("a".to_owned(), 1000), ("c".to_owned(), 1)],
            SLACK,
        );
        assert_eq!(
            worse,
            ["c is not in the baseline", "b is in the baseline alone"]
        );
    }

    #[test]
    fn sentences_are_found_across_lines() {
        let text = "- One.\n- The reader\n  sees more now.\n";
        assert!(holds(text, "The reader sees more now."));
        for other in ["The reader sees less.", "", " "] {
            assert!(!holds(text, other), "{other}");
        }
    }
}
