//! Traces: what is to be linked.

/// One micro-op of a trace: which stencil, and what to put into its holes
/// (`_PyUOpInstruction` in CPython's `Include/internal/pycore_uop.h`).
///
/// A stencil uses some of the fields, as its holes say; the others do not matter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Uop {
    /// The stencil: its index among the [`Stencils`](crate::Stencils).
    pub opcode: u16,
    /// The operand in the bytecode.
    pub oparg: u16,
    /// An offset into the bytecode.
    pub target: u32,
    /// The uop of the trace to jump to, by its index.
    pub jump_target: u16,
    /// The uop of the trace to jump to on an error, by its index.
    pub error_target: u16,
    /// The operands that do not fit in the bytecode.
    pub operand: [u64; 2],
}
