//! Errors in the project and its options.

use std::fs;

use crate::{
    library::TEMPLATE,
    sandbox::{LINUX, Run, Sandbox},
    tinyvm::{CASES, SHIM, case, case_with, cases, file, line_of_case},
};

#[track_caller]
fn mentions(message: &str, words: &[&str]) {
    for word in words {
        assert!(message.contains(word), "no {word:?} in:\n{message}");
    }
}

#[test]
fn an_unknown_target() {
    let sandbox = Sandbox::new().tinyvm();
    for triple in [
        "riscv64-unknown-linux-gnu",
        "x86_64-unknown-linux-gnuabi64x/..",
    ] {
        let message = sandbox.build_for(&[triple]).fails(7);
        mentions(&message, &[triple]);
        mentions(&message, &fixtures::TRIPLES);
    }
    // The targets before it are not built either.
    let both = [LINUX, "sparc-sun-solaris"];
    mentions(&sandbox.build_for(&both).fails(7), &["sparc-sun-solaris"]);
}

#[test]
fn wrong_usage() {
    let sandbox = Sandbox::new().tinyvm();
    let message = sandbox.build().with(&["--cflags", "-DA='x"]).fails(2);
    mentions(&message, &["-DA='x", "quote"]);
    let message = sandbox.build().with(&["-j0"]).fails(2);
    mentions(&message, &["--jobs"]);
}

#[test]
fn no_checkout() {
    let sandbox = Sandbox::new().tinyvm();
    let build =
        |directory: &str| sandbox.run(&["build", "--cpython", directory, "-o", "out", LINUX]);
    let message = build("nowhere").fails(22);
    mentions(&message, &["nowhere", "--cpython"]);
    fs::remove_file(sandbox.path(SHIM)).unwrap();
    let message = build("vm").fails(22);
    mentions(
        &message,
        &["vm is not a CPython checkout", "Tools/jit/shim.c"],
    );
    let message = build("vm/pyconfig.h").fails(22);
    mentions(&message, &["vm/pyconfig.h"]);
}

#[test]
fn no_pyconfig() {
    let sandbox = Sandbox::new().tinyvm();
    let named = [
        "build",
        "--cpython",
        "vm",
        "-p",
        "empty",
        "-o",
        "out",
        LINUX,
    ];
    let message = sandbox.run(&named).fails(8);
    mentions(
        &message,
        &[
            "no pyconfig.h in ",
            "/empty\n",
            "./configure",
            "--pyconfig-dir",
        ],
    );
    fs::remove_file(sandbox.path("vm/pyconfig.h")).unwrap();
    let found = ["build", "--cpython", "vm", "-o", "out", LINUX];
    let message = sandbox.run(&found).fails(8);
    mentions(&message, &["no pyconfig.h in", "vm", "--pyconfig-dir"]);
}

#[test]
fn cases_without_a_case() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new().tinyvm();
    for (text, problem) in [
        ("", "executor_cases.c.h has no case"),
        ("// Nothing yet.\n", "executor_cases.c.h has no case"),
        (
            "\n    case _NOP_r00: {\n    }\n",
            "executor_cases.c.h:2: `case _NOP_r00: {` is not the start of a case",
        ),
    ] {
        sandbox.write(CASES, text);
        let message = sandbox.build().fails(9);
        mentions(&message, &[problem, "case NAME: {"]);
    }
}

