//! What [`optimize_tuned`] makes of code does what the code did: random programs are run before and
//! after, by an interpreter that shares nothing with the optimizer. And the passes do something:
//! hand-made code, and the example's.
//!
//! What is compared: the symbol where control flow leaves, with all registers and the words of the
//! arguments; each call, with the words on top of the stack; each store elsewhere.

use std::collections::{BTreeMap, HashMap};

use fixtures::{generated::opnames, golden, inputs};
use jit_optimizer::{optimize, optimize_tuned};
use jit_schema::Target;

const LINUX: &str = "x86_64-unknown-linux-gnu";
const DARWIN: &str = "x86_64-apple-darwin";
const WINDOWS: &str = "x86_64-pc-windows-msvc";
const NARROW: &str = "i686-pc-windows-msvc";

fn target(triple: &str) -> &'static Target {
    Target::from_triple(triple).unwrap()
}

/// The code, less comments, directives and what is behind the continuation.
fn code(assembly: &str) -> Vec<String> {
    let lines = assembly.lines().filter(|line| !line.starts_with('#'));
    let lines = lines.map(|line| line.split('#').next().unwrap().trim());
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('.') || line.starts_with(".L"))
        .map(|line| line.replace('\t', " "))
        .collect()
}

/// Between the lines that each target needs around it.
fn wrapped(prefix: &str, body: &str) -> String {
    let entry = format!("{prefix}_JIT_ENTRY");
    format!("\t.globl\t{entry}\n\t.def\t{entry};\n{entry}:\n{body}")
}

fn tuned(triple: &str, body: &str) -> Vec<String> {
    let prefix = target(triple).symbol_prefix;
    let lines = code(&optimize_tuned(target(triple), &wrapped(prefix, body)).unwrap());
    lines[1..lines.len() - 1].to_vec()
}

fn label(symbol: &str, number: u32) -> String {
    format!("CUSTOM_X86_64_CONST32_JIT_RELOCATION_{symbol}_JIT_RELOCATION_{number}:")
}

#[test]
fn small_values_are_immediate() {
    let (oparg, target) = (label("_JIT_OPARG", 0), label("_JIT_TARGET", 1));
    let expected = [
        "movl $0, %eax",
        &oparg,
        "movl %eax, %r9d",
        "movl $0, %r8d",
        &target,
    ];
    let elf = "\tmovabsq\t$_JIT_OPARG, %rax\n\tmovzwl\t%ax, %eax\n\tmovzwl\t%ax, %r9d\n\
               \tmovabsq\t$_JIT_TARGET, %r8\n\tmovl\t%r8d, %r8d\n";
    assert_eq!(tuned(LINUX, elf), expected);
    let coff = "\tmovq\t__imp__JIT_OPARG(%rip), %rax\n\tmovzwl\t%ax, %r9d\n\
                \tmovl\t__imp__JIT_TARGET(%rip), %r8d\n";
    assert_eq!(tuned(WINDOWS, coff), expected);
    let macho = "\tmovzwl\t__JIT_OPARG@GOTPCREL(%rip), %eax\n\tmovl\t%eax, %r9d\n\
                 \tmovq\t__JIT_TARGET@GOTPCREL(%rip), %r8\n";
    assert_eq!(tuned(DARWIN, macho), expected);
    // Labels start no atom of their own.
    let text = optimize_tuned(self::target(DARWIN), &wrapped("_", macho)).unwrap();
    let alternative = format!("\n\t.alt_entry\t{}\n{oparg}\n", oparg.trim_end_matches(':'));
    assert!(text.contains(&alternative), "{text}");
}

