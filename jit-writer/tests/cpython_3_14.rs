//! Headers of CPython 3.14. Expected values: what `dump` of its `Tools/jit/_writer.py` prints for the same stencils, and the
//! headers of its build.py in `fixtures/golden-3.14`.

use fixtures::{TRIPLES, generated, golden};
use jit_schema::Target;
use jit_stencils::{
    Hole, HoleValue, PatchKind, PatchValue, Shim, Stencil, StencilGroup, StencilSet,
};
use jit_writer::{HeaderError, HeaderFormat, Included, Preamble, read_header};

const FORMAT: HeaderFormat = HeaderFormat::CPYTHON_3_14;

const PREAMBLE: Preamble<'static> = Preamble {
    digest: "0123abcd",
    comment: "$ the command",
};

fn hole(
    offset: usize,
    patch: PatchKind,
    (base, symbol, addend): (HoleValue, Option<&str>, i64),
) -> Hole {
    Hole {
        offset,
        patch,
        value: PatchValue::Address {
            base,
            symbol: symbol.map(Into::into),
            addend,
        },
        first: None,
        void: false,
    }
}

fn group(code: &[u8], code_holes: Vec<Hole>, slots: Vec<Hole>) -> StencilGroup {
    let mut group = StencilGroup {
        code: Stencil {
            body: code.to_vec(),
            holes: code_holes,
        },
        data: Stencil {
            body: vec![0; 8 * slots.len()],
            holes: slots,
        },
        ..StencilGroup::default()
    };
    group.listing.data_size = Some(0);
    group
}

fn set() -> StencilSet {
    use HoleValue as V;
    use PatchKind::{Patch32r, Patch64, X86_64_32rx};
    let shim = group(
        b"\x48\x8b\x05\0\0\0\0\xff\xd0\xc3",
        vec![hole(3, X86_64_32rx, (V::Data, None, -4))],
        vec![hole(0, Patch64, (V::Continue, None, 0))],
    );
    let b = group(
        b"\x48\xb8\0\0\0\0\0\0\0\0",
        vec![hole(2, Patch64, (V::Executor, None, 0))],
        vec![],
    );
    let a = group(
        b"\x0f\x84\0\0\0\0\xff\x25\0\0\0\0\xc3",
        vec![
            hole(2, Patch32r, (V::Continue, None, -4)),
            hole(8, X86_64_32rx, (V::Data, None, -4)),
        ],
        vec![hole(0, Patch64, (V::Zero, Some("PyA"), 0))],
    );
    StencilSet {
        target: *Target::from_triple("x86_64-unknown-linux-gnu").unwrap(),
        groups: vec![("_B".to_owned(), b), ("_A".to_owned(), a)],
        symbols: vec![],
        shim: Some(Shim {
            name: "shim".to_owned(),
            group: shim,
            unwind: None,
        }),
        families: vec![],
    }
}

const EXPECTED: &str = "\
// 0123abcd
// $ the command

void
emit_shim(
    unsigned char *code, unsigned char *data, _PyExecutorObject *executor,
    const _PyUOpInstruction *instruction, jit_state *state)
{
    const unsigned char code_body[10] = {
        0x48, 0x8b, 0x05, 0x00, 0x00, 0x00, 0x00, 0xff,
        0xd0, 0xc3,
    };
    // 0: CONTINUE
    patch_64(data + 0x0, (uintptr_t)code + sizeof(code_body));
    memcpy(code, code_body, sizeof(code_body));
    patch_x86_64_32rx(code + 0x3, (uintptr_t)data + -0x4);
}

void
emit__B(
    unsigned char *code, unsigned char *data, _PyExecutorObject *executor,
    const _PyUOpInstruction *instruction, jit_state *state)
{
    const unsigned char code_body[10] = {
        0x48, 0xb8,
    };
    memcpy(code, code_body, sizeof(code_body));
    patch_64(code + 0x2, (uintptr_t)executor);
}

void
emit__A(
    unsigned char *code, unsigned char *data, _PyExecutorObject *executor,
    const _PyUOpInstruction *instruction, jit_state *state)
{
    const unsigned char code_body[13] = {
        0x0f, 0x84, 0x00, 0x00, 0x00, 0x00, 0xff, 0x25,
        0x00, 0x00, 0x00, 0x00, 0xc3,
    };
    // 0: &PyA+0x0
    patch_64(data + 0x0, (uintptr_t)&PyA);
    memcpy(code, code_body, sizeof(code_body));
    patch_32r(code + 0x2, (uintptr_t)code + sizeof(code_body) + -0x4);
    patch_x86_64_32rx(code + 0x8, (uintptr_t)data + -0x4);
}

