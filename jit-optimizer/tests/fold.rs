//! The processor executes random functions before and after the tuned passes for x86_64, with values in the place of
//! holes, and must do the same: registers, memory, calls, and where the function ends.
//!
//! In the code before, the values are where clang has symbols. In the code after, they are in the fields that labels
//! mark, computed here from what the labels say, and checked against the range that the label's kind has.

mod common;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use common::{Random, wrapped};
use jit_optimizer::{Known, Optimizer, Options};
use jit_schema::label::{FIELD_MARK, Label, LabelTarget};
use jit_schema::{Codegen, RelocationKind, Target};

const NAMES: [[&str; 4]; 16] = [
    ["rax", "eax", "ax", "al"],
    ["rbx", "ebx", "bx", "bl"],
    ["rcx", "ecx", "cx", "cl"],
    ["rdx", "edx", "dx", "dl"],
    ["rsi", "esi", "si", "sil"],
    ["rdi", "edi", "di", "dil"],
    ["rbp", "ebp", "bp", "bpl"],
    ["rsp", "esp", "sp", "spl"],
    ["r8", "r8d", "r8w", "r8b"],
    ["r9", "r9d", "r9w", "r9b"],
    ["r10", "r10d", "r10w", "r10b"],
    ["r11", "r11d", "r11w", "r11b"],
    ["r12", "r12d", "r12w", "r12b"],
    ["r13", "r13d", "r13w", "r13b"],
    ["r14", "r14d", "r14w", "r14b"],
    ["r15", "r15d", "r15w", "r15b"],
];
/// How many sets of functions there are: one for each number of arguments.
const SEEDS: u64 = 4;
/// Those that functions use, besides %r13, where the memory is.
const USED: [usize; 8] = [0, 1, 2, 3, 5, 8, 11, 12];
/// The order in which `preserve_none` has arguments, as clang 21 to 23 use it.
const ARGUMENTS: [usize; 12] = [12, 13, 14, 15, 5, 4, 3, 2, 8, 9, 11, 0];

/// What is known of a register's value: enough for an address to stay in the memory.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Bound {
    /// The value, with a sign, is less than 2 to this power, in the lowest 32 bits.
    bits: u32,
    /// Whether the same is true of all 64 bits.
    wide: bool,
    positive: bool,
}

/// The values of the symbols.
#[derive(Clone, Copy)]
struct Values {
    oparg: u64,
    target: u64,
    operand: u64,
}

impl Values {
    fn of(self, symbol: &str) -> u64 {
        match symbol {
            "_JIT_OPARG" => self.oparg,
            "_JIT_TARGET" => self.target,
            "_JIT_OPERAND_8" => self.operand & 0xf_ffff,
            "_JIT_OPERAND0" | "_JIT_OPERAND_7" => self.operand,
            "_JIT_OPERAND0_LO" | "_JIT_OPERAND_7_LO" => self.operand & 0xffff_ffff,
            other => panic!("{other}"),
        }
    }
}

struct Writer<'r> {
    random: &'r mut Random,
    bounds: [Option<Bound>; 16],
    text: String,
    number: usize,
    labels: usize,
}

