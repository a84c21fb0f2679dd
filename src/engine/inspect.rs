//! One request, step by step: `begin` with the head, `body` or `message` with what follows, `end`
//! with the trailers, then the verdict. Nothing here can fail, and nothing survives a step but the
//! [`Inspection`], which owns what it needs.

use super::compile::{CompiledRule, Effect, Engine, Test};
use super::prefilter::RuleIndex;
use super::scratch::{Candidate, Scratch, Text};
use crate::model::{
    Action, Anomaly, AnomalySet, Category, Fallback, Hit, Mode, Part, RuleAction, Sums, Verdict,
    View, Zone,
};
use crate::request::{self, BodyPlan, Field, Finding, Frame, Head, Kind, Span};

/// What is known of one request so far.
#[derive(Debug)]
pub struct Inspection {
    plan: BodyPlan,
    hits: Vec<Hit>,
    more_hits: u32,
    scores: Sums,
    /// The scores of the head alone, to which each message of a stream adds anew: a stream may last for
    /// days, and what is worth little must not add up over all of it.
    head_scores: Sums,
    recorded: Sums,
    /// A rule that blocks whatever the sums, or a limit whose policy is to block.
    blocked_by: Option<Category>,
    /// A rule that ends the inspection.
    allowed: bool,
    uninspected: AnomalySet,
}

impl Engine {
    /// Inspects the head of a request: path, query, headers and cookies.
    pub fn begin(&self, scratch: &mut Scratch, head: &Head<'_>) -> Inspection {
        let mut inspection = Inspection {
            plan: BodyPlan::of(head),
            hits: Vec::new(),
            more_hits: 0,
            scores: Sums::default(),
            head_scores: Sums::default(),
            recorded: Sums::default(),
            blocked_by: None,
            allowed: false,
            uninspected: AnomalySet::EMPTY,
        };
        if self.config.mode != Mode::Off {
            scratch.clear();
            request::read_head(head, &self.config.limits, &mut scratch.fields);
            if head.end_of_stream {
                self.read_body(scratch, &inspection, b"", true);
            }
            self.scan(scratch, &mut inspection);
            inspection.head_scores = inspection.scores;
        }
        inspection
    }

    /// Inspects a body, or, where `complete` is false, as much of it as the limit lets through.
    pub fn body(
        &self,
        scratch: &mut Scratch,
        inspection: &mut Inspection,
        bytes: &[u8],
        complete: bool,
    ) {
        if self.ends(inspection) {
            return;
        }
        scratch.clear();
        self.read_body(scratch, inspection, bytes, complete);
        self.scan(scratch, inspection);
    }

    /// Inspects one message of a stream of messages (gRPC), or what has come of it. The verdict then
    /// concerns the head and this message; what earlier messages scored is past.
    pub fn message(&self, scratch: &mut Scratch, inspection: &mut Inspection, frame: &Frame<'_>) {
        if self.ends(inspection) {
            return;
        }
        inspection.scores = inspection.head_scores;
        scratch.clear();
        request::read_message(
            &inspection.plan,
            frame,
            &self.config.limits,
            &mut scratch.fields,
        );
        self.scan(scratch, inspection);
    }

    fn read_body(
        &self,
        scratch: &mut Scratch,
        inspection: &Inspection,
        bytes: &[u8],
        complete: bool,
    ) {
        let limits = &self.config.limits;
        request::read_body(
            &inspection.plan,
            bytes,
            complete,
            limits,
            &mut scratch.fields,
        );
    }

    /// Inspects trailers, which are headers that come late (RFC 9110, 6.5).
    pub fn end(
        &self,
        scratch: &mut Scratch,
        inspection: &mut Inspection,
        trailers: &[(&[u8], &[u8])],
    ) {
        if self.ends(inspection) || trailers.is_empty() {
            return;
        }
        scratch.clear();
        request::read_trailers(trailers, &self.config.limits, &mut scratch.fields);
        self.scan(scratch, inspection);
    }

    fn ends(&self, inspection: &Inspection) -> bool {
        inspection.allowed || self.config.mode == Mode::Off
    }