/// In a project whose headers are not for CPython, it would be left out without a word.
#[test]
fn text_outside_of_cases() {
    fixtures::needs!(clang_22);
    let sandbox = Sandbox::new();
    let [x, y] = ["X", "Y"].map(|name| case_with(name, "x += VALUE;"));
    let template = TEMPLATE.replace("DOUBLE, HALVE", "X, Y");
    sandbox.write("template.c", format!("#include \"pre.h\"\n{template}"));
    sandbox.write("pre.h", "#define VALUE 3\n");
    let settings = "template = \"template.c\"\ncases = \"cases.h\"\ninclude = [\".\"]\n";
    let for_cpython = format!("{settings}header-format = \"cpython-3.15\"\n");
    let build = |settings: &str, cases: String| {
        sandbox.write("jit.toml", settings);
        sandbox.write("cases.h", cases);
        let run = build_config(&sandbox);
        run.with(&["--llvm-version", "22", "--emit", "stencils,header"])
    };
    for (before, after, words) in [
        (
            "#undef VALUE\n#define VALUE 4\n",
            "",
            "cases.h:2: `#undef VALUE` is outside",
        ),
        (
            "// Not now.\n#if 0\n",
            "#endif\n",
            "cases.h:3: `#if 0` is outside",
        ),
        (
            "\n",
            "junk junk { } )\n",
            "cases.h:7: `junk junk { } )` is outside",
        ),
        (
            "/* Not now.\n",
            "*/\n",
            "cases.h:2: the comment that starts here",
        ),
        (
            "/* Not now. */ // \\\n",
            "",
            "cases.h:2: the comment that starts here",
        ),
    ] {
        let cases = format!("\n{before}{x}{after}\n{y}");
        mentions(&build(settings, cases.clone()).fails(9), &[words]);
        // CPython's generated file has directives.
        match words.contains("`#") {
            true => drop(build(&for_cpython, cases).succeeds()),
            false => mentions(&build(&for_cpython, cases).fails(9), &[words]),
        }
    }
    let comments = format!("/* Two\n * lines. */\n\n// Adds.\n{x}\n{y}\n/* The end. */");
    build(settings, comments).succeeds();
}

#[test]
fn a_template_without_a_place_for_cases() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new().tinyvm();
    let template = sandbox.text("vm/Tools/jit/template.c");
    sandbox.write("vm/Tools/jit/template.c", template.replace("CASE", "case"));
    let message = sandbox.build().fails(9);
    mentions(&message, &["template.c has no `CASE`"]);
}

#[test]
fn a_duplicate_case() {
    fixtures::needs!(clang_22, objdump_22);
    let nop = case("_NOP_r00");
    let sandbox = Sandbox::new().tinyvm_of(&[nop.clone(), case("_DUP_r12"), nop]);
    let text = sandbox.text(CASES);
    let mut lines = text.lines().zip(1..);
    let mut next = || {
        lines
            .find(|(line, _)| line.contains("case _NOP_r00"))
            .unwrap()
            .1
    };
    let (first, second) = (next(), next());
    let message = sandbox.build().fails(10);
    mentions(
        &message,
        &[
            &format!("executor_cases.c.h:{second}: "),
            "_NOP_r00",
            &format!("line {first}"),
        ],
    );
}

#[test]
fn a_case_that_is_cut_short() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new().tinyvm();
    let whole = file("Python/executor_cases.c.h");
    // The file ends in the last case, or in one in the middle.
    for name in ["_STOP_r00", "_ROUND_EVEN_r11"] {
        let start = whole.find(&format!("case {name}: {{")).unwrap();
        let line = 1 + whole[..start].matches('\n').count();
        sandbox.write(CASES, &whole[..start + 60]);
        let message = sandbox.build().fails(11);
        mentions(
            &message,
            &[name, &format!("executor_cases.c.h:{line}: "), "cut short"],
        );
    }
    // The end of a case is missing.
    let text = case("_NOP_r00").replace("        }\n", "") + &case("_DUP_r12");
    sandbox.write(CASES, cases(&[text]));
    mentions(&sandbox.build().fails(11), &["_NOP_r00", "cut short"]);
}

