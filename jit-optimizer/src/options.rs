//! What the owner of a stencil format chooses.

use jit_schema::Codegen;

/// What to do, and what to refuse.
///
/// The default is [`Codegen::Upstream`], [`FramePointer::Free`], [`End::Anything`], [`Places::Upstream`] and
/// [`LandingPads::AsCompiled`].
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
    /// Which jumps to places are known.
    pub places: Places,
    /// Where landing pads are.
    pub landing_pads: LandingPads,
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

    /// Sets which jumps to places are known.
    #[must_use]
    pub fn places(self, places: Places) -> Options {
        Options { places, ..self }
    }

    /// Sets where landing pads are.
    #[must_use]
    pub fn landing_pads(self, landing_pads: LandingPads) -> Options {
        Options {
            landing_pads,
            ..self
        }
    }
}

/// What is known of a stencil besides its code. Tuned passes can do more with it.
///
/// ```
/// use jit_optimizer::Known;
///
/// let known = Known { arguments: Some(7), ..Known::default() };
/// assert!(known.operands.is_empty());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Known<'a> {
    /// How many general registers arguments are in, if the stencil and all places that it jumps to have the convention
    /// `preserve_none` of x86_64 or AArch64: the greatest number, or 12 if it is more. Without that, all registers may have
    /// arguments.
    pub arguments: Option<u8>,
    /// For each operand by number (`_JIT_OPERAND_<N>`), how many bits it has at most, and 0 if that is not known.
    pub operands: &'a [u8],
    /// How control gets to the start of the stencil.
    pub entered: Entered,
}

/// How control gets to the start of a stencil.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Entered {
    /// Also through a pointer: from the shim, or from another trace.
    #[default]
    ThroughPointers,
    /// Only from the micro-op before it, and by direct jumps.
    Directly,
}

/// Where landing pads are: the instructions at which processors let indirect branches arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum LandingPads {
    /// Where the compiler has put some.
    #[default]
    AsCompiled,
    /// Where an indirect branch can arrive, and nowhere else: at the start of a stencil that is
    /// [entered through pointers](Entered::ThroughPointers), and where the stencil itself takes an address of its code. Jumps
    /// that processors do not check become jumps that they check. The assembly must have been compiled for these checks.
    Exact,
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

/// Which jumps to the next micro-op, and to other places in the same trace, are known as such.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Places {
    /// Direct jumps, as upstream knows them.
    #[default]
    Upstream,
    /// Also jumps to an address that is loaded from the GOT or put together in a register; they become
    /// direct ones. `_JIT_CONTINUE_JUMP` is the next micro-op as well, but a jump to it stays a jump, of
    /// the longest form, so that it can be changed later.
    ///
    /// Loads of the address into a register stay, as the place may get it as an argument: compilers do not
    /// load it twice.
    Any,
    /// As [`Places::Any`], for code that uses the addresses of places as targets of calls only, and neither
    /// stores nor compares them nor passes them on. The compiler's input shows that, its output does not.
    /// Loads of such addresses are removed together with the jumps.
    OnlyTargets,
}
