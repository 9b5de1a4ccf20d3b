//! Objects of all seven targets, as C: the same text as CPython's Tools/jit writes.
//!
//! `tests/fixtures/bless.py` made the objects from the `.s` files beside them, and `expected.h`
//! with upstream's own Python. No compiler is needed here.

use std::fs;
use std::path::{Path, PathBuf};

use jit_schema::Target;
use jit_stencils::{StencilSet, UnresolvedGroup, lower, resolve};
use jit_writer::{HeaderFormat, Preamble};

const FORMAT: HeaderFormat = HeaderFormat::CPYTHON_3_15;

const PREAMBLE: Preamble<'static> = Preamble {
    digest: "digest",
    comment: "comment",
};

fn directory(triple: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(triple)
}

/// Places that do not exist, which CPython's tool takes for symbols of the host. They get another name
/// here. (The optimizer would define the first one.)
const UNKNOWN: [&str; 2] = ["_JIT_CONTINUE", "_JIT_UNHEARD_OF"];

/// The uops of a target in the order of their names, disassembly included.
fn uops(target: &Target) -> Vec<(String, UnresolvedGroup)> {
    let mut objects: Vec<PathBuf> = fs::read_dir(directory(target.triple))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "o"))
        .collect();
    objects.sort();
    objects
        .into_iter()
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let mut object = jit_schema::native::read(&fs::read(&path).unwrap()).unwrap();
            // CPython's tool accepts variables and ignores alignment, and these show the layout of sections.
            for section in &mut object.sections {
                section.writable = false;
                section.alignment = 1;
                for relocation in &mut section.relocations {
                    if UNKNOWN.contains(&relocation.symbol.as_str()) {
                        relocation.symbol.insert(0, 'x');
                    }
                }
            }
            let mut group = lower(target, &object).unwrap();
            let text = fs::read_to_string(path.with_extension("disassembly")).unwrap();
            let text = text.strip_prefix(&format!("\n{name}.o")).unwrap();
            group.listing.disassembly = Some(text.to_owned());
            (name, group)
        })
        .collect()
}

/// Lines of CPython's tool that are wrong code, by target, and what is right: see docs/parity.md.
const CORRECTIONS: [(&str, &str, &str); 4] = [
    // A call that may be out of reach.
    (
        "aarch64-pc-windows-msvc",
        "    patch_aarch64_26r(code + 0x10, (uintptr_t)&PyDirect);",
        "    patch_aarch64_trampoline(code + 0x10, 0x2, state);",
    ),
    (
        "aarch64-pc-windows-msvc",
        "{emit__RELOCATIONS, 56, 16, {0}, {0x03}},",
        "{emit__RELOCATIONS, 56, 16, {0x04}, {0x03}},",
    ),
    (
        "aarch64-pc-windows-msvc",
        "symbols_map[2] = {\n    [0] = &PyCall,\n    [1] = &PyData,\n",
        "symbols_map[3] = {\n    [0] = &PyCall,\n    [1] = &PyData,\n    [2] = &PyDirect,\n",
    ),
    // `.quad _PyData+1`
    (
        "x86_64-apple-darwin",
        "    patch_64(data + 0x11, (uintptr_t)&PyData);",
        "    patch_64(data + 0x11, (uintptr_t)&PyData + 0x1);",
    ),
];

fn expected(target: &Target) -> String {
    let path = directory(target.triple).join("expected.h");
    let mut expected = fs::read_to_string(path).unwrap();
    for (triple, upstream, right) in CORRECTIONS {
        if triple == target.triple {
            assert!(expected.contains(upstream), "{upstream}");
            expected = expected.replace(upstream, right);
        }
    }
    for name in UNKNOWN {
        expected = expected.replace(&format!("&{name}"), &format!("&x{name}"));
    }
    expected
}

fn stencils(target: &Target) -> StencilSet {
    resolve(target, uops(target)).unwrap()
}

#[track_caller]
fn assert_same(ours: &str, expected: &str, what: &str) {
    for (number, (our_line, line)) in ours.lines().zip(expected.lines()).enumerate() {
        assert_eq!(
            our_line,
            line,
            "{what}, line {} (tests/fixtures/bless.py makes it anew)",
            number + 1
        );
    }
    assert!(ours == expected, "{what}: one ends before the other");
}

#[track_caller]
fn check(triple: &str, uops: usize) {
    let target = Target::from_triple(triple).unwrap();
    let expected = expected(target);
    let set = stencils(target);
    assert_eq!(set.groups.len(), uops);
    assert_same(
        &FORMAT.stencil_header(PREAMBLE, &set).unwrap(),
        &expected,
        triple,
    );
}

#[test]
fn x86_64_linux() {
    check("x86_64-unknown-linux-gnu", 6);
}

#[test]
fn aarch64_linux() {
    check("aarch64-unknown-linux-gnu", 3);
}

#[test]
fn x86_64_darwin() {
    check("x86_64-apple-darwin", 1);
}

#[test]
fn aarch64_darwin() {
    check("aarch64-apple-darwin", 1);
}

#[test]
fn x86_64_windows() {
    check("x86_64-pc-windows-msvc", 1);
}

#[test]
fn aarch64_windows() {
    check("aarch64-pc-windows-msvc", 1);
}

#[test]
fn i686_windows() {
    check("i686-pc-windows-msvc", 1);
}

#[test]
fn without_disassembly_only_comments_are_missing() {
    let target = Target::from_triple("x86_64-unknown-linux-gnu").unwrap();
    let expected = expected(target);
    let mut bare = uops(target);
    for (_, group) in &mut bare {
        group.listing.disassembly = None;
    }
    let ours = FORMAT
        .stencil_header(PREAMBLE, &resolve(target, bare).unwrap())
        .unwrap();
    assert!(ours.len() < expected.len());
    let code = |text: &str| -> String {
        let lines = text.lines().filter(|line| !line.starts_with("    // "));
        lines.flat_map(|line| [line, "\n"]).collect()
    };
    // The data is described all the same.
    assert!(ours.contains(r#"    // 0: 'say "it\'s"\t\\\x00"#));
    assert_same(&code(&ours), &code(&expected), "without disassembly");
}
