//! Objects to stencils: where sections, symbols and labels go, and what is refused.
//!
//! That the results are CPython's is checked in jit-writer's tests, byte for byte.
#![cfg(feature = "lower")]

mod common;

use common::{Entry, code, object, section, target};
use jit_schema::RelocationKind as R;
use jit_schema::SectionKind::{Code, Data, Metadata};
use jit_schema::{ObjectFile, ObjectFormat, Section, Target};
use jit_stencils::{
    HoleValue, LowerError, Part, PatchKind, Place, UnresolvedGroup, UnresolvedHole, lower,
    lower_aligned,
};

const X86_64_LINUX: &str = "x86_64-unknown-linux-gnu";
const AARCH64_LINUX: &str = "aarch64-unknown-linux-gnu";
const X86_64_DARWIN: &str = "x86_64-apple-darwin";
const AARCH64_WINDOWS: &str = "aarch64-pc-windows-msvc";
const X86_64_WINDOWS: &str = "x86_64-pc-windows-msvc";
const I686_WINDOWS: &str = "i686-pc-windows-msvc";

#[track_caller]
fn lowered(triple: &str, object: &ObjectFile) -> UnresolvedGroup {
    lower(target(triple), object).unwrap()
}

#[track_caller]
fn refused(triple: &str, object: &ObjectFile, message: &str) -> LowerError {
    let error = lower(target(triple), object).unwrap_err();
    assert_eq!(error.to_string(), message);
    error
}

fn at(address: u64, section: Section) -> Section {
    Section { address, ..section }
}

fn place(part: Part, offset: i64) -> Place {
    Place { part, offset }
}

/// `(offset, patch, base, symbol, addend)`
fn summary(hole: &UnresolvedHole) -> (usize, PatchKind, HoleValue, Option<&str>, i64) {
    let symbol = hole.symbol.as_deref();
    (hole.offset, hole.patch, hole.base, symbol, hole.addend)
}

#[test]
fn elf_sections_are_concatenated() {
    let object = object(
        ObjectFormat::Elf,
        vec![
            section(Metadata, "", &[], &[], &[]),
            section(Code, ".text", &[1; 8], &[("_JIT_ENTRY", 0)], &[]),
            section(Data, ".rodata", &[2; 3], &[(".rodata", 0), ("a", 1)], &[]),
            section(Metadata, ".comment", &[], &[], &[]),
            section(
                Code,
                ".text.cold",
                &[3; 8],
                &[("cold", 4)],
                &[(2, R::RX86_64Plt32, "_JIT_ERROR_TARGET", -4)],
            ),
            section(
                Data,
                ".data",
                &[4; 9],
                &[("b", 2), ("a", 0)],
                &[(1, R::RX86_64_64, "a", 5)],
            ),
        ],
    );
    let group = lowered(X86_64_LINUX, &object);
    assert_eq!(group.code.body, [[1; 8], [3; 8]].concat());
    assert_eq!(group.data.body, [2, 2, 2, 4, 4, 4, 4, 4, 4, 4, 4, 4]);
    assert_eq!(group.listing.data_size, Some(12));
    assert_eq!(group.symbols["cold"], place(Part::Code, 12));
    assert_eq!(group.symbols["b"], place(Part::Data, 5));
    // The last one counts.
    assert_eq!(group.symbols["a"], place(Part::Data, 3));
    let holes: Vec<_> = group.code.holes.iter().map(summary).collect();
    assert_eq!(
        holes,
        [(10, PatchKind::Patch32r, HoleValue::ErrorTarget, None, -4)]
    );
    let holes: Vec<_> = group.data.holes.iter().map(summary).collect();
    assert_eq!(
        holes,
        [(4, PatchKind::Patch64, HoleValue::Zero, Some("a"), 5)]
    );
}

