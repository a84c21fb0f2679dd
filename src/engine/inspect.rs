//! One request, step by step: `begin` with the head, `body` or `message` with what follows, `end`
//! with the trailers, then the verdict. Nothing here can fail, and nothing survives a step but the
//! [`Inspection`], which owns what it needs.

use super::compile::{CompiledRule, Effect, Engine, RuleSet, SHORT_NUMBER, Scope, Test, count_in};
use super::condition::{BEHIND_BODY, BEHIND_HEAD, Fired, Known};
use super::except::{Concerned, Spot};
use super::excerpt;
use super::facts::{Facts, Peer, bucket};
use super::familiar::{Judge, Memory};
use super::prefilter::RuleIndex;
use super::scratch::{Candidate, Scratch, Text};
use crate::config::{Enforcement, Settings};
use crate::decode::signs::DIGIT;
use crate::decode::{Expander, Signs};
use crate::detect;
use crate::model::{
    Action, Anomaly, AnomalySet, Category, Detector, EndedBy, Fallback, Family, Hit, Mode, Named,
    Part, RuleAction, Sums, Verdict, View, Zone, ZoneSet, number_of,
};
use crate::request::{self, BodyPlan, Familiar, Field, Fields, Finding, Frame, Head, Kind, Span};

/// What is known of one request so far.
#[derive(Debug)]
pub struct Inspection {
    plan: BodyPlan,
    /// Index of the scope.
    scope: u16,
    hits: Vec<Hit>,
    more_hits: u32,
    scores: Sums,
    /// The scores of the head alone, to which each message of a stream adds anew: a stream may last for
    /// days, and what is worth little must not add up over all of it.
    head_scores: Sums,
    /// Rules that count once and have counted, and how many of them did so in the head.
    counted: Vec<(u8, RuleIndex)>,
    head_counted: usize,
    recorded: Sums,
    /// A rule that blocks whatever the sums, or a limit whose policy is to block.
    blocked_by: Option<Category>,
    /// Whether it blocks even where the policy only monitors.
    always: bool,
    /// The inspection has ended, and the request is allowed.
    allowed: bool,
    ended_by: Option<EndedBy>,
    uninspected: AnomalySet,
    /// The request belongs to the share that is only monitored.
    sampled_out: bool,
    /// Some rule has matched, whatever came of it.
    matched: bool,
    /// The fields in whose names a rule has matched in this step.
    matched_names: Vec<u32>,
    concerned: Concerned,
    excepted: Vec<String>,
    expired: Vec<String>,
    /// What is known of rules with conditions that the head did not decide.
    known: Option<Box<Known>>,
    /// The same as the head left it, to which each message of a stream goes back.
    head_known: Option<Box<Known>>,
}

impl Engine {
    /// Inspects the head of a request whose other end nobody knows.
    pub fn begin(&self, scratch: &mut Scratch, head: &Head<'_>) -> Inspection {
        self.begin_for(scratch, head, &Peer::default())
    }

    /// Inspects the head of a request: path, query, headers and cookies.
    pub fn begin_for(&self, scratch: &mut Scratch, head: &Head<'_>, peer: &Peer<'_>) -> Inspection {
        let mut inspection = Inspection {
            plan: BodyPlan::of(head),
            scope: 0,
            hits: Vec::new(),
            more_hits: 0,
            scores: Sums::default(),
            head_scores: Sums::default(),
            counted: Vec::new(),
            head_counted: 0,
            recorded: Sums::default(),
            blocked_by: None,
            always: false,
            allowed: false,
            ended_by: None,
            uninspected: AnomalySet::EMPTY,
            sampled_out: false,
            matched: false,
            matched_names: Vec::new(),
            concerned: Concerned::default(),
            excepted: Vec::new(),
            expired: Vec::new(),
            known: None,
            head_known: None,
        };
        let conditions = !self.own().conditions.is_empty();
        let facts = (!self.scopes.is_empty() || !self.exceptions.is_empty() || conditions)
            .then(|| Facts::of(head, peer));
        if let Some(facts) = &facts {
            inspection.scope = self.scope_for(facts);
        }
        let settings = &self.scope(&inspection).settings;
        if settings.mode == Mode::Off {
            return inspection;
        }
        if settings.ask_client()
            && let Some(client) = peer.client()
        {
            if settings.deny_clients.contains(client) {
                inspection.ended_by = Some(EndedBy::DeniedClient);
                return inspection;
            }
            if settings.allow_clients.contains(client) {
                inspection.allowed = true;
                inspection.ended_by = Some(EndedBy::AllowedClient);
                return inspection;
            }
        }
        inspection.sampled_out = sampled_out(&settings.enforcement, head, peer);
        scratch.clear();
        let judge = self.judge(&inspection, Zone::RequestHeader);
        let remembered = match &self.memory {
            Memory::But(names) if self.filtered => Some(names),
            _ => None,
        };
        match (remembered, &mut scratch.familiar) {
            (Some(names), Some(kept)) => {
                kept.begin();
                let known = |text: (&[u8], &[u8]), place| match names.contain(text, place) {
                    true => Familiar::No,
                    false => kept.knows(judge, text, place, settings.limits.value_bytes),
                };
                let fields = &mut scratch.fields;
                request::read_unfamiliar_head(head, &settings.limits, fields, known);
            }
            _ => request::read_head(head, &settings.limits, &mut scratch.fields),
        }
        if let Some(facts) = &facts
            && !self.exceptions.is_empty()
        {
            inspection.concerned =
                self.exceptions
                    .concerning(facts, inspection.scope, &scratch.fields);
        }
        if let Some(facts) = &facts
            && conditions
        {
            self.open_conditions(scratch, &mut inspection, facts);
        }
        if !inspection.allowed {
            let mut ahead = BEHIND_HEAD;
            if head.end_of_stream {
                self.read_body(scratch, &inspection, b"", true);
                ahead = ZoneSet::EMPTY;
            }
            self.scan(scratch, &mut inspection, ahead);
        }
        if let (Some(_), Some(kept)) = (remembered, &mut scratch.familiar)
            && inspection.is_spotless()
            && scratch.fields.anomalies().is_empty()
        {
            kept.learn(judge, head);
        }
        inspection.head_scores = inspection.scores;
        inspection.head_counted = inspection.counted.len();
        inspection
    }

