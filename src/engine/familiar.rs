//! Headers in which nothing was found before. A client sends the same `user-agent`, `accept` and the
//! like with every request: what was looked at once, and was clean, need not be looked at again.
//!
//! A header is known by all its bytes, so none is ever taken for another; the memory is of fixed size,
//! and what comes only once does not push out what comes again and again. Secrets are not kept.

use std::collections::BTreeSet;

use crate::request::Familiar;

/// Headers that are kept, a power of two.
const SLOTS: usize = 512;
/// Bytes of name and value together, at most: with what else a slot holds, 256.
const BYTES: usize = 236;

/// Which headers a policy lets be remembered.
#[derive(Debug)]
pub(super) enum Memory {
    /// None: something of it may look at any.
    Off,
    /// All but these.
    But(Names),
}

/// Names of headers, in lower case.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// A bit for each length; the last one for all that are longer.
    lengths: u64,
    names: BTreeSet<Box<[u8]>>,
}

impl Names {
    /// Adds one.
    pub(super) fn add(&mut self, name: &[u8]) {
        self.lengths |= length_bit(name);
        self.names.insert(name.to_ascii_lowercase().into());
    }

    /// Whether a header has one of these names. One in capitals may always have.
    pub(super) fn contain(&self, (name, _): (&[u8], &[u8])) -> bool {
        self.lengths & length_bit(name) != 0
            && (self.names.contains(name) || name.iter().any(u8::is_ascii_uppercase))
    }
}

const fn length_bit(name: &[u8]) -> u64 {
    let longest = u64::BITS as usize - 1;
    1 << if name.len() < longest {
        name.len()
    } else {
        longest
    }
}

/// Headers that were clean, of all policies of the process.
#[derive(Debug, Default)]
pub(super) struct Headers {
    slots: Vec<Slot>,
    /// Those of the head at hand that are not known: where they would be, and their place in the head.
    missed: Vec<(u32, u32)>,
}

/// Whose judgement it is: the engine, by its number, and the scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Judge {
    pub(super) engine: u32,
    pub(super) scope: u16,
}

#[derive(Clone, Debug)]
struct Slot {
    judge: Judge,
    name: u16,
    value: u16,
    /// It was asked for since another header wanted this place.
    used: bool,
    bytes: [u8; BYTES],
}

impl Headers {
    /// Forgets which headers of the last head were not known.
    pub(super) fn begin(&mut self) {
        self.missed.clear();
    }

    /// Whether a header was clean before. The name alone may have been.
    pub(super) fn knows(
        &mut self,
        judge: Judge,
        (name, value): (&[u8], &[u8]),
        index: usize,
    ) -> Familiar {
        if name.len().saturating_add(value.len()) <= BYTES {
            let place = place(name, value);
            if self.holds(judge, place, name, value) {
                return Familiar::Whole;
            }
            self.missed.push((place as u32, index as u32));
        }
        if self.holds(judge, place(name, b""), name, b"") {
            return Familiar::Name;
        }
        Familiar::No
    }

    fn holds(&mut self, judge: Judge, place: usize, name: &[u8], value: &[u8]) -> bool {
        let Some(slot) = self.slots.get_mut(place) else {
            return false;
        };
        let (known_name, rest) = slot
            .bytes
            .split_at_checked(usize::from(slot.name))
            .unwrap_or_default();
        let known_value = rest.get(..usize::from(slot.value)).unwrap_or_default();
        let same = slot.judge == judge && same(known_value, value) && same(known_name, name);
        slot.used |= same;
        same
    }

