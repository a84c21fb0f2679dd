//! Headers, and names of fields, in which nothing was found before. A client sends the same `user-agent`, `accept` and the
//! like with every request, and a form has the same fields: what was looked at once, and was clean, need not be
//! looked at again. Of a header whose values are ids or numbers the name is enough: whatever keeps to their syntax
//! is no text that is looked at.
//!
//! A text is known by all its bytes, so none is ever taken for another; the memory is of fixed size,
//! and what comes only once does not push out what comes again and again. Secrets are not kept.

use std::collections::BTreeSet;

use super::hash::length_bit;
use super::redact::is_secret_name;
use crate::model::Zone;
use crate::request::{Familiar, Head, Place, Syntax};

/// Headers that are kept, a power of two, and bytes of name and value together, at most: with what else a
/// slot holds, 256.
type KeptHeaders = Slots<512, 236>;
/// The same for names alone, of which there are more: 64 bytes each.
type KeptNames = Slots<2048, 44>;

/// Which headers a policy lets be remembered.
#[derive(Debug)]
pub(super) enum Memory {
    /// None: something of it may look at any.
    Off,
    /// All but these.
    But(Names),
}

/// Names of headers, in lower case, and whether the path is among them.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// A bit for each length; the last one for all that are longer.
    lengths: u64,
    names: BTreeSet<Box<[u8]>>,
    /// Paths are not remembered either.
    paths: bool,
}

impl Names {
    /// Adds one.
    pub(super) fn add(&mut self, name: &[u8]) {
        self.lengths |= length_bit(name);
        self.names.insert(name.to_ascii_lowercase().into());
    }

    /// Adds the path.
    pub(super) fn add_paths(&mut self) {
        self.paths = true;
    }

    /// Whether a header has one of these names. One in capitals may always have.
    pub(super) fn contain(&self, (name, _): (&[u8], &[u8]), place: Place) -> bool {
        if place == Place::Path {
            return self.paths;
        }
        self.lengths & length_bit(name) != 0
            && (self.names.contains(name) || name.iter().any(u8::is_ascii_uppercase))
    }
}

/// Headers, and names of parameters and the like, that were clean, of all policies of the process.
#[derive(Debug, Default)]
pub(super) struct Kept {
    headers: KeptHeaders,
    names: KeptNames,
    /// What is not known of the head at hand: the slot where it would be, and its place in the head.
    missed: Vec<(u32, Place)>,
    /// Names among the fields at hand that are not known: the slot where each would be, and the index of the field.
    missed_names: Vec<(u32, u32)>,
}

/// Whose judgement it is: the engine, by its number, and the scope; and of what zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Judge {
    pub(super) engine: u32,
    pub(super) scope: u16,
    pub(super) zone: Zone,
}

impl Judge {
    /// The same in the zone of a place.
    fn of(self, place: Place) -> Self {
        let zone = match place {
            Place::Path => Zone::Path,
            Place::Authority | Place::Header(_) => Zone::RequestHeader,
        };
        Self { zone, ..self }
    }
}

impl Kept {
    /// Forgets what was not known of the last head.
    pub(super) fn begin(&mut self) {
        self.missed.clear();
    }

    /// Whether the path or a header was clean before. The name alone may have been: then a value that keeps to the
    /// syntax of such headers is clean too, like the id that is another with every request, and need not be kept; unless
    /// it has more than `most` bytes.
    pub(super) fn knows(
        &mut self,
        judge: Judge,
        (name, value): (&[u8], &[u8]),
        place: Place,
        most: usize,
    ) -> Familiar {
        let judge = judge.of(place);
        let slot = slot_of(name, value);
        if self.headers.find(judge, slot, name, value).is_some() {
            return Familiar::Whole;
        }
        let named = match name {
            [] => None,
            _ => self.names.find(judge, slot_of(name, b""), name, b""),
        };
        let syntax = named.and_then(|slot| slot.syntax);
        if value.len() <= most && syntax.is_some_and(|syntax| syntax.holds_no_text(value)) {
            return Familiar::Whole;
        }
        self.missed.push((slot, place));
        match named {
            Some(_) => Familiar::Name,
            None => Familiar::No,
        }
    }

