//! Linking: bodies are copied one behind the other, and their holes filled.
//!
//! The image is made in a buffer of the linker's own and goes to its place whole, or not at all. The
//! usual hole takes a handful of instructions and no branch. Whether any of a uop's values did not fit
//! is one number for all of them; if it says so, `diagnose.rs` finds out which.

use jit_schema::Arch;

use crate::{
    error::{CompileError, LinkError},
    form::{self, Formed},
    layout::{self, Layout, LayoutPolicy},
    memory::{Arena, Executable},
    quick::{VALUES, WINDOW},
    special::trampoline_slot,
    stencils::Stencils,
    symbols::Symbols,
    table::{
        CODE, CODE_PART, Entry, Field, HALVES, Mask, Relax, SYMBOL_VALUES, Simple, UOP_VALUES,
        ordinals,
    },
    trace::Uop,
};

/// Links traces of one target's stencils, on any host. Reusable: it keeps its buffers.
#[derive(Debug, Clone)]
pub struct Linker<'s> {
    pub(crate) stencils: &'s Stencils,
    policy: LayoutPolicy,
    pub(crate) image: Image,
}

/// An image that is being made, and what that takes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Image {
    /// Code and trampolines, and room behind them.
    pub(crate) code: Vec<u8>,
    /// Data and GOT, and room behind them.
    pub(crate) data: Vec<u8>,
    /// The address of the data.
    pub(crate) data_address: u64,
    /// See [`table`](crate::table).
    pub(crate) values: Vec<u64>,
    /// Trampolines that branches went through.
    used: Mask,
}

impl<'s> Linker<'s> {
    /// A linker for these stencils.
    pub fn new(stencils: &'s Stencils, policy: LayoutPolicy) -> Linker<'s> {
        Linker {
            stencils,
            policy,
            image: Image::default(),
        }
    }

    /// What it links.
    pub fn stencils(&self) -> &'s Stencils {
        self.stencils
    }

