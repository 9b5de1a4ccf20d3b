//! The two patches that have to choose: branches that may need a trampoline, and AArch64's pairs.

use crate::{
    form::{self, Formed},
    layout::Layout,
    link::Image,
    table::{CODE, SYMBOL_VALUES, Special, slot_index},
};

/// Offset of a symbol's trampoline in the image.
pub(crate) fn trampoline_slot(layout: &Layout<'_>, ordinal: usize) -> usize {
    layout.trampolines.start + 16 * slot_index(&layout.trampoline_mask, ordinal)
}

/// What becomes of a pair.
enum Pair {
    /// Two other instructions.
    Shorter(u32, u32),
    /// The fields of the two that are there.
    Fields(Formed, Formed),
}

impl Image {
    /// Fill such a hole of the uop whose code is at that place. Returns not 0 if a value does not fit.
    #[inline(always)]
    pub(crate) fn special(
        &mut self,
        special: &Special,
        layout: &Layout<'_>,
        base: u64,
        code: usize,
    ) -> u64 {
        match *special {
            Special::Trampoline {
                offset,
                ordinal,
                form,
            } => {
                let (formed, used) = self.branch(offset, ordinal, form, layout, base);
                if used {
                    self.use_trampoline(usize::from(ordinal));
                }
                self.or(code + offset as usize, formed.field);
                formed.range | formed.align
            }
            Special::Pair { first, second, .. } => {
                let (first, second) = (code + first as usize, code + second as usize);
                match self.pair(special) {
                    Pair::Shorter(one, two) => {
                        self.replace(first, one);
                        self.replace(second, two);
                        0
                    }
                    Pair::Fields(one, two) => {
                        self.or(first, one.field);
                        self.or(second, two.field);
                        one.range | one.align | two.range | two.align
                    }
                }
            }
        }
    }

    /// The same without writing, to see what does not fit.
    pub(crate) fn formed(&self, special: &Special, layout: &Layout<'_>, base: u64) -> Formed {
        match *special {
            Special::Trampoline {
                offset,
                ordinal,
                form,
            } => self.branch(offset, ordinal, form, layout, base).0,
            Special::Pair { .. } => match self.pair(special) {
                Pair::Shorter(..) => Formed::default(),
                Pair::Fields(one, two) => Formed {
                    field: 0,
                    range: one.range | two.range,
                    align: one.align | two.align,
                },
            },
        }
    }

    /// `patch_aarch64_trampoline` and `patch_x86_64_trampoline`: straight to the symbol if that is in
    /// reach, else to its trampoline.
    fn branch(
        &self,
        offset: u32,
        ordinal: u16,
        form: form::FormIndex,
        layout: &Layout<'_>,
        base: u64,
    ) -> (Formed, bool) {
        let location = self.location(CODE as u8, offset);
        // x86 counts from the end of the field.
        let addend = if form == form::RELATIVE_32 { -4 } else { 0 };
        let form = form::form(form);
        let symbol = self.value(SYMBOL_VALUES as u16 + ordinal, addend);
        let formed = form.apply::<false>(symbol, location);
        if formed.range == 0 {
            return (formed, false);
        }
        let slot = trampoline_slot(layout, usize::from(ordinal)) as u64;
        let slot = base.wrapping_add(slot).wrapping_add_signed(addend);
        (form.apply::<false>(slot, location), true)
    }

    /// `patch_aarch64_33rx`.
    fn pair(&self, special: &Special) -> Pair {
        let Special::Pair {
            first,
            value,
            addend,
            scale,
            register,
            ..
        } = *special
        else {
            return Pair::Fields(Formed::default(), Formed::default());
        };
        let value = self.value(value, addend);
        let location = self.location(CODE as u8, first);
        if let Some(register) = register
            && let Some((one, two)) = self.shorter(value, location, u32::from(register))
        {
            return Pair::Shorter(one, two);
        }
        let low = form::form(form::LOW_12 + scale).apply::<false>(value, 0);
        Pair::Fields(page(value, location), low)
    }

    /// Two instructions that put what is in the slot into the register without the pair's two fields,
    /// if there are any.
    fn shorter(&self, slot: u64, location: u64, register: u32) -> Option<(u32, u32)> {
        const NOP: u32 = 0xd503_201f;
        let content = self.content(slot);
        let movz = 0xd280_0000 | (content as u32 & 0xffff) << 5 | register;
        if content < 1 << 16 {
            return Some((movz, NOP));
        }
        if content < 1 << 32 {
            // movk, lsl 16
            let high = (content >> 16) as u32;
            return Some((movz, 0xf2a0_0000 | high << 5 | register));
        }
        let page = page(content, location);
        if page.range == 0 {
            let add = 0x9100_0000 | (content as u32 & 0xfff) << 10 | register << 5 | register;
            return Some((0x9000_0000 | page.field as u32 | register, add));
        }
        let distance = slot.wrapping_sub(location);
        // Half of what the instruction reaches, as CPython has it.
        if distance & 3 == 0 && distance.wrapping_add(1 << 19) < 1 << 20 {
            // ldr, literal
            let words = (distance >> 2) as u32 & 0x7_ffff;
            return Some((0x5800_0000 | words << 5 | register, NOP));
        }
        None
    }
}

/// Both fields of an adrp.
fn page(value: u64, location: u64) -> Formed {
    let low = form::form(form::PAGE_LOW).apply::<false>(value, location);
    let high = form::form(form::PAGE_HIGH).apply::<false>(value, location);
    Formed {
        field: low.field | high.field,
        ..low
    }
}