impl Writer<'_> {
    fn any(&mut self) -> usize {
        USED[self.random.below(USED.len())]
    }

    fn name(register: usize, bits: u32) -> String {
        let width = [64, 32, 16, 8]
            .iter()
            .position(|known| *known == bits)
            .unwrap();
        format!("%{}", NAMES[register][width])
    }

    /// Returns a register with a bound, rather than any.
    fn bounded(&mut self) -> usize {
        let known: Vec<usize> = USED
            .into_iter()
            .filter(|&one| self.bounds[one].is_some())
            .collect();
        match known.is_empty() || self.random.below(6) == 0 {
            true => self.any(),
            false => known[self.random.below(known.len())],
        }
    }

    fn line(&mut self, text: &str) {
        let _ = writeln!(self.text, "\t{text}");
    }

    fn set(&mut self, register: usize, bound: Option<Bound>) {
        self.bounds[register] = bound.filter(|bound| bound.bits <= 21).map(|bound| Bound {
            wide: bound.wide || bound.positive,
            ..bound
        });
    }

    fn load(&mut self) {
        let to = self.any();
        let wide = Self::name(to, 64);
        let (symbol, bits) = match self.random.below(9) {
            0..5 => ("_JIT_OPARG", 16),
            8 => ("_JIT_OPERAND_8", 20),
            5 => ("_JIT_TARGET", 32),
            6 => ("_JIT_OPERAND_7", 64),
            _ => ("_JIT_OPERAND0", 64),
        };
        let addend = ["", "", "", "+8", "+1"][self.random.below(5)];
        self.line(&format!("movabsq\t${symbol}{addend}, {wide}"));
        let bits = bits + u32::from(!addend.is_empty());
        self.set(
            to,
            Some(Bound {
                bits,
                wide: true,
                positive: true,
            }),
        );
    }

    /// Returns a place in memory, whose address is certain, if there is an index for it.
    fn place(&mut self) -> String {
        let displacement = [0, 8, 80, -16, 128, 4096][self.random.below(6)];
        let index = self.bounded();
        let scale: u32 = [1, 2, 4, 8][self.random.below(4)];
        match self.bounds[index] {
            Some(bound) if bound.wide && bound.bits + scale.ilog2() <= 20 => {
                let index = Self::name(index, 64);
                if scale == 1 && self.random.below(2) == 0 {
                    return format!("{displacement}({index},%r13)");
                }
                format!("{displacement}(%r13,{index},{scale})")
            }
            _ => format!("{displacement}(%r13)"),
        }
    }

    #[expect(
        clippy::too_many_lines,
        reason = "one arm for each kind of instruction"
    )]
    fn operation(&mut self) {
        let [one, two] = [self.bounded(), self.bounded()];
        let bits = [32, 64][self.random.below(2)];
        let suffix = if bits == 32 { "l" } else { "q" };
        let (from, to) = (Self::name(one, bits), Self::name(two, bits));
        let (known, other) = (self.bounds[one], self.bounds[two]);
        // What 32-bit operations do with a bound.
        let narrowed = |bound: Bound| match bits {
            32 => Bound {
                wide: bound.positive,
                ..bound
            },
            _ => bound,
        };
        let usable = |bound: Option<Bound>| bound.filter(|bound| bits == 32 || bound.wide);
        match self.random.below(16) {
            0 | 1 => {
                self.line(&format!("mov{suffix}\t{from}, {to}"));
                self.set(two, usable(known).map(narrowed));
            }
            2 => {
                let count = self.random.below(4) as u32;
                self.line(&format!("shl{suffix}\t${count}, {to}"));
                let shifted = |bound: Bound| Bound {
                    bits: bound.bits + count,
                    ..bound
                };
                self.set(two, usable(other).map(shifted).map(narrowed));
            }
            3 => {
                let number = [1, -1, 8, -8, 100][self.random.below(5)];
                let name = ["add", "sub"][self.random.below(2)];
                self.line(&format!("{name}{suffix}\t${number}, {to}"));
                let moved = |bound: Bound| Bound {
                    bits: bound.bits.max(7) + 1,
                    positive: false,
                    ..bound
                };
                self.set(two, usable(other).map(moved).map(narrowed));
            }
            4 | 5 => {
                let name = ["add", "sub"][self.random.below(2)];
                self.line(&format!("{name}{suffix}\t{from}, {to}"));
                let sum = usable(known).zip(usable(other)).map(|(one, two)| Bound {
                    bits: one.bits.max(two.bits) + 1,
                    wide: true,
                    positive: name == "add" && one.positive && two.positive,
                });
                self.set(two, sum.map(narrowed));
            }
            6 => {
                let name = ["neg", "not", "inc", "dec"][self.random.below(4)];
                self.line(&format!("{name}{suffix}\t{to}"));
                let moved = |bound: Bound| Bound {
                    bits: bound.bits + 1,
                    positive: false,
                    ..bound
                };
                self.set(two, usable(other).map(moved).map(narrowed));
            }
            7 => {
                let (narrow, wide) = (Self::name(one, 32), Self::name(two, 64));
                self.line(&format!("movslq\t{narrow}, {wide}"));
                self.set(
                    two,
                    known.map(|bound| Bound {
                        wide: true,
                        ..bound
                    }),
                );
            }
            8 => {
                let (narrow, wide) = (Self::name(one, 16), Self::name(two, 32));
                self.line(&format!("movzwl\t{narrow}, {wide}"));
                self.set(
                    two,
                    Some(Bound {
                        bits: 16,
                        wide: true,
                        positive: true,
                    }),
                );
            }
            9 => {
                let place = self.place();
                let name = [
                    "mov", "add", "sub", "and", "or", "xor", "cmp", "test", "adc", "sbb",
                ];
                let name = self.random.pick(&name);
                self.line(&format!("{name}{suffix}\t{from}, {place}"));
            }
            10 => {
                let place = self.place();
                let name = self.random.pick(&["mov", "mov", "imul", "add"]);
                self.line(&format!("{name}{suffix}\t{place}, {to}"));
                self.set(two, None);
            }
            11 => {
                let place = self.place();
                let number = ["1", "-1", "1000", "100000"][self.random.below(4)];
                let name = self.random.pick(&["cmp", "add", "mov", "test", "and"]);
                let suffix = self.random.pick(&["b", "w", "l", "q"]);
                let number = match suffix {
                    "b" => "1",
                    "w" if number == "100000" => "1000",
                    _ => number,
                };
                self.line(&format!("{name}{suffix}\t${number}, {place}"));
            }
            12 => {
                let scale = [1, 2, 4, 8][self.random.below(4)];
                let displacement = [0, 8, -40][self.random.below(3)];
                let (first, second) = (Self::name(one, 64), Self::name(two, 64));
                let base = match self.random.below(3) {
                    0 => "",
                    _ => &first,
                };
                self.line(&format!(
                    "lea{suffix}\t{displacement}({base},{second},{scale}), {to}"
                ));
                self.set(two, None);
            }
            13 => {
                let name = self
                    .random
                    .pick(&["and", "or", "xor", "cmp", "test", "adc", "sbb"]);
                self.line(&format!("{name}{suffix}\t{from}, {to}"));
                let cleared = name == "xor" && one == two;
                if !matches!(name, "cmp" | "test") {
                    self.set(
                        two,
                        cleared.then_some(Bound {
                            bits: 0,
                            wide: true,
                            positive: true,
                        }),
                    );
                }
            }
            14 => match self.random.below(4) {
                0 => {
                    let number = ["-2", "8", "1"][self.random.below(3)];
                    self.line(&format!("pushq\t${number}"));
                    let wide = Self::name(two, 64);
                    self.line(&format!("popq\t{wide}"));
                    self.set(
                        two,
                        Some(Bound {
                            bits: 4,
                            wide: true,
                            positive: !number.starts_with('-'),
                        }),
                    );
                }
                1 => {
                    let byte = Self::name(two, 8);
                    self.line(&format!("setne\t{byte}"));
                    self.set(two, None);
                }
                2 => {
                    self.line(&format!("cmove{suffix}\t{from}, {to}"));
                    self.set(two, None);
                }
                _ => {
                    let byte = Self::name(one, 8);
                    self.line(&format!("movb\t{byte}, 5(%r13)"));
                }
            },
            _ => {
                let factor = [3, -8, 24][self.random.below(3)];
                self.line(&format!("imul{suffix}\t${factor}, {from}, {to}"));
                let times = |bound: Bound| Bound {
                    bits: bound.bits + 5,
                    positive: false,
                    ..bound
                };
                self.set(two, usable(known).map(times).map(narrowed));
            }
        }
    }

    fn control(&mut self) {
        match self.random.below(6) {
            5 => {
                let index = Self::name(self.any(), 64);
                self.line(&format!("movabsq\t$_JIT_OPARG, {index}"));
                self.line(&format!("callq\t*callees(,{index},8)"));
                self.bounds = [None; 16];
            }
            0 => {
                let callee = self.random.below(2);
                self.line(&format!("callq\tcallee_{callee}"));
                self.bounds = [None; 16];
            }
            1 => {
                let name = self.random.pick(&["je", "jne", "js", "jb", "jg"]);
                let target = self.random.pick(&["_JIT_JUMP_TARGET", "_JIT_CONTINUE"]);
                self.line(&format!("{name}\t{target}"));
            }
            _ => {
                let label = format!(".LBB{}_{}", self.number, self.labels);
                self.labels += 1;
                let name = self.random.pick(&["je", "jne", "js", "jb", "jg", "jmp"]);
                self.line(&format!("{name}\t{label}"));
                for _ in 0..self.random.below(4) {
                    self.step();
                }
                let _ = writeln!(self.text, "{label}:");
                // Control comes from two places.
                self.bounds = [None; 16];
            }
        }
    }

    fn step(&mut self) {
        match self.random.below(20) {
            0..4 => self.load(),
            4 => self.control(),
            _ => self.operation(),
        }
    }
}

