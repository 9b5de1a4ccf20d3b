//! Object files that can't become stencils, and clang processes that fail.

use serde_json::Value;

use crate::{
    sandbox::{LINUX, Run, Sandbox},
    tinyvm::{CASES, case, case_with},
};

#[track_caller]
fn mentions(message: &str, words: &[&str]) {
    for word in words {
        assert!(message.contains(word), "no {word:?} in:\n{message}");
    }
}

/// Two good micro-ops, and a bad one between them.
fn with_bad(body: &str) -> Sandbox {
    let bad = case_with("_LOAD_NONE_r01", body);
    Sandbox::new().tinyvm_of(&[case("_NOP_r00"), bad, case("_SWAP_r22")])
}

/// Checks in both modes that the bad micro-op is named, and the good ones are not.
#[track_caller]
fn fails(sandbox: &Sandbox, triple: &str, status: i32, words: &[&str]) {
    for mode in [&[][..], &["--one-process-per-step"]] {
        let message = sandbox.build_for(&[triple]).with(mode).fails(status);
        only_the_bad(&message);
        mentions(&message, words);
    }
}

#[track_caller]
fn only_the_bad(message: &str) {
    mentions(message, &["_LOAD_NONE_r01"]);
    assert!(!message.contains("_NOP_r00"), "{message}");
    assert!(!message.contains("_SWAP_r22"), "{message}");
}

#[test]
fn a_thread_local_variable() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = with_bad("extern __thread int vm_local;\ntos0 = (vm_value)vm_local;");
    let words = [
        "R_X86_64_GOTTPOFF",
        "vm_local",
        ".text+0x",
        "through a function",
    ];
    fails(&sandbox, LINUX, 13, &words);
}

#[test]
fn a_static_variable() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = with_bad("static uint32_t counter;\ntos0 = ++counter;");
    fails(&sandbox, LINUX, 14, &["bss"]);
}

#[test]
fn a_symbol_that_is_not_imported() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = with_bad("extern vm_value vm_elsewhere;\ntos0 = vm_elsewhere;");
    let words = ["vm_elsewhere is used at code+0x", "without being imported"];
    fails(&sandbox, "x86_64-pc-windows-msvc", 15, &words);
}

/// Stencils share one frame pointer.
#[test]
fn a_frame_pointer_that_changes() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = with_bad("__asm__ volatile(\"movq %rsp, %rbp\");");
    fails(&sandbox, LINUX, 17, &["rbp", "frame pointer"]);
}

#[test]
fn several_for_several_reasons() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new().tinyvm_of(&[
        case_with("_NOP_r00", "static uint32_t counter;\ntos0 = ++counter;"),
        case("_DUP_r12"),
        case_with("_RESUME_r00", "__asm__ volatile(\"movq %rsp, %rbp\");"),
        case_with("_SWAP_r22", "no_such_variable = 1;"),
    ]);
    let build = sandbox.build();
    // The status is the first one's.
    let message = build.fails(14);
    mentions(
        &message,
        &["_NOP_r00", "_RESUME_r00", "_SWAP_r22", "3 micro-ops failed"],
    );
    assert!(!message.contains("_DUP_r12"), "{message}");
}

