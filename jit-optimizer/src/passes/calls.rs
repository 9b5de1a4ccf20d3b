//! Refuses calls of the next micro-op.

use crate::cfg::Graph;
use crate::error::OptimizeError;
use crate::pass::{Context, Pass};
use crate::scan;

/// Refuses calls of the next micro-op, from where nothing returns. The label for it is local, so that no
/// relocation says so later, as it does for other places in a trace. Upstream lets them pass.
pub(super) const CHECK: Pass = Pass {
    name: "check-calls",
    run: check,
};

fn check(graph: &mut Graph<'_>, context: &Context<'_>) -> Result<(), OptimizeError> {
    for id in graph.linked() {
        for instruction in &graph[id].instructions {
            let code = context.syntax.code(&instruction.text);
            let mut statements = code.split(';').flat_map(|part| part.split("%%"));
            if statements.any(|statement| is_call(graph, context, statement)) {
                return Err(OptimizeError::ContinueCalled {
                    line: instruction.line,
                    text: instruction.text.trim().to_owned(),
                });
            }
        }
    }
    Ok(())
}

/// Returns whether a statement is a call of the next micro-op.
fn is_call(graph: &Graph<'_>, context: &Context<'_>, statement: &str) -> bool {
    let mut symbols = scan::symbols(statement);
    context.isa.is_call(statement)
        && symbols.any(|symbol| {
            let name = symbol.split_once('@').map_or(symbol, |(name, _)| name);
            graph.mentioned(symbol) == Some(context.continuation) || context.syntax.is_next(name)
        })
}
