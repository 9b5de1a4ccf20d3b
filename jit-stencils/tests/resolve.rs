//! Numbers for external symbols, and what cannot be resolved.
//!
//! That the results are CPython's is checked in jit-writer's tests, byte for byte.
#![cfg(feature = "lower")]

mod common;

use common::{Entry, code, object, section, target};
use jit_schema::RelocationKind as R;
use jit_schema::SectionKind::{Code, Data};
use jit_schema::{ObjectFile, ObjectFormat};
use jit_stencils::{
    Hole, HoleValue, PatchKind, PatchValue, ResolveErrors, StencilSet, lower, resolve,
};

const X86_64_LINUX: &str = "x86_64-unknown-linux-gnu";
const AARCH64_LINUX: &str = "aarch64-unknown-linux-gnu";
const X86_64_WINDOWS: &str = "x86_64-pc-windows-msvc";
const I686_WINDOWS: &str = "i686-pc-windows-msvc";

fn run(triple: &str, uops: &[(&str, ObjectFile)]) -> Result<StencilSet, ResolveErrors> {
    let target = target(triple);
    resolve(
        target,
        uops.iter()
            .map(|(name, object)| ((*name).to_owned(), lower(target, object).unwrap())),
    )
}

#[track_caller]
fn refused(triple: &str, uops: &[(&str, ObjectFile)], message: &str) {
    assert_eq!(run(triple, uops).unwrap_err().to_string(), message);
}

fn got(offset: u64, symbol: &str) -> Entry<'_> {
    (offset, R::RX86_64Gotpcrelx, symbol, -4)
}

