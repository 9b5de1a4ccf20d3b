//! Copying a stencil and filling its holes.

use super::{
    image::{Bug, Image, Place, copy, put},
    plan::Plan,
};
use crate::{
    load::Stencils,
    table::{CODE_PART, Entry, Field, Table},
};

impl Image {
    /// Copies a stencil and fills its holes, those of the data first, because what is written into code
    /// may depend on the data's contents. Returns nonzero if a value does not fit.
    ///
    /// `PLAIN` says whether all forms of the target are plain.
    #[inline(always)]
    pub(super) fn emit<const PLAIN: bool>(
        &mut self,
        stencils: &Stencils,
        plan: &Plan,
        base: u64,
        entry: &Entry,
        at: Place,
    ) -> Result<u64, Bug> {
        let table = &stencils.table;
        if entry.data != 0 {
            copy(
                &mut self.data,
                at.data,
                &table.bodies,
                entry.data_body as usize,
                entry.data as usize,
            )?;
        }
        let mut bad = 0;
        bad |= match entry.shape {
            Some(shape) if PLAIN => {
                let fields = entry.fields.of(&table.fields).ok_or(Bug)?;
                self.fields::<PLAIN>(fields, at)? | self.quick(table, entry, shape, at.code)?
            }
            None if PLAIN => self.unusual(table, entry, at)?,
            _ => self.any::<PLAIN>(table, entry, at)?,
        };
        if !table.specials.is_empty() {
            for special in entry.specials.of(&table.specials).ok_or(Bug)? {
                bad |= self.special(special, plan, base, at.code)?;
            }
        }
        Ok(bad)
    }

    /// Does what [`any`](Image::any) does, as a function of its own: most plain stencils have a shape.
    #[inline(never)]
    fn unusual(&mut self, table: &Table, entry: &Entry, at: Place) -> Result<u64, Bug> {
        self.any::<true>(table, entry, at)
    }

    /// Copies the code of a stencil of any shape, and fills all its holes but the special ones.
    #[inline(always)]
    fn any<const PLAIN: bool>(
        &mut self,
        table: &Table,
        entry: &Entry,
        at: Place,
    ) -> Result<u64, Bug> {
        let (from, length) = (entry.body as usize, entry.code as usize);
        copy(&mut self.code, at.code, &table.bodies, from, length)?;
        let fields = entry.fields.of(&table.fields).ok_or(Bug)?;
        let mut bad = self.fields::<PLAIN>(fields, at)?;
        for hole in entry.wide.of(&table.wide).ok_or(Bug)? {
            let value = self.value(hole.value, hole.addend)?;
            let offset = at.code + hole.offset as usize;
            put(&mut self.code, offset, value.to_le_bytes())?;
        }
        for hole in entry.near.of(&table.near).ok_or(Bug)? {
            let (_, formed) = self.near(hole)?;
            bad |= formed.range;
            self.replace(at.code + hole.offset as usize, formed.field as u32)?;
        }
        for hole in entry.relaxes.of(&table.relaxes).ok_or(Bug)? {
            let (_, formed, opcode) = self.relaxed(hole)?;
            bad |= formed.range;
            let offset = at.code + hole.offset as usize;
            put(
                &mut self.code,
                offset.checked_sub(2).ok_or(Bug)?,
                opcode.to_le_bytes(),
            )?;
            self.replace(offset, formed.field as u32)?;
        }
        Ok(bad)
    }

    #[inline(always)]
    fn fields<const PLAIN: bool>(&mut self, fields: &[Field], at: Place) -> Result<u64, Bug> {
        let mut bad = 0;
        for field in fields {
            bad |= self.field::<PLAIN>(field, at)?;
        }
        Ok(bad)
    }

    #[inline(always)]
    fn field<const PLAIN: bool>(&mut self, field: &Field, at: Place) -> Result<u64, Bug> {
        let formed = self.form::<PLAIN>(field)?;
        let offset = field.offset as usize;
        // What is there is not read: it has just been written, and reading it would have to wait for
        // that. But an adrp has two fields, in the same place.
        let bits = formed.field | field.around;
        match (field.part, PLAIN) {
            (CODE_PART, true) => put(&mut self.code, at.code + offset, bits.to_le_bytes())?,
            (CODE_PART, false) => self.or(at.code + offset, formed.field)?,
            _ => self.put_data(at.data + offset, bits)?,
        }
        Ok(formed.range | formed.align)
    }
}
