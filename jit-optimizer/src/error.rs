/// Why assembly cannot be optimized.
///
/// Line numbers are those of the input, and start at 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptimizeError {
    /// A label is defined twice, so that it does not name a single basic block. On such input,
    /// upstream does not terminate, or drops the code in between.
    #[error(
        "line {line}: label {label:?} is defined a second time; make labels unique, in inline \
         assembly with `%=`"
    )]
    DuplicateLabel {
        /// The label, without the colon.
        label: String,
        /// The line of the second definition.
        line: usize,
    },

    /// The input defines the label that the optimizer adds after the last instruction. This happens
    /// if the assembly has been optimized before.
    #[error(
        "line {line}: the input defines label {label:?}, which the optimizer adds; pass the output of \
         clang, not of the optimizer"
    )]
    ContinueLabelDefined {
        /// The label, with the target's label prefix and without the colon.
        label: String,
        /// The line of the definition.
        line: usize,
    },

    /// A call of hot code in the same stencil is followed by a jump to cold code. A branch there would
    /// be inverted, but a call cannot be. Upstream's `_invert_branch` asserts that it is a branch.
    #[error(
        "line {line}: {text:?} calls hot code in the same stencil, right before a jump to cold \
         code; keep clang from outlining the callee"
    )]
    CallBeforeColdJump {
        /// The line of the call.
        line: usize,
        /// The call.
        text: String,
    },

    /// The line of an instruction that the optimizer replaces has the mnemonic more than once, so that
    /// it is not clear which of them to replace.
    #[error(
        "line {line}: cannot replace {mnemonic:?} in {text:?}, which has it more than once; \
         remove the comment or rename the symbol"
    )]
    AmbiguousMnemonic {
        /// `adrp` or `ldr`.
        mnemonic: &'static str,
        /// The line of the instruction.
        line: usize,
        /// The instruction.
        text: String,
    },

    /// An instruction sets the frame pointer, although the options reserve it:
    /// [`FramePointer::Reserved`](crate::FramePointer::Reserved).
    #[error(
        "line {line}: {text:?} modifies the frame pointer; compile with `-Xclang \
         -mframe-pointer=reserved` and a clang that knows it (21 or newer)"
    )]
    FramePointerModified {
        /// The line of the instruction.
        line: usize,
        /// The instruction.
        text: String,
    },
}
