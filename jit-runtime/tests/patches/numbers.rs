//! Numbers near limits, and arithmetic without overflow.

use jit_schema::{Arch, Target};
use proptest::prelude::*;

/// The distance from a limit up to which numbers are tried, in both directions.
pub(crate) const REACH: i64 = 8;

/// Returns all numbers near any of the limits.
pub(crate) fn edges(limits: &[i64]) -> impl Iterator<Item = i64> + '_ {
    limits
        .iter()
        .flat_map(|limit| (-REACH..=REACH).map(move |step| limit + step))
}

/// Generates a number near one of the limits, between them, or any number.
pub(crate) fn near(limits: &'static [i64]) -> BoxedStrategy<i64> {
    let (low, high) = (*limits.iter().min().unwrap(), *limits.iter().max().unwrap());
    prop_oneof![
        8 => (proptest::sample::select(limits), -REACH..=REACH).prop_map(|(limit, step)| limit + step),
        2 => low..=high,
        1 => any::<i64>(),
    ]
    .boxed()
}

/// Generates addresses of holes, with room for a small image around them. Some are at the ends of the address space.
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

/// Returns `number` modulo 2^64, as a signed number.
pub(crate) fn signed64(number: i128) -> i128 {
    let number = number.rem_euclid(1 << 64);
    if number < 1 << 63 {
        number
    } else {
        number - (1 << 64)
    }
}

/// Returns the distance from one address to another, across the end of the address space if that is shorter.
pub(crate) fn distance(from: u64, to: u64) -> i128 {
    signed64(i128::from(to) - i128::from(from))
}

/// Returns the address at a distance in bytes from another one.
pub(crate) fn away(from: u64, distance: i64) -> u64 {
    ((i128::from(from) + i128::from(distance)).rem_euclid(1 << 64)) as u64
}

/// Returns whether a number fits into a signed field of `bits` bits.
pub(crate) fn fits(number: i128, bits: u32) -> bool {
    (-(1_i128 << (bits - 1))..1 << (bits - 1)).contains(&number)
}

/// Returns the distance from one address to another in pages of 4096 bytes. It does not cross the end of the address
/// space.
pub(crate) fn pages(from: u64, to: u64) -> i128 {
    i128::from(to / 4096) - i128::from(from / 4096)
}
