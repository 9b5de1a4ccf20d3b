//! From the stencils of a file to the linker's table: each hole is checked against the instruction
//! that it is in, once, so that linking need not do so again.

use std::sync::Arc;

use jit_schema::Target;
use jit_stencils::{
    CodeEnd, Hole, HoleValue, Part, PatchValue, SLOT_SIZE, StencilGroup, SymbolMask,
};

use super::{
    check,
    draft::Draft,
    interfaces::{self, Interfaces},
    names::Names,
};
use crate::{
    arch::{self, Architecture, Fill, Problem, Rules, Site},
    error::StencilError,
    form::{self, FormIndex},
    mask,
    shape::WINDOW,
    table::{
        Branch, CODE_PART, DATA_PART, Field, HighMasks, Pair, Product, Relax, Simple, Sizes, Span,
        Special, Table, Taken, Takes,
    },
    values::Values,
};

/// Adds stencils to a table.
pub(super) struct TableBuilder<'s> {
    arch: &'static dyn Architecture,
    rules: Rules,
    names: Names<'s>,
    table: Table,
}

/// How many rows the tables had before a stencil.
#[derive(Clone, Copy)]
struct Lengths {
    fields: usize,
    relaxes: usize,
    specials: usize,
    wide: usize,
    near: usize,
}

