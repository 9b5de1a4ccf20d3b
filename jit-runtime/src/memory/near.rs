//! Where a block can go so that direct calls reach an address from all of it. This is arithmetic: the system is asked
//! in [`sys`](super::sys).

use crate::limits;
use std::ops::Range;

/// How far an instruction of this processor refers to a place directly, in bytes: x86_64's displacements and AArch64's
/// branches. With 32 bits, x86 reaches all of its address space.
pub(super) const REACH: usize = if cfg!(target_arch = "aarch64") {
    limits::LARGE_BRANCHES
} else if cfg!(target_pointer_width = "64") {
    limits::LARGE_DISPLACEMENTS
} else {
    usize::MAX
};

/// What is left free after memory that grows upwards, and before memory that grows downwards, in bytes.
const GROWTH: usize = REACH / 2;

/// The lowest address of a block. Accesses through a null pointer, with an offset, fault below it.
const LOWEST: usize = 1 << 20;

/// How many places are tried. Other threads may take some of them first, and some are beyond the end of the address
/// space of a process, which is not known here.
const MOST_PLACES: usize = 16;

/// Addresses that are in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) range: Range<usize>,
    pub(super) grows: Grows,
}

/// Whether memory that is in use will need the addresses beside it.
#[cfg_attr(
    not(any(target_os = "linux", target_os = "android", test)),
    allow(dead_code, reason = "other systems do not say, or have no such memory")
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grows {
    No,
    /// As the heap of `brk` does.
    Up,
    /// As the stack of the main thread does.
    Down,
}

/// Returns whether an address is in reach of all of a block.
pub(super) fn is_near(address: usize, start: usize, len: usize) -> bool {
    let window = window(address);
    let end = start.checked_add(len);
    window.start <= start && end.is_some_and(|end| end <= window.end)
}

/// Returns where a block has to be, for an address to be in reach of all of it.
pub(super) fn window(address: usize) -> Range<usize> {
    address.saturating_sub(REACH).max(LOWEST)..address.saturating_add(REACH)
}

/// Returns addresses at which `len` bytes are in reach of an address, the best one first. They are multiples of `unit`,
/// a power of two.
///
/// `taken` are the addresses in use, in ascending order. It returns the closest place of each gap between them, and of
/// those the closest ones. If it is not known what is in use, it returns places at several distances.
pub(super) fn places(
    address: usize,
    len: usize,
    unit: usize,
    taken: Option<&[Taken]>,
) -> Vec<usize> {
    let window = window(address);
    let place = |gap: Range<usize>| {
        place(
            address,
            len,
            unit,
            gap.start.max(window.start)..gap.end.min(window.end),
        )
    };
    let mut places: Vec<usize> = match taken {
        Some(taken) => gaps(taken).filter_map(place).collect(),
        None => probes(address).filter_map(place).collect(),
    };
    places.sort_by_key(|start| distance(address, *start, len));
    places.dedup();
    places.truncate(MOST_PLACES);
    places
}

/// Returns the place for a block in a gap that is closest to an address.
fn place(address: usize, len: usize, unit: usize, gap: Range<usize>) -> Option<usize> {
    let first = gap.start.checked_next_multiple_of(unit)?;
    let last = gap.end.checked_sub(len)?;
    let last = last - last % unit;
    (first <= last).then(|| (address - address % unit).clamp(first, last))
}

/// Returns how far the end of a block that is further away from an address is from it.
fn distance(address: usize, start: usize, len: usize) -> usize {
    address
        .abs_diff(start)
        .max(address.abs_diff(start.saturating_add(len)))
}

/// Returns what is between ranges in use, without the room for those that grow.
fn gaps(taken: &[Taken]) -> impl Iterator<Item = Range<usize>> {
    let befores = std::iter::once(None).chain(taken.iter().map(Some));
    let afters = taken.iter().map(Some).chain(std::iter::once(None));
    befores.zip(afters).map(|(before, after)| {
        let start = before.map_or(0, |taken| match taken.grows {
            Grows::Up => taken.range.end.saturating_add(GROWTH),
            Grows::No | Grows::Down => taken.range.end,
        });
        let end = after.map_or(usize::MAX, |taken| match taken.grows {
            Grows::Down => taken.range.start.saturating_sub(GROWTH),
            Grows::No | Grows::Up => taken.range.start,
        });
        start..end
    })
}