    /// Everything that could not be inspected passes through here: the policy says what becomes of
    /// it, and the verdict records it.
    pub fn cannot_inspect(&self, inspection: &mut Inspection, anomaly: Anomaly) {
        inspection.uninspected.insert(anomaly);
        match self.config.uninspected.of(anomaly) {
            Fallback::Block => {
                let category = Category::MalformedRequest;
                inspection.blocked_by.get_or_insert(category);
            }
            Fallback::Pass => inspection.allowed = !self.condemned(inspection),
            Fallback::InspectPrefix => {}
        }
    }

    /// Whether the request would be blocked in mode `block`, by what is known so far.
    fn condemned(&self, inspection: &Inspection) -> bool {
        !inspection.allowed
            && (inspection.blocked_by.is_some()
                || inspection
                    .scores
                    .iter()
                    .any(|(category, sum)| sum >= self.threshold(category)))
    }

    /// What is to be done by what is known so far. It can only get worse: sums never shrink.
    pub fn action(&self, inspection: &Inspection) -> Action {
        match (self.config.mode, self.condemned(inspection)) {
            (Mode::Block, true) => Action::Block,
            (Mode::Monitor, true) => Action::Monitor,
            _ => Action::Allow,
        }
    }

    /// The decision, and what led to it.
    pub fn verdict(&self, inspection: &Inspection) -> Verdict {
        let mut reasons: Vec<Category> = inspection
            .scores
            .iter()
            .filter(|(category, sum)| *sum >= self.threshold(*category))
            .map(|(category, _)| category)
            .collect();
        if let Some(category) = inspection.blocked_by
            && !reasons.contains(&category)
        {
            reasons.push(category);
        }
        Verdict {
            action: self.action(inspection),
            hits: inspection.hits.clone(),
            more_hits: inspection.more_hits,
            scores: inspection.scores,
            recorded: inspection.recorded,
            reasons,
            uninspected: inspection.uninspected,
        }
    }

    /// Decodes, prefilters, confirms and scores whatever the readers have put into the scratch.
    fn scan(&self, scratch: &mut Scratch, inspection: &mut Inspection) {
        self.lay_out(scratch);
        for anomaly in scratch.fields.anomalies().iter() {
            if Anomaly::UNINSPECTED.contains(anomaly) {
                self.cannot_inspect(inspection, anomaly);
            }
        }
        self.anomalies(scratch, inspection);
        let mut candidates = std::mem::take(&mut scratch.candidates);
        candidates.clear();
        self.find_candidates(scratch, &mut candidates);
        candidates.sort_unstable();
        self.confirm(scratch, &candidates, inspection);
        // Left there until the next step, for whoever counts them.
        scratch.candidates = candidates;
    }

    /// Lists the texts to look at: what the readers found, then the views that decoding adds.
    fn lay_out(&self, scratch: &mut Scratch) {
        let Scratch {
            fields,
            expander,
            views,
            texts,
            ..
        } = scratch;
        for (index, field) in fields.iter().enumerate() {
            let field_index = index as u32;
            let mut add = |span: Span, part, view| {
                if !span.is_empty() {
                    texts.push(Text {
                        span,
                        derived: false,
                        field: field_index,
                        part,
                        view,
                    });
                }
            };
            // In the order in which they stand in the arena.
            add(field.key, Part::Name, View::Plain);
            if field.kind == Kind::Text {
                add(field.value, Part::Value, View::Plain);
            }
            if let Some(wire) = field.wire_name {
                add(wire, Part::Name, View::Wire);
            }
            if let Some(wire) = field.wire_value {
                add(wire, Part::Value, View::Wire);
            }
        }
        let read = texts.len();
        let passes = self.config.limits.decode_passes;
        for index in 0..read {
            let Some(text) = texts.get(index).copied() else {
                break;
            };
            let Some(field) = fields.list().get(text.field as usize).copied() else {
                continue;
            };
            if text.view != View::Plain {
                continue;
            }
            let is_path = field.zone == Zone::Path;
            let odd = expander.expand(
                fields.get(text.span),
                passes,
                self.views,
                is_path,
                &mut |view, bytes| {
                    let start = views.len() as u32;
                    views.extend_from_slice(bytes);
                    let span = Span {
                        start,
                        end: views.len() as u32,
                    };
                    views.push(request::SEPARATOR);
                    texts.push(Text {
                        span,
                        derived: true,
                        view,
                        ..text
                    });
                },
            );
            for anomaly in odd.iter() {
                fields.find_in(anomaly, &field);
            }
        }
    }

