//! Random traces, which are the same in every run.

use jit_runtime::Uop;
use jit_stencils::StencilSet;

/// Returns a line with the average sizes of a set's stencils.
pub(crate) fn describe(set: &StencilSet) -> String {
    let count = set.groups.len() as f64;
    let average = |size: fn(&jit_stencils::StencilGroup) -> usize| {
        set.groups
            .iter()
            .map(|(_, group)| size(group))
            .sum::<usize>() as f64
            / count
    };
    format!(
        "{count} stencils for {}: on average {:.1} bytes of code, {:.1} of data and {:.2} holes",
        set.target,
        average(|group| group.code.body.len()),
        average(|group| group.data.body.len()),
        average(|group| group.code.holes.len() + group.data.holes.len()),
    )
}

/// Returns `count` traces of `length` micro-ops, with every micro-op equally likely.
pub(crate) fn random(set: &StencilSet, count: usize, length: usize) -> Vec<Vec<Uop>> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = move |limit: usize| {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % limit
    };
    let mut uop = || {
        let jump_target = below(length) as u16;
        let error_target = below(length) as u16;
        Uop {
            opcode: below(set.groups.len()) as u32,
            oparg: below(1 << 16) as u16,
            // In C, the target is a union with the other two.
            target: u32::from(jump_target) | u32::from(error_target) << 16,
            jump_target,
            error_target,
            operand: [below(1 << 20) as u64, below(1 << 47) as u64],
        }
    };
    (0..count)
        .map(|_| (0..length).map(|_| uop()).collect())
        .collect()
}
