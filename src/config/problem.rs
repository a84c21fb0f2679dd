//! What is wrong with a policy, said so that it can be mended.

use std::fmt;

/// One problem in a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where: a JSON path such as `$.rules[0].regex`.
    pub path: String,
    /// What is wrong and what would be right. Never holds a value of the policy beyond names.
    pub message: String,
    /// What was probably meant.
    pub suggestion: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)?;
        if let Some(suggestion) = &self.suggestion {
            write!(f, "; did you mean `{suggestion}`?")?;
        }
        Ok(())
    }
}

/// The problems found so far. A policy with more than [`Problems::MOST`] is beyond listing.
#[derive(Debug, Default)]
pub struct Problems {
    list: Vec<Problem>,
    more: usize,
    /// Rules that the document points at, to be looked up once all of it is read.
    pub(super) references: Vec<Reference>,
    /// Ids of exceptions that were read so far.
    pub(super) labels: std::collections::HashSet<String>,
    /// Bytes that the patterns read so far take once compiled.
    pub(super) pattern_bytes: usize,
    /// Bytes of the literals read so far.
    pub(super) literal_bytes: usize,
}

/// A place in the document that points at rules.
#[derive(Debug)]
pub(super) struct Reference {
    pub(super) path: String,
    pub(super) to: Target,
}

/// What a reference points at.
#[derive(Debug)]
pub(super) enum Target {
    /// Rules by the first and the last id of a range.
    Ids(u32, u32),
    /// Rules by a tag.
    Tag(String),
}

impl Problems {
    /// Problems that are listed one by one.
    pub const MOST: usize = 100;

    /// Adds one.
    pub fn add(&mut self, path: &str, message: impl Into<String>) {
        self.push(path, message.into(), None);
    }

    /// Adds one about a word that is not known, with the nearest one that is.
    pub fn add_unknown<'a>(
        &mut self,
        path: &str,
        message: String,
        found: &str,
        known: impl Iterator<Item = &'a str>,
    ) {
        self.push(path, message, nearest(found, known).map(str::to_owned));
    }

    fn push(&mut self, path: &str, message: String, suggestion: Option<String>) {
        if self.list.len() < Self::MOST {
            self.list.push(Problem {
                path: path.to_owned(),
                message,
                suggestion,
            });
        } else {
            self.more += 1;
        }
    }

    /// How many there are so far.
    pub fn count(&self) -> usize {
        self.list.len().saturating_add(self.more)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The problems in the order of the document; the last one counts those that were not listed.
    pub fn into_list(mut self) -> Vec<Problem> {
        if self.more > 0 {
            self.list.push(Problem {
                path: "$".to_owned(),
                message: format!("{} more problems", self.more),
                suggestion: None,
            });
        }
        self.list
    }
}

/// The known word that is nearest to what was written, if any is near enough to be a slip.
fn nearest<'a>(found: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let found = found.to_ascii_lowercase().replace('-', "_");
    known
        .map(|word| (strsim::damerau_levenshtein(&found, word), word))
        .filter(|(distance, word)| *distance <= 1 + word.len() / 4)
        .min()
        .map(|(_, word)| word)
}
