//! How large stencils are, and what makes them large.

use std::ops::AddAssign;

use jit_schema::PatchKind;
use jit_stencils::{Hole, StencilGroup, StencilSet};

use crate::disassembly::{Flow, Listing, Stack};

/// Sizes and counts of a stencil, or sums of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// Bytes of code.
    pub(crate) code: usize,
    /// Bytes of code from which control can get to the next micro-op.
    pub(crate) hot: usize,
    /// Bytes of data.
    pub(crate) data: usize,
    /// Holes in code and data.
    pub(crate) holes: usize,
    /// Symbols with a slot in the trace's GOT.
    pub(crate) got_slots: usize,
    /// Symbols that may need a trampoline.
    pub(crate) trampolines: usize,
    /// Loads from the GOT that become shorter, or direct, where the address is near enough.
    pub(crate) relaxable: usize,
    /// Instructions.
    pub(crate) instructions: usize,
    /// Calls.
    pub(crate) calls: usize,
    /// Jumps and calls to an address in a register or in memory.
    pub(crate) indirect: usize,
    /// Instructions that write to the stack, other than calls: spills, and arguments of calls.
    pub(crate) spills: usize,
    /// Those of them in code that can get to the next micro-op.
    pub(crate) hot_spills: usize,
}

/// A column of a table of sizes.
pub(crate) struct Column {
    /// The name, for the command line and for other programs.
    pub(crate) name: &'static str,
    pub(crate) of: fn(&Sizes) -> usize,
}

impl Sizes {
    /// All columns, in their order.
    pub(crate) const COLUMNS: [Column; 12] = [
        Column {
            name: "code",
            of: |sizes| sizes.code,
        },
        Column {
            name: "hot",
            of: |sizes| sizes.hot,
        },
        Column {
            name: "data",
            of: |sizes| sizes.data,
        },
        Column {
            name: "holes",
            of: |sizes| sizes.holes,
        },
        Column {
            name: "got",
            of: |sizes| sizes.got_slots,
        },
        Column {
            name: "trampolines",
            of: |sizes| sizes.trampolines,
        },
        Column {
            name: "relaxable",
            of: |sizes| sizes.relaxable,
        },
        Column {
            name: "instructions",
            of: |sizes| sizes.instructions,
        },
        Column {
            name: "calls",
            of: |sizes| sizes.calls,
        },
        Column {
            name: "indirect",
            of: |sizes| sizes.indirect,
        },
        Column {
            name: "spills",
            of: |sizes| sizes.spills,
        },
        Column {
            name: "hot-spills",
            of: |sizes| sizes.hot_spills,
        },
    ];

    /// Measures a stencil of a set.
    pub(crate) fn of(set: &StencilSet, group: &StencilGroup) -> Sizes {
        let listing = Listing::of(set, group);
        let holes = || {
            let all = group.code.holes.iter().chain(&group.data.holes);
            all.filter(|hole| !hole.void)
        };
        let mut sizes = Sizes {
            code: group.code.body.len(),
            data: group.data.body.len(),
            holes: holes().count(),
            got_slots: ones(&group.got_entries),
            trampolines: ones(&group.trampolines),
            relaxable: relaxable(group),
            instructions: listing.instructions.len(),
            ..Sizes::default()
        };
        for block in &listing.blocks {
            for instruction in listing.of_block(block) {
                match instruction.flow {
                    Flow::Call => sizes.calls += 1,
                    Flow::IndirectCall => {
                        sizes.calls += 1;
                        sizes.indirect += 1;
                    }
                    Flow::IndirectJump => sizes.indirect += 1,
                    Flow::Next | Flow::Jump | Flow::Branch | Flow::Return | Flow::Stop => {}
                }
                if instruction.stack == Stack::Store {
                    sizes.spills += 1;
                    sizes.hot_spills += usize::from(block.hot);
                }
            }
            if block.hot {
                sizes.hot += block.code.len();
            }
        }
        sizes
    }

    /// Returns the bytes of code and data.
    pub(crate) fn bytes(&self) -> usize {
        self.code + self.data
    }
}

impl AddAssign for Sizes {
    fn add_assign(&mut self, other: Sizes) {
        let Sizes {
            code,
            hot,
            data,
            holes,
            got_slots,
            trampolines,
            relaxable,
            instructions,
            calls,
            indirect,
            spills,
            hot_spills,
        } = other;
        self.code += code;
        self.hot += hot;
        self.data += data;
        self.holes += holes;
        self.got_slots += got_slots;
        self.trampolines += trampolines;
        self.relaxable += relaxable;
        self.instructions += instructions;
        self.calls += calls;
        self.indirect += indirect;
        self.spills += spills;
        self.hot_spills += hot_spills;
    }
}

fn ones(mask: &jit_stencils::SymbolMask) -> usize {
    let words = mask.sparse_words().iter();
    words.map(|(_, word)| word.count_ones() as usize).sum()
}

/// Returns the number of loads, jumps and calls through the GOT that `jit.c` rewrites where the address is near enough. One in
/// two instructions counts once.
fn relaxable(group: &StencilGroup) -> usize {
    let holes = group.code.holes.iter().filter(|hole| !hole.void);
    let is_relaxable = |hole: &&Hole| match hole.patch {
        // Windows has this patch for all displacements.
        PatchKind::X86_64_32rx => {
            let start = hole.offset.checked_sub(2);
            let opcode = start.and_then(|start| group.code.body.get(start..hole.offset));
            matches!(opcode, Some([0x8b, _] | [0xff, 0x15 | 0x25]))
        }
        PatchKind::Aarch64_33rx | PatchKind::Aarch64_21rx => true,
        _ => false,
    };
    holes.filter(is_relaxable).count()
}

/// Returns the family of a micro-op: its name without the registers of CPython's cache of the stack, as in `_r01`.
pub(crate) fn family(name: &str) -> &str {
    match name.rsplit_once("_r") {
        Some((family, registers))
            if registers.len() == 2 && registers.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            family
        }
        _ => name,
    }
}
