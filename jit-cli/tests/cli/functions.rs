//! Projects whose micro-ops are functions: the three of `fixtures/functions`, their caches, and wrong ones.

use std::{collections::BTreeSet, fs};

use fixtures::workspace;
use jit_cli::Target;
use jit_schema::Arch;
use jit_stencils::{HoleValue, PatchValue, StencilGroup, StencilSet};

use crate::sandbox::{LINUX, Run, Sandbox};

/// Targets that differ in their processors, their systems and the sizes of their addresses.
const SOME_TARGETS: [&str; 3] = [LINUX, "aarch64-apple-darwin", "i686-pc-windows-msvc"];

/// Returns the build of the project in the directory `p`.
fn build(sandbox: &Sandbox) -> Run<'_> {
    build_for(sandbox, LINUX)
}

fn build_for<'a>(sandbox: &'a Sandbox, triple: &str) -> Run<'a> {
    sandbox.run(&[
        "build",
        "-o",
        "out",
        "--llvm-version",
        "22",
        "-t",
        triple,
        "--config",
        "p/jit.toml",
    ])
}

/// Returns the stencils that a project of `fixtures/functions` becomes, and what is printed.
fn stencils(sandbox: &Sandbox, project: &str, triple: &str) -> (StencilSet, String) {
    let config = workspace().join(format!("fixtures/functions/{project}/jit.toml"));
    let printed = sandbox
        .run(&[
            "build",
            "-o",
            "out",
            "--llvm-version",
            "22",
            "-t",
            triple,
            "--config",
        ])
        .with(&[config])
        .succeeds();
    (written(sandbox, "out", triple), printed.stdout)
}

/// Reads the stencil file in a directory of generated files.
fn written(sandbox: &Sandbox, directory: &str, triple: &str) -> StencilSet {
    let path = sandbox.path(&format!("{directory}/jit_stencils-{triple}.stencils"));
    jit_stencils::file::decode(&fs::read(path).unwrap()).unwrap()
}

/// The symbols of the host that holes name.
fn symbols(set: &StencilSet) -> BTreeSet<String> {
    let groups = set.groups.iter().map(|(_, group)| group);
    let holes = groups.flat_map(|group| group.code.holes.iter().chain(&group.data.holes));
    let named = holes.filter_map(|hole| match &hole.value {
        PatchValue::Address { symbol, .. } => symbol.as_ref().map(|symbol| symbol.to_string()),
        PatchValue::Scaled { .. } | PatchValue::GotSlot { .. } | PatchValue::Symbol { .. } => None,
    });
    named.chain(set.symbols.iter().cloned()).collect()
}

fn interface(set: &StencilSet, name: &str) -> (Vec<u8>, u16) {
    let group = set.groups.iter().find(|(known, _)| known == name);
    let (_, group) = group.unwrap_or_else(|| panic!("no {name}"));
    (group.interface.operands.clone(), group.interface.targets)
}

