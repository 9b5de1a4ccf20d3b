//! Names and disassembly that would be more than a name and a comment in a header.

use std::{fs, process::Command};

use crate::{
    sandbox::{LINUX, Run, Sandbox},
    tools,
};

/// Returns a sandbox with a copy of the machine in `fixtures/plain`, in which a variable has another name in
/// object files.
fn machine(label: Option<&str>) -> Sandbox {
    let sandbox = Sandbox::new();
    for entry in fs::read_dir(fixtures::root().join("plain")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let mut text = fixtures::golden::read_text(&path);
        if let (Some(label), "machine.h") = (label, name) {
            let declared = "machine_limit;";
            assert!(text.contains(declared));
            text = text.replace(declared, &format!("machine_limit __asm__({label:?});"));
        }
        sandbox.write(&format!("plain/{name}"), text);
    }
    sandbox
}

fn build(sandbox: &Sandbox) -> Run<'_> {
    sandbox
        .run(&["build", "--llvm-version", "22", LINUX])
        .within("plain")
}

#[test]
fn symbols_that_are_no_identifiers() {
    fixtures::needs!(clang_22, objdump_22);
    for label in ["a b", "x*/y", "a+4", "first, &second", "f.cold", "data"] {
        let sandbox = machine(Some(label));
        let message = build(&sandbox).fails(14);
        for word in ["LOOP_WHILE_SMALL: ", "code+0x", label] {
            assert!(message.contains(word), "no {word:?} in:\n{message}");
        }
        assert!(
            !sandbox
                .path("plain/generated")
                .join(format!("jit_stencils-{LINUX}.h"))
                .exists()
        );
        // A stencil file has names of any kind, and nobody takes them for C.
        build(&sandbox).with(&["--emit", "stencils"]).succeeds();
    }
}

/// Returns the tokens of the header, as the preprocessor prints them.
fn tokens(sandbox: &Sandbox) -> Vec<String> {
    let header = sandbox
        .path("plain/generated")
        .join(format!("jit_stencils-{LINUX}.h"));
    let output = Command::new(tools::clang_22())
        .args(["-E", "-P", "-w", "-x", "c", "-std=c11"])
        .arg(header)
        .output()
        .unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn disassembly_that_lies() {
    fixtures::needs!(clang_22, objdump_22);
    let objdump = fixtures::needs::objdump_22().unwrap();
    let sandbox = machine(None);
    build(&sandbox).succeeds();
    let honest = tokens(&sandbox);
    sandbox.clang_with("");
    // After each line of code: what would be in the next line, or swallow it, and bytes that are not UTF-8.
    sandbox.script(
        "llvm/bin/llvm-objdump",
        &format!(
            r#"case $1 in --version) exec '{0}' --version ;; esac
'{0}' "$@" | while IFS= read -r line; do
    printf '%s\n' "$line"
    case $line in
    *:'	'[0-9a-f]*) printf '*/ int lie; \\\n lie ??/\n lie \\ \n\r#error lie\n \032\033 \377\300 \\\n' ;;
    esac
done
printf '\\'
"#,
            objdump.display()
        ),
    );
    build(&sandbox)
        .with(&["--force", "--llvm-tools-install-dir", "../llvm"])
        .succeeds();
    let header = sandbox.text(&format!("plain/generated/jit_stencils-{LINUX}.h"));
    for lie in [
        "// */ int lie; \\.\n",
        "// lie ??/.\n",
        "// #error lie\n",
        "\\x{1a}\\x{1b} \u{fffd}",
    ] {
        assert!(header.contains(lie), "no {lie:?} in:\n{header}");
    }
    assert_eq!(tokens(&sandbox), honest);
}