#[test]
fn what_is_not_known_to_be_small_stays() {
    for (triple, line) in [
        (LINUX, "movabsq $_JIT_OPERAND0, %rax"),
        (LINUX, "movabsq $_JIT_OPARG+1, %rax"),
        (LINUX, "movabsq $_JIT_OPARG_16, %rax"),
        (LINUX, "movabsq $_JIT_JUMP_TARGET, %rax"),
        // The rest of the register is kept.
        (DARWIN, "movb __JIT_OPARG@GOTPCREL(%rip), %cl"),
        (DARWIN, "movw __JIT_OPARG@GOTPCREL(%rip), %cx"),
        // Half of the target.
        (WINDOWS, "movzwl __imp__JIT_TARGET(%rip), %eax"),
        (WINDOWS, "movzbl __imp__JIT_OPARG(%rip), %eax"),
        (WINDOWS, "addq __imp__JIT_OPARG(%rip), %rax"),
    ] {
        assert_eq!(tuned(triple, &format!("\t{line}\n")), [line]);
    }
    // Written, maybe written, or reached from elsewhere in between.
    let load = "\tmovabsq\t$_JIT_OPARG, %rax\n";
    for between in [
        "incl %eax",
        "movb $1, %ah",
        "callq f",
        "xchgl %eax, %ecx",
        "cltq",
        "mull %ecx",
        ".LBB0_1:",
        "rep;stosb",
        "popq %rax",
        "loop .LBB0_9",
    ] {
        let body = format!("{load}\tjne\t.LBB0_1\n\t{between}\n\tmovzwl\t%ax, %eax\n.LBB0_9:\n");
        let lines = tuned(LINUX, &body);
        assert!(
            lines.contains(&"movzwl %ax, %eax".to_owned()),
            "{between}: {lines:?}"
        );
    }
}

#[test]
fn arguments_stay_where_they_are() {
    let body = "\tpushl\t%esi\n\tmovl\t12(%esp), %esi\n\tmovl\t8(%esp), %eax\n\tincl\t(%eax)\n\
                \tmovl\t%eax, 8(%esp)\n\tmovl\t%esi, 12(%esp)\n\tpopl\t%esi\n\
                \tjmp\t__JIT_JUMP_TARGET\n";
    let kept = [
        "pushl %esi",
        "movl 8(%esp), %eax",
        "incl (%eax)",
        "popl %esi",
        "jmp __JIT_JUMP_TARGET",
    ];
    let tuned = |body: &str| -> Vec<String> {
        let text = optimize_tuned(target(NARROW), &wrapped("_", body)).unwrap();
        code(&text)[1..]
            .iter()
            .filter(|line| !line.ends_with(':'))
            .cloned()
            .collect()
    };
    let plain = |body: &str| code(&wrapped("_", body))[1..].to_vec();
    assert_eq!(tuned(body), kept);
    // If that function took nothing off the stack, the store would put the word back.
    let called = body
        .replacen("incl\t(%eax)", "pushl\t%eax\n\tcalll\t_f@4", 1)
        .replacen("%esi, 12(%esp)", "%esi, 16(%esp)", 1);
    assert!(tuned(&called).contains(&"movl %esi, 16(%esp)".to_owned()));
    // A word of another argument, a changed register, a changed word, a function that takes its
    // arguments off the stack, a pointer to the stack, an instruction that is not known.
    for (old, new) in [
        ("%esi, 12(%esp)", "%esi, 16(%esp)"),
        ("incl\t(%eax)", "incl\t%eax\n\tincl\t%esi"),
        ("incl\t(%eax)", "incl\t8(%esp)\n\tincl\t12(%esp)"),
        (
            "incl\t(%eax)",
            "pushl\t%eax\n\tcalll\t_f@4\n\tmovl\t8(%esp), %eax",
        ),
        ("incl\t(%eax)", "leal\t8(%esp), %edi"),
        ("incl\t(%eax)", "movl\t%esp, %edi"),
        ("incl\t(%eax)", "strange\t%edi"),
    ] {
        let changed = body.replacen(old, new, 1);
        let stores = |lines: &[String]| lines.iter().filter(|l| l.ends_with("(%esp)")).count();
        assert!(stores(&plain(&changed)) > 0);
        let (before, after) = (plain(&changed), tuned(&changed));
        let at = |lines: &[String], end: &str| lines.iter().any(|l| l.ends_with(end));
        assert!(
            at(&after, "%esi, 12(%esp)") || at(&after, "%esi, 16(%esp)"),
            "{new}: {before:?} {after:?}"
        );
    }
}

