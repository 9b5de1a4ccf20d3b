//! The rules that unwinders go by.

/// The DWARF call frame rules in force while the shim calls an executor (`UnwindInfo` in CPython's
/// `Tools/jit/_dwarf.py`). Registers are DWARF numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UnwindInfo {
    /// What code offsets are multiples of.
    pub code_alignment_factor: u64,
    /// What the offsets of saved registers are multiples of.
    pub data_alignment_factor: i64,
    /// The return address.
    pub return_address_register: u16,
    /// What the canonical frame address (CFA) is counted from.
    pub cfa_register: u16,
    /// The CFA's distance from that register, in bytes.
    pub cfa_offset: i64,
    /// The frame pointer.
    pub frame_pointer_register: u16,
    /// Where the caller's frame pointer is saved: distance from the CFA, in data alignment factors.
    pub frame_pointer_offset: i64,
    /// Where the return address is saved: distance from the CFA, in data alignment factors.
    pub return_address_offset: i64,
}