    /// Lay out a trace: how large its image is does not depend on where it goes.
    ///
    /// # Errors
    ///
    /// [`LinkError::UnknownOpcode`], [`LinkError::TooLong`], [`LinkError::TooBig`], and
    /// [`LinkError::PageSize`].
    pub fn layout<'t>(&self, trace: &'t [Uop]) -> Result<Layout<'t>, LinkError> {
        layout::layout(self.stencils, self.policy, trace)
    }

    /// Write the image of a trace that is to run at address `base`. The trace's entry is at its
    /// start; `out` has [`Layout::size`] bytes.
    ///
    /// The bytes are those that `_PyJIT_Compile` in CPython's `Python/jit.c` makes of the same
    /// stencils, if the layout is [`LayoutPolicy::CPython`].
    ///
    /// # Errors
    ///
    /// A [`LinkError`] with the first hole whose value does not fit or is not known; `out` is as it
    /// was then.
    pub fn link(
        &mut self,
        layout: &Layout<'_>,
        base: u64,
        symbols: &Symbols,
        out: &mut [u8],
    ) -> Result<(), LinkError> {
        self.check(layout, base, symbols, out.len())?;
        self.start(layout, base, symbols);
        let linked = if self.stencils.rules.plain {
            self.copy::<true>(layout, base)
        } else {
            self.copy::<false>(layout, base)
        };
        match linked {
            Ok(()) => {
                self.image.fill_got(layout, symbols);
                self.finish(layout, symbols, out);
                Ok(())
            }
            Err(index) => Err(self.diagnose(layout, base, index)),
        }
    }

    /// Lay out a trace, take memory for it, link it there and make it executable. The trace's entry is
    /// at the start.
    ///
    /// # Errors
    ///
    /// [`CompileError`]: of [`layout`](Linker::layout) and [`link`](Linker::link), or of the memory.
    pub fn compile(
        &mut self,
        trace: &[Uop],
        symbols: &Symbols,
        arena: &Arena,
    ) -> Result<Executable, CompileError> {
        let layout = self.layout(trace)?;
        let mut memory = arena.alloc(layout.size())?;
        let base = memory.base();
        self.link(&layout, base, symbols, &mut memory)?;
        Ok(memory.publish()?)
    }

    fn check(
        &self,
        layout: &Layout<'_>,
        base: u64,
        symbols: &Symbols,
        length: usize,
    ) -> Result<(), LinkError> {
        if layout.identity != self.stencils.identity {
            return Err(LinkError::Mixed { what: "layout" });
        }
        if symbols.identity != self.stencils.identity {
            return Err(LinkError::Mixed { what: "symbols" });
        }
        if length != layout.size {
            return Err(LinkError::WrongBuffer {
                length,
                size: layout.size,
            });
        }
        let limit = if self.stencils.rules.narrow {
            1 << 32
        } else {
            u64::MAX
        };
        match base.checked_add(layout.size as u64) {
            Some(end) if end <= limit => self.check_symbols(layout, symbols),
            _ => Err(LinkError::WrongBase {
                base,
                size: layout.size,
            }),
        }
    }

    /// Make room, and fill the GOT, which code may depend on.
    fn start(&mut self, layout: &Layout<'_>, base: u64, symbols: &Symbols) {
        let image = &mut self.image;
        let code = layout.trampolines.end + WINDOW;
        if image.code.len() < code {
            image.code.resize(code, 0);
        }
        image.data.clear();
        image.data.resize(layout.got.end - layout.data.start + 8, 0);
        image.data_address = base.wrapping_add(layout.data.start as u64);
        image.used = Mask::default();
        let count = SYMBOL_VALUES + symbols.addresses.len();
        image.values.resize(count.max(VALUES), 0);
        if let Some(values) = image.values.get_mut(SYMBOL_VALUES..count) {
            values.copy_from_slice(&symbols.addresses);
        }
        let slots = base.wrapping_add(layout.got.start as u64);
        for (index, ordinal) in ordinals(&layout.got_mask).enumerate() {
            if let Some(value) = image.values.get_mut(UOP_VALUES + ordinal) {
                *value = slots.wrapping_add(8 * index as u64);
            }
        }
        image.fill_got(layout, symbols);
    }

    /// Copy all stencils and fill their holes, up to the first one where something does not fit: its
    /// index in the trace.
    fn copy<const PLAIN: bool>(&mut self, layout: &Layout<'_>, base: u64) -> Result<(), usize> {
        let stencils = self.stencils;
        let guard = stencils.guard().map(|opcode| Uop {
            opcode,
            ..Uop::default()
        });
        let mut at = Place::default();
        let mut index = 0;
        loop {
            let uop = match (layout.trace.get(index), &guard) {
                (Some(uop), _) => uop,
                (None, Some(guard)) if index == layout.trace.len() => guard,
                _ => return Ok(()),
            };
            let Some(entry) = stencils.table.entries.get(usize::from(uop.opcode)) else {
                return Err(index);
            };
            let outside = self
                .image
                .set_values(stencils, layout, base, entry, uop, at);
            let bad = self.image.emit::<PLAIN>(stencils, layout, base, entry, at);
            if outside | bad != 0 {
                return Err(index);
            }
            at.code += entry.code as usize;
            at.data += entry.data as usize;
            index += 1;
        }
    }

    /// Put the image into its place.
    fn finish(&mut self, layout: &Layout<'_>, symbols: &Symbols, out: &mut [u8]) {
        self.write_trampolines(layout, symbols);
        let parts = [
            (0..layout.trampolines.end, &self.image.code),
            (layout.data.start..layout.got.end, &self.image.data),
        ];
        let mut end = 0;
        for (range, from) in parts {
            if let Some(pad) = out.get_mut(end..range.start) {
                pad.fill(0);
            }
            end = range.end;
            let from = from.get(..range.len());
            if let (Some(place), Some(from)) = (out.get_mut(range), from) {
                place.copy_from_slice(from);
            }
        }
        if let Some(pad) = out.get_mut(end..) {
            pad.fill(0);
        }
    }

    /// The trampolines that are in use; the others stay 0. Now, as copying whole blocks has written
    /// over their place.
    fn write_trampolines(&mut self, layout: &Layout<'_>, symbols: &Symbols) {
        let used = self.image.used;
        if let Some(place) = self.image.code.get_mut(layout.trampolines()) {
            place.fill(0);
        }
        for ordinal in ordinals(&used) {
            let slot = trampoline_slot(layout, ordinal);
            let address = symbols.addresses.get(ordinal).copied().unwrap_or(0);
            let (instructions, literal) = match self.stencils.target.arch {
                // ldr x8, .+8; br x8
                Arch::Aarch64 => (0xd61f_0100_5800_0048, 8),
                // jmp *(%rip)
                Arch::I686 | Arch::X86_64 => (0x25ff, 6),
            };
            self.image.or(slot, instructions);
            self.image.or(slot + literal, address);
        }
    }
}

