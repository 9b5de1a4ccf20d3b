//! Which registers may be read later.

use super::meaning::Touched;
use crate::cfg::{BlockId, Graph, PerBlock};
use crate::effect::Registers;
use crate::instruction::{Instruction, Operation};
use crate::isa::x86::{effects, operands::Register};
use crate::pass::Context;

/// The registers that a stencil passes to the next one, in the order of the arguments
/// (`CC_X86_64_Preserve_None` in LLVM's `X86CallingConv.td`).
const ARGUMENTS: [&str; 12] = [
    "r12", "r13", "r14", "r15", "rdi", "rsi", "rdx", "rcx", "r8", "r9", "r11", "rax",
];

/// What belongs to whoever entered the trace.
const KEPT: [&str; 2] = ["rbp", "rsp"];

/// The code of a stencil, for questions about its registers.
pub(super) struct Code<'c> {
    context: &'c Context<'c>,
    /// The blocks of code, in order.
    pub(super) blocks: Vec<BlockId>,
    /// Whether a block is one of them.
    inside: PerBlock<bool>,
    /// Whether a block is one of them, and its code is known.
    known: PerBlock<bool>,
    /// What the next micro-op may read.
    at_places: Registers,
    /// What a call may read.
    at_calls: Registers,
}

impl<'c> Code<'c> {
    pub(super) fn new(graph: &Graph<'_>, context: &'c Context<'c>) -> Code<'c> {
        let unknown = graph.unknown_blocks();
        let (mut inside, mut known) = (PerBlock::new(graph), PerBlock::new(graph));
        let blocks: Vec<BlockId> = graph
            .linked()
            .take_while(|&id| id != context.continuation)
            .collect();
        for &id in &blocks {
            inside[id] = true;
            known[id] = !unknown[id];
        }
        let at_places = match context.known.arguments {
            Some(count) => registers(ARGUMENTS.iter().take(count.into()).chain(&KEPT)),
            None => Registers::ALL,
        };
        let mut code = Code {
            context,
            blocks,
            inside,
            known,
            at_places,
            at_calls: Registers::ALL,
        };
        code.at_calls = code.read_by_calls(graph);
        code
    }

    /// Returns the registers that functions may get arguments in. A function that gets one in `%rax` gets one in `%r11`
    /// as well, as the order above says, and the platform's conventions have none in either. So if nothing has written
    /// `%r11`, no function gets an argument in one of the two. A function with a variable number of arguments gets a
    /// number in `%rax`, but that is no value of the instruction.
    fn read_by_calls(&self, graph: &Graph<'_>) -> Registers {
        let eleventh = registers(&["r11"]);
        let is_argument = self.at_places != Registers::ALL && self.at_places.meets(eleventh);
        let mut written = is_argument || self.context.known.arguments.is_none();
        for &id in &self.blocks {
            for instruction in &graph[id].instructions {
                let touched = self.touched(id, instruction);
                let is_call = self.is_call(instruction);
                written |= !is_call && touched.writes.meets(eleventh);
            }
        }
        match written {
            true => Registers::ALL,
            false => Registers::ALL.without(registers(&["r11", "rax"])),
        }
    }

    pub(super) fn is_known(&self, id: BlockId) -> bool {
        self.known[id]
    }

    pub(super) fn is_call(&self, instruction: &Instruction<'_>) -> bool {
        let code = self.context.syntax.code(&instruction.text);
        self.context.isa.is_call(code)
    }

    /// Returns the registers that an instruction of a block uses.
    pub(super) fn touched(&self, id: BlockId, instruction: &Instruction<'_>) -> Touched {
        let syntax = self.context.syntax;
        let code = syntax.code(&instruction.text);
        if !self.known[id] || syntax.is_several(code) {
            return Touched::ALL;
        }
        match instruction.operation {
            Operation::Jump { .. } => Touched::NONE,
            Operation::Branch { branch, .. }
                if branch.mnemonic.starts_with('j') && !branch.mnemonic.contains("cx") =>
            {
                Touched::NONE
            }
            Operation::Branch { .. } | Operation::Call { .. } | Operation::Return => Touched::ALL,
            Operation::Other => Touched::of(code, syntax.format),
        }
    }

    /// Returns the registers that may be read before they are written, from an instruction on.
    pub(super) fn before(
        &self,
        live: Registers,
        id: BlockId,
        instruction: &Instruction<'_>,
    ) -> Registers {
        if self.known[id] && self.is_call(instruction) {
            // A function may keep what it gets in registers for whoever called it.
            let code = self.context.syntax.code(&instruction.text);
            let target = effects::named(code).unwrap_or(Registers::ALL);
            return live.and(self.at_calls).and(target);
        }
        let touched = self.touched(id, instruction);
        live.without(touched.replaces).and(touched.reads)
    }

    /// Returns the registers that may be read after a block.
    pub(super) fn after(
        &self,
        graph: &Graph<'_>,
        live: &PerBlock<Registers>,
        id: BlockId,
    ) -> Registers {
        let mut all = Registers::NONE;
        for next in graph[id].successors() {
            all = all.and(self.at(graph, live, next));
        }
        all
    }

    /// Returns the registers that may be read from the start of a block on, which may be outside of the
    /// stencil.
    pub(super) fn at(
        &self,
        graph: &Graph<'_>,
        live: &PerBlock<Registers>,
        id: BlockId,
    ) -> Registers {
        if self.known[id] {
            return live[id];
        }
        let continuation = graph[self.context.continuation].label;
        let label = graph[id].label.zip(continuation);
        let place = label.and_then(|(label, next)| self.context.syntax.place(label, next));
        match place {
            Some(_) if !self.is_code(id) => self.at_places,
            _ => Registers::ALL,
        }
    }

    /// Returns whether a block is one of those of code.
    pub(super) fn is_code(&self, id: BlockId) -> bool {
        self.inside[id]
    }

    /// Returns the registers that may be read from the start of each block on.
    pub(super) fn live(&self, graph: &Graph<'_>) -> PerBlock<Registers> {
        let mut live: PerBlock<Registers> = PerBlock::new(graph);
        let mut changed = true;
        while changed {
            changed = false;
            for &id in self.blocks.iter().rev() {
                let mut now = self.after(graph, &live, id);
                for instruction in graph[id].instructions.iter().rev() {
                    now = self.before(now, id, instruction);
                }
                if !self.known[id] {
                    now = Registers::ALL;
                }
                changed |= std::mem::replace(&mut live[id], now) != now;
            }
        }
        live
    }
}

fn registers<'a>(names: impl IntoIterator<Item = &'a &'a str>) -> Registers {
    names
        .into_iter()
        .filter_map(|name| Register::named(name))
        .fold(Registers::NONE, |all, register| {
            all.and(Registers::one(register.number))
        })
}
