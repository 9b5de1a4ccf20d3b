//! Traces: the input of the linker.

/// One micro-op of a trace in the shape of CPython's: its stencil, and what is put into the stencil's holes
/// (`_PyUOpInstruction` in CPython's `Include/internal/pycore_uop.h`).
///
/// A stencil uses the fields that its holes name; the others do not matter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Uop {
    /// The stencil: its index among the [`Stencils`](crate::Stencils).
    pub opcode: u32,
    /// The operand in the bytecode instruction.
    pub oparg: u16,
    /// An offset into the bytecode.
    pub target: u32,
    /// The micro-op to jump to: an index into the trace.
    pub jump_target: u16,
    /// The micro-op to jump to after an error: an index into the trace.
    pub error_target: u16,
    /// The operands that do not fit into the bytecode instruction.
    pub operand: [u64; 2],
}

/// One micro-op of a trace with any number of operands and targets: its stencil, and what is put into the
/// stencil's holes for [general values](jit_stencils::HoleValue::is_general).
///
/// A stencil's [`Interface`](jit_stencils::Interface) says how many it needs, and how many bits an operand may
/// have. Those that the stencil does not use do not matter, and there can be more of them than it needs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Instruction<'a> {
    /// The stencil: its index among the [`Stencils`](crate::Stencils).
    pub opcode: u32,
    /// The operands, by number. Signed numbers and floats are given as the bits that they have in as many bits
    /// as the operand has, with zeros above them.
    pub operands: &'a [u64],
    /// The micro-ops to go to, by number: indices into the trace.
    pub targets: &'a [u32],
}
