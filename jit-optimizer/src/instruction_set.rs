//! What the shared code has to know of an instruction set: the meaning of its instructions.

use std::fmt;

use jit_schema::ObjectFormat;

use crate::effect::Effect;
use crate::instruction::Operation;

/// What the optimizer has to know of an instruction set. Upstream has a subclass of `Optimizer` for
/// each.
///
/// Nothing has a default: an instruction set that leaves something out has to say so.
pub(crate) trait InstructionSet: fmt::Debug + Sync {
    /// Returns what comments start with.
    fn comments(&self, format: ObjectFormat) -> &'static [&'static str];

    /// Returns what an instruction, without a comment, means for control flow. An instruction that is
    /// not recognized is [`Operation::Other`].
    fn operation<'a>(&self, text: &'a str) -> Operation<'a>;

    /// Returns the mnemonic of the jump to a label.
    fn jump(&self) -> &'static str;

    /// Returns the mnemonic of the jump to a label whose target can be changed later to any place in a
    /// trace.
    fn long_jump(&self) -> &'static str;

    /// Returns what an instruction, without a comment, does with addresses of symbols in registers.
    fn effect<'a>(&self, code: &'a str, format: ObjectFormat) -> Effect<'a>;

    /// Returns whether an instruction is a call, direct or indirect.
    fn is_call(&self, text: &str) -> bool;

    /// Returns whether control never goes on to the next instruction, or the instruction is a call. This
    /// knows more instructions than [`operation`](InstructionSet::operation), which must not know more than
    /// upstream, since hot code depends on it.
    fn never_continues(&self, text: &str) -> bool;

    /// Returns whether an instruction, without a comment, only removes a value from a stack of registers for
    /// floating-point numbers.
    fn drops_float(&self, text: &str) -> bool;

    /// Returns whether an instruction sets the frame pointer (`_frame_pointer_modify`).
    fn sets_frame_pointer(&self, text: &str) -> bool;

    /// Returns whether an instruction of a block that sets the frame pointer makes a frame of the usual
    /// form: the frame pointer points to the caller's frame pointer and the return address. The
    /// instructions have no comments.
    fn links_frame(&self, block: &[&str], at: usize) -> bool;

    /// Returns whether an instruction, without a comment, is a landing pad and nothing else.
    fn is_landing_pad(&self, text: &str) -> bool;

    /// Returns whether a call through a pointer may arrive at an instruction, without a comment.
    fn accepts_calls(&self, text: &str) -> bool;

    /// Returns the landing pad of a function or a stencil.
    fn landing_pad(&self) -> &'static str;

    /// Returns the jump that processors check, for one that they do not: `jmpq *%rax` for `notrack jmpq *%rax`. The
    /// compiler puts no landing pads where such jumps arrive.
    fn checked_jump(&self, text: &str) -> Option<String>;

    /// Returns whether an instruction, without a comment, calls a function that returns twice, after which the compiler may have left
    /// out the landing pad. clang does so on x86 for calls through slots.
    fn calls_twice(&self, text: &str) -> bool;

    /// Returns whether an instruction, without a comment, restores the caller's frame pointer.
    fn restores_frame_pointer(&self, text: &str) -> bool;
}