    /// Takes note of what was not known of a head, now that nothing was found in it.
    pub(super) fn learn(&mut self, judge: Judge, head: &Head<'_>) {
        for (slot, place) in self.missed.drain(..) {
            let judge = judge.of(place);
            let header: Option<(&[u8], &[u8])> = match place {
                Place::Path => Some((b"", head.path())),
                Place::Authority => Some((b"host", head.authority)),
                Place::Header(index) => head.headers.get(index as usize).copied(),
            };
            let Some((name, value)) = header else {
                continue;
            };
            // Cookies and credentials, and the headers that applications have for secrets of their own.
            if is_secret_name(name, &[]) {
                continue;
            }
            self.headers.keep(judge, slot, (name, value), None);
        }
    }

    /// Forgets which names among the last fields were not known.
    pub(super) fn begin_names(&mut self) {
        self.missed_names.clear();
    }

    /// Whether the name of the field of that index was clean before.
    pub(super) fn knows_field(&mut self, judge: Judge, name: &[u8], index: u32) -> bool {
        let slot = slot_of(name, b"");
        let known = self.names.find(judge, slot, name, b"").is_some();
        if !known {
            self.missed_names.push((slot, index));
        }
        known
    }

    /// Takes note of the names that were not known. `name` gives that of a field with its judge, if nothing was
    /// found in it.
    pub(super) fn learn_names<'a>(&mut self, name: impl Fn(u32) -> Option<(Judge, &'a [u8])>) {
        for (slot, index) in self.missed_names.drain(..) {
            if let Some((judge, name)) = name(index) {
                let syntax = match judge.zone {
                    Zone::RequestHeader => Syntax::of_header(name),
                    _ => None,
                };
                self.names.keep(judge, slot, (name, b""), syntax);
            }
        }
    }
}

/// Texts in two parts, each in the one slot where it can be.
#[derive(Debug, Default)]
struct Slots<const SLOTS: usize, const BYTES: usize> {
    slots: Vec<Slot<BYTES>>,
}

#[derive(Clone, Debug)]
struct Slot<const BYTES: usize> {
    judge: Judge,
    first: u16,
    second: u16,
    /// It was asked for since another text wanted this place.
    used: bool,
    /// Of the name of a header: what its values are due to be written in.
    syntax: Option<Syntax>,
    bytes: [u8; BYTES],
}

impl<const SLOTS: usize, const BYTES: usize> Slots<SLOTS, BYTES> {
    fn find(
        &mut self,
        judge: Judge,
        slot: u32,
        first: &[u8],
        second: &[u8],
    ) -> Option<&Slot<BYTES>> {
        let slot = self.slots.get_mut(slot as usize % SLOTS)?;
        if usize::from(slot.first) != first.len()
            || usize::from(slot.second) != second.len()
            || slot.judge != judge
        {
            return None;
        }
        let (known_first, rest) = slot.bytes.split_at_checked(first.len()).unwrap_or_default();
        let known_second = rest.get(..second.len()).unwrap_or_default();
        let same = same(known_second, second) && same(known_first, first);
        slot.used |= same;
        same.then_some(slot)
    }

    fn keep(
        &mut self,
        judge: Judge,
        slot: u32,
        (first, second): (&[u8], &[u8]),
        syntax: Option<Syntax>,
    ) {
        if first.len().saturating_add(second.len()) > BYTES
            || self.find(judge, slot, first, second).is_some()
        {
            return;
        }
        if self.slots.is_empty() {
            // Of no engine: they are numbered from 1.
            let none = Slot {
                judge: Judge {
                    engine: 0,
                    scope: 0,
                    zone: Zone::RequestHeader,
                },
                first: 0,
                second: 0,
                used: false,
                syntax: None,
                bytes: [0; BYTES],
            };
            self.slots.resize(SLOTS, none);
        }
        let Some(slot) = self.slots.get_mut(slot as usize % SLOTS) else {
            return;
        };
        if std::mem::take(&mut slot.used) {
            return;
        }
        // One part after the other: a chain of both would be copied byte by byte.
        let (to_first, to_second) = slot
            .bytes
            .split_at_mut_checked(first.len())
            .unwrap_or_default();
        for (to, from) in [(to_first, first), (to_second, second)] {
            to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
        }
        slot.judge = judge;
        slot.syntax = syntax;
        // Their sum is at most `BYTES`.
        slot.first = first.len() as u16;
        slot.second = second.len() as u16;
    }
}

