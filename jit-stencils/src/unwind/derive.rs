//! Derives the unwind rules from the shim's `.eh_frame`.

use gimli::{
    AArch64, BaseAddresses, CfaRule, CieOrFde, EhFrame, LittleEndian, Register, RegisterRule,
    UnwindContext, UnwindSection as _, Vendor,
};
use iced_x86::{Decoder, DecoderOptions, Mnemonic};
use jit_schema::{Arch, ObjectFormat, Target};

use super::error::UnwindError;
use super::info::UnwindInfo;
use super::object::{CodeSection, ShimObject};

/// The name of a register and its DWARF number.
#[derive(Debug, Clone, Copy)]
struct Named(&'static str, u16);

/// What depends on the instruction set (`_ELF_UNWIND_AARCH64` and `_ELF_UNWIND_X86_64` in CPython's
/// `Tools/jit/_targets.py`).
#[derive(Debug)]
struct Config {
    frame_pointer: Named,
    return_address: Named,
    /// Whose call frame instructions there are besides DWARF's own.
    vendor: Vendor,
    /// The register that says whether the return address is signed, if there is one.
    signed: Option<Register>,
    calls: fn(&CodeSection<'_>) -> Vec<u64>,
}

const fn config(arch: Arch) -> Option<Config> {
    match arch {
        Arch::Aarch64 => Some(Config {
            frame_pointer: Named("x29", 29),
            return_address: Named("x30", 30),
            vendor: Vendor::AArch64,
            signed: Some(AArch64::RA_SIGN_STATE),
            calls: aarch64_calls,
        }),
        Arch::X86_64 => Some(Config {
            frame_pointer: Named("rbp", 6),
            return_address: Named("rip", 16),
            vendor: Vendor::Default,
            signed: None,
            calls: x86_64_calls,
        }),
        // There is no such target with ELF objects.
        Arch::I686 => None,
    }
}

/// Derives the unwind rules that hold where the shim calls compiled code from the `.eh_frame` of its
/// object. Returns `None` for targets other than Linux, which have no such rules. `ELFUnwindInfo` in
/// CPython's `Tools/jit/_dwarf.py` does the same with llvm-objdump and llvm-dwarfdump.
///
/// # Errors
///
/// An [`UnwindError`] if the object is not one for the target, does not have exactly one call, or has
/// no usable rules for it.
pub fn shim_unwind(target: &Target, object: &[u8]) -> Result<Option<UnwindInfo>, UnwindError> {
    let config = match target.format {
        ObjectFormat::Elf => config(target.arch),
        ObjectFormat::Coff | ObjectFormat::MachO => None,
    };
    let Some(config) = config else {
        return Ok(None);
    };
    let triple = target.triple;
    let shim = ShimObject::parse(target, object)?;
    if shim.code.iter().all(|section| section.bytes.is_empty()) {
        return Err(UnwindError::NoCode { target: triple });
    }
    let calls: Vec<u64> = shim.code.iter().flat_map(config.calls).collect();
    let [call] = *calls.as_slice() else {
        return Err(UnwindError::Calls {
            target: triple,
            calls,
        });
    };
    let row = active_row(triple, &config, &shim.eh_frame, call)?;
    let factor = row.data_alignment_factor;
    Ok(Some(UnwindInfo {
        code_alignment_factor: row.code_alignment_factor,
        data_alignment_factor: factor,
        return_address_register: row.return_address_register,
        cfa_register: row.cfa_register,
        cfa_offset: row.cfa_offset,
        frame_pointer_register: config.frame_pointer.1,
        frame_pointer_offset: in_factors(row.frame_pointer, factor)?,
        return_address_offset: in_factors(row.return_address, factor)?,
    }))
}

/// Returns the addresses of the calls.
fn x86_64_calls(section: &CodeSection<'_>) -> Vec<u64> {
    Decoder::with_ip(64, section.bytes, section.address, DecoderOptions::NONE)
        .into_iter()
        .filter(|instruction| instruction.mnemonic() == Mnemonic::Call)
        .map(|instruction| instruction.ip())
        .collect()
}

/// Returns the addresses of the calls through a register. Other calls have a target that the linker
/// knows, so they are not the one that enters compiled code.
fn aarch64_calls(section: &CodeSection<'_>) -> Vec<u64> {
    const BLR: u32 = 0xd63f_0000;
    const BUT_REGISTER: u32 = 0xffff_fc1f;
    section
        .bytes
        .as_chunks::<4>()
        .0
        .iter()
        .zip((section.address..).step_by(4))
        .filter(|(word, _)| u32::from_le_bytes(**word) & BUT_REGISTER == BLR)
        .map(|(_, address)| address)
        .collect()
}

/// A row of the CFI table, and the factors of its CIE. Offsets are in bytes.
struct Row {
    code_alignment_factor: u64,
    data_alignment_factor: i64,
    return_address_register: u16,
    cfa_register: u16,
    cfa_offset: i64,
    frame_pointer: i64,
    return_address: i64,
}

fn active_row(
    target: &'static str,
    config: &Config,
    eh_frame: &[u8],
    call: u64,
) -> Result<Row, UnwindError> {
    let malformed = |error: gimli::Error| UnwindError::Malformed {
        what: ".eh_frame",
        detail: error.to_string(),
    };
    let no_row = UnwindError::NoRow { target, call };
    let mut section = EhFrame::new(eh_frame, LittleEndian);
    section.set_address_size(8);
    section.set_vendor(config.vendor);
    let bases = BaseAddresses::default().set_eh_frame(0);
    let mut entries = section.entries(&bases);
    let fde = loop {
        match entries.next().map_err(malformed)? {
            None => return Err(no_row),
            Some(CieOrFde::Cie(_)) => {}
            Some(CieOrFde::Fde(partial)) => {
                let fde = partial.parse(EhFrame::cie_from_offset).map_err(malformed)?;
                if fde.contains(call) {
                    break fde;
                }
            }
        }
    };
    let mut context = UnwindContext::new();
    let row = match fde.unwind_info_for_address(&section, &bases, &mut context, call) {
        Err(gimli::Error::NoUnwindInfoForAddress) => return Err(no_row),
        row => row.map_err(malformed)?,
    };
    let problem = |problem: String| UnwindError::Row {
        target,
        row: row.start_address(),
        problem,
    };
    let state = config.signed.and_then(|register| row.register(register));
    if !matches!(state, None | Some(RegisterRule::Constant(0))) {
        return Err(UnwindError::Signed {
            target,
            row: row.start_address(),
        });
    }
    let Config {
        frame_pointer: fp,
        return_address: ra,
        ..
    } = config;
    let saved = |register: Named| match row.register(Register(register.1)) {
        Some(RegisterRule::Offset(offset)) => Ok(offset),
        _ => Err(problem(format!("does not save {} and {}", fp.0, ra.0))),
    };
    let (frame_pointer, return_address) = (saved(*fp)?, saved(*ra)?);
    let (cfa_register, cfa_offset) = match *row.cfa() {
        CfaRule::RegisterAndOffset { register, offset } => (register.0, offset),
        CfaRule::Expression(_) => return Err(problem("has an expression for a CFA".to_owned())),
    };
    if ![fp.1, ra.1].contains(&cfa_register) {
        return Err(problem(format!(
            "has a CFA that is counted from register {cfa_register}, not from {}",
            fp.0
        )));
    }
    let cie = fde.cie();
    Ok(Row {
        code_alignment_factor: cie.code_alignment_factor(),
        data_alignment_factor: cie.data_alignment_factor(),
        return_address_register: cie.return_address_register().0,
        cfa_register,
        cfa_offset,
        frame_pointer,
        return_address,
    })
}

fn in_factors(offset: i64, factor: i64) -> Result<i64, UnwindError> {
    if offset.checked_rem(factor) == Some(0)
        && let Some(factors) = offset.checked_div(factor)
    {
        return Ok(factors);
    }
    Err(UnwindError::Alignment { offset, factor })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_whole_factors() {
        assert_eq!(in_factors(-16, -8), Ok(2));
        assert_eq!(in_factors(16, -8), Ok(-2));
        for (offset, factor) in [(-12, -8), (8, 0), (i64::MIN, -1)] {
            assert_eq!(
                in_factors(offset, factor),
                Err(UnwindError::Alignment { offset, factor })
            );
        }
    }
}