/// The three styles of code that the tools of others take build with a `jit.toml` alone. The tests of fixtures/functions
/// build them for all targets, and run them.
#[test]
fn thirty_functions_of_each_style() {
    fixtures::needs!(clang_22, objdump_22);
    for triple in SOME_TARGETS {
        let sandbox = Sandbox::new();
        let target = Target::from_triple(triple).unwrap();
        let pointer = 8 * target.arch.pointer_size();
        let (set, printed) = stencils(&sandbox, "registers", triple);
        assert_eq!(set.groups.len(), 30, "{triple}");
        // The compiler's own functions for numbers of 64 bits are the host's, too.
        let more = match target.arch.pointer_size() {
            4 => &["_alldiv", "_aulldiv"][..],
            _ => &[],
        };
        let expected: Vec<&str> = [more, &["host_counter", "host_power"]].concat();
        let line = format!("{triple}: the host defines {}\n", expected.join(", "));
        assert!(printed.contains(&line), "{printed}");
        assert!(symbols(&set).iter().eq(expected), "{triple}");
        assert_eq!(interface(&set, "stencil_add"), (vec![16, 16, 16], 0));
        assert_eq!(
            interface(&set, "stencil_load"),
            (vec![16, 0, 0, pointer], 0)
        );
        assert_eq!(interface(&set, "stencil_compare"), (vec![16, 16], 2));
        assert_eq!(interface(&set, "stencil_exit"), (vec![], 0));

        let (set, printed) = stencils(&sandbox, "steps", triple);
        assert_eq!(set.groups.len(), 30, "{triple}");
        assert!(
            printed.contains(": the host defines host_log\n"),
            "{printed}"
        );
        assert_eq!(
            symbols(&set),
            BTreeSet::from(["host_log".to_owned()]),
            "{triple}"
        );
        assert_eq!(interface(&set, "expr_call"), (vec![pointer, 0, pointer], 0));
        assert_eq!(interface(&set, "expr_nested"), (vec![pointer], 1));

        let (set, _) = stencils(&sandbox, "single", triple);
        // Each file in two variants.
        assert_eq!(set.groups.len(), 60, "{triple}");
        assert_eq!(interface(&set, "push_value_plain"), (vec![0, pointer], 0));
        assert_eq!(interface(&set, "divide_counting"), (vec![], 2));
        assert_eq!(interface(&set, "call_plain"), (vec![], 3));
        let size = |name: &str| {
            let (_, group) = set.groups.iter().find(|(known, _)| known == name).unwrap();
            group.code.body.len()
        };
        assert!(size("add_counting") > size("add_plain"), "{triple}");
    }
}

/// Operands that clang cannot be told about are refused, unless their names come from macros only.
#[test]
fn operands_with_other_names() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new();
    let config = |file: &str| {
        format!(
            "source = \"{file}\"\nstencils = \"op_*\"\nemit = [\"stencils\"]\ndefines = [\"OTHER=A\"]\n\
             [holes]\nA = {{ operand = 0 }}\n"
        )
    };
    let op = "long op_zero(void) { return (A == 0) + (long)A; }\n";
    for (file, declaration, name) in [
        (
            "paste.c",
            "#define HOLE(x) x\n#define PASTED(x) HOLE(x ## A)\nextern char PASTED()[];\n",
            "PASTED()",
        ),
        ("define.c", "extern char OTHER[];\n", "OTHER"),
        ("define.cc", "extern \"C\" char OTHER[];\n", "OTHER"),
    ] {
        sandbox.write("p/jit.toml", config(file));
        sandbox.write(
            &format!("p/{file}"),
            format!("{declaration}{}", op.replace('A', name)),
        );
        build(&sandbox).succeeds();
        let set = written(&sandbox, "out", LINUX);
        // The sum of both: with a result of the comparison that is known, one instruction would do.
        let (_, group) = set.groups.first().unwrap();
        assert!(group.code.body.len() > 12, "{file}: {:x?}", group.code.body);
    }
    for (file, declaration, expected) in [
        (
            "label.c",
            "extern char my[] __asm__(\"A\");\n",
            "under another name",
        ),
        (
            "redefine.c",
            "#pragma redefine_extname my A\nextern char my[];\n",
            "under another name",
        ),
        (
            "cxx.cc",
            "extern char A[];\n#define my A\n",
            "with the linkage of C++",
        ),
    ] {
        sandbox.write("p/jit.toml", config(file));
        sandbox.write(
            &format!("p/{file}"),
            format!("{declaration}{}", op.replace('A', "my")),
        );
        let message = build(&sandbox).fails(14);
        let expected =
            format!("{file}:1: the operand A is declared {expected}, and clang would take");
        assert!(message.contains(&expected), "{message}");
    }
}

