//! What tuned passes change on 64-bit Arm and what they leave alone, in hand-made code.

mod common;

use std::{fs, path::Path, process::Command};

use common::{code, target, wrapped};
use jit_optimizer::{Known, Optimizer, Options};
use jit_schema::Codegen;

const ARM: [&str; 3] = [
    "aarch64-unknown-linux-gnu",
    "aarch64-apple-darwin",
    "aarch64-pc-windows-msvc",
];

/// Returns the lines of tuned code, of which `known` is known besides.
fn lines(triple: &str, known: &Known<'_>, body: &str) -> Vec<String> {
    let options = Options::default().codegen(Codegen::Tuned);
    let optimizer = Optimizer::new(target(triple), options);
    let prefix = target(triple).symbol_prefix;
    let text = optimizer.optimize_with(&wrapped(prefix, body), known);
    let lines = code(&text.unwrap().assembly);
    lines[1..lines.len() - 1].to_vec()
}

#[test]
fn pairs_have_a_label_each() {
    let tuned = |triple: &str, body: &str| lines(triple, &Known::default(), body);
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
    // Other instructions may come in between, even another pair.
    let apart = "\tadrp\tx8, _A@GOTPAGE\n\tadrp\tx9, _B@GOTPAGE\n\tldr\tx8, [x8, _A@GOTPAGEOFF]\n\tldr\tx9, [x9, _B@GOTPAGEOFF]\n";
    let ([first, third], [second, fourth]) = (pair("_A", 0), pair("_B", 1));
    let expected = [
        &first,
        "adrp x8, _A@GOTPAGE",
        &second,
        "adrp x9, _B@GOTPAGE",
        &third,
        "ldr x8, [x8, _A@GOTPAGEOFF]",
        &fourth,
        "ldr x9, [x9, _B@GOTPAGEOFF]",
    ];
    assert_eq!(darwin(apart), expected);
    // Another register, half a register, another symbol, an address, or something in between that uses the register or
    // may jump.
    for (old, new) in [
        ("ldr\tx8, [x8", "ldr\tx9, [x8"),
        ("ldr\tx8", "ldr\tw8"),
        ("_PyLong_Type@GOTPAGEOFF", "_PyFloat_Type@GOTPAGEOFF"),
        ("@GOTPAGE", "@PAGE"),
        ("\tldr", "\tmov\tx9, x8\n\tldr"),
        ("\tldr", "\tmov\tw8, #1\n\tldr"),
        ("\tldr", "\tbl\t_f\n\tldr"),
        ("\tldr", "\tcbz\tx1, LBB0_1\n\tldr"),
    ] {
        let lines = darwin(&load.replace(old, new));
        assert!(
            !lines.iter().any(|line| line.ends_with(':')),
            "{new}: {lines:?}"
        );
    }
}

/// Returns the spelling of a load from the slot of a symbol on 64-bit Arm.
fn load(triple: &str, register: &str, symbol: &str) -> String {
    let [page, offset] = match triple {
        "aarch64-apple-darwin" => ["_SYMBOL@GOTPAGE", "_SYMBOL@GOTPAGEOFF"],
        "aarch64-pc-windows-msvc" => ["__imp_SYMBOL", ":lo12:__imp_SYMBOL"],
        _ => [":got:SYMBOL", ":got_lo12:SYMBOL"],
    };
    format!("\tadrp\t{register}, {page}\n\tldr\t{register}, [{register}, {offset}]\n")
        .replace("SYMBOL", symbol)
}

