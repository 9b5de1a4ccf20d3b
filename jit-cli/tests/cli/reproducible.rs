//! The same input gives the same bytes, wherever and however it is built.

use fixtures::TRIPLES;

use crate::{
    goldens,
    sandbox::{LINUX, Sandbox},
    tinyvm::case,
};

#[test]
fn another_directory_and_number_of_jobs() {
    fixtures::needs!(clang_22, objdump_22);
    let (first, first_directory) = goldens::release();
    let sandbox = Sandbox::new();
    let inner = "a/longer/path than that of the first build/with, what is more, odd characters in it's name";
    for (path, contents) in fixtures::tinyvm::files() {
        sandbox.write(&format!("{inner}/vm/{path}"), contents);
    }
    let temporary = sandbox.path("another-directory-for-temporary-files");
    std::fs::create_dir(&temporary).unwrap();
    let machine = format!("{inner}/vm");
    sandbox
        .run(&["build", "--cpython", &machine, "-p", &machine, "-o", "out"])
        .with(&["--llvm-version", "22", "-j1"])
        .with(&TRIPLES)
        .env("TMPDIR", &temporary)
        .succeeds();
    let second = sandbox.files("out");
    let names: Vec<&String> = second.keys().collect();
    assert_eq!(names, first.keys().collect::<Vec<_>>());
    for (name, contents) in &second {
        // Lines are easier to read than a thousand numbers.
        let lines = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            text.lines().map(str::to_owned).collect::<Vec<_>>()
        };
        for (ours, theirs) in lines(contents).iter().zip(lines(&first[name])) {
            assert_eq!(*ours, theirs, "{name}");
        }
        assert!(*contents == first[name], "{name}");
        let second_directory = sandbox.path("").to_string_lossy().into_owned();
        for directory in [first_directory, &second_directory] {
            assert!(
                !contains(contents, directory.as_bytes()),
                "{name}: {directory}"
            );
        }
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

/// The command in a header has the options that affect its contents, and no directories of this machine.
#[test]
fn the_command_in_a_header() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new().tinyvm_of(&[case("_NOP_r00")]);
    sandbox.write("real/include/nothing.h", "");
    let second_line = |more: &[&str]| {
        sandbox.build().with(more).succeeds();
        let header = sandbox.text(&format!("out/jit_stencils-{LINUX}.h"));
        // Words with an equals sign are quoted for a shell.
        header.lines().nth(1).unwrap().replace('\'', "")
    };
    let line = |options: &str| format!("// $ jit-cli build {LINUX}{options} --llvm-version=22");
    for (more, options) in [
        (&[][..], ""),
        (
            &["--debug", "--codegen", "tuned"],
            " --debug --codegen=tuned",
        ),
        (&["--codegen", "upstream"], ""),
        (&["--codegen", "small"], " --codegen=small"),
        (&["--sysroot", "real"], " --sysroot=DIR"),
        (
            &["--sysroot", "builtin", "--free-threaded", "--cflags=-DA"],
            " --sysroot=builtin --free-threaded --cflags=-DA",
        ),
    ] {
        assert_eq!(second_line(more), line(options));
    }
    let real = sandbox.path("real");
    let absolute = ["--sysroot", real.to_str().unwrap()];
    assert_eq!(second_line(&absolute), line(" --sysroot=DIR"));
}