/// The table of CPython's names in `docs/functions.md`, on the micro-ops of the example machine.
#[test]
fn cpythons_names_are_a_table() {
    fixtures::needs!(clang_22, objdump_22);
    let page = fixtures::golden::read_text(&workspace().join("docs/functions.md"));
    let section = page.split_once("### CPython's names\n").unwrap().1;
    let table = section.split_once("```toml\n").unwrap().1;
    let table = table.split_once("```").unwrap().0;
    let example = workspace().join("jit-cli/example");
    let text = |path: &str| fixtures::golden::read_text(&example.join(path));
    let (template, cases) = (
        text("Tools/jit/template.c"),
        text("Python/executor_cases.c.h"),
    );
    let sandbox = Sandbox::new();
    // It is checked below that they have all names.
    let cases: Vec<&str> = cases.split("\n        case ").skip(1).collect();
    let count = cases.len();
    let cases = fixtures::some_of(cases, 0, 2);
    for case in &cases {
        let name = case.split_once(':').unwrap().0;
        let case = case.split_once("\n        }\n").unwrap().0;
        // Its assembly names holes, which is refused here.
        if name.starts_with("_ASM_") {
            continue;
        }
        let op = template.replacen(
            "        CASE\n",
            &format!("        case {case}\n        }}\n"),
            1,
        );
        sandbox.write(
            &format!("p/ops/{name}.c"),
            format!("#define _JIT_OPCODE {name}\n{op}"),
        );
    }
    // What differs between systems is no matter of the table.
    for triple in SOME_TARGETS {
        let target = Target::from_triple(triple).unwrap();
        let include = ["", "/Include", "/Include/internal", "/Python", "/Tools/jit"]
            .map(|directory| format!("\"{}{directory}\"", example.display()));
        let small = u8::from(target.arch == Arch::Aarch64);
        let settings = format!(
            "include = [{}]\ndefines = [\"SUPPORTS_SMALL_CONSTS={small}\", \"Py_BUILD_CORE_MODULE\", \"NDEBUG\"]\n",
            include.join(", ")
        );
        sandbox.write("p/jit.toml", format!("{settings}{table}"));
        build_for(&sandbox, triple)
            .with(&["--sysroot", "builtin"])
            .succeeds();
        let set = written(&sandbox, "out", triple);
        let config = example.join("jit.toml");
        let whole = sandbox.run(&["build", "-o", "whole", "--llvm-version", "22", "-t", triple]);
        let whole = whole.with(&["--emit", "stencils", "--config"]);
        whole.with(&[config]).succeeds();
        let whole = written(&sandbox, "whole", triple);
        assert!(count > 60 && set.groups.len() + 8 > cases.len(), "{triple}");
        let mut names = BTreeSet::new();
        for (name, group) in &set.groups {
            let of_template = whole.group(name).unwrap();
            assert_eq!(taken(group), taken(of_template), "{name}, {triple}");
            names.extend(taken(group));
        }
        let all = whole.groups.iter().flat_map(|(_, group)| taken(group));
        assert_eq!(names, all.collect(), "{triple}");
    }
}

/// What a stencil takes from its instruction, with numbers for CPython's names.
fn taken(group: &StencilGroup) -> BTreeSet<String> {
    let holes = group.code.holes.iter().chain(&group.data.holes);
    let values = holes.filter_map(|hole| hole.value.base());
    let values = values.filter_map(|value| {
        Some(match value {
            HoleValue::JumpTarget => "target 0".to_owned(),
            HoleValue::ErrorTarget => "target 1".to_owned(),
            HoleValue::Oparg | HoleValue::Oparg16 => "operand 0".to_owned(),
            HoleValue::Target => "operand 3".to_owned(),
            HoleValue::Operand(number)
            | HoleValue::OperandHigh(number)
            | HoleValue::OperandLow(number) => {
                format!("operand {number}")
            }
            HoleValue::Place(number) => format!("target {number}"),
            value => match value.to_string() {
                name if name.starts_with("OPERAND0") => "operand 1".to_owned(),
                name if name.starts_with("OPERAND1") => "operand 2".to_owned(),
                _ => return None,
            },
        })
    });
    values.collect()
}

/// Member functions are aligned in C++, which matters only where one has its address taken.
#[test]
fn member_functions_are_called() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new();
    let text = "struct M { long r[8]; long get(int i) const; long sum() const; };\n\
                long M::get(int i) const { return r[i & 7]; }\n\
                __attribute__((noinline)) long M::sum() const { return get(r[0]) + get(r[1]); }\n\
                extern \"C\" void NEXT(M *);\n\
                extern \"C\" void op_sum(M *m) { m->r[0] = m->sum(); NEXT(m); }\n";
    sandbox.write(
        "p/jit.toml",
        "source = \"ops.cc\"\nstencils = \"op_*\"\nemit = [\"stencils\"]\n[holes]\nNEXT = \"continue\"\n",
    );
    sandbox.write("p/ops.cc", text);
    build(&sandbox).succeeds();
    let pointer = "extern \"C\" void op_pointer(M *m) { long (M::*volatile f)() const = &M::sum; m->r[0] = (m->*f)(); \
                   NEXT(m); }\n";
    sandbox.write("p/ops.cc", format!("{text}{pointer}"));
    let message = build(&sandbox).fails(17);
    assert!(
        message.contains("ops.cc:6: op_pointer: ") && message.contains("aligned to 2 bytes"),
        "{message}"
    );
    assert!(!message.contains("op_sum"), "{message}");
}

