//! The choice of the project if none is named, and projects that are not CPython.

use std::fs;

use fixtures::{
    generated::{Build, HEADER_LINES, stencils_header},
    golden::Golden,
};

use crate::{
    sandbox::{LINUX, Sandbox},
    tinyvm::case,
};

/// Returns a sandbox with a minimal machine: without headers, shim, and names of CPython's.
fn own_machine() -> Sandbox {
    let sandbox = Sandbox::new();
    let template = "enum { INCREMENT, DOUBLE, HALVE };\n\
                    extern __attribute__((visibility(\"hidden\"))) long _JIT_CONTINUE(long);\n\
                    long _JIT_ENTRY(long x)\n{\n    switch (_JIT_OPCODE) {\n        CASE\n        default:\n            __builtin_unreachable();\n    }\n    __attribute__((musttail)) return _JIT_CONTINUE(x);\n}\n";
    let case = |name: &str, body: &str| {
        format!("        case {name}: {{\n            {body}\n            break;\n        }}\n\n")
    };
    sandbox.write("machine/src/template.c", template);
    let cases = [
        case("INCREMENT", "x += STEP;"),
        case("DOUBLE", "x *= 2;"),
        case("HALVE", "x /= 2;"),
    ];
    sandbox.write("machine/src/cases.h", format!("\n{}", cases.concat()));
    sandbox.write(
        "machine/jit.toml",
        format!(
            "template = \"src/template.c\"\ncases = \"src/cases.h\"\ndefines = [\"STEP=3\"]\n\
             targets = [\"{LINUX}\"]\noutput = \"generated\"\nllvm-version = 22\n"
        ),
    );
    sandbox
}

#[test]
fn a_configuration_in_the_directory_or_above() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = own_machine();
    fs::create_dir_all(sandbox.path("machine/src/deep")).unwrap();
    let printed = sandbox
        .run(&["build"])
        .within("machine/src/deep")
        .succeeds();
    let config = sandbox.path("machine/jit.toml").canonicalize().unwrap();
    let line = printed.stdout.lines().next().unwrap();
    assert!(line.contains(&config.display().to_string()), "{line}");
    let files = sandbox.files("machine/generated");
    let names: Vec<&String> = files.keys().collect();
    assert_eq!(
        names,
        [
            &format!("jit_stencils-{LINUX}.h"),
            &format!("jit_stencils-{LINUX}.state"),
            "jit_stencils.h"
        ]
    );
    let header = sandbox.text(&format!("machine/generated/jit_stencils-{LINUX}.h"));
    for name in ["INCREMENT", "DOUBLE", "HALVE"] {
        assert!(header.contains(&format!("emit_{name}(")), "{header}");
    }
    // `add $3`, from the macro.
    assert!(header.contains("0x03"), "{header}");
    // Generated files are not inputs.
    let printed = sandbox
        .run(&["build"])
        .within("machine")
        .env("PATH", "")
        .succeeds();
    assert!(printed.stdout.contains("up to date"), "{}", printed.stdout);
    // Keys of the configuration are inputs.
    let text = sandbox.text("machine/jit.toml").replace("STEP=3", "STEP=5");
    sandbox.write("machine/jit.toml", text);
    let printed = sandbox.run(&["build"]).within("machine").succeeds();
    assert!(!printed.stdout.contains("up to date"), "{}", printed.stdout);
    // The command line takes precedence over it.
    sandbox
        .run(&["build", "-o", "../out", "-t", "aarch64-apple-darwin"])
        .within("machine")
        .succeeds();
    let files = sandbox.files("out");
    let names: Vec<&String> = files.keys().collect();
    assert_eq!(
        names,
        [
            "jit_stencils-aarch64-apple-darwin.h",
            "jit_stencils-aarch64-apple-darwin.state",
            "jit_stencils.h"
        ]
    );
}