impl<'s> TableBuilder<'s> {
    /// Returns an empty table, for `count` stencils of a target that refer to `symbols` by ordinal, and take
    /// what `interfaces` says.
    pub(super) fn new(
        target: &Target,
        symbols: &'s [String],
        count: usize,
        interfaces: &Interfaces,
    ) -> TableBuilder<'s> {
        let arch = arch::of(target.arch);
        TableBuilder {
            arch,
            rules: arch.rules(target.format),
            table: Table {
                values: Values::new(interfaces.operands, interfaces.targets, symbols.len()),
                ..Table::with_capacity(count)
            },
            names: Names::new(symbols),
        }
    }

    /// Returns the table, the symbols without ordinals that it refers to, and the target's rules.
    pub(super) fn finish(mut self) -> (Table, Vec<String>, Rules) {
        // The room that copying in blocks needs. For all stencils but the last, it is the start of the next.
        self.table.bodies.extend_from_slice(&[0; WINDOW]);
        (self.table, self.names.finish(), self.rules)
    }

    /// Checks a stencil and adds it.
    pub(super) fn add(&mut self, uop: &str, group: &'s StencilGroup) -> Result<(), StencilError> {
        check::check_masks(uop, group, &self.rules, self.names.ordinals())?;
        check::check_sizes(uop, group, &self.rules)?;
        let mut draft = Draft::new(group);
        let before = self.lengths();
        for (part, stencil) in [(Part::Data, &group.data), (Part::Code, &group.code)] {
            check::check_overlaps(uop, part, stencil)?;
            for hole in stencil.holes.iter().filter(|hole| !hole.void) {
                self.add_hole(&mut draft, part, hole)
                    .map_err(|problem| StencilError::Hole {
                        uop: uop.to_owned(),
                        part,
                        offset: hole.offset,
                        kind: hole.patch,
                        problem,
                    })?;
            }
        }
        self.finish_entry(draft, before)
            .ok_or_else(|| StencilError::TooLarge {
                uop: uop.to_owned(),
            })
    }

    fn lengths(&self) -> Lengths {
        Lengths {
            fields: self.table.fields.len(),
            relaxes: self.table.relaxes.len(),
            specials: self.table.specials.len(),
            wide: self.table.wide.len(),
            near: self.table.near.len(),
        }
    }

    /// Adds the row of a stencil whose holes have been added, or returns none where 32 bits are too few
    /// for an index.
    fn finish_entry(&mut self, draft: Draft, before: Lengths) -> Option<()> {
        let table = &mut self.table;
        let group = draft.group;
        let mut fields = table.fields.split_off(before.fields);
        draft.finish_fields(&mut fields);
        let small = draft.widen(&mut fields, table.values);
        table.wide.extend(small);
        let wide = table.wide.get_mut(before.wide..)?;
        wide.sort_by_key(|hole| hole.offset);

        let near = table.near.get(before.near..)?;
        let shape = draft.shape(&fields, wide, near, table.relaxes.get(before.relaxes..)?);
        table.fields.extend(fields);

        let mut entry = draft.entry;
        entry.body = narrow(table.bodies.len())?;
        table.bodies.extend_from_slice(&draft.code);
        entry.data_body = narrow(table.bodies.len())?;
        table.bodies.extend_from_slice(&draft.data);
        entry.code = narrow(draft.code.len())?;
        entry.data = narrow(draft.data.len())?;
        entry.shape = shape;
        entry.fields = span(before.fields, table.fields.len())?;
        entry.relaxes = span(before.relaxes, table.relaxes.len())?;
        entry.specials = span(before.specials, table.specials.len())?;
        entry.wide = span(before.wide, table.wide.len())?;
        entry.near = span(before.near, table.near.len())?;
        table.entries.push(entry);
        table.sizes.push(Sizes {
            code: draft.code.len() as u64,
            data: draft.data.len() as u64,
            got: mask::low(&group.got_entries),
            trampolines: mask::low(&group.trampolines),
        });
        table.falls_through.push(group.end == CodeEnd::FallsThrough);
        table.alignments.push(group.data_alignment);
        table.aligned |= group.data_alignment > SLOT_SIZE;
        let high = HighMasks {
            got: mask::high(&group.got_entries),
            trampolines: mask::high(&group.trampolines),
        };
        let is_high = !(high.got.is_empty() && high.trampolines.is_empty());
        table.many_symbols |= is_high;
        table.high.push(is_high.then(|| Box::new(high)));
        let direct = table.direct.len();
        table.direct.extend(draft.direct);
        table.direct_spans.push(span(direct, table.direct.len())?);
        let (operands, targets) = (table.operands.len(), table.targets.len());
        let taken = draft.operands.iter().map(|number| Taken {
            number: *number,
            excess: excess(group, *number),
        });
        table.operands.extend(taken);
        table.targets.extend(draft.targets);
        table.takes.push(Takes {
            operands: span(operands, table.operands.len())?,
            targets: span(targets, table.targets.len())?,
        });
        Some(())
    }

    fn add_hole(&mut self, draft: &mut Draft, part: Part, hole: &'s Hole) -> Result<(), Problem> {
        let fill = self.arch.fill(&Site {
            hole,
            part,
            code: &draft.code,
            data_size: draft.data.len(),
        })?;
        match fill {
            Fill::Slot => self.check_slot_fill(draft, part, hole),
            Fill::Field(form) => self.add_field(draft, part, hole, form),
            Fill::Fields(first, second) => {
                self.add_field(draft, part, hole, first)?;
                self.add_field(draft, part, hole, second)
            }
            Fill::Sum { check, sum } => {
                // Fields of x86 are written in this order, each over what is there.
                let (value, addend) = self.value(draft, hole)?;
                self.push_field(draft, part, hole, check, (value, 0))?;
                self.push_field(draft, part, hole, sum, (value, addend))
            }
            Fill::Product { scale, form } => self.add_product(draft, part, hole, (scale, form)),
            Fill::Wide => {
                let simple = self.simple(draft, part, hole)?;
                self.table.wide.push(simple);
                Ok(())
            }
            Fill::Near => {
                let simple = self.simple(draft, part, hole)?;
                self.table.near.push(simple);
                Ok(())
            }
            Fill::Relax { opcodes } => {
                let simple = self.simple(draft, part, hole)?;
                self.table.relaxes.push(Relax {
                    addend: simple.addend,
                    offset: simple.offset,
                    value: simple.value,
                    opcodes: opcodes.map(u16::from_le_bytes),
                });
                Ok(())
            }
            Fill::Trampoline { form } => self.add_branch(draft, part, hole, form),
            Fill::Pair {
                first,
                scale,
                register,
            } => {
                let (value, addend) = self.value(draft, hole)?;
                let page = form::field(form::PAGE_LOW) | form::field(form::PAGE_HIGH);
                draft.clear(part, first, hole.patch.width(), page)?;
                let low = form::field(form::LOW_12 + scale);
                draft.clear(part, hole.offset, hole.patch.width(), low)?;
                self.table.specials.push(Special::Pair(Pair {
                    addend,
                    first: offset(first)?,
                    second: offset(hole.offset)?,
                    value,
                    scale,
                    register,
                }));
                Ok(())
            }
        }
    }

    fn add_field(
        &mut self,
        draft: &mut Draft,
        part: Part,
        hole: &'s Hole,
        form: FormIndex,
    ) -> Result<(), Problem> {
        let counted = self.value(draft, hole)?;
        self.push_field(draft, part, hole, form, counted)
    }

    /// Adds a field with an index in the table of values, and what is added to that value.
    fn push_field(
        &mut self,
        draft: &mut Draft,
        part: Part,
        hole: &Hole,
        form: FormIndex,
        (value, addend): (u16, i64),
    ) -> Result<(), Problem> {
        draft.clear(part, hole.offset, hole.patch.width(), form::field(form))?;
        self.table.fields.push(Field {
            addend,
            // Known when all holes have been cleared.
            around: 0,
            offset: offset(hole.offset)?,
            value,
            form,
            part: match part {
                Part::Code => CODE_PART,
                Part::Data => DATA_PART,
            },
        });
        Ok(())
    }

    /// Returns the row of a hole that its value fills as a whole.
    fn simple(&mut self, draft: &mut Draft, part: Part, hole: &'s Hole) -> Result<Simple, Problem> {
        let (value, addend) = self.value(draft, hole)?;
        draft.clear(part, hole.offset, hole.patch.width(), u64::MAX)?;
        Ok(Simple {
            addend,
            offset: offset(hole.offset)?,
            value,
        })
    }

    fn add_branch(
        &mut self,
        draft: &mut Draft,
        part: Part,
        hole: &Hole,
        form: FormIndex,
    ) -> Result<(), Problem> {
        let PatchValue::Symbol { ordinal } = hole.value else {
            return Err("a trampoline is for a symbol by number".into());
        };
        if part != Part::Code {
            return Err("only code has trampolines".into());
        }
        if self.rules.trampoline.is_none() {
            return Err("the target has no trampolines".into());
        }
        self.check_ordinal(&draft.group.trampolines, ordinal)?;
        draft.clear(part, hole.offset, hole.patch.width(), form::field(form))?;
        self.table.specials.push(Special::Branch(Branch {
            offset: offset(hole.offset)?,
            ordinal: index(ordinal)?,
            value: index(self.table.values.symbols_from() + ordinal)?,
            form,
            addend: hole.patch.row().base_addend,
        }));
        Ok(())
    }

    fn add_product(
        &mut self,
        draft: &mut Draft,
        part: Part,
        hole: &'s Hole,
        (scale, form): (i32, FormIndex),
    ) -> Result<(), Problem> {
        let (value, addend) = match hole.value {
            PatchValue::Scaled { base, addend, .. } if base.is_number() => {
                (self.base(draft, base)?, addend)
            }
            PatchValue::Scaled { base, .. } => {
                return Err(format!("{base} is no number of the instruction"));
            }
            _ => self.value(draft, hole)?,
        };
        if part != Part::Code {
            return Err(
                "only code has numbers of 32 bits with a sign, and multiples of values".into(),
            );
        }
        draft.clear(part, hole.offset, hole.patch.width(), form::field(form))?;
        self.table.specials.push(Special::Product(Product {
            addend,
            scale,
            offset: offset(hole.offset)?,
            value,
            form,
        }));
        Ok(())
    }

    /// Returns the index of a base in the table of values.
    fn base(&mut self, draft: &mut Draft, base: HoleValue) -> Result<u16, Problem> {
        interfaces::check_value(draft.group, base)?;
        draft.uses(base);
        self.table.halves |= is_half(base);
        index(self.table.values.index_of(base))
    }

    /// Returns the index of a value in the table of values, and what is added to it.
    fn value(&mut self, draft: &mut Draft, hole: &'s Hole) -> Result<(u16, i64), Problem> {
        match &hole.value {
            PatchValue::GotSlot { ordinal, addend } => {
                self.check_ordinal(&draft.group.got_entries, *ordinal)?;
                let got = self.rules.got.ok_or("the target has no GOT")?;
                let expected = got.addend;
                if *addend != expected {
                    return Err(format!("a GOT slot's addend is {expected}, not {addend}"));
                }
                Ok((index(self.table.values.slots_from() + ordinal)?, *addend))
            }
            PatchValue::Address {
                base: HoleValue::Got,
                symbol: None,
                ..
            } => Err("a GOT slot needs a symbol".into()),
            PatchValue::Address {
                base,
                symbol: None,
                addend,
            } => Ok((self.base(draft, *base)?, *addend)),
            PatchValue::Address {
                base: HoleValue::Zero,
                symbol: Some(symbol),
                addend,
            } => Ok((self.direct_symbol(draft, symbol)?, *addend)),
            PatchValue::Address { base, .. } => {
                Err(format!("a symbol's address cannot be added to {base}"))
            }
            PatchValue::Scaled { .. } => {
                Err("only a field of 12 or 32 bits has a multiple of a value".into())
            }
            PatchValue::Symbol { .. } => Err("a symbol by number is for trampolines".into()),
        }
    }

    /// Returns the index of the address of a symbol that is written as it is.
    fn direct_symbol(&mut self, draft: &mut Draft, symbol: &'s Arc<str>) -> Result<u16, Problem> {
        check_symbol(symbol)?;
        let place = self.names.index(symbol);
        draft.direct.push(place);
        index(self.table.values.symbols_from() + place)
    }

    /// GOT slots are filled for the whole trace, by its mask.
    fn check_slot_fill(&self, draft: &Draft, part: Part, hole: &'s Hole) -> Result<(), Problem> {
        match hole.value {
            PatchValue::Symbol { ordinal } if part == Part::Data => {
                self.check_ordinal(&draft.group.got_entries, ordinal)
            }
            _ => Err("only data fills GOT slots, and with symbols".into()),
        }
    }

    fn check_ordinal(&self, mask: &SymbolMask, ordinal: usize) -> Result<(), Problem> {
        let symbol = self.names.with_ordinal(ordinal);
        match symbol.filter(|_| mask.contains(ordinal)) {
            Some(symbol) => check_symbol(symbol),
            None => Err(format!(
                "symbol number {ordinal} is not in the stencil's mask"
            )),
        }
    }
}