/// clang's front end knows the results of these comparisons for addresses of symbols, and not for operands.
#[test]
fn operands_are_compared_when_code_runs() {
    fixtures::needs!(clang_22, objdump_22);
    let holes = "[holes]\nA = { operand = 0 }\nB = { operand = 1 }\nO = { operand = 2 }\nF = { operand = 3 }\n\
                 UNUSED = { operand = 4 }\nNEXT = \"continue\"\n";
    let body = "{ p[0] = A == B ? 5 : 6; NEXT(p); }\n\
                STENCIL op_zero(long *p) { p[0] = A ? 5 : 6; NEXT(p); }\n\
                STENCIL op_object(long *p) { p[0] = &O != 0 ? 5 : 6; NEXT(p); }\n\
                STENCIL op_objects(long *p) { p[0] = (void *)&O == (void *)A ? 5 : 6; NEXT(p); }\n\
                STENCIL op_function(long *p) { p[0] = F ? 5 : 6; NEXT(p); }\n\
                // UNUSED is not declared.\n";
    let c = "#define STENCIL void\nextern char A[], B[]; extern struct s { long x; } O; extern void F(void);\n\
             extern void NEXT(long *);\nSTENCIL op_equal(long *p) ";
    let cxx = "#define STENCIL extern \"C\" void\nextern \"C\" { extern char A[], B[]; extern struct s { long x; } O;\n\
               void F(); void NEXT(long *); }\nSTENCIL op_equal(long *p) ";
    for (name, start) in [("ops.c", c), ("ops.cc", cxx)] {
        // Arrays are not compared in C++26, and clang warns of it.
        let start = match name {
            "ops.c" => format!("{start}{body}"),
            _ => format!("{start}{body}").replace("A == B", "&A[0] == &B[0]"),
        };
        // C++ differs from C by names only.
        let most = if name == "ops.c" { 3 } else { 1 };
        for triple in SOME_TARGETS.into_iter().take(most) {
            let target = Target::from_triple(triple).unwrap();
            let sandbox = Sandbox::new();
            sandbox.write(
                "p/jit.toml",
                format!(
                    "source = \"{name}\"\nstencils = \"op_*\"\nemit = [\"stencils\"]\n\
                     cflags = [\"-Wall\", \"-Werror\", \"-Wno-compare-distinct-pointer-types\"]\n{holes}"
                ),
            );
            sandbox.write(&format!("p/{name}"), &start);
            build_for(&sandbox, triple).succeeds();
            let set = written(&sandbox, "out", triple);
            let bits = 8 * target.arch.pointer_size();
            for (op, used) in [
                ("op_equal", vec![bits, bits]),
                ("op_zero", vec![bits]),
                ("op_object", vec![0, 0, bits]),
                ("op_objects", vec![bits, 0, bits]),
                ("op_function", vec![0, 0, 0, bits]),
            ] {
                assert_eq!(interface(&set, op), (used, 0), "{op} in {name}, {triple}");
            }
        }
    }
}

const OPS: &str = "extern char A[];\nextern void NEXT(long *);\nextern int host(int);\n\
static long twice(long x) { return x * 2; }\n\
void op_one(long *p) { p[0] += twice((long)A); NEXT(p); }\n\
void op_two(long *p) { p[1] = host(twice(p[1])); NEXT(p); }\n\
void op_three(long *p) { p[2] = twice(p[2] + 3); NEXT(p); }\n";

const CONFIG: &str = "source = \"ops.c\"\nstencils = \"op_*\"\nemit = [\"stencils\"]\n\
[holes]\nA = { operand = 0 }\nNEXT = \"continue\"\n";

