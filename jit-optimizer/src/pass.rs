//! What a pass is: a name, and a function that changes the graph.

use crate::cfg::{BlockId, Graph};
use crate::error::OptimizeError;
use crate::instruction_set::InstructionSet;
use crate::options::Known;
use crate::syntax::Syntax;

/// One step of the optimizer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pass {
    /// The name that tests and documentation use, in kebab case.
    pub(crate) name: &'static str,
    /// Changes the graph, or refuses it.
    pub(crate) run: fn(&mut Graph<'_>, &Context<'_>) -> Result<(), OptimizeError>,
}

/// What a pass knows besides the graph.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub(crate) isa: &'static dyn InstructionSet,
    /// The conventions of the target's assembly.
    pub(crate) syntax: &'a Syntax,
    /// The block of the label for the next micro-op. What is linked after it is data and metadata.
    pub(crate) continuation: BlockId,
    /// What is known of the stencil besides its code.
    pub(crate) known: &'a Known<'a>,
}
