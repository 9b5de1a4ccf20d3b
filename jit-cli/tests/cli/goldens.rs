//! The files for the example are the same as those that CPython's Tools/jit writes.

use std::sync::OnceLock;

use fixtures::{
    DEBUG_TRIPLES, TRIPLES,
    generated::{Build, HEADER_LINES, dispatcher, shim_object, stencils_header, unwind_header},
    golden::Golden,
};

use crate::{
    sandbox::{Sandbox, complaints},
    tinyvm::{Files, case_with, text},
};

/// What a build of the example for x86_64 macOS prints: it is as wrong there as CPython's tool.
pub(crate) const LITERALS: &str = " WARN jit_stencils-x86_64-apple-darwin.h has wrong addresses of literals in \
    _CHECK_STACK_r00 and another micro-op, as CPython's Tools/jit writes them: such a micro-op reads its \
    strings and constants from a wrong place. They are right with `--codegen tuned` or `small`, and in stencil files \
    (`--emit stencils`): docs/parity.md";

/// A build of all targets with LLVM 22, and the directory it was built in.
pub(crate) fn release() -> &'static (Files, String) {
    static BUILT: OnceLock<(Files, String)> = OnceLock::new();
    BUILT.get_or_init(|| {
        let sandbox = Sandbox::new().tinyvm();
        let printed = sandbox.build_for(&TRIPLES).with(&["-j4"]).succeeds();
        assert_eq!(complaints(&printed.stderr), [LITERALS]);
        (
            sandbox.files("out"),
            sandbox.path("").to_string_lossy().into_owned(),
        )
    })
}

#[track_caller]
fn check(files: &Files, build: Build, triple: &str) {
    let header = |path: std::path::PathBuf, prefix: &str| {
        let ours = text(files, &format!("{prefix}-{triple}.h"));
        Golden::new(path)
            .skip_lines(HEADER_LINES)
            .made_by_upstream()
            .check_text(ours);
    };
    header(stencils_header(build, triple), "jit_stencils");
    header(unwind_header(build, triple), "jit_unwind_info");
    Golden::new(shim_object(build, triple))
        .made_by_upstream()
        .check_bytes(&files[&format!("jit_shim-{triple}.o")]);
}

#[test]
fn all_targets() {
    fixtures::needs!(clang_22, objdump_22);
    let (files, _) = release();
    for triple in TRIPLES {
        check(files, Build::Release, triple);
    }
    // There are three files for each target, and two for all of them.
    assert_eq!(files.len(), 3 * TRIPLES.len() + 2);
}

#[test]
fn dispatchers() {
    fixtures::needs!(clang_22, objdump_22);
    let (files, _) = release();
    for name in ["jit_stencils.h", "jit_unwind_info.h"] {
        Golden::new(dispatcher(name))
            .skip_lines(1)
            .made_by_upstream()
            .check_text(text(files, name));
    }
}

#[test]
fn debug() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new().tinyvm();
    sandbox
        .build_for(&DEBUG_TRIPLES)
        .with(&["--debug"])
        .succeeds();
    let files = sandbox.files("out");
    for triple in DEBUG_TRIPLES {
        check(&files, Build::Debug, triple);
    }
}

/// The first two lines identify the inputs, and have no directories of this machine.
#[test]
fn first_lines() {
    fixtures::needs!(clang_22, objdump_22);
    let (files, _) = release();
    for triple in TRIPLES {
        let header = text(files, &format!("jit_stencils-{triple}.h"));
        let mut lines = header.lines();
        let digest = lines.next().unwrap().strip_prefix("// ").unwrap();
        assert_eq!(digest.len(), 64);
        assert!(digest.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let expected = format!("// $ jit-cli build {} ", TRIPLES.join(" "));
        let command = lines.next().unwrap();
        assert!(command.starts_with(&expected), "{command}");
        assert!(command.ends_with("--llvm-version=22") || command.ends_with("'--llvm-version=22'"));
        assert_eq!(lines.next(), Some(""));
    }
}

/// python/cpython issue 130834: on AArch64 Linux, clang calls libgcc's functions for atomic operations, whose
/// addresses are unknown when stencils are linked.
#[test]
fn no_outlined_atomics() {
    fixtures::needs!(clang_22, objdump_22);
    let triple = "aarch64-unknown-linux-gnu";
    let body = "tos0 = __atomic_fetch_add(&frame->version, 1, __ATOMIC_ACQ_REL);";
    let sandbox = Sandbox::new().tinyvm_of(&[case_with("_LOAD_NONE_r01", body)]);
    let header = || sandbox.text(&format!("out/jit_stencils-{triple}.h"));
    sandbox.build_for(&[triple]).succeeds();
    assert!(!header().contains("__aarch64_"), "{}", header());
    // Without the flag, there would be a call.
    let flag = ["--cflags", "-moutline-atomics"];
    sandbox.build_for(&[triple]).with(&flag).succeeds();
    assert!(
        header().contains("__aarch64_ldadd4_acq_rel"),
        "{}",
        header()
    );
}
