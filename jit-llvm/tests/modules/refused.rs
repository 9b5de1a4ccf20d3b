//! Modules and functions that cannot become stencils are refused, and the reason is named.

use jit_llvm::modules::{Module, ModuleError, Refusal, Roles, Wanted};

use crate::sources::Clang;

fn ir(clang: &Clang, name: &str, text: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let words = ["--target=x86_64-unknown-linux-gnu", "-Os"];
    clang.ir_of((name, text), &words, directory.path())
}

fn refusal(ir: &str) -> ModuleError {
    let roles = Roles::new();
    let module = match Module::parse(ir) {
        Ok(module) => module,
        Err(error) => return error,
    };
    module.extract(&Wanted::new("op", &roles)).unwrap_err()
}

#[test]
fn each_reason_is_named() {
    type Case = (&'static str, &'static str, fn(&Refusal) -> bool);
    let cases: [Case; 9] = [
        (
            "a.c",
            "static int count; int op(void) { return ++count; }",
            |why| matches!(why, Refusal::Writable(name) if name == "count"),
        ),
        (
            "a.c",
            "int table[] = {1, 2}; int op(int n) { return table[n]; }",
            |why| matches!(why, Refusal::Writable(name) if name == "table"),
        ),
        (
            "a.c",
            "int count; static int *get(void) { return &count; } int op(void) { return *get(); }",
            |why| matches!(why, Refusal::Writable(name) if name == "count"),
        ),
        (
            "a.c",
            "static _Thread_local int count; int op(void) { return count; }",
            |why| matches!(why, Refusal::ThreadLocal(name) if name == "count"),
        ),
        (
            "a.c",
            "extern _Thread_local int count; int op(void) { return count; }",
            |why| matches!(why, Refusal::ThreadLocal(name) if name == "count"),
        ),
        (
            "a.c",
            "__attribute__((weak)) int f(void) { return 1; } int op(void) { return f(); }",
            |why| matches!(why, Refusal::Replaceable(name) if name == "f"),
        ),
        (
            "a.c",
            "extern int _JIT_MISSPELT; int op(void) { return _JIT_MISSPELT; }",
            |why| matches!(why, Refusal::Reserved(name) if name == "_JIT_MISSPELT"),
        ),
        (
            "a.cpp",
            "extern \"C\" int op(int n) { if (n) throw 1; return n; }",
            |why| matches!(why, Refusal::Exceptions),
        ),
        (
            "a.cpp",
            "void f(); struct S { ~S() { f(); } }; extern \"C\" int op(int n) { S s; f(); return n; }",
            |why| matches!(why, Refusal::Exceptions),
        ),
    ];
    for clang in Clang::all() {
        for (name, text, is_right) in &cases {
            match refusal(&ir(&clang, name, text)) {
                ModuleError::Refused { refusal, .. } => {
                    assert!(is_right(&refusal), "{text}: {refusal}")
                }
                other => panic!("{text}: {other}"),
            }
        }
        let constructor = "void f(void); __attribute__((constructor)) static void start(void) { f(); } int op(void) { return 1; }";
        let message = refusal(&ir(&clang, "a.c", constructor)).to_string();
        assert!(
            message.contains("start would run when the program starts"),
            "{message}"
        );
        let message = refusal(&ir(
            &clang,
            "a.c",
            "__asm__(\".globl x\"); int op(void) { return 1; }",
        ))
        .to_string();
        assert!(
            message.contains("assembly outside of functions"),
            "{message}"
        );
        let message = refusal(&ir(&clang, "a.c", "int other(void) { return 1; }")).to_string();
        assert_eq!(message, "there is no function op");
    }
}

#[test]
fn what_is_not_known_is_refused_with_its_line() {
    for (text, line, what) in [
        ("define void @op() {\n", 1, "end is missing"),
        ("\n%0 = type { i32 }\n", 2, "without a name"),
        ("!what.ever = !{}\n", 1, "!what.ever"),
        ("declare void @f()\nfoo @x\n", 2, "\"foo\""),
        ("@x = global i32 \"a\n", 1, "without an end"),
        (
            "declare void @f()\ndeclare void @f()\n",
            2,
            "a second function f",
        ),
    ] {
        match Module::parse(text) {
            Err(ModuleError::Unknown {
                line: found,
                what: message,
            }) => {
                assert_eq!(found, line, "{text}");
                assert!(message.contains(what), "{message}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
    let roles = Roles::new();
    for text in [
        "define void @op() #1 {\n  ret void\n}\n",
        "define void @op() {\n  call void @g()\n  ret void\n}\n",
    ] {
        let module = Module::parse(text).unwrap();
        let error = module.extract(&Wanted::new("op", &roles)).unwrap_err();
        assert!(matches!(error, ModuleError::Unknown { .. }), "{error}");
    }
}

/// Text that is cut short or damaged is never a panic.
#[test]
fn damaged_text_does_not_panic() {
    let Some(path) = fixtures::needs::clang_22() else {
        return;
    };
    let text = ir(&Clang { path }, "ops.c", include_str!("ops.c"));
    let roles = Roles::new();
    let try_it = |text: &str| {
        if let Ok(module) = Module::parse(text) {
            for name in module.functions() {
                let _ = module.extract(&Wanted::new(&name, &roles));
            }
        }
    };
    for cut in (0..text.len()).step_by(211) {
        try_it(&text[..cut]);
        let mut damaged = text.clone().into_bytes();
        for (offset, byte) in [(0, b'@'), (7, b'('), (19, b'}'), (31, b'"')] {
            if let Some(place) = damaged.get_mut(cut + offset) {
                *place = byte;
            }
        }
        try_it(&String::from_utf8(damaged).unwrap());
    }
}