/// Runs a build of the project in `p`, and returns how many micro-ops there are and how many the cache had. Returns
/// `None` if the files are up to date.
fn counts(sandbox: &Sandbox) -> Option<(u64, u64)> {
    let printed = sandbox
        .run(&[
            "build",
            "-o",
            "out",
            "--llvm-version",
            "22",
            "-t",
            LINUX,
            "--message-format",
            "json",
        ])
        .with(&["--config", "p/jit.toml"])
        .env("XDG_CACHE_HOME", sandbox.path("cache"))
        .succeeds();
    let mut events = printed.stdout.lines();
    let target = events
        .rfind(|line| line.contains("\"reason\":\"target\""))
        .unwrap();
    let field = |name: &str| {
        let (_, rest) = target.split_once(&format!("\"{name}\":"))?;
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    };
    assert!(target.contains("\"built\""), "{target}");
    Some((field("uops")?, field("cached")?))
}

#[test]
fn an_edit_compiles_what_it_has_an_effect_on() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new();
    sandbox.write("p/jit.toml", CONFIG);
    sandbox.write("p/ops.c", OPS);
    assert_eq!(counts(&sandbox), Some((3, 0)));
    assert_eq!(counts(&sandbox), None);
    for (new, cached) in [
        // Places in the file have no effect.
        (format!("/* A comment */\n\n{OPS}"), 3),
        (OPS.replace("p[2] + 3", "p[2] + 4"), 2),
        // Two of them use it.
        (OPS.replace("x * 2", "x * 4"), 0),
        (format!("{OPS}void op_four(long *p) {{ NEXT(p); }}\n"), 3),
        (format!("#include \"new.h\"\n{OPS}"), 3),
    ] {
        sandbox.write("p/new.h", "#define UNUSED 1\n");
        sandbox.write("p/ops.c", &new);
        let (uops, found) = counts(&sandbox).unwrap();
        assert_eq!((found, uops >= 3), (cached, true), "{new}");
        assert_eq!(counts(&sandbox), None, "{new}");
    }
    // A header that was read decides as well.
    sandbox.write("p/new.h", "#define UNUSED 2\n");
    assert_eq!(counts(&sandbox), Some((3, 3)));
    sandbox.write("p/jit.toml", CONFIG.replace("operand = 0", "operand = 1"));
    assert_eq!(counts(&sandbox), Some((3, 2)));
    assert_eq!(counts(&sandbox), None);
}

/// Returns the message of a build that fails.
fn message(config: &str, ops: &str, status: i32) -> String {
    let sandbox = Sandbox::new();
    sandbox.write("p/jit.toml", config);
    sandbox.write("p/ops.c", ops);
    build(&sandbox).fails(status)
}

