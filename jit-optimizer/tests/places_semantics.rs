//! Random programs leave to the same place with the same registers before and after their jumps have become
//! direct. An interpreter that shares nothing with the optimizer runs both.

mod common;

use std::collections::HashMap;

use common::{Random, target, wrapped};
use jit_optimizer::{Optimizer, Options, Places};

const LINUX: &str = "x86_64-unknown-linux-gnu";
const REGISTERS: [&str; 5] = ["%rax", "%rcx", "%rdx", "%r8", "%r11"];
const NARROW: [&str; 5] = ["%eax", "%ecx", "%edx", "%r8d", "%r11d"];
const PLACES: [&str; 4] = [
    "_JIT_PLACE_0",
    "_JIT_PLACE_7",
    "_JIT_CONTINUE",
    "_JIT_CONTINUE_JUMP",
];

#[derive(Debug, Clone, PartialEq)]
enum Value {
    Number(u64),
    Place(String),
}

#[derive(Debug, Clone, PartialEq)]
struct Outcome {
    exit: String,
    registers: Vec<Value>,
    /// Whether an address of a place was used for something else than a jump.
    computed: bool,
}

/// Returns a name of the place, whatever the optimizer calls it.
fn place(symbol: &str) -> String {
    let name = symbol.trim_start_matches(".L").trim_end_matches("_JUMP");
    name.to_owned()
}

struct Machine<'t> {
    lines: Vec<&'t str>,
    labels: HashMap<&'t str, usize>,
    registers: Vec<Value>,
    zero: bool,
    computed: bool,
}

