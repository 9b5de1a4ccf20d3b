//! Operands whose declarations say something about their values, which clang must not make use of.

use std::{ffi::OsString, fs};

use fixtures::workspace;
use jit_stencils::StencilSet;

use crate::{
    sandbox::{LINUX, Run, Sandbox},
    tools,
};

/// Targets that differ in their processors, their systems and the sizes of their addresses.
const SOME_TARGETS: [&str; 3] = [LINUX, "aarch64-apple-darwin", "i686-pc-windows-msvc"];

/// Returns the arguments that select one of the versions of LLVM that are there.
fn versions() -> Vec<Vec<OsString>> {
    let with = |version: &str| vec!["--llvm-version".into(), version.into()];
    let mut versions = vec![with("22")];
    if fixtures::needs::prefix_21().is_some() {
        let mut older = with("21");
        older.extend(["--llvm-tools-install-dir".into(), tools::prefix_21().into()]);
        versions.push(older);
    }
    versions
}

fn build<'a>(sandbox: &'a Sandbox, triple: &str, version: &[OsString]) -> Run<'a> {
    let run = sandbox.run(&["build", "-o", "out", "-t", triple]);
    run.with(version).with(&["--config", "p/jit.toml"])
}

fn written(sandbox: &Sandbox, triple: &str) -> StencilSet {
    let path = sandbox.path(&format!("out/jit_stencils-{triple}.stencils"));
    jit_stencils::file::decode(&fs::read(path).unwrap()).unwrap()
}

/// The results of the functions in `fixtures/functions/numbers` depend on their operands, so the stencils take them. On
/// x86_64 Linux, a test of that project runs them.
#[test]
fn alignments_are_not_computed_with() {
    fixtures::needs!(clang_22, objdump_22);
    let project = workspace().join("fixtures/functions/numbers");
    for version in versions() {
        for triple in SOME_TARGETS {
            let sandbox = Sandbox::new();
            for name in ["jit.toml", "numbers.c", "numbers.cpp"] {
                let text = fixtures::golden::read_text(&project.join(name));
                sandbox.write(&format!("p/{name}"), text);
            }
            build(&sandbox, triple, &version).succeeds();
            let set = written(&sandbox, triple);
            assert!(set.groups.len() > 50, "{triple}");
            for (name, group) in &set.groups {
                let used = group.interface.operands.iter().any(|bits| *bits > 0);
                assert!(used, "{name}, {triple}, {version:?}");
            }
        }
    }
}

const CONFIG: &str = "stencils = \"op_*\"\nemit = [\"stencils\"]\n\
                      [holes]\nX = { operand = 0 }\nF = { operand = 1 }\nC = { operand = 2 }\n";

/// The declarations of the operands, for C and C++.
const DECLARATIONS: &str = "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\
                            #ifdef WITH_FUNCTION\nint F(int);\n#else\nextern int X;\n#endif\nextern char C[]; void op_x(long *p);\n\
                            #ifdef __cplusplus\n}\n#endif\n";

fn write(sandbox: &Sandbox, file: &str, text: &str) {
    let defines = if text.contains(")F") {
        "defines = [\"WITH_FUNCTION\"]\n"
    } else {
        ""
    };
    sandbox.write(
        "p/jit.toml",
        format!("source = \"{file}\"\n{defines}{CONFIG}"),
    );
    sandbox.write(&format!("p/{file}"), format!("{DECLARATIONS}{text}\n"));
}

/// What clang computes before there is any IR.
#[test]
fn what_clang_knows_from_declarations_is_refused() {
    fixtures::needs!(clang_22, objdump_22);
    let version = &versions()[0];
    for (line, text, operand) in [
        (
            1,
            "void op_x(long *p) { p[0] = __builtin_is_aligned(&X, 4); }",
            "X is an operand that is declared as a multiple of 4:",
        ),
        (
            1,
            "void op_x(long *p) { p[0] = __builtin_is_aligned((char *)F, 4); }",
            "F is an operand that is declared as a multiple of 4:",
        ),
        (
            1,
            "void op_x(long *p) { p[0] = (char *)__builtin_align_down(&X, 4) - (char *)&X; }",
            "X is an operand",
        ),
        (
            2,
            "\nvoid op_x(long *p) { if (__builtin_align_up(&X, 4) == &X) p[0] = 1; }",
            "X is an operand",
        ),
        (
            4,
            "#define ODD(p) (!__builtin_is_aligned(p, 2))\nvoid op_x(long *p) {\n\n p[0] = ODD(&X); }",
            "X is an operand",
        ),
        (
            2,
            "#define BUILTIN(x) __builtin_##x\nvoid op_x(long *p) { p[0] = BUILTIN(is_aligned)(&X, 2); }",
            "X is an operand",
        ),
        (
            1,
            "static inline _Bool even(const void *p) { return __builtin_is_aligned(p, 2); }\n\
             void op_x(long *p) { p[0] = even(&X); }",
            "X is an operand",
        ),
    ] {
        for file in ["ops.c", "ops.cc"] {
            let sandbox = Sandbox::new();
            write(&sandbox, file, &text.replace("_Bool", "int"));
            let message = build(&sandbox, LINUX, version).fails(14);
            let line = DECLARATIONS.lines().count() + line;
            let place = format!("{file}:{line}: clang computes __builtin_");
            assert!(message.contains(&place), "{text}\n{message}");
            assert!(message.contains(operand), "{text}\n{message}");
        }
    }
}

