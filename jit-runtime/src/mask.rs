//! Sets of external symbols, by ordinal.

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
    /// Returns the words below `64 * LOW_WORDS`.
    pub(crate) fn low(&self) -> Low {
        self.low
    }

    /// Returns whether there are ordinals past the low ones.
    pub(crate) fn is_high(&self) -> bool {
        !self.high.is_empty()
    }

    /// Adds an ordinal.
    pub(crate) fn insert(&mut self, ordinal: usize) {
        self.add_word(ordinal / 64, 1 << (ordinal % 64));
    }

    /// Adds the ordinals of another set that are past the low ones.
    pub(crate) fn add_high(&mut self, other: &Mask) {
        for (index, word) in other.high.iter().enumerate() {
            self.add_word(LOW_WORDS + index, *word);
        }
    }

    /// Adds the ordinals `64 * index` to `64 * index + 63`, a bit each.
    pub(crate) fn add_word(&mut self, index: usize, bits: u64) {
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

    fn word(&self, index: usize) -> Option<u64> {
        let word = match index.checked_sub(LOW_WORDS) {
            None => self.low.get(index),
            Some(index) => self.high.get(index),
        };
        word.copied()
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

    /// Returns the ordinals from `first` on, in ascending order. The words before are not looked at.
    pub(crate) fn ordinals_from(&self, first: usize) -> impl Iterator<Item = usize> + '_ {
        let words = (first / 64..).map_while(|index| Some((index, self.word(index)?)));
        words
            .flat_map(|(index, word)| bits(word).map(move |bit| index * 64 + bit))
            .skip_while(move |ordinal| *ordinal < first)
    }

    /// Returns whether an ordinal is in the set.
    pub(crate) fn contains(&self, ordinal: usize) -> bool {
        self.word(ordinal / 64)
            .is_some_and(|word| word >> (ordinal % 64) & 1 != 0)
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
            assert!(!mask.contains(ordinal));
            assert_eq!(mask.is_high(), index > 4);
            mask.insert(ordinal);
            assert!(mask.contains(ordinal));
        }
        assert_eq!(mask.ordinals().collect::<Vec<_>>(), ordinals);
        assert_eq!(mask.len(), ordinals.len());
        for (index, ordinal) in ordinals.into_iter().enumerate() {
            assert!(
                mask.ordinals_from(ordinal)
                    .eq(ordinals[index..].iter().copied())
            );
            assert!(
                mask.ordinals_from(ordinal + 1)
                    .eq(ordinals[index + 1..].iter().copied())
            );
            assert_eq!(mask.slot_index(ordinal), index);
            assert_eq!(mask.slot_index(ordinal + 1), index + 1);
        }
        let mut other = Mask::from(mask.low());
        assert_eq!(other.ordinals().collect::<Vec<_>>(), [0, 63, 64, 255]);
        other.add_high(&mask);
        assert_eq!(other, mask);
        mask.clear();
        assert!(mask.is_empty() && !mask.contains(256));
    }
}