#[test]
fn small_values_are_immediate_on_arm() {
    let known = Known {
        operands: &[16, 17, 32, 33, 0, 3],
        ..Known::default()
    };
    let lines = |triple: &str, body: &str| lines(triple, &known, body);
    let part = |half: char, symbol: &str, number: u32| {
        format!("CUSTOM_AARCH64_CONST16{half}_JIT_RELOCATION_{symbol}_JIT_RELOCATION_{number}:")
    };
    for triple in ARM {
        let load = |symbol: &str| load(triple, "x8", symbol);
        for narrow in ["_JIT_OPARG", "_JIT_OPERAND_0", "_JIT_OPERAND_5"] {
            let expected = [part('a', narrow, 0), "movz x8, 0".to_owned()];
            assert_eq!(lines(triple, &load(narrow)), expected, "{triple}");
            // A mask that keeps all bits.
            let masked =
                load(narrow) + "\tmov\tx0, x1\n\tand\tw8, w8, #0xffff\n\tadd\tx0, x0, x8\n";
            let others = ["mov x0, x1", "add x0, x0, x8"].map(str::to_owned);
            let expected = [&expected[..], &others].concat();
            assert_eq!(lines(triple, &masked), expected, "{triple}");
        }
        for wide in ["_JIT_TARGET", "_JIT_OPERAND_1", "_JIT_OPERAND_2"] {
            let expected = [
                part('a', wide, 0),
                "movz x8, 0".to_owned(),
                part('b', wide, 1),
                "movk x8, 0, lsl".to_owned(),
            ];
            assert_eq!(lines(triple, &load(wide)), expected, "{triple}");
        }
        // Masks that take away bits, or write another register.
        for (symbol, other) in [
            ("_JIT_OPERAND_0", "\tand\tx8, x8, #0xff\n"),
            ("_JIT_OPERAND_1", "\tuxth\tw8, w8\n"),
            ("_JIT_OPERAND_0", "\tuxth\tw9, w8\n"),
            ("_JIT_OPERAND_0", "\tand\tw8, w9, #0xffff\n"),
            ("_JIT_OPERAND_0", "\tmov\tx8, x9\n"),
            ("_JIT_OPERAND_0", "\tadds\tw8, w8, #0xffff\n"),
            (
                "_JIT_OPERAND_0",
                "\tadd\tx8, x8, x1\n\tand\tx8, x8, #0xffff\n",
            ),
        ] {
            let last = lines(triple, &(load(symbol) + other)).pop().unwrap();
            let other = other.trim().lines().next_back().unwrap();
            let other = other.replace('\t', " ");
            assert_eq!(
                Some(&*last),
                other.split('#').next().map(str::trim),
                "{triple}"
            );
        }
        // Values of more bits, and symbols that are none.
        for symbol in [
            "_JIT_OPERAND0",
            "_JIT_OPERAND_3",
            "_JIT_OPERAND_4",
            "_JIT_OPERAND_6",
            "_JIT_PLACE_0",
            "PyLong_Type",
        ] {
            let lines = lines(triple, &load(symbol));
            assert!(
                !lines.iter().any(|line| line.starts_with("mov")),
                "{triple} {symbol}"
            );
        }
        // A load that is no pair.
        let unpaired = load("_JIT_OPERAND_0").replace("\tldr", "\tadd\tx9, x8, #1\n\tldr");
        let lines = lines(triple, &unpaired);
        assert!(
            !lines.iter().any(|line| line.starts_with("mov")),
            "{triple}"
        );
    }
}

/// Returns the lines of tuned code whose operands have 8, 9, 10, 12 and 13 bits.
fn lines_with_operands(triple: &str, arguments: Option<u8>, body: &str) -> Vec<String> {
    let known = Known {
        operands: &[8, 9, 10, 12, 13],
        arguments,
        ..Known::default()
    };
    lines(triple, &known, body)
}

/// Returns the spelling of a load of an operand.
fn operand(triple: &str, number: usize, register: &str) -> String {
    load(triple, register, &format!("_JIT_OPERAND_{number}"))
}

