//! AArch64: instructions of four bytes, with fields of fewer bits than an address has.

mod instruction;
pub(crate) mod pair;

use jit_schema::{ObjectFormat, PatchKind};
use jit_stencils::{Part, PatchValue};

use super::{Architecture, Fill, Got, Problem, Rules, Site, Trampoline, outside};
use crate::{
    form::{self, FormIndex},
    limits,
};

pub(crate) struct Aarch64;

impl Architecture for Aarch64 {
    fn rules(&self, _format: ObjectFormat) -> Rules {
        Rules {
            trampoline: Some(TRAMPOLINE),
            got: Some(Got {
                slot_size: 8,
                addend: PatchKind::Aarch64_33rx.row().base_addend,
            }),
            code_unit: 4,
            data_align: 8,
            plain: false,
            max_size: limits::LARGE_BRANCHES,
            end: u64::MAX,
        }
    }

    fn fill(&self, site: &Site<'_>) -> Result<Fill, Problem> {
        use PatchKind as P;
        Ok(match site.hole.patch {
            P::GotSymbol => Fill::Slot,
            P::Patch64 => Fill::Field(form::ABSOLUTE_64),
            P::Aarch64_12 | P::Aarch64_12x => {
                let scale = instruction::scale(word(site, site.hole.offset)?)?;
                match site.hole.value {
                    PatchValue::Scaled { scale: times, .. } => Fill::Product {
                        scale: times,
                        form: form::FIELD_12 + scale,
                    },
                    _ => Fill::Field(form::LOW_12 + scale),
                }
            }
            P::Aarch64_16a => move_part(site, 0)?,
            P::Aarch64_16b => move_part(site, 1)?,
            P::Aarch64_16c => move_part(site, 2)?,
            P::Aarch64_16d => move_part(site, 3)?,
            P::Aarch64_19r => {
                instruction::check_branch19(word(site, site.hole.offset)?)?;
                Fill::Field(form::BRANCH_19)
            }
            P::Aarch64_21r | P::Aarch64_21rx => {
                instruction::check_adrp(word(site, site.hole.offset)?)?;
                Fill::Fields(form::PAGE_LOW, form::PAGE_HIGH)
            }
            P::Aarch64_26r => Fill::Field(branch26(site)?),
            P::Aarch64Trampoline => Fill::Trampoline {
                form: branch26(site)?,
            },
            P::Aarch64_33rx => pair(site)?,
            P::Patch32 | P::Patch32r | P::X86_64_32rx | P::Patch32s | P::X86_64Trampoline => {
                return Err(site.foreign());
            }
        })
    }

    fn elf_machine(&self) -> u16 {
        183
    }
}

/// The register is x16, which the procedure call standard reserves for code between a call and the
/// function. CPython uses x8, in which a caller passes the address for a returned structure. A `br`
/// through x16 may also go to the `bti c` at the start of a function.
const TRAMPOLINE: Trampoline = Trampoline {
    size: 16,
    // ldr x16, .+8; br x16
    code: &[0x50, 0x00, 0x00, 0x58, 0x00, 0x02, 0x1f, 0xd6],
};

/// Returns the instruction at an offset, which must be one.
fn word(site: &Site<'_>, offset: usize) -> Result<u32, Problem> {
    if site.part != Part::Code {
        return Err("the patch is for code".into());
    }
    if !offset.is_multiple_of(4) {
        return Err("instructions are at multiples of 4".into());
    }
    site.code
        .get(offset..)
        .and_then(|rest| rest.first_chunk())
        .map(|bytes| u32::from_le_bytes(*bytes))
        .ok_or_else(|| outside(site.code.len()))
}

fn move_part(site: &Site<'_>, part: u8) -> Result<Fill, Problem> {
    instruction::check_move(word(site, site.hole.offset)?, part.into())?;
    Ok(Fill::Field(form::MOVE_16 + part))
}

fn branch26(site: &Site<'_>) -> Result<FormIndex, Problem> {
    instruction::check_branch26(word(site, site.hole.offset)?)?;
    Ok(form::BRANCH_26)
}

fn pair(site: &Site<'_>) -> Result<Fill, Problem> {
    let first = site.hole.first.ok_or("the offset of the adrp is missing")?;
    let adrp = word(site, first)?;
    let load = word(site, site.hole.offset)?;
    instruction::check_adrp(adrp)?;
    let scale = instruction::scale(load)?;
    let register = instruction::check_pair(adrp, load)?;
    Ok(Fill::Pair {
        first,
        scale,
        register: register.filter(|_| site.is_readable()),
    })
}
