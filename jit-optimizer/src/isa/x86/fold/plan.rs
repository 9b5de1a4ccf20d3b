//! Decides which instructions get fields, and which are not needed any more.

use jit_schema::label::FIELD_MARK;

use super::forms::{Plan, displacement_plan, immediate_plan, size, sum_plan, uses_low};
use super::live::Code;
use super::meaning::{Known, State, pushed, result};
use super::value::{Extension, Value};
use crate::cfg::{BlockId, Graph, PerBlock};
use crate::effect::Registers;
use crate::instruction::{Instruction, Operation};
use crate::isa::x86::flags;
use crate::isa::x86::operands::{Register, split, split_code};
use crate::pass::Context;

/// An instruction, and what becomes of it.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) plan: Plan,
    /// Where the instruction is.
    block: BlockId,
    at: usize,
    /// The instructions that have put the known values into registers that it may read.
    reads: Vec<usize>,
    /// The register that it replaces by a known value, and the value.
    result: Option<(Register, Value)>,
    /// Whether something may read its result that is no instruction of the stencil, or one that the value is
    /// not known at.
    needed: bool,
}

/// What an instruction makes of a register.
#[derive(Debug, Clone, Copy)]
enum Made {
    /// It replaces the register by a value.
    New(Register, Value),
    /// It copies a register to itself, which holds the same afterwards.
    Same,
}

/// Returns the instructions of a stencil with plans, by block.
pub(super) fn sites(graph: &Graph<'_>, context: &Context<'_>) -> Vec<(BlockId, Vec<Site>)> {
    let code = Code::new(graph, context);
    let mut planner = Planner::new(graph, context, &code);
    planner.follow();
    if planner.sites.iter().any(|site| site.is_candidate()) {
        planner.decide();
    }
    let mut sites = planner.sites.into_iter();
    code.blocks
        .iter()
        .map(|&id| {
            (
                id,
                sites.by_ref().take(graph[id].instructions.len()).collect(),
            )
        })
        .collect()
}

impl Site {
    fn is_candidate(&self) -> bool {
        self.result.is_some_and(|(_, value)| value.varies())
    }
}

struct Planner<'p, 'a> {
    graph: &'p Graph<'a>,
    context: &'p Context<'p>,
    code: &'p Code<'p>,
    live: PerBlock<Registers>,
    /// The number of the first instruction of each block.
    first: PerBlock<usize>,
    sites: Vec<Site>,
}

impl<'p, 'a> Planner<'p, 'a> {
    fn new(graph: &'p Graph<'a>, context: &'p Context<'p>, code: &'p Code<'p>) -> Planner<'p, 'a> {
        let mut first = PerBlock::new(graph);
        let mut sites = Vec::new();
        for &block in &code.blocks {
            first[block] = sites.len();
            sites.extend((0..graph[block].instructions.len()).map(|at| Site {
                plan: Plan::Keep,
                block,
                at,
                reads: Vec::new(),
                result: None,
                needed: false,
            }));
        }
        Planner {
            graph,
            context,
            code,
            live: code.live(graph),
            first,
            sites,
        }
    }

    fn instruction(&self, site: usize) -> Option<&'p Instruction<'a>> {
        let site = self.sites.get(site)?;
        self.graph[site.block].instructions.get(site.at)
    }