/// Where no operand has an alignment, the same functions are as good as any.
#[test]
fn builtin_functions_of_other_pointers_are_accepted() {
    fixtures::needs!(clang_22, objdump_22);
    let version = &versions()[0];
    for file in ["ops.c", "ops.cc"] {
        let sandbox = Sandbox::new();
        let config = CONFIG.replace("X = { operand = 0 }\nF = { operand = 1 }\n", "");
        sandbox.write("p/jit.toml", format!("source = \"{file}\"\n{config}"));
        let text = "// __builtin_align_up is not used.\n\
                    void op_x(long *p) { p[0] = __builtin_is_aligned(C, 2) + __builtin_is_aligned(p, 64); }\n";
        sandbox.write(&format!("p/{file}"), format!("{DECLARATIONS}{text}"));
        build(&sandbox, LINUX, version).succeeds();
        let set = written(&sandbox, LINUX);
        let operands = &set.groups.first().unwrap().1.interface.operands;
        assert_eq!(operands, &[0, 0, 64], "{file}");
    }
}

#[test]
fn promises_and_initial_values_are_refused() {
    fixtures::needs!(clang_22, objdump_22);
    let version = &versions()[0];
    for (text, expected) in [
        (
            "void op_x(long *p) { p[0] = (long)__builtin_assume_aligned(&X, 8) & 7; }",
            "promises something about the value of X",
        ),
        (
            "void op_x(long *p) { p[0] = (long)__builtin_assume_aligned(C, 8) & 7; }",
            "promises something about the value of C",
        ),
        (
            "static int *const pointers[] = { &X, 0 };\nvoid op_x(long *p) { p[0] = (long)pointers[p[0]]; }",
            "the hole X is used in the initial value of pointers",
        ),
    ] {
        let sandbox = Sandbox::new();
        write(&sandbox, "ops.c", text);
        let message = build(&sandbox, LINUX, version).fails(14);
        assert!(message.contains("op_x: "), "{message}");
        assert!(message.contains(expected), "{text}\n{message}");
    }
}

/// Two targets can be the same place, and the next stencil can be a target. clang knows no two functions that are equal.
#[test]
fn places_are_compared_when_code_runs() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new();
    let config = "source = [\"a.c\", \"b.cc\"]\nstencils = \"op_*\"\nemit = [\"stencils\"]\n\
                  [holes]\nONE = { target = 0 }\nTWO = { target = 1 }\nNEXT = \"continue\"\n";
    let text = "void ONE(long *), TWO(long *), NEXT(long *);\n\
                void op_targets(long *p) { p[0] = ONE == TWO; NEXT(p); }\n\
                void op_next(long *p) { p[0] = TWO == NEXT; NEXT(p); }\n";
    sandbox.write("p/jit.toml", config);
    sandbox.write("p/a.c", text);
    let cxx = text.replace("op_", "op_cxx_");
    sandbox.write("p/b.cc", format!("extern \"C\" {{\n{cxx}}}\n"));
    for version in versions() {
        // Addresses have 32 bits there in this code, which is refused.
        let message = build(&sandbox, LINUX, &version).fails(13);
        assert!(
            message.contains("op_cxx_targets: unsupported relocation"),
            "{message}"
        );
        assert!(message.contains("4 micro-ops failed"), "{message}");
        for triple in SOME_TARGETS.into_iter().skip(1) {
            build(&sandbox, triple, &version).succeeds();
            let set = written(&sandbox, triple);
            assert_eq!(set.groups.len(), 4);
            for (name, group) in &set.groups {
                // The highest of the targets that it takes is the second one.
                assert_eq!(group.interface.targets, 2, "{name}, {triple}");
            }
        }
    }
}