#[test]
fn macho_gaps_are_filled() {
    let object = object(
        ObjectFormat::MachO,
        vec![
            section(Code, "__text", &[0x90; 5], &[("__JIT_ENTRY", 0)], &[]),
            at(8, section(Data, "__const", &[1; 2], &[("_a", 9)], &[])),
            at(
                16,
                section(
                    Data,
                    "__cstring",
                    b"x\0______",
                    &[("_b", 16)],
                    &[(0, R::X86_64RelocUnsigned, "_a", 0)],
                ),
            ),
        ],
    );
    let group = lowered(X86_64_DARWIN, &object);
    assert_eq!(group.code.body, [0x90; 5]);
    // Offsets count from the end of the code, address 5.
    assert_eq!(group.data.body, b"\0\0\0\x01\x01\0\0\0\0\0\0x\0______");
    assert_eq!(group.symbols["a"], place(Part::Data, 4));
    assert_eq!(group.symbols["b"], place(Part::Data, 11));
    assert_eq!(group.symbols["_text#1"], place(Part::Code, 0));
    assert_eq!(
        summary(&group.data.holes[0]),
        (11, PatchKind::Patch64, HoleValue::Zero, Some("a"), 0)
    );
}

#[test]
fn macho_sections_must_fit_their_addresses() {
    let text = || section(Code, "__text", &[0x90; 5], &[("__JIT_ENTRY", 0)], &[]);
    let data = |address| at(address, section(Data, "__const", &[1; 4], &[], &[]));
    let more = |address| at(address, section(Code, "__more", &[1; 4], &[], &[]));
    for (sections, name, address) in [
        (vec![text(), data(4)], "__const", 4),
        (vec![text(), data(8), data(11)], "__const", 11),
        (vec![text(), data(1 << 40)], "__const", 1 << 40),
        (vec![text(), data(u64::MAX)], "__const", u64::MAX),
        (vec![text(), data(8), more(12)], "__more", 12),
    ] {
        let object = object(ObjectFormat::MachO, sections);
        let error = lower(target(X86_64_DARWIN), &object).unwrap_err();
        assert!(
            matches!(&error, LowerError::SectionAddress { section, address: at, code: 5, .. }
                if section == name && *at == address),
            "{error:?}"
        );
    }
}

#[test]
fn the_first_coff_symbol_counts() {
    let object = object(
        ObjectFormat::Coff,
        vec![
            section(Code, ".text", &[0; 4], &[("__JIT_ENTRY", 0)], &[]),
            section(Data, ".rdata", &[1; 4], &[(".rdata", 0), ("_a", 2)], &[]),
            section(Data, ".rdata", &[2; 4], &[(".rdata", 0), ("_a", 0)], &[]),
        ],
    );
    let group = lowered(I686_WINDOWS, &object);
    assert_eq!(group.symbols["a"], place(Part::Data, 2));
    assert_eq!(group.symbols[".rdata"], place(Part::Data, 0));
    assert_eq!(group.symbols["_JIT_ENTRY"], place(Part::Code, 0));
}

#[test]
fn coff_imports_are_got_slots() {
    let entry = |name| [(name, 0)];
    let x86_64 = object(
        ObjectFormat::Coff,
        vec![section(
            Code,
            ".text",
            &[0; 8],
            &entry("_JIT_ENTRY"),
            &[(0, R::ImageRelAmd64Rel32, "__imp_PyCall", -4)],
        )],
    );
    let group = lowered(X86_64_WINDOWS, &x86_64);
    assert_eq!(
        summary(&group.code.holes[0]),
        (
            0,
            PatchKind::X86_64_32rx,
            HoleValue::Got,
            Some("PyCall"),
            -4
        )
    );
    let i686 = object(
        ObjectFormat::Coff,
        vec![section(
            Code,
            ".text",
            &[0; 8],
            &entry("__JIT_ENTRY"),
            &[
                (0, R::ImageRelI386Dir32, "__imp__PyCall", 0),
                (4, R::ImageRelI386Dir32, "__JIT_OPERAND0_HI", 7),
            ],
        )],
    );
    let group = lowered(I686_WINDOWS, &i686);
    let holes: Vec<_> = group.code.holes.iter().map(summary).collect();
    assert_eq!(
        holes,
        [
            (0, PatchKind::Patch32, HoleValue::Got, Some("PyCall"), 0),
            (4, PatchKind::Patch32, HoleValue::Operand0Hi, None, 7),
        ]
    );
}

