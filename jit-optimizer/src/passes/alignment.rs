//! Refuses functions that are declared with an alignment.

use jit_schema::SectionKind;

use crate::cfg::Graph;
use crate::error::OptimizeError;
use crate::pass::{Context, Pass};
use crate::scan;
use crate::section::Sections;

use super::ends::is_function;

/// Refuses a function that is more aligned than the entry. Stencils are copied one after another, so that
/// no code is aligned, and compilers rely on the alignment where the address of the function is used.
///
/// A flag for the alignment of functions, or the optimization level, applies to the entry as well. This
/// runs before the other passes, which remove directives.
pub(super) const CHECK: Pass = Pass {
    name: "check-alignment",
    run: check,
};

/// The prefix of functions that compilers add for `-mretpoline` and similar flags. They are aligned for speed.
const THUNK: &str = "__llvm_";

fn check(graph: &mut Graph<'_>, context: &Context<'_>) -> Result<(), OptimizeError> {
    let syntax = context.syntax;
    let moved = graph.entry.and_then(|start| graph[start].target);
    let Some(entry) = moved.or_else(|| graph.defined_as(&syntax.entry())) else {
        return Ok(());
    };
    let mut of_entry = 1;
    let mut of_functions = Vec::new();
    // The alignment of what comes next.
    let mut pending = 1;
    let mut sections = Sections::new(syntax.format);
    for id in graph.linked() {
        let block = &graph[id];
        if id == entry {
            of_entry = pending;
        } else if is_function(syntax, block) && block.section.kind == SectionKind::Code {
            of_functions.push((pending, id));
        }
        if block.label.is_some() {
            pending = 1;
        }
        for &line in &block.noninstructions {
            if sections.read(line) {
                pending = 1;
            } else if let Some(alignment) = alignment(syntax.code(line)) {
                pending = pending.max(alignment);
            }
        }
        if !block.instructions.is_empty() {
            pending = 1;
        }
    }
    for (alignment, id) in of_functions {
        let function = syntax.c_name(graph[id].label.unwrap_or_default());
        if alignment > of_entry && !function.starts_with(THUNK) {
            return Err(OptimizeError::AlignedFunction {
                function: function.to_owned(),
                alignment,
            });
        }
    }
    Ok(())
}

/// Returns the alignment that a directive asks for, in bytes.
fn alignment(line: &str) -> Option<u64> {
    let text = scan::skip_space(line);
    let (directive, rest) = scan::split_run(text, |c| !scan::is_space(c));
    let is_digit = |c: char| c.is_ascii_digit();
    let number = scan::split_run(scan::skip_space(rest), is_digit).0;
    let number: u32 = number.parse().ok()?;
    match directive {
        ".p2align" => 1_u64.checked_shl(number),
        ".balign" => Some(number.into()),
        _ => None,
    }
}
