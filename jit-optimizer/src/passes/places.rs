//! Jumps to places that the compiler reaches through the GOT, or through a register.

mod flow;

use crate::cfg::{Block, BlockId, Graph};
use crate::effect::{Effect, WHOLE};
use crate::error::OptimizeError;
use crate::instruction::{Instruction, Operation};
use crate::pass::{Context, Pass};

use flow::{Flow, State};

/// Makes such jumps direct, so that the last one to the next micro-op becomes a fall-through:
///
/// ```text
/// jmpq *_JIT_PLACE_0@GOTPCREL(%rip)         jmp _JIT_PLACE_0
///
/// movabsq $_JIT_PLACE_0, %rax               movabsq $_JIT_PLACE_0, %rax
/// movl $1, %edi                             movl $1, %edi
/// jmpq *%rax                                jmp _JIT_PLACE_0
/// ```
///
/// Where several jumps share one instruction, each gets its own.
pub(super) const REACH: Pass = Pass {
    name: "reach-places-directly",
    run: reach,
};

/// Removes the loads of addresses of places that nothing reads any more. The places themselves do not read
/// them if they are the targets of calls only, which [`Places::OnlyTargets`](crate::Places::OnlyTargets) says.
pub(super) const REMOVE_LOADS: Pass = Pass {
    name: "remove-loads-of-places",
    run: remove_loads,
};

/// How many instructions are copied at most, where several jumps share their end.
const LONGEST_COPY: usize = 16;

fn reach(graph: &mut Graph<'_>, context: &Context<'_>) -> Result<(), OptimizeError> {
    let Some(next) = graph[context.continuation].label else {
        return Ok(());
    };
    refuse_calls(graph, context, next)?;
    while separate(graph, context, next) {}
    let flow = Flow::new(graph, context);
    let states = flow.states(graph);
    let found: Vec<(BlockId, &str)> = flow
        .code(graph)
        .filter_map(|id| Some((id, place(graph, context, &flow, id, states[id]?, next)?)))
        .collect();
    for (id, label) in found {
        let target = graph.look_up(label);
        let block = &mut graph[id];
        if let Some(last) = block.instructions.last_mut() {
            let text = format!("\t{}\t{label}", context.isa.jump());
            *last = Instruction {
                operation: Operation::Jump { target: label },
                ..Instruction::synthetic(text, last.line)
            };
        }
        block.target = Some(target);
        block.ends_flow = true;
    }
    Ok(())
}

/// Returns the label of the place that the last instruction of a block jumps to, if the block is entered with
/// a state.
fn place<'a>(
    graph: &Graph<'a>,
    context: &Context<'_>,
    flow: &Flow<'_>,
    id: BlockId,
    state: State<'a>,
    next: &'a str,
) -> Option<&'a str> {
    let symbol = match flow.jump(graph, id)? {
        Effect::JumpThroughSlot { symbol } => symbol,
        Effect::JumpTo { register } => {
            let held = flow.run(graph, id, state, 1)[register];
            held.filter(|(_, parts)| *parts == WHOLE)?.0
        }
        Effect::Address { .. }
        | Effect::Copy { .. }
        | Effect::CallTo { .. }
        | Effect::Other { .. } => return None,
    };
    context.syntax.place(symbol, next)
}

/// Copies blocks that end in a jump to one of several places to where each of these is known, and returns
/// whether there was one.
fn separate<'a>(graph: &mut Graph<'a>, context: &Context<'_>, next: &'a str) -> bool {
    let flow = Flow::new(graph, context);
    let states = flow.states(graph);
    let known = |id, state| place(graph, context, &flow, id, state, next).is_some();
    let copies: Vec<(BlockId, BlockId)> = flow
        .code(graph)
        .filter_map(|id| {
            let block = &graph[id];
            let to = match block.fallthrough() {
                None if jumps(block) => block.target,
                None => None,
                Some(_) if flow.jump(graph, id).is_some() => None,
                next => next,
            }?;
            let small = graph[to].instructions.len() <= LONGEST_COPY;
            let shared = small && !known(to, states[to]?);
            let after = flow.run(graph, id, states[id]?, 0);
            (shared && known(to, after)).then_some((id, to))
        })
        .collect();
    for &(id, to) in &copies {
        copy(graph, id, to);
    }
    !copies.is_empty()
}