/// Checks that a symbol can be one of the host's. The names that start with `_JIT_` are those of
/// [`HoleValue`], and have become bases of values when the stencils were built.
fn check_symbol(symbol: &str) -> Result<(), Problem> {
    if symbol.starts_with("_JIT_") {
        return Err(format!(
            "{symbol} is not the name of a value or place of a trace"
        ));
    }
    Ok(())
}

/// Returns the bits that an operand cannot have, as a stencil's interface says.
fn excess(group: &StencilGroup, number: u16) -> u64 {
    match group.interface.operands.get(usize::from(number)) {
        Some(bits @ 1..64) => u64::MAX << bits,
        _ => 0,
    }
}

/// Returns whether a base is half of an operand.
const fn is_half(base: HoleValue) -> bool {
    matches!(
        base,
        HoleValue::Operand0Hi
            | HoleValue::Operand0Lo
            | HoleValue::Operand1Hi
            | HoleValue::Operand1Lo
            | HoleValue::OperandHigh(_)
            | HoleValue::OperandLow(_)
    )
}

/// Returns an index into a table. There is memory for more rows than 32 bits can count.
fn narrow(number: usize) -> Option<u32> {
    u32::try_from(number).ok()
}

fn span(start: usize, end: usize) -> Option<Span> {
    Some(Span {
        start: narrow(start)?,
        end: narrow(end)?,
    })
}

/// Returns an offset in a stencil. The size of stencils has been checked, and so have offsets.
fn offset(number: usize) -> Result<u32, Problem> {
    u32::try_from(number).map_err(|_| format!("offset {number:#x} has more than 32 bits"))
}

/// Returns an index into the table of values, which has 16 bits.
fn index(number: usize) -> Result<u16, Problem> {
    u16::try_from(number).map_err(|_| {
        "there are more external symbols and operands than the 65,536 values that holes can refer to"
            .to_owned()
    })
}