#[test]
fn pairs_have_a_label_each() {
    let pair = |symbol, number| {
        ["a", "b"].map(|half| {
            format!("CUSTOM_AARCH64_CONST33{half}_JIT_PAIR_{symbol}_JIT_PAIR_{number}:")
        })
    };
    let [first, second] = pair("PyLong_Type", 0);
    let load = "\tadrp\tx8, __imp_PyLong_Type\n\tldr\tx8, [x8, :lo12:__imp_PyLong_Type]\n";
    let kept = [
        "adrp x8, __imp_PyLong_Type",
        "ldr x8, [x8, :lo12:__imp_PyLong_Type]",
    ];
    let expected = [&first, kept[0], &second, kept[1]];
    assert_eq!(tuned("aarch64-pc-windows-msvc", load), expected);
    let [first, second] = pair("_PyLong_Type", 0);
    let load = "\tadrp\tx8, _PyLong_Type@GOTPAGE\n\tldr\tx8, [x8, _PyLong_Type@GOTPAGEOFF]\n";
    let kept = [
        "adrp x8, _PyLong_Type@GOTPAGE",
        "ldr x8, [x8, _PyLong_Type@GOTPAGEOFF]",
    ];
    let darwin = |text: &str| tuned("aarch64-apple-darwin", text);
    assert_eq!(darwin(load), [&first, kept[0], &second, kept[1]]);
    // Another register, half a register, another symbol, an address, not one behind the other.
    for (old, new) in [
        ("ldr\tx8, [x8", "ldr\tx9, [x8"),
        ("ldr\tx8", "ldr\tw8"),
        ("_PyLong_Type@GOTPAGEOFF", "_PyFloat_Type@GOTPAGEOFF"),
        ("@GOTPAGE", "@PAGE"),
        ("\tldr", "\tmov\tx9, x8\n\tldr"),
    ] {
        let lines = darwin(&load.replace(old, new));
        assert!(
            !lines.iter().any(|line| line.ends_with(':')),
            "{new}: {lines:?}"
        );
    }
}

/// All micro-ops of the example: as upstream compiles them, no load of a small value that could be
/// immediate stays, and on i686 more than half of the stores to the stack go.
#[test]
fn the_example() {
    for triple in [LINUX, DARWIN, WINDOWS, NARROW] {
        let (mut before, mut after, mut loads) = (0, 0, 0);
        for opname in opnames(triple) {
            let assembly = golden::read_text(&inputs::assembly(triple, &opname));
            let upstream = code(&optimize(target(triple), &assembly).unwrap());
            let tuned = code(&optimize_tuned(target(triple), &assembly).unwrap());
            let stores = |lines: &[String]| {
                let lines = lines.iter();
                lines
                    .filter(|line| line.starts_with("movl %e") && line.ends_with("(%esp)"))
                    .count()
            };
            before += stores(&upstream);
            after += stores(&tuned);
            let small = |line: &&String| {
                let wide = line.starts_with("movb") || line.contains("_JIT_RELOCATION_");
                (line.contains("_JIT_OPARG") || line.contains("_JIT_TARGET")) && !wide
            };
            loads += upstream.iter().filter(small).count();
            if triple != NARROW {
                assert_eq!(
                    tuned.iter().find(|line| small(line)),
                    None,
                    "{triple} {opname}"
                );
            }
        }
        assert!(loads > 15, "{triple}: {loads}");
        if triple == NARROW {
            assert!(before > 500 && after * 2 < before, "{after} of {before}");
        }
    }
}

/// xorshift64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

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

