//! Holes that are filled in one of several ways, or rarely: branches that may need a trampoline, AArch64's
//! pairs, and multiples of values.

use super::{
    image::{Bug, Image, put},
    plan::Plan,
    symbols::Symbols,
};
use crate::{
    arch::{Trampoline, aarch64::pair},
    form::{self, Formed},
    table::{Branch, CODE_PART, Pair, Product, Special},
};

/// What is written for a pair.
enum Filled {
    /// Two other instructions.
    Shorter(u32, u32),
    /// The fields of the two that are there.
    Fields(Formed, Formed),
}

impl Image {
    /// Fills a hole of the micro-op whose code is at the offset `code`. Returns nonzero if a value does
    /// not fit.
    #[inline(always)]
    pub(super) fn special(
        &mut self,
        special: &Special,
        plan: &Plan,
        base: u64,
        code: usize,
    ) -> Result<u64, Bug> {
        match special {
            Special::Branch(branch) => {
                let (formed, used) = self.branch(branch, plan, base)?;
                if used {
                    self.used.insert(usize::from(branch.ordinal));
                }
                self.or(code + branch.offset as usize, formed.field)?;
                Ok(formed.range | formed.align)
            }
            Special::Product(product) => {
                let formed = self.product(product)?.1;
                self.or(code + product.offset as usize, formed.field)?;
                Ok(formed.range | formed.align)
            }
            Special::Pair(pair) => {
                let (first, second) = (code + pair.first as usize, code + pair.second as usize);
                match self.pair(pair)? {
                    Filled::Shorter(one, two) => {
                        self.replace(first, one)?;
                        self.replace(second, two)?;
                        Ok(0)
                    }
                    Filled::Fields(one, two) => {
                        self.or(first, one.field)?;
                        self.or(second, two.field)?;
                        Ok(one.range | one.align | two.range | two.align)
                    }
                }
            }
        }
    }

    /// Returns what [`special`](Image::special) finds out about the value, without writing it.
    pub(super) fn formed(&self, special: &Special, plan: &Plan, base: u64) -> Result<Formed, Bug> {
        Ok(match special {
            Special::Branch(branch) => self.branch(branch, plan, base)?.0,
            Special::Product(product) => self.product(product)?.1,
            Special::Pair(pair) => match self.pair(pair)? {
                Filled::Shorter(..) => Formed::default(),
                Filled::Fields(one, two) => Formed {
                    field: 0,
                    range: one.range | two.range,
                    align: one.align | two.align,
                },
            },
        })
    }

    /// Returns the distance to the symbol if that is in reach, else to its trampoline, and whether it is
    /// the latter (`patch_aarch64_trampoline` and `patch_x86_64_trampoline`).
    fn branch(&self, branch: &Branch, plan: &Plan, base: u64) -> Result<(Formed, bool), Bug> {
        let location = self.location(CODE_PART, branch.offset)?;
        let addend = branch.addend;
        let form = form::form(branch.form);
        let symbol = self.value(branch.value, addend)?;
        let formed = form.apply::<false>(symbol, location);
        if formed.range == 0 {
            return Ok((formed, false));
        }
        let slot = plan.trampoline(usize::from(branch.ordinal)) as u64;
        let slot = base.wrapping_add(slot).wrapping_add_signed(addend);
        Ok((form.apply::<false>(slot, location), true))
    }

    /// Returns a multiple of a value plus the addend, and what is written for it.
    pub(super) fn product(&self, hole: &Product) -> Result<(u64, Formed), Bug> {
        let scale = i64::from(hole.scale).cast_unsigned();
        let product = self.value(hole.value, 0)?.wrapping_mul(scale);
        let sum = product.wrapping_add_signed(hole.addend);
        Ok((sum, form::form(hole.form).apply::<false>(sum, 0)))
    }

    /// Returns what is written for a pair (`patch_aarch64_33rx`).
    fn pair(&self, hole: &Pair) -> Result<Filled, Bug> {
        let value = self.value(hole.value, hole.addend)?;
        let location = self.location(CODE_PART, hole.first)?;
        if let Some(register) = hole.register {
            let content = self.content(value)?;
            if let Some((one, two)) = pair::shorter(value, content, location, register) {
                return Ok(Filled::Shorter(one, two));
            }
        }
        let low = form::form(form::LOW_12 + hole.scale).apply::<false>(value, 0);
        Ok(Filled::Fields(pair::page(value, location), low))
    }

    /// Writes the trampolines that are in use; the others stay 0. This is done last, as copying whole
    /// blocks has written over their place.
    pub(super) fn write_trampolines(
        &mut self,
        trampoline: Option<Trampoline>,
        plan: &Plan,
        symbols: &Symbols,
    ) -> Result<(), Bug> {
        let Some(trampoline) = trampoline else {
            // Nothing can have used one.
            return if self.used.is_empty() {
                Ok(())
            } else {
                Err(Bug)
            };
        };
        let place = self.code.get_mut(plan.trampolines.clone()).ok_or(Bug)?;
        place.fill(0);
        for ordinal in self.used.ordinals() {
            let at = plan.trampoline(ordinal);
            let address = at + trampoline.code.len();
            let code = self.code.get_mut(at..address).ok_or(Bug)?;
            code.copy_from_slice(trampoline.code);
            let symbol = symbols.addresses.get(ordinal).ok_or(Bug)?;
            put(&mut self.code, address, symbol.to_le_bytes())?;
        }
        Ok(())
    }
}