/// Where a uop's code and data go, in the buffers.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Place {
    code: usize,
    data: usize,
}

impl Image {
    /// Write the GOT. (A field of four bytes at the end of the data writes over the first slot.)
    fn fill_got(&mut self, layout: &Layout<'_>, symbols: &Symbols) {
        let start = layout.got.start - layout.data.start;
        for (index, ordinal) in ordinals(&layout.got_mask).enumerate() {
            let address = symbols.addresses.get(ordinal).copied().unwrap_or(0);
            put(&mut self.data, start + 8 * index, address.to_le_bytes());
        }
    }

    /// The uop's values. Returns not 0 if it jumps out of the trace.
    #[inline(always)]
    fn set_values(
        &mut self,
        stencils: &Stencils,
        layout: &Layout<'_>,
        base: u64,
        entry: &Entry,
        uop: &Uop,
        at: Place,
    ) -> u64 {
        let length = layout.trace.len();
        let outside =
            |needed: bool, target: u16| u64::from(needed & (usize::from(target) >= length));
        let target = |index: u16| {
            let start = layout.starts.get(usize::from(index)).copied();
            base.wrapping_add(u64::from(start.unwrap_or(0)))
        };
        let values = [
            base.wrapping_add(at.code as u64),
            self.data_address.wrapping_add(at.data as u64),
            u64::from(uop.oparg),
            uop.operand[0],
            uop.operand[1],
            u64::from(uop.target),
            target(uop.jump_target),
            target(uop.error_target),
        ];
        if let Some(place) = self.values.first_chunk_mut() {
            *place = values;
        }
        if stencils.table.halves
            && let Some(place) = self.values.get_mut(HALVES)
        {
            let [first, second] = uop.operand;
            let low = 0xffff_ffff;
            place.copy_from_slice(&[first >> 32, first & low, second >> 32, second & low]);
        }
        outside(entry.jumps, uop.jump_target) | outside(entry.errs, uop.error_target)
    }

    /// Copy a stencil and fill its holes, the data's first: code may depend on what is in there.
    #[inline(always)]
    fn emit<const PLAIN: bool>(
        &mut self,
        stencils: &Stencils,
        layout: &Layout<'_>,
        base: u64,
        entry: &Entry,
        at: Place,
    ) -> u64 {
        let table = &stencils.table;
        if entry.data != 0 {
            let from = entry.data_body as usize;
            copy(
                &mut self.data,
                at.data,
                &table.bodies,
                from,
                entry.data as usize,
            );
        }
        let mut bad = 0;
        match entry.shape {
            Some(shape) if PLAIN => {
                for field in entry.fields.of(&table.fields) {
                    bad |= self.field::<PLAIN>(field, at);
                }
                bad |= self.quick(table, entry, shape, at.code);
            }
            _ => bad |= self.other::<PLAIN>(stencils, entry, at),
        }
        if !PLAIN || stencils.rules.trampoline != 0 {
            for special in entry.specials.of(&table.specials) {
                bad |= self.special(special, layout, base, at.code);
            }
        }
        bad
    }

    /// Copy the code of a stencil of no shape, and fill all its holes.
    fn other<const PLAIN: bool>(&mut self, stencils: &Stencils, entry: &Entry, at: Place) -> u64 {
        let table = &stencils.table;
        let (from, length) = (entry.body as usize, entry.code as usize);
        copy(&mut self.code, at.code, &table.bodies, from, length);
        let mut bad = 0;
        for field in entry.fields.of(&table.fields) {
            bad |= self.field::<PLAIN>(field, at);
        }
        for hole in entry.wide.of(&table.wide) {
            let value = self.value(hole.value, hole.addend);
            put(
                &mut self.code,
                at.code + hole.offset as usize,
                value.to_le_bytes(),
            );
        }
        for hole in entry.near.of(&table.near) {
            let (_, formed) = self.near(hole);
            bad |= formed.range;
            self.replace(at.code + hole.offset as usize, formed.field as u32);
        }
        for hole in entry.relaxes.of(&table.relaxes) {
            let (_, formed, opcode) = self.relaxed(hole);
            bad |= formed.range;
            let offset = at.code + hole.offset as usize;
            put(&mut self.code, offset.wrapping_sub(2), opcode.to_le_bytes());
            self.replace(offset, formed.field as u32);
        }
        bad
    }

