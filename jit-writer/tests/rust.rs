//! Opcodes in Rust.

use jit_schema::Target;
use jit_stencils::{StencilGroup, StencilSet};
use jit_writer::{HeaderError, Preamble, is_whole_opcodes, rust_opcodes};

fn opcodes(names: &[&str]) -> Result<String, HeaderError> {
    let preamble = Preamble {
        digest: "a digest",
        comment: "a command",
    };
    let groups = names
        .iter()
        .map(|name| ((*name).to_owned(), StencilGroup::default()));
    let set = StencilSet {
        target: *Target::from_triple("x86_64-unknown-linux-gnu").unwrap(),
        groups: groups.collect(),
        symbols: Vec::new(),
        shim: None,
        families: vec![],
    };
    rust_opcodes(preamble, &set)
}

/// rustc reads the text. What names and numbers it has is tested where it is used, in fixtures/functions.
#[test]
fn names_that_are_words_of_rust() {
    let text = opcodes(&["self", "Self", "fn", "crate_", "r", "__"]).unwrap_err();
    assert_eq!(text.to_string().lines().count(), 1);
    let text = opcodes(&["self", "fn", "crate", "r", "__"]).unwrap();
    assert!(is_whole_opcodes(text.as_bytes()));
    assert!(!is_whole_opcodes(&text.as_bytes()[..text.len() - 1]));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("op.rs");
    let program = format!(
        "#![deny(warnings)]\nmod op {{\n{text}\n}}\n\
         fn main() {{ assert_eq!([op::SELF, op::FN, op::CRATE, op::R, op::__], [0, 1, 2, 3, 4]); }}\n"
    );
    std::fs::write(&path, program).unwrap();
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let built = std::process::Command::new(rustc)
        .args(["--edition", "2024", "-o"])
        .args([&directory.path().join("op"), &path])
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "{error}");
    let run = std::process::Command::new(directory.path().join("op")).status();
    assert!(run.unwrap().success());
}

#[test]
fn names_that_become_one() {
    for (names, opname, other) in [
        (&["Add", "ADD"][..], "ADD", "Add"),
        (&["_"], "_", "_"),
        (&["count"], "count", "a constant of the file"),
        (&["names"], "names", "a constant of the file"),
    ] {
        let expected = HeaderError::Constant {
            opname: opname.to_owned(),
            constant: opname.to_ascii_uppercase(),
            other: other.to_owned(),
        };
        assert_eq!(opcodes(names), Err(expected));
    }
    let expected = HeaderError::OpName {
        opname: "a b".to_owned(),
    };
    assert_eq!(opcodes(&["a b"]), Err(expected));
}
