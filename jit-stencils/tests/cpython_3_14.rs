//! Stencils of CPython 3.14. Expected values: what `process_relocations` of its `Tools/jit/_stencils.py` makes of the same
//! code, holes and data.
#![cfg(feature = "lower")]

mod common;

use common::{Entry, code, object, section, target};
use jit_schema::RelocationKind as R;
use jit_schema::SectionKind::{Code, Data};
use jit_schema::{ObjectFile, ObjectFormat};
use jit_stencils::cpython_3_14::{lower, resolve};
use jit_stencils::{
    HoleValue as V, PatchKind as P, PatchValue, ResolveErrors, Stencil, StencilSet,
};

const X86_64_LINUX: &str = "x86_64-unknown-linux-gnu";
const AARCH64_LINUX: &str = "aarch64-unknown-linux-gnu";
const X86_64_WINDOWS: &str = "x86_64-pc-windows-msvc";

fn run(
    triple: &str,
    shim: Option<ObjectFile>,
    uops: &[(&str, ObjectFile)],
) -> Result<StencilSet, ResolveErrors> {
    let target = target(triple);
    let lowered = |object: &ObjectFile| lower(target, object).unwrap();
    let shim = shim.map(|object| ("shim".to_owned(), lowered(&object)));
    let uops = uops.iter();
    resolve(
        target,
        shim,
        uops.map(|(name, object)| ((*name).to_owned(), lowered(object))),
    )
}

#[track_caller]
fn refused(triple: &str, object: ObjectFile, message: &str) {
    let error = run(triple, None, &[("_X", object)]).unwrap_err();
    assert_eq!(error.to_string(), message);
}

/// `(offset, patch, base, symbol, addend)`
type Summary<'a> = (usize, P, V, Option<&'a str>, i64);

