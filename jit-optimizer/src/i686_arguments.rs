//! 32-bit x86, for `--codegen tuned`: arguments that stay where they are.
//!
//! All arguments of a stencil are on the stack there, and the next stencil finds its own in the same
//! words. clang nevertheless loads all of them first, and stores all of them again before it jumps on
//! (`musttail`). A store that puts back what the word has held since the stencil was entered goes, and
//! so does a load that nothing reads any more.
//!
//! What a register or a word holds is followed through the control-flow graph; a stencil with an
//! instruction that is not known here, or with a pointer to its stack, stays as it is.

use std::collections::BTreeMap;

use crate::cfg::{BlockId, Graph, PerBlock};
use crate::parse::{Instruction, Operation, Syntax};
use crate::x86_operands::{Register, is_plain, split};

const EAX: usize = 0;
const ECX: usize = 2;
const EDX: usize = 3;
const ESP: usize = 7;
/// How many registers there are.
const COUNT: usize = 8;
/// All of them, a bit each.
const ALL: u8 = 0xff;
/// Room for the widest thing that is stored at once.
const WIDEST: i32 = 16;

/// What an instruction does, as far as it matters here. Offsets are from the stack pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// `movl 8(%esp), %eax`
    Load {
        offset: i32,
        to: usize,
    },
    /// `movl %eax, 8(%esp)`
    Store {
        from: usize,
        offset: i32,
    },
    /// `movl %eax, %ecx`
    Copy {
        from: usize,
        to: usize,
    },
    Push,
    Pop {
        to: usize,
    },
    /// `addl $8, %esp`
    Adjust {
        by: i32,
    },
    Call,
    /// Writes these registers, a bit each, and at that place on the stack.
    Other {
        writes: u8,
        offset: Option<i32>,
    },
    /// A jump or branch to a label.
    Branch,
    /// A return, or a jump to who knows where: the last of a block.
    Leave,
}

/// What is known at one point. Places on the stack are counted from where the stack pointer was when
/// the stencil was entered.
#[derive(Debug, Clone, PartialEq, Eq)]
struct State {
    /// Where the stack pointer is.
    depth: i32,
    /// The word whose first value a register holds.
    registers: [Option<i32>; COUNT],
    /// The same of words that have been written to. Others from the entry on hold their first value.
    words: BTreeMap<i32, Option<i32>>,
}

impl State {
    fn word(&self, place: i32) -> Option<i32> {
        let first = (place >= 0).then_some(place);
        self.words.get(&place).copied().unwrap_or(first)
    }

    /// What is written at a place is not known.
    fn spoil(&mut self, place: i32) {
        let around = place.saturating_sub(3)..place.saturating_add(WIDEST);
        for place in around {
            self.words.insert(place, None);
        }
    }

    /// After the instruction.
    fn apply(&mut self, step: Step) {
        match step {
            Step::Load { offset, to } => self.registers[to] = self.word(self.depth + offset),
            Step::Store { from, offset } => {
                let place = self.depth + offset;
                let value = self.registers[from];
                for near in place - 3..place + 4 {
                    self.words.insert(near, None);
                }
                self.words.insert(place, value);
            }
            Step::Copy { from, to } => self.registers[to] = self.registers[from],
            Step::Push => {
                self.depth -= 4;
                for near in self.depth - 3..self.depth + 4 {
                    self.words.insert(near, None);
                }
            }
            Step::Pop { to } => {
                self.registers[to] = None;
                self.depth += 4;
            }
            Step::Adjust { by } => self.depth = self.depth.saturating_add(by),
            // A function may write to the words that its arguments came in. Those are below the
            // entry, and no compiler reads them again, nor leaves a value there that it wants back.
            Step::Call => {
                for register in [EAX, ECX, EDX] {
                    self.registers[register] = None;
                }
            }
            Step::Other { writes, offset } => {
                for (number, register) in self.registers.iter_mut().enumerate() {
                    if writes >> number & 1 != 0 {
                        *register = None;
                    }
                }
                if let Some(offset) = offset {
                    self.spoil(self.depth + offset);
                }
            }
            Step::Branch | Step::Leave => {}
        }
    }

    /// What is known if control flow comes from either. `None` if the stack is not the same.
    fn meet(&self, other: &State) -> Option<State> {
        if self.depth != other.depth {
            return None;
        }
        let mut met = self.clone();
        for (mine, others) in met.registers.iter_mut().zip(&other.registers) {
            *mine = mine.filter(|value| Some(*value) == *others);
        }
        let places = self.words.keys().chain(other.words.keys());
        for place in places {
            let (mine, others) = (self.word(*place), other.word(*place));
            met.words.insert(*place, mine.filter(|_| mine == others));
        }
        Some(met)
    }
}

/// The code of a stencil, understood as a whole.
struct Code {
    /// The linked blocks in front of the continuation.
    blocks: Vec<BlockId>,
    /// Which these are.
    inside: PerBlock<bool>,
    steps: PerBlock<Vec<Step>>,
}

