//! Code whose branches compare values with zero, with constants and with each other. An interpreter
//! with real flags, which shares nothing with the optimizer, runs it before and after the passes, with
//! values that are often equal.

mod common;

use std::collections::HashMap;

use common::{Random, code, optimize, wrapped};
use jit_schema::Codegen;

const LINUX: &str = "x86_64-unknown-linux-gnu";

const NAMES: [[&str; 2]; 4] = [
    ["%rax", "%eax"],
    ["%r13", "%r13d"],
    ["%r14", "%r14d"],
    ["%r15", "%r15d"],
];

/// Values that are equal in 64 bits, in 32, or not.
const VALUES: [u64; 6] = [0, 1, 5, 1 << 32, !0, 0xffff_ffff];

#[derive(Debug, Default)]
struct Machine {
    registers: [u64; NAMES.len()],
    stack: Vec<u64>,
    zero: bool,
    carry: bool,
}

impl Machine {
    /// Returns the number of a register, and a mask with its bits.
    fn register(name: &str) -> (usize, u64) {
        let find = |(number, names): (usize, &[&str; 2])| {
            let width = names.iter().position(|known| *known == name)?;
            Some((number, [!0, 0xffff_ffff][width]))
        };
        NAMES.iter().enumerate().find_map(find).unwrap()
    }

    fn read(&self, operand: &str) -> u64 {
        if let Some(number) = operand.strip_prefix('$') {
            return number.parse::<i64>().unwrap().cast_unsigned();
        }
        let (number, mask) = Machine::register(operand);
        self.registers[number] & mask
    }

    fn write(&mut self, operand: &str, value: u64) {
        let (number, mask) = Machine::register(operand);
        self.registers[number] = value & mask;
    }

    /// Computes `destination - source` and so on, by the manual of the processor.
    fn compute(&mut self, mnemonic: &str, source: &str, destination: &str) {
        let (_, mask) = Machine::register(destination);
        let (by, old) = (self.read(source) & mask, self.read(destination));
        let (name, width) = mnemonic.split_at(mnemonic.len() - 1);
        assert_eq!(width == "q", mask == !0, "{mnemonic}");
        let (result, carry) = match name {
            "sub" | "cmp" => (old.wrapping_sub(by), old < by),
            "add" => (
                old.wrapping_add(by),
                u128::from(old) + u128::from(by) > u128::from(mask),
            ),
            "adc" => (old.wrapping_add(by).wrapping_add(self.carry.into()), false),
            "dec" => (old.wrapping_sub(1), self.carry),
            "inc" => (old.wrapping_add(1), self.carry),
            "and" | "test" => (old & by, false),
            "xor" => (old ^ by, false),
            _ => panic!("{mnemonic}"),
        };
        (self.zero, self.carry) = (result & mask == 0, carry);
        if !matches!(name, "cmp" | "test") {
            self.write(destination, result);
        }
    }

    /// Runs code to its end. Returns where control goes from there, and the registers.
    fn run(lines: &[String], registers: [u64; NAMES.len()]) -> (String, [u64; NAMES.len()]) {
        let mut machine = Machine {
            registers,
            ..Machine::default()
        };
        let labels: HashMap<&str, usize> = (0..)
            .zip(lines)
            .filter_map(|(at, line)| Some((line.strip_suffix(':')?, at)))
            .collect();
        let mut at = 0;
        while let Some(line) = lines.get(at) {
            at += 1;
            if line.ends_with(':') {
                continue;
            }
            let (mnemonic, operands) = line.split_once(' ').unwrap();
            let (source, destination) = operands.split_once(", ").unwrap_or((operands, operands));
            match mnemonic {
                "movq" | "movl" => machine.write(destination, machine.read(source)),
                "pushq" => machine.stack.push(machine.read(source)),
                "popq" => {
                    let value = machine.stack.pop().unwrap();
                    machine.write(destination, value);
                }
                "jmp" | "je" | "jne" | "jb" | "jnb" => {
                    let taken = match mnemonic {
                        "je" => machine.zero,
                        "jne" => !machine.zero,
                        "jb" => machine.carry,
                        "jnb" => !machine.carry,
                        _ => true,
                    };
                    match labels.get(operands) {
                        Some(place) if taken => at = *place,
                        None if taken => return (operands.to_owned(), machine.registers),
                        _ => {}
                    }
                }
                _ => machine.compute(mnemonic, source, destination),
            }
        }
        (String::new(), machine.registers)
    }
}

