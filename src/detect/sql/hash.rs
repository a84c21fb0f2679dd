//! Where a word stands in the table of words: a hash of its length and of its first and last bytes,
//! in any case. The build script, which lays the table out, reads this same file.

/// Places of the table; about half of them are taken.
pub(super) const PLACES: usize = 2048;

/// Groups of words that share a displacement.
pub(super) const GROUPS: usize = 512;

/// A hash in which letters of either case are equal. Words that differ may have equal hashes.
pub(super) fn of(word: &[u8]) -> u64 {
    let [first, second, last] = parts(word).map(|part| part & CAPITAL);
    let mixed = (first ^ second.rotate_left(24)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ last.wrapping_mul(0xc2b2_ae3d_27d4_eb4f)
        ^ word.len() as u64;
    let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0x2545_f491_4f6c_dd1d);
    mixed ^ (mixed >> 29)
}

/// Takes from each byte what tells a small letter from a capital. That this also makes some signs
/// equal is for the comparison behind the table to sort out.
const CAPITAL: u64 = !0x2020_2020_2020_2020;

/// The first, second and last eight bytes of a word, overlapping in a short one.
fn parts(word: &[u8]) -> [u64; 3] {
    if let (Some(first), Some(last)) = (word.first_chunk(), word.last_chunk()) {
        // `natural left outer join` and `natural full outer join` differ in the second eight.
        let second = word.get(8..).and_then(|rest| rest.first_chunk());
        return [
            u64::from_le_bytes(*first),
            second.map_or(0, |second| u64::from_le_bytes(*second)),
            u64::from_le_bytes(*last),
        ];
    }
    if let (Some(first), Some(last)) = (word.first_chunk(), word.last_chunk()) {
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        return [u64::from(first), 0, u64::from(last)];
    }
    let first = match *word {
        [one] => u32::from_le_bytes([one, 0, 0, 0]),
        [one, two] => u32::from_le_bytes([one, two, 0, 0]),
        [one, two, three] => u32::from_le_bytes([one, two, three, 0]),
        _ => 0,
    };
    [u64::from(first), 0, 0]
}

/// The group of a hash.
pub(super) fn group(hash: u64) -> usize {
    hash as usize % GROUPS
}

/// The place of a hash whose group is moved by this much.
pub(super) fn place(hash: u64, displacement: u8) -> usize {
    let start = (hash >> 16) as usize;
    let step = (hash >> 40) as usize | 1;
    start.wrapping_add(step.wrapping_mul(usize::from(displacement))) % PLACES
}

/// Pairs of first letters that the lengths of words are kept for.
pub(super) const STARTS: usize = 1024;

/// Whether a table of lengths has that of this word among those of the words that begin alike, which is so
/// for few words of prose; all that have as many bytes as there are bits, or more, share the last.
pub(super) fn may_hold(lengths: &[u16; STARTS], word: &[u8]) -> bool {
    let (start, length) = start(word);
    lengths.get(start).is_some_and(|all| all & length != 0)
}

/// The place of a word in the table of lengths, and the bit of its own.
pub(super) fn start(word: &[u8]) -> (usize, u16) {
    let [first, second, ..] = word else {
        return (0, 0);
    };
    // The lower five bits of a letter are the same in both cases.
    let start = usize::from(first & 31) << 5 | usize::from(second & 31);
    (start, 1 << word.len().min(15))
}
