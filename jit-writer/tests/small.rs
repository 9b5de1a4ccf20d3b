//! The small files, and stencils there are none of. Expected values: what CPython's
//! `Tools/jit/_writer.py` and `build.py` print for the same input.

use jit_schema::Target;
use jit_stencils::{
    Hole, HoleValue, PatchKind, PatchValue, StencilGroup, StencilSet, SymbolMask, UnwindInfo,
};
use jit_writer::{HeaderFormat, Preamble};

const FORMAT: HeaderFormat = HeaderFormat::CPYTHON_3_15;

const PREAMBLE: Preamble<'static> = Preamble {
    digest: "0123abcd",
    comment: "$ the command",
};

fn target(triple: &str) -> &'static Target {
    Target::from_triple(triple).unwrap()
}

fn set(groups: Vec<(String, StencilGroup)>) -> StencilSet {
    StencilSet {
        target: *target("x86_64-unknown-linux-gnu"),
        groups,
        symbols: Vec::new(),
        shim: None,
        families: vec![],
    }
}

#[test]
fn unwind_information() {
    let info = UnwindInfo {
        code_alignment_factor: 1,
        data_alignment_factor: -4,
        return_address_register: 30,
        cfa_register: 29,
        cfa_offset: 32,
        frame_pointer_register: 29,
        frame_pointer_offset: 8,
        return_address_offset: -6,
    };
    assert_eq!(
        FORMAT.unwind_header(PREAMBLE, Some(&info)),
        "// 0123abcd\n\
         // $ the command\n\
         \n\
         #define JIT_UNWIND_INFO_SUPPORTED 1\n\
         #define JIT_UNWIND_CODE_ALIGNMENT_FACTOR 1\n\
         #define JIT_UNWIND_DATA_ALIGNMENT_FACTOR -4\n\
         #define JIT_UNWIND_RA_REG 30\n\
         #define JIT_UNWIND_CFA_REG 29\n\
         #define JIT_UNWIND_CFA_OFFSET 32\n\
         #define JIT_UNWIND_FP_REG 29\n\
         #define JIT_UNWIND_FP_OFFSET 8\n\
         #define JIT_UNWIND_RA_OFFSET -6\n"
    );
    let preamble = Preamble {
        comment: "",
        ..PREAMBLE
    };
    assert_eq!(
        FORMAT.unwind_header(preamble, None),
        "// 0123abcd\n\n#define JIT_UNWIND_INFO_SUPPORTED 0\n"
    );
}

#[test]
fn dispatchers() {
    let targets = ["x86_64-pc-linux-gnu", "aarch64-apple-darwin24"].map(target);
    assert_eq!(
        FORMAT.dispatcher("comment", "jit_unwind_info", targets),
        "// comment\n\
         #if defined(__x86_64__) && defined(__linux__)\n\
         #include \"jit_unwind_info-x86_64-unknown-linux-gnu.h\"\n\
         #elif defined(__aarch64__) && defined(__APPLE__)\n\
         #include \"jit_unwind_info-aarch64-apple-darwin.h\"\n\
         #else\n\
         #error \"unexpected target\"\n\
         #endif\n"
    );
    assert_eq!(
        FORMAT.dispatcher("comment", "jit_stencils", [target("i686-pc-windows-msvc")]),
        "// comment\n\
         #if defined(_M_IX86)\n\
         #include \"jit_stencils-i686-pc-windows-msvc.h\"\n\
         #else\n\
         #error \"unexpected target\"\n\
         #endif\n"
    );
}

