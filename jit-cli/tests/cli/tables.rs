//! The settings of targets and of a checkout in a `jit.toml`.

use crate::{
    cache::events,
    sandbox::{LINUX, Run, Sandbox},
    tinyvm::case,
};

const ARM: &str = "aarch64-unknown-linux-gnu";
const WINDOWS: &str = "i686-pc-windows-msvc";

/// A machine with one micro-op. Its x86 code has two numbers: `STEP`, from pyconfig.h, and `MASK`, from a
/// flag.
fn machine(first_line: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let template = "extern __attribute__((visibility(\"hidden\"))) long _JIT_CONTINUE(long);\n\
                    long _JIT_ENTRY(long x)\n{\n    switch (_JIT_OPCODE) {\n        CASE\n        default:\n            __builtin_unreachable();\n    }\n    __attribute__((musttail)) return _JIT_CONTINUE(x);\n}\n";
    let template = format!("{first_line}\n\nenum {{ MIX }};\n{template}");
    sandbox.write("machine/template.c", template);
    sandbox.write(
        "machine/cases.h",
        "\n        case MIX: {\n            x = (x ^ MASK) + STEP;\n            break;\n        }\n",
    );
    for (directory, step) in [("include", 0x51), ("configs/linux", 0x52), ("other", 0x53)] {
        let text = format!("#define STEP {step}\n");
        sandbox.write(&format!("machine/{directory}/pyconfig.h"), text);
    }
    sandbox
}

/// Writes the machine's `jit.toml`: these lines before the tables.
fn configure(sandbox: &Sandbox, lines: &str, tables: &str) {
    sandbox.write(
        "machine/jit.toml",
        format!(
            "template = \"template.c\"\ncases = \"cases.h\"\ninclude = [\"include\"]\n\
             targets = [\"{LINUX}\", \"{ARM}\"]\noutput = \"../out\"\nllvm-version = 22\n\
             {lines}\n{tables}\n"
        ),
    );
}

fn build(sandbox: &Sandbox) -> Run<'_> {
    sandbox.run(&["build"]).within("machine")
}

/// Returns the targets that were built, without those that were up to date.
fn built(run: Run<'_>) -> Vec<String> {
    let printed = run.with(&["--message-format", "json"]).succeeds();
    let events = events(&printed.stdout).into_iter();
    let built = events.filter(|event| event["reason"] == "target" && event["built"] == true);
    built
        .map(|event| event["target"].as_str().unwrap().to_owned())
        .collect()
}

fn has(sandbox: &Sandbox, numbers: [&str; 2]) -> bool {
    let header = sandbox.text(&format!("out/jit_stencils-{LINUX}.h"));
    let bytes = header.lines().skip_while(|line| !line.contains("emit_MIX"));
    let bytes: String = bytes.filter(|line| !line.contains("//")).collect();
    numbers.iter().all(|number| bytes.contains(number))
}

#[test]
fn a_table_is_its_targets_only() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = machine("#include \"pyconfig.h\"");
    let all = "cflags = [\"-DMASK=0x61\"]";
    let table =
        |more: &str| format!("[target.{LINUX}]\ncflags = [\"-UMASK\", \"-DMASK=0x62\"]\n{more}\n");
    configure(&sandbox, all, "");
    assert_eq!(built(build(&sandbox)), [LINUX, ARM]);
    assert!(has(&sandbox, ["0x51", "0x61"]));
    let other = sandbox.text(&format!("out/jit_stencils-{ARM}.h"));

    configure(&sandbox, all, &table(""));
    assert_eq!(built(build(&sandbox)), [LINUX]);
    assert!(has(&sandbox, ["0x51", "0x62"]));
    let whole = table("pyconfig-dir = \"configs/linux\"");
    configure(&sandbox, all, &whole);
    assert_eq!(built(build(&sandbox)), [LINUX]);
    assert!(has(&sandbox, ["0x52", "0x62"]));
    assert_eq!(sandbox.text(&format!("out/jit_stencils-{ARM}.h")), other);
    assert_eq!(built(build(&sandbox)), [""; 0]);
    // The files in the directory are inputs, but the comments in jit.toml are not.
    sandbox.write("machine/configs/linux/pyconfig.h", "#define STEP 0x54\n");
    assert_eq!(built(build(&sandbox)), [LINUX]);
    assert!(has(&sandbox, ["0x54", "0x62"]));
    configure(&sandbox, all, &format!("# Why.\n{whole}"));
    assert_eq!(built(build(&sandbox)), [""; 0]);
    // Settings for all targets apply where a table has no setting.
    configure(
        &sandbox,
        &format!("{all}\npyconfig-dir = \"other\""),
        &whole,
    );
    assert_eq!(built(build(&sandbox)), [ARM]);
    // The command line takes precedence over both.
    let words = ["-p", "other", "--cflags=-UMASK -DMASK=0x63"];
    assert_eq!(built(build(&sandbox).with(&words)), [LINUX, ARM]);
    assert!(has(&sandbox, ["0x53", "0x63"]));
}

