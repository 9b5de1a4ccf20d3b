//! The plain format: nothing of CPython's, and everything said that a host has to declare. That its
//! headers compile and run is tested in jit-cli, which has a compiler at hand.

use fixtures::{
    TRIPLES,
    generated::{self, Build},
    golden, inputs,
};
use jit_schema::Target;
use jit_stencils::{
    Hole, HoleValue, PatchKind, PatchValue, Stencil, StencilGroup, StencilSet, UnwindInfo,
};
use jit_writer::{HeaderFormat, Preamble};

const FORMAT: HeaderFormat = HeaderFormat::PLAIN;
const PREAMBLE: Preamble<'static> = Preamble {
    digest: "0123abcd",
    comment: "$ the command",
};

fn target(triple: &str) -> &'static Target {
    Target::from_triple(triple).unwrap()
}

/// Words that mean something only where CPython is.
const OF_CPYTHON: [&str; 6] = [
    "Executor",
    "_PyUOp",
    "MAX_UOP",
    "SYMBOL_MASK",
    "CPython",
    "static_assert",
];

#[track_caller]
fn assert_neutral(text: &str) {
    for word in OF_CPYTHON {
        assert!(!text.contains(word), "{word} in\n{text}");
    }
}

fn example(triple: &str) -> StencilSet {
    let target = target(triple);
    let groups = generated::opnames(triple).into_iter().map(|opname| {
        let bytes = golden::read_bytes(&inputs::object(triple, &opname));
        let object = jit_schema::native::read(&bytes).unwrap();
        (opname, jit_stencils::lower(target, &object).unwrap())
    });
    jit_stencils::resolve(target, groups).unwrap()
}

/// The names that are called, as `NAME(`, in lines that start with blanks.
fn called(header: &str) -> Vec<&str> {
    let calls = header.lines().filter_map(|line| {
        let (name, _) = line.strip_prefix("    ")?.split_once('(')?;
        name.starts_with("patch_").then_some(name)
    });
    let mut calls: Vec<&str> = calls.collect();
    calls.sort_unstable();
    calls.dedup();
    calls
}

#[test]
fn the_guide_names_what_is_called_and_nothing_else() {
    for triple in TRIPLES {
        let header = FORMAT.stencil_header(PREAMBLE, &example(triple)).unwrap();
        assert_neutral(&header);
        let declared = header
            .lines()
            .filter_map(|line| Some(line.strip_prefix("//  void ")?.split_once('(')?.0));
        let mut declared: Vec<&str> = declared.collect();
        declared.sort_unstable();
        assert_eq!(called(&header), declared, "{triple}");
        assert_eq!(
            header.contains("got_symbol_address("),
            header.contains("//  uintptr_t got_symbol_address("),
            "{triple}"
        );
        assert!(header.starts_with("// 0123abcd\n// $ the command\n\n"));
    }
}

#[test]
fn unwind_information() {
    let info = generated::shim_object(Build::Release, "x86_64-unknown-linux-gnu");
    let info: Option<UnwindInfo> = jit_stencils::shim_unwind(
        target("x86_64-unknown-linux-gnu"),
        &golden::read_bytes(&info),
    )
    .unwrap();
    let header = FORMAT.unwind_header(PREAMBLE, info.as_ref());
    assert_neutral(&header);
    assert!(
        header.contains("#define JIT_UNWIND_INFO_SUPPORTED 1\n"),
        "{header}"
    );
    assert_eq!(
        FORMAT.unwind_header(PREAMBLE, None),
        "// 0123abcd\n// $ the command\n\n\
         // There are no unwind rules for this target.\n\
         #ifndef JIT_UNWIND_INFO_SUPPORTED\n\
         #define JIT_UNWIND_INFO_SUPPORTED 0\n\
         #endif\n"
    );
}

