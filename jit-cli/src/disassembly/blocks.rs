//! The basic blocks of a stencil.

use std::{collections::BTreeSet, ops::Range};

use jit_schema::{CodeEnd, PatchKind};
use jit_stencils::StencilGroup;

use super::{Flow, Instruction, names};

/// A basic block: control enters it at its start only, and leaves it at its end only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    /// The name by which instructions and tables of the stencil refer to it, such as `L1`, if any does.
    pub(crate) label: Option<String>,
    /// The offsets of its code, in bytes.
    pub(crate) code: Range<usize>,
    /// The indexes of its instructions.
    pub(crate) instructions: Range<usize>,
    /// The offsets to which control goes on from it: the start of another block, or the size of the code for the next micro-op.
    pub(crate) successors: Vec<usize>,
    /// Whether control can get from here to the end of the stencil, and so to the next micro-op. That is what the
    /// optimizer marks with `# JIT: HOT` and `# JIT: COLD`, but for indirect jumps and traps, which it takes to go on.
    pub(crate) hot: bool,
}

/// Divides instructions into basic blocks.
pub(super) fn blocks(instructions: &[Instruction], group: &StencilGroup) -> Vec<Block> {
    let size = group.code.body.len();
    let tables = Tables::of(group, instructions);
    let mut named: BTreeSet<usize> = tables.places.iter().copied().collect();
    named.extend(
        instructions
            .iter()
            .filter_map(|instruction| instruction.target),
    );
    let mut starts = named.clone();
    for instruction in instructions {
        match instruction.flow {
            Flow::Next | Flow::Call | Flow::IndirectCall => {}
            Flow::Jump | Flow::IndirectJump | Flow::Branch | Flow::Return | Flow::Stop => {
                starts.insert(instruction.end());
            }
        }
    }
    let mut blocks: Vec<Block> = Vec::new();
    let mut labels = 0;
    for (index, instruction) in instructions.iter().enumerate() {
        if blocks.is_empty() || starts.contains(&instruction.offset) {
            let is_named = named.contains(&instruction.offset);
            labels += usize::from(is_named);
            blocks.push(Block {
                label: is_named.then(|| format!("L{labels}")),
                code: instruction.offset..instruction.offset,
                instructions: index..index,
                successors: Vec::new(),
                hot: false,
            });
        }
        if let Some(block) = blocks.last_mut() {
            block.code.end = instruction.end();
            block.instructions.end = index + 1;
        }
    }
    let all: Vec<usize> = blocks.iter().map(|block| block.code.start).collect();
    for block in &mut blocks {
        let last = instructions.get(block.instructions.end - 1);
        block.successors = last.map_or_else(Vec::new, |last| {
            successors(last, size, group.end, tables.of_jump(&all))
        });
    }
    mark_hot(&mut blocks, instructions, size);
    blocks
}

/// Returns where control goes on in the stencil after the last instruction of a block. `jump` has the places that indirect jumps
/// lead to.
fn successors(last: &Instruction, size: usize, end: CodeEnd, jump: &[usize]) -> Vec<usize> {
    let next = match last.end() == size && end == CodeEnd::Leaves {
        true => None,
        false => Some(last.end()),
    };
    let mut places: Vec<usize> = match last.flow {
        Flow::Next | Flow::Call | Flow::IndirectCall => next.into_iter().collect(),
        Flow::Branch => last.target.into_iter().chain(next).collect(),
        Flow::Jump => last.target.into_iter().collect(),
        Flow::IndirectJump => jump.to_vec(),
        Flow::Return | Flow::Stop => Vec::new(),
    };
    places.sort_unstable();
    places.dedup();
    places
}

/// The places in the code whose addresses the stencil has: those of jump tables, above all.
struct Tables {
    places: Vec<usize>,
    /// Whether there may be others, because the distance from a table is known only to the code that reads it.
    others: bool,
}

impl Tables {
    fn of(group: &StencilGroup, instructions: &[Instruction]) -> Tables {
        let holes = group.data.holes.iter();
        let of_code = holes.filter_map(|hole| Some((hole, names::place_in_code(hole)?)));
        let (absolute, relative): (Vec<_>, Vec<_>) = of_code
            .partition(|(hole, _)| matches!(hole.patch, PatchKind::Patch32 | PatchKind::Patch64));
        let places = absolute.iter();
        Tables {
            places: places
                .filter_map(|(_, place)| usize::try_from(*place).ok())
                .collect(),
            others: !relative.is_empty()
                || instructions.iter().any(|one| takes_address(one, group)),
        }
    }

    /// Returns the places that an indirect jump may lead to, of the starts of all blocks. One that has none leads out of the stencil.
    fn of_jump<'a>(&'a self, all: &'a [usize]) -> &'a [usize] {
        match self.others {
            true => all,
            false => &self.places,
        }
    }
}

/// Returns whether an instruction gets the address of a place in the code without going there.
fn takes_address(instruction: &Instruction, group: &StencilGroup) -> bool {
    let is_place = |index: &usize| {
        let hole = group.code.holes.get(*index);
        hole.and_then(names::place_in_code).is_some()
    };
    instruction.flow == Flow::Next
        && (instruction.mnemonic == "adr"
            || instruction.holes.iter().any(|hole| is_place(&hole.index)))
}

/// Marks the blocks from which control gets to the end of the code. A function of the stencil goes on to where it was called.
fn mark_hot(blocks: &mut [Block], instructions: &[Instruction], size: usize) {
    let of_block = |block: &Block| {
        instructions
            .get(block.instructions.clone())
            .unwrap_or_default()
    };
    let is_call = |one: &Instruction| one.flow == Flow::Call;
    let callees = |block: &Block| {
        of_block(block)
            .iter()
            .filter(|one| is_call(one))
            .filter_map(|one| one.target)
            .collect()
    };
    let calls: Vec<Vec<usize>> = blocks.iter().map(callees).collect();
    let called = calls.iter().flatten().copied().collect();
    let called = reachable(blocks, called);
    let returns: Vec<bool> = blocks
        .iter()
        .map(|block| {
            let last = of_block(block).last();
            called.contains(&block.code.start) && last.is_some_and(|last| last.flow == Flow::Return)
        })
        .collect();
    let mut hot: BTreeSet<usize> = BTreeSet::from([size]);
    loop {
        let before = hot.len();
        let to_caller = blocks
            .iter()
            .zip(&calls)
            .any(|(block, calls)| block.hot && !calls.is_empty());
        for (block, returns) in blocks.iter_mut().zip(&returns).rev() {
            let goes_on = block.successors.iter().any(|next| hot.contains(next));
            block.hot = goes_on || (*returns && to_caller);
            if block.hot {
                hot.insert(block.code.start);
            }
        }
        if hot.len() == before {
            return;
        }
    }
}

/// Returns the starts of the blocks that control gets to from these.
fn reachable(blocks: &[Block], starts: Vec<usize>) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut todo = starts;
    while let Some(start) = todo.pop() {
        if found.insert(start) {
            let block = blocks.iter().find(|block| block.code.start == start);
            todo.extend(block.iter().flat_map(|block| &block.successors));
        }
    }
    found
}