#[test]
fn headers_of_a_target() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = machine("#include <answer.h>");
    sandbox.write("machine/real/include/answer.h", "#define STEP 0x55\n");
    sandbox.write("real/usr/include/answer.h", "#define STEP 0x56\n");
    let all = "cflags = [\"-DMASK=0x61\"]";
    let table = format!("[target.{LINUX}]\nsysroot = \"real\"\n");
    configure(&sandbox, all, &table);
    let only = ["-t", LINUX];
    assert_eq!(built(build(&sandbox).with(&only)), [LINUX]);
    assert!(has(&sandbox, ["0x55", "0x61"]));
    assert!(build(&sandbox).fails(12).contains("answer.h"));
    let words = ["--sysroot", "../real"];
    assert_eq!(built(build(&sandbox).with(&words)), [LINUX, ARM]);
    assert!(has(&sandbox, ["0x56", "0x61"]));
    configure(
        &sandbox,
        "cflags = [\"-DMASK=0x61\"]\nsysroot = \"../real\"",
        &table,
    );
    assert_eq!(built(build(&sandbox)), [LINUX]);
    assert!(has(&sandbox, ["0x55", "0x61"]));

    // The same project in another directory has the same digest.
    std::fs::rename(sandbox.path("machine"), sandbox.path("moved")).unwrap();
    let run = sandbox.run(&["build"]).within("moved").with(&only);
    assert_eq!(built(run), [""; 0]);
}

#[test]
fn built_in_headers_of_a_target() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = machine("#include <errno.h>\n#include <windows.h>\n#define STEP ERANGE");
    configure(&sandbox, "cflags = [\"-DMASK=0x61\"]", "");
    let one = ["-t", WINDOWS];
    let message = build(&sandbox).with(&one).fails(12);
    assert!(message.contains("file not found"), "{message}");
    let table = format!("[target.{WINDOWS}]\nsysroot = \"builtin\"\n");
    configure(&sandbox, "cflags = [\"-DMASK=0x61\"]", &table);
    assert_eq!(built(build(&sandbox).with(&one)), [WINDOWS]);
    assert_eq!(
        built(build(&sandbox).with(&one).with(&["--free-threaded"])),
        [WINDOWS]
    );
    // The option would have no effect.
    let message = build(&sandbox).with(&["--free-threaded"]).fails(2);
    assert!(message.contains("--sysroot builtin"), "{message}");
}

#[test]
fn what_is_wrong_with_a_table() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = machine("");
    let linux = format!("[target.{LINUX}]\n");
    for (lines, tables, words) in [
        ("", "[target.vax]\n", ["[target.vax]", LINUX]),
        (
            "",
            "[target.riscv64-unknown-linux-gnu]\nsysroot = 1\n",
            ["line 9", "sysroot"],
        ),
        (
            "",
            &format!("{linux}sysrot = \"x\"\n"),
            ["sysrot", "pyconfig-dir"],
        ),
        (
            "",
            &format!("{linux}cflags = \"-DA\"\n"),
            ["line 9", "cflags"],
        ),
        (
            "",
            &format!("{linux}[target.x86_64-pc-linux-gnu]\n"),
            ["[target.x86_64-pc-linux-gnu]", "one table"],
        ),
        (
            "",
            &format!("{linux}sysroot = \"nowhere\"\n"),
            [
                &format!("[target.{LINUX}] sysroot = \"nowhere\""),
                "\"builtin\"",
            ],
        ),
        (
            "",
            &format!("{linux}sysroot = \"template.c\"\n"),
            ["sysroot = \"template.c\"", "no directory"],
        ),
        (
            "",
            &format!("{linux}pyconfig-dir = \"configs\"\n"),
            [
                &format!("[target.{LINUX}] pyconfig-dir = \"configs\""),
                "no pyconfig.h",
            ],
        ),
        (
            "sysroot = \"nowhere\"",
            "",
            ["jit.toml: sysroot = \"nowhere\"", "machine/nowhere"],
        ),
        (
            "pyconfig-dir = \"no\"",
            "",
            ["jit.toml: pyconfig-dir = \"no\"", "configure"],
        ),
        (
            "cpython = \"nowhere\"",
            "",
            ["cpython = \"nowhere\"", "there is no"],
        ),
        ("cpython = \".\"", "", ["template", "remove the key"]),
    ] {
        configure(&sandbox, lines, tables);
        let message = build(&sandbox).fails(21);
        for word in words.iter().chain(&["jit.toml"]) {
            assert!(message.contains(word), "no {word:?} in:\n{message}");
        }
    }
    // The headers of a target that is not built may be missing.
    configure(
        &sandbox,
        "cflags = [\"-DMASK=1\", \"-DSTEP=1\"]",
        &format!("[target.{WINDOWS}]\nsysroot = \"nowhere\"\npyconfig-dir = \"no\"\n"),
    );
    build(&sandbox).succeeds();
}

