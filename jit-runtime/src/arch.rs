//! Architectures: what a patch does to the instruction that it is in, and what the rest of the crate
//! has to know about the target.
//!
//! Each architecture has a file with an implementation of [`Architecture`]. [`of`] is the only place
//! that chooses one; it is asked when stencils are loaded, not when they are linked. What the linker
//! needs is in the [`Rules`], which are plain data.

pub(crate) mod aarch64;
mod i686;
pub(crate) mod x86_64;

use jit_schema::{Arch, ObjectFormat};
use jit_stencils::{Hole, HoleValue, Part, PatchValue};

use crate::form::FormIndex;

/// What is wrong with a hole, as a clause for people.
pub(crate) type Problem = String;

/// One instruction set.
pub(crate) trait Architecture {
    /// Returns the rules for a target of this architecture, whose object files have that format.
    fn rules(&self, format: ObjectFormat) -> Rules;

    /// Returns how a hole is filled, after a check that its patch is for the instruction that it is in.
    /// Patches whose row does not list the architecture are refused.
    fn fill(&self, site: &Site<'_>) -> Result<Fill, Problem>;

    /// Returns the architecture's number in ELF (`e_machine`), which perf's files use as well.
    #[cfg_attr(
        not(any(feature = "gdb", feature = "perf", test)),
        expect(dead_code, reason = "for debuggers and profilers only")
    )]
    fn elf_machine(&self) -> u16;
}

/// Returns the implementation for an architecture.
pub(crate) fn of(arch: Arch) -> &'static dyn Architecture {
    match arch {
        Arch::Aarch64 => &aarch64::Aarch64,
        Arch::I686 => &i686::I686,
        Arch::X86_64 => &x86_64::X86_64,
    }
}

/// Returns the architecture of this process, if it is one of those that stencils can be built for.
pub(crate) fn host() -> Option<Arch> {
    let name = match std::env::consts::ARCH {
        "x86" => "i686",
        other => other,
    };
    let mut known = jit_schema::Target::ALL.iter().map(|target| target.arch);
    known.find(|arch| arch.name() == name)
}

/// What depends on the target alone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// How to branch to symbols out of reach; none where calls reach everything or go through the GOT.
    pub(crate) trampoline: Option<Trampoline>,
    /// The global offset table, if there is one.
    pub(crate) got: Option<Got>,
    /// What the size of code is a multiple of, in bytes.
    pub(crate) code_unit: usize,
    /// What the data's offset in an image is a multiple of, in bytes (`DATA_ALIGN`).
    pub(crate) data_align: usize,
    /// Whether all forms are plain: no shifts, no alignment.
    pub(crate) plain: bool,
    /// The largest image in bytes, if it need not be one of CPython's.
    pub(crate) max_size: usize,
    /// The end of the address space: no image goes beyond it.
    pub(crate) end: u64,
}

/// Code that jumps to the address that follows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trampoline {
    /// Bytes from one trampoline to the next (`TRAMPOLINE_SIZE`).
    pub(crate) size: usize,
    /// The instructions. The 8 bytes of the address come right after them.
    pub(crate) code: &'static [u8],
}

/// The global offset table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Got {
    /// Bytes of a slot.
    pub(crate) slot_size: usize,
    /// The addend of all references to slots.
    pub(crate) addend: i64,
}

/// How the linker fills a hole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fill {
    /// As GOT slots are: once for the whole trace.
    Slot,
    /// By one form.
    Field(FormIndex),
    /// By two forms, which write to different bits of the same bytes.
    Fields(FormIndex, FormIndex),
    /// By one form with the sum of what is counted from and the addend, after another one has checked what
    /// is counted from.
    Sum {
        /// The form that checks, and writes nothing.
        check: FormIndex,
        /// The form of the sum.
        sum: FormIndex,
    },
    /// By one form, with a multiple of a value, in code.
    Product {
        /// What the value is multiplied by.
        scale: i32,
        /// The form.
        form: FormIndex,
    },
    /// With all 64 bits of a value, in code.
    Wide,
    /// With a 32-bit displacement, in code.
    Near,
    /// With a displacement, after an opcode that may be replaced.
    Relax {
        /// The opcode that uses the slot, and that of the shorter form.
        opcodes: [[u8; 2]; 2],
    },
    /// With the distance to a symbol, or to its trampoline.
    Trampoline {
        /// The form of the distance.
        form: FormIndex,
    },
    /// An adrp and a load together.
    Pair {
        /// Offset of the adrp.
        first: usize,
        /// log2 of the load's width in bytes.
        scale: u8,
        /// The register, if its value may be had without the slot.
        register: Option<u8>,
    },
}

/// A hole, and the stencil that it is in.
#[derive(Debug)]
pub(crate) struct Site<'a> {
    pub(crate) hole: &'a Hole,
    /// Which part of the stencil the hole is in.
    pub(crate) part: Part,
    /// The stencil's code.
    pub(crate) code: &'a [u8],
    /// Bytes of the stencil's data.
    pub(crate) data_size: usize,
}

impl Site<'_> {
    /// Returns whether the hole refers to something that the linker can read: a GOT slot, or the
    /// stencil's data.
    fn is_readable(&self) -> bool {
        match &self.hole.value {
            PatchValue::GotSlot { .. } => true,
            PatchValue::Address {
                base: HoleValue::Data,
                symbol: None,
                addend: sum,
            } => sum
                .checked_sub(self.hole.patch.row().base_addend)
                .and_then(|offset| usize::try_from(offset).ok())
                .is_some_and(|offset| offset < self.data_size),
            PatchValue::Address { .. } | PatchValue::Scaled { .. } | PatchValue::Symbol { .. } => {
                false
            }
        }
    }

    /// Returns the problem of a patch that the architecture does not have.
    pub(crate) fn foreign(&self) -> Problem {
        format!("{} is for another architecture", self.hole.patch.c_name())
    }
}

/// Returns the problem of a hole that is not in a body of `size` bytes.
pub(crate) fn outside(size: usize) -> Problem {
    format!("it is not within the {size} bytes of the stencil")
}

#[cfg(test)]
mod tests {
    use super::*;
    use jit_schema::{PatchKind, Target};

    /// What the rows of patches say of architectures is what these do.
    #[test]
    fn patches_of_other_architectures() {
        for arch in Target::ALL.map(|target| target.arch) {
            for patch in PatchKind::ALL {
                let hole = Hole {
                    offset: 4,
                    patch: *patch,
                    value: PatchValue::Symbol { ordinal: 0 },
                    first: None,
                    void: false,
                };
                let site = Site {
                    hole: &hole,
                    part: Part::Data,
                    code: &[],
                    data_size: 16,
                };
                let foreign = of(arch).fill(&site) == Err(site.foreign());
                let listed = patch.row().arches.contains(&arch);
                assert_eq!(foreign, !listed, "{patch:?} on {arch:?}");
            }
        }
    }

    /// `e_machine` in the ELF specifications: EM_AARCH64, EM_386 and EM_X86_64.
    #[test]
    fn elf_machines() {
        for (arch, machine) in [(Arch::Aarch64, 183), (Arch::I686, 3), (Arch::X86_64, 62)] {
            assert_eq!(of(arch).elf_machine(), machine);
        }
    }
}