/// Leave out the stores and loads.
pub(crate) fn drop_stores(graph: &mut Graph<'_>, syntax: &Syntax, continuation: BlockId) {
    let Some(code) = understand(graph, syntax, continuation) else {
        return;
    };
    let Some(entries) = follow(graph, &code) else {
        return;
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
            let needless = matches!(step, Step::Store { from, offset }
                if state.depth + offset >= 0
                    && state.registers[from].is_some()
                    && state.registers[from] == state.word(state.depth + offset));
            if !needless {
                state.apply(step);
            }
            !needless
        });
    }
    drop_loads(graph, &code);
}

/// What each instruction does, if all of them are known.
fn understand(graph: &Graph<'_>, syntax: &Syntax, continuation: BlockId) -> Option<Code> {
    let blocks: Vec<BlockId> = graph
        .linked()
        .take_while(|&id| id != continuation)
        .collect();
    let is_local = |label: &str| label.starts_with(syntax.label_prefix);
    let locals: Vec<&str> = blocks
        .iter()
        .filter_map(|&id| graph[id].label)
        .filter(|label| is_local(label))
        .collect();
    let mentions = |text: &str| locals.iter().any(|label| text.contains(label));
    let mut steps: PerBlock<Vec<Step>> = PerBlock::new(graph);
    for id in graph.linked() {
        let block = &graph[id];
        // A jump table: control flow comes from who knows where.
        let is_table = |line: &&str| line.trim_start().starts_with('.') && mentions(line);
        if block.noninstructions.iter().any(is_table) {
            return None;
        }
        for instruction in &block.instructions {
            let target = instruction.target();
            let known = match target {
                // `1b` is a label of inline assembly's.
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

/// What is known where each block starts. `None` if that is not known of each, or if the stack pointer
/// is not where it was when the stencil is left: then a function has taken its arguments off the stack
/// (stdcall), and every place behind that call is another one.
fn follow(graph: &Graph<'_>, code: &Code) -> Option<PerBlock<Option<State>>> {
    let mut entries: PerBlock<Option<State>> = PerBlock::new(graph);
    entries[Graph::ROOT] = Some(State {
        depth: 0,
        registers: [None; COUNT],
        words: BTreeMap::new(),
    });
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

/// Leave out what loads or copies to a register that nothing reads.
fn drop_loads(graph: &mut Graph<'_>, code: &Code) {
    let mut live: PerBlock<u8> = PerBlock::new(graph);
    loop {
        let mut changed = false;
        for &id in code.blocks.iter().rev() {
            let after = live_after(graph, code, &live, id);
            let block = &graph[id];
            let before = block
                .instructions
                .iter()
                .rev()
                .fold(after, |live, instruction| {
                    let (writes, reads) = effect(instruction);
                    live & !writes | reads
                });
            if before != live[id] {
                live[id] = before;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    for &id in &code.blocks {
        let mut live_now = live_after(graph, code, &live, id);
        let mut kept = Vec::new();
        for instruction in std::mem::take(&mut graph[id].instructions)
            .into_iter()
            .rev()
        {
            let (writes, reads) = effect(&instruction);
            let useless = match step(&instruction) {
                Some(Step::Load { to, .. } | Step::Copy { to, .. }) => live_now >> to & 1 == 0,
                _ => false,
            };
            if !useless {
                live_now = live_now & !writes | reads;
                kept.push(instruction);
            }
        }
        kept.reverse();
        graph[id].instructions = kept;
    }
}

/// The registers that may be read after a block: all of them outside of the stencil.
fn live_after(graph: &Graph<'_>, code: &Code, live: &PerBlock<u8>, id: BlockId) -> u8 {
    let inside = |next: BlockId| if code.inside[next] { live[next] } else { ALL };
    let registers = graph[id].successors().map(inside);
    registers.reduce(|all, one| all | one).unwrap_or(ALL)
}

/// The registers that an instruction surely writes as a whole, and those that it may read.
fn effect(instruction: &Instruction<'_>) -> (u8, u8) {
    let mentioned = |text: &str| {
        text.split('%').skip(1).fold(0, |all, rest| {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric());
            let name = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
            Register::parse(&format!("%{name}")).map_or(all, |register| all | bit(register.number))
        })
    };
    match step(instruction) {
        Some(Step::Load { to, .. } | Step::Pop { to }) => (bit(to), bit(ESP)),
        Some(Step::Copy { from, to }) => (bit(to), bit(from)),
        Some(Step::Store { from, .. }) => (0, bit(from) | bit(ESP)),
        Some(Step::Push) => (0, mentioned(&instruction.text) | bit(ESP)),
        Some(Step::Adjust { .. }) => (0, bit(ESP)),
        // What is read behind it is seen there.
        Some(Step::Branch) => (0, 0),
        // Registers that a function has to keep are none that it reads.
        Some(Step::Call) => {
            let passed = bit(EAX) | bit(ECX) | bit(EDX) | bit(ESP);
            (0, mentioned(&instruction.text) | passed)
        }
        Some(Step::Other { writes, .. }) => {
            let Some((mnemonic, operands)) = split(instruction) else {
                return (0, ALL);
            };
            let overwrites = matches!(
                mnemonic,
                "movl" | "leal" | "movzwl" | "movzbl" | "movswl" | "movsbl"
            );
            let implied = match mnemonic {
                "imull" | "mull" | "idivl" | "divl" | "cltd" => bit(EAX) | bit(EDX),
                _ => 0,
            };
            match (operands.split_last(), overwrites) {
                (Some((destination, sources)), true) if Register::parse(destination).is_some() => {
                    let reads = sources
                        .iter()
                        .fold(0, |all, source| all | mentioned(source));
                    (writes, reads)
                }
                _ => (0, mentioned(&instruction.text) | implied),
            }
        }
        _ => (0, ALL),
    }
}

fn bit(register: usize) -> u8 {
    1 << (register % COUNT)
}

/// What an instruction does; `None` if that is not known for sure.
fn step(instruction: &Instruction<'_>) -> Option<Step> {
    match instruction.operation {
        Operation::Call { .. } => return Some(Step::Call),
        Operation::Return => return Some(Step::Leave),
        Operation::Jump { .. } => return Some(Step::Branch),
        Operation::Branch { branch, .. } => {
            return branch.inverse.is_some().then_some(Step::Branch);
        }
        Operation::Constant(_) | Operation::Other => {}
    }
    if instruction.text.trim() == "cltd" {
        return Some(Step::Other {
            writes: bit(EDX),
            offset: None,
        });
    }
    // `@feat.00 = 1` gives a symbol its value.
    if instruction.text.split_whitespace().nth(1) == Some("=") {
        return Some(Step::Other {
            writes: 0,
            offset: None,
        });
    }
    if instruction.text.trim() == "retl" {
        return Some(Step::Leave);
    }
    let is_float = |mnemonic: &str| mnemonic.starts_with('f');
    let Some((mnemonic, operands)) = split(instruction) else {
        // `fldz` and its like.
        let text = instruction.text.split('#').next()?.trim();
        let alone = is_float(text) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        return alone.then_some(Step::Other {
            writes: 0,
            offset: None,
        });
    };
    let (&last, sources) = operands.split_last()?;
    let whole = |operand| Register::parse(operand).filter(|register| register.bits == 32);
    let number = |operand| whole(operand).map(|register| register.number);
    // The stack pointer is where it is known to be, or part of an address without an index.
    match (mnemonic, sources, last) {
        ("addl" | "subl", [by], "%esp") => {
            let by: i32 = by.strip_prefix('$')?.parse().ok()?;
            let by = if mnemonic == "subl" {
                by.checked_neg()?
            } else {
                by
            };
            return Some(Step::Adjust { by });
        }
        ("leal", [source], _) if source.contains("%esp") => return None,
        _ => {}
    }
    let mut offsets = [None; 3];
    for (operand, offset) in operands.iter().zip(&mut offsets) {
        *offset = match stack_offset(operand.trim_start_matches('*')) {
            Some(offset) => Some(offset),
            None if operand.contains("esp") || operand.contains("%sp") => return None,
            None => None,
        };
    }
    let at_last = offsets.get(operands.len() - 1).copied().flatten();
    match (mnemonic, sources, last) {
        ("movl", [source], _) => match (offsets[0], number(source), at_last, number(last)) {
            (Some(offset), _, _, Some(to)) => return Some(Step::Load { offset, to }),
            (_, Some(from), Some(offset), _) => return Some(Step::Store { from, offset }),
            (_, Some(from), _, Some(to)) => return Some(Step::Copy { from, to }),
            _ => {}
        },
        ("pushl", [], _) => return Some(Step::Push),
        ("popl", [], _) => return number(last).map(|to| Step::Pop { to }),
        ("calll", [], _) => return Some(Step::Call),
        ("jmpl", [], _) => return Some(Step::Leave),
        _ => {}
    }
    let implied = match (mnemonic, sources.len()) {
        ("imull", 0) | ("mull" | "idivl" | "divl", 0) => bit(EAX) | bit(EDX),
        ("imull", _) => 0,
        _ if is_plain(mnemonic) || is_float(mnemonic) => 0,
        _ => return None,
    };
    let reads_only = mnemonic.starts_with("cmp") || mnemonic.starts_with("test");
    let written = Register::parse(last).filter(|_| !reads_only);
    Some(Step::Other {
        writes: implied | written.map_or(0, |register| bit(register.number)),
        offset: at_last.filter(|_| !reads_only),
    })
}

/// `8(%esp)`, `(%esp)`.
fn stack_offset(operand: &str) -> Option<i32> {
    match operand.strip_suffix("(%esp)")? {
        "" => Some(0),
        number => number.parse().ok(),
    }
}
