//! Random traces, addresses of images and addresses of symbols, most of them near the limits of what
//! patches can do.

use std::collections::HashMap;

use jit_runtime::Uop;
use jit_schema::Arch;
use jit_stencils::{HoleValue, PatchValue, StencilSet};

use crate::random::Random;

/// A trace, and the address that its image is linked for.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) base: u64,
    pub(crate) page_size: usize,
    pub(crate) trace: Vec<Uop>,
}

/// Addresses of images. They are free in a small process that is not position-independent: the program is at 4 MiB, and
/// what the system maps is below 1.2 GiB or above 126 TiB.
const BASES: [u64; 8] = [
    0x10_0000,
    0x5000_0000,
    0x7fff_f000, // bit 31 changes after one page
    0xffff_e000, // and 32 bits are exceeded after two
    0x1_0000_0000,
    0x1234_5678_9000,
    0x5fff_ffff_f000,
    0x7d00_0000_0000,
];

/// Addresses of images for 32-bit machines.
const NARROW_BASES: [u64; 5] = [
    0x10_0000,
    0x5000_0000,
    0x7fff_f000,
    0x9000_0000,
    0xfff0_0000,
];

pub(crate) fn bases(arch: Arch) -> &'static [u64] {
    match arch {
        Arch::I686 => &NARROW_BASES,
        Arch::Aarch64 | Arch::X86_64 => &BASES,
    }
}

/// Returns a number on either side of a limit.
fn around(random: &mut Random, limit: u64, spread: usize) -> u64 {
    limit
        .wrapping_add(random.below(spread) as u64)
        .wrapping_sub(spread as u64 / 2)
}

/// Returns an address at about the distance from `place` that an instruction there can reach.
fn at_the_limit(random: &mut Random, arch: Arch, place: u64) -> u64 {
    let place = if random.once_in(2) {
        place
    } else {
        // Some instructions of an image reach it, and some do not.
        around(random, place, 1 << 14)
    };
    let reach = match arch {
        // Displacements.
        Arch::X86_64 | Arch::I686 => 1 << 31,
        // Branches and adrp.
        Arch::Aarch64 => random.pick(&[1 << 27, 1 << 32]),
    };
    let mut limit = if random.once_in(2) {
        place.wrapping_add(reach)
    } else {
        place.wrapping_sub(reach)
    };
    if reach == 1 << 32 {
        // adrp counts in pages.
        limit &= !0xfff;
    }
    // Displacements count from the end of the field, and relaxing does not use the last one.
    around(random, limit, 20)
}

/// Returns a number at a limit of some patch, for a micro-op whose code is at `place`.
fn value(random: &mut Random, arch: Arch, place: u64) -> u64 {
    match random.below(12) {
        0 => random.next(),
        1 => random.next() >> random.below(64),
        2 => around(random, 1 << 16, 4),
        3 => around(random, 1 << 32, 4),
        4 => 0,
        5 => u64::MAX - random.below(3) as u64,
        6 => (u64::from(u32::MAX) << 32) | random.next() >> 48,
        7 => around(random, place, 1 << 16),
        _ => at_the_limit(random, arch, place),
    }
}

/// Returns the addresses at which the code of the traces refers to each symbol.
pub(crate) fn references(set: &StencilSet, jobs: &[Job]) -> HashMap<String, Vec<u64>> {
    let mut references: HashMap<String, Vec<u64>> = HashMap::new();
    for job in jobs {
        let mut start = job.base;
        for uop in &job.trace {
            let (_, group) = &set.groups[uop.opcode as usize];
            for hole in &group.code.holes {
                let symbol = match &hole.value {
                    PatchValue::Scaled { .. } => None,
                    PatchValue::Address { symbol, .. } => symbol.as_deref(),
                    PatchValue::GotSlot { ordinal, .. } | PatchValue::Symbol { ordinal } => {
                        set.symbols.get(*ordinal).map(String::as_str)
                    }
                };
                if let Some(symbol) = symbol {
                    let place = start + hole.first.unwrap_or(hole.offset) as u64;
                    references.entry(symbol.to_owned()).or_default().push(place);
                }
            }
            start += group.code.body.len() as u64;
        }
    }
    references
}

