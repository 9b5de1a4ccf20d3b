//! The rules for unwinding.

/// The DWARF call frame rules that hold while the shim calls compiled code (`UnwindInfo` in CPython's
/// `Tools/jit/_dwarf.py`). Registers have their DWARF numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UnwindInfo {
    /// The factor of code offsets.
    pub code_alignment_factor: u64,
    /// The factor of the offsets of saved registers.
    pub data_alignment_factor: i64,
    /// The register that stands for the return address.
    pub return_address_register: u16,
    /// The register that the canonical frame address (CFA) is counted from.
    pub cfa_register: u16,
    /// The distance of the CFA from that register, in bytes.
    pub cfa_offset: i64,
    /// The register of the frame pointer.
    pub frame_pointer_register: u16,
    /// The distance from the CFA at which the caller's frame pointer is saved, in data alignment
    /// factors.
    pub frame_pointer_offset: i64,
    /// The distance from the CFA at which the return address is saved, in data alignment factors.
    pub return_address_offset: i64,
}
