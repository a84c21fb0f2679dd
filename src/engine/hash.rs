//! Numbers for texts of a policy, by which they are looked up. The tables hold what the policy says and
//! nothing of a request, so no request can crowd them; nobody is kept out who knows the numbers.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A table by such numbers. Two texts may have one number: what is found is asked again.
pub(super) type Table<V> = HashMap<u64, V, BuildHasherDefault<Known>>;

/// The number of a text.
pub(super) fn of(text: &[u8]) -> u64 {
    const MIX: u64 = 0x9E37_79B9_7F4A_7C15;
    let (words, rest) = text.as_chunks::<8>();
    let rest = rest
        .iter()
        .fold(0, |word, byte| word << 8 | u64::from(*byte));
    let words = words.iter().map(|word| u64::from_le_bytes(*word));
    let mixed = words.chain([rest]).fold(text.len() as u64, |all, word| {
        (all.rotate_left(23) ^ word).wrapping_mul(MIX)
    });
    // Once more, so that the end of the last word tells in the lower bits too.
    let mixed = mixed.rotate_left(23).wrapping_mul(MIX);
    mixed ^ mixed >> 32
}

/// A bit for the length of a text; the last one for all that are longer.
pub(super) const fn length_bit(text: &[u8]) -> u64 {
    let longest = u64::BITS as usize - 1;
    1 << if text.len() < longest {
        text.len()
    } else {
        longest
    }
}

/// Takes a number for its own hash.
#[derive(Default)]
pub(super) struct Known(u64);

impl Hasher for Known {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = of(bytes);
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}
