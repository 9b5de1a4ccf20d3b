//! From the stencils of a file to the linker's table: each hole is checked against the instruction
//! that it is in, once, so that linking need not look again.

mod check;

use jit_schema::{Arch, Target};
use jit_stencils::{Hole, HoleValue, Part, PatchKind, PatchValue, StencilGroup};

use crate::{
    error::StencilError,
    form::{self, FormIndex},
    instruction as aarch64,
    quick::{self, WINDOW},
    table::{
        CODE_PART, DATA_PART, Entry, Field, HALVES, Mask, Relax, SYMBOL_VALUES, Simple, Sizes,
        Span, Special, Table, UOP_VALUES, masks, value_of,
    },
};

/// Adds stencils to a table.
pub(crate) struct Compiler<'a> {
    pub(crate) target: &'a Target,
    /// The symbols with ordinals, then those without.
    pub(crate) symbols: Vec<String>,
    /// How many have ordinals.
    pub(crate) ordinals: usize,
    pub(crate) table: Table,
}

/// A stencil that is being added.
struct Adding<'a> {
    uop: &'a str,
    code: Vec<u8>,
    data: Vec<u8>,
    got: Mask,
    trampolines: Mask,
    direct: Vec<usize>,
    entry: Entry,
}

type Problem = String;