    /// Returns the code of an instruction of a block.
    fn text(&self, id: BlockId, at: usize) -> Option<&'p str> {
        let instruction = self.graph[id].instructions.get(at)?;
        let code = self.context.syntax.code(&instruction.text);
        (!self.context.syntax.is_several(code)).then_some(code)
    }

    /// Notes what each instruction reads and what it makes, and which results are needed elsewhere.
    fn follow(&mut self) {
        let states = self.states();
        for &id in &self.code.blocks {
            let mut state = states[id].unwrap_or_default();
            for at in 0..self.graph[id].instructions.len() {
                self.note(id, at, &mut state);
            }
            // What is known at the start of the next block has been put there by the same instruction.
            for next in self.graph[id].successors() {
                let live = self.code.at(self.graph, &self.live, next);
                let there = match self.code.is_known(next) {
                    true => states[next].unwrap_or_default(),
                    false => State::default(),
                };
                for (register, known) in state.iter().enumerate() {
                    if let Some(known) = known
                        && there[register] != Some(*known)
                        && live.has(register)
                    {
                        self.sites[known.by].needed = true;
                    }
                }
            }
        }
    }

    fn note(&mut self, id: BlockId, at: usize, state: &mut State) {
        let number = self.first[id] + at;
        let instruction = &self.graph[id].instructions[at];
        let touched = self.code.touched(id, instruction);
        let is_call = self.code.is_known(id) && self.code.is_call(instruction);
        let read = match is_call {
            true => self.live_before(id, at),
            false => touched.reads,
        };
        let rewritable = !is_call && touched.reads != Registers::ALL;
        for (register, known) in state.iter().enumerate() {
            let Some(known) = known.filter(|_| read.has(register)) else {
                continue;
            };
            match rewritable {
                true => self.sites[number].reads.push(known.by),
                false => self.sites[known.by].needed = true,
            }
        }
        match self.step(id, at, state) {
            Some(Made::New(register, value)) => self.sites[number].result = Some((register, value)),
            Some(Made::Same) => {
                self.sites[number].plan = Plan::Remove;
                self.sites[number].reads.clear();
            }
            None => {}
        }
    }

    /// Returns the registers that may be read from an instruction on.
    fn live_before(&self, id: BlockId, at: usize) -> Registers {
        let mut live = self.code.after(self.graph, &self.live, id);
        for instruction in self.graph[id].instructions.iter().skip(at).rev() {
            live = self.code.before(live, id, instruction);
        }
        live
    }

    /// Returns what is known that an instruction makes, and puts it into a state.
    fn step(&self, id: BlockId, at: usize, state: &mut State) -> Option<Made> {
        let instruction = &self.graph[id].instructions[at];
        let touched = self.code.touched(id, instruction);
        let is_other = matches!(instruction.operation, Operation::Other);
        let found = self
            .text(id, at)
            .filter(|_| is_other && self.code.is_known(id))
            .and_then(|code| {
                let before = at.checked_sub(1).and_then(|at| self.text(id, at));
                result(state, code, before, self.context)
            });
        if let Some((register, value)) = found
            && state[register.number].is_some_and(|known| known.value == value)
            && self.is_copy(id, at)
        {
            return Some(Made::Same);
        }
        for (register, known) in state.iter_mut().enumerate() {
            if touched.writes.has(register) {
                *known = None;
            }
        }
        let (register, value) = found?;
        let by = self.first[id] + at;
        state[register.number] = Some(Known { value, by });
        Some(Made::New(register, value))
    }

    /// Returns whether an instruction copies a register to itself, maybe not all bits of it.
    fn is_copy(&self, id: BlockId, at: usize) -> bool {
        let Some((mnemonic, operands)) = self.text(id, at).and_then(split_code) else {
            return false;
        };
        match *operands {
            [from, to] => {
                let number = |operand| Register::parse(operand).map(|register| register.number);
                mnemonic.starts_with("mov") && number(from).is_some() && number(from) == number(to)
            }
            _ => false,
        }
    }

    /// Returns what is known at the start of each block that is reached.
    fn states(&self) -> PerBlock<Option<State>> {
        let graph = self.graph;
        let mut states: PerBlock<Option<State>> = PerBlock::new(graph);
        let anywhere = |id: BlockId| {
            let block = &graph[id];
            id == Graph::ROOT || block.referenced || block.pinned || graph.is_global(id)
        };
        let mut todo: Vec<BlockId> = self.code.blocks.clone();
        todo.retain(|&id| anywhere(id));
        for &id in &todo {
            states[id] = Some(State::default());
        }
        while let Some(id) = todo.pop() {
            let Some(mut state) = states[id] else {
                continue;
            };
            for at in 0..graph[id].instructions.len() {
                self.step(id, at, &mut state);
            }
            for next in graph[id].successors() {
                if !self.code.is_code(next) {
                    continue;
                }
                let met = match states[next] {
                    None => state,
                    Some(before) => std::array::from_fn(|register| {
                        before[register].filter(|known| state[register] == Some(*known))
                    }),
                };
                if states[next] != Some(met) {
                    states[next] = Some(met);
                    todo.push(next);
                }
            }
        }
        states
    }

    /// Makes plans, from the last instruction to the first, so that what a removed one reads is not needed
    /// for it.
    fn decide(&mut self) {
        for number in (0..self.sites.len()).rev() {
            if !self.sites[number].needed
                && let Some((register, value)) = self.sites[number].result
            {
                self.decide_for(number, register, value);
            }
        }
        for number in 0..self.sites.len() {
            if self.sites[number].plan == Plan::Keep
                && let Some((register, value)) = self.sites[number].result
                && let Some(plan) = self.shorter(number, register, value)
            {
                self.sites[number].plan = plan;
            }
        }
    }

    /// Returns how an instruction that stays becomes shorter.
    fn shorter(&self, number: usize, register: Register, value: Value) -> Option<Plan> {
        let (mnemonic, operands) = split(self.instruction(number)?)?;
        let source = operands.first()?;
        if source.contains("_JIT_") {
            let field = value.field(Extension::Zero)?;
            let register = Register {
                bits: 32,
                ..register
            };
            return Some(Plan::Set { register, field });
        }
        // Bits that are 0 need not be cut off.
        let from = Register::parse(source).filter(|_| mnemonic == "movzwl")?;
        Some(Plan::Copy { from, to: register })
    }

    fn decide_for(&mut self, number: usize, register: Register, value: Value) {
        let users: Vec<usize> = (0..self.sites.len())
            .filter(|&user| {
                let site = &self.sites[user];
                let gone = matches!(site.plan, Plan::Remove | Plan::Set { .. });
                !gone && site.reads.contains(&number)
            })
            .collect();
        let plans: Option<Vec<(usize, Plan, i64)>> = users
            .iter()
            .map(|&user| {
                let (plan, longer) = self.with_field(user, register.number, value)?;
                Some((user, plan, longer))
            })
            .collect();
        let size = self.size_of(number);
        if let Some(plans) = plans
            && plans.iter().map(|(_, _, longer)| longer).sum::<i64>() <= size
            && self.can_go(number)
        {
            for (user, plan, _) in plans {
                self.sites[user].plan = plan;
            }
            self.sites[number].plan = Plan::Remove;
            if self.is_pop(number) {
                self.sites[number - 1].plan = Plan::Remove;
            }
            return;
        }
        self.narrow(number, &users, register, value);
    }

    fn is_pop(&self, number: usize) -> bool {
        let text = self.instruction(number).map(|one| one.text.trim_start());
        text.is_some_and(|text| text.starts_with("pop"))
    }

    /// Returns whether an instruction does nothing that is needed but put a value into a register.
    fn can_go(&self, number: usize) -> bool {
        let Some(site) = self.sites.get(number) else {
            return false;
        };
        let code = self.text(site.block, site.at);
        let Some((mnemonic, _)) = code.and_then(split_code) else {
            return false;
        };
        if mnemonic == "popq" {
            // With what has pushed the number.
            let before = site.at.checked_sub(1);
            return before
                .and_then(|at| self.text(site.block, at))
                .is_some_and(|code| pushed(code).is_some());
        }
        flags::are_left(mnemonic)
            || flags::are_dead(self.graph, self.context, site.block, site.at + 1)
    }

    /// Returns how an instruction can do without a register that holds a value, and by how many bytes it
    /// becomes longer.
    fn with_field(&self, user: usize, register: usize, value: Value) -> Option<(Plan, i64)> {
        let site = self.sites.get(user)?;
        if site.plan != Plan::Keep {
            return None;
        }
        if let Some((to, result)) = site.result
            && result.varies()
            && self.can_go(user)
            && let Some(found) = self.set(user, to, result)
        {
            return Some(found);
        }
        let (mnemonic, operands) = split(self.instruction(user)?)?;
        // The field could not be found.
        let mark = FIELD_MARK.to_string();
        if operands.iter().any(|operand| operand.contains(&mark)) {
            return None;
        }
        if let Some(found) = immediate_plan(mnemonic, &operands, register, value) {
            return Some(found);
        }
        let flags_are_dead = || flags::are_dead(self.graph, self.context, site.block, site.at + 1);
        displacement_plan(mnemonic, &operands, register, value)
            .or_else(|| sum_plan(mnemonic, &operands, register, value).filter(|_| flags_are_dead()))
    }

    /// Returns the plan to put a value into a register by one instruction.
    fn set(&self, user: usize, to: Register, value: Value) -> Option<(Plan, i64)> {
        let field = value.field(Extension::Zero);
        let (field, bits, size) = match field {
            Some(field) => (field, 32, if to.number < 8 { 5 } else { 6 }),
            None => (value.field(Extension::Sign)?, 64, 7),
        };
        let register = Register { bits, ..to };
        Some((Plan::Set { register, field }, size - self.size_of(user)))
    }

    /// Makes an instruction load fewer bits, if it loads 64 and only the lowest 32 are used.
    fn narrow(&mut self, number: usize, users: &[usize], register: Register, value: Value) {
        let field = value.low().field(Extension::Zero);
        let Some(field) = field.filter(|_| value.field(Extension::Zero).is_none()) else {
            return;
        };
        let uses_low = |user: &usize| {
            let operands = self.instruction(*user).and_then(|one| split(one));
            operands.is_some_and(|(_, operands)| uses_low(&operands, register.number))
        };
        if users.iter().all(uses_low) && self.size_of(number) > 6 {
            let register = Register {
                bits: 32,
                ..register
            };
            self.sites[number].plan = Plan::Set { register, field };
        }
    }

    /// Returns about how many bytes an instruction has.
    fn size_of(&self, number: usize) -> i64 {
        let instruction = self.instruction(number).and_then(|one| split(one));
        instruction.map_or(0, |(mnemonic, operands)| size(mnemonic, &operands))
    }
}
