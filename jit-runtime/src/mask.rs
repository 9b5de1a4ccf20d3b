//! Sets of external symbols, by ordinal.

/// How many symbols can have an ordinal (`SYMBOL_MASK_WORDS` in CPython's `Python/jit.c`).
pub(crate) const ORDINALS: usize = 256;

/// A set of ordinals.
pub(crate) type Mask = [u64; ORDINALS / 64];

/// Returns the ordinals in a mask, in ascending order.
pub(crate) fn ordinals(mask: &Mask) -> impl Iterator<Item = usize> + '_ {
    mask.iter().enumerate().flat_map(|(index, word)| {
        let mut rest = *word;
        std::iter::from_fn(move || {
            (rest != 0).then(|| {
                let bit = rest.trailing_zeros() as usize;
                rest &= rest - 1;
                index * 64 + bit
            })
        })
    })
}

/// Returns whether an ordinal is in a mask.
pub(crate) fn contains(mask: &Mask, ordinal: usize) -> bool {
    mask.get(ordinal / 64)
        .is_some_and(|word| word >> (ordinal % 64) & 1 != 0)
}

/// Returns how many ordinals of a mask are below `ordinal`: the index of its slot.
pub(crate) fn slot_index(mask: &Mask, ordinal: usize) -> usize {
    mask.iter()
        .enumerate()
        .map(|(index, word)| {
            let below = (ordinal.saturating_sub(index * 64)).min(64);
            let bits = if below == 64 {
                *word
            } else {
                word & ((1 << below) - 1)
            };
            bits.count_ones() as usize
        })
        .sum()
}
