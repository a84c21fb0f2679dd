//! What the readers made of a request, copied step by step for those who ask.

use std::fmt::Write as _;

use palisade::engine::Scratch;
use palisade::model::{Anomaly, Named, Part, View, Zone};
use palisade::request::Kind;
use serde_json::{Value, json};

use crate::explain::{octets, shown};
use crate::terminal::{Ink, Terminal};

/// All that was read.
#[derive(Default)]
pub(crate) struct Read {
    pub(crate) fields: Vec<Field>,
    pub(crate) noticed: Vec<Noticed>,
    /// Steps that were looked at: the first is the head.
    steps: usize,
}

/// One field as it was inspected.
pub(crate) struct Field {
    in_head: bool,
    pub(crate) zone: Zone,
    kind: Kind,
    pub(crate) name: Vec<u8>,
    key: Vec<u8>,
    value: Vec<u8>,
    /// Forms beyond the plain one: of which half, which form, what it holds.
    views: Vec<(Part, View, Vec<u8>)>,
}

/// Something that a reader noticed.
pub(crate) struct Noticed {
    pub(crate) anomaly: Anomaly,
    pub(crate) zone: Zone,
    pub(crate) name: Vec<u8>,
}

impl Read {
    /// Copies what a step looked at.
    pub(crate) fn look(&mut self, scratch: &Scratch) {
        let fields = scratch.fields();
        let first = self.fields.len();
        for field in fields.iter() {
            self.fields.push(Field {
                in_head: self.steps == 0,
                zone: field.zone,
                kind: field.kind,
                name: fields.get(field.name).to_vec(),
                key: fields.get(field.key).to_vec(),
                value: fields.get(field.value).to_vec(),
                views: Vec::new(),
            });
        }
        for (index, part, view, bytes) in scratch.texts() {
            if view != View::Plain
                && let Some(field) = self.fields.get_mut(first + index)
            {
                field.views.push((part, view, bytes.to_vec()));
            }
        }
        for finding in fields.findings() {
            self.noticed.push(Noticed {
                anomaly: finding.anomaly,
                zone: finding.zone,
                name: fields.get(finding.name).to_vec(),
            });
        }
        self.steps += 1;
    }

    /// Whether anything but the head was looked at.
    pub(crate) const fn beyond_head(&self) -> bool {
        self.steps > 1
    }

    /// Writes all of it for people.
    pub(crate) fn write(&self, terminal: &Terminal, out: &mut String) {
        for field in &self.fields {
            field.write(terminal, out);
        }
        for one in &self.noticed {
            let _ = write!(out, "  noticed   {} in {}", one.anomaly, one.zone);
            if !one.name.is_empty() {
                let _ = write!(out, " `{}`", shown(&one.name));
            }
            out.push('\n');
        }
    }

    /// The fields for programs.
    pub(crate) fn fields_json(&self) -> Vec<Value> {
        self.fields.iter().map(Field::json).collect()
    }

    /// What was noticed, for programs.
    pub(crate) fn noticed_json(&self) -> Vec<Value> {
        let json = |one: &Noticed| {
            json!({
                "anomaly": one.anomaly.name(),
                "zone": one.zone.name(),
                "name": octets(&one.name),
            })
        };
        self.noticed.iter().map(json).collect()
    }
}

/// What a kind of value means for the inspection.
const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Joined => "joined",
        Kind::Container => "container",
        Kind::Number => "number",
        Kind::Literal => "literal",
        Kind::Bytes => "bytes",
        Kind::Token => "token",
    }
}

impl Field {
    /// Every text of the field that rules may look at.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (Part, View, &[u8])> {
        let plain = [
            (Part::Name, View::Plain, self.key.as_slice()),
            (Part::Value, View::Plain, self.value.as_slice()),
        ];
        let views = self.views.iter();
        plain
            .into_iter()
            .chain(views.map(|(part, view, text)| (*part, *view, text.as_slice())))
    }

    fn write(&self, terminal: &Terminal, out: &mut String) {
        let zone = terminal.ink(Ink::Strong, self.zone.name());
        let _ = write!(out, "  field     {zone}");
        if !self.name.is_empty() {
            let _ = write!(out, " `{}`", shown(&self.name));
        }
        let _ = write!(out, " = {}", shown(&self.value));
        if !matches!(self.kind, Kind::Text | Kind::Joined) {
            let _ = write!(out, " ({}; only the name is scanned)", kind(self.kind));
        }
        out.push('\n');
        for (part, view, bytes) in &self.views {
            let half = match part {
                Part::Name => " of the name",
                Part::Value => "",
            };
            let _ = writeln!(out, "    {:<8}{half} {}", view.name(), shown(bytes));
        }
    }

    fn json(&self) -> Value {
        let views: Vec<_> = self
            .views
            .iter()
            .map(|(part, view, bytes)| {
                json!({"part": part.name(), "view": view.name(), "text": octets(bytes)})
            })
            .collect();
        json!({
            "step": if self.in_head { "head" } else { "body" },
            "zone": self.zone.name(),
            "kind": kind(self.kind),
            "name": octets(&self.name),
            "value": octets(&self.value),
            "views": views,
        })
    }
}
