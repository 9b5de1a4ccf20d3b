//! Families: operations that become a stencil for each choice of where their operands are.

use std::fs;

use jit_stencils::{Location, StencilSet};

use crate::sandbox::{LINUX, Sandbox};

const CONFIG: &str = "\
source = \"ops.c\"
emit = [\"stencils\"]

[registers]
reg = 2
vec = 1

[family.add]
results = { to = [\"reg\", \"mem\"] }
operands = { left = [\"mem\", \"reg\"], a = [\"imm\", \"reg\"] }
[family.less]
operands = { a = [\"vec\", \"mem\"] }
targets = 2
[family.nothing]
";

const OPS: &str = "\
typedef long long number;
static number add(number a, number b) { return a + b; }
static int less(double a) { return a < 1; }
static void nothing(void *frame) { *(number *)frame += 1; }
";

/// Builds a project for x86_64 Linux.
fn set(sandbox: &Sandbox, config: &str, ops: &str) -> StencilSet {
    sandbox.write("p/jit.toml", config);
    sandbox.write("p/ops.c", ops);
    let words = ["build", "-o", "out", "--llvm-version", "22", "-t", LINUX];
    let run = sandbox.run(&words).with(&["--config", "p/jit.toml"]);
    run.succeeds();
    let path = sandbox.path(&format!("out/jit_stencils-{LINUX}.stencils"));
    jit_stencils::file::decode(&fs::read(path).unwrap()).unwrap()
}

/// Returns the message of a build that fails.
fn message(config: &str, ops: &str, (status, target): (i32, &str)) -> String {
    let sandbox = Sandbox::new();
    sandbox.write("p/jit.toml", config);
    sandbox.write("p/ops.c", ops);
    let words = ["build", "-o", "out", "--llvm-version", "22", "-t", target];
    let run = sandbox.run(&words).with(&["--config", "p/jit.toml"]);
    run.fails(status)
}

fn code<'s>(set: &'s StencilSet, name: &str) -> (&'s [u8], &'s [u8], u16) {
    let group = set.group(name).unwrap_or_else(|| panic!("no {name}"));
    let interface = &group.interface;
    (&group.code.body, &interface.operands, interface.targets)
}

#[test]
fn each_choice_becomes_a_stencil() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new();
    let set = set(&sandbox, CONFIG, OPS);
    let names: Vec<&str> = set.groups.iter().map(|(name, _)| name.as_str()).collect();
    // 3 * 3 * 3 of `add`, without those that are the same as another one with its operands exchanged, 2 of `less`, 1 of
    // `nothing`.
    assert_eq!(names.len(), 27, "{names:?}");
    let [add, less, nothing] = &set.families[..] else {
        panic!("{:?}", set.families);
    };
    let named = |member: usize| names[add.members[member] as usize];
    assert_eq!(add.members.len(), 27);
    // The last operand changes fastest; `to` is in r0, r1 or the frame, `left` in the frame, r0 or r1.
    assert_eq!(
        (named(0), named(4), named(8)),
        ("add_r0_m_i", "add_r0_r0_r0", "add_r0_r1_r1")
    );
    assert_eq!(
        (named(9), named(7), named(5)),
        ("add_r1_m_i", "add_r0_r0_r1", "add_r0_r0_r1")
    );
    let operands: Vec<&str> = add.operands.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(operands, ["to", "left", "a"]);
    assert_eq!(
        add.operands[1].choices,
        [Location::Mem, Location::Reg(0), Location::Reg(1)]
    );
    assert_eq!((less.members.len(), nothing.members.len()), (2, 1));
    // The assembler encodes `leaq (%r13,%r14), %r13` or `addq %r14, %r13`.
    assert_eq!(
        code(&set, "add_r0_r0_r1"),
        (&b"\x4d\x01\xf5"[..], &[][..], 0)
    );
    let (_, operands, _) = code(&set, "add_m_r0_i");
    assert_eq!(operands, [31, 0, 64]);
    let (_, operands, targets) = code(&set, "less_m");
    assert_eq!((operands, targets), (&[31][..], 2));
    // It has no operand and is called as its function is.
    assert_eq!(
        code(&set, "nothing"),
        (&b"\x49\xff\x04\x24"[..], &[][..], 0)
    );
}

/// How many bits operands have, and what code becomes of that.
#[test]
fn operands_of_few_bits_are_fields_of_tuned_code() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new();
    let far = "{ in = \"mem\", bits = 64 }";
    let config = format!(
        "codegen = \"tuned\"\n{CONFIG}\
         [family.near]\nresults = {{ to = [\"reg\"] }}\noperands = {{ a = [\"mem\"], b = [{{ in = \"imm\", bits = 31 }}] }}\n\
         [family.far]\nresults = {{ to = [\"reg\", {far}] }}\noperands = {{ a = [{far}, {{ in = \"imm\", bits = 8 }}] }}\n"
    );
    let more = "static number near(number a, number b) { return a + b; }\nstatic number far(number a) { return a; }\n";
    let set = set(&sandbox, &config, &format!("{OPS}{more}"));
    // What the assembler makes of `movl $0x4d3c2b1a, %r13d`, `addq 0x4d3c2b1a(%r12), %r13`, with the number that marks fields.
    let near = b"\x41\xbd\x1a\x2b\x3c\x4d\x4d\x03\xac\x24\x1a\x2b\x3c\x4d";
    assert_eq!(code(&set, "near_r0_m_i"), (&near[..], &[0, 31, 31][..], 0));
    // `movabsq $0, %rax`, `movq (%r12,%rax), %r13`.
    let far = b"\x48\xb8\0\0\0\0\0\0\0\0\x4d\x8b\x2c\x04";
    assert_eq!(code(&set, "far_r0_m"), (&far[..], &[0, 64][..], 0));
    assert_eq!(code(&set, "far_m_i").1, [64, 8]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "one case after the other")]
fn wrong_families_are_refused_with_their_lines() {
    fixtures::needs!(clang_22, objdump_22);
    let family = |lines: &str| {
        format!(
            "source = \"ops.c\"\nemit = [\"stencils\"]\n[registers]\nreg = 11\nvec = 8\n[family.add]\n{lines}\n"
        )
    };
    let any = "[\"reg\", \"imm\", \"mem\"]";
    for (config, expected) in [
        (
            family(&format!(
                "operands = {{ a = {any}, b = {any}, c = {any}, d = {any}, e = {any} }}"
            )),
            "line 6: [family.add]: it has 371293 members (13 of a * 13 of b * 13 of c * 13 of d * 13 of e), and 100000 can",
        ),
        (
            family(&format!(
                "operands = {{ a = {any}, b = {any}, c = {any}, d = {any} }}\n[family.b]\noperands = {{ a = {any}, b = {any}, \
                 c = {any}, d = {any} }}\n[family.c]\noperands = {{ a = {any}, b = {any}, c = {any}, d = {any} }}\n\
                 [family.d]\noperands = {{ a = {any}, b = {any}, c = {any}, d = {any} }}"
            )),
            "line 12: [family.d]: with it, the families have more than 114244 members, and 100000 can be built",
        ),
        (
            family("operands = { a = [\"rex\"] }"),
            "line 7: [family.add]: a: \"rex\" is not known",
        ),
        (
            family("operands = { a = [{ in = \"mem\", bits = 7 }] }"),
            "line 7: [family.add]: a: bits = 7: an operand has 8 to 64 bits",
        ),
        (
            family("operands = { a = [{ in = \"imm\", bits = \"31\" }] }"),
            "a: bits = \"31\": an operand has 8 to 64 bits",
        ),
        (
            family("operands = { a = [{ in = \"reg\", bits = 64 }] }"),
            "a: bits is for \"imm\" and \"mem\": what is in reg has 64 bits",
        ),
        (
            family("operands = { a = [\"mem\", { in = \"mem\", bits = 64 }] }"),
            "a: \"mem\" is there twice",
        ),
        (
            family("operands = { a = [{ in = \"mem\", unit = 12 }] }"),
            "a: unit = 12: it is a number of bytes, a power of two of at most 64",
        ),
        (
            family("operands = { a = [{ in = \"imm\", unit = 8 }] }"),
            "a: unit is for \"mem\", an offset in the frame, and not for imm",
        ),
        (
            family("operands = { a = [{ in = \"mem\", bit = 64 }] }"),
            "a: { bit = 64, in = \"mem\" } is not known: write",
        ),
        (
            family("operands = { a = [{ bits = 64 }] }"),
            "a: { bits = 64 } is not known: write",
        ),
        (
            family("operands = { a = [64] }"),
            "a: 64 is not known: write",
        ),
        (
            family("operands = { a = [] }"),
            "line 7: [family.add]: a: name at least one of",
        ),
        (
            family("operands = { a = [\"mem\", \"mem\"] }"),
            "a: \"mem\" is there twice",
        ),
        (
            family("operands = { a = [\"reg\", \"vec\"] }"),
            "a: \"reg\" is for integers",
        ),
        (
            family("results = { a = [\"mem\"] }\noperands = { a = [\"mem\"] }"),
            "line 8: [family.add]: there are two operands of the name a",
        ),
        (
            family("results = { a = [\"imm\"] }"),
            "result a can't be imm",
        ),
        (
            family("targets = 1025"),
            "line 7: [family.add]: targets = 1025: there can be 1024",
        ),
        (
            family("keeps = 12"),
            "line 7: [family.add]: keeps = 12: there are 11 registers",
        ),
        (family("clobbers = 1"), "unknown field `clobbers`"),
        (
            family("").replace("family.add", "family.\"a+b\""),
            "line 6: [family.a+b]: the name is that of a function in C",
        ),
        (
            family("").replace("11", "12"),
            "line 4: [registers] reg = 12: there can be 11",
        ),
        (
            family("").replace("8", "9"),
            "line 5: [registers] vec = 9: there can be 8",
        ),
        (
            family("operands = { a = [\"vec\"] }").replace("8", "0"),
            "line 7: [family.add]: a: there is no vec",
        ),
        (
            "source = \"ops.c\"\n[family.add]\n".to_owned(),
            "line 2: [family.add] needs [registers]",
        ),
        (
            family("").replace("family.add", "family.sub"),
            "line 6: [family.sub]: the files define no function sub",
        ),
        (
            "[registers]\nreg = 1\n".to_owned(),
            "registers is for a project whose micro-ops are functions",
        ),
    ] {
        let text = message(&config, OPS, (21, LINUX));
        assert!(
            text.contains("jit.toml: ") && text.contains(expected),
            "{config}\n{text}"
        );
    }
    let text = message(&family("").replace("stencils", "header"), OPS, (21, LINUX));
    assert!(
        text.contains(
            "line 6: [family.add]: a header of functions that patch stencils has no families"
        ),
        "{text}"
    );
    let text = message(CONFIG, OPS, (21, "i686-pc-windows-msvc"));
    assert!(
        text.contains("line 8: [family.add]: i686-pc-windows-msvc passes no arguments"),
        "{text}"
    );
}

/// What the function has differs from what the table says.
#[test]
#[expect(clippy::too_many_lines, reason = "one case after the other")]
fn functions_that_a_family_does_not_fit_are_refused_with_their_places() {
    fixtures::needs!(clang_22, objdump_22);
    for (config, function, expected) in [
        (
            "",
            "number add(number a) { return a; }",
            "the function has 1 parameters, but the family has 2 operands",
        ),
        (
            "",
            "number add(number a, double b) { return a; }",
            "parameter 2, operand a, is double, but the operand can be in reg",
        ),
        (
            "",
            "int add(number a, number b) { return 1; }",
            "the function returns i32, and it is not known how result to",
        ),
        (
            "",
            "double add(number a, number b) { return 1; }",
            "the function returns double, but result to is reg",
        ),
        (
            "",
            "number add(number f, number a, number b) { return f; }",
            "parameter 1 is no pointer",
        ),
        (
            "",
            "void add(number a, number b) { }",
            "1 results that it does not return and 2 operands",
        ),
        (
            "",
            "number add(__int128 a, number b) { return 1; }",
            "parameter 1 is no integer of up to 64 bits",
        ),
        (
            "",
            "number add(struct { number a[3]; } a, number b) { return 1; }",
            "parameter 1 is no integer of up to 64 bits",
        ),
        (
            "",
            "__attribute__((preserve_none)) number add(number a, number b) { return 1; }",
            "the calling convention of C, not preserve_nonecc",
        ),
        (
            "targets = 1",
            "number add(number a, number b) { return 1; }",
            "1 results that it does not return",
        ),
        (
            "targets = 1",
            "void add(number *to, number a, number b) { *to = a; }",
            "so the function returns where to go",
        ),
        (
            "",
            "static number n;\nnumber add(number a, number b) { return n++; }",
            "n is a variable that can change",
        ),
    ] {
        let config = CONFIG.replace("[family.less]", &format!("{config}\n[family.less]"));
        let ops = OPS.replace(
            "static number add(number a, number b) { return a + b; }",
            function,
        );
        let text = message(&config, &ops, (14, LINUX));
        let line = 1 + function.lines().count();
        assert!(
            text.contains(&format!("ops.c:{line}: ")) && text.contains(expected),
            "{ops}\n{text}"
        );
        assert_eq!(text.matches(expected).count(), 1, "{text}");
    }
    let config = CONFIG.replace("\"ops.c\"", "[\"ops.c\", \"jit.c\"]");
    let sandbox = Sandbox::new();
    sandbox.write("p/jit.c", OPS);
    sandbox.write("p/jit.toml", config);
    sandbox.write("p/ops.c", OPS);
    let run = sandbox.run(&["build", "-o", "out", "--llvm-version", "22", "-t", LINUX]);
    let twice = run.with(&["--config", "p/jit.toml"]).fails(10);
    assert!(
        twice.contains("add in ") && twice.contains("are both micro-op add"),
        "{twice}"
    );
}

/// A program in C compiles a trace of members of families, with the functions of the header, and runs it.
#[test]
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
fn programs_in_c_find_members() {
    fixtures::needs!(clang_22, c_compiler);
    let sandbox = Sandbox::new();
    let shim = "typedef __attribute__((preserve_none)) void code(void *frame);\n\
        void enter(void *frame, code *trace) { trace(frame); }\n";
    let config = CONFIG.replace("[\"stencils\"]", "[\"c\"]\nshim = \"shim.c\"")
        + "[family.move]\nresults = { to = [\"reg\", \"mem\"] }\noperands = { a = [\"imm\", \"reg\"] }\n\
           [family.leave]\nleaves = true\n";
    sandbox.write("p/jit.toml", &config);
    let more = "static number move(number a) { return a; }\nstatic void leave(void) {}\n";
    sandbox.write("p/ops.c", &(OPS.to_owned() + more));
    sandbox.write("p/shim.c", shim);
    let words = ["build", "-o", "out", "--llvm-version", "22", "-t", LINUX];
    sandbox
        .run(&words)
        .with(&["--config", "p/jit.toml"])
        .succeeds();
    // values[2] = (values[1] + 7) + (values[0] + 1), in this order: the first word is added to by `nothing`.
    let program = "#include \"out/jit_host-x86_64-unknown-linux-gnu.h\"\n#include <stdio.h>\n\
        #define OP(family, ...) {family, 3, 0, (const uint64_t[]){__VA_ARGS__}, NULL}\n\
        int main(void)\n{\n\
        const jit_instruction trace[] = {\n\
            OP(jit_family_nothing(), 0, 0, 0),\n\
            OP(jit_family_add(JIT_IN_add_to_r0, JIT_IN_add_left_m, JIT_IN_add_a_i), 0, 8, 7),\n\
            OP(jit_family_move(JIT_IN_move_to_r1, JIT_IN_move_a_r0), 0, 0, 0),\n\
            OP(jit_family_add(JIT_IN_add_to_m, JIT_IN_add_left_m, JIT_IN_add_a_r1), 16, 0, 0),\n\
            OP(jit_family_leave(), 0, 0, 0),\n\
        };\n\
        jit_code code;\njit_error error;\n\
        if (jit_compile(&code, trace, 5, NULL, NULL, &error)) { puts(jit_status_text(error.status)); return 1; }\n\
        const jit_instruction shim = {JIT_SHIM, 0, 0, NULL, NULL};\njit_code entry;\n\
        if (jit_compile(&entry, &shim, 1, NULL, NULL, &error)) { puts(jit_status_text(error.status)); return 1; }\n\
        int64_t values[3] = {100, 20, 0};\n\
        void (*enter)(void *, void *);\nvoid *at = entry.entry;\nmemcpy(&enter, &at, sizeof enter);\n\
        enter(values, code.entry);\n\
        printf(\"%d %d %d\", (int)values[0], (int)values[1], (int)values[2]);\nreturn 0;\n}\n";
    sandbox.write("program.c", program);
    let script = "cc -std=c11 -O1 -Wall -Wextra -Werror -o program program.c && ./program";
    let output = std::process::Command::new("sh")
        .args(["-c", script])
        .current_dir(sandbox.path(""))
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{printed}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(printed, "101 20 128");
}
