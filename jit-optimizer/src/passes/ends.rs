//! Refuses code that runs off the end of its function.

use jit_schema::{CodeEnd, SectionKind};

use crate::cfg::{Block, BlockId, Graph, PerBlock};
use crate::error::OptimizeError;
use crate::instruction::Instruction;
use crate::pass::{Context, Pass};
use crate::scan;
use crate::section;
use crate::syntax::Syntax;

/// Refuses code that goes on after the last instruction of its function, and so into the next micro-op,
/// or into another function, without a jump to it. Compilers write such code for what they know to be
/// unreachable: an op that returns nothing, or one that ends in `__builtin_unreachable()`.
///
/// A function may end in a call: compilers know that the callee does not return. This runs before the
/// other passes, which remove jumps to the next micro-op.
pub(super) const CHECK: Pass = Pass {
    name: "check-ends",
    run: check,
};

fn check(graph: &mut Graph<'_>, context: &Context<'_>) -> Result<(), OptimizeError> {
    let globals = graph.linked().filter(|&id| graph.is_global(id));
    let reached = reached(graph, context, globals.collect());
    // Labels after the last instruction.
    let mut after: PerBlock<bool> = PerBlock::new(graph);
    let mut next = graph[context.continuation].link;
    while let Some(id) = next {
        after[id] = true;
        // A function without any instruction.
        let block = &graph[id];
        if graph.is_global(id) && block.section.kind == SectionKind::Code && !block.opaque {
            return Err(runs_off_end(block, None));
        }
        next = block.link;
    }
    let dropping = dropping(graph, context, &reached);
    let mut last: Option<&Instruction<'_>> = None;
    for id in graph.linked().take_while(|&id| id != context.continuation) {
        let block = &graph[id];
        last = block.instructions.last().or(last);
        if !reached[id] || dropping[id] {
            continue;
        }
        let jumps = block.target.is_some_and(|target| after[target]);
        if jumps || runs_off(graph, context, block) {
            return Err(runs_off_end(block, last));
        }
    }
    Ok(())
}

/// Returns the error for a block, with the line of the last instruction that is not after it.
fn runs_off_end(block: &Block<'_>, last: Option<&Instruction<'_>>) -> OptimizeError {
    OptimizeError::RunsOffEnd {
        line: last.map_or(1, |last| last.line),
        text: match (block.instructions.last(), block.label) {
            (Some(last), _) => last.text.trim().to_owned(),
            (None, label) => format!("{}:", label.unwrap_or_default()),
        },
    }
}

/// Returns whether control goes on from a block to what is not in the same function.
fn runs_off(graph: &Graph<'_>, context: &Context<'_>, block: &Block<'_>) -> bool {
    let next = next(graph, context, block);
    !is_table(block) && next.is_some_and(|next| is_end(graph, context, next))
}

/// Returns whether a block has nothing to execute, but is reached because something mentions it.
fn is_table(block: &Block<'_>) -> bool {
    block.opaque && block.instructions.is_empty()
}

/// Returns the block after this one, if control may go on to it. After the last call of a function it
/// does not.
pub(super) fn next(graph: &Graph<'_>, context: &Context<'_>, block: &Block<'_>) -> Option<BlockId> {
    let next = block.fallthrough()?;
    let Some(last) = block.instructions.last() else {
        return Some(next);
    };
    let code = context.syntax.code(&last.text);
    let returns = context.isa.is_call(code) && !is_end(graph, context, next);
    (returns || !context.isa.never_continues(code)).then_some(next)
}

/// Returns whether there is no more code of the same function from a block on.
fn is_end(graph: &Graph<'_>, context: &Context<'_>, from: BlockId) -> bool {
    let mut next = Some(from);
    while let Some(id) = next {
        let block = &graph[id];
        if id == context.continuation || is_function(context.syntax, block) {
            return true;
        }
        if !block.is_empty() || block.data {
            return false;
        }
        next = block.link;
    }
    true
}

/// Returns whether a block is the start of a function: compilers add a comment with its name.
pub(super) fn is_function(syntax: &Syntax, block: &Block<'_>) -> bool {
    let Some(label) = block.label else {
        return false;
    };
    let name = syntax.c_name(label);
    block.noninstructions.iter().any(|line| {
        let comment = line.strip_prefix(syntax.code(line));
        comment.is_some_and(|comment| comment.trim_end().ends_with(&format!(" @{name}")))
    })
}

