//! `palisade rule`: what a rule looks for, why, where, and what it is worth.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::LazyLock;

use clap::Args;
use palisade::config::SHIPPED_SAMPLES;
use palisade::model::{Family, Matcher, Named, Preset, Rule, RuleAction, View};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::explain::shown;
use crate::terminal::{Ink, Terminal, print};
use crate::{Failure, Outcome, catalogue, policy};

/// List the rules, or explain one: what it matches, why, where it looks, its samples.
///
/// Exits with 1 if there is no such rule.
#[derive(Args)]
pub(crate) struct Arguments {
    /// An id, or a word to look for in names, categories and descriptions; without it, every rule.
    #[arg(value_name = "ID|WORD")]
    wanted: Option<String>,
    /// A policy, to see its own rules too and what the shipped ones do under it.
    #[arg(long, short, value_name = "POLICY")]
    policy: Option<PathBuf>,
    /// Print a JSON list.
    #[arg(long)]
    json: bool,
    /// Print the catalogue of the shipped rules, as it stands in `rules/README.md`.
    #[arg(long, conflicts_with_all = ["wanted", "policy", "json"])]
    markdown: bool,
}

/// What a shipped rule says of itself.
#[derive(Default, Deserialize)]
pub(crate) struct Prose {
    id: u32,
    /// The category that the file stands under.
    #[serde(default)]
    pub(crate) folder: String,
    #[serde(default)]
    pub(crate) what: String,
    #[serde(default)]
    why: String,
    #[serde(default)]
    pub(crate) unkeyed: String,
    #[serde(default)]
    attacks: Vec<String>,
    #[serde(default)]
    benign: Vec<String>,
}

/// The prose of the shipped rules, by id. It is made with the binary, and a test reads all of it.
static PROSE: LazyLock<HashMap<u32, Prose>> = LazyLock::new(|| {
    let prose: Vec<Prose> = serde_json::from_str(SHIPPED_SAMPLES).unwrap_or_default();
    prose.into_iter().map(|prose| (prose.id, prose)).collect()
});

/// What a rule matches, in one phrase.
pub(crate) fn what_of(rule: &Rule) -> String {
    match PROSE.get(&rule.id) {
        Some(prose) if rule.what.is_empty() => prose.what.clone(),
        _ => rule.what.clone(),
    }
}

pub(crate) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<Outcome, Failure> {
    let engine = policy::load(arguments.policy.as_deref())?;
    let prose = &*PROSE;
    let nothing = Prose::default();
    if arguments.markdown {
        let shipped: Vec<_> = engine
            .rules()
            .filter_map(|rule| Some((rule, prose.get(&rule.id)?)))
            .collect();
        print(&catalogue::page(&shipped))?;
        return Ok(Outcome::Clean);
    }
    let preset = engine.config().settings.preset;
    let described: Vec<Described<'_>> = engine
        .rules()
        .map(|rule| Described {
            rule,
            prose: prose.get(&rule.id).unwrap_or(&nothing),
            preset,
        })
        .filter(|described| described.is(arguments.wanted.as_deref()))
        .collect();
    if described.is_empty() {
        let wanted = arguments.wanted.as_deref().unwrap_or_default();
        terminal.warn(&format!("no rule is or mentions `{wanted}`"));
        return Ok(Outcome::Findings);
    }
    if arguments.json {
        let list: Vec<_> = described.iter().map(Described::json).collect();
        print(&format!("{}\n", serde_json::to_string_pretty(&list)?))?;
        return Ok(Outcome::Clean);
    }
    let mut out = String::new();
    match described.as_slice() {
        [one] if arguments.wanted.is_some() => one.explain(terminal, &mut out),
        many => many.iter().for_each(|one| one.line(terminal, &mut out)),
    }
    print(&out)?;
    Ok(Outcome::Clean)
}

struct Described<'a> {
    rule: &'a Rule,
    prose: &'a Prose,
    preset: Preset,
}

