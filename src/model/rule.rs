//! What a rule is: a reason, a place to look, a way to match, and what a match is worth.

use super::named::{named, named_set};
use super::{AnomalySet, Category, Condition, Detector, Part, ViewSet, ZoneSet};

named! {
    /// The family a rule belongs to; a preset switches families as a whole.
    pub enum Family as "family" {
        /// What the readers notice about the form of a request (ids 1 to 16).
        Structural = "structural",
        /// Crude rules that expect tuning: characters, keywords, libinjection without context (ids 17, 18, 1000 to 1999).
        Core = "core",
        /// What an attack looks like, precise enough to block without tuning (ids 2000 to 99999).
        Signature = "signature",
        /// Rules that a policy brings itself (ids 100000 and above).
        Custom = "custom",
    }
}

impl Family {
    /// The family that an id belongs to.
    pub const fn of(id: u32) -> Self {
        match id {
            17 | 18 => Self::Core,
            0..=999 => Self::Structural,
            1_000..=1_999 => Self::Core,
            100_000.. => Self::Custom,
            _ => Self::Signature,
        }
    }
}

named! {
    /// What a hit of a rule does.
    pub enum RuleAction as "action" {
        /// Adds its score to its categories; they act at their threshold.
        Score = "score",
        /// Blocks at once, whatever the sums.
        Block = "block",
        /// Is recorded and nothing else.
        Monitor = "monitor",
        /// Ends the inspection: the request is allowed, and the record says so.
        Allow = "allow",
    }
}

named_set! {
    /// A set of parts of a field.
    PartSet of Part in u8
}

/// How a rule matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Matcher {
    /// Any of these texts, without regard to ASCII case; every occurrence counts.
    Literals(Vec<String>),
    /// A regular expression over bytes, without Unicode classes; a field counts once.
    Regex(String),
    /// A detector; a field counts once.
    Detector(Detector),
    /// Anything of this kind that a reader noticed; each finding counts once.
    Anomalies(AnomalySet),
    /// A condition on the request as a whole; it counts once for each request or message.
    When(Condition),
}

/// One rule, shipped or custom: both are written in the same words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The number that logs, exceptions and documents use.
    pub id: u32,
    /// A short name for people; from the file name of a shipped rule.
    pub name: String,
    /// What it matches, in one sentence.
    pub what: String,
    /// Why that is worth a rule.
    pub why: String,
    /// What a hit adds to the sums, by category; empty only where a hit ends the inspection.
    pub score: Vec<(Category, u32)>,
    /// Whether the score counts once in a request, however many fields the rule matches: a hint that
    /// needs the company of another rule, not of itself.
    pub once: bool,
    /// Where it looks; of a condition, every zone that some part of it looks at.
    pub zones: ZoneSet,
    /// Which halves of a field it looks at.
    pub parts: PartSet,
    /// In which forms it looks at them.
    pub views: ViewSet,
    /// How it matches.
    pub matcher: Matcher,
    /// What a hit does.
    pub action: RuleAction,
    /// Words by which policies may point at it.
    pub tags: Vec<String>,
}

impl Rule {
    /// The family that the rule's id puts it in.
    pub const fn family(&self) -> Family {
        Family::of(self.id)
    }
}