/// A checkout, and a packager's directory with a `jit.toml` that names it.
fn package(lines: &str) -> Sandbox {
    let sandbox = Sandbox::new().tinyvm_of(&[case("_NOP_r00"), case("_DUP_r12")]);
    // This file would be found first if it were searched for.
    std::fs::remove_file(sandbox.path("vm/jit.toml")).unwrap();
    sandbox.write("package/jit.toml", lines);
    sandbox
}

#[test]
fn a_checkout() {
    fixtures::needs!(clang_22, objdump_22);
    let lines = format!(
        "cpython = \"../vm\"\npyconfig-dir = \"../vm\"\ntargets = [\"{LINUX}\", \"{ARM}\"]\n\
         llvm-version = 22\n"
    );
    let sandbox = package(&lines);
    let expected = |more: &[&str]| {
        sandbox.build_for(&[LINUX, ARM]).with(more).succeeds();
        sandbox.files("out")
    };
    let plain = expected(&[]);
    let printed = sandbox.run(&["build"]).within("package").succeeds();
    let first = printed.stdout.lines().next().unwrap();
    assert!(first.starts_with("CPython checkout "), "{first}");
    assert!(first.contains("package/jit.toml"), "{first}");
    assert!(plain == sandbox.files("package/jit-stencils"));

    // Flags in the file give the same digest as those given with --cflags.
    let digests = |directory: &str| {
        [LINUX, ARM].map(|triple| {
            let text = sandbox.text(&format!("{directory}/jit_stencils-{triple}.h"));
            text.lines().next().unwrap().to_owned()
        })
    };
    let before = digests("out");
    let table = format!("{lines}cflags = [\"-DA=b c\"]\n[target.{ARM}]\ncflags = [\"-DB\"]\n");
    sandbox.write("package/jit.toml", table);
    sandbox.run(&["build"]).within("package").succeeds();
    let configured = digests("package/jit-stencils");
    expected(&["--cflags='-DA=b c'"]);
    let for_all = digests("out");
    assert_eq!(configured[0], for_all[0]);
    expected(&["--cflags='-DA=b c' -DB"]);
    assert_eq!(configured[1], digests("out")[1]);
    assert!(before[0] != for_all[0] && configured[1] != for_all[1]);
}

#[test]
fn a_configuration_that_is_named() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = package(&format!(
        "pyconfig-dir = \"../vm\"\noutput = \"made\"\nllvm-version = 22\n\
         [target.{ARM}]\npyconfig-dir = \"arm\"\n"
    ));
    let words = ["build", "--config", "package/jit.toml", "-t", LINUX];
    // The file does not name the checkout.
    let message = sandbox.run(&words).fails(21);
    assert!(message.contains("cpython"), "{message}");
    let named = ["--cpython", "vm"];
    sandbox.run(&words).with(&named).succeeds();
    let name = format!("package/made/jit_stencils-{LINUX}.h");
    let header = sandbox.text(&name);
    sandbox.build().with(&["--no-cache"]).succeeds();
    assert_eq!(header, sandbox.text(&format!("out/jit_stencils-{LINUX}.h")));
    // The file's tables apply.
    let message = sandbox
        .run(&words)
        .with(&named)
        .with(&["-t", ARM])
        .fails(21);
    assert!(message.contains("\"arm\""), "{message}");
    // A project with its own micro-ops is not a checkout.
    sandbox.write("machine/jit.toml", "template = \"t.c\"\ncases = \"c.h\"\n");
    let words = ["build", "--config", "machine/jit.toml", "--cpython", "vm"];
    let message = sandbox.run(&words).fails(21);
    assert!(
        message.contains("/vm, which has them") && message.contains("template"),
        "{message}"
    );
    let message = sandbox.run(&["build", "--config", "no.toml"]).fails(20);
    assert!(message.contains("no.toml"), "{message}");
}