#[test]
fn wrong_configurations_are_refused_with_their_lines() {
    fixtures::needs!(clang_22, objdump_22);
    let holes = |line: &str| format!("source = \"ops.c\"\nstencils = \"op_*\"\n[holes]\n{line}\n");
    for (config, expected) in [
        (holes("A = { operand = 0, bits = 7 }"), "line 4: [holes] A: bits = 7: an operand has 8 to 64 bits"),
        (holes("A = { operand = 0, bits = 65 }"), "line 4: [holes] A: bits = 65"),
        (holes("A = { operand = -1 }"), "line 4: [holes] A: operand = -1: it is a number from 0 to"),
        (holes("A = { operand = 1, target = 1 }"), "line 4: [holes] A: "),
        (holes("A = { target = 1, bits = 8 }"), "line 4: [holes] A: "),
        (holes("A = { operands = 1 }"), "line 4: [holes] A: operands is not known"),
        (holes("A = \"contniue\""), "line 4: [holes] A: \"contniue\" is not known: write { operand = N"),
        (holes("A = 3"), "line 4: [holes] A: 3 is not known"),
        (holes("A = { operand = 0, part = \"middle\" }"), "part = \"middle\": it can be"),
        (holes("A = { operand = 0, bits = 32, part = \"low\" }"), "has no halves"),
        (holes("A = \"marker\"\nA = \"continue\""), "duplicate key"),
        (holes("A = \"marker\"\n[stencil.op_x.holes]\nA = \"continue\""), "line 5: [stencil.op_x]: there is no stencil"),
        ("source = \"ops.c\"\n".to_owned(), "missing key `stencils`"),
        ("source = \"ops.c\"\nstencils = \"op_*\"\ntemplate = \"t.c\"\n".to_owned(), "line 1: a project has source or template, not both"),
        ("stencils = \"op_*\"\n".to_owned(), "stencils is for a project whose micro-ops are functions"),
        ("source = \"no.c\"\nstencils = \"op_*\"\n".to_owned(), "line 1: source: \"no.c\" names no file"),
        ("source = \"jit.toml\"\nstencils = \"op_*\"\n".to_owned(), "the language of a file is known by its name"),
        ("source = \"ops.c\"\n\nstencils = \"op_[\"\n".to_owned(), "line 3: stencils: \"op_[\""),
        ("source = \"ops.c\"\nstencils = \"op_*\"\noptimize = \"fast\"\n".to_owned(), "line 3: optimize = \"fast\""),
        ("source = \"ops.c\"\nstencils = \"op_*\"\nframe-pointer = \"no\"\n".to_owned(), "line 3: frame-pointer = \"no\""),
        ("source = \"ops.c\"\nstencils = \"op_*\"\n[variants.\"a-b\"]\n".to_owned(), "line 3: [variants.a-b]"),
        ("source = \"ops.c\"\nstencils = [\"op_*\", \"!none_*\"]\n[holes]\nA = { operand = 0 }\nNEXT = \"continue\"\n".to_owned(), "stencils: \"!none_*\" matches no function"),
    ] {
        let text = message(&config, OPS, 21);
        assert!(text.contains("jit.toml: "), "{text}");
        assert!(text.contains(expected), "{config}\n{text}");
    }
}

#[test]
fn wrong_functions_are_refused_with_their_places() {
    fixtures::needs!(clang_22, objdump_22);
    let with = |more: &str| format!("{OPS}{more}\n");
    let assembly = |name: &str| {
        format!("void op_f(long *p) {{ asm(\"movabsq ${name}, %0\" : \"=r\"(p[0])); NEXT(p); }}")
    };
    for (ops, status, place, expected) in [
        (
            with("void op_f(long *p) { p[0] = (int)(long)A; NEXT(q); }"),
            12,
            "ops.c:8:",
            "use of undeclared identifier 'q'",
        ),
        (
            with("static long n;\n\nvoid op_f(long *p) { n++; NEXT(p); }"),
            14,
            "ops.c:10: ",
            "op_f: n is a variable that can change",
        ),
        (
            with("extern char _JIT_B[];\nvoid op_f(long *p) { p[0] = (long)_JIT_B; NEXT(p); }"),
            14,
            "ops.c:9: ",
            "_JIT_B is not in [holes]",
        ),
        // The call does not go on to the next one.
        (
            with("void op_f(long *p) {\n NEXT(p);\n p[0] = 1; }"),
            17,
            "ops.c:8: ",
            "op_f",
        ),
        (
            with(
                "__attribute__((weak)) int w(void) { return 1; }\nvoid op_f(long *p) { p[0] = w(); NEXT(p); }",
            ),
            14,
            "ops.c:9: ",
            "w is weak",
        ),
        (
            with(&assembly("_JIT_OPERAND0")),
            14,
            "ops.c:8: ",
            "it refers to _JIT_OPERAND0, which no hole of it is",
        ),
        (
            with(&assembly("_JIT_OPERAND_7")),
            14,
            "ops.c:8: ",
            "it refers to _JIT_OPERAND_7, which no hole of it is",
        ),
        (
            with("char A[4] = { 1 };"),
            21,
            "jit.toml: line ",
            "A is a hole, but ",
        ),
        (
            with("void NEXT(long *p) { p[0] = 1; }"),
            21,
            "jit.toml: line ",
            "NEXT is a hole, but ",
        ),
    ] {
        let text = message(CONFIG, &ops, status);
        assert!(text.contains(place), "{ops}\n{text}");
        assert!(text.contains(expected), "{ops}\n{text}");
        assert_eq!(text.matches(expected).count(), 1, "{text}");
    }
    let text = message(
        &CONFIG.replace("operand = 0", "operand = 0, bits = 16"),
        &OPS.replace("(long)A", "(int)(long)A"),
        14,
    );
    assert!(
        text.contains("ops.c:5: ") && text.contains("A is used with 32 bits, but has 16"),
        "{text}"
    );
    let text = message(&CONFIG.replace("op_*", "op_five"), OPS, 21);
    assert!(text.contains("\"op_five\" matches no function"), "{text}");
}

