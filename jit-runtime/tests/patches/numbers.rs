//! Values that are worth trying, and sums without overflow.

use jit_schema::{Arch, Target};
use proptest::prelude::*;

/// From each limit, so far in both directions.
pub(crate) const REACH: i64 = 8;

/// All numbers near a limit.
pub(crate) fn edges(limits: &[i64]) -> impl Iterator<Item = i64> + '_ {
    limits
        .iter()
        .flat_map(|limit| (-REACH..=REACH).map(move |step| limit + step))
}

/// A number near one of the limits, or between them, or any.
pub(crate) fn near(limits: &'static [i64]) -> BoxedStrategy<i64> {
    let (low, high) = (*limits.iter().min().unwrap(), *limits.iter().max().unwrap());
    prop_oneof![
        8 => (proptest::sample::select(limits), -REACH..=REACH).prop_map(|(limit, step)| limit + step),
        2 => low..=high,
        1 => any::<i64>(),
    ]
    .boxed()
}

/// Addresses of holes: those at the ends of the address space too, with room for a small image.
pub(crate) fn locations(target: &Target) -> BoxedStrategy<u64> {
    const ROOM: u64 = 1 << 16;
    if target.arch == Arch::I686 {
        let end = 1 << 32;
        prop_oneof![
            ROOM..end - ROOM,
            ROOM..ROOM + 64,
            end - ROOM - 64..end - ROOM
        ]
        .boxed()
    } else {
        prop_oneof![
            4 => ROOM..1 << 47,
            1 => ROOM..u64::MAX - ROOM,
            1 => ROOM..ROOM + 64,
            1 => u64::MAX - ROOM - 64..u64::MAX - ROOM,
            1 => (1 << 31) - 64_u64..(1 << 31) + 64,
            1 => (1 << 63) - 64_u64..(1 << 63) + 64,
        ]
        .boxed()
    }
}

/// `number` modulo 2^64, as a signed number.
pub(crate) fn signed64(number: i128) -> i128 {
    let number = number.rem_euclid(1 << 64);
    if number < 1 << 63 {
        number
    } else {
        number - (1 << 64)
    }
}

/// How far it is from one address to another, around the end of the address space if that is shorter.
pub(crate) fn distance(from: u64, to: u64) -> i128 {
    signed64(i128::from(to) - i128::from(from))
}

/// An address so far away.
pub(crate) fn away(from: u64, distance: i64) -> u64 {
    ((i128::from(from) + i128::from(distance)).rem_euclid(1 << 64)) as u64
}

/// Whether a number is in a signed field of so many bits.
pub(crate) fn fits(number: i128, bits: u32) -> bool {
    (-(1_i128 << (bits - 1))..1 << (bits - 1)).contains(&number)
}

/// From one address to another in pages of 4096 bytes. These do not go around the end.
pub(crate) fn pages(from: u64, to: u64) -> i128 {
    i128::from(to / 4096) - i128::from(from / 4096)
}
