//! Traces: the input of the linker.

/// One micro-op of a trace: its stencil, and what is put into the stencil's holes
/// (`_PyUOpInstruction` in CPython's `Include/internal/pycore_uop.h`).
///
/// A stencil uses the fields that its holes name; the others do not matter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Uop {
    /// The stencil: its index among the [`Stencils`](crate::Stencils).
    pub opcode: u16,
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