/// Returns whether a block ends in a direct jump.
fn jumps(block: &Block<'_>) -> bool {
    let last = block.instructions.last();
    last.is_some_and(|last| matches!(last.operation, Operation::Jump { .. }))
}

/// Copies the code of the block that comes next to the end of a block, instead of a jump to it.
fn copy(graph: &mut Graph<'_>, id: BlockId, to: BlockId) {
    let (instructions, references) = (graph[to].instructions.clone(), graph[to].references.clone());
    let mut at = id;
    if jumps(&graph[id]) {
        graph[id].instructions.pop();
        graph[id].target = None;
    } else if graph[id].target.is_some() {
        // What is copied comes after a branch, which ends a block.
        let (section, link) = (graph[id].section, graph[id].link);
        at = graph.append_after(id);
        graph[at].link = link;
        graph[at].section = section;
    }
    let block = &mut graph[at];
    block.code = true;
    block.ends_flow = true;
    block.instructions.extend(instructions);
    block.references.extend(references);
}

/// Refuses calls of the next micro-op through a register.
fn refuse_calls<'a>(
    graph: &Graph<'a>,
    context: &Context<'_>,
    next: &'a str,
) -> Result<(), OptimizeError> {
    let flow = Flow::new(graph, context);
    let states = flow.states(graph);
    for id in flow.code(graph) {
        let Some(mut state) = states[id].filter(|_| !flow.is_unknown(id)) else {
            continue;
        };
        for instruction in &graph[id].instructions {
            if let Effect::CallTo { register } = flow.effect(instruction)
                && let Some((symbol, WHOLE)) = state[register]
                && (symbol == next || context.syntax.is_next(symbol))
            {
                return Err(OptimizeError::ContinueCalled {
                    line: instruction.line,
                    text: instruction.text.trim().to_owned(),
                });
            }
            flow.step(&mut state, instruction);
        }
    }
    Ok(())
}

fn remove_loads(graph: &mut Graph<'_>, context: &Context<'_>) -> Result<(), OptimizeError> {
    let Some(next) = graph[context.continuation].label else {
        return Ok(());
    };
    let flow = Flow::new(graph, context);
    let is_place = |symbol| context.syntax.place(symbol, next).is_some();
    let mut removed = true;
    // Without a load, the instruction that it takes a part from may be one that nothing reads.
    while std::mem::take(&mut removed) {
        let states = flow.states(graph);
        let live = flow.live(graph);
        let blocks: Vec<BlockId> = flow.code(graph).collect();
        for id in blocks {
            let Some(mut state) = states[id].filter(|_| !flow.is_unknown(id)) else {
                continue;
            };
            let instructions = std::mem::take(&mut graph[id].instructions);
            let mut loads = Vec::with_capacity(instructions.len());
            for instruction in &instructions {
                flow.step(&mut state, instruction);
                loads.push(match flow.effect(instruction) {
                    Effect::Address { to, .. } | Effect::Copy { to, .. } => {
                        let place = state[to].filter(|(symbol, _)| is_place(symbol));
                        place.map(|_| to)
                    }
                    Effect::JumpTo { .. }
                    | Effect::CallTo { .. }
                    | Effect::JumpThroughSlot { .. }
                    | Effect::Other { .. } => None,
                });
            }
            let mut live = live[id];
            let mut kept = Vec::with_capacity(instructions.len());
            for (instruction, to) in instructions.into_iter().zip(loads).rev() {
                if to.is_some_and(|to| !live.has(to)) {
                    removed = true;
                    continue;
                }
                live = flow.before(live, &instruction);
                kept.push(instruction);
            }
            kept.reverse();
            graph[id].instructions = kept;
        }
    }
    Ok(())
}
