/// Why assembly cannot be optimized.
///
/// Lines are numbered from one, in the assembly as it was passed in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptimizeError {
    /// A label is defined twice, so that it does not name one basic block. Upstream loops for ever
    /// on such input, or drops the code in between.
    #[error(
        "line {line}: label {label:?} is defined a second time; use unique labels, in inline \
         assembly `%=`"
    )]
    DuplicateLabel {
        /// The label, without the colon.
        label: String,
        /// Where the second definition is.
        line: usize,
    },

    /// The label that the optimizer adds after the last instruction is already in the input, as it
    /// is when the assembly has been optimized before.
    #[error(
        "line {line}: label {label:?} is defined in the input, but it is the optimizer that adds \
         it; pass clang's own output"
    )]
    ContinueLabelDefined {
        /// The label, with the target's label prefix and without the colon.
        label: String,
        /// Where it is defined.
        line: usize,
    },

    /// A call of hot code in the same stencil, followed by a jump to cold code: the place where a
    /// branch would be inverted, but a call cannot be. Upstream's `_invert_branch` asserts that it
    /// is a branch.
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

    /// An instruction that is to be replaced names its mnemonic more than once, so the place of the
    /// replacement is not clear.
    #[error(
        "line {line}: cannot replace {mnemonic:?} in {text:?}, where it stands more than once; \
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

    /// An instruction sets the frame pointer, which stencils of this target must leave alone.
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
