//! Reads and compiles the policy that a verb works with.

use std::path::Path;

use palisade::config::{Config, Problem};
use palisade::engine::Engine;

use crate::Failure;
use crate::position;

/// The engine of a policy file, or of the default policy.
///
/// # Errors
/// If the file cannot be read, or everything that is wrong with the policy, each with its line.
pub(crate) fn load(path: Option<&Path>) -> Result<Engine, Failure> {
    let (name, text) = match path {
        Some(path) => {
            let name = path.display().to_string();
            let text = std::fs::read(path).map_err(|error| Failure(format!("{name}: {error}")))?;
            (name, text)
        }
        None => ("the default policy".to_owned(), b"{}".to_vec()),
    };
    Config::parse(&text)
        .and_then(Engine::compile)
        .map_err(|problems| Failure(listed(&name, &text, &problems)))
}

fn listed(name: &str, text: &[u8], problems: &[Problem]) -> String {
    let count = match problems.len() {
        1 => "1 problem".to_owned(),
        count => format!("{count} problems"),
    };
    let mut out = format!("{name}: {count} in the policy");
    for problem in problems {
        out.push_str(&format!("\n  {name}:"));
        // Text that is no JSON has no paths; its own reader says where it breaks.
        let broken = problem.message.starts_with("not JSON");
        if let Some(found) = position::of_path(text, &problem.path).filter(|_| !broken) {
            out.push_str(&format!("{}:{}:", found.line, found.column));
        }
        out.push_str(&format!(" {problem}"));
    }
    out
}
