//! A tuned pass for x86_64: oparg and target as 32-bit immediates.
//!
//! These values are addresses of symbols in the source, and clang does not know how small they are. So
//! it loads 64 bits: with a `movabsq` of 10 bytes, or from a slot of 8 bytes with an instruction of 6
//! or 7. But oparg has 16 bits in CPython's `_PyUOpInstruction`, and target has 32. A `movl` of 5 or 6
//! bytes loads the same 64 bits, and `patch_32` of `jit.c` fills it. Instructions that cut oparg down
//! to 16 bits are redundant then.
//!
//! Mach-O has no relocation for this. On all targets, a label after the `movl`
//! (`CUSTOM_X86_64_CONST32_JIT_RELOCATION_...`) stands for the relocation.

use jit_schema::label::{Label, LabelTarget};
use jit_schema::{ObjectFormat, RelocationKind};

use super::operands::{REGISTERS, Register, is_plain, split};
use crate::cfg::Graph;
use crate::error::OptimizeError;
use crate::instruction::{Instruction, Operation};
use crate::pass::{Context, Pass};
use crate::syntax::Syntax;

/// Makes loads of small values immediate, and removes what cuts them down.
pub(super) const SHORTEN: Pass = Pass {
    name: "shorten-constants",
    run: shorten,
};

/// The symbols whose values are small, with what is known of the values.
const SYMBOLS: [(&str, Known); 2] = [
    ("_JIT_OPARG", Known::Bits16),
    ("_JIT_TARGET", Known::Bits32),
];

/// What is known of the 64 bits of a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Known {
    #[default]
    Nothing,
    /// All bits but the lowest 32 are 0.
    Bits32,
    /// All bits but the lowest 16 are 0.
    Bits16,
}

/// What is known of each register at one point.
type State = [Known; REGISTERS.len()];

/// A symbol whose value is small.
struct Symbol {
    name: &'static str,
    /// The operand of an instruction that loads the value.
    operand: String,
    known: Known,
}

fn shorten(graph: &mut Graph<'_>, context: &Context<'_>) -> Result<(), OptimizeError> {
    let mut shortener = Shortener {
        symbols: SYMBOLS.map(|(name, known)| Symbol {
            name,
            operand: operand(context.syntax, name),
            known,
        }),
        format: context.syntax.format,
        state: State::default(),
        labels: 0,
        output: Vec::new(),
    };
    let mut next = Some(Graph::ROOT);
    let mut falls_through = false;
    while let Some(id) = next {
        let block = &mut graph[id];
        // A jump to a label may come with any values in the registers.
        if block.label.is_some() || !falls_through {
            shortener.state = State::default();
        }
        for instruction in std::mem::take(&mut block.instructions) {
            shortener.instruction(instruction);
        }
        block.instructions = std::mem::take(&mut shortener.output);
        falls_through = !block.ends_flow;
        next = block.link;
    }
    Ok(())
}

/// Returns how an instruction refers to the value of a symbol.
fn operand(syntax: &Syntax, name: &str) -> String {
    match syntax.format {
        ObjectFormat::Elf => format!("${}{name}", syntax.symbol_prefix),
        ObjectFormat::MachO => format!("{}{name}@GOTPCREL(%rip)", syntax.symbol_prefix),
        ObjectFormat::Coff => format!("__imp_{}{name}(%rip)", syntax.symbol_prefix),
    }
}

/// The state of the pass between two instructions.
struct Shortener<'a> {
    symbols: [Symbol; SYMBOLS.len()],
    format: ObjectFormat,
    state: State,
    /// The number of labels so far.
    labels: usize,
    /// The instructions of the current block so far.
    output: Vec<Instruction<'a>>,
}

impl<'a> Shortener<'a> {
    fn instruction(&mut self, instruction: Instruction<'a>) {
        let Some((mnemonic, operands)) = split(&instruction) else {
            self.other(instruction);
            return;
        };
        if let Some((name, register, known)) = load(&self.symbols, mnemonic, &operands) {
            self.state[register.number] = known;
            self.push_load(name, register, instruction.line);
            return;
        }
        let Some((from, to)) = copy(&self.state, mnemonic, &operands) else {
            self.other(instruction);
            return;
        };
        self.state[to.number] = self.state[from.number];
        if from.number != to.number {
            let text = format!("\tmovl\t%{}, %{}", from.narrow(), to.narrow());
            self.push(text, instruction.line);
        }
    }

    /// Keeps an instruction as it is.
    fn other(&mut self, instruction: Instruction<'a>) {
        forget(&mut self.state, &instruction);
        self.output.push(instruction);
    }

    fn push_load(&mut self, symbol: &str, register: Register, line: usize) {
        let label = Label::Relocation {
            kind: RelocationKind::CustomX86_64Const32,
            target: LabelTarget::Symbol(symbol),
            number: self.labels,
        };
        self.labels += 1;
        self.push(format!("\tmovl\t$0, %{}", register.narrow()), line);
        match self.format {
            // Without this, the label would start a new atom, and short jumps do not reach another
            // atom.
            ObjectFormat::MachO => self.push(format!("\t.alt_entry\t{label}"), line),
            ObjectFormat::Coff | ObjectFormat::Elf => {}
        }
        self.push(format!("{label}:"), line);
    }

    fn push(&mut self, text: String, line: usize) {
        self.output.push(Instruction::synthetic(text, line));
    }
}

/// If an instruction loads a small value and so writes all of a register: returns the symbol, the
/// register and what is known of the value.
fn load(
    symbols: &[Symbol],
    mnemonic: &str,
    operands: &[&str],
) -> Option<(&'static str, Register, Known)> {
    let [source, destination] = *operands else {
        return None;
    };
    let register = Register::parse(destination)?;
    let symbol = symbols.iter().find(|symbol| symbol.operand == source)?;
    let immediate = symbol.operand.starts_with('$');
    let fits = match (mnemonic, register.bits) {
        ("movabsq", 64) => immediate,
        ("movq", 64) | ("movl", 32) => !immediate,
        // This reads 16 bits.
        ("movzwl", 32) => !immediate && symbol.known == Known::Bits16,
        _ => false,
    };
    fits.then_some((symbol.name, register, symbol.known))
}

/// If an instruction copies a small value without changing it: returns the source and the
/// destination.
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

/// Forgets what is known of the registers that an instruction may write.
fn forget(state: &mut State, instruction: &Instruction<'_>) {
    // Conditional jumps write no register, but `loop` does.
    if let Operation::Branch { branch, .. } = instruction.operation
        && branch.mnemonic.starts_with('j')
    {
        return;
    }
    let plain = split(instruction).filter(|(mnemonic, _)| is_plain(mnemonic));
    let destination = plain.and_then(|(_, operands)| operands.last().copied());
    match destination.map(|operand| (operand, Register::parse(operand))) {
        Some((_, Some(register))) => state[register.number] = Known::Nothing,
        // Memory and immediates are not registers. Another register could be a part of any.
        Some((operand, None)) if !operand.starts_with('%') => {}
        Some((_, None)) | None => *state = State::default(),
    }
}