/// A processor with just enough instructions.
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

    fn read(&self, operand: &str, oparg: u64) -> u64 {
        if let Some((number, bits)) = Machine::register(operand) {
            return self.registers[number] & (!0 >> (64 - bits));
        }
        if operand.contains("_JIT_OPARG") {
            return oparg;
        }
        if operand.contains("_JIT_TARGET") {
            return oparg << 16 | 0x8001;
        }
        if let Some(number) = operand.strip_prefix('$') {
            return number.parse::<i64>().unwrap().cast_unsigned();
        }
        let place = self.address(operand).unwrap();
        // Memory that nobody has written holds something of its own.
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

    /// Run from the entry on; `flags` has the conditions, one after the other.
    fn run(lines: &[String], word: u64, oparg: u64, mut flags: u64) -> Machine {
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
            let value = |machine: &Machine| {
                // A label behind the constant says what it is.
                let symbol = lines[at]
                    .split("_JIT_RELOCATION_")
                    .nth(1)
                    .filter(|_| source == "$0");
                machine.read(symbol.unwrap_or(source), oparg)
            };
            match mnemonic {
                "movabsq" | "movq" | "movl" => {
                    let value = value(&machine);
                    machine.write(destination, value)
                }
                "movzwl" => {
                    let value = value(&machine);
                    machine.write(destination, value & 0xffff)
                }
                "addl" | "addq" | "subl" | "subq" => {
                    let by = value(&machine);
                    let by = if mnemonic.starts_with('s') {
                        by.wrapping_neg()
                    } else {
                        by
                    };
                    let sum = machine.read(destination, oparg).wrapping_add(by);
                    machine.write(destination, sum);
                }
                "pushl" => {
                    let value = value(&machine);
                    machine.registers[SP] -= word;
                    machine.memory.insert(machine.registers[SP], value);
                }
                "popl" => {
                    let value = machine.memory[&machine.registers[SP]];
                    machine.registers[SP] += word;
                    machine.write(destination, value);
                }
                "calll" | "callq" => {
                    let top = machine.registers[SP];
                    let argument = machine.memory.get(&top).copied();
                    machine.events.push(format!("call {argument:x?}"));
                    // A function may change its arguments and these registers.
                    let junk = 0x7700_0000 + machine.events.len() as u64;
                    if word == 4 {
                        machine.memory.insert(top, junk);
                    }
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
            .map(|n| machine.read(&format!("{}(%rsp)", 4 * n), 0))
            .collect();
        let registers = machine.registers;
        machine
            .events
            .push(format!("{registers:x?} {arguments:x?}"));
        machine
    }
}

/// Run random programs, each before and after; returns the lines of both.
fn compare(triple: &str, seed: u64, generate: impl Fn(&mut Random) -> String) -> (usize, usize) {
    let mut random = Random(seed);
    let (mut lines, mut left) = (0, 0);
    for _ in 0..3000 {
        let body = generate(&mut random);
        let assembly = wrapped(target(triple).symbol_prefix, &body);
        let before = code(&optimize(target(triple), &assembly).unwrap());
        let after = code(&optimize_tuned(target(triple), &assembly).unwrap());
        lines += before.len();
        left += after.len();
        let word = u64::from(target(triple).arch.pointer_size() as u32);
        for flags in 0..8 {
            let oparg = [0xffff, 0x8000, 1][flags as usize % 3];
            let run = |lines: &[String]| Machine::run(lines, word, oparg, flags).events;
            assert_eq!(run(&before), run(&after), "\n{before:#?}\n{after:#?}");
        }
    }
    (lines, left)
}

#[test]
fn programs_with_small_values_do_the_same() {
    let registers = ["ax", "bx", "cx", "dx", "si", "di"];
    let generate = |random: &mut Random| {
        let mut text = String::new();
        for block in 0..4 {
            for _ in 0..random.below(6) {
                let (a, b) = (random.pick(&registers), random.pick(&registers));
                let line = match random.below(9) {
                    0 | 1 => format!("movabsq $_JIT_OPARG, %r{a}"),
                    2 => format!("movabsq $_JIT_TARGET, %r{a}"),
                    3 | 4 => format!("movzwl %{a}, %e{b}"),
                    5 => format!("movl %e{a}, %e{b}"),
                    6 => format!("{} %r{a}, %r{b}", random.pick(&["movq", "addq"])),
                    7 => random
                        .pick(&[
                            "callq f",
                            "movl $65536, %eax",
                            "addl $1, %ecx",
                            "movl %edx, 8(%rbx)",
                        ])
                        .to_owned(),
                    _ => format!("{} .LBB0_{}", random.pick(&["je", "jne"]), block + 1),
                };
                text.push_str(&format!("\t{line}\n"));
            }
            text.push_str(&format!(".LBB0_{}:\n", block + 1));
        }
        text
    };
    // A label for each load, less what is redundant.
    compare(LINUX, 0x1234_5678_9abc_def1, generate);
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
        // What is read is what was written: locals first.
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
    let (before, after) = compare(NARROW, 0x9e37_79b9_7f4a_7c15, generate);
    assert!(after * 100 < before * 97, "{after} of {before} lines");
}
