//! Tuned code does what the code did before: an interpreter that shares nothing with the optimizer runs
//! random programs before and after.
//!
//! The tests compare the symbol where control flow leaves the stencil, with all registers and the words
//! of the arguments; each call, with the word on top of the stack; and each store elsewhere.

mod common;

use std::collections::{BTreeMap, HashMap};

use common::{Random, code, optimize, target, wrapped};
use jit_schema::Codegen;

const NARROW: &str = "i686-pc-windows-msvc";

const NAMES: [[&str; 4]; 7] = [
    ["rax", "eax", "ax", "al"],
    ["rbx", "ebx", "bx", "bl"],
    ["rcx", "ecx", "cx", "cl"],
    ["rdx", "edx", "dx", "dl"],
    ["rsi", "esi", "si", "sil"],
    ["rdi", "edi", "di", "dil"],
    ["rsp", "esp", "sp", "spl"],
];
const SP: usize = 6;
const STACK: u64 = 0x8000;
/// Bytes of a word on the stack.
const WORD: u64 = 4;

/// A processor with the instructions of the random programs.
struct Machine {
    registers: [u64; 7],
    memory: BTreeMap<u64, u64>,
    events: Vec<String>,
}

impl Machine {
    fn register(name: &str) -> Option<(usize, u32)> {
        let name = name.strip_prefix('%')?;
        NAMES.iter().enumerate().find_map(|(number, names)| {
            let width = names.iter().position(|known| *known == name)?;
            Some((number, 64 >> width))
        })
    }

    fn address(&self, operand: &str) -> Option<u64> {
        let (offset, base) = operand.strip_suffix(')')?.split_once('(')?;
        let offset: i64 = if offset.is_empty() {
            0
        } else {
            offset.parse().ok()?
        };
        let (base, _) = Machine::register(base)?;
        Some(self.registers[base].wrapping_add_signed(offset))
    }

    fn read(&self, operand: &str) -> u64 {
        if let Some((number, bits)) = Machine::register(operand) {
            return self.registers[number] & (!0 >> (64 - bits));
        }
        if let Some(number) = operand.strip_prefix('$') {
            return number.parse::<i64>().unwrap().cast_unsigned();
        }
        let place = self.address(operand).unwrap();
        // Memory that has not been written holds a value that depends on its address.
        let fresh = place.wrapping_mul(0x9e37_79b9) >> 7 & 0xffff_fff0;
        self.memory.get(&place).copied().unwrap_or(fresh)
    }

    fn write(&mut self, operand: &str, value: u64) {
        if let Some((number, bits)) = Machine::register(operand) {
            let mask = !0 >> (64 - bits);
            let kept = if bits < 32 {
                self.registers[number] & !mask
            } else {
                0
            };
            self.registers[number] = value & mask | kept;
            return;
        }
        let place = self.address(operand).unwrap();
        if !operand.ends_with("sp)") {
            self.events.push(format!("store {place:#x} {value:#x}"));
        }
        self.memory.insert(place, value & 0xffff_ffff);
    }

    /// Runs from the entry on. `flags` are the conditions of the branches on the way, one bit each.
    #[expect(clippy::too_many_lines, reason = "one arm for each instruction")]
    fn run(lines: &[String], mut flags: u64) -> Machine {
        let registers =
            std::array::from_fn(|number| (0x1111_1111 * (number as u64 + 1)) & 0xffff_fff0);
        let mut machine = Machine {
            registers,
            memory: BTreeMap::new(),
            events: Vec::new(),
        };
        machine.registers[SP] = STACK;
        let labels: HashMap<&str, usize> = (0..)
            .zip(lines)
            .filter_map(|(at, line)| Some((line.strip_suffix(':')?, at)))
            .collect();
        let mut at = 0;
        while let Some(line) = lines.get(at) {
            at += 1;
            if line.ends_with(':') {
                if line.contains("_JIT_CONTINUE") {
                    break;
                }
                continue;
            }
            let (mnemonic, operands) = line.split_once(' ').unwrap();
            let (source, destination) = operands.split_once(", ").unwrap_or((operands, operands));
            match mnemonic {
                "movl" => {
                    let value = machine.read(source);
                    machine.write(destination, value)
                }
                "addl" | "subl" => {
                    let by = machine.read(source);
                    let by = if mnemonic.starts_with('s') {
                        by.wrapping_neg()
                    } else {
                        by
                    };
                    let sum = machine.read(destination).wrapping_add(by);
                    machine.write(destination, sum);
                }
                "pushl" => {
                    let value = machine.read(source);
                    machine.registers[SP] -= WORD;
                    machine.memory.insert(machine.registers[SP], value);
                }
                "popl" => {
                    let value = machine.memory[&machine.registers[SP]];
                    machine.registers[SP] += WORD;
                    machine.write(destination, value);
                }
                "calll" => {
                    let top = machine.registers[SP];
                    let argument = machine.memory.get(&top).copied();
                    machine.events.push(format!("call {argument:x?}"));
                    // A function may change its arguments, and these registers.
                    let junk = 0x7700_0000 + machine.events.len() as u64;
                    machine.memory.insert(top, junk);
                    for register in [0, 2, 3] {
                        machine.registers[register] = junk + register as u64;
                    }
                }
                "je" | "jne" | "jmp" => {
                    let taken = mnemonic == "jmp" || (flags & 1 == 1) == (mnemonic == "je");
                    if mnemonic != "jmp" {
                        flags >>= 1;
                    }
                    match labels.get(operands) {
                        Some(&place) if taken => at = place,
                        None if taken => {
                            machine.events.push(format!("to {operands}"));
                            break;
                        }
                        _ => {}
                    }
                }
                _ => panic!("{line}"),
            }
        }
        let arguments: Vec<u64> = (1..8)
            .map(|n| machine.read(&format!("{}(%rsp)", 4 * n)))
            .collect();
        let registers = machine.registers;
        machine
            .events
            .push(format!("{registers:x?} {arguments:x?}"));
        machine
    }
}

