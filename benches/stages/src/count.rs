//! Counts instructions: runs this program once more under callgrind.

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::list;

/// The instructions of each stage, in their order.
pub(crate) fn instructions() -> Result<Vec<(String, u64)>, String> {
    let folder = env::temp_dir().join(format!("palisade-stages-{}", std::process::id()));
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let counted = count(&folder);
    let _ = fs::remove_dir_all(&folder);
    counted
}

fn count(folder: &Path) -> Result<Vec<(String, u64)>, String> {
    let own = env::current_exe().map_err(|error| error.to_string())?;
    let out = folder.join("out");
    // A file of counts for each call of `measured`, which nothing outside of it enters.
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no"])
        .args([
            "--dump-line=no",
            "--toggle-collect=palisade_stages::measured",
        ])
        .arg("--dump-after=palisade_stages::measured")
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(own)
        .arg("--once")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .map_err(|error| format!("valgrind does not run: {error}"))?;
    if !run.status.success() {
        let said = String::from_utf8_lossy(&run.stderr);
        return Err(format!("valgrind failed, {}:\n{said}", run.status));
    }
    let mut counts = Vec::new();
    // The files end in .1, .2 and so on.
    for number in 1.. {
        let path = format!("{}.{number}", out.display());
        let Ok(text) = fs::read_to_string(&path) else {
            break;
        };
        let line = text.lines().find_map(|line| line.strip_prefix("summary: "));
        let count = line.and_then(|count| count.trim().parse().ok());
        counts.push(count.ok_or(format!("{path} has no summary"))?);
    }
    let stages = list::stages();
    // The last file is that of the end of the program, with nothing in it.
    if counts.len() < stages.len() {
        return Err(format!(
            "{} counts of {} stages",
            counts.len(),
            stages.len()
        ));
    }
    let names = stages.into_iter().map(|stage| stage.name);
    Ok(names.zip(counts).collect())
}
