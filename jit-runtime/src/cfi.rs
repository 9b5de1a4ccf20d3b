//! Call frame information: sections with one CIE and one FDE (DWARF 5, section 6.4; for `.eh_frame`, "Exception Frames"
//! in the Linux Standard Base, section 10.6).

use jit_stencils::UnwindInfo;

const VERSION: u8 = 3;
#[cfg(feature = "gdb")]
const CIE_ID: u32 = u32::MAX;

/// The alignment of addresses and of the sizes of entries, in bytes: the size of an address.
const ALIGN: usize = 8;

// Table 7.29.
const DW_CFA_NOP: u8 = 0x00;
const DW_CFA_DEF_CFA: u8 = 0x0c;
const DW_CFA_OFFSET_EXTENDED_SF: u8 = 0x11;

/// Returns a `.debug_frame` with the same rules for each of `size` bytes of code at `base`, for 64-bit targets,
/// or none if the CFA is below the register that it is counted from, as it is in no stack.
#[cfg(feature = "gdb")]
pub(crate) fn debug_frame(unwind: &UnwindInfo, base: u64, size: u64) -> Option<Vec<u8>> {
    let mut cie = Vec::new();
    cie.extend(CIE_ID.to_le_bytes());
    cie.push(VERSION);
    cie.push(0); // no augmentation
    factors(&mut cie, unwind);
    rules(&mut cie, unwind)?;

    let mut fde = Vec::new();
    fde.extend(0_u32.to_le_bytes()); // the CIE's offset
    fde.extend(base.to_le_bytes());
    fde.extend(size.to_le_bytes());

    let mut section = Vec::new();
    entry(&mut section, cie)?;
    entry(&mut section, fde)?;
    Some(section)
}

/// An `.eh_frame`, for unwinders of the process.
#[cfg(all(feature = "unwind", target_os = "linux"))]
pub(crate) struct EhFrame {
    /// A CIE, an FDE, and the length zero, which ends the section.
    pub(crate) bytes: Vec<u8>,
    /// Where the FDE starts, in bytes.
    pub(crate) fde: usize,
}

/// Returns a section with the same rules as [`debug_frame`]'s. `personality` is the address of the function that
/// unwinders ask what to do with an exception that arrives in the code.
#[cfg(all(feature = "unwind", target_os = "linux"))]
pub(crate) fn eh_frame(
    unwind: &UnwindInfo,
    personality: usize,
    base: usize,
    size: usize,
) -> Option<EhFrame> {
    const CIE_ID: u32 = 0;
    const DW_EH_PE_ABSPTR: u8 = 0;
    let mut cie = Vec::new();
    cie.extend(CIE_ID.to_le_bytes());
    cie.push(VERSION);
    cie.extend(b"zPR\0");
    factors(&mut cie, unwind);
    // The size of what follows for `P` and `R`.
    unsigned(&mut cie, 1 + size_of::<usize>() as u64 + 1);
    cie.push(DW_EH_PE_ABSPTR);
    cie.extend(personality.to_ne_bytes());
    cie.push(DW_EH_PE_ABSPTR);
    rules(&mut cie, unwind)?;

    let mut bytes = Vec::new();
    entry(&mut bytes, cie)?;
    let fde_at = bytes.len();
    let mut fde = Vec::new();
    // How far before this field the CIE starts.
    fde.extend(u32::try_from(fde_at + size_of::<u32>()).ok()?.to_le_bytes());
    fde.extend(base.to_ne_bytes());
    fde.extend(size.to_ne_bytes());
    unsigned(&mut fde, 0); // the size of what follows for the augmentation
    entry(&mut bytes, fde)?;
    bytes.extend([0; ALIGN]);
    Some(EhFrame { bytes, fde: fde_at })
}

/// Appends the factors of a CIE, and the register of the return address.
fn factors(cie: &mut Vec<u8>, unwind: &UnwindInfo) {
    unsigned(cie, unwind.code_alignment_factor);
    signed(cie, unwind.data_alignment_factor);
    unsigned(cie, unwind.return_address_register.into());
}

/// Appends the instructions of a CIE.
fn rules(cie: &mut Vec<u8>, unwind: &UnwindInfo) -> Option<()> {
    cie.push(DW_CFA_DEF_CFA);
    unsigned(cie, unwind.cfa_register.into());
    unsigned(cie, unwind.cfa_offset.try_into().ok()?);
    for (register, offset) in [
        (unwind.frame_pointer_register, unwind.frame_pointer_offset),
        (unwind.return_address_register, unwind.return_address_offset),
    ] {
        cie.push(DW_CFA_OFFSET_EXTENDED_SF);
        unsigned(cie, register.into());
        signed(cie, offset);
    }
    Some(())
}

/// Appends an entry, with its length before it.
fn entry(section: &mut Vec<u8>, mut contents: Vec<u8>) -> Option<()> {
    let length = (contents.len() + 4).next_multiple_of(ALIGN) - 4;
    contents.resize(length, DW_CFA_NOP);
    section.extend(u32::try_from(length).ok()?.to_le_bytes());
    section.extend(contents);
    Some(())
}

/// Appends a ULEB128 number.
fn unsigned(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}

/// Appends an SLEB128 number.
fn signed(out: &mut Vec<u8>, mut value: i64) {
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        // Only the sign is left, and the byte's highest bit of data equals it.
        if value == if byte & 0x40 == 0 { 0 } else { -1 } {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}
