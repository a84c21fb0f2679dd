//! What the engine says about one request.

use super::{Action, AnomalySet, Category, Named, Part, View, Zone};

/// One rule that matched in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The rule's id.
    pub rule: u32,
    /// Where it matched.
    pub zone: Zone,
    /// In which half of the field.
    pub part: Part,
    /// In which form of the text.
    pub view: View,
    /// The field's name, at most [`Hit::NAME_BYTES`] bytes of it; not necessarily UTF-8.
    pub name: Vec<u8>,
    /// How often it matched.
    pub count: u32,
    /// Whether it counts towards a block, or is recorded only.
    pub enforced: bool,
    /// What matched, with secrets struck out; empty unless the policy asks for excerpts.
    pub excerpt: Vec<u8>,
}

impl Hit {
    /// Bytes of a field name that a hit keeps.
    pub const NAME_BYTES: usize = 128;
}

/// Scores added up by category.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sums([u32; Category::ALL.len()]);

impl Default for Sums {
    fn default() -> Self {
        Self([0; Category::ALL.len()])
    }
}

impl Sums {
    /// Adds to one category; stays at the largest number rather than wrapping.
    pub fn add(&mut self, category: Category, score: u32) {
        if let Some(sum) = self.0.get_mut(category as usize) {
            *sum = sum.saturating_add(score);
        }
    }

    /// The sum of one category.
    pub fn get(&self, category: Category) -> u32 {
        self.0.get(category as usize).copied().unwrap_or_default()
    }

    /// The categories with a sum above zero.
    pub fn iter(&self) -> impl Iterator<Item = (Category, u32)> {
        Category::ALL
            .iter()
            .map(|category| (*category, self.get(*category)))
            .filter(|(_, sum)| *sum > 0)
    }
}

/// The decision on one request, and what led to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What is to be done.
    pub action: Action,
    /// The rules that matched, in the order of the request; at most [`Verdict::HITS`] are kept,
    /// all of them count.
    pub hits: Vec<Hit>,
    /// Hits beyond the kept ones.
    pub more_hits: u32,
    /// Scores of rules that are enforced: these decide.
    pub scores: Sums,
    /// Scores of rules that record only.
    pub recorded: Sums,
    /// Categories whose sum reached their threshold, or a rule that blocks by itself.
    pub reasons: Vec<Category>,
    /// What could not be inspected.
    pub uninspected: AnomalySet,
    /// Labels of the exceptions that removed hits; at most [`Verdict::EXCEPTIONS`].
    pub exceptions: Vec<String>,
    /// Labels of exceptions that would have removed hits, had they not expired; at most
    /// [`Verdict::EXCEPTIONS`].
    pub expired: Vec<String>,
    /// The scope that the request falls in; `None` for the default.
    pub scope: Option<String>,
    /// The request belongs to the share of traffic that is only monitored.
    pub sampled_out: bool,
    /// What ended the inspection, where something did: a rule's id, or a list of addresses.
    pub ended_by: Option<EndedBy>,
}

/// What ended an inspection before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// A rule whose action is `allow`.
    Rule(u32),
    /// The client's address is on the list of those that are not inspected.
    AllowedClient,
    /// The client's address is on the list of those that are refused.
    DeniedClient,
    /// What could not be inspected, where the policy says `pass`.
    Uninspected,
}

impl Verdict {
    /// Hits that a verdict keeps.
    pub const HITS: usize = 64;
    /// Labels of exceptions that a verdict keeps.
    pub const EXCEPTIONS: usize = 16;

    /// The verdict on a request in which there was nothing.
    pub fn clean() -> Self {
        Self {
            action: Action::Allow,
            hits: Vec::new(),
            more_hits: 0,
            scores: Sums::default(),
            recorded: Sums::default(),
            reasons: Vec::new(),
            uninspected: AnomalySet::EMPTY,
            exceptions: Vec::new(),
            expired: Vec::new(),
            scope: None,
            sampled_out: false,
            ended_by: None,
        }
    }
}