/// Returns a random function.
fn function(random: &mut Random, number: usize) -> String {
    let mut writer = Writer {
        random,
        bounds: [None; 16],
        text: String::new(),
        number,
        labels: 0,
    };
    writer.load();
    for _ in 0..4 + writer.random.below(20) {
        writer.step();
    }
    writer.line("jmp\t_JIT_CONTINUE");
    writer.text
}

/// Puts numbers in the place of symbols, and gives the function its own names.
fn substituted(
    text: &str,
    values: Values,
    name: &str,
    seen: &mut BTreeMap<String, usize>,
) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let label = line
            .trim()
            .strip_suffix(':')
            .and_then(|name| Label::parse(name).unwrap());
        let Some(Label::Relocation { kind, target, .. }) = label else {
            let mut line = line.to_owned();
            for symbol in [
                "_JIT_OPARG",
                "_JIT_TARGET",
                "_JIT_OPERAND_7",
                "_JIT_OPERAND_8",
                "_JIT_OPERAND0",
            ] {
                if let Some((before, rest)) = line.split_once(&format!("${symbol}")) {
                    let (addend, rest) = rest.split_once(',').unwrap();
                    let addend: u64 = addend.trim_start_matches('+').parse().unwrap_or(0);
                    line = format!("{before}${},{rest}", values.of(symbol).wrapping_add(addend));
                }
            }
            lines.push(line);
            continue;
        };
        let field = match (kind, target) {
            (
                kind,
                LabelTarget::Scaled {
                    symbol,
                    scale,
                    addend,
                },
            ) => {
                let sum = i128::from(values.of(symbol)) * i128::from(scale) + i128::from(addend);
                match kind {
                    RelocationKind::CustomX86_64Field32 => i64::from(u32::try_from(sum).unwrap()),
                    RelocationKind::CustomX86_64Field32s => i64::from(i32::try_from(sum).unwrap()),
                    other => panic!("{other}"),
                }
            }
            other => panic!("{other:?}"),
        };
        let line = lines.last_mut().unwrap();
        let mnemonic = line.split_whitespace().next().unwrap();
        let form = match line.contains(&format!("${FIELD_MARK}")) {
            true => format!("{mnemonic} immediate"),
            false if mnemonic.starts_with("lea") => format!("{mnemonic} displacement"),
            false => "displacement".to_owned(),
        };
        // The assembler writes the bytes of a displacement with a sign.
        let field = match mnemonic {
            "leal" => i64::from(field as i32),
            _ => field,
        };
        *seen.entry(form).or_default() += 1;
        *line = line.replace(&FIELD_MARK.to_string(), &field.to_string());
    }
    let text = lines.join("\n") + "\n";
    let local = format!(".Lend_{name}");
    let text = text
        .replace(".globl\t_JIT_ENTRY", &format!(".globl\t{name}"))
        .replace("\t.def\t_JIT_ENTRY;\n", "")
        .replace("_JIT_ENTRY:", &format!("{name}:"))
        .replace("_JIT_JUMP_TARGET", "leave_1")
        .replace(".L_JIT_CONTINUE", &local)
        .replace("_JIT_CONTINUE", &local)
        .replace(".LBB", &format!(".L{name}"));
    let end = match text.contains(&format!("{local}:")) {
        true => String::new(),
        false => format!("{local}:\n"),
    };
    format!("{text}{end}\tjmp\tleave_0\n")
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let messages = String::from_utf8_lossy(&output.stderr);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{command:?}:\n{messages}{printed}");
    printed.into_owned()
}