#[test]
fn dispatchers() {
    let targets = ["x86_64-pc-linux-gnu", "i686-pc-windows-msvc"].map(target);
    assert_eq!(
        FORMAT.dispatcher("comment", "jit_stencils", targets),
        "// comment\n\
         \n\
         // Includes the header of the target that is compiled for.\n\
         #if defined(__x86_64__) && defined(__linux__)\n\
         #include \"jit_stencils-x86_64-unknown-linux-gnu.h\"\n\
         #elif defined(_M_IX86)\n\
         #include \"jit_stencils-i686-pc-windows-msvc.h\"\n\
         #else\n\
         #error \"no stencils were built for this target\"\n\
         #endif\n"
    );
}

#[test]
fn a_whole_header() {
    let code = Stencil {
        body: vec![0xe9, 0, 0, 0, 0],
        holes: vec![Hole {
            offset: 1,
            patch: PatchKind::Patch32r,
            value: PatchValue::Address {
                base: HoleValue::JumpTarget,
                symbol: Some("table".into()),
                addend: -4,
            },
            first: None,
            void: false,
        }],
    };
    let mut group = StencilGroup {
        code,
        trampolines: [300].into_iter().collect(),
        ..StencilGroup::default()
    };
    group.listing.disassembly = Some(":\tfile format elf64-x86-64\n".to_owned());
    let set = StencilSet {
        target: *target("x86_64-unknown-linux-gnu"),
        groups: vec![("JUMP".to_owned(), group)],
        // More than CPython's masks have room for.
        symbols: (0..301).map(|number| format!("s{number}")).collect(),
        shim: None,
        families: vec![],
    };
    let header = FORMAT.stencil_header(PREAMBLE, &set).unwrap();
    for expected in [
        "#ifndef JIT_STENCILS_X86_64_UNKNOWN_LINUX_GNU_H\n#define JIT_STENCILS_X86_64_UNKNOWN_LINUX_GNU_H\n",
        "static void\n\
         emit_JUMP(unsigned char *code, unsigned char *data, const jit_instruction *instruction, \
         jit_state *state)\n\
         {\n\
         \x20   //\n\
         \x20   // JUMP.o:        file format elf64-x86-64\n\
         \x20   const unsigned char code_body[5] = {\n\
         \x20       0xe9,\n\
         \x20   };\n\
         \x20   (void)code; (void)data; (void)instruction; (void)state;\n\
         \x20   memcpy(code, code_body, sizeof(code_body));\n\
         \x20   patch_32r(code + 0x1, instruction->jump_target + (uintptr_t)&table + -0x4);\n\
         }\n",
        "#define JIT_UOPS(X) \\\n    X(JUMP)\n",
        "enum {\n    JIT_UOP_JUMP,\n    JIT_UOP_COUNT\n};\n",
        "#define JIT_SYMBOL_COUNT 301\n#define JIT_SYMBOL_WORDS 10\n",
        "static const jit_stencil jit_stencils[1] = {\n    {\"JUMP\", emit_JUMP, 5, 0, {0x00, ",
        "    (const void *)&s0,\n",
        "//  void patch_32r(unsigned char *location, uint64_t value);\n",
    ] {
        assert!(header.contains(expected), "{expected}\nis not in\n{header}");
    }
    assert!(header.ends_with("};\n\n#endif\n"));
}

#[test]
fn a_greater_alignment_is_stated() {
    let group = |data_alignment| StencilGroup {
        data_alignment,
        ..StencilGroup::default()
    };
    let mut set = StencilSet {
        target: *target("x86_64-unknown-linux-gnu"),
        groups: vec![("B".to_owned(), group(32)), ("A".to_owned(), group(8))],
        symbols: vec![],
        shim: None,
        families: vec![],
    };
    let header = FORMAT.stencil_header(PREAMBLE, &set).unwrap();
    for expected in [
        "Data has to be aligned to 8 bytes, or to what\n//     jit_data_alignments[",
        // In the order of the names.
        "static const size_t jit_data_alignments[2] = {\n    8,\n    32,\n};\n",
    ] {
        assert!(header.contains(expected), "{expected}\nis not in\n{header}");
    }
    set.groups.remove(0);
    let header = FORMAT.stencil_header(PREAMBLE, &set).unwrap();
    assert!(!header.contains("jit_data_alignments"));
}