    #[inline(always)]
    fn field<const PLAIN: bool>(&mut self, field: &Field, at: Place) -> u64 {
        let formed = self.form::<PLAIN>(field);
        let offset = field.offset as usize;
        // Without looking at what is there: it has just been written, and reading it would have to
        // wait for that. An adrp has two fields, though, in the same place.
        let bits = formed.field | field.around;
        match (field.part, PLAIN) {
            (CODE_PART, true) => put(&mut self.code, at.code + offset, bits.to_le_bytes()),
            (CODE_PART, false) => self.or(at.code + offset, formed.field),
            _ => put(&mut self.data, at.data + offset, bits.to_le_bytes()),
        }
        formed.range | formed.align
    }

    /// The value of a hole.
    #[inline(always)]
    pub(crate) fn value(&self, value: u16, addend: i64) -> u64 {
        let value = self.values.get(usize::from(value)).copied().unwrap_or(0);
        value.wrapping_add_signed(addend)
    }

    /// The value of a displacement, and what it becomes.
    #[inline(always)]
    pub(crate) fn near(&self, hole: &Simple) -> (u64, Formed) {
        let value = self.value(hole.value, hole.addend);
        let location = self.location(CODE as u8, hole.offset);
        (value, form::RELATIVE.apply::<true>(value, location))
    }

    /// The value of an instruction that may be relaxed, what it becomes, and the opcode.
    #[inline(always)]
    pub(crate) fn relaxed(&self, hole: &Relax) -> (u64, Formed, u16) {
        let value = self.value(hole.value, hole.addend);
        let location = self.location(CODE as u8, hole.offset);
        let content = self.content(value.wrapping_add(4));
        let (formed, opcode) = hole.relaxed(value, location, content);
        (value, formed, opcode)
    }

    /// The address of a place in the code or data of the uop.
    #[inline(always)]
    pub(crate) fn location(&self, part: u8, offset: u32) -> u64 {
        let start = self.values.get(usize::from(part)).copied().unwrap_or(0);
        start.wrapping_add(u64::from(offset))
    }

    #[inline(always)]
    pub(crate) fn form<const PLAIN: bool>(&self, field: &Field) -> Formed {
        let value = self.value(field.value, field.addend);
        let location = self.location(field.part, field.offset);
        form::form(field.form).apply::<PLAIN>(value, location)
    }

    /// What is in the data or a GOT slot at that address.
    pub(crate) fn content(&self, address: u64) -> u64 {
        self.data
            .get(address.wrapping_sub(self.data_address) as usize..)
            .and_then(<[u8]>::first_chunk)
            .map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }

    /// A branch went through the symbol's trampoline.
    pub(crate) fn use_trampoline(&mut self, ordinal: usize) {
        if let Some(word) = self.used.get_mut(ordinal / 64) {
            *word |= 1 << (ordinal % 64);
        }
    }

    /// Write bits over zeros in the code.
    #[inline(always)]
    pub(crate) fn or(&mut self, at: usize, bits: u64) {
        let place = self.code.get_mut(at..).and_then(<[u8]>::first_chunk_mut);
        if let Some(place) = place {
            *place = (u64::from_le_bytes(*place) | bits).to_le_bytes();
        }
    }

    /// Write 32 bits of code.
    #[inline(always)]
    pub(crate) fn replace(&mut self, at: usize, word: u32) {
        put(&mut self.code, at, word.to_le_bytes());
    }
}

#[inline(always)]
fn put<const N: usize>(buffer: &mut [u8], at: usize, bytes: [u8; N]) {
    let place = buffer.get_mut(at..).and_then(<[u8]>::first_chunk_mut);
    if let Some(place) = place {
        *place = bytes;
    }
}

#[inline(always)]
fn copy(buffer: &mut [u8], at: usize, bodies: &[u8], from: usize, length: usize) {
    let place = buffer.get_mut(at..).and_then(|rest| rest.get_mut(..length));
    let body = bodies.get(from..).and_then(|rest| rest.get(..length));
    if let (Some(place), Some(body)) = (place, body) {
        place.copy_from_slice(body);
    }
}