#[test]
fn objects_of_other_formats_are_refused() {
    let object = code(&[0; 4], &[], &[]);
    refused(
        X86_64_DARWIN,
        &object,
        "the object is ELF, but x86_64-apple-darwin takes Mach-O: compile for that target",
    );
}

#[test]
fn the_entry_must_be_at_the_start_of_the_code() {
    let elf = |sections| object(ObjectFormat::Elf, sections);
    let code = |symbol, value| section(Code, ".text", &[0; 8], &[(symbol, value)], &[]);
    let data = |symbol| section(Data, ".rodata", &[0; 8], &[(symbol, 0)], &[]);
    let message = |found: &str| {
        format!(
            "_JIT_ENTRY must be at offset 0 of the code, but it is {found}: define it before \
             all other functions"
        )
    };
    for (sections, found) in [
        (vec![], "not defined"),
        (vec![code("other", 0)], "not defined"),
        (vec![code("_JIT_ENTRY", 4)], "at code+0x4"),
        (vec![code("a", 0), code("_JIT_ENTRY", 0)], "at code+0x8"),
        (vec![data("_JIT_ENTRY")], "at data+0x0"),
    ] {
        refused(X86_64_LINUX, &elf(sections), &message(found));
    }
}

#[test]
fn fields_must_be_within_their_section() {
    for (offset, kind) in [
        (1, R::RX86_64_64),
        (5, R::RX86_64Plt32),
        (8, R::RX86_64Plt32),
        (u64::MAX, R::RX86_64Plt32),
        (u64::MAX - 3, R::RX86_64_64),
    ] {
        refused(
            X86_64_LINUX,
            &code(&[0; 8], &[], &[(offset, kind, "PyCall", 0)]),
            &format!(
                "relocation {kind} against \"PyCall\" at .text+{offset:#x} reaches past the \
                 section's 8 bytes: the object is damaged"
            ),
        );
    }
    lowered(
        X86_64_LINUX,
        &code(
            &[0; 8],
            &[],
            &[(0, R::RX86_64_64, "a", 0), (4, R::RX86_64Plt32, "a", 0)],
        ),
    );
}

const BRANCH: &str = "CUSTOM_AARCH64_BRANCH19_JIT_RELOCATION_PyNear_JIT_RELOCATION_1";
const LOW: &str = "CUSTOM_AARCH64_CONST16a_JIT_RELOCATION_CONST_JIT_OPERAND1_JIT_RELOCATION_2";

#[test]
fn labels_become_holes_after_the_objects_own() {
    let object = code(
        &[0; 16],
        &[(LOW, 12), (BRANCH, 4)],
        &[(8, R::RAarch64Call26, "PyCall", 0)],
    );
    let group = lowered(AARCH64_LINUX, &object);
    let holes: Vec<_> = group.code.holes.iter().map(summary).collect();
    assert_eq!(
        holes,
        [
            (
                8,
                PatchKind::Aarch64_26r,
                HoleValue::Zero,
                Some("PyCall"),
                0
            ),
            (12, PatchKind::Aarch64_16a, HoleValue::Operand1, None, 0),
            (
                4,
                PatchKind::Aarch64_19r,
                HoleValue::Zero,
                Some("PyNear"),
                0
            ),
        ]
    );
}

const SMALL: &str =
    "CUSTOM_X86_64_FIELD32_JIT_RELOCATION__JIT_OPARG_JIT_TIMES_1_JIT_PLUS_0_JIT_RELOCATION_0";