impl<'t> Machine<'t> {
    fn new(text: &'t str, seed: u64) -> Machine<'t> {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let label = |(at, line): (usize, &&'t str)| Some((line.strip_suffix(':')?, at));
        Machine {
            labels: lines.iter().enumerate().filter_map(label).collect(),
            lines,
            registers: (0..5).map(|at| Value::Number(seed >> at & 7)).collect(),
            zero: false,
            computed: false,
        }
    }

    fn number(&mut self, register: usize) -> u64 {
        match &self.registers[register] {
            Value::Number(number) => *number,
            Value::Place(name) => {
                self.computed = true;
                0x1_0000 + name.len() as u64 * 0x101 + u64::from(name.as_bytes()[name.len() - 1])
            }
        }
    }

    fn value(&self, operand: &str) -> Value {
        if let Some(at) = REGISTERS.iter().position(|name| *name == operand) {
            return self.registers[at].clone();
        }
        let operand = operand.trim_end_matches("@GOTPCREL(%rip)");
        match operand.trim_start_matches('$').parse() {
            Ok(number) => Value::Number(number),
            Err(_) => Value::Place(place(operand.trim_start_matches('$'))),
        }
    }

    fn run(mut self) -> Outcome {
        let entry = self.labels["_JIT_ENTRY"];
        let exit = self.steps(entry);
        Outcome {
            exit,
            registers: self.registers,
            computed: self.computed,
        }
    }

    /// Runs from a line on, and returns where control leaves the stencil.
    fn steps(&mut self, mut at: usize) -> String {
        loop {
            let line = self.lines[at];
            at += 1;
            if line == ".L_JIT_CONTINUE:" {
                return place("_JIT_CONTINUE");
            }
            if line.is_empty() || line.starts_with(['.', '#']) || line.ends_with(':') {
                continue;
            }
            let (mnemonic, operands) = line.split_once('\t').unwrap();
            let operands: Vec<&str> = operands.split(", ").collect();
            let index = |name: &str| {
                let wide = REGISTERS.iter().position(|known| *known == name);
                wide.or_else(|| NARROW.iter().position(|known| *known == name))
            };
            let jumps = match mnemonic {
                "jmp" | "{disp32} jmp" | "jmpq" => true,
                "je" => self.zero,
                "jne" => !self.zero,
                _ => false,
            };
            match (mnemonic, operands.as_slice()) {
                (_, [to]) if jumps => {
                    if let Some(to) = to.strip_prefix('*') {
                        return match self.value(to) {
                            Value::Place(name) => name,
                            Value::Number(number) => format!("{number}"),
                        };
                    }
                    match self.labels.get(to) {
                        Some(label) if *to != ".L_JIT_CONTINUE" => at = *label,
                        _ => return place(to),
                    }
                }
                ("je" | "jne", _) => {}
                ("movq" | "movabsq" | "movl", [from, to]) => {
                    self.registers[index(to).unwrap()] = self.value(from);
                }
                ("addq", [from, to]) => {
                    let (from, to) = (index(from).unwrap(), index(to).unwrap());
                    let sum = self.number(from).wrapping_add(self.number(to));
                    self.registers[to] = Value::Number(sum);
                }
                ("testq", [one, _]) => {
                    let number = self.number(index(one).unwrap());
                    self.zero = number & 1 == 0;
                }
                ("callq", _) => {
                    // It may do anything to the registers, but the same before and after.
                    for register in 0..5 {
                        let number = match &self.registers[register] {
                            Value::Number(number) => *number,
                            Value::Place(_) => 5,
                        };
                        self.registers[register] = Value::Number(number * 3 % 11);
                    }
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

/// Returns a random program with jumps to later blocks only.
fn program(random: &mut Random) -> String {
    let blocks = 2 + random.below(5);
    let mut text = String::new();
    for block in 0..blocks {
        text.push_str(&format!(".LBB0_{block}:\n"));
        for _ in 0..random.below(4) {
            let (one, other) = (random.pick(&REGISTERS), random.pick(&REGISTERS));
            let symbol = random.pick(&PLACES);
            text.push_str(&match random.below(10) {
                0..=3 => format!("\tmovabsq\t${symbol}, {one}\n"),
                4 | 5 => format!("\tmovq\t{symbol}@GOTPCREL(%rip), {one}\n"),
                6 => format!("\tmovq\t{other}, {one}\n"),
                7 => format!("\tmovl\t${}, {}\n", random.below(9), random.pick(&NARROW)),
                8 => format!("\taddq\t{other}, {one}\n"),
                _ => "\tcallq\tf\n".to_owned(),
            });
        }
        let later = |random: &mut Random| {
            let later = block + 1 + random.below(blocks - block);
            match later < blocks {
                true => format!(".LBB0_{later}"),
                false => random.pick(&PLACES).to_owned(),
            }
        };
        if random.below(2) == 0 {
            let register = random.pick(&REGISTERS);
            let (mnemonic, to) = (random.pick(&["je", "jne"]), later(random));
            text.push_str(&format!(
                "\ttestq\t{register}, {register}\n\t{mnemonic}\t{to}\n"
            ));
        }
        let last = block + 1 == blocks;
        match random.below(if last { 5 } else { 8 }) {
            0..=2 => text.push_str(&format!("\tjmpq\t*{}\n", random.pick(&REGISTERS))),
            3 => text.push_str(&format!(
                "\tjmpq\t*{}@GOTPCREL(%rip)\n",
                random.pick(&PLACES)
            )),
            4 | 5 => text.push_str(&format!("\tjmp\t{}\n", later(random))),
            _ => {}
        }
    }
    text
}

#[test]
fn random_programs_leave_to_the_same_places() {
    let options = |places| Options::default().places(places);
    let any = Optimizer::new(target(LINUX), options(Places::Any));
    let only = Optimizer::new(target(LINUX), options(Places::OnlyTargets));
    let mut random = Random(0x1234_5678_9abc_def1);
    let (mut direct, mut removed) = (0, 0);
    let count = |text: &str, what: &str| text.matches(what).count();
    for number in 0..2_000 {
        let text = wrapped("", &program(&mut random));
        let certain = any.optimize(&text).unwrap().assembly;
        let promised = only.optimize(&text).unwrap().assembly;
        direct += usize::from(count(&certain, "jmpq\t*") < count(&text, "jmpq\t*"));
        removed += usize::from(count(&promised, "\tmov") < count(&certain, "\tmov"));
        for seed in 0..32 {
            let before = Machine::new(&text, seed).run();
            let after = Machine::new(&certain, seed).run();
            assert_eq!(before, after, "{number}, {seed}: {text}\n{certain}");
            if before.computed {
                continue;
            }
            let after = Machine::new(&promised, seed).run();
            assert_eq!(
                before.exit, after.exit,
                "{number}, {seed}: {text}\n{promised}"
            );
            for (before, after) in before.registers.iter().zip(&after.registers) {
                let same = before == after || matches!(before, Value::Place(_));
                assert!(same, "{number}, {seed}: {text}\n{promised}");
            }
        }
    }
    assert!(direct > 1_000 && removed > 500, "{direct}, {removed}");
}
