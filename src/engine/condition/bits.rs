//! Rows of bits.

/// A bit of a row of them.
pub(super) fn bit(row: &[u64], index: usize) -> bool {
    row.get(index / 64)
        .is_some_and(|word| word & (1 << (index % 64)) != 0)
}

pub(super) fn set(row: &mut [u64], index: usize, value: bool) {
    if let Some(word) = row.get_mut(index / 64) {
        let mask = 1 << (index % 64);
        *word = if value { *word | mask } else { *word & !mask };
    }
}

/// The bits that are set.
pub(super) fn ones(row: &[u64]) -> impl Iterator<Item = usize> {
    row.iter().enumerate().flat_map(|(index, word)| {
        let mut left = *word;
        std::iter::from_fn(move || {
            let next = (left != 0).then(|| index * 64 + left.trailing_zeros() as usize);
            left &= left.wrapping_sub(1);
            next
        })
    })
}

/// A row of bits that are not set.
pub(super) fn row(bits: usize) -> Box<[u64]> {
    vec![0; bits.div_ceil(64)].into_boxed_slice()
}