/// All of them are reported, each with clang's messages, and the others are compiled.
#[test]
fn micro_ops_that_do_not_compile() {
    fixtures::needs!(clang_22, objdump_22);
    let good = ["_DUP_r12", "_MATH_r11", "_SWAP_r22"];
    let mut list: Vec<String> = good.iter().map(|name| case(name)).collect();
    list.insert(1, case_with("_NOP_r00", ";\nno_such_variable = 1;"));
    list.push(case_with("_RESUME_r00", "int x = \"a\" *;"));
    let sandbox = Sandbox::new().tinyvm_of(&list);
    let line = line_of_case();
    for mode in [&[][..], &["--one-process-per-step"]] {
        let kept = format!("kept{}", mode.len());
        let message = sandbox
            .build()
            .with(mode)
            .with(&["--keep-temps", &kept])
            .fails(12);
        mentions(
            &message,
            &[
                "_NOP_r00 does not compile",
                &format!("_NOP_r00.c:{}:13: error: use of undeclared", line + 2),
                "'no_such_variable'",
                "_RESUME_r00 does not compile",
                &format!("_RESUME_r00.c:{}:26: error: expected expression", line + 1),
                "2 micro-ops failed",
            ],
        );
        // No message is repeated, and none is about a file that does not exist.
        assert_eq!(message.matches(": error: ").count(), 2, "{message}");
        let temporary = sandbox.path("tmp").display().to_string();
        assert!(!message.contains(&temporary), "{message}");
        for name in good {
            assert!(!message.contains(name), "{message}");
            assert!(sandbox.was_assembled(&kept, name), "{name}");
        }
        // The line number is that of the file that is kept.
        let source = sandbox.text(&format!("{kept}/{LINUX}/_NOP_r00.c"));
        if !mode.is_empty() {
            let named = source.lines().nth(line + 1).unwrap();
            assert_eq!(named.trim(), "no_such_variable = 1;");
        }
    }
}

/// nixpkgs issue 348786: an error in a header affects every micro-op, but is reported once, in full.
#[test]
fn a_header_that_does_not_compile() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new().tinyvm();
    let header = file("Include/internal/vm_values.h");
    sandbox.write(
        "vm/Include/internal/vm_values.h",
        format!("{header}\n#error \"a macro is missing\"\n"),
    );
    let message = sandbox.build().fails(12);
    let line = 2 + header.lines().count();
    mentions(
        &message,
        &[&format!(
            "vm_values.h:{line}:2: error: \"a macro is missing\""
        )],
    );
    assert_eq!(message.matches(": error: ").count(), 1, "{message}");
    fs::remove_file(sandbox.path("vm/Include/internal/vm_values.h")).unwrap();
    let message = sandbox.build().fails(12);
    mentions(&message, &["fatal error: 'vm_values.h' file not found"]);
    assert_eq!(
        message.matches("error: 'vm_values.h'").count(),
        1,
        "{message}"
    );
}

#[test]
fn flags_that_clang_does_not_know() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new().tinyvm();
    let message = sandbox
        .build()
        .with(&["--cflags", "-fno-such-flag"])
        .fails(12);
    mentions(&message, &["unknown argument", "-fno-such-flag"]);
    assert_eq!(message.matches("unknown argument").count(), 1, "{message}");
}

#[test]
fn a_shim_that_does_not_compile() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new().tinyvm_of(&[case("_NOP_r00")]);
    sandbox.write(SHIM, format!("{}\nint x = y;\n", file("Tools/jit/shim.c")));
    let message = sandbox.build().fails(12);
    mentions(&message, &["shim does not compile", "shim.c:", "'y'"]);
}

#[test]
fn a_shim_without_exactly_one_call() {
    fixtures::needs!(clang_22, objdump_22);
    let shim = file("Tools/jit/shim.c");
    let call = "return entry(executor, frame, stack_pointer, thread, 0, 0);";
    let twice = format!("entry(executor, frame, stack_pointer, thread, 1, 1);\n    {call}");
    for (other, words) in [("return 0;", "has 0"), (&twice, "has 2")] {
        let sandbox = Sandbox::new().tinyvm_of(&[case("_NOP_r00")]);
        sandbox.write(SHIM, shim.replace(call, other));
        let message = sandbox.build().fails(18);
        mentions(&message, &["shim.c", "call", words]);
    }
}

fn config(text: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("jit.toml", text);
    sandbox.write("template.c", "CASE");
    sandbox.write("cases.h", "\n        case _X: {\n        }\n");
    sandbox
}

fn build_config(sandbox: &Sandbox) -> Run<'_> {
    sandbox.run(&["build", "-o", "out", "--target", LINUX])
}

