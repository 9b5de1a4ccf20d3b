//! Flags for clang that distributions compile with: they work, or one error names them.

use crate::{
    batch::SOME,
    sandbox::{LINUX, Sandbox},
    tinyvm::case,
};

const ARM_LINUX: &str = "aarch64-unknown-linux-gnu";

fn machine() -> Sandbox {
    let cases: Vec<String> = SOME.iter().map(|name| case(name)).collect();
    Sandbox::new().tinyvm_of(&cases)
}

/// The stencils that a build makes, and the lines with warnings.
fn built(sandbox: &Sandbox, triple: &str, words: &[&str]) -> (String, Vec<String>) {
    let run = sandbox.build_for(&[triple]).with(&["--force"]);
    let printed = run.with(words).succeeds();
    let header = sandbox.text(&format!("out/jit_stencils-{triple}.h"));
    // The first lines are the digest and the flags.
    let (_, stencils) = header.split_once("\n\n").unwrap();
    let warnings = printed.stderr.lines().filter(|line| line.contains("WARN"));
    (stencils.to_owned(), warnings.map(str::to_owned).collect())
}

/// What stencils can do without is turned off: they are the same as without the flag, whether it comes from
/// the command line or from a configuration file of clang's, and one warning says so.
#[test]
fn flags_without_effect() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = machine();
    for triple in [LINUX, ARM_LINUX] {
        let (expected, warnings) = built(&sandbox, triple, &[]);
        assert_eq!(warnings, [""; 0]);
        for (flags, named) in [
            ("-g", "-g has no effect here"),
            ("-O1 -g3 -Os", "-g3 has no effect here"),
            (
                "-fstack-protector-all",
                "-fstack-protector-all has no effect here",
            ),
            (
                "-flto=auto -ffat-lto-objects",
                "-flto=auto has no effect here",
            ),
            (
                "-fexceptions -fasynchronous-unwind-tables",
                "-fasynchronous-unwind-tables has no effect here",
            ),
        ] {
            let (stencils, warnings) = built(&sandbox, triple, &["--cflags", flags]);
            assert!(stencils == expected, "{triple}: {flags} changes stencils");
            assert_eq!(warnings.len(), 1, "{warnings:?}");
            assert!(warnings[0].contains(named), "{warnings:?}");
            if triple != LINUX {
                continue;
            }
            let config = sandbox.write("clang.cfg", format!("{flags}\n"));
            let config = format!("--config={}", config.display());
            let (stencils, warnings) = built(&sandbox, triple, &["--cflags", &config]);
            assert!(stencils == expected, "{triple}: {flags} changes stencils");
            // The configuration's flags come first, so that -fno-stack-protector wins without a word.
            let is_overridden = flags == "-fstack-protector-all";
            let told = warnings
                .iter()
                .filter(|text| text.contains("clang's configuration"));
            assert_eq!(
                (told.count(), warnings.len()),
                if is_overridden { (0, 0) } else { (1, 1) },
                "{flags}: {warnings:?}"
            );
        }
    }
    // The same with one process for each step.
    let (expected, _) = built(&sandbox, LINUX, &["--one-process-per-step"]);
    let words = ["--one-process-per-step", "--cflags", "-g -flto"];
    let (stencils, warnings) = built(&sandbox, LINUX, &words);
    assert!(stencils == expected);
    assert_eq!(warnings.len(), 2, "{warnings:?}");
}

/// For the same reason on all targets, so it is told once.
#[test]
fn one_warning_for_all_targets() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new().tinyvm_of(&[case("_NOP_r00")]);
    for codegen in ["upstream", "tuned"] {
        for (flags, warnings) in [("", 0), ("-g -flto", 2)] {
            let run = sandbox.build_for(&[]).with(&["--all-targets", "--force"]);
            let run = run.with(&["--codegen", codegen, "--cflags", flags]);
            let text = run.succeeds().stderr;
            assert_eq!(text.matches("WARN").count(), warnings, "{text}");
        }
    }
}

#[test]
fn flags_that_stencils_cannot_have() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = machine();
    for (flags, named) in [
        ("-fprofile-generate", "-fprofile-generate"),
        (
            "-fprofile-instr-generate -fcoverage-mapping",
            "-fcoverage-mapping",
        ),
        ("-pg", "-pg"),
        ("-finstrument-functions", "-finstrument-functions"),
        (
            "-fsanitize=address,undefined",
            "-fsanitize=address,undefined",
        ),
    ] {
        let message = sandbox.build().with(&["--cflags", flags]).fails(2);
        let expected = format!("{LINUX}: stencils can't be compiled with {named}, which adds ");
        assert!(message.contains(&expected), "{message}");
        assert!(message.contains("leave it out of --cflags"), "{message}");
        assert_eq!(message.lines().count(), 2, "{message}");
    }
    // Nothing is called there.
    let trapping = "-fsanitize=signed-integer-overflow -fsanitize-trap=signed-integer-overflow";
    built(&sandbox, LINUX, &["--cflags", trapping]);
}

/// One error, not one for each micro-op.
#[test]
fn flags_of_another_target() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = machine();
    for (triple, flags) in [
        (LINUX, "-mbranch-protection=standard"),
        (ARM_LINUX, "-march=x86-64-v3"),
        (LINUX, "-fprofile-use=nowhere"),
    ] {
        for mode in [&[][..], &["--one-process-per-step"]] {
            let run = sandbox.build_for(&[triple]).with(&["--cflags", flags]);
            let message = run.with(mode).fails(12);
            assert!(message.lines().count() <= 5, "{message}");
            let (_, value) = flags.split_once('=').unwrap();
            let name = match value {
                "standard" => "-mbranch-protection=",
                value => value,
            };
            assert!(message.contains(name), "{message}");
            assert!(message.contains("change --cflags"), "{message}");
        }
    }
    // This is found out by the compiler proper; clang's own line starts with `error: `, too.
    let run = sandbox.build_for(&[ARM_LINUX]);
    let run = run.with(&["--cflags", "-fcf-protection=branch"]);
    let output = run.command().output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(12), "{message}");
    assert_eq!(
        message.matches("cf-protection=branch").count(),
        1,
        "{message}"
    );
    assert!(message.contains("change --cflags"), "{message}");
}
