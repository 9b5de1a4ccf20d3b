//! System headers: `--sysroot`.

use fixtures::TRIPLES;

use crate::{
    cache::events,
    sandbox::{LINUX, Sandbox},
    tinyvm::{self, case, case_with},
    tools,
};

/// Returns a project whose template includes system headers after other lines. Headers are compiled with each micro-op, so that
/// two of them are enough.
fn project(first: &str) -> Sandbox {
    let sandbox = Sandbox::new().tinyvm_of(&[case("_DUP_r12"), case("_JUMP_r00")]);
    let template = tinyvm::file("Tools/jit/template.c");
    let includes = "#include <errno.h>\n#include <float.h>\n#include <pthread.h>\n#include <signal.h>\n#include <stdio.h>\n\
                    #include <stdlib.h>\n#include <string.h>\n#include <time.h>\n\n";
    let windows = includes.replace("<pthread.h>", "<windows.h>")
        + "static inline void wait(void) { YieldProcessor(); }\n";
    let text = format!("#include \"system.h\"\n\n{template}");
    sandbox.write(
        "vm/Include/system.h",
        format!("{first}#ifdef _WIN32\n{windows}#else\n{includes}#endif\n"),
    );
    sandbox.write("vm/Tools/jit/template.c", text);
    sandbox
}

#[test]
fn builtin_headers_for_all_targets() {
    fixtures::needs!(clang_22, objdump_22);
    // No header of this machine is found. The assertions hold in release and debug builds.
    let sandbox = project("");
    for more in [&[][..], &["--debug"], &["--cache-dir", "cache"]] {
        sandbox
            .build_for(&TRIPLES)
            .with(&["--sysroot", "builtin"])
            .with(more)
            .succeeds();
    }
    assert_eq!(sandbox.files("out").len(), 7 * 3 + 2);
}

/// clang's own headers come first, and some of them include the system's headers with the same name.
#[test]
fn builtin_headers_with_another_clang() {
    fixtures::needs!(prefix_21);
    let sandbox = project("");
    sandbox
        .run(&["build", "--cpython", "vm", "-p", "vm", "-o", "out"])
        .with(&["--sysroot", "builtin", "--llvm-version", "21"])
        .with(&[
            "--llvm-tools-install-dir".as_ref(),
            tools::prefix_21().as_os_str(),
        ])
        .with(&TRIPLES)
        .succeeds();
    assert_eq!(sandbox.files("out").len(), 7 * 3 + 2);
}

#[test]
fn a_tree_newer_than_what_was_compared() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = project("");
    for (minor, warned) in [(16, false), (17, true)] {
        sandbox.write(
            "vm/Include/patchlevel.h",
            format!("#define PY_MAJOR_VERSION 3\n#define PY_MINOR_VERSION {minor}\n"),
        );
        let stderr = sandbox
            .build()
            .with(&["--sysroot", "builtin"])
            .succeeds()
            .stderr;
        let words = [
            "CPython 3.17",
            "up to 3.16",
            "compare with a build with real headers",
        ];
        assert!(
            words.iter().all(|word| stderr.contains(word) == warned),
            "{stderr}"
        );
    }
}

#[test]
fn a_wrong_size_is_caught() {
    fixtures::needs!(clang_22, objdump_22);
    // A definition from the pyconfig.h of another system.
    let sandbox = project("#include \"pyconfig.h\"\n");
    let old = tinyvm::file("pyconfig.h");
    let new = old.replace("__SIZEOF_POINTER__", "16");
    assert_ne!(old, new);
    sandbox.write("vm/pyconfig.h", new);
    let stderr = sandbox
        .build_for(&[LINUX])
        .with(&["--sysroot", "builtin"])
        .fails(12);
    assert!(stderr.contains("SIZEOF_VOID_P in pyconfig.h"), "{stderr}");
    assert!(!stderr.contains("--pyconfig-dir"), "{stderr}");
    // A name that only macOS has: the file is another system's, and not only a wrong flag.
    let other = format!("{old}#define SIZEOF_PID_T 4\n#define HAVE_KQUEUE 1\n");
    sandbox.write("vm/pyconfig.h", other);
    let stderr = sandbox
        .build_for(&[LINUX])
        .with(&["--sysroot", "builtin"])
        .fails(12);
    let expected =
        format!("name the directory with the pyconfig.h of {LINUX}, or leave out --pyconfig-dir");
    assert!(stderr.contains(&expected), "{stderr}");
}