    /// Rules that act on what the readers noticed.
    fn anomalies(&self, scratch: &Scratch, inspection: &mut Inspection) {
        if scratch.fields.anomalies().is_empty() {
            return;
        }
        for (set_index, set) in self.sets.iter().enumerate() {
            for (rule_index, rule) in set.rules.iter().enumerate() {
                let Test::Anomalies(anomalies) = &rule.test else {
                    continue;
                };
                if !anomalies.intersects(scratch.fields.anomalies()) {
                    continue;
                }
                for finding in scratch.fields.findings() {
                    if anomalies.contains(finding.anomaly) && rule.zones().contains(finding.zone) {
                        let effect = self.effect(set_index, rule_index as RuleIndex);
                        let Finding { zone, name, .. } = *finding;
                        let name = scratch.fields.get(name);
                        inspection.hit(rule, effect, (zone, Part::Value, View::Plain), name, 1);
                    }
                }
            }
        }
    }

    fn find_candidates(&self, scratch: &Scratch, candidates: &mut Vec<Candidate>) {
        for set_index in 0..self.sets.len() {
            let mut add = |index: usize, text: &Text, rule: RuleIndex| {
                self.candidate(scratch, set_index, (index, text), rule, candidates);
            };
            let Some(set) = self.sets.get(set_index) else {
                continue;
            };
            if set.rules.is_empty() {
                continue;
            }
            if !self.prefilter {
                for (index, text) in scratch.texts.iter().enumerate() {
                    (0..set.rules.len()).for_each(|rule| add(index, text, rule as RuleIndex));
                }
                continue;
            }
            for (index, text) in scratch.texts.iter().enumerate() {
                for rule in set.prefilter.always() {
                    add(index, text, *rule);
                }
                let seen = set.prefilter.bytes(scratch.text(text));
                set.prefilter
                    .of_bytes(seen)
                    .for_each(|rule| add(index, text, rule));
            }
            let read = scratch.texts.partition_point(|text| !text.derived);
            let (read, derived) = scratch.texts.split_at_checked(read).unwrap_or_default();
            for (texts, arena, first) in [
                (read, scratch.fields.arena(), 0),
                (derived, scratch.views.as_slice(), read.len()),
            ] {
                let mut cursor = 0;
                set.prefilter.literals(arena, |end, rules| {
                    // Literals are reported in the order of their ends, and so are the texts.
                    while texts
                        .get(cursor)
                        .is_some_and(|text| (text.span.end as usize) < end)
                    {
                        cursor += 1;
                    }
                    if let Some(text) = texts.get(cursor)
                        && (text.span.start as usize) < end
                    {
                        rules
                            .iter()
                            .for_each(|rule| add(first + cursor, text, *rule));
                    }
                });
            }
        }
    }

    fn candidate(
        &self,
        scratch: &Scratch,
        set: usize,
        (index, text): (usize, &Text),
        rule: RuleIndex,
        candidates: &mut Vec<Candidate>,
    ) {
        let Some(compiled) = self.sets.get(set).and_then(|set| set.get(rule)) else {
            return;
        };
        let Some(field) = scratch.fields.list().get(text.field as usize) else {
            return;
        };
        if !compiled.looks_at(field.zone, text.part)
            || !self.sees(compiled, text, field)
            || self.effect(set, rule) == Effect::Off
        {
            return;
        }
        let candidate = Candidate {
            field: text.field,
            part: text.part,
            set: set as u8,
            rule,
            text: index as u32,
        };
        // A literal that stands in a text again and again makes one candidate.
        if candidates.last() != Some(&candidate) {
            candidates.push(candidate);
        }
    }