/// Declarations to which nothing applies that clang is told about operands. What it computes leaves no trace of them, so
/// they are refused.
#[test]
fn declarations_under_other_names_are_refused() {
    fixtures::needs!(clang_22, objdump_22);
    let version = &versions()[0];
    let names = "[holes]\nX = { operand = 0 }\nY = { operand = 1 }\n";
    let linkage = "X is declared with the linkage of C++";
    let label = "X is declared under another name";
    for (file, text, expected) in [
        (
            "ops.cc",
            "extern int X, Y;\nvoid op_x(long *p) { *p = &X == &Y; }",
            linkage,
        ),
        (
            "ops.cc",
            "extern char X[];\nvoid op_x(long *p) { if (X) *p = 1; }",
            linkage,
        ),
        (
            "ops.cc",
            "void op_x(long *p) { extern int X; *p = &X == 0; }",
            linkage,
        ),
        (
            "ops.cc",
            "namespace { extern int other; }\nextern int\n X; void op_x(long *p) { *p = !&X; }",
            linkage,
        ),
        (
            "ops.c",
            "extern int Q __asm__(\"X\");\nvoid op_x(long *p) { *p = &Q == 0; }",
            label,
        ),
        (
            "ops.c",
            "extern void Q(void) asm(\"X\"), Y(void);\nvoid op_x(long *p) { *p = Q == Y; }",
            label,
        ),
        (
            "ops.cc",
            "extern \"C\" int Q __asm__(\"X\");\nvoid op_x(long *p) { *p = &Q == 0; }",
            label,
        ),
        (
            "ops.c",
            "extern int Q __asm__(\"\\01X\");\nvoid op_x(long *p) { *p = (long)&Q & 3; }",
            label,
        ),
        (
            "ops.c",
            "extern int X;\nvoid op_x(long *p) { long q; __asm__(\"movabs $X, %0\" : \"=r\"(q)); *p = q; }",
            "op_x: its assembly names the hole X",
        ),
    ] {
        let sandbox = Sandbox::new();
        let stencils = "stencils = \"op_*\"\nemit = [\"stencils\"]\n";
        sandbox.write(
            "p/jit.toml",
            format!("source = \"{file}\"\n{stencils}{names}"),
        );
        sandbox.write(&format!("p/{file}"), format!("{text}\n"));
        let message = build(&sandbox, LINUX, version).fails(14);
        assert!(message.contains(expected), "{text}\n{message}");
        assert!(message.contains(&format!("{file}:")), "{message}");
    }
}

/// The same with the prefix of the platform, and what Windows makes of a calling convention.
#[test]
fn decorated_names_are_refused() {
    fixtures::needs!(clang_22, objdump_22);
    let version = &versions()[0];
    let names = "[holes]\nX = { operand = 0 }\n";
    let label = "X is declared under another name";
    for (triple, text, expected) in [
        (
            "aarch64-apple-darwin",
            "extern int X, Q __asm__(\"_X\");\nvoid op_x(long *p) { *p = (long)&Q & 3; }",
            label,
        ),
        (
            "i686-pc-windows-msvc",
            "int __stdcall X(int);\nvoid op_x(long *p) { *p = (long)X + 1; }",
            "declare it under this name",
        ),
        (
            "i686-pc-windows-msvc",
            "int __vectorcall X(int);\nvoid op_x(long *p) { *p = (long)X + 1; }",
            "declare it under this name",
        ),
    ] {
        let sandbox = Sandbox::new();
        let stencils = "stencils = \"op_*\"\nemit = [\"stencils\"]\n";
        sandbox.write(
            "p/jit.toml",
            format!("source = \"ops.c\"\n{stencils}{names}"),
        );
        sandbox.write("p/ops.c", format!("{text}\n"));
        let message = build(&sandbox, triple, version).fails(14);
        assert!(message.contains(expected), "{triple}: {text}\n{message}");
    }
}

/// What flags include is read after what clang is told about operands.
#[test]
fn headers_of_flags_come_later() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new();
    let config = "source = \"ops.cc\"\nstencils = \"op_*\"\nemit = [\"stencils\"]\n\
                  [holes]\nX = { operand = 0 }\nY = { operand = 1 }\n";
    sandbox.write("p/jit.toml", config);
    let header = sandbox.write(
        "first.h",
        "extern \"C\" int X, Y;\nconst bool differ = &X != &Y;\n",
    );
    sandbox.write("p/ops.cc", "void op_x(long *p) { *p = &X != &Y; }\n");
    let flags = format!("--cflags=-include {}", header.display());
    build(&sandbox, LINUX, &versions()[0])
        .with(&[&flags])
        .succeeds();
    let set = written(&sandbox, LINUX);
    assert_eq!(set.groups[0].1.interface.operands, [64, 64]);
    // A constant of a header has to be one.
    sandbox.write(
        "first.h",
        "extern \"C\" int X, Y;\nconstexpr bool differ = &X != &Y;\n",
    );
    build(&sandbox, LINUX, &versions()[0])
        .with(&[&flags])
        .fails(12);
}
