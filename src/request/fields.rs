//! The fields of one request, laid end to end in one arena so that a single scan sees them all.

use crate::decode::Signs;
use crate::decode::signs::NUL;
use crate::model::{Anomaly, AnomalySet, Limits, Zone};

/// The byte between two texts of the arena. No literal of any rule may contain it, so no match
/// can begin in one text and end in the next.
pub const SEPARATOR: u8 = 0xFF;

/// A range of the arena.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Index of the first byte.
    pub start: u32,
    /// Index behind the last byte.
    pub end: u32,
}

impl Span {
    /// Number of bytes.
    pub const fn len(self) -> usize {
        self.end.saturating_sub(self.start) as usize
    }

    /// What of it lies behind its first bytes.
    fn from(self, bytes: usize) -> Self {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        Self {
            start: self.start.saturating_add(bytes).min(self.end),
            ..self
        }
    }

    /// Whether the range holds nothing.
    pub const fn is_empty(self) -> bool {
        self.end <= self.start
    }
}

/// What sort of value a field holds. Only text is scanned for attacks; the others are kept for
/// conditions that compare numbers or check a schema. The name of a field is always scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Text, of any length.
    Text,
    /// No value: an object, a list or an element, which stands here for its own name alone.
    Container,
    /// Text of other fields put together the way a server that splits elsewhere would read it. It is
    /// looked at for attacks; what counts characters has counted these already.
    Joined,
    /// A number, as it was written.
    Number,
    /// `true`, `false` or `null`, as it was written.
    Literal,
    /// Bytes that are not text (an uploaded file, a protobuf `bytes` field that is not text).
    Bytes,
    /// An opaque token or machine syntax whose grammar was checked and leaves no room for an attack:
    /// credentials, entity tags, media ranges, a GraphQL document whose strings stand in fields of their own.
    Token,
}

/// One named value of the request.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Where it was found.
    pub zone: Zone,
    /// What sort of value it is.
    pub kind: Kind,
    /// The name, decoded once; a key path such as `user.address[0].street` in nested formats.
    pub name: Span,
    /// The part of the name that the client wrote as a name here: the last key of a key path, without
    /// the brackets and dots that stand for nesting. This is what rules look at.
    pub key: Span,
    /// The value, decoded once.
    pub value: Span,
    /// The name as it came, where that differs.
    pub wire_name: Option<Span>,
    /// The value as it came, where that differs.
    pub wire_value: Option<Span>,
    /// The classes of the bytes of the key.
    pub key_signs: Signs,
    /// The classes of the bytes of the value.
    pub value_signs: Signs,
}

/// Something odd that a reader noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub anomaly: Anomaly,
    /// Where it is.
    pub zone: Zone,
    /// The name of the field, empty where it concerns the whole zone.
    pub name: Span,
}

/// The fields and findings of one request. Reused between requests: `clear` keeps the memory.
#[derive(Debug, Default)]
pub struct Fields {
    bytes: Vec<u8>,
    list: Vec<Field>,
    findings: Vec<Finding>,
    seen: AnomalySet,
    /// Fields that count and were not kept, and the bytes of the arena that they would take.
    passed: usize,
    passed_bytes: usize,
}

/// Bytes of the arena that are kept between requests.
const KEPT_BYTES: usize = 1024 * 1024;

/// Findings kept one by one; beyond this only the set of anomalies grows.
const MAX_FINDINGS: usize = 64;

