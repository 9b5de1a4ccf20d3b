//! x86_64, for `--codegen tuned`: oparg and target as 32-bit immediates.
//!
//! clang does not know how small the addresses are that stand for them, so it loads 64 bits: by a
//! `movabsq` of 10 bytes, or from a slot of 8 bytes by an instruction of 6 or 7. But oparg has 16
//! bits in CPython's `_PyUOpInstruction`, and target has 32, so a `movl` of 5 or 6 bytes loads the
//! same 64 bits, and `patch_32` of `jit.c` fills it. What cuts oparg down to 16 bits is redundant
//! then.
//!
//! Assemblers have no relocation for this on Mach-O. A label right behind the `movl`
//! (`CUSTOM_X86_64_CONST32_JIT_RELOCATION_...`) stands for it on all targets.

use jit_schema::ObjectFormat;

use crate::cfg::Graph;
use crate::parse::{Instruction, Operation, Syntax};
use crate::x86_operands::{REGISTERS, Register, is_plain, split};

/// The relocation for the 32 bits in front of its label.
const RELOCATION: &str = "CUSTOM_X86_64_CONST32";

/// The symbols whose values are small, with what is known of these.
const SYMBOLS: [(&str, Known); 2] = [
    ("_JIT_OPARG", Known::Bits16),
    ("_JIT_TARGET", Known::Bits32),
];

/// What is known of a register's 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Nothing,
    /// All but the lowest 32 are 0.
    Bits32,
    /// All but the lowest 16 are 0.
    Bits16,
}

/// What is known of each register at one point.
type State = [Known; REGISTERS.len()];

/// Rewrite the loads of small values, and what cuts them down.
pub(crate) fn shorten(graph: &mut Graph<'_>, syntax: &Syntax, format: ObjectFormat) {
    let symbols = SYMBOLS.map(|(name, known)| (name, operand(syntax, format, name), known));
    let mut state = [Known::Nothing; REGISTERS.len()];
    let mut labels = 0;
    let mut next = Some(Graph::ROOT);
    let mut falls_through = false;
    while let Some(id) = next {
        let block = &mut graph[id];
        // Who jumps to a label may have anything in its registers.
        if block.label.is_some() || !falls_through {
            state = [Known::Nothing; REGISTERS.len()];
        }
        for instruction in std::mem::take(&mut block.instructions) {
            let Some((mnemonic, operands)) = split(&instruction) else {
                forget(&mut state, &instruction);
                block.instructions.push(instruction);
                continue;
            };
            if let Some((name, register, known)) = load(&symbols, mnemonic, &operands) {
                state[register.number] = known;
                let label = format!("{RELOCATION}_JIT_RELOCATION_{name}_JIT_RELOCATION_{labels}");
                labels += 1;
                let line = instruction.line;
                let mut push = |text| block.instructions.push(Instruction::synthetic(text, line));
                push(format!("\tmovl\t$0, %{}", register.narrow()));
                if format == ObjectFormat::MachO {
                    // Or else what follows would be an atom of its own, which no short jump reaches.
                    push(format!("\t.alt_entry\t{label}"));
                }
                push(format!("{label}:"));
                continue;
            }
            match copy(&state, mnemonic, &operands) {
                Some((from, to)) => {
                    state[to.number] = state[from.number];
                    if from.number != to.number {
                        let text = format!("\tmovl\t%{}, %{}", from.narrow(), to.narrow());
                        let copy = Instruction::synthetic(text, instruction.line);
                        block.instructions.push(copy);
                    }
                }
                None => {
                    forget(&mut state, &instruction);
                    block.instructions.push(instruction);
                }
            }
        }
        falls_through = !block.ends_flow;
        next = block.link;
    }
}

/// How an instruction refers to such a symbol.
fn operand(syntax: &Syntax, format: ObjectFormat, name: &str) -> String {
    match format {
        ObjectFormat::Elf => format!("${}{name}", syntax.symbol_prefix),
        ObjectFormat::MachO => format!("{}{name}@GOTPCREL(%rip)", syntax.symbol_prefix),
        ObjectFormat::Coff => format!("__imp_{}{name}(%rip)", syntax.symbol_prefix),
    }
}

/// If that loads a small value: which, and where to. All of the register is written.
fn load(
    symbols: &[(&'static str, String, Known)],
    mnemonic: &str,
    operands: &[&str],
) -> Option<(&'static str, Register, Known)> {
    let [source, destination] = *operands else {
        return None;
    };
    let register = Register::parse(destination)?;
    let (name, operand, known) = symbols.iter().find(|(_, operand, _)| operand == source)?;
    let immediate = operand.starts_with('$');
    let fits = match (mnemonic, register.bits) {
        ("movabsq", 64) => immediate,
        ("movq", 64) | ("movl", 32) => !immediate,
        // Reads 16 bits.
        ("movzwl", 32) => !immediate && *known == Known::Bits16,
        _ => false,
    };
    fits.then_some((*name, register, *known))
}

/// If that copies a small value, less bits that are 0: where from and where to.
fn copy(state: &State, mnemonic: &str, operands: &[&str]) -> Option<(Register, Register)> {
    let [source, destination] = *operands else {
        return None;
    };
    let (from, to) = (Register::parse(source)?, Register::parse(destination)?);
    let enough = match (mnemonic, from.bits, to.bits) {
        ("movzwl", 16, 32) => &[Known::Bits16][..],
        ("movl", 32, 32) => &[Known::Bits16, Known::Bits32],
        _ => return None,
    };
    enough.contains(&state[from.number]).then_some((from, to))
}

/// The registers that an instruction may write are not known any more.
fn forget(state: &mut State, instruction: &Instruction<'_>) {
    if let Operation::Branch { branch, .. } = instruction.operation
        && branch.mnemonic.starts_with('j')
    {
        return;
    }
    let plain = split(instruction).filter(|(mnemonic, _)| is_plain(mnemonic));
    let destination = plain.and_then(|(_, operands)| operands.last().copied());
    match destination.map(|operand| (operand, Register::parse(operand))) {
        Some((_, Some(register))) => state[register.number] = Known::Nothing,
        // Memory and immediates are no registers; other registers may be part of any.
        Some((operand, None)) if !operand.starts_with('%') => {}
        _ => *state = [Known::Nothing; REGISTERS.len()],
    }
}