const SCALED: &str =
    "CUSTOM_X86_64_FIELD32S_JIT_RELOCATION__JIT_OPARG_JIT_TIMES_m8_JIT_PLUS_80_JIT_RELOCATION_1";

/// The bytes of `FIELD_MARK`, as an assembler writes them.
const MARK: [u8; 4] = [0x1a, 0x2b, 0x3c, 0x4d];

#[test]
fn fields_of_x86_are_found_by_their_marks() {
    let [a, b, c, d] = MARK;
    // movl $MARK, %eax
    let small = code(&[0xb8, a, b, c, d], &[(SMALL, 5)], &[]);
    let group = lowered(X86_64_LINUX, &small);
    let holes: Vec<_> = group.code.holes.iter().map(summary).collect();
    assert_eq!(holes, [(1, PatchKind::Patch32, HoleValue::Oparg, None, 0)]);
    // After the displacement comes an immediate of one byte, of two, or of four.
    for (bytes, at) in [
        (&[0x4d, 0x8b, 0x85, a, b, c, d][..], 3),
        (&[0x41, 0x80, 0xbd, a, b, c, d, 1], 3),
        (&[0x66, 0x41, 0x81, 0xbd, a, b, c, d, 1, 2], 4),
        (&[0x49, 0xc7, 0x85, a, b, c, d, 1, 2, 3, 4], 3),
    ] {
        let object = code(bytes, &[(SCALED, bytes.len() as u64)], &[]);
        let group = lowered(X86_64_LINUX, &object);
        let [hole] = group.code.holes.as_slice() else {
            panic!("{:?}", group.code.holes);
        };
        assert_eq!((hole.offset, hole.patch), (at, PatchKind::Patch32s));
        assert_eq!(
            (hole.base, hole.scale, hole.addend),
            (HoleValue::Oparg, -8, 80)
        );
    }
    // No field, and two.
    for bytes in [[0; 12], [a, b, c, d, a, b, c, d, a, b, c, d]] {
        let object = code(&bytes, &[(SMALL, 12)], &[]);
        let problem =
            "at code+0xc, but a CUSTOM_X86_64_FIELD32 must have 4 of the 12 bytes of code near it";
        refused(X86_64_LINUX, &object, &format!("label {SMALL}: {problem}"));
    }
    let zero = SCALED.replace("m8", "0");
    let place = SMALL.replace("_JIT_OPARG", "_JIT_JUMP_TARGET");
    let symbol = SMALL.replace("_JIT_OPARG", "PyLong_Type");
    for (label, problem) in [
        (&zero, "the scale is 0"),
        (&place, "_JIT_JUMP_TARGET is no number of the instruction"),
        (&symbol, "PyLong_Type is no number of the instruction"),
    ] {
        let object = code(&[0xb8, a, b, c, d], &[(label, 5)], &[]);
        refused(X86_64_LINUX, &object, &format!("label {label}: {problem}"));
    }
}

#[test]
fn labels_that_make_no_sense_are_refused() {
    let cases = [
        (
            "CUSTOM_AARCH64_BRANCH20_JIT_RELOCATION_a_JIT_RELOCATION_1",
            0,
            "unknown relocation CUSTOM_AARCH64_BRANCH20",
        ),
        (
            "CUSTOM_AARCH64_BRANCH19_JIT_RELOCATION_a",
            0,
            "expected a kind, a symbol and a number with _JIT_RELOCATION_ between them",
        ),
        (
            "a_JIT_PAIR_b_JIT_PAIR_c_JIT_PAIR_d",
            0,
            "expected a kind, a symbol and a number with _JIT_PAIR_ between them",
        ),
        (
            "CUSTOM_AARCH64_CONST16a_JIT_RELOCATION_CONST_JIT_TARGET_JIT_RELOCATION_1",
            0,
            "TARGET is not OPARG, OPERAND0 or OPERAND1",
        ),
        (
            BRANCH,
            6,
            "at code+0x6, but a CUSTOM_AARCH64_BRANCH19 must have 4 of the 8 bytes of code after \
             it",
        ),
        (
            BRANCH,
            u64::MAX,
            "at code+0xffffffffffffffff, but a CUSTOM_AARCH64_BRANCH19 must have 4 of the 8 bytes \
             of code after it",
        ),
    ];
    for (label, offset, problem) in cases {
        let object = code(&[0; 8], &[(label, offset)], &[]);
        refused(AARCH64_LINUX, &object, &format!("label {label}: {problem}"));
    }
    let mut in_data = code(&[0; 8], &[], &[]);
    in_data
        .sections
        .push(section(Data, ".rodata", &[0; 8], &[(BRANCH, 0)], &[]));
    let error = lower(target(AARCH64_LINUX), &in_data).unwrap_err();
    assert!(error.to_string().contains("at data+0x0"), "{error}");
}

