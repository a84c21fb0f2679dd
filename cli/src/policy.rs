//! Reads and compiles the policy that a verb works with.

use std::path::Path;

use palisade::config::{Config, Problem};
use palisade::engine::Engine;

use crate::Failure;

/// The engine of a policy file, or of the default policy.
///
/// # Errors
/// If the file cannot be read, or everything that is wrong with the policy.
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
        .map_err(|problems| Failure(listed(&name, &problems)))
}

fn listed(name: &str, problems: &[Problem]) -> String {
    let count = match problems.len() {
        1 => "1 problem".to_owned(),
        count => format!("{count} problems"),
    };
    let mut text = format!("{name}: {count} in the policy");
    for problem in problems {
        text.push_str("\n  ");
        text.push_str(&problem.to_string());
    }
    text
}
