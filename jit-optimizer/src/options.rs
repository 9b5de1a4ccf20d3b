//! What the owner of a stencil format chooses.

use jit_schema::Codegen;

/// What to do, and what to refuse.
///
/// The default is [`Codegen::Upstream`] and [`FramePointer::Free`].
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