const FIRST: &str = "CUSTOM_AARCH64_CONST33a_JIT_PAIR_PyGot_JIT_PAIR_7";
const SECOND: &str = "CUSTOM_AARCH64_CONST33b_JIT_PAIR_PyGot_JIT_PAIR_7";

fn pair(first: (R, &str, i64), second: (R, &str, i64), labels: [(&str, u64); 2]) -> ObjectFile {
    code(
        &[0; 16],
        &labels,
        &[
            (4, first.0, first.1, first.2),
            (12, second.0, second.1, second.2),
        ],
    )
}

#[test]
fn pairs_are_folded() {
    let adrp = (R::RAarch64AdrGotPage, "PyGot", 0);
    let ldr = (R::RAarch64Ld64GotLo12Nc, "PyGot", 0);
    let group = lowered(AARCH64_LINUX, &pair(adrp, ldr, [(FIRST, 4), (SECOND, 12)]));
    let [first, second] = group.code.holes.as_slice() else {
        panic!("{:?}", group.code.holes);
    };
    assert!(first.void && !second.void);
    assert_eq!(
        (second.patch, second.offset, second.first),
        (PatchKind::Aarch64_33rx, 12, Some(4))
    );
    // The second one first in the symbol table, or a label at no relocation: nothing is folded.
    for labels in [
        [(SECOND, 12), (FIRST, 4)],
        [(FIRST, 8), (SECOND, 12)],
        [(FIRST, 4), (SECOND, 8)],
    ] {
        let group = lowered(AARCH64_LINUX, &pair(adrp, ldr, labels));
        assert!(
            group
                .code
                .holes
                .iter()
                .all(|hole| !hole.void && hole.first.is_none())
        );
    }
}

#[test]
fn pairs_that_do_not_match_are_refused() {
    let adrp = (R::RAarch64AdrGotPage, "PyGot", 0);
    let ldr = (R::RAarch64Ld64GotLo12Nc, "PyGot", 0);
    let labels = [(FIRST, 4), (SECOND, 12)];
    refused(
        AARCH64_LINUX,
        &pair(ldr, adrp, labels),
        &format!(
            "label {SECOND}: a pair must be patch_aarch64_21rx and patch_aarch64_12x, not \
             patch_aarch64_12x at code+0x4 and patch_aarch64_21rx at code+0xc"
        ),
    );
    for other in [
        (R::RAarch64Ld64GotLo12Nc, "PyOther", 0),
        (R::RAarch64Ld64GotLo12Nc, "PyGot", 8),
    ] {
        refused(
            AARCH64_LINUX,
            &pair(adrp, other, labels),
            &format!(
                "label {SECOND}: the pair at code+0x4 and code+0xc does not refer to one and the \
                 same thing"
            ),
        );
    }
}

