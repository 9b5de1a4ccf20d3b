//! The image that is being made: its buffers, the values of the micro-op that is being linked, and how
//! those are read and written.
//!
//! What cannot happen, because it was checked when the stencils were loaded, is a [`Bug`], and linking
//! fails with an error.

use super::{plan::Plan, symbols::Symbols};
use crate::{
    arch::x86_64,
    form::{self, Formed},
    load::Stencils,
    mask::Mask,
    shape::{VALUES, WINDOW},
    table::{CODE_PART, Field, Relax, Simple},
};

/// The table of stencils contradicts itself or the plan. `diagnose.rs` makes an error of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bug;

/// The buffers of a linker.
#[derive(Debug, Clone, Default)]
pub struct Image {
    /// Code and trampolines, and then room for a store that goes beyond them.
    pub(super) code: Vec<u8>,
    /// Data and GOT, and then room for a store that goes beyond them.
    pub(super) data: Vec<u8>,
    /// The address of the code.
    pub(super) base: u64,
    /// Where the GOT starts in `data`.
    pub(super) got: usize,
    /// The address of the data.
    pub(super) data_address: u64,
    /// The table of [`values`](crate::values).
    pub(super) values: Vec<u64>,
    /// The symbols whose trampolines are in use.
    pub(super) used: Mask,
}

/// Where the code and data of a micro-op go, in the buffers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Place {
    pub(super) code: usize,
    pub(super) data: usize,
}

impl Image {
    /// Makes room, and fills the GOT, because what is written into code may depend on its contents.
    pub(super) fn start(
        &mut self,
        stencils: &Stencils,
        plan: &Plan,
        base: u64,
        symbols: &Symbols,
    ) -> Result<(), Bug> {
        let code = plan.trampolines.end + WINDOW;
        if self.code.len() < code {
            self.code.resize(code, 0);
        }
        self.data.clear();
        self.data.resize(plan.got.end - plan.data.start + 8, 0);
        self.base = base;
        self.got = plan.got.start - plan.data.start;
        self.data_address = base.wrapping_add(plan.data.start as u64);
        self.used.clear();
        let start = stencils.table.values.symbols_from();
        let end = start + symbols.addresses.len();
        self.values.resize(end.max(VALUES), 0);
        let addresses = self.values.get_mut(start..end).ok_or(Bug)?;
        addresses.copy_from_slice(&symbols.addresses);
        let from = stencils.table.values.slots_from();
        let slots = base.wrapping_add(plan.got.start as u64);
        for (ordinal, offset) in plan.slots() {
            let value = self.values.get_mut(from + ordinal).ok_or(Bug)?;
            *value = slots.wrapping_add(offset as u64);
        }
        self.fill_got(plan, symbols)
    }

    /// Writes the GOT.
    fn fill_got(&mut self, plan: &Plan, symbols: &Symbols) -> Result<(), Bug> {
        for (ordinal, offset) in plan.slots() {
            let address = symbols.addresses.get(ordinal).ok_or(Bug)?;
            put(&mut self.data, self.got + offset, address.to_le_bytes())?;
        }
        Ok(())
    }

    /// Returns the address of a micro-op's code.
    #[inline(always)]
    pub(super) fn code_at(&self, at: Place) -> u64 {
        self.base.wrapping_add(at.code as u64)
    }

    /// Returns the address of a micro-op's data.
    #[inline(always)]
    pub(super) fn data_at(&self, at: Place) -> u64 {
        self.data_address.wrapping_add(at.data as u64)
    }

    /// Returns the value of a hole.
    #[inline(always)]
    pub(super) fn value(&self, value: u16, addend: i64) -> Result<u64, Bug> {
        let value = self.values.get(usize::from(value)).ok_or(Bug)?;
        Ok(value.wrapping_add_signed(addend))
    }

    /// Returns the address of a place in the code or data of the micro-op.
    #[inline(always)]
    pub(super) fn location(&self, part: u8, offset: u32) -> Result<u64, Bug> {
        let start = self.values.get(usize::from(part)).ok_or(Bug)?;
        Ok(start.wrapping_add(u64::from(offset)))
    }