/// Operands are numbers in offsets and immediates, where they fit.
#[test]
fn small_numbers_are_fields_on_arm() {
    let field = |operand: usize, scale: u32, number: u32| {
        let symbol = format!("_JIT_OPERAND_{operand}");
        format!(
            "CUSTOM_AARCH64_FIELD12_JIT_RELOCATION_{symbol}_JIT_TIMES_{scale}_JIT_PLUS_0_JIT_RELOCATION_{number}:"
        )
    };
    for triple in ARM {
        let load = |number, register| operand(triple, number, register);
        let lines = lines_with_operands;
        for (operand, code, scale, expected) in [
            (0, "ldr\tx9, [x20, x8, lsl #3]", 8, "ldr x9, [x20]"),
            (1, "ldr\tx8, [x20, x8, lsl #3]", 8, "ldr x8, [x20]"),
            (2, "str\tw9, [sp, w8, uxtw #2]", 4, "str w9, [sp]"),
            (2, "ldrsh\tx9, [x20, w8, sxtw #1]", 2, "ldrsh x9, [x20]"),
            (3, "ldrb\tw9, [x20, x8]", 1, "ldrb w9, [x20]"),
            (0, "ldr\tq0, [x20, x8, lsl #4]", 16, "ldr q0, [x20]"),
            (3, "add\tx9, x20, x8", 1, "add x9, x20,"),
            (3, "subs\tw8, w9, w8", 1, "subs w8, w9,"),
            (0, "add\tx9, x20, w8, uxtb #3", 8, "add x9, x20,"),
            (3, "cmp\tw9, w8", 1, "cmp w9,"),
        ] {
            let body = load(operand, "x8") + "\t" + code + "\n";
            let expected = [field(operand, scale, 0), expected.to_owned()];
            assert_eq!(lines(triple, Some(3), &body), expected, "{triple}: {code}");
        }
        // Two uses. The later label has the smaller number.
        let body = load(0, "x8")
            + "\tldr\tx9, [x20, x8, lsl #3]\n\tadd\tx9, x9, #1\n\tstr\tx9, [x20, x8, lsl #3]\n";
        let expected = [
            &field(0, 8, 1),
            "ldr x9, [x20]",
            "add x9, x9,",
            &field(0, 8, 0),
            "str x9, [x20]",
        ];
        assert_eq!(lines(triple, Some(3), &body), expected, "{triple}");
    }
}

/// Operands that are too large, not a multiple of the access, used as they are, or by an instruction without a field.
#[test]
fn other_numbers_are_no_fields_on_arm() {
    for triple in ARM {
        let load = |number, register| operand(triple, number, register);
        let lines = lines_with_operands;
        for (operand, code) in [
            (2, "ldr\tx9, [x20, x8, lsl #3]"),
            (4, "add\tx9, x20, x8"),
            (1, "add\tx9, x20, w8, uxtb #3"),
            (0, "ldr\tx9, [x20, x8]"),
            (0, "str\tx8, [x20, x8, lsl #3]"),
            (0, "ldr\tx9, [x8, x20, lsl #3]"),
            (0, "ldr\tx9, [x8], #8"),
            (0, "mul\tx9, x9, x8"),
            (0, "sub\tx9, x8, x9"),
            (0, "cmp\tx8, x9"),
            (0, "add\tx9, sp, x8"),
            (0, "add\tx8, x8, x8"),
            (0, "add\tx9, x20, x8, lsr #3"),
            (0, "ldr\tx9, [x20, x8, lsl #3]\n\tmov\tx10, x8"),
            (0, "ldr\tx9, [x20, x8, lsl #3]\n\tst64b\tx2, [x20]"),
            (0, "ldr\tx9, [x20, x8, lsl #3]\n\thint\t#40"),
            (0, "ldr\tx9, [x20, x8, lsl #3]\n\tblr\tx8"),
        ] {
            let body = load(operand, "x8") + "\t" + code + "\n";
            let lines = lines(triple, Some(3), &body);
            assert!(
                lines.iter().any(|line| line == "movz x8, 0"),
                "{triple}: {code}"
            );
        }
    }
}