/// An error that clang does not find names the line of the micro-op, too, and a reason is given once.
#[test]
fn places_and_reasons() {
    fixtures::needs!(clang_22, objdump_22);
    let variable = "static uint32_t counter;\ntos0 = ++counter;";
    let sandbox = Sandbox::new().tinyvm_of(&[
        case_with("_LOAD_LOCAL_r01", variable),
        case("_DUP_r12"),
        case_with("_LOAD_NONE_r01", variable),
        case_with("_SWAP_r22", "__asm__ volatile(\"movq %rsp, %rbp\");"),
    ]);
    let cases = sandbox.text(CASES);
    let line = |name: &str| {
        let start = format!("        case {name}: {{");
        1 + cases.lines().position(|line| line == start).unwrap()
    };
    let place = |name: &str| format!("executor_cases.c.h:{}: {name}: ", line(name));
    let message = sandbox.build().fails(14);
    let more = "\nand the same in 1 more micro-op: _LOAD_NONE_r01\n";
    mentions(
        &message,
        &[&place("_LOAD_LOCAL_r01"), more, &place("_SWAP_r22")],
    );
    assert_eq!(message.matches("bss").count(), 1, "{message}");
    let printed = sandbox
        .build()
        .with(&["--message-format", "json"])
        .prints(14);
    let last: Value = serde_json::from_str(printed.stdout.lines().last().unwrap()).unwrap();
    let errors = last["errors"].as_array().unwrap();
    let found: Vec<(u64, &str)> = errors
        .iter()
        .map(|error| {
            (
                error["line"].as_u64().unwrap(),
                error["uop"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = ["_LOAD_LOCAL_r01", "_LOAD_NONE_r01", "_SWAP_r22"];
    assert_eq!(found, expected.map(|name| (line(name) as u64, name)));
    for error in errors {
        let file = error["file"].as_str().unwrap();
        assert!(file.ends_with("Python/executor_cases.c.h"), "{error}");
    }
}

/// Returns a build with the clang in `llvm/bin`. It recognizes micro-ops by the names of their files, which have
/// the names of micro-ops only where files are kept.
fn with_fake<'a>(sandbox: &'a Sandbox, mode: &[&str]) -> Run<'a> {
    let kept = format!("kept{}", mode.len());
    sandbox
        .build()
        .with(&["--llvm-tools-install-dir", "llvm"])
        .with(&["--keep-temps", &kept])
        .with(mode)
}

/// Returns a sandbox with a wrapper around clang that damages the object file of one micro-op.
fn harming(harm: &str) -> Sandbox {
    let sandbox = with_bad("tos0 = VM_NONE;");
    sandbox.clang_with(&format!(
        r#""$real" "$@" || exit
for argument do
    case "$argument" in
    _LOAD_NONE_r01.* | */_LOAD_NONE_r01.*)
        object=${{argument%.*}}.o
        [ -f "$object" ] || continue
        {harm} > "$object.harmed"
        mv "$object.harmed" "$object"
        ;;
    esac
done
exit 0
"#
    ));
    sandbox
}

#[test]
fn objects_that_are_broken() {
    fixtures::needs!(clang_22, objdump_22);
    for harm in [
        // The file ends in the header, in a section, or in the section headers.
        "head -c 50 \"$object\"",
        "head -c 70 \"$object\"",
        "head -c 600 \"$object\"",
        "echo 'no object at all'",
        // The offset of the section headers is far beyond the end of the file.
        r#"{ head -c 40 "$object"; printf '\377\377\377\377'; tail -c +45 "$object"; }"#,
        // A million sections.
        r#"{ head -c 60 "$object"; printf '\377\376'; tail -c +63 "$object"; }"#,
    ] {
        only_the_bad(&with_fake(&harming(harm), &[]).fails(16));
    }
    let sandbox = harming("head -c 600 \"$object\"");
    let message = with_fake(&sandbox, &["--one-process-per-step"]).fails(16);
    only_the_bad(&message);
}

#[test]
fn no_object_at_all() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = with_bad("tos0 = VM_NONE;");
    // It reports success, but did nothing.
    sandbox.clang_with("case \"$*\" in *_LOAD_NONE_r01.s) exit 0 ;; esac");
    let message = with_fake(&sandbox, &["--one-process-per-step"]).fails(24);
    mentions(&message, &["wrote no object file for _LOAD_NONE_r01"]);
    // In a batch, what is empty is tried alone.
    with_fake(&harming(":"), &[]).fails(24);
}

/// clang is killed in a batch, as by a kernel that is out of memory.
#[test]
fn clang_is_killed() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = with_bad("tos0 = VM_NONE;");
    // The micro-ops before the bad one are compiled.
    sandbox.clang_with(
        r#"before=
for argument do
    case "$argument" in
    _LOAD_NONE_r01.* | */_LOAD_NONE_r01.*)
        case "$*" in *' -cc1 '* | '-cc1 '*) eval "'$real' $before" ;; esac
        kill -9 $$
        ;;
    esac
    before="$before '$argument'"
done
"#,
    );
    for mode in [&[][..], &["--one-process-per-step"]] {
        let message = with_fake(&sandbox, mode).fails(12);
        only_the_bad(&message);
        mentions(&message, &["signal: 9"]);
        for name in ["_NOP_r00", "_SWAP_r22"] {
            assert!(sandbox.was_assembled(&format!("kept{}", mode.len()), name));
        }
    }
}

/// clang crashes.
#[test]
fn clang_crashes() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = with_bad("\n#pragma clang __debug crash\n;");
    for mode in [&[][..], &["--one-process-per-step"]] {
        let message = sandbox.build().with(mode).fails(12);
        only_the_bad(&message);
    }
}
