//! What became of a request, in the one form in which every driver compares it with its case.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What the filter does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Nothing acted.
    Allow,
    /// The request passed although it would have been blocked, were the policy enforced.
    Monitor,
    /// The client was answered in place of the upstream.
    Block,
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Allow => "allow",
            Self::Monitor => "monitor",
            Self::Block => "block",
        })
    }
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What the decision says.
    pub action: Action,
    /// The status that the client was given; `None` where a driver has no client.
    pub status: Option<u16>,
    /// The matches as `rule:zone:name`, in order, whether they were enforced or only recorded.
    pub matches: Vec<String>,
    /// The sums of the enforced rules' scores, by category.
    pub scores: BTreeMap<String, u32>,
    /// The names of the anomalies that the readers found; `None` where a driver cannot see them.
    pub findings: Option<Vec<String>>,
    /// The names of what was not inspected.
    pub uninspected: Vec<String>,
    /// Labels of the exceptions that removed hits.
    pub exceptions: Vec<String>,
    /// What ended the inspection before its end.
    pub ended_by: Option<String>,
}

impl Outcome {
    /// The ids of the rules that hit, sorted, each once.
    pub fn rules(&self) -> Vec<u32> {
        let mut rules: Vec<u32> = self
            .matches
            .iter()
            .filter_map(|m| m.split(':').next()?.parse().ok())
            .collect();
        rules.sort_unstable();
        rules.dedup();
        rules
    }

    /// Reads the JSON object that the filter writes as its decision
    /// (`%FILTER_STATE(wasm.waf:PLAIN)%`), with the status that went with it.
    ///
    /// # Errors
    /// A sentence, if the text is not such an object.
    pub fn from_decision(json: &str, status: Option<u16>) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Decision {
            action: Action,
            #[serde(default)]
            matches: Vec<String>,
            #[serde(default)]
            scores: BTreeMap<String, u32>,
            findings: Option<Vec<String>>,
            #[serde(default)]
            uninspected: Vec<String>,
            #[serde(default)]
            exceptions: Vec<String>,
            ended_by: Option<String>,
        }
        let decision: Decision = serde_json::from_str(json)
            .map_err(|error| format!("not a decision ({error}): {json}"))?;
        let mut matches = Vec::new();
        for (position, text) in decision.matches.iter().enumerate() {
            // The log's form starts with the index of the match.
            match text.split_once(':') {
                Some((index, rest)) if index == position.to_string() => matches.push(rest.into()),
                _ => return Err(format!("match {position} is written `{text}`")),
            }
        }
        Ok(Self {
            action: decision.action,
            status,
            matches,
            scores: decision.scores,
            findings: decision.findings,
            uninspected: decision.uninspected,
            exceptions: decision.exceptions,
            ended_by: decision.ended_by,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_is_read() {
        let json = r#"{"action":"block","scores":{"sql_injection":16},
            "matches":["0:17:query_string:id","1:1013:query_string:id","2:1013:cookies:a:b"],
            "uninspected":["body_too_large"],"later_key":1}"#;
        let outcome = Outcome::from_decision(json, Some(403)).unwrap();
        assert_eq!(outcome.action, Action::Block);
        assert_eq!(outcome.rules(), [17, 1013]);
        assert_eq!(outcome.matches[2], "1013:cookies:a:b");
        assert_eq!(outcome.findings, None);
        assert_eq!(outcome.scores["sql_injection"], 16);
    }

    #[test]
    fn what_is_no_decision_is_refused() {
        for json in [
            "",
            "{}",
            r#"{"action":"deny"}"#,
            r#"{"action":"block","matches":["17"]}"#,
        ] {
            assert!(Outcome::from_decision(json, None).is_err(), "{json}");
        }
    }
}