#[test]
fn names_of_cxx_are_those_that_the_author_wrote() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new();
    let ops = "struct F { long r[4]; };\nextern \"C\" char A[];\nvoid NEXT(F &);\nnamespace vm {\n\
               static long last;\nvoid add(F &f) { f.r[0] += (long)A; NEXT(f); }\n\
               void sub(F &f) { f.r[0] -= (long)A; NEXT(f); }\n";
    let build = |more: &str| {
        sandbox.write("p/ops.cpp", format!("{ops}{more}}}\n"));
        sandbox.write(
            "p/jit.toml",
            CONFIG.replace("ops.c", "ops.cpp").replace("op_*", "vm::*"),
        );
        build(&sandbox)
    };
    build("").succeeds();
    let set = written(&sandbox, "out", LINUX);
    let names: Vec<&str> = set.groups.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["vm_add", "vm_sub"]);
    let text = build("void count(F &f) { last++; NEXT(f); }\n").fails(14);
    assert!(
        text.contains("ops.cpp:8: ") && text.contains("vm_count: vm::last is a variable"),
        "{text}"
    );
    let text = build("void add(F &f, int) { NEXT(f); }\n").fails(10);
    assert!(
        text.contains("vm::add(F&) in ") && text.contains("vm::add(F&, int) in "),
        "{text}"
    );
    let text = build("void fail(F &f) { throw 1; }\n").fails(12);
    assert!(
        text.contains("ops.cpp:8:") && text.contains("exceptions disabled"),
        "{text}"
    );
}

#[test]
fn holes_that_nothing_uses_are_named_with_what_is_near() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new();
    sandbox.write("p/ops.c", OPS.replace("NEXT", "NXT"));
    sandbox.write("p/jit.toml", format!("{CONFIG}other = \"marker\"\n"));
    let printed = build(&sandbox).succeeds();
    let text = printed.stderr;
    assert!(
        text.contains(
            "[holes] NEXT: no stencil uses it, but NXT, which is not in [holes], is used"
        ),
        "{text}"
    );
    assert!(
        text.contains("[holes] other: no stencil uses it\n"),
        "{text}"
    );
}

#[test]
fn warnings_are_printed_once_with_the_authors_lines() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new();
    sandbox.write("p/ops.c", OPS.replace("x * 2", "x / 0"));
    sandbox.write(
        "p/jit.toml",
        format!("{CONFIG}[variants.a]\n[variants.b]\ndefines = [\"B\"]\n"),
    );
    let printed = build(&sandbox).succeeds();
    let text = printed.stderr;
    assert_eq!(
        text.matches("ops.c:4:38: warning: division by zero")
            .count(),
        1,
        "{text}"
    );
}

#[test]
fn llvm_ir_is_taken_as_text_and_as_bitcode() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new();
    let path = sandbox.write("p/ops.c", OPS);
    let clang = fixtures::needs::clang_22().unwrap();
    let mut sets = Vec::new();
    let flags = [
        "-Os",
        "-fno-builtin",
        "-fno-pic",
        "-mcmodel=medium",
        "-mlarge-data-threshold=0",
        "-fno-plt",
    ];
    for (name, words) in [
        ("ops.c", &[][..]),
        ("ops.ll", &["-S"][..]),
        ("ops.bc", &["-c"]),
    ] {
        if !words.is_empty() {
            let target = format!("--target={LINUX}");
            let done = std::process::Command::new(&clang)
                .args([
                    "-emit-llvm",
                    "-Xclang",
                    "-disable-llvm-passes",
                    "-fno-stack-protector",
                    &target,
                ])
                .args(flags)
                .args(words)
                .arg("-o")
                .arg(sandbox.path(&format!("p/{name}")))
                .arg(&path)
                .status();
            assert!(done.unwrap().success());
        }
        sandbox.write("p/jit.toml", CONFIG.replace("ops.c", name));
        build(&sandbox).succeeds();
        let set = written(&sandbox, "out", LINUX);
        sets.push(
            set.groups
                .into_iter()
                .map(|(name, group)| (name, group.code, group.data))
                .collect::<Vec<_>>(),
        );
    }
    assert_eq!(sets[0], sets[1]);
    assert_eq!(sets[0], sets[2]);
}

