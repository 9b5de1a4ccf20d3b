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

    /// The next micro-op is called, and not jumped to.
    #[error(
        "line {line}: _JIT_CONTINUE is called at {text:?}, but nothing returns from there: make it a \
         tail call (return _JIT_CONTINUE(...) with [[clang::musttail]])"
    )]
    ContinueCalled {
        /// The line of the call.
        line: usize,
        /// The call.
        text: String,
    },

    /// A function is declared with an alignment.
    #[error(
        "function {function} is aligned to {alignment} bytes, but the code of stencils is not aligned: \
         remove its attribute, or keep the function outside"
    )]
    AlignedFunction {
        /// The function.
        function: String,
        /// Its alignment, in bytes.
        alignment: u64,
    },

    /// A conditional branch to a function outside of the stencil, which it may not reach, cannot be
    /// replaced by one around a jump.
    #[error(
        "line {line}: {text:?} may not reach its target, and the branch has no inverse; jump to the \
         target with an unconditional branch"
    )]
    BranchOutside {
        /// The line of the branch.
        line: usize,
        /// The branch.
        text: String,
    },

    /// An instruction needs an address in the stencil in 32 bits, although stencils are copied to
    /// anywhere, and there is no other instruction for it, or no free register.
    #[error(
        "line {line}: {text:?} has the address of a function or table of the stencil in 32 bits, which \
         is not enough, and cannot be replaced; keep the address in a variable, and a switch from \
         becoming a table with `-fno-jump-tables`"
    )]
    AbsoluteAddress {
        /// The line of the instruction.
        line: usize,
        /// The instruction.
        text: String,
    },

    /// The code uses `__builtin_setjmp`, for which clang makes wrong code on this architecture.
    #[error(
        "line {line}: __builtin_setjmp cannot be in a stencil here, because clang's code for it \
         restores a wrong frame pointer; keep it in a function outside of the stencil"
    )]
    Setjmp {
        /// The line at which it is.
        line: usize,
    },

    /// Something comes between the two instructions of a pair that are patched together.
    #[error(
        "line {line}: the two instructions that load the address of {symbol} would be patched together, \
         but something may jump in between or read the register; please report this"
    )]
    PairInterrupted {
        /// The line of one of the two.
        line: usize,
        /// The symbol.
        symbol: String,
    },

    /// Control goes on after the last instruction of a function, although the options want a jump there:
    /// [`End::Jump`](crate::End::Jump).
    #[error(
        "line {line}: control runs off the end of the code, after {text:?}; leave each path of a \
         micro-op by a tail call, and end what cannot be reached with `__builtin_trap()`"
    )]
    RunsOffEnd {
        /// The line of the last instruction.
        line: usize,
        /// The last instruction or label.
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