#[test]
fn errors_in_a_configuration() {
    let good = "template = \"template.c\"\ncases = \"cases.h\"\n";
    for (text, words) in [
        (format!("{good}inclde = []\n"), ["inclde", "include"]),
        (
            "template = \"template.c\"\n".to_owned(),
            ["missing", "cases"],
        ),
        (format!("{good}include = \"x\"\n"), ["include", "line 3"]),
        (format!("{good}targets = [\"vax\"]\n"), ["vax", LINUX]),
        (format!("{good}shim = \"shim.c\"\n"), ["shim", "shim.c"]),
        (format!("{good}include = [\"h\"]\n"), ["include", "h"]),
        (good.replace("cases.h", "no.h"), ["cases", "no.h"]),
        (
            format!("{good}defines = [\"-DX\"]\n"),
            ["defines", "\"-DX\""],
        ),
        (
            format!("{good}stencil-defines = [\"A B\"]\n"),
            ["stencil-defines", "\"A B\""],
        ),
        (format!("{good}{good}"), ["line 3", "duplicate"]),
        ("= 1".to_owned(), ["line 1", "jit.toml"]),
    ] {
        let sandbox = config(&text);
        let message = build_config(&sandbox).fails(21);
        mentions(&message, &["jit.toml"]);
        mentions(&message, &words);
    }
}

#[test]
fn a_place_that_cannot_be_written() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new().tinyvm_of(&[case("_NOP_r00")]);
    // A file in place of a directory: not even root can write there.
    for place in ["vm/pyconfig.h", "vm/pyconfig.h/below"] {
        let message = sandbox.build_to(place).with(&[LINUX]).fails(20);
        mentions(&message, &["can't create", place]);
        let message = sandbox.build().with(&["--keep-temps", place]).fails(20);
        mentions(&message, &["can't create", place]);
    }
    // Temporary files.
    let message = sandbox
        .build()
        .env("TMPDIR", sandbox.path("none"))
        .fails(20);
    mentions(&message, &["can't create", "none"]);
    // A generated file's name is taken by a directory.
    let name = format!("out/jit_stencils-{LINUX}.h");
    fs::create_dir(sandbox.path(&name)).unwrap();
    sandbox.write(&format!("{name}/keep"), "");
    let message = sandbox.build().fails(20);
    mentions(&message, &["can't replace", &name]);
}

/// clang's output has the paths, and is read as text.
#[test]
fn a_directory_whose_name_is_not_utf8() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = crate::batch::some();
    let bad = OsStr::from_bytes(b"bad\xffdir");
    fs::rename(sandbox.path("vm"), sandbox.path(".").join(bad)).unwrap();
    let words = [
        "build",
        "-o",
        "out",
        "-t",
        LINUX,
        "--llvm-version",
        "22",
        "--cpython",
    ];
    let run = sandbox.run(&words).with(&[bad, "-p".as_ref(), bad]);
    let message = run.fails(20);
    assert!(
        message.contains("bad\u{fffd}dir: this path is not UTF-8"),
        "{message}"
    );
    assert!(message.contains("rename"), "{message}");
    // Files of a build may be there.
    fs::rename(sandbox.path(".").join(bad), sandbox.path("vm")).unwrap();
    let words = [
        "build",
        "--cpython",
        "vm",
        "-p",
        "vm",
        "-t",
        LINUX,
        "--llvm-version",
        "22",
        "-o",
    ];
    sandbox.build().succeeds();
    sandbox.run(&words).with(&[bad]).succeeds();
    let name = format!("jit_stencils-{LINUX}.h");
    let header = fs::read_to_string(sandbox.path(".").join(bad).join(&name)).unwrap();
    assert!(header == sandbox.text(&format!("out/{name}")));
    // The same goes for a header.
    let template = sandbox.text("vm/Tools/jit/template.c");
    fs::write(
        sandbox
            .path("vm/Tools/jit")
            .join(OsStr::from_bytes(b"h\xff.h")),
        "",
    )
    .unwrap();
    let text = [b"#include \"h\xff.h\"\n", template.as_bytes()].concat();
    sandbox.write("vm/Tools/jit/shared.h", text);
    sandbox.write(
        "vm/Tools/jit/template.c",
        format!("#include \"shared.h\"\n{template}"),
    );
    let message = sandbox.build().fails(20);
    assert!(
        message.contains("h\u{fffd}.h: this path is not UTF-8"),
        "{message}"
    );
}