impl Described<'_> {
    fn is(&self, wanted: Option<&str>) -> bool {
        let Some(wanted) = wanted else { return true };
        if wanted.bytes().all(|byte| byte.is_ascii_digit()) {
            return wanted.parse() == Ok(self.rule.id);
        }
        let word = wanted.to_lowercase();
        let has = |text: &str| text.to_lowercase().contains(&word);
        has(&self.rule.name)
            || has(self.what())
            || has(self.why())
            || self
                .rule
                .score
                .iter()
                .any(|(category, _)| has(category.name()))
    }

    fn what(&self) -> &str {
        if self.rule.what.is_empty() {
            &self.prose.what
        } else {
            &self.rule.what
        }
    }

    fn why(&self) -> &str {
        if self.rule.why.is_empty() {
            &self.prose.why
        } else {
            &self.rule.why
        }
    }

    /// What a hit does under the policy.
    fn effect(&self) -> &'static str {
        match (self.rule.action, self.rule.family(), self.preset) {
            (RuleAction::Monitor, ..) | (_, Family::Core, Preset::Balanced) => "records",
            (RuleAction::Score, ..) => "scores",
            (RuleAction::Block, ..) => "blocks",
            (RuleAction::Allow, ..) => "allows",
        }
    }

    fn score(&self) -> String {
        let scores: Vec<_> = self
            .rule
            .score
            .iter()
            .map(|(category, score)| format!("{category} +{score}"))
            .collect();
        scores.join(", ")
    }

    fn line(&self, terminal: &Terminal, out: &mut String) {
        let id = terminal.ink(Ink::Strong, &format!("{:>6}", self.rule.id));
        let _ = writeln!(
            out,
            "{id}  {:<8}{:<34}  {}",
            self.effect(),
            self.rule.name,
            self.what()
        );
    }

    fn explain(&self, terminal: &Terminal, out: &mut String) {
        let rule = self.rule;
        let title = format!("{} {}", rule.id, rule.name);
        let _ = writeln!(out, "{}", terminal.ink(Ink::Strong, &title));
        let mut row = |key: &str, value: &str| {
            if !value.is_empty() {
                let _ = writeln!(out, "  {key:<9} {value}");
            }
        };
        row("what", self.what());
        row("why", self.why());
        row("family", rule.family().name());
        row("effect", self.effect());
        row("score", &self.score());
        row("counts", if rule.once { "once in a request" } else { "" });
        row("zones", &names(rule.zones.iter()));
        row("parts", &names(rule.parts.iter()));
        row("views", &names::<View>(rule.views.iter()));
        let (key, text) = matcher(&rule.matcher);
        row(key, &text);
        for sample in &self.prose.attacks {
            row("attack", &shown(sample.as_bytes()));
        }
        for sample in &self.prose.benign {
            row("benign", &shown(sample.as_bytes()));
        }
    }

    fn json(&self) -> Value {
        let rule = self.rule;
        let (key, text) = matcher(&rule.matcher);
        json!({
            "id": rule.id,
            "name": rule.name,
            "family": rule.family().name(),
            "what": self.what(),
            "why": self.why(),
            "effect": self.effect(),
            "score": rule.score.iter().map(|(category, score)| (category.name(), *score))
                .collect::<std::collections::BTreeMap<_, _>>(),
            "once": rule.once,
            "zones": rule.zones.iter().map(Named::name).collect::<Vec<_>>(),
            "parts": rule.parts.iter().map(Named::name).collect::<Vec<_>>(),
            "views": rule.views.iter().map(Named::name).collect::<Vec<_>>(),
            "matches": {key: text},
            "attacks": self.prose.attacks,
            "benign": self.prose.benign,
        })
    }
}

fn names<T: Named>(list: impl Iterator<Item = T>) -> String {
    list.map(Named::name).collect::<Vec<_>>().join(", ")
}

fn matcher(matcher: &Matcher) -> (&'static str, String) {
    match matcher {
        Matcher::Literals(texts) => {
            let texts: Vec<_> = texts.iter().map(|text| shown(text.as_bytes())).collect();
            ("literals", texts.join("  "))
        }
        Matcher::Regex(text) => ("regex", text.clone()),
        Matcher::Detector(detector) => ("detector", detector.name().to_owned()),
        Matcher::Anomalies(anomalies) => ("anomalies", names(anomalies.iter())),
        // Of rules that a policy brings; the document itself says it best.
        Matcher::When(_) => ("when", "conditions of the policy".to_owned()),
    }
}