#[test]
fn no_stencils() {
    assert_eq!(
        FORMAT.stencil_header(PREAMBLE, &set(Vec::new())).unwrap(),
        "// 0123abcd
// $ the command

static_assert(SYMBOL_MASK_WORDS >= 1, \"SYMBOL_MASK_WORDS too small\");

typedef struct {
    void (*emit)(
        unsigned char *code, unsigned char *data, _PyExecutorObject *executor,
        const _PyUOpInstruction *instruction, jit_state *state);
    size_t code_size;
    size_t data_size;
    symbol_mask trampoline_mask;
    symbol_mask got_mask;
} StencilGroup;

static const StencilGroup stencil_groups[MAX_UOP_REGS_ID + 1] = {
};

static const void * const symbols_map[1] = {
    0
};
"
    );
}

#[test]
fn the_table_is_sorted_but_the_functions_are_not() {
    // `case _X: {` sorts before `case _X_Y: {` as text, `_X_Y` behind `_X` as a name: the order of
    // the groups is the caller's, that of the table the names'.
    let names = ["_B_r11", "_B", "_A"];
    let groups = names.map(|name| (name.to_owned(), StencilGroup::default()));
    let header = FORMAT
        .stencil_header(PREAMBLE, &set(groups.to_vec()))
        .unwrap();
    let places = |prefix: &str, names: [&str; 3]| {
        names.map(|name| header.find(&format!("{prefix}{name}")).unwrap())
    };
    assert!(places("\nemit_", ["_B_r11(", "_B(", "_A("]).is_sorted());
    assert!(places("    [", ["_A]", "_B]", "_B_r11]"]).is_sorted());
}

/// Expected value: upstream's `Hole.as_c("code")` and `_get_symbol_mask({255})`, of the largest
/// and smallest addends.
#[test]
fn extremes() {
    let hole = |addend| Hole {
        offset: 0,
        patch: PatchKind::Patch64,
        value: PatchValue::Address {
            base: HoleValue::Zero,
            symbol: Some("PyData".into()),
            addend,
        },
        first: None,
        void: false,
    };
    let mut group = StencilGroup::default();
    group.code.holes = vec![hole(i64::MIN), hole(i64::MAX), hole(-1)];
    group.got_entries = SymbolMask::from_iter([255]);
    let header = FORMAT
        .stencil_header(PREAMBLE, &set(vec![("_X".to_owned(), group)]))
        .unwrap();
    for expected in [
        "    patch_64(code + 0x0, (uintptr_t)&PyData + -0x8000000000000000);\n",
        "    patch_64(code + 0x0, (uintptr_t)&PyData + 0x7fffffffffffffff);\n",
        "    patch_64(code + 0x0, (uintptr_t)&PyData + -0x1);\n",
        "    [_X] = {emit__X, 0, 0, {0}, {0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x80000000}},\n",
    ] {
        assert!(header.contains(expected), "{header}");
    }
}

#[test]
fn data_of_a_greater_alignment_is_refused() {
    let group = StencilGroup {
        data_alignment: 16,
        ..StencilGroup::default()
    };
    let error = FORMAT.stencil_header(PREAMBLE, &set(vec![("_X".to_owned(), group)]));
    let message = error.unwrap_err().to_string();
    let expected = "_X: its data must be aligned to 16 bytes, and programs that use a cpython-3.15 \
                    header align data to 8: ";
    assert!(message.starts_with(expected), "{message}");
}

/// `patch_aarch64_12` of CPython's `Python/jit.c` asserts that not both of bits 23 and 26 are set.
#[test]
fn vectors_on_aarch64_are_refused() {
    let header = |word: u32, patch| {
        let mut group = StencilGroup::default();
        group.code.body = [0xd503_201f, word].map(u32::to_le_bytes).concat();
        group.code.holes = vec![Hole {
            offset: 4,
            patch,
            value: PatchValue::Address {
                base: HoleValue::Data,
                symbol: None,
                addend: 0,
            },
            first: None,
            void: false,
        }];
        let mut set = set(vec![("_X".to_owned(), group)]);
        set.target = *target("aarch64-unknown-linux-gnu");
        FORMAT.stencil_header(PREAMBLE, &set)
    };
    // ldr q0, [x0]; str q0, [x0]
    for word in [0x3dc0_0000, 0x3d80_0000] {
        for patch in [PatchKind::Aarch64_12, PatchKind::Aarch64_12x] {
            let message = header(word, patch).unwrap_err().to_string();
            let expected = format!(
                "_X: code+0x4 loads or stores 128 bits, and {} of programs that use a cpython-3.15 \
                 header does not support that: ",
                patch.c_name()
            );
            assert!(message.starts_with(&expected), "{message}");
        }
    }
    // ldr d0, [x0]; ldr x0, [x0]
    for word in [0xfd40_0000, 0xf940_0000] {
        assert!(header(word, PatchKind::Aarch64_12).is_ok(), "{word:#x}");
    }
}
