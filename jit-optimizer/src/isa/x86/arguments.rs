//! A tuned pass for 32-bit x86: arguments stay where they are.
//!
//! All arguments of a stencil are on the stack there, and the next stencil finds its own in the same
//! words. Nevertheless, clang loads all of them first, and stores all of them again before it jumps to
//! the next stencil (`musttail`). This pass removes the stores that put back what the word has held
//! since the stencil was entered, and then the loads whose result nothing reads any more.
//!
//! It follows the contents of registers and words through the control-flow graph. A stencil with an
//! instruction that it does not know, or with a pointer to the stack, stays as it is.

mod state;
mod step;

use state::State;
use step::{ALL, Step, effect, step};

use crate::cfg::{BlockId, Graph, PerBlock};
use crate::error::OptimizeError;
use crate::instruction::Operation;
use crate::pass::{Context, Pass};

/// Removes needless stores of arguments, and then needless loads.
pub(super) const DROP_STORES: Pass = Pass {
    name: "drop-argument-stores",
    run: drop_stores,
};

/// The code of a stencil of which each instruction is known.
struct Code {
    /// The linked blocks before the continuation.
    blocks: Vec<BlockId>,
    /// Whether a block is one of `blocks`.
    inside: PerBlock<bool>,
    /// What each instruction of a block does.
    steps: PerBlock<Vec<Step>>,
}

fn drop_stores(graph: &mut Graph<'_>, context: &Context<'_>) -> Result<(), OptimizeError> {
    let Some(code) = understand(graph, context) else {
        return Ok(());
    };
    let Some(entries) = follow(graph, &code) else {
        return Ok(());
    };
    for &id in &code.blocks {
        let Some(mut state) = entries[id].clone() else {
            continue;
        };
        let mut steps = code.steps[id].iter();
        graph[id].instructions.retain(|_| {
            let Some(&step) = steps.next() else {
                return true;
            };
            let needless = state.is_needless(step);
            if !needless {
                state.apply(step);
            }
            !needless
        });
    }
    drop_loads(graph, &code);
    Ok(())
}

/// Returns what each instruction does, if all of them are known.
fn understand(graph: &Graph<'_>, context: &Context<'_>) -> Option<Code> {
    let blocks: Vec<BlockId> = graph
        .linked()
        .take_while(|&id| id != context.continuation)
        .collect();
    let is_local = |label: &str| label.starts_with(context.syntax.label_prefix);
    let locals: Vec<&str> = blocks
        .iter()
        .filter_map(|&id| graph[id].label)
        .filter(|label| is_local(label))
        .collect();
    let mentions = |text: &str| locals.iter().any(|label| text.contains(label));
    let mut steps: PerBlock<Vec<Step>> = PerBlock::new(graph);
    for id in graph.linked() {
        let block = &graph[id];
        // With a jump table, it is not known which jumps lead to a label.
        let is_table = |line: &&str| line.trim_start().starts_with('.') && mentions(line);
        if block.noninstructions.iter().any(is_table) || block.opaque {
            return None;
        }
        // Another function of the stencil has arguments of its own.
        let calls = block.instructions.last().map(|last| last.operation);
        if matches!(calls, Some(Operation::Call { target }) if graph.defines(target))
            || block.code && block.referenced
        {
            return None;
        }
        for instruction in &block.instructions {
            let known = match instruction.target() {
                // `1b` is a label in inline assembly.
                Some(target) => target.starts_with(|c: char| !c.is_ascii_digit()),
                None => !mentions(&instruction.text),
            };
            let step = step(instruction).filter(|_| known)?;
            if steps[id].last() == Some(&Step::Leave) {
                return None;
            }
            steps[id].push(step);
        }
    }
    let mut inside: PerBlock<bool> = PerBlock::new(graph);
    for &id in &blocks {
        inside[id] = true;
    }
    Some(Code {
        blocks,
        inside,
        steps,
    })
}

/// Returns what is known at the start of each block.
///
/// Returns `None` if a block is not reached, or if the stencil is left with another stack pointer than
/// it was entered with. In the latter case a function has removed its arguments from the stack
/// (stdcall), so that all offsets after the call mean other places.
fn follow(graph: &Graph<'_>, code: &Code) -> Option<PerBlock<Option<State>>> {
    let mut entries: PerBlock<Option<State>> = PerBlock::new(graph);
    entries[Graph::ROOT] = Some(State::entry());
    let mut todo = vec![Graph::ROOT];
    while let Some(id) = todo.pop() {
        let Some(mut state) = entries[id].clone() else {
            continue;
        };
        for &step in &code.steps[id] {
            state.apply(step);
        }
        let leaves = !code.inside[id] || code.steps[id].last() == Some(&Step::Leave);
        if leaves {
            if state.depth != 0 {
                return None;
            }
            continue;
        }
        for successor in graph[id].successors() {
            let met = match &entries[successor] {
                None => state.clone(),
                Some(known) => known.meet(&state)?,
            };
            if entries[successor].as_ref() != Some(&met) {
                entries[successor] = Some(met);
                todo.push(successor);
            }
        }
    }
    let reached = |id: &BlockId| entries[*id].is_some() || graph[*id].instructions.is_empty();
    code.blocks.iter().all(reached).then_some(entries)
}

/// Removes loads and copies to a register that nothing reads.
fn drop_loads(graph: &mut Graph<'_>, code: &Code) {
    let live = live_before(graph, code);
    for &id in &code.blocks {
        let mut live_now = live_after(graph, code, &live, id);
        let mut kept = Vec::new();
        for instruction in std::mem::take(&mut graph[id].instructions)
            .into_iter()
            .rev()
        {
            let useless = match step(&instruction) {
                Some(Step::Load { to, .. } | Step::Copy { to, .. }) => live_now >> to & 1 == 0,
                _ => false,
            };
            if !useless {
                live_now = effect(&instruction).live_before(live_now);
                kept.push(instruction);
            }
        }
        kept.reverse();
        graph[id].instructions = kept;
    }
}

/// Returns the registers that may be read from the start of each block on, one bit each.
fn live_before(graph: &Graph<'_>, code: &Code) -> PerBlock<u8> {
    let mut live: PerBlock<u8> = PerBlock::new(graph);
    loop {
        let mut changed = false;
        for &id in code.blocks.iter().rev() {
            let after = live_after(graph, code, &live, id);
            let instructions = graph[id].instructions.iter().rev();
            let before = instructions.fold(after, |live, instruction| {
                effect(instruction).live_before(live)
            });
            if before != live[id] {
                live[id] = before;
                changed = true;
            }
        }
        if !changed {
            return live;
        }
    }
}

/// Returns the registers that may be read after a block. Outside of the stencil, that is all of them.
fn live_after(graph: &Graph<'_>, code: &Code, live: &PerBlock<u8>, id: BlockId) -> u8 {
    let inside = |next: BlockId| if code.inside[next] { live[next] } else { ALL };
    let registers = graph[id].successors().map(inside);
    registers.reduce(|all, one| all | one).unwrap_or(ALL)
}