static_assert(SYMBOL_MASK_WORDS >= 1, \"SYMBOL_MASK_WORDS too small\");

typedef struct {
    void (*emit)(
        unsigned char *code, unsigned char *data, _PyExecutorObject *executor,
        const _PyUOpInstruction *instruction, jit_state *state);
    size_t code_size;
    size_t data_size;
    symbol_mask trampoline_mask;
} StencilGroup;

static const StencilGroup shim = {emit_shim, 10, 8, {0}};

static const StencilGroup stencil_groups[MAX_UOP_ID + 1] = {
    [_A] = {emit__A, 13, 8, {0}},
    [_B] = {emit__B, 10, 0, {0}},
};

static const void * const symbols_map[1] = {
    0
};
";

#[test]
fn a_header() {
    let text = FORMAT.stencil_header(PREAMBLE, &set()).unwrap();
    assert_eq!(text, EXPECTED);
    assert!(FORMAT.is_whole(text.as_bytes()));
    let mut read = read_header(set().target, &text).unwrap();
    for (_, group) in &mut read.groups {
        group.listing.data_size = Some(0);
    }
    if let Some(shim) = &mut read.shim {
        shim.group.listing.data_size = Some(0);
    }
    assert_eq!(read, set());
}

/// Headers of build.py are the same after they have been read and written again, but for comments.
#[test]
fn headers_are_read() {
    for triple in TRIPLES {
        let text = golden::read_text(&generated::header_3_14(generated::Build::Release, triple));
        let target = Target::from_triple(triple).unwrap();
        let set = read_header(*target, &text).unwrap();
        assert_eq!(set.shim.as_ref().unwrap().name, "shim");
        let again = FORMAT.stencil_header(PREAMBLE, &set).unwrap();
        let code = |text: &str| -> Vec<String> {
            let lines = text.lines().filter(|line| !line.trim().starts_with("//"));
            lines.map(str::to_owned).collect()
        };
        assert_eq!(code(&again), code(&text), "{triple}");
    }
}

/// The triple is spelled as it was given.
#[test]
fn a_dispatcher() {
    let target = Target::from_triple("x86_64-pc-linux-gnu").unwrap();
    let triple = "x86_64-pc-linux-gnu";
    assert_eq!(
        FORMAT.dispatcher("comment", "jit_stencils", [Included { target, triple }]),
        "// comment\n\
         #if defined(__x86_64__) && defined(__linux__)\n\
         #include \"jit_stencils-x86_64-pc-linux-gnu.h\"\n\
         #else\n\
         #error \"unexpected target\"\n\
         #endif\n"
    );
}

#[test]
fn stencils_of_later_releases_are_refused() {
    let mut other = set();
    let slot = PatchValue::GotSlot {
        ordinal: 0,
        addend: -4,
    };
    other.symbols.push("PyB".to_owned());
    let fill = Hole {
        value: PatchValue::Symbol { ordinal: 0 },
        ..hole(0, PatchKind::GotSymbol, (HoleValue::Zero, None, 0))
    };
    other.groups[1].1.code.holes[1].value = slot;
    other.groups[1].1.data.holes.push(fill);
    let error = FORMAT.stencil_header(PREAMBLE, &other).unwrap_err();
    assert!(
        matches!(&error, HeaderError::Patch { opname, patch: PatchKind::GotSymbol, .. } if opname == "_A"),
        "{error}"
    );
    let mut other = set();
    other.groups[0].1.code.holes[0] = hole(2, PatchKind::Patch64, (HoleValue::Oparg16, None, 0));
    let error = FORMAT.stencil_header(PREAMBLE, &other).unwrap_err();
    assert!(matches!(error, HeaderError::Value { .. }), "{error}");
    // The values of 3.14 are in no other header.
    for format in [HeaderFormat::CPYTHON_3_15, HeaderFormat::PLAIN] {
        let error = format.stencil_header(PREAMBLE, &set()).unwrap_err();
        assert!(matches!(error, HeaderError::Value { .. }), "{error}");
    }
}
