//! Addresses in the stencil, relative to the instruction.
//!
//! For x86_64 Linux, code is compiled to be linked below 2 GiB, as upstream has it. clang then writes the
//! addresses of functions and jump tables as 32-bit immediates and displacements:
//!
//! ```text
//! movl $helper, %edi             leaq helper(%rip), %rdi
//! jmpq *.LJTI0_0(,%r12,8)        leaq .LJTI0_0(%rip), %r10
//!                                jmpq *(%r10,%r12,8)
//! ```
//!
//! A stencil is copied to anywhere, so that its addresses have 64 bits. This pass makes them relative to
//! the instruction pointer, as on the right. For that it may need a register that nothing reads; without
//! one, this is an error, after which `jit-cli` has clang make position-independent code. CPython's
//! micro-ops have no such addresses.

use jit_schema::ObjectFormat;

use super::operands::{Register, split};
use super::without_prefixes;
use crate::cfg::{BlockId, Graph, PerBlock};
use crate::error::OptimizeError;
use crate::instruction::{Instruction, Operation};
use crate::pass::{Context, Pass};
use crate::scan;
use crate::syntax::Syntax;

/// Makes 32-bit addresses in the stencil relative.
pub(super) const MAKE_RELATIVE: Pass = Pass {
    name: "make-addresses-relative",
    run: make_relative,
};

/// A register that may be free.
struct Scratch {
    name: &'static str,
    number: usize,
    /// Whether a function that is called or jumped to may read it.
    argument: bool,
}

const SCRATCH: [Scratch; 2] = [
    Scratch {
        name: "%r10",
        number: 10,
        argument: false,
    },
    // The eleventh argument of a `preserve_none` function.
    Scratch {
        name: "%r11",
        number: 11,
        argument: true,
    },
];

fn make_relative(graph: &mut Graph<'_>, context: &Context<'_>) -> Result<(), OptimizeError> {
    if context.syntax.format != ObjectFormat::Elf {
        return Ok(());
    }
    let blocks: Vec<BlockId> = graph
        .linked()
        .take_while(|&id| id != context.continuation)
        .filter(|&id| !graph[id].references.is_empty())
        .collect();
    for id in blocks {
        let mut at = 0;
        while let Some(instruction) = graph[id].instructions.get(at) {
            let Some(address) = Address::find(graph, context.syntax, instruction) else {
                at += 1;
                continue;
            };
            let scratch = || free(graph, context.syntax, id, at);
            let Some(lines) = address.relative(scratch) else {
                return Err(OptimizeError::AbsoluteAddress {
                    line: instruction.line,
                    text: instruction.text.trim().to_owned(),
                });
            };
            let line = instruction.line;
            let count = lines.len();
            let lines = lines
                .into_iter()
                .map(|text| Instruction::synthetic(text, line));
            graph[id].instructions.splice(at..=at, lines);
            at += count;
        }
    }
    Ok(())
}

/// A 32-bit address in an instruction.
struct Address<'t> {
    /// A prefix of the instruction, with a space.
    prefix: &'static str,
    mnemonic: &'t str,
    operands: Vec<&'t str>,
    /// The index of the operand with the address.
    at: usize,
    /// What is a symbol of the stencil, maybe with an offset.
    symbol: &'t str,
    /// What follows the symbol in an operand in memory: `(,%rax,8)`.
    registers: &'t str,
    /// Whether the address is an immediate, not that of an operand in memory.
    immediate: bool,
}