impl Fields {
    /// Forgets everything, keeps the memory; of the arena 1 MiB, so that one large request is not
    /// paid for ever after.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_BYTES);
        self.list.clear();
        self.findings.clear();
        self.seen = AnomalySet::EMPTY;
        self.passed = 0;
        self.passed_bytes = 0;
    }

    /// Adds a field whose name and value came as they are. What exceeds the limits is cut, and the
    /// cut is a finding; raw bodies and file contents have limits of their own and are never cut
    /// here. A null byte in a name or a text is a finding too.
    pub fn push(&mut self, limits: &Limits, zone: Zone, kind: Kind, name: &[u8], value: &[u8]) {
        self.push_decoded(limits, zone, kind, (name, None), (value, None));
    }

    /// Adds a field whose name or value was decoded: each is given decoded, then as it came on the
    /// wire where that differs.
    pub fn push_decoded(
        &mut self,
        limits: &Limits,
        zone: Zone,
        kind: Kind,
        name: (&[u8], Option<&[u8]>),
        value: (&[u8], Option<&[u8]>),
    ) {
        self.push_keyed(limits, zone, kind, (name.0, name.1, 0), value);
    }

    /// The same for a name of which only what stands behind some bytes was written as a name there;
    /// with nothing behind them, the field has no key of its own.
    pub fn push_keyed(
        &mut self,
        limits: &Limits,
        zone: Zone,
        kind: Kind,
        name: (&[u8], Option<&[u8]>, usize),
        value: (&[u8], Option<&[u8]>),
    ) {
        self.push_whole(limits, zone, kind, name, value, (None, None));
    }

    /// The same as [`Fields::push_keyed`] for a value whose signs are known.
    pub(super) fn push_seen(
        &mut self,
        limits: &Limits,
        zone: Zone,
        kind: Kind,
        name: (&[u8], Option<&[u8]>, usize),
        (value, signs): (&[u8], Signs),
    ) {
        let signs = (None, Some(signs));
        self.push_whole(limits, zone, kind, name, (value, None), signs);
    }

    /// The same as [`Fields::push_decoded`] for a name whose signs are known.
    pub(super) fn push_named(
        &mut self,
        limits: &Limits,
        zone: Zone,
        kind: Kind,
        (name, wire_name, signs): (&[u8], Option<&[u8]>, Signs),
        value: (&[u8], Option<&[u8]>),
    ) {
        let name = (name, wire_name, 0);
        self.push_whole(limits, zone, kind, name, value, (Some(signs), None));
    }

    /// Adds a field that came as it is, of whose key and value the signs are known. Bodies of thousands of
    /// fields pay for little else, so what is short is short here.
    pub(super) fn push_plain(
        &mut self,
        limits: &Limits,
        zone: Zone,
        kind: Kind,
        (name, key, key_signs): (&[u8], usize, Signs),
        (value, value_signs): (&[u8], Signs),
    ) {
        let cut = name.len() > limits.name_bytes || value.len() > limits.value_bytes;
        if cut || key_signs.any(NUL) || value_signs.any(NUL) || self.is_full(limits) {
            self.push_keyed(limits, zone, kind, (name, None, key), (value, None));
            return;
        }
        let name = self.text(name, usize::MAX);
        let value = self.text(value, usize::MAX);
        let key = name.from(key);
        self.list.push(Field {
            zone,
            kind,
            name,
            key,
            value,
            wire_name: None,
            wire_value: None,
            key_signs,
            value_signs,
        });
    }

    /// Counts a field towards the limits that need not be looked at.
    pub(super) fn pass(&mut self, limits: &Limits, zone: Zone, name: &[u8], value: &[u8]) {
        if self.is_full(limits) {
            self.overflow(zone);
            return;
        }
        let bytes = name.len().saturating_add(value.len()).saturating_add(2);
        self.passed = self.passed.saturating_add(1);
        self.passed_bytes = self.passed_bytes.saturating_add(bytes);
    }

    fn push_whole(
        &mut self,
        limits: &Limits,
        zone: Zone,
        kind: Kind,
        name: (&[u8], Option<&[u8]>, usize),
        value: (&[u8], Option<&[u8]>),
        signs: (Option<Signs>, Option<Signs>),
    ) {
        if self.is_full(limits) {
            self.overflow(zone);
            return;
        }
        let whole = matches!(zone, Zone::RawBody | Zone::FileContent);
        let value_bytes = if whole {
            usize::MAX
        } else {
            limits.value_bytes
        };
        let name_span = self.text(name.0, limits.name_bytes);
        let value_span = self.text(value.0, value_bytes);
        let wire_name = name.1.map(|wire| self.text(wire, limits.name_bytes));
        let wire_value = value.1.map(|wire| self.text(wire, value_bytes));
        let key = name_span.from(name.2);
        let key_signs = match signs.0 {
            Some(signs) if name.0.len() <= limits.name_bytes => signs,
            _ => Signs::of(self.get(key)),
        };
        let value_signs = match signs.1 {
            Some(signs) if value.0.len() <= value_bytes => signs,
            _ => Signs::of(self.get(value_span)),
        };
        self.list.push(Field {
            zone,
            kind,
            name: name_span,
            key,
            value: value_span,
            wire_name,
            wire_value,
            key_signs,
            value_signs,
        });
        if name.0.len() > limits.name_bytes {
            self.find_at(Anomaly::NameTooLong, zone, name_span);
        }
        if value.0.len() > value_bytes {
            self.find_at(Anomaly::ValueTooLong, zone, name_span);
        }
        // Binary bodies hold null bytes by nature; their readers say where one is odd.
        let null = key_signs.any(NUL) || kind == Kind::Text && !whole && value_signs.any(NUL);
        if null {
            self.find_at(Anomaly::NullByte, zone, name_span);
        }
    }

    /// Joins the texts of fields of a zone that share a name, from the field of that index on, with a comma,
    /// as ASP and ASP.NET hand them to the application: an attack may be spread over repeated
    /// parameters so that no value alone shows it (HTTP parameter pollution, CWE-235). Values of
    /// letters, digits and `_.:@-` alone are left apart: joined they would spell nothing new.
    pub fn join_repeated(&mut self, limits: &Limits, zone: Zone, from: usize) {
        let texts = || {
            let fields = self.list.iter().enumerate().skip(from);
            fields.filter(|(_, field)| field.zone == zone && field.kind == Kind::Text)
        };
        // A single field repeats nothing.
        if self.list.len().saturating_sub(from) < 2
            || !may_repeat(texts().map(|(_, field)| self.get(field.name)))
        {
            return;
        }
        let mut order: Vec<usize> = texts().map(|(index, _)| index).collect();
        let name_of = |index: &usize| self.list.get(*index).map(|field| self.get(field.name));
        // Stable, so that the values keep their order.
        order.sort_by(|a, b| name_of(a).cmp(&name_of(b)));
        let mut joined: Vec<(usize, Vec<u8>)> = Vec::new();
        for run in order.chunk_by(|a, b| name_of(a) == name_of(b)) {
            let [first, _, ..] = run else { continue };
            let mut text = Vec::new();
            for field in run.iter().filter_map(|index| self.list.get(*index)) {
                if text.len() > limits.value_bytes {
                    break;
                }
                if !text.is_empty() {
                    text.push(b',');
                }
                text.extend_from_slice(self.get(field.value));
            }
            let telling = |byte: &u8| !byte.is_ascii_alphanumeric() && !b"_.:@-,".contains(byte);
            if text.iter().any(telling) {
                joined.push((*first, text));
            }
        }
        for (first, text) in joined {
            let Some(field) = self.list.get(first).copied() else {
                continue;
            };
            if self.is_full(limits) {
                self.find(Anomaly::TooManyFields, field.zone, b"");
                return;
            }
            let value = self.text(&text, limits.value_bytes);
            self.list.push(Field {
                kind: Kind::Joined,
                value,
                wire_name: None,
                wire_value: None,
                value_signs: Signs::of(self.get(value)),
                ..field
            });
        }
    }

    /// There is room for no more. Told once: what comes behind may be a hundred thousand fields.
    #[cold]
    fn overflow(&mut self, zone: Zone) {
        if !self.seen.contains(Anomaly::TooManyFields) {
            self.find(Anomaly::TooManyFields, zone, b"");
        }
    }

    fn is_full(&self, limits: &Limits) -> bool {
        self.list.len().saturating_add(self.passed) >= limits.fields
            || self.bytes.len().saturating_add(self.passed_bytes) >= limits.arena_bytes()
    }

    /// Records a finding under a name that need not belong to a field.
    pub fn find(&mut self, anomaly: Anomaly, zone: Zone, name: &[u8]) {
        if self.findings.len() < MAX_FINDINGS && !self.repeated(anomaly, zone, name) {
            let name = self.text(name, MAX_FINDING_NAME);
            self.find_at(anomaly, zone, name);
        }
        self.seen.insert(anomaly);
    }

    /// Records a finding about a field.
    pub fn find_in(&mut self, anomaly: Anomaly, field: &Field) {
        self.find_at(anomaly, field.zone, field.name);
    }

    fn find_at(&mut self, anomaly: Anomaly, zone: Zone, name: Span) {
        self.seen.insert(anomaly);
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(Finding {
                anomaly,
                zone,
                name,
            });
        }
    }

    fn repeated(&self, anomaly: Anomaly, zone: Zone, name: &[u8]) -> bool {
        self.seen.contains(anomaly)
            && self
                .findings
                .iter()
                .any(|f| f.anomaly == anomaly && f.zone == zone && self.get(f.name) == name)
    }

    fn text(&mut self, text: &[u8], limit: usize) -> Span {
        let start = self.bytes.len() as u32;
        self.bytes
            .extend_from_slice(text.get(..limit).unwrap_or(text));
        let end = self.bytes.len() as u32;
        self.bytes.push(SEPARATOR);
        Span { start, end }
    }

    /// Adds a text that belongs to no field of its own: a decoded view of one.
    pub fn push_text(&mut self, text: &[u8]) -> Span {
        self.text(text, usize::MAX)
    }

    /// The bytes of a range; empty if it lies outside.
    pub fn get(&self, span: Span) -> &[u8] {
        self.bytes
            .get(span.start as usize..span.end as usize)
            .unwrap_or_default()
    }

    /// All texts, end to end, each followed by [`SEPARATOR`].
    pub fn arena(&self) -> &[u8] {
        &self.bytes
    }

    /// The fields in the order in which they were read.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Field> {
        self.list.iter()
    }

    /// The fields as a slice.
    pub fn list(&self) -> &[Field] {
        &self.list
    }

    /// What the readers noticed, at most 64 findings.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Every anomaly that was noticed, however often.
    pub fn anomalies(&self) -> AnomalySet {
        self.seen
    }
}