fn summary(stencil: &Stencil) -> Vec<Summary<'_>> {
    let holes = stencil.holes.iter();
    holes
        .map(|hole| match &hole.value {
            PatchValue::Address {
                base,
                symbol,
                addend,
            } => (hole.offset, hole.patch, *base, symbol.as_deref(), *addend),
            PatchValue::Symbol { ordinal } => {
                (hole.offset, hole.patch, V::Zero, None, *ordinal as i64)
            }
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn slots_are_in_the_data_and_the_last_jump_is_removed() {
    let bytes = b"\xff\x15\0\0\0\0\x48\x8b\x05\0\0\0\0\xff\x15\0\0\0\0\xe9\0\0\0\0";
    let holes: [Entry<'_>; 4] = [
        (2, R::RX86_64Gotpcrelx, "PyA", -4),
        (9, R::RX86_64RexGotpcrelx, "_JIT_OPERAND0", -4),
        (15, R::RX86_64Gotpcrelx, "PyA", -4),
        (20, R::RX86_64Plt32, "_JIT_CONTINUE", -4),
    ];
    let mut object = code(bytes, &[], &holes);
    object
        .sections
        .push(section(Data, ".rodata", b"abc", &[], &[]));
    let set = run(X86_64_LINUX, None, &[("_X", object)]).unwrap();
    let group = set.group("_X").unwrap();
    assert_eq!(group.code.body, bytes[..19]);
    assert_eq!(
        summary(&group.code),
        [
            (2, P::X86_64_32rx, V::Data, None, 4),
            (9, P::X86_64_32rx, V::Data, None, 12),
            (15, P::X86_64_32rx, V::Data, None, 4),
        ]
    );
    assert_eq!(group.data.body, [&b"abc"[..], &[0; 21]].concat());
    assert_eq!(
        summary(&group.data),
        [
            (8, P::Patch64, V::Zero, Some("PyA"), 0),
            (16, P::Patch64, V::Operand0, None, 0),
        ]
    );
    assert!(set.symbols.is_empty());
    assert!(group.got_entries.words().is_empty() && group.trampolines.words().is_empty());
}

#[test]
fn a_jump_that_is_not_the_end_stays() {
    let bytes = b"\xe9\0\0\0\0\xc3";
    let object = code(bytes, &[], &[(1, R::RX86_64Plt32, "_JIT_CONTINUE", -4)]);
    let set = run(X86_64_LINUX, None, &[("_X", object)]).unwrap();
    let group = set.group("_X").unwrap();
    assert_eq!(group.code.body, bytes);
    assert_eq!(
        summary(&group.code),
        [(1, P::Patch32r, V::Continue, None, -4)]
    );
}

#[test]
fn aarch64_code_is_filled_up() {
    let first = b"\0\0\0\x90\0\0\x40\xf9\0\0\0\x94\0\0\0\x94\0\0\0\x14";
    let holes: [Entry<'_>; 5] = [
        (0, R::RAarch64AdrGotPage, "PyB", 0),
        (4, R::RAarch64Ld64GotLo12Nc, "PyB", 0),
        (8, R::RAarch64Call26, "PyC", 0),
        (12, R::RAarch64Call26, "PyD", 0),
        (16, R::RAarch64Jump26, "_JIT_CONTINUE", 0),
    ];
    let second = b"\0\0\0\x94\x1f\x20\x03\xd5\x1f\x20\x03\xd5";
    let uops = [
        ("_X", code(first, &[], &holes)),
        ("_Y", code(second, &[], &[(0, R::RAarch64Call26, "PyC", 0)])),
    ];
    let set = run(AARCH64_LINUX, None, &uops).unwrap();
    assert_eq!(set.symbols, ["PyC", "PyD"]);
    let group = set.group("_X").unwrap();
    assert_eq!(group.code.body, first[..16]);
    assert_eq!(
        summary(&group.code),
        [
            (0, P::Aarch64_21r, V::Data, None, 0),
            (4, P::Aarch64_12, V::Data, None, 0),
            (8, P::Aarch64Trampoline, V::Zero, None, 0),
            (12, P::Aarch64Trampoline, V::Zero, None, 1),
        ]
    );
    assert_eq!(
        summary(&group.data),
        [(0, P::Patch64, V::Zero, Some("PyB"), 0)]
    );
    assert_eq!(group.trampolines.words(), [3]);
    let filled = set.group("_Y").unwrap();
    let nop = b"\x1f\x20\x03\xd5";
    assert_eq!(filled.code.body, [&second[..], nop].concat());
    assert_eq!(filled.trampolines.words(), [1]);
}

#[test]
fn the_last_jump_on_windows_is_through_a_slot() {
    let bytes = b"\x48\x8b\x05\0\0\0\0\x48\xff\x25\0\0\0\0";
    let holes: [Entry<'_>; 2] = [
        (3, R::ImageRelAmd64Rel32, "__imp_PyA", -4),
        (10, R::ImageRelAmd64Rel32, "__imp__JIT_CONTINUE", -4),
    ];
    let text = section(Code, ".text", bytes, &[("_JIT_ENTRY", 0)], &holes);
    let object = object(ObjectFormat::Coff, vec![text]);
    let set = run(X86_64_WINDOWS, None, &[("_X", object)]).unwrap();
    let group = set.group("_X").unwrap();
    assert_eq!(group.code.body, bytes[..7]);
    assert_eq!(
        summary(&group.code),
        [(3, P::X86_64_32rx, V::Data, None, -4)]
    );
    assert_eq!(
        summary(&group.data),
        [(0, P::Patch64, V::Zero, Some("PyA"), 0)]
    );
}

/// The shim calls what follows it, and its symbols have the first numbers.
#[test]
fn the_shim_is_a_stencil() {
    let call = |symbol| code(&[0, 0, 0, 0x94], &[], &[(0, R::RAarch64Call26, symbol, 0)]);
    let shim = code(
        &[0, 0, 0, 0x94, 0, 0, 0, 0x94],
        &[],
        &[
            (0, R::RAarch64Call26, "_JIT_CONTINUE", 0),
            (4, R::RAarch64Call26, "PyS", 0),
        ],
    );
    let set = run(AARCH64_LINUX, Some(shim), &[("_X", call("PyX"))]).unwrap();
    assert_eq!(set.symbols, ["PyS", "PyX"]);
    assert_eq!(set.groups.len(), 1);
    let shim = set.shim.unwrap();
    assert_eq!(shim.name, "shim");
    assert_eq!(
        summary(&shim.group.code),
        [
            (0, P::Aarch64_26r, V::Continue, None, 0),
            (4, P::Aarch64Trampoline, V::Zero, None, 0),
        ]
    );
}

#[test]
fn what_the_release_does_not_have() {
    let values = "_JIT_CODE, _JIT_DATA, _JIT_OPARG, _JIT_OPERAND0, _JIT_OPERAND0_HI, _JIT_OPERAND0_LO, _JIT_OPERAND1, \
                  _JIT_OPERAND1_HI, _JIT_OPERAND1_LO, _JIT_TARGET, _JIT_JUMP_TARGET, _JIT_ERROR_TARGET, _JIT_CONTINUE, \
                  _JIT_EXECUTOR";
    for name in ["_JIT_OPARG_16", "_JIT_OPERAND_3", "_JIT_PLACE_0"] {
        let expected = format!(
            "_X: {name}, which is used at code+0x0, is neither a value that is filled in nor a place in the micro-op: is \
             it misspelt? The values are {values}"
        );
        let object = code(&[0; 8], &[], &[(0, R::RAarch64AdrGotPage, name, 0)]);
        refused(AARCH64_LINUX, object, &expected);
    }
    refused(
        AARCH64_LINUX,
        code(&[0; 8], &[], &[(4, R::RAarch64Condbr19, "PyA", 0)]),
        "_X: unsupported relocation R_AARCH64_CONDBR19 against PyA at code+0x4: CPython 3.14 has no \
         patch_aarch64_19r",
    );
    refused(
        AARCH64_LINUX,
        code(&[0; 6], &[], &[]),
        "_X: the code has 6 bytes, which is no multiple of the 4 bytes of an instruction, so that what follows could \
         not be aligned: does it have data among its instructions?",
    );
}

/// Calls that the compiler makes may be out of reach: build.py writes the distance.
#[test]
fn calls_of_functions_that_are_not_imported() {
    let call = |entry, format, bytes: &[u8], hole: Entry<'_>| {
        let text = section(Code, ".text", bytes, &[(entry, 0)], &[hole]);
        object(format, vec![text])
    };
    let hole = (0, R::ImageRelArm64Branch26, "memcpy", 0);
    let arm = call(
        "_JIT_ENTRY",
        ObjectFormat::Coff,
        &[0, 0, 0, 0x94, 0, 0, 0, 0],
        hole,
    );
    let set = run("aarch64-pc-windows-msvc", None, &[("_X", arm)]).unwrap();
    assert_eq!(set.symbols, ["memcpy"]);
    assert_eq!(
        summary(&set.group("_X").unwrap().code),
        [(0, P::Aarch64Trampoline, V::Zero, None, 0)]
    );
    let hole = (1, R::X86_64RelocBranch, "_memcpy", -4);
    let mac = call(
        "__JIT_ENTRY",
        ObjectFormat::MachO,
        b"\xe8\0\0\0\0\xc3",
        hole,
    );
    let set = run("x86_64-apple-darwin", None, &[("_X", mac)]).unwrap();
    let group = set.group("_X").unwrap();
    // A jump in the data, to an address after it.
    assert_eq!(summary(&group.code), [(1, P::Patch32r, V::Data, None, -4)]);
    assert_eq!(group.data.body[..6], *b"\xff\x25\x02\0\0\0");
    assert_eq!(
        summary(&group.data),
        [(8, P::Patch64, V::Zero, Some("memcpy"), 0)]
    );
}

/// Later releases have no such values.
#[test]
fn its_values_are_its_own() {
    let target = target(X86_64_LINUX);
    for name in ["_JIT_CONTINUE", "_JIT_EXECUTOR"] {
        let object = code(&[0; 8], &[], &[(0, R::RX86_64Gotpcrelx, name, -4)]);
        let group = jit_stencils::lower(target, &object).unwrap();
        let error = jit_stencils::resolve(target, [("_X".to_owned(), group)]).unwrap_err();
        let message = error.to_string();
        let (start, known) = message.split_once("The values are ").unwrap();
        assert!(
            start.starts_with(&format!("_X: {name}, which")),
            "{message}"
        );
        assert!(
            !known.contains(name) && known.contains("_JIT_OPARG_16"),
            "{message}"
        );
    }
}