    /// Whether the rule of that id matches a text of that zone as it stands: no other view of it, and without
    /// the prefilter; a rule with a condition matches no text. For measurements of one rule.
    pub fn matches(&self, id: u32, zone: Zone, text: &[u8]) -> bool {
        self.sets
            .iter()
            .flat_map(|set| &set.rules)
            .find(|compiled| compiled.rule.id == id)
            .is_some_and(|compiled| count_in(&compiled.test, zone, text) > 0)
    }

    /// Who says that a text is clean.
    fn judge(&self, inspection: &Inspection, zone: Zone) -> Judge {
        Judge {
            engine: self.number,
            scope: inspection.scope,
            zone,
        }
    }

    /// The policy's own rules.
    fn own(&self) -> &RuleSet {
        let [_, own] = &self.sets;
        own
    }

    /// The number of the scope that a request falls in: the first that fits, for the most specific stand first.
    fn scope_for(&self, facts: &Facts<'_>) -> u16 {
        if self.scopes.is_empty() {
            return 0;
        }
        let fits = |index: &u32| {
            let scope = self.scopes.get(*index as usize);
            scope.is_some_and(|scope| scope.requests.contain(facts))
        };
        let mut candidates = self.scope_directory.candidates(facts).into_iter();
        candidates.find(fits).map_or(0, |index| index as u16 + 1)
    }

    fn scope(&self, inspection: &Inspection) -> &Scope {
        (inspection.scope as usize)
            .checked_sub(1)
            .and_then(|index| self.scopes.get(index))
            .unwrap_or(&self.default_scope)
    }

    /// The settings that hold for a request.
    pub fn settings(&self, inspection: &Inspection) -> &Settings {
        &self.scope(inspection).settings
    }

    /// Says that trailers follow the body that is inspected next: conditions wait for [`Engine::end`]
    /// before they take anything for missing that may come in them.
    pub fn expect_trailers(&self, inspection: &mut Inspection) {
        if let Some(known) = &mut inspection.known {
            known.trailers = true;
        }
    }

    /// Says that nothing more of a request will be inspected. Conditions then take for missing what was
    /// not seen. Without meaning where the last part was inspected as the last.
    pub fn close(&self, scratch: &mut Scratch, inspection: &mut Inspection) {
        let open = |known: &Known| !known.is_closed();
        if self.ends(inspection) || !inspection.known.as_deref().is_some_and(open) {
            return;
        }
        scratch.clear();
        self.settle_conditions(scratch, inspection, ZoneSet::EMPTY);
    }

