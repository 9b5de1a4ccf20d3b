//! Refuses `__builtin_setjmp`, for which clang makes wrong code.

use crate::cfg::Graph;
use crate::error::OptimizeError;
use crate::pass::{Context, Pass};
use crate::scan;

/// The comment that clang puts where `__builtin_setjmp` is, even without `-fverbose-asm`.
const SETUP: &str = "#EH_SjLj_Setup";

/// Refuses `__builtin_setjmp` in 64-bit code. The code at which `__builtin_longjmp` arrives runs with a wrong
/// frame pointer on Windows: clang saves the stack pointer instead. On all systems, a function that has the
/// stencils' calling convention and needs a base pointer (because of `alloca` and an aligned variable, for
/// example) restores the base pointer as its caller's frame pointer. 32-bit code is right.
pub(super) const CHECK: Pass = Pass {
    name: "check-setjmp",
    run: check,
};

fn check(graph: &mut Graph<'_>, _: &Context<'_>) -> Result<(), OptimizeError> {
    let mut line = 0;
    for id in graph.linked() {
        let block = &graph[id];
        let is_setup = |text: &&str| scan::skip_space(text).starts_with(SETUP);
        if block.noninstructions.iter().any(is_setup) {
            // The comment follows the instruction that saves the address to return to.
            return Err(OptimizeError::Setjmp { line: line + 1 });
        }
        line = block.instructions.last().map_or(line, |last| last.line);
    }
    Ok(())
}
