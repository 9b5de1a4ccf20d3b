//! clang's warnings are shown, and are not errors.

use crate::{
    batch::SOME,
    sandbox::Sandbox,
    tinyvm::{CASES, case, case_with},
};

#[test]
fn of_a_micro_op() {
    fixtures::needs!(clang_22, objdump_22);
    let bad = case_with("_NOP_r00", "if (tos0 = tos1) {\n    thread->error = 0;\n}");
    // With more than a few micro-ops, headers are precompiled.
    for others in [&SOME[..1], &SOME] {
        let mut cases: Vec<String> = others.iter().map(|name| case(name)).collect();
        cases.insert(1, bad.clone());
        let sandbox = Sandbox::new().tinyvm_of(&cases);
        let text = sandbox.text(CASES);
        let line = text.lines().position(|line| line.contains("tos0 = tos1"));
        let line = 1 + line.unwrap();
        let expected = format!("Python/executor_cases.c.h:{line}:22: warning: ");
        let temporary = sandbox.path("tmp").display().to_string();
        for mode in [&["--force"][..], &["--force", "--one-process-per-step"]] {
            let text = sandbox.build().with(mode).succeeds().stderr;
            assert!(text.contains(&expected), "{text}");
            assert!(text.contains("[-Wparentheses]"), "{text}");
            assert_eq!(text.matches(": warning: ").count(), 1, "{text}");
            // There are no colors without a terminal, and no paths of temporary files.
            assert!(!text.contains('\x1b'), "{text}");
            assert!(!text.contains(&temporary), "{text}");
        }
    }
}

/// The headers are compiled once for all micro-ops, and once for the shim.
#[test]
fn of_a_header() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new().tinyvm();
    let header = crate::tinyvm::file("Include/internal/vm_values.h");
    sandbox.write(
        "vm/Include/internal/vm_values.h",
        format!("{header}\n#warning \"this is old\"\n"),
    );
    let text = sandbox.build().succeeds().stderr;
    assert!(text.contains("vm_values.h:"), "{text}");
    assert_eq!(text.matches(": warning: ").count(), 1, "{text}");
}
