//! Checks of AArch64 instructions with a field for an address: the `IS_AARCH64_*` macros of CPython's
//! `Python/jit.c`, but stricter where those accept other instructions.

use jit_schema::aarch64_access_scale;

use crate::arch::Problem;

fn not(what: &str, instruction: u32) -> Problem {
    format!("{instruction:#010x} is not {what}")
}

/// Returns log2 of the unit in bytes in which the 12-bit field of a load, store or add counts. CPython's
/// patch knows no load or store of 128 bits, whose unit is 16 bytes.
pub(crate) fn scale(instruction: u32) -> Result<u8, Problem> {
    if let Some(scale) = aarch64_access_scale(instruction) {
        return Ok(scale);
    }
    if instruction & 0x1fc0_0000 == 0x1100_0000 {
        return Ok(0);
    }
    Err(not(
        "a load, store, add or sub with a 12-bit immediate",
        instruction,
    ))
}

/// Checks that an instruction is a movz, movn or movk of 64 bits that sets that quarter of the register.
pub(crate) fn check_move(instruction: u32, part: u32) -> Result<(), Problem> {
    let is_move = instruction & 0x9f80_0000 == 0x9280_0000 && instruction >> 29 & 3 != 1;
    if is_move && instruction >> 21 & 3 == part {
        return Ok(());
    }
    let shift = 16 * part;
    Err(not(
        &format!("a 64-bit movz, movn or movk shifted by {shift}"),
        instruction,
    ))
}

/// Checks that an instruction is an adrp.
pub(crate) fn check_adrp(instruction: u32) -> Result<(), Problem> {
    if instruction & 0x9f00_0000 == 0x9000_0000 {
        return Ok(());
    }
    Err(not("an adrp", instruction))
}

/// Checks that an instruction is a conditional branch with 19 bits.
pub(crate) fn check_branch19(instruction: u32) -> Result<(), Problem> {
    // B.cond and BC.cond; cbz and cbnz.
    if instruction & 0xff00_0000 == 0x5400_0000 || instruction & 0x7e00_0000 == 0x3400_0000 {
        return Ok(());
    }
    Err(not("a b.cond, cbz or cbnz", instruction))
}

/// Checks that an instruction is a branch with 26 bits.
pub(crate) fn check_branch26(instruction: u32) -> Result<(), Problem> {
    if instruction & 0x7c00_0000 == 0x1400_0000 {
        return Ok(());
    }
    Err(not("a b or bl", instruction))
}

/// Checks that two instructions are an adrp and a load or store through its register. Returns the
/// register if the load puts 64 bits into the same one, so that other instructions may load the value.
pub(crate) fn check_pair(adrp: u32, load: u32) -> Result<Option<u8>, Problem> {
    let register = adrp & 31;
    if aarch64_access_scale(load).is_none() {
        return Err(not("a load or store", load));
    }
    if load >> 5 & 31 != register {
        return Err(format!(
            "{load:#010x} is not through the register of the adrp, x{register}"
        ));
    }
    let same = load & 0xffc0_0000 == 0xf940_0000 && load & 31 == register;
    Ok(same.then_some(register as u8))
}
