//! An instruction set of which nothing is known: upstream's base class, `Optimizer`.
//!
//! With it, the optimizer only adds the `_JIT_CONTINUE` label and removes blocks that no global label
//! reaches by falling through. No target uses it, so it is compiled for tests alone. Support for
//! another instruction set can start from a copy.

use jit_schema::ObjectFormat;

use super::Isa;
use crate::effect::Effect;
use crate::instruction::Operation;
use crate::instruction_set::InstructionSet;
use crate::pass::Pass;

/// An instruction set of which nothing is known.
#[derive(Debug)]
pub(crate) struct None;

impl InstructionSet for None {
    fn comments(&self, _format: ObjectFormat) -> &'static [&'static str] {
        &["#"]
    }

    fn operation<'a>(&self, _text: &'a str) -> Operation<'a> {
        Operation::Other
    }

    fn jump(&self) -> &'static str {
        "jmp"
    }

    fn long_jump(&self) -> &'static str {
        "jmp"
    }

    fn effect<'a>(&self, _code: &'a str, _format: ObjectFormat) -> Effect<'a> {
        Effect::UNKNOWN
    }

    fn is_call(&self, _text: &str) -> bool {
        false
    }

    fn never_continues(&self, _text: &str) -> bool {
        false
    }

    fn drops_float(&self, _text: &str) -> bool {
        false
    }

    fn sets_frame_pointer(&self, _text: &str) -> bool {
        false
    }

    fn links_frame(&self, _block: &[&str], _at: usize) -> bool {
        false
    }

    fn is_landing_pad(&self, _text: &str) -> bool {
        false
    }

    fn accepts_calls(&self, _text: &str) -> bool {
        false
    }

    fn landing_pad(&self) -> &'static str {
        "nop"
    }

    fn calls_twice(&self, _text: &str) -> bool {
        false
    }

    fn checked_jump(&self, _text: &str) -> Option<String> {
        Option::None
    }

    fn restores_frame_pointer(&self, _text: &str) -> bool {
        false
    }
}

impl Isa for None {
    fn upstream_passes(&self) -> &'static [Pass] {
        &[]
    }

    fn early_tuned_passes(&self) -> &'static [Pass] {
        &[]
    }

    fn tuned_passes(&self) -> &'static [Pass] {
        &[]
    }

    fn small_passes(&self) -> &'static [Pass] {
        &[]
    }

    fn checks(&self) -> &'static [Pass] {
        &[]
    }
}