/// jit-cli's own definitions come before the template, and do not count as lines of it.
#[test]
fn a_template_that_declares_a_hole() {
    fixtures::needs!(clang_22);
    let sandbox = own_machine();
    let template = sandbox.text("machine/src/template.c");
    let template = template.replace("HALVE", "HALVE, MORE, MOST");
    let cases = sandbox.text("machine/src/cases.h");
    let mut number = 0;
    for (declaration, message) in [
        ("extern char _JIT_OPERAND0;", "conflicting types for"),
        ("extern void _JIT_OPARG_16;", "conflicting types for"),
        (
            "long f(void) { return (long)&_JIT_TARGET; }",
            "cannot take the address of an rvalue",
        ),
    ] {
        for (include, line) in [("", 2), ("#include <stddef.h>\n\n", 4)] {
            let text = template.replacen('\n', &format!("\n{declaration}\n"), 1);
            sandbox.write("machine/src/template.c", format!("{include}{text}"));
            // More micro-ops get a precompiled preamble.
            for more in [
                "",
                "\n        case MORE: {\n        }\n        case MOST: {\n        }\n",
            ] {
                sandbox.write("machine/src/cases.h", format!("{cases}{more}"));
                // One of the ways each, so that each declaration, and each pair of an include and a number of micro-ops, has both.
                let ways = [&[][..], &["--one-process-per-step"]];
                let turn = number + number / 2 + number / 4;
                number += 1;
                for way in fixtures::some_of(ways.to_vec(), turn, 2) {
                    let build = sandbox.run(&["build"]).with(way).within("machine");
                    let printed = build.fails(12);
                    let place = format!("src/template.c:{line}:");
                    let advice = "remove the declaration from the template";
                    for words in [&place, message, advice] {
                        assert!(printed.contains(words), "{words}\n{printed}");
                    }
                }
            }
        }
    }
}

/// A template without includes, in batches and with one process for each step.
#[test]
fn no_header() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = own_machine();
    crate::batch::both_ways(&sandbox, |sandbox| {
        sandbox.run(&["build", "-o", "../out"]).within("machine")
    });
}

#[test]
fn a_checkout_that_the_directory_is_in() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new().tinyvm_of(&[case("_NOP_r00")]);
    let build = ["build", "-o", "../../out", "--llvm-version", "22", LINUX];
    // A configuration file takes precedence over a checkout.
    let printed = sandbox.run(&build).within("vm/Python").succeeds();
    assert!(printed.stdout.contains("vm/jit.toml"), "{}", printed.stdout);
    fs::remove_file(sandbox.path("vm/jit.toml")).unwrap();
    let printed = sandbox.run(&build).within("vm/Python").succeeds();
    let root = sandbox.path("vm").canonicalize().unwrap();
    let line = format!("CPython checkout {}\n", root.display());
    assert!(printed.stdout.starts_with(&line), "{}", printed.stdout);
    assert!(sandbox.path(&format!("out/jit_shim-{LINUX}.o")).is_file());
}

#[test]
fn the_example() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new();
    let build = ["build", "--llvm-version", "22", "--target", LINUX];
    let printed = sandbox.run(&build).within("empty").succeeds();
    let line = printed.stdout.lines().next().unwrap();
    assert!(
        line.contains("no CPython checkout") && line.contains("example"),
        "{line}"
    );
    let header = sandbox.text(&format!("empty/jit-example/jit_stencils-{LINUX}.h"));
    Golden::new(stencils_header(Build::Release, LINUX))
        .skip_lines(HEADER_LINES)
        .made_by_upstream()
        .check_text(&header);
}

/// The command that CPython's Makefile runs, with jit-cli instead of Python.
#[test]
fn as_make_calls_build_py() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new().tinyvm_of(&[case("_NOP_r00")]);
    // A configured build directory next to the sources.
    fs::rename(
        sandbox.path("vm/pyconfig.h"),
        sandbox.path("out/pyconfig.h"),
    )
    .unwrap();
    sandbox
        .run(&["build", "../vm/Tools/jit/build.py", "x86_64-pc-linux-gnu"])
        .with(&["--output-dir", ".", "--pyconfig-dir", ".", "--cflags="])
        .with(&["--llvm-version=", "--llvm-tools-install-dir="])
        .within("out")
        .succeeds();
    let files = sandbox.files("out");
    let names: Vec<&String> = files.keys().collect();
    let expected = [
        "jit_shim-x86_64-unknown-linux-gnu.o",
        "jit_stencils-x86_64-unknown-linux-gnu.h",
        "jit_stencils.h",
        "jit_unwind_info-x86_64-unknown-linux-gnu.h",
        "jit_unwind_info.h",
        "pyconfig.h",
    ];
    assert_eq!(names, expected);
}