    /// Inspects a body, or, where `complete` is false, as much of it as the limit lets through; of what
    /// is behind the limit nothing will be seen.
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
        let trailers = |known: &Known| known.trailers;
        let ahead = if inspection.known.as_deref().is_some_and(trailers) {
            BEHIND_BODY
        } else {
            ZoneSet::EMPTY
        };
        self.scan(scratch, inspection, ahead);
    }

    /// Inspects one message of a stream of messages (gRPC), or what has come of it. The verdict then
    /// concerns the head and this message; what earlier messages scored is past.
    pub fn message(&self, scratch: &mut Scratch, inspection: &mut Inspection, frame: &Frame<'_>) {
        if self.ends(inspection) {
            return;
        }
        inspection.scores = inspection.head_scores;
        inspection.counted.truncate(inspection.head_counted);
        match &inspection.head_known {
            Some(head) => inspection.known = Some(head.clone()),
            None => inspection.head_known = inspection.known.clone(),
        }
        scratch.clear();
        let limits = &self.settings(inspection).limits;
        request::read_message(&inspection.plan, frame, limits, &mut scratch.fields);
        self.scan(scratch, inspection, ZoneSet::EMPTY);
    }

    fn read_body(
        &self,
        scratch: &mut Scratch,
        inspection: &Inspection,
        bytes: &[u8],
        complete: bool,
    ) {
        let limits = &self.settings(inspection).limits;
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
        if self.ends(inspection) {
            return;
        }
        if trailers.is_empty() {
            self.close(scratch, inspection);
            return;
        }
        scratch.clear();
        let limits = &self.settings(inspection).limits;
        request::read_trailers(trailers, limits, &mut scratch.fields);
        self.scan(scratch, inspection, ZoneSet::EMPTY);
    }

    /// Whether nothing that still comes can change the verdict: the policy inspects nothing here, or
    /// something has ended the inspection.
    pub fn ends(&self, inspection: &Inspection) -> bool {
        inspection.ended_by.is_some() || self.settings(inspection).mode == Mode::Off
    }

    /// Takes note of something that the caller could not show or did not wait for. Rules that name the
    /// anomaly hit, as they do where a reader notices one.
    pub fn cannot_inspect(&self, inspection: &mut Inspection, anomaly: Anomaly) {
        self.fall_back(inspection, anomaly);
        for (set_index, set) in self.sets.iter().enumerate() {
            for (rule_index, rule) in set.rules.iter().enumerate() {
                let zone = [Zone::RequestBody, Zone::RequestHeader]
                    .into_iter()
                    .find(|zone| rule.zones().contains(*zone));
                if let (Test::Anomalies(anomalies), Some(zone)) = (&rule.test, zone)
                    && anomalies.contains(anomaly)
                {
                    let spot = Spot {
                        zone,
                        part: Part::Value,
                        name: b"",
                        text: b"",
                    };
                    let rule = (set_index, rule_index as RuleIndex, rule);
                    self.hit(inspection, &Fields::default(), rule, spot, (View::Plain, 1));
                }
            }
        }
    }

    /// Everything that could not be inspected passes through here: the policy says what becomes of
    /// it, and the verdict records it.
    fn fall_back(&self, inspection: &mut Inspection, anomaly: Anomaly) {
        inspection.uninspected.insert(anomaly);
        match self.settings(inspection).uninspected.of(anomaly) {
            Fallback::Block => {
                let category = Category::MalformedRequest;
                inspection.blocked_by.get_or_insert(category);
            }
            Fallback::Pass if self.worst(inspection) == Action::Allow => {
                inspection.allowed = true;
                inspection.ended_by = Some(EndedBy::Uninspected);
            }
            Fallback::Pass | Fallback::InspectPrefix => {}
        }
    }

    /// Categories whose sum has reached their threshold, with what the policy does about each.
    fn reached(&self, inspection: &Inspection) -> impl Iterator<Item = (Category, Mode)> {
        let settings = self.settings(inspection);
        let mode = move |category| {
            settings
                .category_modes
                .of(category)
                .unwrap_or(settings.mode)
        };
        let sums = inspection.scores;
        let blocked = inspection.blocked_by;
        // A list of clients is no finding: it obeys the mode of the policy and no category's.
        let denied = inspection.ended_by == Some(EndedBy::DeniedClient);
        Category::ALL.iter().copied().filter_map(move |category| {
            if denied && category == Category::UnwantedAccess {
                return Some((category, settings.mode));
            }
            let reached = sums.get(category) >= settings.thresholds.of(category).threshold();
            match mode(category) {
                Mode::Off => None,
                mode => (reached || blocked == Some(category)).then_some((category, mode)),
            }
        })
    }

    fn worst(&self, inspection: &Inspection) -> Action {
        if inspection.allowed {
            return Action::Allow;
        }
        if inspection.always {
            return Action::Block;
        }
        // What has no hits has no sums: thresholds need not be asked.
        if !inspection.matched && inspection.ended_by.is_none() && inspection.blocked_by.is_none() {
            return Action::Allow;
        }
        self.reached(inspection)
            .map(|(_, mode)| match mode {
                Mode::Block if !inspection.sampled_out => Action::Block,
                _ => Action::Monitor,
            })
            .max()
            .unwrap_or(Action::Allow)
    }

    /// What is to be done by what is known so far. It can only get worse: sums never shrink.
    pub fn action(&self, inspection: &Inspection) -> Action {
        if self.settings(inspection).mode == Mode::Off {
            return Action::Allow;
        }
        self.worst(inspection)
    }

    /// The decision, and what led to it.
    pub fn verdict(&self, inspection: &Inspection) -> Verdict {
        let action = self.action(inspection);
        let reasons = match action {
            Action::Allow => Vec::new(),
            _ => self
                .reached(inspection)
                .map(|(category, _)| category)
                .collect(),
        };
        Verdict {
            action,
            hits: inspection.hits.clone(),
            more_hits: inspection.more_hits,
            scores: inspection.scores,
            recorded: inspection.recorded,
            reasons,
            uninspected: inspection.uninspected,
            exceptions: inspection.excepted.clone(),
            expired: inspection.expired.clone(),
            scope: self.scope(inspection).name.clone(),
            sampled_out: inspection.sampled_out,
            ended_by: inspection.ended_by,
        }
    }

    /// Decodes, prefilters, confirms and scores whatever the readers have put into the scratch. `ahead`
    /// are the zones whose fields may come later.
    fn scan(&self, scratch: &mut Scratch, inspection: &mut Inspection, ahead: ZoneSet) {
        self.lay_out(scratch, inspection);
        inspection.matched_names.clear();
        if scratch.texts.is_empty()
            && scratch.fields.anomalies().is_empty()
            && inspection.known.is_none()
        {
            // All of it is known, or nothing in which an attack could stand.
            scratch.candidates.clear();
            return;
        }
        self.look(scratch, inspection, ahead);
    }

    /// Prefilters, confirms and scores the texts that were laid out.
    #[inline(never)]
    fn look(&self, scratch: &mut Scratch, inspection: &mut Inspection, ahead: ZoneSet) {
        for anomaly in scratch.fields.anomalies().iter() {
            if Anomaly::UNINSPECTED.contains(anomaly) {
                self.fall_back(inspection, anomaly);
            }
        }
        self.anomalies(scratch, inspection);
        let mut candidates = std::mem::take(&mut scratch.candidates);
        let mut tried = std::mem::take(&mut scratch.tried);
        let texts = scratch.texts.len() as u32;
        if scratch.looked_at.checked_add(texts).is_none() {
            tried.clear();
            scratch.looked_at = 0;
        }
        let seen = scratch.looked_at;
        scratch.looked_at = seen.saturating_add(texts);
        candidates.clear();
        self.find_candidates(scratch, inspection, (&mut tried, seen), &mut candidates);
        scratch.tried = tried;
        candidates.sort_unstable();
        self.confirm(scratch, &candidates, inspection);
        self.learn_names(scratch, inspection);
        // Left there until the next step, for whoever counts them.
        scratch.candidates = candidates;
        if let Some(known) = &mut inspection.known
            && !inspection.allowed
        {
            known.open = ahead;
            self.try_unkeyed(scratch, inspection, ahead);
            self.settle_conditions(scratch, inspection, ahead);
            if let Some(known) = &mut inspection.known {
                known.open = ZoneSet::all();
            }
        }
    }

    /// Remembers the names in which nothing was found, if all was looked at.
    fn learn_names(&self, scratch: &mut Scratch, inspection: &Inspection) {
        let Scratch {
            familiar, fields, ..
        } = scratch;
        let Some(kept) = familiar else {
            return;
        };
        let whole = !inspection.allowed && fields.anomalies().is_empty();
        kept.learn_names(|index| {
            let field = fields.list().get(index as usize)?;
            let clean = whole && !inspection.matched_names.contains(&index);
            let judge = self.judge(inspection, field.zone);
            clean.then(|| (judge, fields.get(field.key)))
        });
    }

    /// Decides the rules with conditions that the head alone decides, and begins to watch for the others.
    fn open_conditions(&self, scratch: &Scratch, inspection: &mut Inspection, facts: &Facts<'_>) {
        let mut fired = Vec::new();
        let scope = self.scope(inspection);
        let known = self
            .own()
            .conditions
            .open(facts, &scope.conditions, !self.filtered, |rule| {
                fired.push(rule)
            });
        inspection.known = known;
        self.fire(scratch, inspection, &fired);
    }

    /// Tries leaves without literals on every text that they look at.
    fn try_unkeyed(&self, scratch: &mut Scratch, inspection: &mut Inspection, ahead: ZoneSet) {
        let own = self.own();
        let conditions = &own.conditions;
        let Some(known) = &mut inspection.known else {
            return;
        };
        let mut unnamed = std::mem::take(&mut scratch.leaves);
        let mut present = ZoneSet::EMPTY;
        let zones = scratch.fields.iter().map(|field| field.zone);
        zones.for_each(|zone| present.insert(zone));
        let lengths = scratch.texts.iter().map(|text| text.span.len());
        let longest = lengths.max().unwrap_or(0) as u32;
        let (zones, drop) = ((present, ahead), self.filtered);
        let wanted = conditions.wants_unkeyed(known, zones, longest, drop, &mut unnamed);
        if !wanted {
            scratch.leaves = unnamed;
            return;
        }
        let mut candidates = std::mem::take(&mut scratch.extra);
        candidates.clear();
        let mut last = None;
        let mut named = &[][..];
        for (index, text) in scratch.texts.iter().enumerate() {
            let Some(field) = scratch.fields.list().get(text.field as usize) else {
                continue;
            };
            if last != Some(text.field) {
                last = Some(text.field);
                named = conditions.named(scratch.fields.get(field.name));
            }
            let length = scratch.text(text).len() as u32;
            let long_enough = unnamed.iter().take_while(|(least, _)| *least <= length);
            let unnamed = long_enough.map(|(_, leaf)| leaf);
            for leaf in named.iter().chain(unnamed).copied() {
                // Tried here already: what fails, most of it, need not be listed and sorted.
                if conditions.looks_at(known, leaf, text, field)
                    && conditions.means(leaf, &scratch.fields, field)
                    && conditions.passes(leaf, field.zone, scratch.text(text))
                {
                    candidates.push(Candidate::new(text, index, 1, own.number_of(leaf)));
                }
            }
        }
        scratch.leaves = unnamed;
        candidates.sort_unstable();
        self.confirm(scratch, &candidates, inspection);
        scratch.extra = candidates;
    }

    /// Tries a leaf of a condition on the forms of one half of one field.
    fn confirm_leaf(
        &self,
        scratch: &Scratch,
        inspection: &mut Inspection,
        leaf: u16,
        (field_index, field, part): (u32, &Field, Part),
        group: &[Candidate],
    ) {
        let conditions = &self.own().conditions;
        let passed = group.iter().find_map(|candidate| {
            let text = scratch.texts.get(candidate.text())?;
            let known = inspection.known.as_deref()?;
            // A field before this one may have made the rest of them needless.
            let asked = conditions.looks_at(known, leaf, text, field)
                && conditions.means(leaf, &scratch.fields, field)
                && conditions.passes(leaf, field.zone, scratch.text(text));
            asked.then_some(text.view)
        });
        let Some(view) = passed else {
            return;
        };
        let spot = Spot::of(&scratch.fields, field, part);
        let rule = inspection
            .known
            .as_deref()
            .and_then(|known| conditions.exceptable(known, leaf));
        if let Some(rule) = rule
            && let Some(compiled) = self.own().get(rule)
            && self.excepted(inspection, compiled, spot, &scratch.fields)
        {
            return;
        }
        if let Some(known) = &mut inspection.known {
            let order = field_index.saturating_add(1);
            conditions.note(known, leaf, order, (spot.zone, part, view), spot.name);
        }
    }

    /// Decides what can be decided of the rules with conditions.
    fn settle_conditions(&self, scratch: &Scratch, inspection: &mut Inspection, ahead: ZoneSet) {
        let Some(known) = &mut inspection.known else {
            return;
        };
        let fired = self.own().conditions.settle(known, ahead);
        self.fire(scratch, inspection, &fired);
    }

    fn fire(&self, scratch: &Scratch, inspection: &mut Inspection, fired: &[Fired]) {
        for fired in fired {
            if inspection.allowed {
                return;
            }
            let Some(compiled) = self.own().get(fired.rule) else {
                continue;
            };
            let spot = Spot {
                zone: fired.zone,
                part: fired.part,
                name: &fired.name,
                text: b"",
            };
            let rule = (1, fired.rule, compiled);
            self.hit(inspection, &scratch.fields, rule, spot, (fired.view, 1));
        }
    }

    /// Lists the texts to look at: what the readers found, then the views that decoding adds.
    fn lay_out(&self, scratch: &mut Scratch, inspection: &Inspection) {
        let Scratch {
            fields,
            expander,
            views,
            texts,
            familiar,
            ..
        } = scratch;
        let mut kept = familiar.as_mut().filter(|_| self.filtered);
        if let Some(kept) = &mut kept {
            kept.begin_names();
        }
        let conditions = self.own().conditions.asks_fields() && inspection.known.is_some();
        for (index, field) in fields.iter().enumerate() {
            let field_index = index as u32;
            let mut add = |span: Span, part, view, signs: Signs| {
                let quiet = match (part, view) {
                    (Part::Value, View::Plain) => {
                        span.is_empty()
                            || !matches!(field.kind, Kind::Text | Kind::Joined)
                            || self.filtered
                                && signs.only(DIGIT)
                                && span.len() <= SHORT_NUMBER
                                && !self.numbers_asked.contains(field.zone)
                    }
                    _ if span.is_empty() => return,
                    _ => false,
                };
                let leaves = &self.own().conditions;
                let may_mean = || !self.filtered || leaves.may_mean(fields, field, span.len());
                if !quiet || conditions && may_mean() {
                    texts.push(Text {
                        span,
                        derived: false,
                        field: field_index,
                        part,
                        view,
                        signs,
                        quiet,
                    });
                }
            };
            // In the order in which they stand in the arena.
            if field.kind != Kind::Joined {
                let zone = field.zone;
                let known = match &mut kept {
                    Some(kept)
                        if !field.key.is_empty()
                            && field.wire_name.is_none()
                            && !self.names_asked.contains(zone) =>
                    {
                        let key = fields.get(field.key);
                        kept.knows_field(self.judge(inspection, zone), key, field_index)
                    }
                    _ => false,
                };
                if !known {
                    add(field.key, Part::Name, View::Plain, field.key_signs);
                }
            }
            // What is there for its name alone has no value, not even an empty one.
            if field.kind != Kind::Container {
                add(field.value, Part::Value, View::Plain, field.value_signs);
            }
            if let Some(wire) = field.wire_name {
                let signs = Signs::seen_in(fields.get(wire));
                add(wire, Part::Name, View::Wire, signs);
            }
            if let Some(wire) = field.wire_value {
                let signs = Signs::seen_in(fields.get(wire));
                add(wire, Part::Value, View::Wire, signs);
            }
        }
        let read = texts.len();
        let limits = &self.settings(inspection).limits;
        let passes = limits.decode_passes;
        for index in 0..read {
            let Some(text) = texts.get(index).copied() else {
                break;
            };
            let Some(field) = fields.list().get(text.field as usize).copied() else {
                continue;
            };
            if text.view != View::Plain || text.quiet {
                continue;
            }
            if views.len() >= limits.arena_bytes() {
                fields.find_in(Anomaly::DecodeLimit, &field);
                break;
            }
            let is_path = field.zone == Zone::Path;
            if !Expander::may_expand(text.signs, text.span.len(), is_path) {
                continue;
            }
            let odd = expander.expand_seen(
                (fields.get(text.span), text.signs),
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
                        signs: Signs::of(bytes),
                        ..text
                    });
                },
            );
            // Null bytes, also as escapes and in overlong form, that stand in a body as a whole with other
            // control characters, as in a picture, are those of binary data.
            let binary = matches!(field.zone, Zone::RawBody | Zone::FileContent)
                && fields
                    .get(text.span)
                    .iter()
                    .any(|byte| matches!(byte, 0..=0x08 | 0x0E..=0x1A | 0x1C..=0x1F));
            for anomaly in odd.iter() {
                if !(binary && anomaly == Anomaly::NullByte) {
                    fields.find_in(anomaly, &field);
                }
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
                        let Finding { zone, name, .. } = *finding;
                        let name = scratch.fields.get(name);
                        let spot = Spot {
                            zone,
                            part: Part::Value,
                            name,
                            text: b"",
                        };
                        let rule = (set_index, rule_index as RuleIndex, rule);
                        self.hit(inspection, &scratch.fields, rule, spot, (View::Plain, 1));
                    }
                }
            }
        }
    }

    fn find_candidates(
        &self,
        scratch: &Scratch,
        inspection: &Inspection,
        (tried, seen): (&mut Vec<u32>, u32),
        candidates: &mut Vec<Candidate>,
    ) {
        let scope = self.scope(inspection);
        let [shipped, own] = &self.sets;
        let first = [0, shipped.numbers()];
        let keyed = |wire: bool| match inspection.known {
            Some(_) => own.conditions.keyed_zones(wire),
            None => ZoneSet::EMPTY,
        };
        let (keyed_zones, keyed_wire) = (keyed(false), keyed(true));
        let numbers = shipped.numbers().saturating_add(own.numbers());
        if tried.len() < numbers {
            tried.resize(numbers, 0);
        }
        for (index, text) in scratch.texts.iter().enumerate() {
            let Some(field) = scratch.fields.list().get(text.field as usize) else {
                continue;
            };
            // Literals stand in a text again and again, and in turns: to list each of them would
            // make the list longer than the text.
            let this = seen.saturating_add(index as u32).saturating_add(1);
            let mut add = |set_index: usize, set: &RuleSet, rule: RuleIndex| {
                let first = first.get(set_index).copied().unwrap_or_default();
                let new = tried
                    .get_mut(first.saturating_add(rule as usize))
                    .is_some_and(|last| std::mem::replace(last, this) != this);
                let set = (set_index, set, scope);
                if new && self.is_candidate(inspection, set, (text, field), rule) {
                    candidates.push(Candidate::new(text, index, set_index, rule));
                }
            };
            let open = |set: &RuleSet, rule: RuleIndex| {
                set.gates
                    .get(rule as usize)
                    .is_none_or(|gate| gate.is_open(text.signs, field.zone, text.part))
            };
            let bytes = scratch.text(text);
            let (quiet, wire) = (text.quiet, text.view == View::Wire);
            for (set_index, set) in self.sets.iter().enumerate() {
                if !self.filtered {
                    (0..set.rules.len()).for_each(|rule| add(set_index, set, rule as RuleIndex));
                    let leaves = set.conditions.keyed();
                    leaves.for_each(|leaf| add(set_index, set, set.number_of(leaf)));
                    continue;
                }
                if quiet || set.rules.is_empty() {
                    continue;
                }
                if wire {
                    for rule in set.wire.iter().filter(|rule| open(set, **rule)) {
                        add(set_index, set, *rule);
                    }
                    continue;
                }
                if !set.detectors.is_empty() && detect::may_find(text.signs) {
                    let set = (set_index, &**set, scope);
                    self.ask_detectors(inspection, set, (text, field, bytes), &mut add);
                }
                for rule in set.always.iter().filter(|rule| open(set, **rule)) {
                    add(set_index, set, *rule);
                }
            }
            // Only conditions look at what nothing else does, and of those on the wire the others are there.
            let (only_leaves, zones) = match (quiet, wire) {
                (_, true) => (true, keyed_wire),
                (true, _) => (true, keyed_zones),
                _ => (false, ZoneSet::all()),
            };
            if !self.filtered || !zones.contains(field.zone) {
                continue;
            }
            let place = (bytes, field.zone);
            self.prefilter.candidates(place, text.signs, |found| {
                for number in found {
                    let (set_index, rule) = (number.set(), number.rule());
                    if let Some(set) = self.sets.get(set_index)
                        && (!only_leaves || set.leaf(rule).is_some())
                        && open(set, rule)
                    {
                        add(set_index, set, rule);
                    }
                }
            });
        }
    }

    /// Asks the detectors, each of the two only once where several rules name it: what one does not find
    /// without a look at the context, it does not find with one.
    fn ask_detectors(
        &self,
        inspection: &Inspection,
        (index, set, scope): (usize, &RuleSet, &Scope),
        (text, field, bytes): (&Text, &Field, &[u8]),
        add: &mut impl FnMut(usize, &RuleSet, RuleIndex),
    ) {
        let mut asked = Asked::default();
        let mut possible = [None; 2];
        for rule in set.detectors.iter().copied() {
            let Some(compiled) = set.get(rule) else {
                continue;
            };
            let Test::Detector(detector) = compiled.test else {
                continue;
            };
            let possible = match detector {
                Detector::LibinjectionSql | Detector::LibinjectionSqlInContext => &mut possible[0],
                Detector::LibinjectionXss | Detector::LibinjectionXssInContext => &mut possible[1],
            };
            let place = (text, field);
            if !*possible.get_or_insert_with(|| detector.may_match(bytes, text.signs))
                || !self.is_candidate(inspection, (index, set, scope), place, rule)
            {
                continue;
            }
            let found = || count_in(&compiled.test, field.zone, bytes) > 0;
            let found = match detector {
                Detector::LibinjectionSql => *asked.sql.get_or_insert_with(found),
                Detector::LibinjectionXss => *asked.xss.get_or_insert_with(found),
                Detector::LibinjectionSqlInContext => asked.sql != Some(false) && found(),
                Detector::LibinjectionXssInContext => asked.xss != Some(false) && found(),
            };
            if found {
                add(index, set, rule);
            }
        }
    }

    /// Whether a rule, or a leaf of a condition, looks at this text, and could match it.
    fn is_candidate(
        &self,
        inspection: &Inspection,
        (index, set, scope): (usize, &RuleSet, &Scope),
        (text, field): (&Text, &Field),
        number: RuleIndex,
    ) -> bool {
        if let Some(leaf) = set.leaf(number) {
            let known = inspection.known.as_deref();
            return known.is_some_and(|known| set.conditions.looks_at(known, leaf, text, field));
        }
        let Some(compiled) = set.get(number) else {
            return false;
        };
        !text.quiet
            && compiled.looks_at(field.zone, text.part)
            && (!self.filtered || compiled.need.is_met(text.signs))
            && self.sees(compiled, text, field)
            && (field.kind != Kind::Joined || compiled.rule.family() != Family::Core)
            && scope.effect(index, number) != Effect::Off
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
        for group in candidates.chunk_by(|a, b| a.group() == b.group()) {
            if inspection.allowed {
                return;
            }
            let Some(first) = group.first() else { continue };
            let (set, rule) = (first.set(), first.rule());
            let Some(rules) = self.sets.get(set) else {
                continue;
            };
            let Some(half) = scratch.texts.get(first.text()) else {
                continue;
            };
            let Some(field) = scratch.fields.list().get(half.field as usize) else {
                continue;
            };
            if let Some(leaf) = rules.leaf(rule) {
                let place = (half.field, field, half.part);
                self.confirm_leaf(scratch, inspection, leaf, place, group);
                continue;
            }
            let Some(compiled) = rules.get(rule) else {
                continue;
            };
            let mut most = (0, View::Plain);
            let mut shown = None;
            for candidate in group {
                if last == Some(*candidate) {
                    continue;
                }
                last = Some(*candidate);
                let Some(text) = scratch.texts.get(candidate.text()) else {
                    continue;
                };
                let count = count_in(&compiled.test, field.zone, scratch.text(text));
                if count > most.0 {
                    most = (count, text.view);
                    shown = Some(text);
                }
            }
            if most.0 > 0 {
                let spot = Spot::of(&scratch.fields, field, half.part);
                let before = inspection.hits.len();
                if half.part == Part::Name {
                    inspection.matched_names.push(half.field);
                }
                self.hit(
                    inspection,
                    &scratch.fields,
                    (set, rule, compiled),
                    spot,
                    (most.1, most.0),
                );
                let telemetry = &self.config.telemetry;
                if telemetry.excerpts
                    && before < excerpt::MOST
                    && let (Some(hit), Some(text)) = (inspection.hits.get_mut(before), shown)
                {
                    let other = text.derived || text.view != View::Plain;
                    let plain = scratch.fields.get(match half.part {
                        Part::Name => field.key,
                        Part::Value => field.value,
                    });
                    let text = scratch.text(text);
                    let (test, plain) = (&compiled.test, other.then_some(plain));
                    hit.excerpt = excerpt::of(test, spot.name, text, plain, &telemetry.redact);
                }
            }
        }
    }

    /// Whether an exception takes a match away; if so, that is noted, and if one would, had it not expired,
    /// that is noted too.
    fn excepted(
        &self,
        inspection: &mut Inspection,
        rule: &CompiledRule,
        spot: Spot<'_>,
        fields: &Fields,
    ) -> bool {
        let (exceptions, concerned) = (&self.exceptions, &inspection.concerned);
        let removed = exceptions.removes(concerned, &rule.rule, spot, fields);
        let (label, kept) = match removed {
            Some(label) => (label, &mut inspection.excepted),
            None => match exceptions.would_remove(concerned, &rule.rule, spot, fields) {
                Some(label) => (label, &mut inspection.expired),
                None => return false,
            },
        };
        if kept.len() < Verdict::EXCEPTIONS && !kept.iter().any(|known| known == label) {
            kept.push(label.to_owned());
        }
        removed.is_some()
    }

    /// Counts a hit, unless an exception removes it. A rule that counts once and has counted is kept
    /// with a count of 0.
    fn hit(
        &self,
        inspection: &mut Inspection,
        fields: &Fields,
        (set, index, rule): (usize, RuleIndex, &CompiledRule),
        spot: Spot<'_>,
        (view, count): (View, u32),
    ) {
        inspection.matched = true;
        let scope = self.scope(inspection);
        let effect = scope.effect(set, index);
        if effect == Effect::Off {
            return;
        }
        if self.excepted(inspection, rule, spot, fields) {
            return;
        }
        let enforced = effect != Effect::Record;
        let mut count = count;
        if rule.rule.once {
            let this = (set as u8, index);
            count = u32::from(!inspection.counted.contains(&this));
            if count > 0 {
                inspection.counted.push(this);
            }
        }
        let score = scope
            .scores
            .get(&(set as u8, index))
            .unwrap_or(&rule.rule.score);
        let sums = if enforced {
            &mut inspection.scores
        } else {
            &mut inspection.recorded
        };
        for (category, points) in score {
            sums.add(*category, points.saturating_mul(count));
        }
        let category = rule.rule.score.first().map(|(category, _)| *category);
        if effect == Effect::Always {
            inspection.blocked_by = inspection.blocked_by.or(category);
            inspection.always = true;
        }
        if enforced {
            match rule.rule.action {
                RuleAction::Block => inspection.blocked_by = inspection.blocked_by.or(category),
                RuleAction::Allow if inspection.ended_by.is_none() => {
                    inspection.allowed = true;
                    inspection.ended_by = Some(EndedBy::Rule(rule.rule.id));
                }
                RuleAction::Allow | RuleAction::Score | RuleAction::Monitor => {}
            }
        }
        if inspection.hits.len() >= Verdict::HITS {
            inspection.more_hits = inspection.more_hits.saturating_add(1);
            return;
        }
        inspection.hits.push(Hit {
            rule: rule.rule.id,
            zone: spot.zone,
            part: spot.part,
            view,
            name: spot
                .name
                .get(..Hit::NAME_BYTES)
                .unwrap_or(spot.name)
                .to_vec(),
            count,
            enforced,
            excerpt: Vec::new(),
        });
    }
}