/// Runs random programs, each before and after, and returns the numbers of their lines.
fn compare(seed: u64, generate: impl Fn(&mut Random) -> String) -> (usize, usize) {
    let mut random = Random(seed);
    let (mut lines, mut left) = (0, 0);
    for _ in 0..3000 {
        let body = generate(&mut random);
        let assembly = wrapped(target(NARROW).symbol_prefix, &body);
        let before = code(&optimize(NARROW, Codegen::Upstream, &assembly));
        let after = code(&optimize(NARROW, Codegen::Tuned, &assembly));
        lines += before.len();
        left += after.len();
        for flags in 0..8 {
            let run = |lines: &[String]| Machine::run(lines, flags).events;
            assert_eq!(run(&before), run(&after), "\n{before:#?}\n{after:#?}");
        }
    }
    (lines, left)
}

#[test]
fn programs_with_arguments_do_the_same() {
    let registers = ["eax", "ebx", "ecx", "edx", "esi", "edi"];
    let generate = |random: &mut Random| {
        let mut text = String::new();
        let (saved, locals) = (random.below(4), 4 * random.below(3));
        for register in &registers[..saved] {
            text.push_str(&format!("\tpushl\t%{register}\n"));
        }
        if locals != 0 {
            text.push_str(&format!("\tsubl\t${locals}, %esp\n"));
        }
        let frame = 4 * saved + locals;
        let place = |random: &mut Random| match random.below(5) {
            0 if locals != 0 => 4 * random.below(locals / 4),
            _ => frame + 4 * (1 + random.below(5)),
        };
        let leave = |text: &mut String| {
            if locals != 0 {
                text.push_str(&format!("\taddl\t${locals}, %esp\n"));
            }
            for register in registers[..saved].iter().rev() {
                text.push_str(&format!("\tpopl\t%{register}\n"));
            }
        };
        // Locals are written before they are read.
        for local in (0..locals).step_by(4) {
            text.push_str(&format!("\tmovl\t%ecx, {local}(%esp)\n"));
        }
        for block in 0..4 {
            for _ in 0..random.below(9) {
                let (a, b) = (random.pick(&registers), random.pick(&registers));
                let at = place(random);
                let line = match random.below(20) {
                    0..=6 => format!("movl {at}(%esp), %{a}"),
                    7..=13 => format!("movl %{a}, {at}(%esp)"),
                    14 => format!("movl %{a}, %{b}"),
                    15 => format!("addl %{a}, %{b}"),
                    16 => format!("addl $1, {at}(%esp)"),
                    17 => format!("pushl %{a}\n\tcalll f\n\taddl $4, %esp"),
                    18 => format!("movl %{a}, 8(%{b})"),
                    _ => format!("{} LBB0_{}", random.pick(&["je", "jne"]), block + 1),
                };
                text.push_str(&format!("\t{line}\n"));
            }
            if random.below(5) == 0 {
                leave(&mut text);
                text.push_str("\tjmp\t__JIT_JUMP_TARGET\n");
            }
            text.push_str(&format!("LBB0_{}:\n", block + 1));
        }
        leave(&mut text);
        text
    };
    let (before, after) = compare(0x9e37_79b9_7f4a_7c15, generate);
    assert!(after * 100 < before * 97, "{after} of {before} lines");
}