impl Compiler<'_> {
    /// Check a stencil and add it.
    pub(crate) fn add(&mut self, uop: &str, group: &StencilGroup) -> Result<(), StencilError> {
        let (got, trampolines) = masks(group).map_err(|ordinal| StencilError::TooManySymbols {
            uop: uop.to_owned(),
            ordinal,
        })?;
        let mut adding = Adding {
            uop,
            code: group.code.body.clone(),
            data: group.data.body.clone(),
            got,
            trampolines,
            direct: Vec::new(),
            entry: Entry::default(),
        };
        self.check_sizes(&adding)?;
        self.check_masks(&adding)?;
        let start = self.lengths();
        for part in [Part::Data, Part::Code] {
            let stencil = match part {
                Part::Code => &group.code,
                Part::Data => &group.data,
            };
            check::check_overlaps(uop, part, stencil)?;
            for hole in stencil.holes.iter().filter(|hole| !hole.void) {
                self.add_hole(&mut adding, part, hole)
                    .map_err(|problem| StencilError::Hole {
                        uop: uop.to_owned(),
                        part,
                        offset: hole.offset,
                        kind: hole.patch,
                        problem,
                    })?;
            }
        }
        let table = &mut self.table;
        let mut fields = table.fields.split_off(start[0] as usize);
        fields.sort_by_key(|field| (field.part != DATA_PART, field.offset));
        for field in &mut fields {
            field.around = adding.around(field);
        }
        let wide = table.wide.split_off(start[3] as usize);
        let (fields, wide) = quick::widen(fields, wide, adding.code.len());
        table.fields.extend(fields);
        table.wide.extend(wide);
        let end = self.lengths();
        let table = &mut self.table;
        let mut entry = adding.entry;
        let [fields, relaxes, specials, wide, near] =
            std::array::from_fn(|index| Span(start[index], end[index]));
        entry.fields = fields;
        entry.relaxes = relaxes;
        entry.specials = specials;
        entry.wide = wide;
        entry.near = near;
        let values = wide.of(&table.wide).iter().map(|hole| hole.value);
        let values = values.chain(near.of(&table.near).iter().map(|hole| hole.value));
        let values = values.chain(relaxes.of(&table.relaxes).iter().map(|hole| hole.value));
        let in_code = |field: &Field| field.part == CODE_PART;
        if !fields.of(&table.fields).iter().any(in_code) {
            entry.shape = quick::shape(
                adding.code.len(),
                [wide, near, relaxes].map(|span| (span.1 - span.0) as usize),
                values.max().unwrap_or(0),
            );
        }
        entry.code = small(adding.code.len());
        entry.data = small(adding.data.len());
        // The room that block-wise copying of the stencil before needs is the start of this one.
        table
            .bodies
            .truncate(table.bodies.len().saturating_sub(WINDOW));
        entry.body = small(table.bodies.len());
        table.bodies.extend_from_slice(&adding.code);
        entry.data_body = small(table.bodies.len());
        table.bodies.extend_from_slice(&adding.data);
        table.bodies.extend_from_slice(&[0; WINDOW]);
        table.entries.push(entry);
        table.sizes.push(Sizes {
            code: adding.code.len() as u64,
            data: adding.data.len() as u64,
            got: adding.got,
            trampolines: adding.trampolines,
        });
        table.direct.push(adding.direct);
        Ok(())
    }

    fn lengths(&self) -> [u32; 5] {
        let table = &self.table;
        [
            table.fields.len(),
            table.relaxes.len(),
            table.specials.len(),
            table.wide.len(),
            table.near.len(),
        ]
        .map(small)
    }

    fn add_hole(
        &mut self,
        adding: &mut Adding<'_>,
        part: Part,
        hole: &Hole,
    ) -> Result<(), Problem> {
        use PatchKind as P;
        match hole.patch {
            P::GotSymbol => self.check_slot_fill(adding, part, hole),
            P::X86_64_32rx => self.add_x86_relaxing(adding, part, hole),
            P::Aarch64Trampoline | P::X86_64Trampoline => self.add_trampoline(adding, part, hole),
            P::Aarch64_33rx => self.add_pair(adding, part, hole),
            P::Aarch64_21r | P::Aarch64_21rx => {
                self.add_field(adding, part, hole, form::PAGE_LOW)?;
                self.add_field(adding, part, hole, form::PAGE_HIGH)
            }
            _ => {
                let form = self.form(adding, part, hole)?;
                self.add_field(adding, part, hole, form)
            }
        }
    }

    /// The form of a patch that has just one, the instruction being one that it fits.
    fn form(&self, adding: &Adding<'_>, part: Part, hole: &Hole) -> Result<FormIndex, Problem> {
        use PatchKind as P;
        let narrow = self.target.arch.pointer_size() == 4;
        let form = match hole.patch {
            // The C expression has 32 bits where its terms have.
            P::Patch32 if narrow && is_narrow(&hole.value) => form::ABSOLUTE_32_WRAPPING,
            P::Patch32 => form::ABSOLUTE_32,
            P::Patch32r if narrow => form::RELATIVE_32_WRAPPING,
            P::Patch32r => form::RELATIVE_32,
            P::Patch64 => return Ok(form::ABSOLUTE_64),
            P::Aarch64_12 | P::Aarch64_12x => {
                let scale = aarch64::scale(self.instruction(adding, part, hole.offset)?)?;
                return Ok(form::LOW_12 + scale);
            }
            P::Aarch64_16a => return self.move_form(adding, part, hole, 0),
            P::Aarch64_16b => return self.move_form(adding, part, hole, 1),
            P::Aarch64_16c => return self.move_form(adding, part, hole, 2),
            P::Aarch64_16d => return self.move_form(adding, part, hole, 3),
            P::Aarch64_19r => {
                aarch64::check_branch19(self.instruction(adding, part, hole.offset)?)?;
                return Ok(form::BRANCH_19);
            }
            P::Aarch64_26r => {
                aarch64::check_branch26(self.instruction(adding, part, hole.offset)?)?;
                return Ok(form::BRANCH_26);
            }
            other => return Err(format!("{} is not expected here", other.c_name())),
        };
        if self.target.arch == Arch::Aarch64 {
            return Err("AArch64 has no such field".into());
        }
        Ok(form)
    }

    fn move_form(
        &self,
        adding: &Adding<'_>,
        part: Part,
        hole: &Hole,
        index: u8,
    ) -> Result<FormIndex, Problem> {
        let instruction = self.instruction(adding, part, hole.offset)?;
        aarch64::check_move(instruction, u32::from(index))?;
        Ok(form::MOVE_16 + index)
    }

    /// The AArch64 instruction at an offset, which must be one.
    fn instruction(&self, adding: &Adding<'_>, part: Part, offset: usize) -> Result<u32, Problem> {
        if self.target.arch != Arch::Aarch64 || part != Part::Code {
            return Err("the patch is for AArch64 code".into());
        }
        if !offset.is_multiple_of(4) {
            return Err("instructions are at multiples of 4".into());
        }
        adding
            .code
            .get(offset..)
            .and_then(|rest| rest.first_chunk())
            .map(|bytes| u32::from_le_bytes(*bytes))
            .ok_or_else(|| outside(adding.code.len()))
    }

    fn add_field(
        &mut self,
        adding: &mut Adding<'_>,
        part: Part,
        hole: &Hole,
        form: FormIndex,
    ) -> Result<(), Problem> {
        if form == form::PAGE_LOW {
            aarch64::check_adrp(self.instruction(adding, part, hole.offset)?)?;
        }
        let (value, addend) = self.value(adding, &hole.value)?;
        let mask = match hole.patch {
            // The field has 12 bits, whatever it counts in.
            PatchKind::Aarch64_12 | PatchKind::Aarch64_12x => 0xfff << 10,
            _ => form::form(form).mask,
        };
        adding.clear(part, hole.offset, hole.patch.width(), mask)?;
        let simple = match (part, form) {
            (Part::Code, form::ABSOLUTE_64) if self.target.arch != Arch::Aarch64 => {
                Some(&mut self.table.wide)
            }
            (Part::Code, form::RELATIVE_32) => Some(&mut self.table.near),
            _ => None,
        };
        if let Some(table) = simple {
            table.push(Simple {
                addend,
                offset: small(hole.offset),
                value,
            });
            return Ok(());
        }
        self.table.fields.push(Field {
            addend,
            around: 0,
            offset: small(hole.offset),
            value,
            form,
            part: match part {
                Part::Code => CODE_PART,
                Part::Data => DATA_PART,
            },
        });
        Ok(())
    }

    /// The index of a value in the table of values, and what is added to it.
    fn value(
        &mut self,
        adding: &mut Adding<'_>,
        value: &PatchValue,
    ) -> Result<(u16, i64), Problem> {
        match value {
            PatchValue::GotSlot { ordinal, addend } => {
                self.check_ordinal(&adding.got, *ordinal)?;
                if self.target.arch == Arch::I686 {
                    // CPython's would be 4 bytes apart and 8 bytes wide.
                    return Err("32-bit x86 has no GOT".into());
                }
                let expected = match self.target.arch {
                    Arch::Aarch64 => 0,
                    Arch::I686 | Arch::X86_64 => -4,
                };
                if *addend != expected {
                    return Err(format!("a GOT slot's addend is {expected}, not {addend}"));
                }
                Ok((index(UOP_VALUES + ordinal), *addend))
            }
            PatchValue::Address {
                base,
                symbol: None,
                addend,
            } => {
                adding.entry.jumps |= *base == HoleValue::JumpTarget;
                adding.entry.errs |= *base == HoleValue::ErrorTarget;
                if *base == HoleValue::Got {
                    return Err("a GOT slot needs a symbol".into());
                }
                let value = value_of(*base);
                self.table.halves |= HALVES.contains(&value);
                Ok((index(value), *addend))
            }
            PatchValue::Address {
                base: HoleValue::Zero,
                symbol: Some(symbol),
                addend,
            } => {
                let known = self.symbols.iter().position(|known| known == symbol);
                let place = known.unwrap_or(self.symbols.len());
                if known.is_none() {
                    self.symbols.push(symbol.clone());
                }
                let limit = usize::from(u16::MAX) - SYMBOL_VALUES;
                if place > limit {
                    return Err(format!("more than {limit} external symbols"));
                }
                adding.direct.push(place);
                Ok((index(SYMBOL_VALUES + place), *addend))
            }
            PatchValue::Address { base, .. } => {
                Err(format!("a symbol's address cannot be added to {base}"))
            }
            PatchValue::Symbol { .. } => Err("a symbol by number is for trampolines".into()),
        }
    }

    fn add_x86_relaxing(
        &mut self,
        adding: &mut Adding<'_>,
        part: Part,
        hole: &Hole,
    ) -> Result<(), Problem> {
        let form = match self.target.arch {
            Arch::Aarch64 => return Err("the patch is for x86 code".into()),
            Arch::I686 => form::RELATIVE_32_WRAPPING,
            Arch::X86_64 => form::RELATIVE_32,
        };
        // Windows has this patch for everything; there is a slot behind few of them.
        let has_slot = match &hole.value {
            PatchValue::GotSlot { .. } => true,
            PatchValue::Address {
                base: HoleValue::Data,
                symbol: None,
                addend,
            } => addend
                .checked_add(4)
                .and_then(|offset| usize::try_from(offset).ok())
                .is_some_and(|offset| offset < adding.data.len()),
            _ => false,
        };
        let opcode = adding
            .opcode(part, hole.offset)
            .filter(|_| has_slot && self.target.arch == Arch::X86_64);
        let opcodes = match opcode {
            // mov r, [slot] to lea r, [address]
            Some([0x8b, register]) => [[0x8b, register], [0x8d, register]],
            // call [slot] to nop; call address
            Some([0xff, 0x15]) => [[0xff, 0x15], [0x90, 0xe8]],
            // jmp [slot] to nop; jmp address
            Some([0xff, 0x25]) => [[0xff, 0x25], [0x90, 0xe9]],
            _ => return self.add_field(adding, part, hole, form),
        };
        let (value, addend) = self.value(adding, &hole.value)?;
        adding.clear(part, hole.offset, 4, 0xffff_ffff)?;
        self.table.relaxes.push(Relax {
            addend,
            offset: small(hole.offset),
            value,
            opcodes: opcodes.map(u16::from_le_bytes),
        });
        Ok(())
    }

    fn add_trampoline(
        &mut self,
        adding: &mut Adding<'_>,
        part: Part,
        hole: &Hole,
    ) -> Result<(), Problem> {
        let PatchValue::Symbol { ordinal } = hole.value else {
            return Err("a trampoline is for a symbol by number".into());
        };
        if part != Part::Code {
            return Err("only code has trampolines".into());
        }
        self.check_ordinal(&adding.trampolines, ordinal)?;
        let rules = crate::table::Rules::of(self.target);
        let form = match (hole.patch, self.target.arch) {
            (PatchKind::Aarch64Trampoline, Arch::Aarch64) => {
                aarch64::check_branch26(self.instruction(adding, part, hole.offset)?)?;
                form::BRANCH_26
            }
            (PatchKind::X86_64Trampoline, Arch::X86_64) if rules.trampoline != 0 => {
                form::RELATIVE_32
            }
            _ => return Err(format!("{} has no such trampolines", self.target)),
        };
        adding.clear(part, hole.offset, 4, form::form(form).mask)?;
        self.table.specials.push(Special::Trampoline {
            offset: small(hole.offset),
            ordinal: index(ordinal),
            form,
        });
        Ok(())
    }

    fn add_pair(
        &mut self,
        adding: &mut Adding<'_>,
        part: Part,
        hole: &Hole,
    ) -> Result<(), Problem> {
        let first = hole.first.ok_or("the offset of the adrp is missing")?;
        let adrp = self.instruction(adding, part, first)?;
        let load = self.instruction(adding, part, hole.offset)?;
        aarch64::check_adrp(adrp)?;
        let scale = aarch64::scale(load)?;
        let register = aarch64::check_pair(adrp, load)?;
        let in_data = match &hole.value {
            PatchValue::GotSlot { .. } => true,
            PatchValue::Address {
                base: HoleValue::Data,
                symbol: None,
                addend,
            } => usize::try_from(*addend).is_ok_and(|offset| offset < adding.data.len()),
            _ => false,
        };
        let (value, addend) = self.value(adding, &hole.value)?;
        let page = form::form(form::PAGE_LOW).mask | form::form(form::PAGE_HIGH).mask;
        adding.clear(part, first, 4, page)?;
        adding.clear(part, hole.offset, 4, 0xfff << 10)?;
        self.table.specials.push(Special::Pair {
            first: small(first),
            second: small(hole.offset),
            value,
            scale,
            register: register.filter(|_| in_data),
            addend,
        });
        Ok(())
    }
}