    /// Whether a rule looks at this view of a field. Where nothing was decoded, what came on the
    /// wire is the plain text.
    fn sees(&self, rule: &CompiledRule, text: &Text, field: &Field) -> bool {
        if rule.looks_in(text.view) {
            return true;
        }
        let wire = match text.part {
            Part::Name => field.wire_name,
            Part::Value => field.wire_value,
        };
        text.view == View::Plain && wire.is_none() && rule.looks_in(View::Wire)
    }

    /// Tries each candidate and scores what matches. Views of one text are one text: the view in
    /// which a rule matches most often counts.
    fn confirm(&self, scratch: &Scratch, candidates: &[Candidate], inspection: &mut Inspection) {
        let mut last = None;
        for group in candidates
            .chunk_by(|a, b| (a.field, a.part, a.set, a.rule) == (b.field, b.part, b.set, b.rule))
        {
            if inspection.allowed {
                return;
            }
            let Some(first) = group.first() else { continue };
            let (set, rule) = (first.set as usize, first.rule);
            let Some(compiled) = self.sets.get(set).and_then(|set| set.get(rule)) else {
                continue;
            };
            let Some(field) = scratch.fields.list().get(first.field as usize) else {
                continue;
            };
            let mut most = (0, View::Plain);
            for candidate in group {
                if last == Some(*candidate) {
                    continue;
                }
                last = Some(*candidate);
                let Some(text) = scratch.texts.get(candidate.text as usize) else {
                    continue;
                };
                let count = compiled.count(field.zone, scratch.text(text));
                if count > most.0 {
                    most = (count, text.view);
                }
            }
            if most.0 > 0 {
                let place = (field.zone, first.part, most.1);
                let name = scratch.fields.get(field.name);
                inspection.hit(compiled, self.effect(set, rule), place, name, most.0);
            }
        }
    }
}

impl CompiledRule {
    /// How often the rule matches a text.
    fn count(&self, zone: Zone, text: &[u8]) -> u32 {
        match &self.test {
            Test::Byte(byte) => {
                let (lower, upper) = (byte.to_ascii_lowercase(), byte.to_ascii_uppercase());
                memchr::memchr2_iter(lower, upper, text).count() as u32
            }
            Test::Texts(automaton) => automaton.find_iter(text).count() as u32,
            Test::Pattern(pattern) => u32::from(pattern.is_match(text)),
            Test::Detector(detector) => {
                // A path is a list of values: what a tokeniser makes of the slashes between them
                // says nothing.
                let found = if zone == Zone::Path {
                    text.split(|byte| *byte == b'/')
                        .any(|part| detector.matches(part))
                } else {
                    detector.matches(text)
                };
                u32::from(found)
            }
            Test::Anomalies(_) => 0,
        }
    }
}

impl Inspection {
    fn hit(
        &mut self,
        rule: &CompiledRule,
        effect: Effect,
        (zone, part, view): (Zone, Part, View),
        name: &[u8],
        count: u32,
    ) {
        let enforced = match effect {
            Effect::Off => return,
            Effect::Record => false,
            Effect::Enforce => true,
        };
        let sums = if enforced {
            &mut self.scores
        } else {
            &mut self.recorded
        };
        for (category, score) in &rule.rule.score {
            sums.add(*category, score.saturating_mul(count));
        }
        if enforced {
            match rule.rule.action {
                RuleAction::Block => {
                    let category = rule.rule.score.first().map(|(category, _)| *category);
                    self.blocked_by = self.blocked_by.or(category);
                }
                RuleAction::Allow => self.allowed = true,
                RuleAction::Score | RuleAction::Monitor => {}
            }
        }
        if self.hits.len() >= Verdict::HITS {
            self.more_hits = self.more_hits.saturating_add(1);
            return;
        }
        self.hits.push(Hit {
            rule: rule.rule.id,
            zone,
            part,
            view,
            name: name.get(..Hit::NAME_BYTES).unwrap_or(name).to_vec(),
            count,
            enforced,
        });
    }

    /// What the head said about the body.
    pub fn plan(&self) -> &BodyPlan {
        &self.plan
    }
}
