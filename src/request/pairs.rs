//! `name=value` pairs, as queries and urlencoded forms hold them (WHATWG URL, 5.1).

use super::body::{graphql, json};
use super::charset::Charset;
use super::{Fields, Kind, Sink};
use crate::decode::signs::{SPACE, classes};
use crate::decode::{Outcome, Signs, percent};
use crate::model::{Anomaly, Limits, Zone};

/// What pairs are read for.
pub(super) struct Pairs {
    /// The zone of the fields.
    pub(super) zone: Zone,
    /// What stray, doubled and trailing `&` are called there.
    pub(super) malformed: Anomaly,
    /// What the bytes behind percent-encoding are written in.
    pub(super) charset: Charset,
    /// Whether the last pair is whole.
    pub(super) complete: bool,
    /// Whether what is odd is a finding.
    pub(super) declared: bool,
}

impl Pairs {
    /// Reads the pairs of `input`. A piece without `=` is a name without a value.
    pub(super) fn read(&self, input: &[u8], limits: &Limits, fields: &mut Fields) {
        let first = fields.list().len();
        let mut decoded = Decoded::default();
        let mut rest = Some(input);
        let mut malformed = false;
        while let Some(text) = rest {
            let at = memchr::memchr(b'&', text);
            let (piece, behind) = at
                .and_then(|at| text.split_at_checked(at))
                .unwrap_or((text, &[]));
            rest = at.and_then(|_| behind.get(1..));
            let whole = self.complete || rest.is_some();
            if piece.is_empty() {
                malformed |= whole && !input.is_empty();
                continue;
            }
            self.pair(piece, whole, limits, &mut decoded, fields);
        }
        if malformed && self.declared {
            fields.find(self.malformed, self.zone, b"");
        }
        fields.join_repeated(limits, self.zone, first);
        self.semicolons(input, limits, &mut decoded, fields);
    }

    /// HTML 4.01 (B.2.2) allowed `;` between pairs and some servers still split there: what the
    /// others take for one value is then several. Only the pairs behind a `;` are new.
    fn semicolons(
        &self,
        input: &[u8],
        limits: &Limits,
        decoded: &mut Decoded,
        fields: &mut Fields,
    ) {
        if memchr::memchr(b';', input).is_none() {
            return;
        }
        for piece in input.split(|byte| *byte == b'&') {
            for pair in piece.split(|byte| *byte == b';').skip(1) {
                if memchr::memchr(b'=', pair).is_some() {
                    self.pair(pair, false, limits, decoded, fields);
                }
            }
        }
    }

    fn pair(
        &self,
        piece: &[u8],
        whole: bool,
        limits: &Limits,
        decoded: &mut Decoded,
        fields: &mut Fields,
    ) {
        // Nearly all names end soon and need no decoding: then one look tells all of it.
        let (signs, at) = Signs::until(piece, EQUALS | ENCODED);
        let (plain, behind) = piece.split_at_checked(at).unwrap_or((piece, b""));
        let is_plain = self.charset == Charset::Ascii && matches!(behind, [] | [b'=', ..]);
        let (wire_name, wire_value) = if is_plain {
            (plain, behind)
        } else {
            let at = memchr::memchr(b'=', piece).unwrap_or(piece.len());
            piece.split_at_checked(at).unwrap_or((piece, b""))
        };
        let wire_value = wire_value.strip_prefix(b"=").unwrap_or(wire_value);
        let (name, signs, name_is_broken) = if is_plain {
            ((wire_name, None), signs, false)
        } else {
            let (name, broken) = decode(self.charset, wire_name, &mut decoded.name);
            (name, Signs::of(name.0), broken)
        };
        let (value, value_is_broken) = decode(self.charset, wire_value, &mut decoded.value);
        if (name_is_broken || value_is_broken) && whole && self.declared {
            fields.find(Anomaly::InvalidPercent, self.zone, name.0);
        }
        let kind = self.nested(name.0, value.0, limits, fields);
        match (name, value) {
            ((name, None), (value, None)) => {
                let value = (value, Signs::of(value));
                fields.push_plain(limits, self.zone, kind, (name, 0, signs), value);
            }
            ((name, wire_name), value) => {
                let name = (name, wire_name, signs);
                fields.push_named(limits, self.zone, kind, name, value);
            }
        }
        if wire_name.len() < piece.len() && signs.any(ENDS_A_NAME) {
            // No form has such names: the `=` stands inside markup or a statement, which must be seen
            // in one piece.
            let joined = [name.0, b"=", value.0].concat();
            fields.push(limits, self.zone, Kind::Joined, b"", &joined);
        }
    }

    /// GraphQL over GET sends its document and its variables, a JSON text, as parameters.
    fn nested(&self, name: &[u8], value: &[u8], limits: &Limits, fields: &mut Fields) -> Kind {
        let mut sink = Sink {
            limits,
            fields,
            zone: self.zone,
            complete: self.complete,
            declared: false,
        };
        match name {
            b"query" if graphql::looks_like(value) && graphql::read(value, name, &mut sink) => {
                return Kind::Token;
            }
            b"variables" | b"extensions" if value.starts_with(b"{") => {
                json::read(value, name, false, &mut sink);
            }
            _ => {}
        }
        Kind::Text
    }
}

/// Places for what a name and a value are decoded to, used for one pair after the other.
#[derive(Default)]
struct Decoded {
    name: Vec<u8>,
    value: Vec<u8>,
}

/// A text, decoded and then as it came where that differs, and whether its percent-encoding is broken.
fn decode<'a>(
    charset: Charset,
    wire: &'a [u8],
    place: &'a mut Vec<u8>,
) -> ((&'a [u8], Option<&'a [u8]>), bool) {
    let mut outcome = Outcome::default();
    let mut in_place = false;
    if memchr::memchr2(b'%', b'+', wire).is_some() {
        place.clear();
        outcome = percent::decode(wire, true, place);
        in_place = true;
    }
    if charset != Charset::Ascii
        && let Some(text) = charset.decode(if in_place { place } else { wire })
    {
        *place = text;
        outcome.changed = place != wire;
        in_place = true;
    }
    let text = if in_place { place.as_slice() } else { wire };
    let broken = outcome.anomalies.contains(Anomaly::InvalidPercent);
    ((text, outcome.changed.then_some(wire)), broken)
}

/// What ends a name.
const EQUALS: u64 = classes(b"=");

/// What has to be decoded.
const ENCODED: u64 = classes(b"%+");

/// What stands in no name of a form.
const ENDS_A_NAME: u64 = SPACE | classes(b"<>\"'`()|{;");

/// What came on the wire, where the decoded text is another.
pub(super) fn differs<'a>(decoded: &[u8], wire: &'a [u8]) -> Option<&'a [u8]> {
    (decoded != wire).then_some(wire)
}