/// Returns whether control can go on from the entry to the next micro-op, which needs a jump to it. It must
/// be asked before passes remove those jumps.
///
/// It is not known of code that runs off its end without a jump. Compilers know that control does not get
/// there, because of a jump in inline assembly for example.
pub(super) fn code_end(graph: &Graph<'_>, context: &Context<'_>) -> CodeEnd {
    let Some(entry) = graph.defined_as(&context.syntax.entry()) else {
        return CodeEnd::Unknown;
    };
    let reached = reached(graph, context, vec![entry]);
    let is_code = |&id: &BlockId| id != context.continuation;
    let code = || graph.linked().take_while(is_code);
    let jumps = |id: BlockId| reached[id] && jumps_on(graph, context, &graph[id]);
    if code().any(jumps)
        || graph
            .linked()
            .any(|id| has_pointer(graph, context, &graph[id]))
    {
        return CodeEnd::FallsThrough;
    }
    let mut outside: PerBlock<bool> = PerBlock::new(graph);
    let mut end = Some(context.continuation);
    while let Some(id) = end {
        outside[id] = true;
        end = graph[id].link;
    }
    let dropping = dropping(graph, context, &reached);
    let runs_off = |id: BlockId| {
        let block = &graph[id];
        let next = next(graph, context, block).filter(|_| !is_table(block));
        let mut ways = block.target.into_iter().chain(next);
        reached[id] && !dropping[id] && ways.any(|way| outside[way])
    };
    match outside[entry] || code().any(runs_off) {
        true => CodeEnd::Unknown,
        false => CodeEnd::Leaves,
    }
}

/// Returns whether a block jumps to the next micro-op, or can do so because it has its address.
fn jumps_on(graph: &Graph<'_>, context: &Context<'_>, block: &Block<'_>) -> bool {
    let mut instructions = block.instructions.iter();
    block.target == Some(context.continuation)
        || instructions.any(|one| mentions_next(graph, context, &one.text))
}

/// Returns whether a block has the address of the next micro-op in data, or another name for it.
fn has_pointer(graph: &Graph<'_>, context: &Context<'_>, block: &Block<'_>) -> bool {
    let mut lines = block.noninstructions.iter();
    lines.any(|line| {
        mentions_next(graph, context, line)
            && (section::emits(line) || context.syntax.assigned(line).is_some())
    })
}

/// Returns whether a line mentions the label of the next micro-op.
fn mentions_next(graph: &Graph<'_>, context: &Context<'_>, line: &str) -> bool {
    let mut symbols = scan::symbols(context.syntax.code(line));
    line.contains("_JIT_CONTINUE")
        && symbols.any(|symbol| {
            let name = symbol.split_once('@').map_or(symbol, |(name, _)| name);
            graph.mentioned(symbol) == Some(context.continuation) || context.syntax.is_next(name)
        })
}

/// Returns which blocks may be executed if control can enter at some of them.
fn reached(graph: &Graph<'_>, context: &Context<'_>, entries: Vec<BlockId>) -> PerBlock<bool> {
    let mut reached: PerBlock<bool> = PerBlock::new(graph);
    let mut todo = entries;
    for id in graph.linked().filter(|&id| graph[id].data) {
        todo.extend(&graph[id].references);
    }
    while let Some(id) = todo.pop() {
        let block = &graph[id];
        if block.data || std::mem::replace(&mut reached[id], true) || id == context.continuation {
            continue;
        }
        todo.extend(block.target);
        todo.extend(&block.references);
        todo.extend(next(graph, context, block));
    }
    reached
}

/// Returns which blocks do nothing but drop values of the x87, and are reached only because something
/// mentions their address, not by a jump or from the instruction before them. Clang fills the gaps of jump tables with the address of a block
/// that it knows to be unreachable. The block is empty, except that the stack of the x87 is made even there,
/// and it may be at the end of the code.
fn dropping(graph: &Graph<'_>, context: &Context<'_>, reached: &PerBlock<bool>) -> PerBlock<bool> {
    let drops = |block: &Block<'_>| {
        let mut texts = block.instructions.iter().map(|one| &one.text);
        !block.is_empty()
            && !block.opaque
            && texts.all(|text| context.isa.drops_float(context.syntax.code(text)))
    };
    let mut entered: PerBlock<bool> = PerBlock::new(graph);
    for id in graph.linked().filter(|&id| reached[id]) {
        let block = &graph[id];
        let next = next(graph, context, block).filter(|_| !drops(block));
        for way in block.target.into_iter().chain(next) {
            entered[way] = true;
        }
    }
    let mut dropping: PerBlock<bool> = PerBlock::new(graph);
    for id in graph.linked().filter(|&id| reached[id]) {
        let block = &graph[id];
        if !drops(block) {
            continue;
        }
        dropping[id] = !entered[id] && !graph.is_global(id);
        if !dropping[id]
            && let Some(next) = next(graph, context, block)
        {
            entered[next] = true;
        }
    }
    dropping
}
