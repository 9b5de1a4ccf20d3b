//! Which registers hold addresses of symbols, and which are read later.

use crate::cfg::{BlockId, Graph, PerBlock};
use crate::effect::{Effect, Parts, Registers};
use crate::instruction::{Instruction, Operation};
use crate::pass::Context;

/// What each register holds, if it is known: a symbol, and the parts of its address.
pub(super) type State<'a> = [Option<(&'a str, Parts)>; Registers::COUNT];

/// The state in which nothing is known.
pub(super) const NOTHING: State<'static> = [None; Registers::COUNT];

/// The code of a stencil, for questions about its registers.
pub(super) struct Flow<'c> {
    context: &'c Context<'c>,
    /// The blocks whose code is inline assembly or written as data.
    unknown: PerBlock<bool>,
}

impl<'c> Flow<'c> {
    pub(super) fn new(graph: &Graph<'_>, context: &'c Context<'c>) -> Flow<'c> {
        let unknown = graph.unknown_blocks();
        Flow { context, unknown }
    }

    /// Returns the blocks of code, in order.
    pub(super) fn code<'g>(&self, graph: &'g Graph<'_>) -> impl Iterator<Item = BlockId> + use<'g> {
        let end = self.context.continuation;
        graph.linked().take_while(move |&id| id != end)
    }

    /// Returns whether the code of a block is not known.
    pub(super) fn is_unknown(&self, id: BlockId) -> bool {
        self.unknown[id]
    }

    /// Returns what an instruction of the input does.
    pub(super) fn effect<'a>(&self, instruction: &Instruction<'a>) -> Effect<'a> {
        let syntax = self.context.syntax;
        match instruction.unchanged().map(|text| syntax.code(text)) {
            Some(code) if !syntax.is_several(code) => self.context.isa.effect(code, syntax.format),
            Some(_) | None => Effect::UNKNOWN,
        }
    }

    /// Returns what an instruction makes of a state.
    pub(super) fn step<'a>(&self, state: &mut State<'a>, instruction: &Instruction<'a>) {
        match self.effect(instruction) {
            Effect::Address {
                to,
                symbol,
                from,
                parts,
            } => {
                let before = from.is_none_or(|(from, parts)| state[from] == Some((symbol, parts)));
                state[to] = before.then_some((symbol, parts));
            }
            Effect::Copy { from, to } => state[to] = state[from],
            Effect::JumpTo { .. } | Effect::JumpThroughSlot { .. } => {}
            Effect::CallTo { .. } => *state = NOTHING,
            Effect::Other { writes, .. } => {
                for (register, value) in state.iter_mut().enumerate() {
                    if writes.has(register) {
                        *value = None;
                    }
                }
            }
        }
    }

    /// Returns the state after all instructions of a block but the last `but`.
    pub(super) fn run<'a>(
        &self,
        graph: &Graph<'a>,
        id: BlockId,
        mut state: State<'a>,
        but: usize,
    ) -> State<'a> {
        let instructions = &graph[id].instructions;
        for instruction in instructions.iter().rev().skip(but).rev() {
            self.step(&mut state, instruction);
        }
        if self.unknown[id] { NOTHING } else { state }
    }

    /// Returns the last instruction's effect, if that is a jump that the graph does not know.
    pub(super) fn jump<'a>(&self, graph: &Graph<'a>, id: BlockId) -> Option<Effect<'a>> {
        let effect = self.effect(graph[id].instructions.last()?);
        let jumps = matches!(
            effect,
            Effect::JumpTo { .. } | Effect::JumpThroughSlot { .. }
        );
        (jumps && !self.unknown[id]).then_some(effect)
    }

    /// Returns the state at the start of each block of code, and `None` for one that nothing reaches.
    pub(super) fn states<'a>(&self, graph: &Graph<'a>) -> PerBlock<Option<State<'a>>> {
        let mut states: PerBlock<Option<State<'a>>> = PerBlock::new(graph);
        let mut todo: Vec<BlockId> = self
            .code(graph)
            .filter(|&id| {
                let block = &graph[id];
                id == Graph::ROOT || block.referenced || block.pinned || graph.is_global(id)
            })
            .collect();
        for &id in &todo {
            states[id] = Some(NOTHING);
        }
        while let Some(id) = todo.pop() {
            let Some(state) = states[id] else { continue };
            let after = self.run(graph, id, state, 0);
            // The graph takes jumps that it does not know for instructions that go on.
            let jumps = self.jump(graph, id).is_some();
            let next = graph[id].successors().filter(|_| !jumps);
            for to in next.filter(|&to| graph[to].is_defined()) {
                let merged = match states[to] {
                    None => after,
                    Some(before) => meet(before, after),
                };
                if states[to] != Some(merged) {
                    states[to] = Some(merged);
                    todo.push(to);
                }
            }
        }
        states
    }

    /// Returns the registers with addresses of places that may be read after each block of code. Where control
    /// leaves the stencil, there are none: places are the targets of calls only.
    pub(super) fn live(&self, graph: &Graph<'_>) -> PerBlock<Registers> {
        let blocks: Vec<BlockId> = self.code(graph).collect();
        let mut before: PerBlock<Registers> = PerBlock::new(graph);
        let mut after: PerBlock<Registers> = PerBlock::new(graph);
        let mut changed = true;
        while changed {
            changed = false;
            for &id in blocks.iter().rev() {
                let to = graph[id].successors();
                let mut live = to.fold(Registers::NONE, |live, to| live.and(before[to]));
                after[id] = live;
                for instruction in graph[id].instructions.iter().rev() {
                    live = self.before(live, instruction);
                }
                if self.unknown[id] {
                    live = Registers::ALL;
                }
                changed |= std::mem::replace(&mut before[id], live) != live;
            }
        }
        after
    }

    /// Returns the registers that may be read from an instruction on.
    pub(super) fn before(&self, live: Registers, instruction: &Instruction<'_>) -> Registers {
        match instruction.operation {
            // They read nothing but the target's address, which is in the instruction.
            Operation::Jump { .. } | Operation::Return => return live,
            Operation::Branch { .. } | Operation::Call { .. } | Operation::Other => {}
        }
        match self.effect(instruction) {
            Effect::Address { to, from, .. } => {
                let read = from.map_or(Registers::NONE, |(from, _)| Registers::one(from));
                live.without(Registers::one(to)).and(read)
            }
            Effect::Copy { from, to } => live.without(Registers::one(to)).and(Registers::one(from)),
            Effect::JumpTo { .. } | Effect::JumpThroughSlot { .. } | Effect::CallTo { .. } => {
                Registers::ALL
            }
            Effect::Other {
                reads, replaces, ..
            } => live.without(replaces).and(reads),
        }
    }
}

/// Returns what two states have in common.
fn meet<'a>(one: State<'a>, other: State<'a>) -> State<'a> {
    std::array::from_fn(|register| one[register].filter(|_| one[register] == other[register]))
}
