//! The passes that all instruction sets share, and the order in which passes run.

mod alignment;
mod calls;
mod ends;
mod frame_pointer;
mod hot_branches;
mod hot_code;
mod landing_pads;
mod lasting_jumps;
mod places;
mod redundant_jumps;
mod unreachable;

use jit_schema::{CodeEnd, Codegen};

use crate::cfg::Graph;
use crate::isa::Isa;
use crate::options::{End, FramePointer, LandingPads, Options, Places};
use crate::pass::{Context, Pass};

/// The shared passes that run several times, because each removed branch can expose another. Upstream
/// runs them four times as well.
const REPEATED: [Pass; 3] = [
    hot_branches::INVERT,
    redundant_jumps::REMOVE,
    unreachable::REMOVE,
];
const REPETITIONS: usize = 4;

/// Returns the passes to run, in order (`Optimizer.run`).
pub(crate) fn list(isa: &dyn Isa, options: &Options) -> Vec<Pass> {
    let mut passes = vec![calls::CHECK, alignment::CHECK];
    match options.landing_pads {
        LandingPads::AsCompiled => {}
        LandingPads::Exact => passes.push(landing_pads::REMOVE),
    }
    match options.end {
        End::Anything => {}
        End::Jump => passes.push(ends::CHECK),
    }
    match options.places {
        Places::Upstream => {}
        Places::Any => passes.push(places::REACH),
        Places::OnlyTargets => passes.extend([places::REACH, places::REMOVE_LOADS]),
    }
    match options.codegen {
        Codegen::Upstream => {}
        Codegen::Tuned | Codegen::Small => passes.extend(isa.early_tuned_passes()),
    }
    passes.push(hot_code::MARK);
    for _ in 0..REPETITIONS {
        passes.extend(REPEATED);
    }
    match options.places {
        Places::Upstream => {}
        Places::Any | Places::OnlyTargets => passes.push(lasting_jumps::LENGTHEN),
    }
    passes.extend(isa.upstream_passes());
    match options.codegen {
        Codegen::Upstream => {}
        Codegen::Tuned => passes.extend(isa.tuned_passes()),
        Codegen::Small => {
            passes.extend(isa.tuned_passes());
            passes.extend(isa.small_passes());
        }
    }
    match options.landing_pads {
        LandingPads::AsCompiled => {}
        LandingPads::Exact => passes.push(landing_pads::PLACE),
    }
    passes.extend(isa.checks());
    match options.frame_pointer {
        FramePointer::Free => {}
        FramePointer::Reserved => passes.push(frame_pointer::CHECK),
    }
    passes
}

/// Returns whether control can go on to the next micro-op, in a graph on which no pass has run.
pub(crate) fn code_end(graph: &Graph<'_>, context: &Context<'_>) -> CodeEnd {
    ends::code_end(graph, context)
}
