//! Which hole it was, when a trace cannot be linked.

use jit_stencils::{HoleValue, Part, PatchKind, PatchValue, StencilGroup};

use crate::{
    error::LinkError,
    layout::Layout,
    link::Linker,
    symbols::Symbols,
    table::{CODE, CODE_PART, SYMBOL_VALUES, Special},
    trace::Uop,
};

/// A value that did not fit.
struct Misfit {
    part: Part,
    offset: u32,
    value: u64,
    location: u64,
    range: bool,
}

impl Linker<'_> {
    /// All symbols of a trace have to be known.
    pub(crate) fn check_symbols(
        &self,
        layout: &Layout<'_>,
        symbols: &Symbols,
    ) -> Result<(), LinkError> {
        if symbols.missing().is_empty() {
            return Ok(());
        }
        let opcodes = layout.trace.iter().map(|uop| uop.opcode);
        for (index, opcode) in opcodes.chain(self.stencils.guard()).enumerate() {
            if symbols.is_unusable(opcode) {
                return Err(self.unresolved(layout, index, opcode, symbols));
            }
        }
        Ok(())
    }

    fn unresolved(
        &self,
        layout: &Layout<'_>,
        index: usize,
        opcode: u16,
        symbols: &Symbols,
    ) -> LinkError {
        let (uop, group) = self.group(opcode);
        let holes = |part: Part| {
            let stencil = match part {
                Part::Code => &group.code,
                Part::Data => &group.data,
            };
            stencil.holes.iter().map(move |hole| (part, hole))
        };
        let missing = holes(Part::Code)
            .chain(holes(Part::Data))
            .find_map(|(part, hole)| {
                let symbol = match &hole.value {
                    PatchValue::Address { symbol, .. } => symbol.as_ref()?,
                    PatchValue::GotSlot { ordinal, .. } | PatchValue::Symbol { ordinal } => {
                        self.stencils.symbols.get(*ordinal)?
                    }
                };
                symbols
                    .missing()
                    .contains(symbol)
                    .then(|| (symbol.clone(), part, hole.offset, hole.patch))
            });
        let (symbol, part, offset, kind) = missing.unwrap_or_else(|| {
            // In a mask, though no hole refers to it.
            let symbol = symbols.missing().first().cloned().unwrap_or_default();
            (symbol, Part::Data, 0, PatchKind::GotSymbol)
        });
        LinkError::UnresolvedSymbol {
            index: self.index(layout, index),
            uop,
            symbol,
            part,
            offset,
            kind,
        }
    }

    /// What is wrong with the uop whose values have just been set.
    pub(crate) fn diagnose(&mut self, layout: &Layout<'_>, base: u64, index: usize) -> LinkError {
        let uop = match layout.trace.get(index) {
            Some(uop) => *uop,
            None => Uop {
                opcode: self.stencils.guard().unwrap_or_default(),
                ..Uop::default()
            },
        };
        let (name, group) = self.group(uop.opcode);
        if let Some(error) = self.jump_outside(layout, index, &uop, &name) {
            return error;
        }
        let Some(misfit) = self.misfit(layout, base, uop.opcode) else {
            // Not reached: something was wrong a moment ago.
            return LinkError::Mixed { what: "trace" };
        };
        let holes = match misfit.part {
            Part::Code => &group.code.holes,
            Part::Data => &group.data.holes,
        };
        let offset = misfit.offset as usize;
        let kind = holes
            .iter()
            .find(|hole| hole.offset == offset || hole.first == Some(offset))
            .map_or(PatchKind::Patch64, |hole| hole.patch);
        let index = self.index(layout, index);
        let Misfit {
            part,
            value,
            location,
            range,
            ..
        } = misfit;
        if range {
            LinkError::OutOfRange {
                index,
                uop: name,
                part,
                offset,
                kind,
                value,
                location,
            }
        } else {
            LinkError::Misaligned {
                index,
                uop: name,
                part,
                offset,
                kind,
                value,
                location,
            }
        }
    }

    fn jump_outside(
        &self,
        layout: &Layout<'_>,
        index: usize,
        uop: &Uop,
        name: &str,
    ) -> Option<LinkError> {
        let entry = self.stencils.table.entries.get(usize::from(uop.opcode))?;
        let length = layout.trace.len();
        let targets = [
            (entry.jumps, HoleValue::JumpTarget, uop.jump_target),
            (entry.errs, HoleValue::ErrorTarget, uop.error_target),
        ];
        let (_, value, target) = targets
            .into_iter()
            .find(|(needed, _, target)| *needed && usize::from(*target) >= length)?;
        Some(LinkError::JumpOutside {
            index,
            uop: name.to_owned(),
            value,
            target,
            length,
        })
    }

    /// The first hole whose value does not fit.
    fn misfit(&mut self, layout: &Layout<'_>, base: u64, opcode: u16) -> Option<Misfit> {
        let table = &self.stencils.table;
        let entry = table.entries.get(usize::from(opcode))?;
        let image = &self.image;
        let fields = entry.fields.of(&table.fields);
        for field in fields {
            let formed = image.form::<false>(field);
            if formed.range | formed.align != 0 {
                return Some(Misfit {
                    part: if field.part == CODE_PART {
                        Part::Code
                    } else {
                        Part::Data
                    },
                    offset: field.offset,
                    value: image.value(field.value, field.addend),
                    location: image.location(field.part, field.offset),
                    range: formed.range != 0,
                });
            }
        }
        let in_code = |offset: u32, value: u64, range: bool| Misfit {
            part: Part::Code,
            offset,
            value,
            location: image.location(CODE as u8, offset),
            range,
        };
        for near in entry.near.of(&table.near) {
            let (value, formed) = image.near(near);
            if formed.range != 0 {
                return Some(in_code(near.offset, value, true));
            }
        }
        for relax in entry.relaxes.of(&table.relaxes) {
            let (value, formed, _) = image.relaxed(relax);
            if formed.range != 0 {
                return Some(in_code(relax.offset, value, true));
            }
        }
        let specials = entry.specials.of(&table.specials);
        for special in specials {
            let (offset, value) = match *special {
                Special::Trampoline {
                    offset, ordinal, ..
                } => (offset, image.value(SYMBOL_VALUES as u16 + ordinal, 0)),
                Special::Pair {
                    second,
                    value,
                    addend,
                    ..
                } => (second, image.value(value, addend)),
            };
            let formed = image.formed(special, layout, base);
            if formed.range | formed.align != 0 {
                return Some(in_code(offset, value, formed.range != 0));
            }
        }
        None
    }

    fn group(&self, opcode: u16) -> (String, StencilGroup) {
        self.stencils
            .groups
            .get(usize::from(opcode))
            .cloned()
            .unwrap_or_default()
    }

    /// The index in the trace, none for the guard.
    fn index(&self, layout: &Layout<'_>, index: usize) -> Option<usize> {
        (index < layout.trace.len()).then_some(index)
    }
}