/// Whether a request belongs to the share of traffic that is only monitored.
fn sampled_out(enforcement: &Enforcement, head: &Head<'_>, peer: &Peer<'_>) -> bool {
    if enforcement.share >= 10_000 {
        return false;
    }
    let bucket = match &enforcement.header {
        Some(name) => bucket(head.values(name.as_bytes()).next().unwrap_or_default()),
        None => bucket(
            &peer
                .client()
                .map(number_of)
                .unwrap_or_default()
                .to_be_bytes(),
        ),
    };
    bucket >= enforcement.share
}

/// What the detectors said of one text, each asked without a look at the context.
#[derive(Default)]
struct Asked {
    sql: Option<bool>,
    xss: Option<bool>,
}

impl Inspection {
    /// Whether there may be more to say of the request than that it went on.
    pub fn has_something(&self) -> bool {
        self.ended_by.is_some()
            || self.blocked_by.is_some()
            || !self.hits.is_empty()
            || !self.excepted.is_empty()
            || !self.expired.is_empty()
            || !self.uninspected.is_empty()
    }

    /// Whether all was looked at, and no rule has matched anything.
    const fn is_spotless(&self) -> bool {
        !self.matched && !self.allowed && self.ended_by.is_none() && self.blocked_by.is_none()
    }

    /// What the head said about the body.
    pub fn plan(&self) -> &BodyPlan {
        &self.plan
    }

    /// The index of the scope in the configuration; `None` for the default.
    pub(super) fn scope_index(&self) -> Option<usize> {
        (self.scope as usize).checked_sub(1)
    }
}
