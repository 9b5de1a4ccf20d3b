//! The free bytes of a chunk, by offsets: there are no addresses here.
//!
//! Blocks are chosen by best fit, the lowest offset among equals, and free neighbours are joined at once. Two ordered sets
//! hold the same free blocks, so that taking and giving back cost O(log blocks) however fragmented the chunk is. Only for an
//! alignment of more than 16 bytes may several blocks be looked at, those that are long enough but not where it is needed.

use std::collections::{BTreeMap, BTreeSet};

/// The unit of sizes, in bytes. AArch64 needs 4, and compilers align code to 16.
pub(super) const GRANULE: usize = 16;

/// Returns `len` rounded up to [`GRANULE`].
pub(super) fn round(len: usize) -> Option<usize> {
    len.checked_next_multiple_of(GRANULE)
}

#[derive(Debug)]
pub(super) struct Space {
    len: usize,
    used: usize,
    /// The end of the highest block that was ever taken.
    high: usize,
    /// Free blocks: offset to length. No two touch.
    free: BTreeMap<usize, usize>,
    /// The same blocks as (length, offset).
    sizes: BTreeSet<(usize, usize)>,
}

impl Space {
    pub(super) fn new(len: usize) -> Space {
        let len = len - len % GRANULE;
        let mut space = Space {
            len,
            used: 0,
            high: 0,
            free: BTreeMap::new(),
            sizes: BTreeSet::new(),
        };
        if len > 0 {
            space.insert(0, len);
        }
        space
    }

    /// Returns whether nothing is taken.
    pub(super) fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Returns the end of the highest block that was ever taken: memory after it was never written.
    pub(super) fn high(&self) -> usize {
        self.high
    }

    /// Takes `size` bytes, a multiple of [`GRANULE`], at a multiple of `alignment`, which is a power of two. Returns their
    /// offset, or none if there is no room.
    pub(super) fn take(&mut self, size: usize, alignment: usize) -> Option<usize> {
        debug_assert!(size > 0 && size.is_multiple_of(GRANULE));
        let alignment = alignment.max(GRANULE);
        let (offset, len, start) = self.sizes.range((size, 0)..).find_map(|&(len, offset)| {
            let start = offset.checked_next_multiple_of(alignment)?;
            let end = start.checked_add(size)?;
            (end <= offset + len).then_some((offset, len, start))
        })?;
        self.remove(offset, len);
        if start > offset {
            self.insert(offset, start - offset);
        }
        let (end, free_end) = (start + size, offset + len);
        if end < free_end {
            self.insert(end, free_end - end);
        }
        self.used += size;
        self.high = self.high.max(end);
        Some(start)
    }

    /// Gives back what [`take`](Space::take) returned. Returns `false`, and does nothing, for a range that is not taken.
    pub(super) fn give(&mut self, offset: usize, size: usize) -> bool {
        let Some(end) = offset
            .checked_add(size)
            .filter(|end| size > 0 && *end <= self.len)
        else {
            return false;
        };
        let before = self
            .free
            .range(..end)
            .next_back()
            .map(|(&at, &len)| (at, len));
        let before = match before {
            // The last free block that begins before `end` must be over before `offset`.
            Some((at, len)) if at + len > offset => return false,
            Some((at, len)) if at + len == offset => Some((at, len)),
            _ => None,
        };
        let after = self.free.get(&end).copied();
        let (mut start, mut joined) = (offset, size);
        if let Some((at, len)) = before {
            self.remove(at, len);
            start = at;
            joined += len;
        }
        if let Some(len) = after {
            self.remove(end, len);
            joined += len;
        }
        self.insert(start, joined);
        self.used -= size;
        true
    }

    fn insert(&mut self, offset: usize, len: usize) {
        self.free.insert(offset, len);
        self.sizes.insert((len, offset));
    }

    fn remove(&mut self, offset: usize, len: usize) {
        self.free.remove(&offset);
        self.sizes.remove(&(len, offset));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The same with one flag per granule, and a search through all of them for everything.
    struct Naive(Vec<bool>);

    impl Naive {
        /// (granules, first) of each run of free granules.
        fn runs(&self) -> Vec<(usize, usize)> {
            let mut runs = Vec::new();
            let mut at = 0;
            while at < self.0.len() {
                let n = self.0[at..]
                    .iter()
                    .take_while(|taken| **taken == self.0[at])
                    .count();
                if !self.0[at] {
                    runs.push((n, at));
                }
                at += n;
            }
            runs
        }

        /// `n` granules at a multiple of `alignment` granules.
        fn take(&mut self, n: usize, alignment: usize) -> Option<usize> {
            let start = |at: usize| at.next_multiple_of(alignment);
            let fits = |run: &(usize, usize)| start(run.1) + n <= run.1 + run.0;
            let (_, at) = self.runs().into_iter().filter(fits).min()?;
            let at = start(at);
            self.0[at..at + n].fill(true);
            Some(at)
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        /// Take so many granules, at a multiple of two to that power.
        Take(usize, u32),
        Give(usize),
        /// Give back something that was not taken like that.
        Wrong(usize, usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            5 => ((1usize..12), prop_oneof![3 => Just(0), 2 => 0u32..6]).prop_map(|(n, power)| Step::Take(n, power)),
            4 => any::<usize>().prop_map(Step::Give),
            1 => (0usize..70, 0usize..20).prop_map(|(at, n)| Step::Wrong(at, n)),
        ]
    }

    proptest! {
        #[test]
        fn is_what_flags_say(granules in 1usize..64, steps in prop::collection::vec(step(), 0..200)) {
            let mut space = Space::new(granules * GRANULE + 7);
            let mut naive = Naive(vec![false; granules]);
            let mut live: Vec<(usize, usize)> = Vec::new();
            let mut high = 0;
            for step in steps {
                match step {
                    Step::Take(n, power) => {
                        let got = space.take(n * GRANULE, GRANULE << power);
                        let want = naive.take(n, 1 << power).map(|at| at * GRANULE);
                        prop_assert_eq!(got, want);
                        if let Some(offset) = got {
                            live.push((offset, n * GRANULE));
                            high = high.max(offset + n * GRANULE);
                        }
                    }
                    Step::Give(which) if !live.is_empty() => {
                        let (offset, size) = live.swap_remove(which % live.len());
                        prop_assert!(space.give(offset, size));
                        naive.0[offset / GRANULE..][..size / GRANULE].fill(false);
                    }
                    Step::Give(_) => {}
                    Step::Wrong(at, n) => {
                        let all = naive.0.get(at..at + n);
                        if n == 0 || all.is_none_or(|all| all.iter().any(|taken| !taken)) {
                            prop_assert!(!space.give(at * GRANULE, n * GRANULE));
                        }
                    }
                }
                let runs: Vec<_> = naive.runs().iter().map(|run| (run.1 * GRANULE, run.0 * GRANULE)).collect();
                prop_assert_eq!(space.free.iter().map(|(a, b)| (*a, *b)).collect::<Vec<_>>(), runs.clone());
                let sizes: BTreeSet<_> = runs.iter().map(|run| (run.1, run.0)).collect();
                prop_assert_eq!(&space.sizes, &sizes);
                prop_assert_eq!(space.used, naive.0.iter().filter(|taken| **taken).count() * GRANULE);
                prop_assert_eq!(space.is_empty(), live.is_empty());
                prop_assert_eq!(space.high(), high);
            }
        }
    }
}