/// Executes many random functions. Returns how often each form of a field was there.
#[expect(clippy::too_many_lines, reason = "one step after the other")]
fn execute(seed: u64, count: usize, arguments: Option<u8>) -> Option<BTreeMap<String, usize>> {
    let clang = fixtures::needs::clang_22()?;
    if cfg!(not(all(target_arch = "x86_64", target_os = "linux"))) {
        return None;
    }
    let name = format!("fold-{seed}-{}", arguments.map_or(99, u8::from));
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&directory).unwrap();
    let target = Target::from_triple("x86_64-unknown-linux-gnu").unwrap();
    let options = Options::default().codegen(Codegen::Tuned);
    let optimizer = Optimizer::new(target, options);
    // Operand 8 has 20 bits.
    let known = Known {
        arguments,
        operands: &[0, 0, 0, 0, 0, 0, 0, 64, 20],
        ..Known::default()
    };
    let mut random = Random(seed);
    let mut seen = BTreeMap::new();
    let mut text = String::from("\t.text\n");
    let (mut before, mut after, mut extern_lines) = (String::new(), String::new(), String::new());
    for number in 0..count {
        let values = Values {
            oparg: [0, 1, 7, 0x7fff, 0xffff, random.below(0x1_0000) as u64][random.below(6)],
            target: [0, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff][random.below(4)],
            operand: [
                0,
                1,
                0x7fff_ffff,
                0x8000_0000,
                u64::MAX,
                0x1234_5678_9abc_def0,
            ][random.below(6)],
        };
        let plain = wrapped("", &function(&mut random, number));
        let optimized = optimizer
            .optimize_with(&plain, &known)
            .unwrap_or_else(|error| panic!("{plain}: {error}"));
        text += &substituted(
            &plain,
            values,
            &format!("before_{number}"),
            &mut BTreeMap::new(),
        );
        text += &substituted(
            &optimized.assembly,
            values,
            &format!("after_{number}"),
            &mut seen,
        );
        let _ = writeln!(
            extern_lines,
            "extern void before_{number}(void), after_{number}(void);"
        );
        let _ = write!(before, "before_{number}, ");
        let _ = write!(after, "after_{number}, ");
    }
    text += "\t.section\t.note.GNU-stack,\"\",@progbits\n";
    // What the next micro-op may read.
    let registers: Vec<usize> = match arguments {
        Some(count) => ARGUMENTS
            .into_iter()
            .take(count.into())
            .chain([6])
            .collect(),
        None => (0..16).collect(),
    };
    let mask = |registers: &[usize]| registers.iter().fold(0_u32, |mask, one| mask | 1 << one);
    // A function of any convention; with fewer than eleven arguments, no register but these has one, unless the
    // stencil itself has written %r11.
    let by_calls = mask(&[2, 3, 4, 5, 8, 9, 12, 13, 14, 15]);
    let header = format!(
        "#define COUNT {count}\n#define LIVE {:#x}\n#define CALL_READS {by_calls:#x}\n{extern_lines}\
         static void (*const before[])(void) = {{ {before} }};\n\
         static void (*const after[])(void) = {{ {after} }};\n",
        mask(&registers)
    );
    fs::write(directory.join("functions.h"), header).unwrap();
    fs::write(directory.join("functions.s"), text).unwrap();
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fold");
    let program = directory.join("program");
    run(Command::new(clang)
        .args(["-O1", "-no-pie", "-fno-pie", "-I"])
        .arg(&directory)
        .arg("-o")
        .arg(&program)
        .args([
            sources.join("main.c"),
            sources.join("enter.s"),
            directory.join("functions.s"),
        ]));
    run(&mut Command::new(program));
    Some(seen)
}

