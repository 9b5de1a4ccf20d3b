//! How the code of a linked trace gets to external symbols: directly, or by a trampoline or a GOT slot.
//!
//! Linking does not count, which would take time for every hole. The instructions in the image say which of their forms
//! has been written, whatever addresses it was linked for.

use std::ops::AddAssign;

use super::{image::Bug, layout::Layout, plan::Plan, source::Source};
use crate::{
    form::{self, LOW_12, MOVE_16},
    load::Stencils,
    table::{Branch, CODE_PART, Entry, Pair, Relax, Special, Table},
};

/// How often the code of a linked trace refers to external symbols in each way.
///
/// A call or jump that can only be direct, as on 32-bit x86, is not counted, nor is an address that is an immediate
/// operand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct References {
    /// Calls and jumps that go to the symbol.
    pub direct: usize,
    /// Calls and jumps that go through a trampoline or through a slot of the GOT.
    pub indirect: usize,
    /// Addresses that instructions have or compute, in place of a load from the GOT.
    pub computed: usize,
    /// Addresses that are loaded from the GOT.
    pub loaded: usize,
}

/// Adds up what is counted in several images.
impl AddAssign for References {
    fn add_assign(&mut self, other: References) {
        self.direct += other.direct;
        self.indirect += other.indirect;
        self.computed += other.computed;
        self.loaded += other.loaded;
    }
}

impl References {
    fn call(&mut self, is_direct: bool) {
        self.direct += usize::from(is_direct);
        self.indirect += usize::from(!is_direct);
    }

    fn load(&mut self, is_computed: bool) {
        self.computed += usize::from(is_computed);
        self.loaded += usize::from(!is_computed);
    }
}

/// The code of one micro-op in an image.
struct Linked<'a> {
    table: &'a Table,
    plan: &'a Plan,
    /// All of the image.
    image: &'a [u8],
    /// The offset of the micro-op's code.
    start: usize,
    found: &'a mut References,
}

/// Counts the references of a trace's micro-ops and of the guard. The image has the layout's size.
pub(super) fn references<E: Source>(
    stencils: &Stencils,
    layout: &Layout<'_, E>,
    image: &[u8],
) -> Result<References, Bug> {
    let (table, plan) = (&stencils.table, &layout.plan);
    let mut found = References::default();
    for (index, opcode) in layout.opcodes().chain(stencils.guard()).enumerate() {
        let start = plan.starts.get(index);
        let mut linked = Linked {
            table,
            plan,
            image,
            start: start.map_or(plan.guard, |start| *start as usize),
            found: &mut found,
        };
        linked.count(table.entries.get(opcode as usize).ok_or(Bug)?)?;
    }
    Ok(found)
}

impl Linked<'_> {
    fn count(&mut self, entry: &Entry) -> Result<(), Bug> {
        let table = self.table;
        for relax in entry.relaxes.of(&table.relaxes).ok_or(Bug)? {
            self.relax(relax)?;
        }
        for near in entry.near.of(&table.near).ok_or(Bug)? {
            if self.is_slot(near.value) {
                self.found.load(false);
            }
        }
        for field in entry.fields.of(&table.fields).ok_or(Bug)? {
            let is_load = field.part == CODE_PART && (LOW_12..MOVE_16).contains(&field.form);
            if is_load && self.is_slot(field.value) {
                self.found.load(false);
            }
        }
        for special in entry.specials.of(&table.specials).ok_or(Bug)? {
            match special {
                Special::Branch(branch) => self.branch(branch)?,
                Special::Pair(pair) => self.pair(pair)?,
                // A number of the instruction.
                Special::Product(_) => {}
            }
        }
        Ok(())
    }

    /// Returns whether a value is the address of a GOT slot, and not of a stencil's data.
    fn is_slot(&self, value: u16) -> bool {
        let values = self.table.values;
        (values.slots_from()..values.symbols_from()).contains(&usize::from(value))
    }

    fn relax(&mut self, relax: &Relax) -> Result<(), Bug> {
        if !self.is_slot(relax.value) {
            return Ok(());
        }
        let [through_slot, shorter] = relax.opcodes;
        let before = relax.offset.checked_sub(2).ok_or(Bug)?;
        let is_shorter = self.word(before)? as u16 == shorter;
        // The group of `call` and `jmp` has this opcode; the other one is `mov`.
        if through_slot.to_le_bytes()[0] == 0xff {
            self.found.call(is_shorter);
        } else {
            self.found.load(is_shorter);
        }
        Ok(())
    }

    fn branch(&mut self, branch: &Branch) -> Result<(), Bug> {
        let form = form::form(branch.form);
        // The distance to the trampoline is the same wherever the image is.
        let trampoline = self.plan.trampoline(usize::from(branch.ordinal)) as u64;
        let value = trampoline.wrapping_add_signed(branch.addend);
        let location = self.start as u64 + u64::from(branch.offset);
        let through = form.apply::<false>(value, location).field;
        let written = u64::from(self.word(branch.offset)?) & form.mask;
        self.found.call(written != through);
        Ok(())
    }

    fn pair(&mut self, pair: &Pair) -> Result<(), Bug> {
        if !self.is_slot(pair.value) {
            return Ok(());
        }
        // ldr, literal: the load has moved to the place of the adrp.
        let is_literal = self.word(pair.first)? >> 24 == 0x58;
        // ldr with an immediate offset: movk, add and nop differ from it.
        let is_load = self.word(pair.second)? & 0x3b00_0000 == 0x3900_0000;
        self.found.load(!is_literal && !is_load);
        Ok(())
    }

    /// Returns four bytes at an offset of the micro-op's code.
    fn word(&self, offset: u32) -> Result<u32, Bug> {
        let bytes = self.image.get(self.start + offset as usize..);
        let bytes = bytes.and_then(<[u8]>::first_chunk).ok_or(Bug)?;
        Ok(u32::from_le_bytes(*bytes))
    }
}