/// The slot of a header, by its lengths and some of its bytes. Whoever makes many headers for one slot
/// makes his own requests slower, up to what they cost without any memory.
fn slot_of(name: &[u8], value: &[u8]) -> u32 {
    const MIX: u64 = 0x9E37_79B9_7F4A_7C15;
    let lengths = (name.len() as u64) << 32 | value.len() as u64;
    let mix = |all: u64, word: u64| (all.rotate_left(23) ^ word).wrapping_mul(MIX);
    let ends = |text: &[u8]| [word(text, 0), word(text, text.len().saturating_sub(8))];
    let mut all = ends(name).into_iter().fold(lengths, mix);
    if !value.is_empty() {
        all = ends(value).into_iter().fold(all, mix);
        all = mix(all, word(value, value.len() / 2));
    }
    // Once more, so that the end of the last word tells too.
    (mix(all, 0) >> 32) as u32
}

/// Eight bytes of a text, or as many as there are.
fn word(text: &[u8], at: usize) -> u64 {
    let rest = text.get(at..).unwrap_or_default();
    match rest.first_chunk::<8>() {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => rest
            .iter()
            .fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

/// Whether two texts are the same, by sixteen bytes at a time: what the Wasm library brings compares one.
fn same(a: &[u8], b: &[u8]) -> bool {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
    a.len() == b.len()
        && a_rest.len() == b_rest.len()
        && a.iter()
            .zip(b)
            .all(|(a, b)| u128::from_ne_bytes(*a) == u128::from_ne_bytes(*b))
        && a_rest.iter().zip(b_rest).all(|(a, b)| a == b)
}

#[cfg(test)]
mod tests {
    use super::*;

    const JUDGE: Judge = Judge {
        engine: 1,
        scope: 0,
        zone: Zone::RequestHeader,
    };

    const MOST: usize = 1000;

    fn learn(headers: &mut Kept, judge: Judge, all: &[(&[u8], &[u8])]) {
        headers.begin();
        headers.begin_names();
        for (index, header) in (0..).zip(all) {
            let known = headers.knows(judge, *header, Place::Header(index), MOST);
            if known == Familiar::No {
                headers.knows_field(judge, header.0, index);
            }
        }
        headers.learn_names(|index| Some((judge, all[index as usize].0)));
        headers.learn(judge, &head(b"/", all));
    }

    fn head<'a>(target: &'a [u8], headers: &'a [(&'a [u8], &'a [u8])]) -> Head<'a> {
        Head {
            method: b"GET",
            scheme: b"https",
            authority: b"a",
            target,
            protocol: b"",
            headers,
            end_of_stream: true,
        }
    }

    const FIRST: Place = Place::Header(0);

    #[test]
    fn a_path_is_no_header() {
        let mut kept = Kept::default();
        let path: (&[u8], &[u8]) = (b"", b"/a");
        assert_eq!(kept.knows(JUDGE, path, Place::Path, MOST), Familiar::No);
        kept.learn(JUDGE, &head(b"/a?b=c", &[]));
        assert_eq!(kept.knows(JUDGE, path, Place::Path, MOST), Familiar::Whole);
        assert_eq!(kept.knows(JUDGE, path, FIRST, MOST), Familiar::No);
        assert_eq!(
            kept.knows(JUDGE, (b"", b"/a?b=c"), Place::Path, MOST),
            Familiar::No
        );
    }

    #[test]
    fn a_header_is_known_by_all_its_bytes_and_its_judge() {
        let mut headers = Kept::default();
        let long = [b'v'; 200];
        let all: [(&[u8], &[u8]); 3] = [
            (b"x-note", b"text/html, */*; q=0.1"),
            (b"xy", b""),
            (b"x", &long),
        ];
        for header in all {
            assert_eq!(headers.knows(JUDGE, header, FIRST, MOST), Familiar::No);
        }
        learn(&mut headers, JUDGE, &all);
        for header in all {
            assert_eq!(headers.knows(JUDGE, header, FIRST, MOST), Familiar::Whole);
            let other = Judge { scope: 1, ..JUDGE };
            assert_eq!(headers.knows(other, header, FIRST, MOST), Familiar::No);
            // Another byte anywhere is another header.
            let (name, value) = header;
            for at in 0..value.len() {
                let mut value = value.to_vec();
                value[at] ^= 1;
                assert_eq!(
                    headers.knows(JUDGE, (name, &value), FIRST, MOST),
                    Familiar::Name
                );
            }
            let longer = [value, b"'"].concat();
            assert_eq!(
                headers.knows(JUDGE, (name, &longer), FIRST, MOST),
                Familiar::Name
            );
        }
        // What was moved from the name to the value is another header too.
        assert_ne!(
            headers.knows(JUDGE, (b"x", b"y"), FIRST, MOST),
            Familiar::Whole
        );
    }

    #[test]
    fn an_id_of_a_known_name_is_known_by_its_syntax() {
        let mut kept = Kept::default();
        let id = b"550e8400-e29b-41d4-a716-446655440000";
        let known: [(&[u8], &[u8]); 3] = [
            (b"x-request-id", b"0"),
            (b"content-length", b"7"),
            (b"x-note", b"0"),
        ];
        for (name, _) in known {
            assert_eq!(kept.knows(JUDGE, (name, id), FIRST, MOST), Familiar::No);
        }
        learn(&mut kept, JUDGE, &known);
        for (name, value, expected) in [
            (&b"x-request-id"[..], &id[..], Familiar::Whole),
            (b"x-request-id", b"550e8400' or 1=1", Familiar::Name),
            (b"x-request-id", b"550e8400\xFF", Familiar::Name),
            (b"content-length", b"4711", Familiar::Whole),
            (b"content-length", b"4711, 4711", Familiar::Name),
            // Any text may stand there.
            (b"x-note", b"1", Familiar::Name),
        ] {
            assert_eq!(kept.knows(JUDGE, (name, value), FIRST, MOST), expected);
        }
        // A long one is for the reader, who says so.
        let known = kept.knows(JUDGE, (b"x-request-id", id), FIRST, id.len() - 1);
        assert_eq!(known, Familiar::Name);
        let other = Judge { engine: 2, ..JUDGE };
        assert_eq!(
            kept.knows(other, (b"x-request-id", id), FIRST, MOST),
            Familiar::No
        );
    }

    #[test]
    fn secrets_are_not_kept() {
        let mut kept = Kept::default();
        let secrets: [(&[u8], &[u8]); 5] = [
            (b"cookie", b"a=b"),
            (b"authorization", b"Basic YTpi"),
            (b"Proxy-Authorization", b"Basic YTpi"),
            (b"x-api-key", b"0123456789"),
            (b"x-auth-token", b"abc"),
        ];
        learn(&mut kept, JUDGE, &secrets);
        for secret in secrets {
            assert_eq!(kept.knows(JUDGE, secret, FIRST, MOST), Familiar::Name);
        }
    }

    #[test]
    fn what_comes_again_stays_and_what_is_too_long_is_not_kept() {
        let mut headers = Kept::default();
        let often: [(&[u8], &[u8]); 1] = [(b"user-agent", b"Mozilla/5.0")];
        learn(&mut headers, JUDGE, &often);
        for n in 0..100_000 {
            let id = format!("{n:036}");
            learn(&mut headers, JUDGE, &[(b"x-note", id.as_bytes())]);
            assert_eq!(
                headers.knows(JUDGE, often[0], FIRST, MOST),
                Familiar::Whole,
                "{n}"
            );
        }
        assert_eq!(headers.headers.slots.len(), 512);
        let long = [b'x'; 236];
        learn(&mut headers, JUDGE, &[(b"a", &long)]);
        assert_ne!(
            headers.knows(JUDGE, (b"a", &long), FIRST, MOST),
            Familiar::Whole
        );
    }

    #[test]
    fn names_of_fields_are_known_by_their_zone() {
        let mut kept = Kept::default();
        let zones = [Zone::QueryString, Zone::RequestBody];
        let [query, body] = zones.map(|zone| Judge { zone, ..JUDGE });
        assert!(!kept.knows_field(query, b"page", 3));
        assert!(!kept.knows_field(query, b"<b>", 4));
        kept.learn_names(|index| (index == 3).then_some((query, &b"page"[..])));
        assert!(kept.knows_field(query, b"page", 0));
        assert!(!kept.knows_field(body, b"page", 0));
        assert!(!kept.knows_field(query, b"<b>", 0));
        assert!(!kept.knows_field(query, b"", 0));
    }

    #[test]
    fn slots_are_of_the_size_they_say() {
        assert!(size_of::<Slot<236>>() <= 256);
        assert!(size_of::<Slot<44>>() <= 64);
    }
}