/// Returns addresses of symbols that are near the code that refers to them, far away, or at a distance that some
/// instructions reach and others do not.
pub(crate) fn symbols(
    random: &mut Random,
    arch: Arch,
    base: u64,
    names: &[String],
    references: &HashMap<String, Vec<u64>>,
) -> HashMap<String, u64> {
    names
        .iter()
        .map(|name| {
            let place = references
                .get(name)
                .map_or(base, |places| random.pick(places));
            let address = match arch {
                Arch::I686 => narrow_symbol(random),
                Arch::Aarch64 | Arch::X86_64 => symbol(random, arch, place),
            };
            // Instructions are aligned. Sometimes a symbol is not, which must be an error.
            let aligned = arch == Arch::Aarch64 && !random.once_in(12);
            let address = if aligned { address & !3 } else { address };
            (name.clone(), address)
        })
        .collect()
}

fn symbol(random: &mut Random, arch: Arch, place: u64) -> u64 {
    match random.below(16) {
        0 => 0x100 + random.below(0xff00) as u64,
        1 => around(random, 1 << 16, 16),
        2 => around(random, 1 << 32, 16),
        3 => 0xffff_8000_0000_0000 | random.next() >> 20,
        4 => random.next() >> 17,
        // These are within reach of everything.
        5 => place.wrapping_add(0x20_0000 + random.below(0x10_0000) as u64),
        6 => place.wrapping_sub(0x10_0000 + random.below(0x10_0000) as u64),
        _ => at_the_limit(random, arch, place),
    }
}

/// Returns an address that is not near the program, and low enough that adding to it does not exceed 32 bits: the C code
/// runs on a 64-bit machine, where such a sum does not wrap.
fn narrow_symbol(random: &mut Random) -> u64 {
    0x5000_0000 + random.below(0xa000_0000) as u64
}

/// Makes traces of a target's micro-ops.
pub(crate) struct Traces<'a> {
    set: &'a StencilSet,
    /// By opcode: whether the stencil uses a jump or error target.
    jumps: Vec<bool>,
}

impl Traces<'_> {
    pub(crate) fn new(set: &StencilSet) -> Traces<'_> {
        let jumps = set.groups.iter().map(|(_, group)| {
            let mut holes = group.code.holes.iter().chain(&group.data.holes);
            holes.any(|hole| match hole.value {
                PatchValue::Address { base, .. } => {
                    matches!(base, HoleValue::JumpTarget | HoleValue::ErrorTarget)
                }
                _ => false,
            })
        });
        Traces {
            set,
            jumps: jumps.collect(),
        }
    }

    /// Returns a trace for an image at `base` or up to 12 bytes after it.
    pub(crate) fn job(&self, random: &mut Random, base: u64) -> Job {
        let length = match random.below(20) {
            0 => random.below(3),
            1 => 200 + random.below(400),
            // CPython's longest trace.
            2 if random.once_in(4) => 2510,
            // So long that a load does not reach all of the image, or that the image is too large.
            3 if random.once_in(4) => 8000 + random.below(14000),
            _ => 1 + random.below(60),
        };
        let page_size = match random.below(40) {
            0 => 1,
            1 => 64,
            2..=5 => 0x4000,
            6 => 0x1_0000,
            // An image of one page of this size is as large as possible; one page of the next size is too large.
            7 => 0x8_0000,
            8 => 0x10_0000,
            _ => 0x1000,
        };
        // Images usually start at a page. Other addresses must give the same result as in C, too.
        let off = if random.once_in(10) {
            random.pick(&[1, 2, 4, 8, 12])
        } else {
            0
        };
        let base = base + off;
        let mut place = base;
        let trace = (0..length)
            .map(|_| {
                let uop = self.uop(random, place, length);
                let (_, group) = &self.set.groups[uop.opcode as usize];
                place += group.code.body.len() as u64;
                uop
            })
            .collect();
        Job {
            base,
            page_size,
            trace,
        }
    }

    fn uop(&self, random: &mut Random, start: u64, length: usize) -> Uop {
        let arch = self.set.target.arch;
        let opcode = random.below(self.set.groups.len());
        let (_, group) = &self.set.groups[opcode];
        let place = match group.code.holes.as_slice() {
            [] => start,
            holes => {
                let hole = &holes[random.below(holes.len())];
                start + hole.first.unwrap_or(hole.offset) as u64
            }
        };
        let (jump_target, error_target, target);
        if self.jumps[opcode] {
            // In C, the three are in the same 32 bits.
            jump_target = random.below(length) as u16;
            error_target = random.below(length) as u16;
            target = u32::from(error_target) << 16 | u32::from(jump_target);
        } else {
            target = value(random, arch, place) as u32;
            (jump_target, error_target) = (target as u16, (target >> 16) as u16);
        }
        Uop {
            opcode: opcode as u32,
            oparg: value(random, arch, place) as u16,
            target,
            jump_target,
            error_target,
            operand: [value(random, arch, place), value(random, arch, place)],
        }
    }
}
