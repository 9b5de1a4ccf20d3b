//! x86_64: displacements of 32 bits from the end of the field, and instructions that may be relaxed.

use jit_schema::{ObjectFormat, PatchKind};
use jit_stencils::{Part, PatchValue};

use super::{Architecture, Fill, Got, Problem, Rules, Site, Trampoline};
use crate::{
    form::{self, Formed},
    limits,
    table::Relax,
};

pub(crate) struct X86_64;

/// Displacements count from the end of their four bytes.
const AFTER_FIELD: i64 = PatchKind::X86_64_32rx.row().base_addend;

impl Architecture for X86_64 {
    fn rules(&self, format: ObjectFormat) -> Rules {
        // CPython's `TRAMPOLINE_SIZE` and `DATA_ALIGN`: only macOS has code that calls without the GOT.
        let (trampoline, data_align) = match format {
            ObjectFormat::MachO => (Some(TRAMPOLINE), 8),
            ObjectFormat::Coff | ObjectFormat::Elf => (None, 1),
        };
        Rules {
            trampoline,
            got: Some(Got {
                slot_size: 8,
                addend: AFTER_FIELD,
            }),
            code_unit: 1,
            data_align,
            plain: true,
            max_size: limits::LARGE_DISPLACEMENTS,
            end: u64::MAX,
        }
    }

    fn fill(&self, site: &Site<'_>) -> Result<Fill, Problem> {
        use PatchKind as P;
        Ok(match site.hole.patch {
            P::GotSymbol => Fill::Slot,
            P::Patch32 => match site.hole.value {
                PatchValue::Scaled { scale, .. } => Fill::Product {
                    scale,
                    form: form::ABSOLUTE_32,
                },
                _ => Fill::Field(form::ABSOLUTE_32),
            },
            P::Patch32s => Fill::Product {
                scale: site.hole.value.scale(),
                form: form::SIGNED_32,
            },
            P::Patch32r => displacement(site),
            P::Patch64 => match site.part {
                Part::Code => Fill::Wide,
                Part::Data => Fill::Field(form::ABSOLUTE_64),
            },
            P::X86_64_32rx => relaxing(site),
            P::X86_64Trampoline => Fill::Trampoline {
                form: form::RELATIVE_32,
            },
            P::Aarch64_12
            | P::Aarch64_12x
            | P::Aarch64_16a
            | P::Aarch64_16b
            | P::Aarch64_16c
            | P::Aarch64_16d
            | P::Aarch64_19r
            | P::Aarch64_21r
            | P::Aarch64_21rx
            | P::Aarch64_26r
            | P::Aarch64_33rx
            | P::Aarch64Trampoline => return Err(site.foreign()),
        })
    }

    fn elf_machine(&self) -> u16 {
        62
    }
}

/// jmp *(%rip)
const TRAMPOLINE: Trampoline = Trampoline {
    size: 16,
    code: &[0xff, 0x25, 0, 0, 0, 0],
};

fn displacement(site: &Site<'_>) -> Fill {
    match site.part {
        Part::Code => Fill::Near,
        Part::Data => Fill::Field(form::RELATIVE_32),
    }
}

/// Windows has this patch for all displacements; few of them are those of slots.
fn relaxing(site: &Site<'_>) -> Fill {
    let opcode = opcode(site).filter(|_| site.is_readable());
    let shorter = match opcode {
        // mov r, [slot] to lea r, [address]
        Some([0x8b, register]) => [0x8d, register],
        // call [slot] to nop; call address
        Some([0xff, 0x15]) => [0x90, 0xe8],
        // jmp [slot] to nop; jmp address
        Some([0xff, 0x25]) => [0x90, 0xe9],
        _ => return displacement(site),
    };
    match opcode {
        Some(opcode) => Fill::Relax {
            opcodes: [opcode, shorter],
        },
        None => displacement(site),
    }
}

/// Returns the two bytes before a displacement in code.
fn opcode(site: &Site<'_>) -> Option<[u8; 2]> {
    match site.part {
        Part::Data => None,
        Part::Code => {
            let start = site.hole.offset.checked_sub(2)?;
            site.code.get(start..site.hole.offset)?.try_into().ok()
        }
    }
}

/// Returns what `patch_x86_64_32rx` writes as the displacement and as the opcode: those of what is in
/// the slot if that is near enough.
///
/// `value` is the slot's address minus 4, `location` that of the displacement, `content` what is in the
/// slot.
#[inline(always)]
pub(crate) fn relaxed(hole: &Relax, value: u64, location: u64, content: u64) -> (Formed, u16) {
    let relaxed = content.wrapping_add_signed(AFTER_FIELD);
    let distance = relaxed.wrapping_sub(location);
    // CPython compares with 2^31 - 1 where 2^31 would do.
    let near = distance.wrapping_add(1 << 31) < (1 << 32) - 1;
    let value = if near { relaxed } else { value };
    let [slot, shorter] = hole.opcodes;
    let formed = form::RELATIVE.apply::<true>(value, location);
    (formed, if near { shorter } else { slot })
}

/// Returns the address of the slot that a relaxing instruction with that value refers to.
#[inline(always)]
pub(crate) fn slot_of(value: u64) -> u64 {
    value.wrapping_add_signed(-AFTER_FIELD)
}
