//! What the owner of a stencil format chooses.

use jit_schema::Codegen;

/// What to do, and what to refuse.
///
/// The default is [`Codegen::Upstream`], [`FramePointer::Free`] and [`End::Anything`].
///
/// ```
/// use jit_optimizer::{FramePointer, Options};
/// use jit_schema::Codegen;
///
/// let options = Options::default()
///     .codegen(Codegen::Tuned)
///     .frame_pointer(FramePointer::Reserved);
/// assert_eq!(options.codegen, Codegen::Tuned);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub struct Options {
    /// Which passes to run: those of CPython's `_optimizers.py`, or more.
    pub codegen: Codegen,
    /// Whether stencils may set the frame pointer.
    pub frame_pointer: FramePointer,
    /// How functions may end.
    pub end: End,
}

impl Options {
    /// Sets which passes to run.
    #[must_use]
    pub fn codegen(self, codegen: Codegen) -> Options {
        Options { codegen, ..self }
    }

    /// Sets whether stencils may set the frame pointer.
    #[must_use]
    pub fn frame_pointer(self, frame_pointer: FramePointer) -> Options {
        Options {
            frame_pointer,
            ..self
        }
    }

    /// Sets how functions may end.
    #[must_use]
    pub fn end(self, end: End) -> Options {
        Options { end, ..self }
    }
}

/// How functions may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum End {
    /// With any instruction. After the last one, the next micro-op follows.
    #[default]
    Anything,
    /// With a jump, a return, a trap or a call. Code that goes on after the last instruction, which
    /// compilers write for what they know to be unreachable, is an
    /// [`OptimizeError::RunsOffEnd`](crate::OptimizeError::RunsOffEnd).
    Jump,
}

/// Whether stencils may set the frame pointer (`frame_pointers` in `_targets.py`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum FramePointer {
    /// Stencils may use the register for anything.
    #[default]
    Free,
    /// The register belongs to the caller of the stencils. Code that sets it is an
    /// [`OptimizeError::FramePointerModified`](crate::OptimizeError::FramePointerModified).
    Reserved,
}