/// Bytes of a name that a finding keeps.
const MAX_FINDING_NAME: usize = 128;

/// Whether two of these names may be the same: a yes may be wrong, and is for very many of them. Nearly all
/// requests give every name once, and this is all that they pay.
fn may_repeat<'a>(names: impl Iterator<Item = &'a [u8]>) -> bool {
    const PLACES: usize = 128;
    let mut places = [0_u32; PLACES];
    for (count, name) in names.enumerate() {
        if count >= PLACES / 2 {
            return true;
        }
        let hash = hash_of(name) | 1;
        let mut at = hash as usize / 2;
        loop {
            match places.get_mut(at % PLACES) {
                Some(place) if *place == 0 => {
                    *place = hash;
                    break;
                }
                Some(place) if *place == hash => return true,
                _ => at += 1,
            }
        }
    }
    false
}

/// A hash that anybody can make collide, eight bytes at a time (the idea of FxHash).
fn hash_of(bytes: &[u8]) -> u32 {
    let mix =
        |hash: u64, part: u64| (hash.rotate_left(5) ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let (words, rest) = bytes.as_chunks::<8>();
    let words = words.iter().map(|word| u64::from_le_bytes(*word));
    let last = rest
        .iter()
        .fold(1, |last, byte| last << 8 | u64::from(*byte));
    (mix(words.fold(0, mix), last) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_repeat_are_never_missed() {
        let names: Vec<String> = (0..60)
            .map(|number| format!("a[{number}][b_{}]", number % 7))
            .collect();
        let names: Vec<&[u8]> = names.iter().map(String::as_bytes).collect();
        for count in 0..names.len() {
            let mut some: Vec<&[u8]> = names.get(..count).unwrap_or_default().to_vec();
            assert!(!may_repeat(some.iter().copied()), "{count}");
            for again in 0..count {
                some.push(names.get(again).copied().unwrap_or_default());
                assert!(may_repeat(some.iter().copied()), "{count} {again}");
                some.pop();
            }
        }
    }

    #[test]
    fn what_is_passed_counts_towards_the_limits() {
        let limits = Limits {
            fields: 2,
            ..Limits::default()
        };
        let (zone, kind) = (Zone::RequestHeader, Kind::Text);
        for passed in 0..=3 {
            let mut fields = Fields::default();
            for index in 0..3 {
                assert!(fields.anomalies().is_empty(), "{passed} {index}");
                match index < passed {
                    true => fields.pass(&limits, zone, b"a", b"b"),
                    false => fields.push(&limits, zone, kind, b"a", b"b"),
                }
            }
            let full = fields.anomalies().contains(Anomaly::TooManyFields);
            assert!(full, "{passed}");
        }
    }
}
