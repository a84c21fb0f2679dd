//! Memory that one inspection needs only while it runs, kept from request to request.

use super::familiar::Kept;
use super::prefilter::RuleIndex;
use crate::decode::{Expander, Signs};
use crate::model::{Part, View};
use crate::request::{Fields, Span};

/// Reusable memory for inspections: one for each thread (inside Envoy: one for each VM).
#[derive(Debug, Default)]
pub struct Scratch {
    pub(super) fields: Fields,
    pub(super) expander: Expander,
    /// Decoded views, end to end.
    pub(super) views: Vec<u8>,
    pub(super) texts: Vec<Text>,
    pub(super) candidates: Vec<Candidate>,
    /// For each rule of a set, and behind them for each leaf of its conditions, one more than the text for
    /// which it was last tried.
    pub(super) tried: Vec<u32>,
    /// Texts that were looked at since `tried` was empty.
    pub(super) looked_at: u32,
    /// The same as `candidates` for conditions that the prefilter cannot find.
    pub(super) extra: Vec<Candidate>,
    /// Leaves of conditions that are tried on whatever comes.
    pub(super) leaves: Vec<(u32, u16)>,
    /// What was clean before, where that is remembered.
    pub(super) familiar: Option<Kept>,
}

/// One text to look at: a form of one half of one field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text {
    /// Where it stands: in the arena of the fields, or among the views.
    pub(super) span: Span,
    pub(super) derived: bool,
    pub(super) field: u32,
    pub(super) part: Part,
    pub(super) view: View,
    /// The classes of its bytes.
    pub(super) signs: Signs,
    /// Only conditions look at it: it is empty, or nothing in which an attack could stand.
    pub(super) quiet: bool,
}

/// A rule that could match a text, as one number: field, half, set, rule, text. Its order puts all texts
/// of one half of one field together for each rule; sorting numbers is a good deal of the work that a
/// request without an attack costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate(u64);

impl Candidate {
    /// Bits of the text's index: more texts than the largest limits let a request have.
    const TEXT: u32 = 25;
    /// The rule's index stands above the text.
    const RULE: u32 = RuleIndex::BITS;
    /// Sets of rules are two.
    const SET: u32 = 2;

    pub(super) fn new(text: &Text, index: usize, set: usize, rule: RuleIndex) -> Self {
        let half = u64::from(text.part == Part::Value);
        let above = (u64::from(text.field) << 1 | half) << Self::SET | (set as u64 & 3);
        let key = above << Self::RULE | u64::from(rule);
        Self(key << Self::TEXT | (index as u64 & ((1 << Self::TEXT) - 1)))
    }

    /// What candidates of one rule on one half of one field have in common.
    pub(super) const fn group(self) -> u64 {
        self.0 >> Self::TEXT
    }

    pub(super) const fn text(self) -> usize {
        (self.0 & ((1 << Self::TEXT) - 1)) as usize
    }

    pub(super) const fn rule(self) -> RuleIndex {
        self.group() as RuleIndex
    }

    pub(super) const fn set(self) -> usize {
        (self.group() >> Self::RULE & 3) as usize
    }
}

/// Capacity that is kept between requests; a rare giant request gives its memory back.
const KEEP: usize = 1 << 20;

impl Scratch {
    /// One that remembers headers and names in which nothing was found: the next requests that have them cost
    /// less, and what is found is the same. Their texts are then not among [`Scratch::texts`].
    pub fn remembering() -> Self {
        Self {
            familiar: Some(Kept::default()),
            ..Self::default()
        }
    }

    /// Forgets the last request.
    pub(super) fn clear(&mut self) {
        self.fields.clear();
        self.views.clear();
        self.views.shrink_to(KEEP);
        self.texts.clear();
        self.texts.shrink_to(KEEP / size_of::<Text>());
        self.candidates.clear();
        self.candidates.shrink_to(KEEP / size_of::<Candidate>());
        self.extra.clear();
        self.extra.shrink_to(KEEP / size_of::<Candidate>());
    }

    /// The bytes of a text.
    pub(super) fn text(&self, text: &Text) -> &[u8] {
        if text.derived {
            self.views
                .get(text.span.start as usize..text.span.end as usize)
                .unwrap_or_default()
        } else {
            self.fields.get(text.span)
        }
    }

    /// The texts of the last step that was inspected, for explanations: the index of the field, the
    /// half, the form, the bytes.
    pub fn texts(&self) -> impl Iterator<Item = (usize, Part, View, &[u8])> {
        self.texts
            .iter()
            .filter(|text| !text.quiet)
            .map(|text| (text.field as usize, text.part, text.view, self.text(text)))
    }

    /// What the prefilter of the last step left to be tried: for every try the rule, as the number of
    /// its set and its place in it. For measurements; two tries of one rule are two entries.
    pub fn survivors(&self) -> impl Iterator<Item = (u8, u16)> {
        self.candidates
            .iter()
            .map(|candidate| (candidate.set() as u8, candidate.rule()))
    }

    /// The fields of the last request part that was inspected, for explanations.
    pub fn fields(&self) -> &Fields {
        &self.fields
    }
}