/// Values from one end of the range to the other, wherever a number can be: no panic, and what
/// comes out has its holes within its bodies.
#[test]
fn no_number_leads_astray() {
    let numbers = [
        0,
        1,
        4,
        7,
        8,
        9,
        1 << 31,
        i64::MAX as u64,
        1 << 63,
        u64::MAX,
    ];
    let mut accepted = 0;
    for target in &Target::ALL {
        for kind in R::ALL {
            for offset in numbers {
                for value in numbers {
                    let entry = format!("{}_JIT_ENTRY", target.symbol_prefix);
                    let text = section(
                        Code,
                        "__text",
                        &[0; 8],
                        &[(&entry, 0), (BRANCH, value), ("a", value)],
                        &[(offset, *kind, "a", value.cast_signed())],
                    );
                    let data = section(
                        Data,
                        "d",
                        &[0; 9],
                        &[("b", value)],
                        &[(offset, *kind, "b", i64::MIN)],
                    );
                    let sections = vec![text, at(8, data)];
                    let Ok(group) = lower(target, &object(target.format, sections)) else {
                        continue;
                    };
                    accepted += 1;
                    for stencil in [&group.code, &group.data] {
                        for hole in &stencil.holes {
                            assert!(hole.offset + hole.patch.width() <= stencil.body.len());
                        }
                    }
                    // May be refused, may not panic.
                    let _ = jit_stencils::resolve(target, [("_X".to_owned(), group)]);
                }
            }
        }
    }
    assert!(accepted > 1000, "{accepted}");
}