#[test]
fn a_directory_with_headers() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = project("");
    sandbox.write("empty/readme", "");
    let stderr = sandbox
        .build_for(&[LINUX])
        .with(&["--sysroot", "empty"])
        .fails(12);
    assert!(stderr.contains("errno.h"), "{stderr}");
    let stderr = sandbox
        .build_for(&[LINUX])
        .with(&["--sysroot", "nowhere"])
        .fails(20);
    assert!(
        stderr.contains("sysroot") && stderr.contains("nowhere"),
        "{stderr}"
    );
}

const BUILTIN: [&str; 2] = ["--sysroot", "builtin"];

#[track_caller]
fn mentions(message: &str, words: &[&str]) {
    for word in words {
        assert!(message.contains(word), "no {word:?} in:\n{message}");
    }
}

/// The advice is to use real headers, whatever is missing.
#[test]
fn what_the_built_in_headers_lack() {
    fixtures::needs!(clang_22, objdump_22);
    let real = ["--sysroot DIR", "docs/sysroot.md", "3.16"];
    // A header of the project needs it.
    for (lines, words) in [
        (
            "\n#include <sys/mman.h>\n",
            ["has no sys/mman.h", "(Include/system.h:2 asks for it)"],
        ),
        (
            "#include <stdio.h>\nstatic inline void say(char *s) { fgets(s, 1, stdin); }\n",
            ["stdio.h does not declare fgets", "(Include/system.h:2 "],
        ),
        (
            "static inline int f(void *p) { return mmap(p); }\n",
            ["has no sys/mman.h, which declares mmap", "system.h:1 "],
        ),
        (
            "static inline int f(void) { return MAP_PRIVATE; }\n",
            [
                "no header of the built-in sysroot declares MAP_PRIVATE",
                "system.h:1 ",
            ],
        ),
        (
            "extern CRITICAL_SECTION lock;\n",
            [
                "windows.h has CRITICAL_SECTION, but not for this target",
                "system.h:1 ",
            ],
        ),
        (
            "#include <time.h>\nstatic inline int f(struct tm *t) { return t->tm_sec; }\n",
            ["time.h does not say what is in struct tm", "system.h:2 "],
        ),
    ] {
        let sandbox = project(lines);
        let message = sandbox.build().with(&BUILTIN).fails(12);
        mentions(&message, &words);
        mentions(&message, &real);
    }
    // A micro-op needs it. The JSON output has one line for each name.
    let sandbox = project("");
    let cases = [
        case("_DUP_r12"),
        case_with("_NOP_r00", "getpid();"),
        case_with("_RESUME_r00", "getpid(); sysconf(1);"),
    ];
    sandbox.write(tinyvm::CASES, tinyvm::cases(&cases));
    let run = sandbox.build().with(&BUILTIN);
    let output = run.with(&["--message-format", "json"]).command().output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(12));
    let events = events(&String::from_utf8(output.stdout).unwrap());
    let advice = events.last().unwrap()["advice"].as_str().unwrap();
    mentions(advice, &["unistd.h does not declare getpid (_NOP_r00.c:"]);
    mentions(
        advice,
        &["unistd.h does not declare sysconf (_RESUME_r00.c:"],
    );
    mentions(advice, &real);
    // Other errors are not about headers.
    sandbox.write(
        tinyvm::CASES,
        tinyvm::cases(&[case_with("_NOP_r00", "int x = ;")]),
    );
    let message = sandbox.build().with(&BUILTIN).fails(12);
    assert!(!message.contains("sysroot"), "{message}");
}

/// The target's system headers are not found.
#[test]
fn no_headers_for_the_target() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = project("");
    let windows = "x86_64-pc-windows-msvc";
    let message = sandbox.build_for(&[windows]).fails(12);
    let words = [
        "errno.h (Include/system.h:",
        windows,
        "--sysroot builtin",
        "docs/sysroot.md",
    ];
    mentions(&message, &words);
    // In some distributions, headers in /usr/include include headers that are for one target only.
    sandbox.write("usr/errno.h", "#include <bits/own.h>\n");
    let directory = format!("--cflags=-isystem {}", sandbox.path("usr").display());
    let message = sandbox.build_for(&[windows]).with(&[&directory]).fails(12);
    mentions(
        &message,
        &["bits/own.h (", "usr/errno.h:1 asks", "--sysroot builtin"],
    );
    sandbox.write("real/readme", "");
    let run = sandbox.build().with(&["--sysroot", "real"]);
    mentions(&run.fails(12), &["errno.h (", "real has none for", LINUX]);
    // A missing header of the project is another error.
    std::fs::remove_file(sandbox.path("vm/Include/system.h")).unwrap();
    let message = sandbox.build_for(&[windows]).fails(12);
    assert!(message.contains("'system.h' file not found"), "{message}");
    assert!(!message.contains("--sysroot"), "{message}");
}