impl Adding<'_> {
    /// Zero the bits that a patch will write, so that writing is adding.
    fn clear(&mut self, part: Part, offset: usize, width: usize, mask: u64) -> Result<(), Problem> {
        let body = match part {
            Part::Code => &mut self.code,
            Part::Data => &mut self.data,
        };
        let size = body.len();
        let field = offset
            .checked_add(width)
            .and_then(|end| body.get_mut(offset..end))
            .ok_or_else(|| outside(size))?;
        for (byte, mask) in field.iter_mut().zip(mask.to_le_bytes()) {
            *byte &= !mask;
        }
        Ok(())
    }

    /// What [`Field::around`] is, when all fields have been zeroed.
    fn around(&self, field: &Field) -> u64 {
        let body = if field.part == DATA_PART {
            &self.data
        } else {
            &self.code
        };
        let mut bytes = [0; 8];
        let rest = body.get(field.offset as usize..).unwrap_or_default();
        for (byte, from) in bytes.iter_mut().zip(rest) {
            *byte = *from;
        }
        u64::from_le_bytes(bytes)
    }

    /// The two bytes before a displacement in code.
    fn opcode(&self, part: Part, offset: usize) -> Option<[u8; 2]> {
        if part != Part::Code {
            return None;
        }
        self.code
            .get(offset.checked_sub(2)?..offset)?
            .try_into()
            .ok()
    }
}

/// Whether sums for the value have 32 bits where pointers have.
fn is_narrow(value: &PatchValue) -> bool {
    match value {
        PatchValue::Address { base, symbol, .. } => {
            symbol.is_some()
                || matches!(
                    base,
                    HoleValue::Code
                        | HoleValue::Data
                        | HoleValue::JumpTarget
                        | HoleValue::ErrorTarget
                        // Half of an operand is 32 bits to the compiler, too, which folds `+ 16` into
                        // the addend. CPython's C has 64 bits there, and cuts them off.
                        | HoleValue::Operand0Hi
                        | HoleValue::Operand0Lo
                        | HoleValue::Operand1Hi
                        | HoleValue::Operand1Lo
                )
        }
        PatchValue::GotSlot { .. } | PatchValue::Symbol { .. } => true,
    }
}

fn outside(size: usize) -> Problem {
    format!("it is not within the {size} bytes of the stencil")
}

/// Sizes here are checked to be far below that.
fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Indices here are checked to be far below that.
fn index(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}