/// Expected values: which instructions fault, and what offsets mean, from the manuals.
#[test]
fn data_is_aligned_where_code_relies_on_it() {
    let aligned = |alignment, section: Section| Section {
        alignment,
        ..section
    };
    let low_12: &[Entry<'_>] = &[(0, R::RAarch64AddAbsLo12Nc, "t", 0)];
    let data = |code: &[u8], relocations: &[Entry<'_>]| {
        vec![
            section(Code, ".text", code, &[("_JIT_ENTRY", 0)], relocations),
            section(Data, ".rodata.str1.1", b"abc", &[("s", 0)], &[]),
            aligned(16, section(Data, ".rodata", &[1; 4], &[("t", 0)], &[])),
        ]
    };
    // movaps (%rax), %xmm0; movups (%rax), %xmm0; ldr q0, [x8]; ldr d0, [x8]
    for (triple, code, relocations, offset, alignment) in [
        (X86_64_LINUX, &b"\x0f\x28\x00"[..], &[][..], 16, 16),
        (X86_64_LINUX, b"\x0f\x10\x00", &[], 3, 8),
        (AARCH64_LINUX, b"\x00\x01\xc0\x3d", low_12, 16, 16),
        // Nothing relies on more than the size of its access, and clang aligns any array of 64 bytes to 16
        // bytes on Windows.
        (AARCH64_LINUX, b"\x00\x01\xc0\x3d", &[], 3, 8),
        (AARCH64_LINUX, b"\x00\x01\x40\xfd", low_12, 8, 8),
    ] {
        let sections = data(code, relocations);
        let group = lowered(triple, &object(ObjectFormat::Elf, sections));
        assert_eq!(group.symbols["t"], place(Part::Data, offset), "{triple}");
        assert_eq!(group.data_alignment, alignment, "{triple}");
    }
    // ldr x0, [x8] of an import's address relies on nothing in the data, unlike one of the data.
    for (symbol, offset) in [("__imp_PyX", 3), ("t", 8)] {
        let load = [(0, R::ImageRelArm64Pageoffset12l, symbol, 0)];
        let sections = data(b"\x00\x01\x40\xf9", &load);
        let group = lowered(AARCH64_WINDOWS, &object(ObjectFormat::Coff, sections));
        assert_eq!(group.symbols["t"], place(Part::Data, offset), "{symbol}");
    }
    // What the object asks for, whatever the code is.
    for (triple, asked, offset, alignment) in [
        (X86_64_LINUX, 16, 16, 16),
        (X86_64_LINUX, 8, 8, 8),
        (X86_64_LINUX, 4, 4, 8),
        (X86_64_LINUX, 1, 3, 8),
        (AARCH64_LINUX, 4, 4, 8),
    ] {
        let mut sections = data(b"\x0f\x10\x00\x90", &[]);
        sections[2].alignment = asked;
        let object = object(ObjectFormat::Elf, sections);
        let group = lower_aligned(target(triple), &object).unwrap();
        assert_eq!(group.symbols["t"], place(Part::Data, offset), "{asked}");
        assert_eq!(group.data_alignment, alignment, "{asked}");
    }
    let mut macho = data(b"\x0f\x28\x00", &[]);
    macho[0].symbols[0].name = "__JIT_ENTRY".to_owned();
    macho[1].address = 3;
    macho[2].alignment = 32;
    macho[2].address = 32;
    macho[2].symbols[0].value = 32;
    let group = lowered(X86_64_DARWIN, &object(ObjectFormat::MachO, macho));
    assert_eq!(group.symbols["t"], place(Part::Data, 32));
    assert_eq!(group.data_alignment, 32);

    let mut sections = data(b"\x0f\x28\x00", &[]);
    // What was declared with such an alignment gets it.
    sections[2].alignment = 64;
    let declared = data(b"\x0f\x10\x00", &[]);
    let declared = vec![
        declared[0].clone(),
        declared[1].clone(),
        sections[2].clone(),
    ];
    let group = lowered(X86_64_LINUX, &object(ObjectFormat::Elf, declared));
    assert_eq!(group.data_alignment, 64);
    sections[2].alignment = 8192;
    refused(
        X86_64_LINUX,
        &object(ObjectFormat::Elf, sections),
        "section .rodata must be aligned to 8192 bytes, and a stencil's data can be aligned to 4096 at \
         most: keep the data outside of the stencil",
    );
}

#[test]
fn variables_are_refused_by_name() {
    let object = object(
        ObjectFormat::MachO,
        vec![
            section(Code, "__text", &[0; 4], &[("__JIT_ENTRY", 0)], &[]),
            Section {
                writable: true,
                address: 4,
                ..section(
                    Data,
                    "__data",
                    &[5; 8],
                    &[("ltmp1", 4), ("__JIT_ENTRY.c", 4)],
                    &[],
                )
            },
        ],
    );
    refused(
        X86_64_DARWIN,
        &object,
        "section __data has 8 bytes of variables, _JIT_ENTRY.c among them; static writable data cannot \
         be in a stencil, whose copies would not share it: make it const, or keep it outside",
    );
}

/// Expected values: the addresses in the object, from which the code's 16 bytes are subtracted.
#[test]
fn macho_literals_are_where_their_sections_are() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../jit-schema/tests/data/addends-macho-x86_64.o"
    );
    let object = jit_schema::native::read(&std::fs::read(path).unwrap()).unwrap();
    let group = lowered(X86_64_DARWIN, &object);
    let set = jit_stencils::resolve(target(X86_64_DARWIN), [("_X".to_owned(), group)]).unwrap();
    let addresses = |holes: &[jit_stencils::Hole]| -> Vec<(usize, i64)> {
        let addend = |hole: &jit_stencils::Hole| match &hole.value {
            jit_stencils::PatchValue::Address { addend, .. } => *addend,
            other => panic!("{other:?}"),
        };
        holes
            .iter()
            .map(|hole| (hole.offset, addend(hole)))
            .collect()
    };
    let group = &set.groups[0].1;
    // L_second and L_number, less the 4 bytes of the field.
    let expected = [(3, 0x26 - 0x10 - 4), (0xb, 0x18 - 0x10 - 4)];
    assert_eq!(addresses(&group.code.holes), expected);
    // L_second and _external+24
    assert_eq!(
        addresses(&group.data.holes),
        [(0x20, 0x26 - 0x10), (0x28, 24)]
    );
}