impl<'t> Address<'t> {
    fn find(
        graph: &Graph<'_>,
        syntax: &Syntax,
        instruction: &'t Instruction<'_>,
    ) -> Option<Address<'t>> {
        match instruction.operation {
            Operation::Other => {}
            Operation::Branch { .. }
            | Operation::Jump { .. }
            | Operation::Call { .. }
            | Operation::Return => return None,
        }
        let code = syntax.code(&instruction.text);
        if syntax.assigned(code).is_some() {
            return None;
        }
        let mut prefix = "";
        let (mut mnemonic, mut operands) = split(instruction)?;
        if mnemonic == "movabsq" {
            return None;
        }
        // A prefix, as `-fcf-protection` has it: `notrack jmpq *.LJTI0_0(,%rax,8)`.
        if mnemonic == "notrack"
            && let [operand] = operands.as_mut_slice()
        {
            let (jump, target) = operand.split_once(scan::is_space)?;
            (mnemonic, *operand) = (jump, target.trim());
            prefix = "notrack ";
        }
        let found = operands.iter().enumerate().find_map(|(at, operand)| {
            let operand = operand.strip_prefix('*').unwrap_or(operand);
            let immediate = operand.starts_with('$');
            let text = operand.strip_prefix('$').unwrap_or(operand);
            let end = text.find('(').unwrap_or(text.len());
            let (symbol, registers) = text.split_at_checked(end)?;
            let (name, _) = scan::symbol(symbol)?;
            let is_address = !registers.contains("%rip");
            (is_address && graph.defines(name)).then_some((at, symbol, registers, immediate))
        });
        let (at, symbol, registers, immediate) = found?;
        Some(Address {
            prefix,
            mnemonic,
            operands,
            at,
            symbol,
            registers,
            immediate,
        })
    }

    /// Returns instructions that do the same with a relative address, or `None` if there are none.
    fn relative(&self, scratch: impl Fn() -> Option<&'static str>) -> Option<Vec<String>> {
        let symbol = self.symbol;
        let with = |operand: String| {
            let mut operands: Vec<&str> = self.operands.clone();
            let star = operands[self.at].starts_with('*');
            let operand = if star { format!("*{operand}") } else { operand };
            operands[self.at] = &operand;
            let (prefix, mnemonic) = (self.prefix, self.mnemonic);
            format!("\t{prefix}{mnemonic}\t{}", operands.join(", "))
        };
        if !self.immediate {
            if self.registers.is_empty() {
                return Some(vec![with(format!("{symbol}(%rip)"))]);
            }
            let free = scratch()?;
            let mut lines = vec![format!("\tleaq\t{symbol}(%rip), {free}")];
            let inner = self.registers.strip_prefix('(')?.strip_suffix(')')?;
            let (base, index) = match inner.split_once(',') {
                Some((base, index)) => (base.trim(), Some(index)),
                None => (inner.trim(), None),
            };
            match index {
                Some(index) => {
                    if !base.is_empty() {
                        lines.push(format!("\tleaq\t({free},{base}), {free}"));
                    }
                    lines.push(with(format!("({free},{index})")));
                }
                None => lines.push(with(format!("({free},{base})"))),
            }
            return Some(lines);
        }
        let [_, destination] = *self.operands else {
            return match self.mnemonic {
                "pushq" => {
                    let free = scratch()?;
                    Some(vec![
                        format!("\tleaq\t{symbol}(%rip), {free}"),
                        with(free.to_owned()),
                    ])
                }
                _ => None,
            };
        };
        match (self.mnemonic, Register::parse(destination)) {
            ("movl", Some(register)) if register.bits == 32 => {
                Some(vec![format!("\tleaq\t{symbol}(%rip), {}", register.wide())])
            }
            ("movq", Some(register)) if register.bits == 64 => {
                Some(vec![format!("\tleaq\t{symbol}(%rip), {destination}")])
            }
            ("movq" | "cmpq" | "addq" | "subq" | "andq" | "orq" | "xorq" | "testq", _) => {
                let free = scratch()?;
                Some(vec![
                    format!("\tleaq\t{symbol}(%rip), {free}"),
                    with(free.to_owned()),
                ])
            }
            _ => None,
        }
    }
}

/// Returns a register that nothing reads from an instruction on, before it is written.
fn free(graph: &Graph<'_>, syntax: &Syntax, id: BlockId, at: usize) -> Option<&'static str> {
    let found = SCRATCH
        .iter()
        .find(|scratch| is_free(graph, syntax, id, at, scratch));
    found.map(|scratch| scratch.name)
}

fn is_free(graph: &Graph<'_>, syntax: &Syntax, id: BlockId, at: usize, scratch: &Scratch) -> bool {
    let mut seen: PerBlock<bool> = PerBlock::new(graph);
    let mut todo = vec![(id, at)];
    while let Some((id, at)) = todo.pop() {
        let block = &graph[id];
        // What is written as data may read any register.
        if block.opaque && at == 0 {
            return false;
        }
        let mut next = Use::None;
        for instruction in block.instructions.iter().skip(at) {
            next = use_of(syntax, instruction, scratch);
            match next {
                Use::None => {}
                Use::Reads => return false,
                Use::Writes => break,
            }
        }
        if matches!(next, Use::Writes) {
            continue;
        }
        let leaves = block
            .target
            .is_some_and(|target| !graph[target].is_defined());
        if leaves && scratch.argument {
            return false;
        }
        let indirect = block.instructions.iter().any(is_indirect_jump);
        if indirect && scratch.argument {
            return false;
        }
        let referenced = graph
            .linked()
            .filter(|&to| indirect && graph[to].referenced);
        for to in block.successors().chain(referenced) {
            if graph[to].is_defined() && !std::mem::replace(&mut seen[to], true) {
                todo.push((to, 0));
            }
        }
    }
    true
}

fn is_indirect_jump(instruction: &Instruction<'_>) -> bool {
    let text = without_prefixes(&instruction.text);
    text.starts_with("jmp") && text.contains('*')
}

/// What an instruction does with a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    None,
    /// It reads it, or may.
    Reads,
    /// It writes all of it.
    Writes,
}

fn use_of(syntax: &Syntax, instruction: &Instruction<'_>, scratch: &Scratch) -> Use {
    let code = syntax.code(&instruction.text);
    let mentions = |text: &str| {
        text.split('%').skip(1).any(|rest| {
            let (name, _) = scan::split_run(rest, scan::is_word);
            Register::named(name).is_some_and(|register| register.number == scratch.number)
        })
    };
    if scratch.argument && without_prefixes(code).starts_with("call") {
        return Use::Reads;
    }
    if !mentions(code) {
        return Use::None;
    }
    let Some((mnemonic, operands)) = split(instruction) else {
        return Use::Reads;
    };
    let Some((destination, sources)) = operands.split_last() else {
        return Use::Reads;
    };
    let whole = Register::parse(destination).is_some_and(|register| register.bits >= 32);
    let moves = matches!(mnemonic, "movq" | "movl" | "movabsq" | "leaq" | "leal")
        || mnemonic.starts_with("movz")
        || mnemonic.starts_with("movs");
    if moves && whole && !sources.iter().any(|source| mentions(source)) {
        Use::Writes
    } else {
        Use::Reads
    }
}
