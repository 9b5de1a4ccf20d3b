//! Versions of LLVM other than those that most tests run on: older ones, and one that nobody knows yet.

use jit_stencils::{Part, file};

use crate::{
    cache::events,
    sandbox::{LINUX, Sandbox},
    tools,
};

const ARM_LINUX: &str = "aarch64-unknown-linux-gnu";

/// clang before 21 does not reserve the frame pointer. All stencils have frames there, which keep it.
#[test]
fn frames_of_llvm_19() {
    fixtures::needs!(llvm_19);
    let sandbox = Sandbox::new().tinyvm();
    let printed = sandbox
        .run(&[
            "build",
            "--config",
            "vm/jit.toml",
            "-o",
            "out",
            "--emit",
            "stencils",
        ])
        .with(&["--llvm-version", "19", "--no-cache"])
        .with(&[LINUX, ARM_LINUX])
        .succeeds();
    assert!(!printed.stderr.contains("WARN"), "{}", printed.stderr);
    // `pushq %rbp; movq %rsp, %rbp`, and `mov x29, sp`.
    for (triple, frame) in [
        (LINUX, &[0x55, 0x48, 0x89, 0xe5][..]),
        (ARM_LINUX, &[0xfd, 0x03, 0x00, 0x91]),
    ] {
        let path = sandbox.path(&format!("out/jit_stencils-{triple}.stencils"));
        let set = file::decode(&std::fs::read(path).unwrap()).unwrap();
        let has_frame = |name: &str| {
            let mut groups = set.groups.iter();
            let (_, group) = groups.find(|(found, _)| found == name).unwrap();
            let code = &group.part(Part::Code).body;
            code.windows(frame.len()).any(|bytes| bytes == frame)
        };
        // One calls a function of the host, and the other does nothing: its frame is not necessary, but clang makes one.
        for name in ["_PRINT_r10", "_NOP_r00"] {
            assert!(has_frame(name), "{triple}: {name}");
        }
    }
}

/// What cannot work is refused before anything is built.
#[test]
fn versions_that_a_checkout_cannot_use() {
    let sandbox = Sandbox::new().tinyvm();
    sandbox.write("vm/Tools/jit/_optimizers.py", "# Not CPython's.\n");
    sandbox.write("vm/Tools/jit/_dwarf.py", "# Not CPython's.\n");
    sandbox.headers_of_a_checkout();
    let build = ["build", "--cpython", "vm", "-p", "vm", "-o", "out", LINUX];
    for (version, why) in [
        (
            "19",
            "data that has to be aligned to 16 bytes, which Python/jit.c does not do: name version 20 or newer",
        ),
        (
            "18",
            "its micro-ops use a calling convention that clang has since version 19",
        ),
    ] {
        let message = sandbox
            .run(&build)
            .with(&["--llvm-version", version])
            .fails(2);
        let expected = format!("CPython 3.15 can't be built with LLVM {version}: ");
        assert!(
            message.contains(&expected) && message.contains(why),
            "{message}"
        );
    }
}

/// A clang that is newer than those that were tried is used, with one warning.
#[test]
fn newer_than_all_that_were_tried() {
    fixtures::needs!(clang_22);
    let sandbox = Sandbox::new().tinyvm();
    let clang = tools::clang_22().display();
    sandbox.script(
        "bin/clang",
        &format!(
            "case \"$1\" in --version) echo 'clang version 99.1.0';; *) exec {clang} \"$@\";; esac\n"
        ),
    );
    let build = [
        "build",
        "--config",
        "vm/jit.toml",
        "-o",
        "out",
        LINUX,
        ARM_LINUX,
        "--no-cache",
        "--force",
    ];
    for more in [&[][..], &["--llvm-version", "99"]] {
        let printed = sandbox
            .run(&build)
            .with(more)
            .with(&["--message-format", "json"])
            .env("PATH", sandbox.path("bin"))
            .succeeds();
        let events = events(&printed.stdout);
        let warnings: Vec<&str> = events
            .iter()
            .filter(|event| event["reason"] == "warning")
            .filter_map(|event| event["message"].as_str())
            .filter(|message| message.contains("LLVM"))
            .collect();
        let expected = "LLVM 99 is not one of the versions that jit-cli was tried with (23, 22, 21, 20, 19): run the project's tests with it";
        assert_eq!(warnings, [expected], "{}", printed.stdout);
    }
}
