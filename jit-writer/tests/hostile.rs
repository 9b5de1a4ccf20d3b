//! Names and disassembly that would be something else in C than a name and a comment.

use std::ffi::OsStr;
use std::io::Write as _;
use std::process::{Command, Stdio};

use fixtures::needs;
use jit_schema::Target;
use jit_stencils::{Hole, HoleValue, PatchKind, PatchValue, Stencil, StencilGroup, StencilSet};
use jit_writer::{HeaderError, HeaderFormat, Preamble};

const PREAMBLE: Preamble<'static> = Preamble {
    digest: "0123abcd",
    comment: "$ the command",
};

fn address(symbol: &str) -> PatchValue {
    PatchValue::Address {
        base: HoleValue::Zero,
        symbol: Some(symbol.into()),
        addend: 0,
    }
}

/// Returns a set with one micro-op that has one hole, at offset 2 of its code.
fn set(opname: &str, value: PatchValue, symbols: &[&str]) -> StencilSet {
    let hole = Hole {
        offset: 2,
        patch: PatchKind::Patch64,
        value,
        first: None,
        void: false,
    };
    let group = StencilGroup {
        code: Stencil {
            body: vec![0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xc3],
            holes: vec![hole],
        },
        ..StencilGroup::default()
    };
    StencilSet {
        target: *Target::from_triple("x86_64-unknown-linux-gnu").unwrap(),
        groups: vec![(opname.to_owned(), group)],
        symbols: symbols.iter().map(|symbol| (*symbol).to_owned()).collect(),
        shim: None,
        families: vec![],
    }
}

fn error(format: &HeaderFormat, set: &StencilSet) -> HeaderError {
    match format.stencil_header(PREAMBLE, set) {
        Err(error) => error,
        Ok(header) => panic!("{format}: it is written:\n{header}"),
    }
}

const NO_IDENTIFIERS: [&str; 14] = [
    "",
    "a b",
    "x*/y",
    "a+b",
    "a\n",
    "a\\\n",
    "a\"b",
    "a'b",
    "a;b",
    "1a",
    "f.cold",
    "a??/",
    "_ZN\u{202e}x",
    "a, &b",
];

#[test]
fn symbols_that_are_no_identifiers_are_refused() {
    for format in HeaderFormat::ALL {
        for name in NO_IDENTIFIERS {
            let message = error(format, &set("_OP", address(name), &[])).to_string();
            for part in ["_OP: code+0x2 ", &format!(" {name:?}, "), "__asm__ label"] {
                assert!(message.contains(part), "{part}: {message}");
            }
            // By number, as trampolines and GOT slots have them.
            let by_number = PatchValue::Symbol { ordinal: 1 };
            let by_number = set("_OP", by_number, &["good", name]);
            assert_eq!(error(format, &by_number).to_string(), message);
            let unused = error(format, &set("_OP", address("good"), &["good", name]));
            assert!(matches!(unused, HeaderError::Unused { ordinal: 1, .. }));
            let opname = error(format, &set(name, address("good"), &[]));
            assert!(matches!(opname, HeaderError::OpName { .. }), "{opname}");
        }
        for name in ["good", "_ZN3foo3barEv", "opendir$INODE64", "größe"] {
            let set = set("_OP", address(name), &[name]);
            assert!(format.stencil_header(PREAMBLE, &set).is_ok(), "{name}");
        }
    }
}

/// In such a function, `&data` would be the address of its parameter.
#[test]
fn symbols_that_the_functions_hide_are_refused() {
    for format in HeaderFormat::ALL {
        let header = format
            .stencil_header(PREAMBLE, &set("_OP", address("good"), &[]))
            .unwrap();
        let (_, function) = header.split_once("emit__OP(").unwrap();
        let (function, _) = function.split_once("\n}").unwrap();
        let words = function.split(|c: char| !c.is_alphanumeric() && c != '_');
        let mut found = 0;
        // The names that are declared: before a comma, a parenthesis or a bracket, and not called.
        for name in words.filter(|word| word.chars().all(|c| c.is_lowercase() || c == '_')) {
            let declared = ["*", " "].iter().any(|before| {
                [",", ")", "["].iter().any(|after| {
                    let declaration = format!("{before}{name}{after}");
                    function.contains(&declaration) && !function.contains(&format!("{name}("))
                })
            });
            if declared && !name.is_empty() && !["sizeof", "char", "void"].contains(&name) {
                let error = error(format, &set("_OP", address(name), &[]));
                assert!(
                    matches!(error, HeaderError::Local { .. }),
                    "{name}: {error}"
                );
                assert!(error.to_string().contains("rename the symbol"), "{error}");
                found += 1;
            }
        }
        assert!(found >= 5, "{found} in {function}");
        // In the table of symbols, outside of functions, it is the symbol.
        let slot = PatchValue::GotSlot {
            ordinal: 0,
            addend: 0,
        };
        let header = format.stencil_header(PREAMBLE, &set("_OP", slot, &["data"]));
        assert!(header.unwrap().contains("&data,\n"));
    }
}

/// Returns the tokens of a header, as a C compiler's preprocessor prints them.
fn tokens(compiler: &OsStr, header: &str) -> Vec<String> {
    let mut child = Command::new(compiler)
        .args(["-E", "-P", "-w", "-x", "c", "-std=c11", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(header.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{header}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_whitespace().map(str::to_owned).collect()
}

/// Text that would end a comment, make it longer, or hide what comes after it. With `-std=c11`, `??/` is a backslash.
const LIES: [&str; 16] = [
    "\\",
    "\\ ",
    "\\\t",
    "\\\r",
    "\\\u{b}",
    "\\\u{c} ",
    "??/",
    "??/ \t",
    "*/ int x; /*",
    "\n#error lie",
    "\r#error lie",
    "\u{85}#error lie",
    "\u{2028}#error lie",
    "\u{1a}",
    "\u{202e}gnp\u{0}\u{1b}[2J",
    "\u{fffd}\\\n\\",
];

#[test]
fn disassembly_stays_in_its_comment() {
    needs!(clang_22, c_compiler);
    let compilers = [
        fixtures::needs::clang_22().unwrap().into_os_string(),
        fixtures::needs::c_compiler().unwrap(),
    ];
    for format in HeaderFormat::ALL {
        let mut set = set("_OP", address("good"), &[]);
        let header = format.stencil_header(PREAMBLE, &set).unwrap();
        let honest = compilers
            .each_ref()
            .map(|compiler| tokens(compiler, &header));
        let mut text = ":\tfile format elf64-x86-64\n".to_owned();
        for lie in LIES {
            text += &format!("       0: 48 b8 \tmovabsq {lie}\n{lie}\n");
        }
        // The last line is right before the code.
        for last in LIES {
            let (_, group) = &mut set.groups[0];
            group.listing.disassembly = Some(format!("{text}{last}"));
            let preamble = Preamble {
                comment: &format!("$ the command {last}"),
                ..PREAMBLE
            };
            let header = format.stencil_header(preamble, &set).unwrap();
            assert!(!header.contains(|c: char| c.is_control() && c != '\n'));
            for (compiler, honest) in compilers.iter().zip(&honest) {
                assert_eq!(tokens(compiler, &header), *honest, "{last:?}");
            }
        }
    }
}