fn coff(entry: &str, relocations: &[Entry<'_>]) -> ObjectFile {
    let text = section(Code, ".text", &[0; 16], &[(entry, 0)], relocations);
    object(ObjectFormat::Coff, vec![text])
}

#[test]
fn numbers_follow_the_order_of_uops_and_holes() {
    // Holes are numbered in the order of the relocations, not of their offsets.
    let a = ("_A", code(&[0; 16], &[], &[got(8, "PyB"), got(0, "PyA")]));
    let b = ("_B", code(&[0; 16], &[], &[got(0, "PyC"), got(4, "PyA")]));
    let set = run(X86_64_LINUX, &[a.clone(), b.clone()]).unwrap();
    assert_eq!(set.symbols, ["PyB", "PyA", "PyC"]);
    assert_eq!(set.groups[0].0, "_A");
    assert_eq!(set.group("_A").unwrap().got_entries.words(), [0b11]);
    assert_eq!(set.group("_B").unwrap().got_entries.words(), [0b110]);
    assert_eq!(set, run(X86_64_LINUX, &[a.clone(), b.clone()]).unwrap());
    let other = run(X86_64_LINUX, &[b, a]).unwrap();
    assert_eq!(other.symbols, ["PyC", "PyA", "PyB"]);
    assert_eq!(other.groups[0].0, "_B");
    let slot = |ordinal| PatchValue::GotSlot {
        ordinal,
        addend: -4,
    };
    let holes = &set.group("_A").unwrap().code.holes;
    assert_eq!(
        holes
            .iter()
            .map(|hole| (hole.offset, hole.value.clone()))
            .collect::<Vec<_>>(),
        [(0, slot(1)), (8, slot(0))]
    );
}

#[test]
fn data_is_padded_before_its_table() {
    let mut object = code(&[0; 8], &[], &[got(0, "_JIT_OPERAND0")]);
    object
        .sections
        .push(section(Data, ".rodata", b"abc", &[], &[]));
    let set = run(X86_64_LINUX, &[("_X", object)]).unwrap();
    let group = set.group("_X").unwrap();
    assert_eq!(group.data.body, b"abc\0\0\0\0\0\0\0\0\0\0\0\0\0");
    assert_eq!(group.listing.data_size, Some(3));
    let address = |base, addend| PatchValue::Address {
        base,
        symbol: None,
        addend,
    };
    let hole = |offset, patch, value| Hole {
        offset,
        patch,
        value,
        first: None,
        void: false,
    };
    assert_eq!(
        group.data.holes,
        [hole(8, PatchKind::Patch64, address(HoleValue::Operand0, 0))]
    );
    assert_eq!(
        group.code.holes,
        [hole(
            0,
            PatchKind::X86_64_32rx,
            address(HoleValue::Data, 8 - 4)
        )]
    );
    assert!(set.symbols.is_empty() && group.got_entries.words().is_empty());
}

#[test]
fn symbols_that_begin_like_constants_are_symbols() {
    // Upstream's C for this does not compile: it takes the name for an instruction's field.
    let object = code(&[0; 8], &[], &[(0, R::RX86_64_64, "CONSTANTS", 0)]);
    let set = run(X86_64_LINUX, &[("_X", object)]).unwrap();
    let expected = PatchValue::Address {
        base: HoleValue::Zero,
        symbol: Some("CONSTANTS".into()),
        addend: 0,
    };
    assert_eq!(set.groups[0].1.code.holes[0].value, expected);
}

#[test]
fn addends_wrap() {
    let object = code(
        &[0; 8],
        &[("local", u64::MAX)],
        &[(0, R::RX86_64_64, "local", i64::MIN)],
    );
    let set = run(X86_64_LINUX, &[("_X", object)]).unwrap();
    let expected = PatchValue::Address {
        base: HoleValue::Code,
        symbol: None,
        addend: i64::MAX,
    };
    assert_eq!(set.groups[0].1.code.holes[0].value, expected);
}

#[test]
fn windows_code_must_import() {
    let object = coff(
        "_JIT_ENTRY",
        &[(5, R::ImageRelAmd64Rel32, "PyNumber_Add", -4)],
    );
    refused(
        X86_64_WINDOWS,
        &[("_BINARY_OP_r21", object)],
        "_BINARY_OP_r21: PyNumber_Add is used at code+0x5 without being imported: \
         declare PyNumber_Add with __declspec(dllimport), as PyAPI_FUNC and PyAPI_DATA do",
    );
}

#[test]
fn slots_and_trampolines_take_no_addend() {
    let object = code(&[0; 8], &[], &[(0, R::RX86_64Gotpcrelx, "PyGot", 4)]);
    refused(
        X86_64_LINUX,
        &[("_X", object)],
        "_X: unsupported relocation R_X86_64_GOTPCRELX against PyGot at code+0x0: its addend must \
         be -4, not 4",
    );
    let object = code(&[0; 8], &[], &[(4, R::RAarch64Call26, "PyCall", 8)]);
    refused(
        AARCH64_LINUX,
        &[("_X", object)],
        "_X: unsupported relocation R_AARCH64_CALL26 against PyCall at code+0x4: its addend must \
         be 0, not 8",
    );
}

#[test]
fn slots_that_are_not_reserved_are_refused() {
    let uses = ("_USES", code(&[0; 8], &[], &[got(0, "PyGot")]));
    let mut only_data = code(&[0; 8], &[], &[]);
    only_data
        .sections
        .push(section(Data, ".data", &[0; 8], &[], &[got(4, "PyGot")]));
    // That another uop uses it makes no difference.
    for uops in [
        vec![("_X", only_data.clone())],
        vec![uses, ("_X", only_data.clone())],
    ] {
        refused(
            X86_64_LINUX,
            &uops,
            "_X: unsupported relocation R_X86_64_GOTPCRELX against PyGot at data+0x4: its GOT \
             slot is not used by the code",
        );
    }
    let mut both = code(&[0; 8], &[], &[got(0, "PyGot")]);
    both.sections.extend(only_data.sections.pop());
    assert!(run(X86_64_LINUX, &[("_X", both)]).is_ok());
    refused(
        I686_WINDOWS,
        &[(
            "_X",
            coff(
                "__JIT_ENTRY",
                &[(0, R::ImageRelI386Dir32, "__imp__PyCall", 0)],
            ),
        )],
        "_X: unsupported relocation IMAGE_REL_I386_DIR32 against PyCall at code+0x0: it cannot \
         refer to a GOT slot",
    );
}

#[test]
fn symbols_are_needed() {
    refused(
        X86_64_LINUX,
        &[("_X", code(&[0; 8], &[], &[got(0, "")]))],
        "_X: unsupported relocation R_X86_64_GOTPCRELX against no symbol at code+0x0: a GOT slot needs a \
         symbol",
    );
    for symbol in ["_JIT_ZERO", ""] {
        refused(
            AARCH64_LINUX,
            &[(
                "_X",
                code(&[0; 8], &[], &[(0, R::RAarch64Jump26, symbol, 0)]),
            )],
            "_X: unsupported relocation R_AARCH64_JUMP26 against no symbol at code+0x0: a branch \
             needs a symbol",
        );
    }
    let object = code(&[0; 8], &[], &[(0, R::RX86_64_64, "_JIT_GOT", 0)]);
    refused(
        X86_64_LINUX,
        &[("_X", object)],
        "_X: unsupported relocation R_X86_64_64 against no symbol at code+0x0: a GOT slot needs a \
         symbol",
    );
}

#[test]
fn names_are_there_once() {
    let object = code(&[0; 8], &[], &[]);
    refused(
        X86_64_LINUX,
        &[
            ("_X", object.clone()),
            ("_Y", object.clone()),
            ("_X", object),
        ],
        "there are two micro-ops _X: give each a name of its own",
    );
}

/// `const int table[4]` that is not static, with -fPIC or on AArch64.
#[test]
fn what_the_object_defines_is_local_through_the_got() {
    let mut object = code(&[0; 8], &[], &[got(3, "table"), got(0, "PyA")]);
    object
        .sections
        .push(section(Data, ".rodata", &[7; 16], &[("table", 4)], &[]));
    let set = run(X86_64_LINUX, &[("_X", object)]).unwrap();
    assert_eq!(set.symbols, ["PyA"]);
    let group = set.group("_X").unwrap();
    let address = |base, addend| PatchValue::Address {
        base,
        symbol: None,
        addend,
    };
    // A slot after the data, which holds the address of the table.
    assert_eq!(group.code.holes[1].value, address(HoleValue::Data, 16 - 4));
    assert_eq!(group.data.body.len(), 24);
    let slot = &group.data.holes[1];
    assert_eq!((slot.offset, slot.patch), (16, PatchKind::Patch64));
    assert_eq!(slot.value, address(HoleValue::Data, 4));
}

#[test]
fn calls_that_windows_may_not_reach_go_through_a_jump() {
    // callq memset; jmp memset
    let text = section(
        Code,
        ".text",
        b"\xe8\0\0\0\0\xe9\0\0\0\0",
        &[("_JIT_ENTRY", 0)],
        &[
            (1, R::ImageRelAmd64Rel32, "memset", -4),
            (6, R::ImageRelAmd64Rel32, "memset", -4),
        ],
    );
    let object = object(ObjectFormat::Coff, vec![text]);
    let set = run(X86_64_WINDOWS, &[("_X", object)]).unwrap();
    let group = set.group("_X").unwrap();
    for hole in &group.code.holes {
        assert_eq!(hole.patch, PatchKind::Patch32r);
        let value = PatchValue::Address {
            base: HoleValue::Data,
            symbol: None,
            addend: -4,
        };
        assert_eq!(hole.value, value);
    }
    // jmpq *2(%rip), as clang assembles it, and what it jumps to.
    assert_eq!(
        group.data.body,
        b"\xff\x25\x02\0\0\0\xcc\xcc\0\0\0\0\0\0\0\0"
    );
    let [hole] = group.data.holes.as_slice() else {
        panic!("{:?}", group.data.holes);
    };
    assert_eq!((hole.offset, hole.patch), (8, PatchKind::Patch64));
    let symbol = PatchValue::Address {
        base: HoleValue::Zero,
        symbol: Some("memset".into()),
        addend: 0,
    };
    assert_eq!(hole.value, symbol);
    assert!(set.symbols.is_empty());
}

#[test]
fn places_must_be_known_and_are_not_called() {
    let symbols: [Entry<'_>; 3] = [
        (0, R::RX86_64_64, "_JIT_OPRAND0", 0),
        got(0, "_JIT_OPRAND0"),
        (0, R::RX86_64Plt32, "_JIT_OPRAND0", -4),
    ];
    for relocation in symbols {
        let object = code(&[0; 8], &[], &[relocation]);
        let message = run(X86_64_LINUX, &[("_X", object)])
            .unwrap_err()
            .to_string();
        let expected = "_X: _JIT_OPRAND0, which is used at code+0x0, is neither a value that is \
                        filled in nor a place in the micro-op: is it misspelt? The values are \
                        _JIT_CODE, _JIT_DATA, _JIT_OPARG, ";
        assert!(message.starts_with(expected), "{message}");
    }
    // A place of the micro-op's own.
    let known = code(&[0; 8], &[("_JIT_LABEL", 4)], &[got(0, "_JIT_LABEL")]);
    run(X86_64_LINUX, &[("_X", known)]).unwrap();

    let called = "_X: _JIT_ERROR_TARGET is called at code+0x";
    for (triple, text, relocation, offset) in [
        (
            X86_64_LINUX,
            &b"\xe8\0\0\0\0"[..],
            (1, R::RX86_64Plt32, "_JIT_ERROR_TARGET", -4),
            1,
        ),
        (
            X86_64_LINUX,
            b"\xff\x15\0\0\0\0",
            got(2, "_JIT_ERROR_TARGET"),
            2,
        ),
        (
            AARCH64_LINUX,
            b"\0\0\0\x94",
            (0, R::RAarch64Call26, "_JIT_ERROR_TARGET", 0),
            0,
        ),
    ] {
        let message = run(triple, &[("_X", code(text, &[], &[relocation]))])
            .unwrap_err()
            .to_string();
        assert!(
            message.starts_with(&format!("{called}{offset}, but")),
            "{message}"
        );
    }
    // The same as jumps.
    let jump = (1, R::RX86_64Plt32, "_JIT_ERROR_TARGET", -4);
    run(X86_64_LINUX, &[("_X", code(b"\xe9\0\0\0\0", &[], &[jump]))]).unwrap();
    let jump = (0, R::RAarch64Jump26, "_JIT_ERROR_TARGET", 0);
    run(AARCH64_LINUX, &[("_X", code(b"\0\0\0\x14", &[], &[jump]))]).unwrap();
}

#[test]
fn numbered_places_and_operands_are_called() {
    // A place is in the same trace, and a function whose address is an operand may be anywhere.
    for (triple, text, relocation, addend, thunk) in [
        (
            X86_64_LINUX,
            &b"\xe8\0\0\0\0"[..],
            R::RX86_64Plt32,
            -4,
            b"\xff\x25\x02\0\0\0\xcc\xcc",
        ),
        (
            AARCH64_LINUX,
            b"\0\0\0\x94",
            R::RAarch64Call26,
            0,
            b"\x50\0\0\x58\0\x02\x1f\xd6",
        ),
    ] {
        let offset = text.len() as u64 - 4;
        let group = |symbol| {
            let object = code(text, &[], &[(offset, relocation, symbol, addend)]);
            let set = run(triple, &[("_X", object)]).unwrap();
            set.group("_X").unwrap().clone()
        };
        let value = |base, addend| PatchValue::Address {
            base,
            symbol: None,
            addend,
        };
        let place = group("_JIT_PLACE_3");
        assert_eq!(
            place.code.holes[0].value,
            value(HoleValue::Place(3), addend)
        );
        assert!(place.data.body.is_empty());

        let function = group("_JIT_OPERAND_2");
        assert_eq!(function.code.holes[0].value, value(HoleValue::Data, addend));
        assert_eq!(function.data.body, [thunk.as_slice(), &[0; 8]].concat());
        let [slot] = function.data.holes.as_slice() else {
            panic!("{:?}", function.data.holes);
        };
        assert_eq!((slot.offset, slot.patch), (8, PatchKind::Patch64));
        assert_eq!(slot.value, value(HoleValue::Operand(2), 0));
    }
    let called = |symbol| {
        run(
            X86_64_LINUX,
            &[("_X", code(b"\xff\x15\0\0\0\0", &[], &[got(2, symbol)]))],
        )
    };
    called("_JIT_OPERAND_0").unwrap();
    called("_JIT_PLACE_0").unwrap();
    let message = called("_JIT_OPERAND_0_HI").unwrap_err().to_string();
    assert!(message.contains("is called at"), "{message}");
}

#[test]
fn near_addresses_are_the_micro_ops_own() {
    let relocation = |symbol| (0, R::RX86_64Pc32, symbol, -4);
    let local = code(&[0; 8], &[("local", 4)], &[relocation("local")]);
    run(X86_64_LINUX, &[("_X", local)]).unwrap();
    for symbol in ["PyData", "_JIT_OPERAND0"] {
        let error = run(
            X86_64_LINUX,
            &[("_X", code(&[0; 8], &[], &[relocation(symbol)]))],
        );
        let message = error.unwrap_err().to_string();
        assert!(message.contains("may be out of its reach"), "{message}");
    }
}

#[test]
fn each_micro_op_with_an_error_is_reported() {
    let bad = |symbol| code(&[0; 8], &[], &[(0, R::RX86_64Pc32, symbol, -4)]);
    let uops = [
        ("_A", bad("first")),
        ("_B", code(&[0; 8], &[], &[])),
        ("_C", bad("second")),
        ("_B", code(&[0; 8], &[], &[])),
    ];
    let errors = run(X86_64_LINUX, &uops).unwrap_err();
    let all = std::iter::once(&errors.first).chain(&errors.others);
    assert_eq!(
        all.map(|error| error.opname()).collect::<Vec<_>>(),
        ["_A", "_C", "_B"]
    );
    let message = errors.to_string();
    assert_eq!(message.lines().count(), 3, "{message}");
    assert!(message.contains("_C: unsupported relocation R_X86_64_PC32 against second"));
}

#[test]
fn a_micro_op_may_call_itself() {
    let call = (1, R::RX86_64Plt32, "_JIT_ENTRY", -4);
    let set = run(X86_64_LINUX, &[("_X", code(b"\xe8\0\0\0\0", &[], &[call]))]);
    let set = set.unwrap();
    let [hole] = &set.group("_X").unwrap().code.holes[..] else {
        panic!("{set:?}");
    };
    let expected = PatchValue::Address {
        base: HoleValue::Code,
        symbol: None,
        addend: -4,
    };
    assert_eq!(hole.value, expected);
}