#[test]
fn the_processor_does_the_same() {
    let mut all: BTreeMap<String, usize> = BTreeMap::new();
    // How many functions a set has. All forms have to occur, as is checked below.
    let count = if fixtures::is_thorough() { 1200 } else { 400 };
    for (seed, arguments) in (1..=SEEDS).zip([Some(7), None, Some(12), Some(2)].into_iter().cycle())
    {
        let Some(seen) = execute(seed, count, arguments) else {
            return;
        };
        for (form, count) in seen {
            *all.entry(form).or_default() += count;
        }
    }
    let expected = [
        "displacement",
        "leaq displacement",
        "leal displacement",
        "movl immediate",
        "movq immediate",
        "cmpl immediate",
        "cmpq immediate",
        "addl immediate",
        "addq immediate",
        "subq immediate",
        "andl immediate",
        "orq immediate",
        "xorl immediate",
        "testl immediate",
        "adcl immediate",
        "sbbq immediate",
    ];
    for form in expected {
        let count = all.get(form).copied().unwrap_or(0);
        assert!(count >= 2, "{form}: {count} times; {all:?}");
    }
}

/// The order of registers, from the compilers themselves.
#[test]
fn arguments_are_in_this_order() {
    let source = "typedef long long l;\n\
                  __attribute__((preserve_none)) void g(l, l, l, l, l, l, l, l, l, l, l, l);\n\
                  void f(void) { g(101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112); }\n";
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("arguments");
    fs::create_dir_all(&directory).unwrap();
    let file = directory.join("arguments.c");
    fs::write(&file, source).unwrap();
    let older = fixtures::needs::prefix_21().map(|prefix| prefix.join("bin/clang"));
    for clang in fixtures::needs::clang_22().into_iter().chain(older) {
        for triple in [
            "x86_64-unknown-linux-gnu",
            "x86_64-pc-windows-msvc",
            "x86_64-apple-darwin",
        ] {
            let mut command = Command::new(&clang);
            command.arg(format!("--target={triple}"));
            let text = run(command.args(["-O1", "-S", "-o", "-"]).arg(&file));
            let found = (101..=112).map(|number| {
                let before = format!("${number}, %");
                let (_, rest) = text.split_once(&before).unwrap();
                let name = rest
                    .split(|c: char| !c.is_ascii_alphanumeric())
                    .next()
                    .unwrap();
                NAMES
                    .iter()
                    .position(|names| names.contains(&name))
                    .unwrap()
            });
            assert!(found.eq(ARGUMENTS), "{triple}:\n{text}");
        }
    }
}
