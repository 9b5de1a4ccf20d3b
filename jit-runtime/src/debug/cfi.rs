//! Call frame information: a `.debug_frame` with one CIE and one FDE (DWARF 5, section 6.4).

use jit_stencils::UnwindInfo;

const VERSION: u8 = 3;
const CIE_ID: u32 = u32::MAX;

/// The alignment of addresses and of the sizes of entries, in bytes: the size of an address.
const ALIGN: usize = 8;

// Table 7.29.
const DW_CFA_NOP: u8 = 0x00;
const DW_CFA_DEF_CFA: u8 = 0x0c;
const DW_CFA_OFFSET_EXTENDED_SF: u8 = 0x11;

/// Returns a section with the same rules for each of `size` bytes of code at `base`, for 64-bit targets,
/// or none if the CFA is below the register that it is counted from, as it is in no stack.
pub(super) fn debug_frame(unwind: &UnwindInfo, base: u64, size: u64) -> Option<Vec<u8>> {
    let mut cie = Vec::new();
    cie.extend(CIE_ID.to_le_bytes());
    cie.push(VERSION);
    cie.push(0); // no augmentation
    unsigned(&mut cie, unwind.code_alignment_factor);
    signed(&mut cie, unwind.data_alignment_factor);
    unsigned(&mut cie, unwind.return_address_register.into());
    cie.push(DW_CFA_DEF_CFA);
    unsigned(&mut cie, unwind.cfa_register.into());
    unsigned(&mut cie, unwind.cfa_offset.try_into().ok()?);
    for (register, offset) in [
        (unwind.frame_pointer_register, unwind.frame_pointer_offset),
        (unwind.return_address_register, unwind.return_address_offset),
    ] {
        cie.push(DW_CFA_OFFSET_EXTENDED_SF);
        unsigned(&mut cie, register.into());
        signed(&mut cie, offset);
    }

    let mut fde = Vec::new();
    fde.extend(0_u32.to_le_bytes()); // the CIE's offset
    fde.extend(base.to_le_bytes());
    fde.extend(size.to_le_bytes());

    let mut section = Vec::new();
    entry(&mut section, cie)?;
    entry(&mut section, fde)?;
    Some(section)
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