    /// Takes note of the headers of a head that were not known, now that nothing was found in any.
    pub(super) fn learn<'a>(
        &mut self,
        judge: Judge,
        header: impl Fn(usize) -> Option<(&'a [u8], &'a [u8])>,
    ) {
        let missed = std::mem::take(&mut self.missed);
        for (place_of_both, index) in &missed {
            if let Some((name, value)) = header(*index as usize) {
                self.keep(judge, *place_of_both as usize, name, value);
                self.keep(judge, place(name, b""), name, b"");
            }
        }
        self.missed = missed;
    }

    fn keep(&mut self, judge: Judge, place: usize, name: &[u8], value: &[u8]) {
        if self.slots.is_empty() {
            let none = Slot {
                judge: Judge::default(),
                name: 0,
                value: 0,
                used: false,
                bytes: [0; BYTES],
            };
            self.slots.resize(SLOTS, none);
        }
        if self.holds(judge, place, name, value) {
            return;
        }
        let Some(slot) = self.slots.get_mut(place) else {
            return;
        };
        if std::mem::take(&mut slot.used) {
            return;
        }
        let all = name.iter().chain(value);
        slot.bytes
            .iter_mut()
            .zip(all)
            .for_each(|(to, from)| *to = *from);
        slot.judge = judge;
        // Their sum is at most `BYTES`.
        slot.name = name.len() as u16;
        slot.value = value.len() as u16;
    }
}

/// The slot of a header, by its lengths and some of its bytes. Whoever makes many headers for one slot
/// makes his own requests slower, up to what they cost without any memory.
fn place(name: &[u8], value: &[u8]) -> usize {
    const MIX: u64 = 0x9E37_79B9_7F4A_7C15;
    let lengths = (name.len() as u64) << 32 | value.len() as u64;
    let third = value.len() / 3;
    let words = [
        word(name, 0),
        word(name, name.len().saturating_sub(8)),
        word(value, 0),
        word(value, third),
        word(value, third.saturating_mul(2)),
        word(value, value.len().saturating_sub(8)),
    ];
    let all = words.into_iter().fold(lengths, |all, word| {
        (all.rotate_left(23) ^ word).wrapping_mul(MIX)
    });
    (all >> 40) as usize % SLOTS
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
    };

    fn learn(headers: &mut Headers, judge: Judge, all: &[(&[u8], &[u8])]) {
        headers.begin();
        for (index, header) in all.iter().enumerate() {
            headers.knows(judge, *header, index);
        }
        headers.learn(judge, |index| all.get(index).copied());
    }

    #[test]
    fn a_header_is_known_by_all_its_bytes_and_its_judge() {
        let mut headers = Headers::default();
        let long = [b'v'; 200];
        let all: [(&[u8], &[u8]); 3] = [
            (b"accept", b"text/html, */*; q=0.1"),
            (b"te", b""),
            (b"x", &long),
        ];
        for header in all {
            assert_eq!(headers.knows(JUDGE, header, 0), Familiar::No);
        }
        learn(&mut headers, JUDGE, &all);
        for header in all {
            assert_eq!(headers.knows(JUDGE, header, 0), Familiar::Whole);
            let other = Judge { scope: 1, ..JUDGE };
            assert_eq!(headers.knows(other, header, 0), Familiar::No);
            // Another byte anywhere is another header.
            let (name, value) = header;
            for at in 0..value.len() {
                let mut value = value.to_vec();
                value[at] ^= 1;
                assert_eq!(headers.knows(JUDGE, (name, &value), 0), Familiar::Name);
            }
            let longer = [value, b"'"].concat();
            assert_eq!(headers.knows(JUDGE, (name, &longer), 0), Familiar::Name);
        }
        // What was moved from the name to the value is another header too.
        assert_eq!(headers.knows(JUDGE, (b"t", b"e"), 0), Familiar::No);
    }

    #[test]
    fn what_comes_again_stays_and_what_is_too_long_is_not_kept() {
        let mut headers = Headers::default();
        let often: [(&[u8], &[u8]); 1] = [(b"user-agent", b"Mozilla/5.0")];
        learn(&mut headers, JUDGE, &often);
        for n in 0..100_000 {
            let id = format!("{n:036}");
            learn(&mut headers, JUDGE, &[(b"x-request-id", id.as_bytes())]);
            assert_eq!(headers.knows(JUDGE, often[0], 0), Familiar::Whole, "{n}");
        }
        assert_eq!(headers.slots.len(), SLOTS);
        let long = [b'x'; BYTES];
        learn(&mut headers, JUDGE, &[(b"a", &long)]);
        assert_ne!(headers.knows(JUDGE, (b"a", &long), 0), Familiar::Whole);
    }

    #[test]
    fn slots_are_of_the_size_they_say() {
        assert!(size_of::<Slot>() <= 256);
    }
}
