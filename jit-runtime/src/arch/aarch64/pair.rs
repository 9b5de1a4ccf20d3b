//! What becomes of an adrp and a load of the same slot (`patch_aarch64_33rx` in CPython's
//! `Python/jit.c`).

use crate::form::{self, Formed};

/// Returns two instructions that put the content of a slot into a register without the pair's two
/// fields, if there are any.
///
/// `slot` is the slot's address, `location` that of the adrp.
pub(crate) fn shorter(slot: u64, content: u64, location: u64, register: u8) -> Option<(u32, u32)> {
    const NOP: u32 = 0xd503_201f;
    let register = u32::from(register);
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

/// Returns both fields of an adrp as one.
pub(crate) fn page(value: u64, location: u64) -> Formed {
    let low = form::form(form::PAGE_LOW).apply::<false>(value, location);
    let high = form::form(form::PAGE_HIGH).apply::<false>(value, location);
    Formed {
        field: low.field | high.field,
        ..low
    }
}
