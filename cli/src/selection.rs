//! Which labelled requests a run, or a bar, is about.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::labelled::Labelled;

/// A choice of requests; an empty list chooses all.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Selection {
    pub(crate) source: Vec<String>,
    pub(crate) category: Vec<String>,
    pub(crate) placement: Vec<String>,
    pub(crate) label: Option<String>,
    /// Beginnings of ids.
    pub(crate) id: Vec<String>,
    /// Beginnings of ids that are left out.
    pub(crate) not_id: Vec<String>,
    /// Values of `meta` that must be there, as text.
    pub(crate) meta: BTreeMap<String, String>,
}

impl Selection {
    /// Whether a request is chosen.
    pub(crate) fn admits(&self, labelled: &Labelled) -> bool {
        let any = |list: &[String], own: &str| list.is_empty() || list.iter().any(|one| one == own);
        let begins = |list: &[String]| list.iter().any(|start| labelled.id.starts_with(start));
        any(&self.source, &labelled.source)
            && any(&self.category, &labelled.category)
            && any(&self.placement, &labelled.placement)
            && self
                .label
                .as_deref()
                .is_none_or(|label| label == labelled.label.name())
            && (self.id.is_empty() || begins(&self.id))
            && !begins(&self.not_id)
            && self.meta.iter().all(|(key, wanted)| {
                labelled.meta.get(key).is_some_and(|value| match value {
                    Value::String(text) => text == wanted,
                    value => serde_json::to_string(value).is_ok_and(|text| text == *wanted),
                })
            })
    }
}
