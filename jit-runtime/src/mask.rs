//! Sets of external symbols, by ordinal.

use jit_stencils::SymbolMask;

/// How many 64-bit words the sets of most stencils need: CPython has up to 256 symbols with ordinals
/// (`SYMBOL_MASK_WORDS` in its `Python/jit.c`).
pub(crate) const LOW_WORDS: usize = 4;

/// The ordinals below `64 * LOW_WORDS` of a set, a bit each.
pub(crate) type Low = [u64; LOW_WORDS];

/// A set of ordinals, a bit each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Mask {
    low: Low,
    /// The words after those; empty in sets without such ordinals.
    high: Vec<u64>,
}

impl From<Low> for Mask {
    fn from(low: Low) -> Mask {
        Mask {
            low,
            high: Vec::new(),
        }
    }
}

/// Words of a set that are not 0, each with its index, in ascending order.
pub(crate) type Words = Vec<(usize, u64)>;

/// Returns the low words of a stencil's set.
pub(crate) fn low(mask: &SymbolMask) -> Low {
    let mut low = Low::default();
    for (index, word) in mask.sparse_words() {
        match low.get_mut(*index) {
            Some(own) => *own = *word,
            None => break,
        }
    }
    low
}

/// Returns the words of a stencil's set from there on.
pub(crate) fn high(mask: &SymbolMask) -> Words {
    let words = mask.sparse_words();
    let start = words.partition_point(|(index, _)| *index < LOW_WORDS);
    words.get(start..).unwrap_or_default().to_vec()
}

/// Returns the largest ordinal of a stencil's set.
pub(crate) fn largest(mask: &SymbolMask) -> Option<usize> {
    let (index, word) = mask.sparse_words().last()?;
    Some(index * 64 + word.checked_ilog2()? as usize)
}

/// Returns the ordinals of a set in ascending order: those of its low words, and of the others.
pub(crate) fn ordinals<'m>(
    low: &'m Low,
    high: &'m [(usize, u64)],
) -> impl Iterator<Item = usize> + use<'m> {
    let words = low.iter().copied().enumerate().chain(high.iter().copied());
    words.flat_map(|(index, word)| bits(word).map(move |bit| index * 64 + bit))
}

/// Returns the indices of the bits that are set, in ascending order.
fn bits(word: u64) -> impl Iterator<Item = usize> {
    let mut rest = word;
    std::iter::from_fn(move || {
        (rest != 0).then(|| {
            let bit = rest.trailing_zeros() as usize;
            rest &= rest - 1;
            bit
        })
    })
}

impl Mask {
    /// Adds an ordinal.
    pub(crate) fn insert(&mut self, ordinal: usize) {
        self.add_word(ordinal / 64, 1 << (ordinal % 64));
    }

    /// Adds words of another set.
    pub(crate) fn add_words(&mut self, words: &[(usize, u64)]) {
        for (index, word) in words {
            self.add_word(*index, *word);
        }
    }

    /// Adds the ordinals `64 * index` to `64 * index + 63`, a bit each.
    fn add_word(&mut self, index: usize, bits: u64) {
        if let Some(word) = self.low.get_mut(index) {
            *word |= bits;
            return;
        }
        let index = index - LOW_WORDS;
        if self.high.len() <= index && bits != 0 {
            self.high.resize(index + 1, 0);
        }
        if let Some(word) = self.high.get_mut(index) {
            *word |= bits;
        }
    }

    /// Removes all ordinals.
    pub(crate) fn clear(&mut self) {
        self.low = Low::default();
        self.high.clear();
    }

    fn words(&self) -> impl Iterator<Item = u64> + '_ {
        self.low.iter().chain(&self.high).copied()
    }

    /// Returns whether there are no ordinals.
    pub(crate) fn is_empty(&self) -> bool {
        self.words().all(|word| word == 0)
    }

    /// Returns the number of ordinals.
    pub(crate) fn len(&self) -> usize {
        self.words().map(|word| word.count_ones() as usize).sum()
    }

    /// Returns the ordinals in ascending order.
    pub(crate) fn ordinals(&self) -> impl Iterator<Item = usize> + '_ {
        self.words()
            .enumerate()
            .flat_map(|(index, word)| bits(word).map(move |bit| index * 64 + bit))
    }

    /// Returns how many ordinals are below `ordinal`: the index of its slot.
    pub(crate) fn slot_index(&self, ordinal: usize) -> usize {
        self.words()
            .enumerate()
            .map(|(index, word)| {
                let below = (ordinal.saturating_sub(index * 64)).min(64);
                let bits = if below == 64 {
                    word
                } else {
                    word & ((1 << below) - 1)
                };
                bits.count_ones() as usize
            })
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn low_and_high_ordinals() {
        let ordinals = [0, 63, 64, 255, 256, 320, 1000];
        let mut mask = Mask::default();
        for (index, ordinal) in ordinals.into_iter().enumerate() {
            assert_eq!(mask.high.is_empty(), index <= 4);
            mask.insert(ordinal);
        }
        assert_eq!(mask.ordinals().collect::<Vec<_>>(), ordinals);
        assert_eq!(mask.len(), ordinals.len());
        for (index, ordinal) in ordinals.into_iter().enumerate() {
            assert_eq!(mask.slot_index(ordinal), index);
            assert_eq!(mask.slot_index(ordinal + 1), index + 1);
        }
        let sparse = SymbolMask::from_iter(ordinals);
        assert_eq!(largest(&sparse), Some(1000));
        assert_eq!(largest(&SymbolMask::default()), None);
        let mut other = Mask::from(low(&sparse));
        assert_eq!(other.ordinals().collect::<Vec<_>>(), [0, 63, 64, 255]);
        // The three high ordinals are in words of their own.
        let words = high(&sparse);
        assert_eq!(words.len(), 3);
        assert_eq!(
            super::ordinals(&low(&sparse), &words).collect::<Vec<_>>(),
            ordinals
        );
        other.add_words(&words);
        assert_eq!(other, mask);
        mask.clear();
        assert!(mask.is_empty() && mask.ordinals().next().is_none());
    }
}
