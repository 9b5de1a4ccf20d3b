//! A stencil that is being added to the table: its bodies, with the fields of its holes set to 0.

use std::collections::BTreeSet;

use jit_stencils::{HoleValue, Part, StencilGroup};

use super::interfaces::{self, Number};
use crate::{
    arch::{Problem, outside},
    form, shape,
    table::{CODE_PART, DATA_PART, Entry, Field, Relax, Simple},
    values::Values,
};

pub(super) struct Draft<'s> {
    /// The stencil as it was given.
    pub(super) group: &'s StencilGroup,
    pub(super) code: Vec<u8>,
    pub(super) data: Vec<u8>,
    /// Symbols whose addresses are written as they are, by index.
    pub(super) direct: Vec<usize>,
    /// The operands that holes have, by number.
    pub(super) operands: BTreeSet<u16>,
    /// The targets that holes have, by number.
    pub(super) targets: BTreeSet<u16>,
    pub(super) entry: Entry,
}

impl<'s> Draft<'s> {
    pub(super) fn new(group: &'s StencilGroup) -> Draft<'s> {
        Draft {
            group,
            code: group.code.body.clone(),
            data: group.data.body.clone(),
            direct: Vec::new(),
            operands: BTreeSet::new(),
            targets: BTreeSet::new(),
            entry: Entry::default(),
        }
    }

    /// Notes that a hole has that base, so that the linker checks what it stands for.
    pub(super) fn uses(&mut self, base: HoleValue) {
        self.entry.jumps |= base == HoleValue::JumpTarget;
        self.entry.errs |= base == HoleValue::ErrorTarget;
        match interfaces::number_of(base) {
            Some(Number::Operand(number)) => _ = self.operands.insert(number),
            Some(Number::Target(number)) => _ = self.targets.insert(number),
            None => {}
        }
    }

    /// Zeroes the bits that a patch will write, so that writing is adding.
    pub(super) fn clear(
        &mut self,
        part: Part,
        offset: usize,
        width: usize,
        mask: u64,
    ) -> Result<(), Problem> {
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

    /// Sorts the fields as the table has them, and notes what is around each. All of the stencil's holes
    /// have been cleared by now.
    pub(super) fn finish_fields(&self, fields: &mut [Field]) {
        fields.sort_by_key(|field| (field.part != DATA_PART, field.offset));
        for field in fields {
            field.around = self.around(field);
        }
    }

    /// Returns [`Field::around`]. There are 0 bytes after the end of the body.
    fn around(&self, field: &Field) -> u64 {
        let body = if field.part == DATA_PART {
            &self.data
        } else {
            &self.code
        };
        let mut bytes = [0; 8];
        for (byte, from) in bytes
            .iter_mut()
            .zip(body.iter().skip(field.offset as usize))
        {
            *byte = *from;
        }
        u64::from_le_bytes(bytes)
    }

    /// Takes out the fields of x86_64 code whose values certainly fit their 32 bits, and returns them as
    /// 64-bit values: those have quicker code. The four bytes that come next are written with them; what
    /// is filled there is filled later.
    pub(super) fn widen(&self, fields: &mut Vec<Field>, values: Values) -> Vec<Simple> {
        let is_small = |value: u16| {
            let value = usize::from(value);
            let operand = || {
                let number = value.checked_sub(values.operands_from())?;
                self.group.interface.operands.get(number)
            };
            let oparg = value == values.index_of(HoleValue::Oparg);
            let target = value == values.index_of(HoleValue::Target);
            oparg || target || operand().is_some_and(|bits| (1..=32).contains(bits))
        };
        // In ascending order, as the fields are sorted.
        let starts: Vec<u32> = fields
            .iter()
            .filter(|field| field.part == CODE_PART)
            .map(|field| field.offset)
            .collect();
        let fits = |field: &Field| {
            let (next, end) = (field.offset + 4, field.offset + 8);
            let after = starts.partition_point(|start| *start < next);
            field.part == CODE_PART
                && field.form == form::ABSOLUTE_32
                && field.addend == 0
                && is_small(field.value)
                && end as usize <= self.code.len()
                // Fields are filled first.
                && starts.get(after).is_none_or(|start| *start >= end)
        };
        fields
            .extract_if(.., |field| fits(field))
            .map(|field| Simple {
                addend: field.around.cast_signed(),
                offset: field.offset,
                value: field.value,
            })
            .collect()
    }

    /// Returns the number of the stencil's shape, if it is a common one. A stencil with fields in its
    /// code has none.
    pub(super) fn shape(
        &self,
        fields: &[Field],
        wide: &[Simple],
        near: &[Simple],
        relaxes: &[Relax],
    ) -> Option<u8> {
        if fields.iter().any(|field| field.part == CODE_PART) {
            return None;
        }
        let values = wide.iter().chain(near).map(|hole| hole.value);
        let largest = values.chain(relaxes.iter().map(|hole| hole.value)).max();
        let counts = [wide.len(), near.len(), relaxes.len()];
        // Without holes there is no value.
        shape::shape(self.code.len(), counts, largest.unwrap_or(0))
    }
}