/// The register has its number for whoever may read it later.
#[test]
fn numbers_that_are_read_later_stay_in_registers_on_arm() {
    for triple in ARM {
        let load = |number, register| operand(triple, number, register);
        let lines = lines_with_operands;
        // The next micro-op may read the register.
        for (register, arguments, is_kept) in [
            ("x22", Some(3), true),
            ("x23", Some(3), false),
            ("x9", Some(11), false),
            ("x9", Some(12), true),
            ("x8", Some(12), false),
            ("x8", None, true),
            ("x19", Some(3), true),
            ("x0", Some(3), false),
        ] {
            let body = load(0, register) + &format!("\tldr\tx10, [x20, {register}, lsl #3]\n");
            let lines = lines(triple, arguments, &body);
            let kept = lines.iter().any(|line| line.starts_with("movz"));
            assert_eq!(kept, is_kept, "{triple}: {register}");
        }
        // A function that is called may read it as well, unless it never gets an argument in it.
        for (register, is_kept) in [("x8", false), ("x9", true), ("x0", true), ("x17", false)] {
            let call = format!(
                "\tldr\tx10, [x20, {register}, lsl #3]\n\tbl\tf\n\tadd\tx9, x9, {register}\n"
            );
            let lines = lines(triple, Some(3), &(load(0, register) + &call));
            let kept = lines.iter().any(|line| line.starts_with("movz"));
            assert_eq!(kept, is_kept, "{triple}: {register}");
        }
        // So may whoever gets a result.
        for (register, is_kept) in [("x0", true), ("x8", false), ("x17", false), ("x18", true)] {
            let rest = format!("\tldr\tx10, [x20, {register}, lsl #3]\n\tret\n");
            let lines = lines(triple, None, &(load(0, register) + &rest));
            let kept = lines.iter().any(|line| line.starts_with("movz"));
            assert_eq!(kept, is_kept, "{triple}: {register}");
        }
        // Other blocks may read it as well, in a loop the same block.
        let label = format!("{}BB0_1", target(triple).label_prefix);
        let start = load(0, "x8") + "\tldr\tx9, [x20, x8, lsl #3]\n\tcbz\tx9, LABEL\n";
        for (rest, is_kept) in [
            (
                "\tmov\tx8, #1\nLABEL:\n\tmov\tx8, #2\n\tadd\tx9, x9, x8\n",
                false,
            ),
            ("\tmov\tx8, #1\nLABEL:\n\tadd\tx9, x9, x8\n", true),
            ("\tadd\tx9, x9, x8\nLABEL:\n\tmov\tx8, #2\n", true),
            ("\tret\nLABEL:\n\tmov\tx8, #2\n", false),
            ("\tmov\tw8, #1\nLABEL:\n\tldrb\tw8, [x9]\n", false),
            ("\tmovk\tx8, #1\nLABEL:\n\tmov\tx8, #2\n", true),
        ] {
            let body = (start.clone() + rest).replace("LABEL", &label);
            let lines = lines(triple, Some(3), &body);
            let kept = lines.iter().any(|line| line == "movz x8, 0");
            assert_eq!(kept, is_kept, "{triple}: {rest}");
        }
    }
}

/// The order of registers that tells what the next micro-op may read, from the compilers themselves. Only Windows has no
/// argument in x15, the last one.
#[test]
fn arguments_are_in_this_order() {
    let numbers: Vec<String> = (101..=123).map(|number| number.to_string()).collect();
    let source = format!(
        "typedef long long l;\n__attribute__((preserve_none)) void g({});\nvoid f(void) {{ g({}); }}\n",
        vec!["l"; numbers.len()].join(", "),
        numbers.join(", ")
    );
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("arguments-arm");
    fs::create_dir_all(&directory).unwrap();
    let file = directory.join("arguments.c");
    fs::write(&file, source).unwrap();
    let older = fixtures::needs::prefix_21().map(|prefix| prefix.join("bin/clang"));
    for clang in fixtures::needs::clang_22().into_iter().chain(older) {
        for triple in ARM {
            let mut command = Command::new(&clang);
            command.arg(format!("--target={triple}"));
            let output = command.args(["-O1", "-S", "-o", "-"]).arg(&file).output();
            let output = output.unwrap();
            assert!(output.status.success(), "{triple}");
            let text = String::from_utf8(output.stdout).unwrap();
            // `mov w20, #101`, with or without a comment.
            let register = |number: &String| -> Option<u8> {
                text.lines().find_map(|line| {
                    let (register, value) = line.trim().strip_prefix("mov")?.split_once(", #")?;
                    let is_it = value.split_whitespace().next() == Some(number);
                    register.trim().get(1..).filter(|_| is_it)?.parse().ok()
                })
            };
            let found = numbers.iter().filter_map(register);
            let expected = (20..=28).chain(0..=7).chain(10..=14).chain([9]);
            assert!(found.eq(expected), "{triple}:\n{text}");
        }
    }
}
