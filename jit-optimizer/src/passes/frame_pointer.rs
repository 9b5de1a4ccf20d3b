//! Refuses instructions that set the frame pointer.

use crate::cfg::Graph;
use crate::error::OptimizeError;
use crate::pass::{Context, Pass};

/// Refuses code that sets the frame pointer (`_validate`), unless the code has been removed.
pub(super) const CHECK: Pass = Pass {
    name: "check-frame-pointer",
    run: check,
};

fn check(graph: &mut Graph<'_>, _: &Context<'_>) -> Result<(), OptimizeError> {
    for id in graph.linked() {
        for instruction in &graph[id].instructions {
            if instruction.sets_frame_pointer {
                return Err(OptimizeError::FramePointerModified {
                    line: instruction.line,
                    text: instruction.text.trim().to_owned(),
                });
            }
        }
    }
    Ok(())
}