/// Returns instructions that compare, and then often a write of what has been compared.
fn program(random: &mut Random) -> String {
    let wide = ["%rax", "%r13", "%r14", "%r15"];
    let narrow = |name: &str| {
        let (number, _) = Machine::register(name);
        NAMES[number][1]
    };
    let mut text = String::new();
    for block in 0..4 {
        let (a, b) = (random.pick(&wide), random.pick(&wide));
        for _ in 0..random.below(3) {
            let (c, d) = (random.pick(&wide), random.pick(&wide));
            let line = match random.below(4) {
                0 => format!("movq {c}, {d}"),
                1 => format!("movl $5, {}", narrow(c)),
                2 => format!("adcq $1, {c}"),
                _ => format!("addq {c}, {d}"),
            };
            text.push_str(&format!("\t{line}\n"));
        }
        let comparison = match random.below(9) {
            0 | 1 => format!("testq {a}, {a}"),
            2 => format!("testl {0}, {0}", narrow(a)),
            3 => format!("cmpq {b}, {a}"),
            4 => format!("cmpq $5, {a}"),
            5 => format!("cmpq $-1, {a}"),
            6 => format!("subl {}, {}", narrow(b), narrow(a)),
            7 => format!("{} {a}", random.pick(&["decq", "incq"])),
            _ => format!("{} {b}, {a}", random.pick(&["subq", "andq", "addq"])),
        };
        let branch = random.pick(&["je", "je", "jne", "jne", "jb"]);
        let target = block + 1 + random.below(4 - block);
        text.push_str(&format!("\t{comparison}\n\t{branch} .LBB0_{target}\n"));
        if random.below(4) == 0 {
            text.push_str("\tjmp\t_JIT_JUMP_TARGET\n");
        }
        if random.below(3) != 0 {
            text.push_str(&format!(".LBB0_{}:\n", block + 1));
        }
        let write = match random.below(8) {
            0 | 1 => format!("xorl {0}, {0}", narrow(a)),
            2 => format!("movl $5, {}", narrow(a)),
            3 => format!("movl $-1, {}", narrow(a)),
            4 => format!("movq $-1, {a}"),
            5 => format!("pushq $5\n\tpopq {a}"),
            6 => format!("movq {a}, {b}"),
            _ => format!("movq {b}, {a}"),
        };
        text.push_str(&format!("\t{write}\n"));
        match random.below(5) {
            0 | 1 => text.push_str("\tjmp\t_JIT_ERROR_TARGET\n"),
            2 => text.push_str(&format!(
                "\tjb\t.LBB0_{}\n",
                block + 1 + random.below(4 - block)
            )),
            3 => text.push_str("\tadcq\t$0, %r14\n"),
            _ => {}
        }
        text.push_str(&format!(".LBB0_{}:\n", block + 1));
    }
    // A label that was written twice is kept in its last place.
    let mut seen = Vec::new();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.reverse();
    lines.retain(|line| {
        !line.ends_with(':')
            || !seen.contains(line) && {
                seen.push(line);
                true
            }
    });
    lines.reverse();
    lines.join("\n") + "\n"
}

#[test]
fn programs_do_the_same() {
    let mut random = Random(0x0dd0_5eed_1234_5677);
    let writes = |lines: &[String]| {
        let is_write = |line: &&String| {
            ["xorl ", "movl ", "movq ", "popq "]
                .iter()
                .any(|start| line.starts_with(start))
        };
        lines.iter().filter(is_write).count()
    };
    let (mut all, mut left) = (0, 0);
    for _ in 0..4000 {
        let assembly = wrapped("", &program(&mut random));
        let before = code(&optimize(LINUX, Codegen::Upstream, &assembly));
        let after = code(&optimize(LINUX, Codegen::Tuned, &assembly));
        all += writes(&before);
        left += writes(&after);
        for _ in 0..12 {
            let registers = std::array::from_fn(|_| VALUES[random.below(VALUES.len())]);
            assert_eq!(
                Machine::run(&before, registers),
                Machine::run(&after, registers),
                "{registers:x?}\n{before:#?}\n{after:#?}"
            );
        }
    }
    assert!(left < all && all - left > 200, "{left} of {all} writes");
}

/// Returns the lines of a stencil after its entry.
fn tuned(body: &str) -> Vec<String> {
    let lines = code(&optimize(LINUX, Codegen::Tuned, &wrapped("", body)));
    lines[1..lines.len() - 1].to_vec()
}

