//! What is known of the shipped patterns before any VM starts.

use super::literal::Required;
use super::need::Need;

/// How one pattern is found; worked out when the product is built.
struct Keys {
    /// The rule's id.
    rule: u32,
    /// As [`super::literal::required`] gives them.
    literals: Option<&'static [&'static [u8]]>,
    /// As [`Need::write`] writes it.
    need: &'static [u64],
}

/// In the order of ids.
static KEYS: &[Keys] = include!(concat!(env!("OUT_DIR"), "/keys.rs"));

/// The literals and the need of the pattern of a shipped rule.
pub(super) fn keys(rule: u32) -> Option<(Option<Required>, Need)> {
    let at = KEYS.binary_search_by_key(&rule, |keys| keys.rule).ok()?;
    let keys = KEYS.get(at)?;
    let literals = keys
        .literals
        .map(|list| list.iter().map(|text| text.to_vec()).collect());
    Some((literals, Need::read(&mut { keys.need })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{pattern, shipped_rules};
    use crate::engine::literal::required;
    use crate::model::Matcher;

    #[test]
    fn the_keys_are_those_of_the_patterns() {
        let mut patterns = 0;
        for rule in shipped_rules().expect("no problems") {
            let Matcher::Regex(text) = &rule.matcher else {
                assert!(keys(rule.id).is_none(), "{}", rule.id);
                continue;
            };
            let hir = pattern::parse(text).expect("a valid pattern");
            let expected = (required(&hir), Need::of_pattern(&hir));
            assert_eq!(keys(rule.id), Some(expected), "{}", rule.id);
            patterns += 1;
        }
        assert_eq!(patterns, KEYS.len());
    }
}