#[test]
fn wrong_llvm_ir_is_refused_with_its_line() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new();
    let clang = fixtures::needs::clang_22().unwrap();
    let path = sandbox.write("p/ops.c", OPS);
    let done = std::process::Command::new(&clang)
        .args([
            "-S",
            "-emit-llvm",
            "-Os",
            &format!("--target={LINUX}"),
            "-o",
        ])
        .args([&sandbox.path("p/ops.ll"), &path])
        .status();
    assert!(done.unwrap().success());
    let text = sandbox.text("p/ops.ll");
    sandbox.write("p/jit.toml", CONFIG.replace("ops.c", "ops.ll"));
    let build = || {
        sandbox.run(&[
            "build",
            "-o",
            "out",
            "--llvm-version",
            "22",
            "--config",
            "p/jit.toml",
            "-t",
        ])
    };
    sandbox.write("p/ops.ll", &text);
    let message = build().with(&["aarch64-unknown-linux-gnu"]).fails(7);
    assert!(
        message.contains("ops.ll:4: this is LLVM IR for x86_64"),
        "{message}"
    );
    // Bitcode, as clang writes it for each kind of system: Apple's has a wrapper.
    sandbox.write("p/jit.toml", CONFIG.replace("ops.c", "ops.bc"));
    for target in Target::ALL {
        let done = std::process::Command::new(&clang)
            .args(["-c", "-emit-llvm", "-Os", "-Xclang", "-disable-llvm-passes"])
            .arg("-o")
            .arg(sandbox.path("p/ops.bc"))
            .arg(format!("--target={}", target.triple))
            .arg(&path)
            .status();
        assert!(done.unwrap().success());
        for other in Target::ALL {
            if other == target {
                build().with(&[other.triple]).succeeds();
                continue;
            }
            // Those that differ in one thing only.
            if (other.arch == target.arch) == (other.format == target.format) {
                continue;
            }
            let message = build().with(&[other.triple]).fails(7);
            let arch = match target.arch {
                Arch::I686 => "i686",
                Arch::X86_64 => "x86_64",
                Arch::Aarch64 => "a",
            };
            let expected = format!("ops.bc: this is LLVM IR for {arch}");
            assert!(message.contains(&expected), "{message}");
        }
    }
    sandbox.write("p/jit.toml", CONFIG.replace("ops.c", "ops.ll"));
    sandbox.write("p/ops.ll", text.replace("= load", "= newload"));
    let message = build().with(&[LINUX]).fails(12);
    assert!(
        message.contains("ops.ll:") && message.contains("expected instruction opcode"),
        "{message}"
    );
}

/// The built-in headers are those of C.
#[test]
fn headers_of_cxx_with_the_built_in_ones() {
    fixtures::needs!(clang_22);
    let sandbox = Sandbox::new();
    let config = "source = \"ops.cc\"\nstencils = \"op_*\"\nemit = [\"stencils\"]\n[holes]\nNEXT = \"continue\"\n";
    sandbox.write("p/jit.toml", config);
    let ops = |include: &str| {
        format!(
            "#include <{include}>\nextern \"C\" int64_t NEXT(int64_t);\n\
             int64_t op_add(int64_t x) {{ [[clang::musttail]] return NEXT(x + 1); }}\n"
        )
    };
    let build = [
        "build",
        "--config",
        "p/jit.toml",
        "-o",
        "out",
        "--llvm-version",
        "22",
        "--sysroot",
        "builtin",
        LINUX,
    ];
    sandbox.write("p/ops.cc", ops("stdint.h"));
    sandbox.run(&build).succeeds();
    sandbox.write("p/ops.cc", ops("cstdint"));
    let message = sandbox.run(&build).fails(12);
    let expected = "the built-in sysroot has no cstdint, as its headers are those of C";
    assert!(
        message.contains(expected) && message.contains("--sysroot DIR"),
        "{message}"
    );
}