/// What clang makes of `if (x == 0) return TAKEN(x); return NEXT(x);` and the like.
#[test]
fn a_branch_goes_straight_to_its_target() {
    for (comparison, write) in [
        ("testq %r13, %r13", "xorl %r13d, %r13d"),
        ("andq %r14, %r13", "xorl %r13d, %r13d"),
        ("decl %r13d", "xorl %r13d, %r13d"),
        ("cmpq $0, %r13", "xorl %r13d, %r13d"),
        ("cmpq $5, %r13", "pushq $5\n\tpopq %r13"),
        ("cmpq $5, %r13", "movl $5, %r13d"),
        ("cmpq $-1, %r13", "movq $-1, %r13"),
        ("cmpq %r14, %r13", "movq %r13, %r14"),
        ("cmpq %r14, %r13", "movq %r14, %r13"),
    ] {
        let body = format!(
            "\t{comparison}\n\tje\t.LBB0_1\n\tjmp\t_JIT_CONTINUE\n.LBB0_1:\n\t{write}\n\
             \tjmp\t_JIT_JUMP_TARGET\n"
        );
        assert_eq!(tuned(&body), [comparison, "je _JIT_JUMP_TARGET"], "{write}");
        let other =
            format!("\t{comparison}\n\tjne\t_JIT_JUMP_TARGET\n\t{write}\n\tjmp\t_JIT_CONTINUE\n");
        assert_eq!(
            tuned(&other),
            [comparison, "jne _JIT_JUMP_TARGET"],
            "{write}"
        );
    }
}

#[test]
fn what_is_not_known_is_written() {
    for (comparison, branch, write) in [
        // Half of a register, another one, another value, and not zero.
        ("testl %r13d, %r13d", "je", "xorl %r13d, %r13d"),
        ("testb %r13b, %r13b", "je", "xorl %r13d, %r13d"),
        ("testq %r13, %r14", "je", "xorl %r13d, %r13d"),
        ("testq %r13, %r13", "je", "xorl %r14d, %r14d"),
        ("testq %r13, %r13", "jne", "xorl %r13d, %r13d"),
        ("testq %r13, %r13", "jle", "xorl %r13d, %r13d"),
        ("testq %r13, %r13", "je", "movl $1, %r13d"),
        ("cmpq $5, %r13", "je", "xorl %r13d, %r13d"),
        ("cmpq $-1, %r13", "je", "movl $-1, %r13d"),
        ("cmpl %r14d, %r13d", "je", "movq %r14, %r13"),
        ("cmpq (%r14), %r13", "je", "movq %r14, %r13"),
        ("cmpq %r14, (%r13)", "je", "movq %r14, %r13"),
        ("cmpq $_JIT_OPERAND0, %r13", "je", "xorl %r13d, %r13d"),
        ("shlq %cl, %r13", "je", "xorl %r13d, %r13d"),
        (
            "subl %r14d, %r13d\n\tmovl %r14d, %r13d",
            "je",
            "xorl %r13d, %r13d",
        ),
        ("testq %r13, %r13 ; incq %r13", "je", "xorl %r13d, %r13d"),
        // Only a part is written.
        ("testq %r13, %r13", "je", "xorw %r13w, %r13w"),
        ("testq %r13, %r13", "je", "pushq $0\n\tpopw %r13w"),
        // Control comes from elsewhere as well, and the flags are read.
        (
            "cmpq %rax, %r15\n\tje\t.LBB0_1\n\ttestq %r13, %r13",
            "je",
            "xorl %r13d, %r13d",
        ),
        ("testq %r13, %r13", "je", "xorl %r13d, %r13d\n\tsetb %al"),
        (
            "testq %r13, %r13",
            "je",
            "xorl %r13d, %r13d\n\tjb _JIT_ERROR_TARGET",
        ),
    ] {
        let body = format!(
            "\t{comparison}\n\t{branch}\t.LBB0_1\n\tjmp\t_JIT_CONTINUE\n.LBB0_1:\n\t{write}\n\
             \tjmp\t_JIT_JUMP_TARGET\n"
        );
        let lines = tuned(&body);
        let first = write.lines().next().unwrap();
        assert!(
            lines.contains(&first.to_owned()),
            "{comparison}, {branch}, {write}: {lines:?}"
        );
    }
}