/// Returns gaps as there may be some, below an address and above it: at 1/128 of the reach, twice that, and so on.
fn probes(address: usize) -> impl Iterator<Item = Range<usize>> {
    (1..8).rev().flat_map(move |power| {
        let distance = REACH >> power;
        let above = address.saturating_add(distance);
        [0..address.saturating_sub(distance), above..usize::MAX]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const UNIT: usize = 1 << 12;

    /// Units of address space around an address, and in which way each of them is in use.
    #[derive(Debug, Clone)]
    struct Space {
        address: usize,
        first: usize,
        units: Vec<Option<Grows>>,
    }

    impl Space {
        fn taken(&self) -> Vec<Taken> {
            let mut taken = vec![Taken {
                range: 0..self.first,
                grows: Grows::No,
            }];
            for (index, grows) in self.units.iter().enumerate() {
                let start = self.first + index * UNIT;
                taken.extend(grows.map(|grows| Taken {
                    range: start..start + UNIT,
                    grows,
                }));
            }
            let end = self.first + self.units.len() * UNIT;
            taken.push(Taken {
                range: end..usize::MAX,
                grows: Grows::No,
            });
            taken
        }

        /// Returns the least distance at which `count` units are free, by a look at every unit. Memory that grows keeps
        /// all of its gap, which is smaller than its room for growth.
        fn least_distance(&self, count: usize) -> Option<usize> {
            let mut free: Vec<bool> = self.units.iter().map(Option::is_none).collect();
            for (index, grows) in self.units.iter().enumerate() {
                let mut gap: Vec<usize> = match grows {
                    Some(Grows::Up) => (index + 1..free.len()).collect(),
                    Some(Grows::Down) => (0..index).rev().collect(),
                    Some(Grows::No) | None => vec![],
                };
                let end = gap.iter().position(|index| self.units[*index].is_some());
                gap.truncate(end.unwrap_or(gap.len()));
                gap.into_iter().for_each(|index| free[index] = false);
            }
            (0..=free.len().checked_sub(count)?)
                .filter(|start| free[*start..start + count].iter().all(|free| *free))
                .map(|start| {
                    let start = self.first + start * UNIT;
                    let ends = [start, start + count * UNIT];
                    ends.map(|end| end.abs_diff(self.address))
                        .into_iter()
                        .max()
                        .unwrap()
                })
                .min()
        }
    }

    fn spaces() -> impl Strategy<Value = Space> {
        let unit = prop_oneof![
            6 => Just(None),
            3 => Just(Some(Grows::No)),
            1 => Just(Some(Grows::Up)),
            1 => Just(Some(Grows::Down)),
        ];
        let units = prop::collection::vec(unit, 1..24);
        (units, 0usize..24 * UNIT, 1usize << 16..1 << 18).prop_map(|(units, offset, first)| {
            let first = first * UNIT;
            Space {
                address: first + offset,
                first,
                units,
            }
        })
    }

    proptest! {
        #[test]
        fn the_first_place_is_the_closest_one(space in spaces(), count in 1usize..6) {
            let taken = space.taken();
            let len = count * UNIT;
            let found = places(space.address, len, UNIT, Some(&taken));
            let best = found.first().map(|start| distance(space.address, *start, len));
            // A block in whose middle the address is begins with the unit of the address.
            let inside = found.first().is_some_and(|start| (*start..start + len).contains(&space.address));
            match (best, space.least_distance(count)) {
                (Some(best), Some(least)) if inside => prop_assert!(best <= least + len),
                (best, least) => prop_assert_eq!(best, least),
            }
            for start in found {
                prop_assert!(start % UNIT == 0 && is_near(space.address, start, len));
                let end = start + len;
                prop_assert!(taken.iter().all(|taken| end <= taken.range.start || taken.range.end <= start));
            }
        }

        #[test]
        fn places_are_in_reach(
            address in prop_oneof![any::<usize>(), 0usize..1 << 22, usize::MAX - (1 << 22)..=usize::MAX],
            len in prop_oneof![1usize..64, 1usize << 14..1 << 20],
            known in any::<bool>(),
        ) {
            let len = len * UNIT;
            let middle = Taken { range: address..address.saturating_add(1), grows: Grows::No };
            let taken = [middle];
            for start in places(address, len, UNIT, known.then_some(&taken[..])) {
                // In wider numbers, so that nothing wraps.
                let [low, high, address] = [start, start + len, address].map(|number| number as i128);
                prop_assert!(start % UNIT == 0 && start >= LOWEST);
                prop_assert!((low - address).abs() <= REACH as i128);
                prop_assert!((high - address).abs() <= REACH as i128);
            }
        }
    }

    /// Without a list of what is in use, there is a place on both sides at each of several distances.
    #[test]
    #[cfg(target_pointer_width = "64")]
    fn places_where_nothing_is_known() {
        let address = 0x5555_5555_4000;
        let found = places(address, 1 << 18, UNIT, None);
        assert_eq!(found.len(), 14);
        let below = found.iter().filter(|start| **start < address);
        assert_eq!(below.count(), 7);
        assert!(found.is_sorted_by_key(|start| distance(address, *start, 1 << 18)));
        assert!(found.iter().all(|start| is_near(address, *start, 1 << 18)));
    }

    /// The distances of the processor's manuals: 2^31 from the end of an instruction, and 2^27.
    #[test]
    #[cfg(target_pointer_width = "64")]
    fn reach() {
        let far: usize = if cfg!(target_arch = "aarch64") {
            1 << 27
        } else {
            1 << 31
        };
        let address = 1 << 40;
        for (start, expected) in [
            (address - far, false),
            (address - far + UNIT, true),
            (address, true),
            (address + far - 2 * UNIT, true),
            (address + far - UNIT, false),
        ] {
            assert_eq!(is_near(address, start, UNIT), expected, "{start:#x}");
        }
        assert!(!is_near(1, 0, UNIT));
        assert!(!is_near(usize::MAX, usize::MAX - UNIT + 1, usize::MAX));
    }
}
