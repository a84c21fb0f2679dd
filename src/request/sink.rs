//! What every reader is handed: where its fields go and how much it may say about what is odd.

use super::{Fields, Kind};
use crate::decode::Signs;
use crate::model::{Anomaly, Limits, Zone};

/// Where a reader puts what it found.
pub(super) struct Sink<'a> {
    pub(super) limits: &'a Limits,
    pub(super) fields: &'a mut Fields,
    /// The zone of what splits into fields: the body, or the query where a parameter holds a document.
    pub(super) zone: Zone,
    /// Whether the whole text is at hand. A reader of a prefix must not take the cut for an error.
    pub(super) complete: bool,
    /// Whether the request says that the text has this format. Where a reader only tries, what it
    /// cannot read is no finding, and the text is inspected raw by whoever asked.
    pub(super) declared: bool,
}

impl Sink<'_> {
    /// The same place for a text that stands inside the one being read.
    pub(super) fn inner(&mut self, complete: bool, declared: bool) -> Sink<'_> {
        Sink {
            limits: self.limits,
            fields: self.fields,
            zone: self.zone,
            complete: self.complete && complete,
            declared: self.declared && declared,
        }
    }

    /// A field that came as it is.
    pub(super) fn push(&mut self, zone: Zone, kind: Kind, name: &[u8], value: &[u8]) {
        self.fields.push(self.limits, zone, kind, name, value);
    }

    /// A field whose key begins `key` bytes into its name.
    pub(super) fn push_keyed(&mut self, kind: Kind, name: &[u8], key: usize, value: &[u8]) {
        let name = (name, None, key);
        let value = (value, None);
        self.fields
            .push_keyed(self.limits, self.zone, kind, name, value);
    }

    /// The same where the signs of the key and of the value are known.
    pub(super) fn push_plain(
        &mut self,
        kind: Kind,
        name: (&[u8], usize, Signs),
        value: (&[u8], Signs),
    ) {
        self.fields
            .push_plain(self.limits, self.zone, kind, name, value);
    }

    /// A field of the body.
    pub(super) fn text(&mut self, name: &[u8], value: &[u8]) {
        self.push(self.zone, Kind::Text, name, value);
    }

    /// A piece of the body that did not split into fields.
    pub(super) fn raw(&mut self, piece: &[u8]) {
        if self.declared && !piece.is_empty() {
            self.push(Zone::RawBody, Kind::Text, b"", piece);
        }
    }

    /// A finding about the format.
    pub(super) fn find(&mut self, anomaly: Anomaly, name: &[u8]) {
        if self.declared {
            self.fields.find(anomaly, self.zone, name);
        }
    }

    /// A finding that a cut text would bring about as well.
    pub(super) fn find_at_end(&mut self, anomaly: Anomaly, name: &[u8]) {
        if self.complete {
            self.find(anomaly, name);
        }
    }
}