    /// Returns the 64 bits at an address in the data or the GOT.
    #[inline(always)]
    pub(super) fn content(&self, address: u64) -> Result<u64, Bug> {
        content(&self.data, self.data_address, address)
    }

    /// Returns what a form makes of a field's value.
    #[inline(always)]
    pub(super) fn form<const PLAIN: bool>(&self, field: &Field) -> Result<Formed, Bug> {
        let value = self.value(field.value, field.addend)?;
        let location = self.location(field.part, field.offset)?;
        Ok(form::form(field.form).apply::<PLAIN>(value, location))
    }

    /// Returns the value of a displacement, and what is written.
    #[inline(always)]
    pub(super) fn near(&self, hole: &Simple) -> Result<(u64, Formed), Bug> {
        let value = self.value(hole.value, hole.addend)?;
        let location = self.location(CODE_PART, hole.offset)?;
        Ok((value, form::RELATIVE.apply::<true>(value, location)))
    }

    /// Returns the value of an instruction that may be relaxed, what is written as its displacement, and
    /// its opcode.
    #[inline(always)]
    pub(super) fn relaxed(&self, hole: &Relax) -> Result<(u64, Formed, u16), Bug> {
        let value = self.value(hole.value, hole.addend)?;
        let location = self.location(CODE_PART, hole.offset)?;
        let content = self.content(x86_64::slot_of(value))?;
        let (formed, opcode) = x86_64::relaxed(hole, value, location, content);
        Ok((value, formed, opcode))
    }

    /// Writes bits over zeros in the code.
    #[inline(always)]
    pub(super) fn or(&mut self, at: usize, bits: u64) -> Result<(), Bug> {
        let place = self.code.get_mut(at..).and_then(<[u8]>::first_chunk_mut);
        let place = place.ok_or(Bug)?;
        *place = (u64::from_le_bytes(*place) | bits).to_le_bytes();
        Ok(())
    }

    /// Writes a field of the data, and the bytes after it if the next eight bytes are all data. A field
    /// of four bytes at the end must leave the first slot of the GOT as it is: what is written into code
    /// may depend on the slot.
    #[inline(always)]
    pub(super) fn put_data(&mut self, at: usize, bits: u64) -> Result<(), Bug> {
        if at + 8 > self.got {
            return put(&mut self.data, at, (bits as u32).to_le_bytes());
        }
        put(&mut self.data, at, bits.to_le_bytes())
    }

    /// Writes 32 bits of code.
    #[inline(always)]
    pub(super) fn replace(&mut self, at: usize, word: u32) -> Result<(), Bug> {
        put(&mut self.code, at, word.to_le_bytes())
    }
}

/// Returns the 64 bits at an address in the data, whose first byte has the address `start`.
#[inline(always)]
pub(super) fn content(data: &[u8], start: u64, address: u64) -> Result<u64, Bug> {
    let rest = data.get(address.wrapping_sub(start) as usize..);
    let bytes = rest.and_then(<[u8]>::first_chunk).ok_or(Bug)?;
    Ok(u64::from_le_bytes(*bytes))
}

/// Writes bytes at an offset of a buffer.
#[inline(always)]
pub(super) fn put<const N: usize>(buffer: &mut [u8], at: usize, bytes: [u8; N]) -> Result<(), Bug> {
    let place = buffer.get_mut(at..).and_then(<[u8]>::first_chunk_mut);
    *place.ok_or(Bug)? = bytes;
    Ok(())
}

/// Copies bytes of a body to an offset of a buffer.
#[inline(always)]
pub(super) fn copy(
    buffer: &mut [u8],
    at: usize,
    bodies: &[u8],
    from: usize,
    length: usize,
) -> Result<(), Bug> {
    let place = buffer.get_mut(at..).and_then(|rest| rest.get_mut(..length));
    let body = bodies.get(from..).and_then(|rest| rest.get(..length));
    place.ok_or(Bug)?.copy_from_slice(body.ok_or(Bug)?);
    Ok(())
}
