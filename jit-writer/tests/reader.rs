//! Headers are read as the stencils that they were written from.

use fixtures::{
    TRIPLES,
    generated::{self, Build},
    golden, inputs,
};
use jit_schema::{CodeEnd, Target};
use jit_stencils::{
    Hole, HoleValue, Interface, Listing, PatchKind, PatchValue, StencilGroup, StencilSet,
    SymbolMask,
};
use jit_writer::{HeaderFormat, Preamble, ReadError, read_header};

const PREAMBLE: Preamble<'static> = Preamble {
    digest: "0123abcd",
    comment: "$ the command",
};

fn target(triple: &str) -> &'static Target {
    Target::from_triple(triple).unwrap()
}

/// The example's stencils, from its objects.
fn lowered(triple: &str) -> StencilSet {
    let groups = generated::opnames(triple).into_iter().map(|opname| {
        let bytes = golden::read_bytes(&inputs::object(triple, &opname));
        let object = jit_schema::native::read(&bytes).unwrap();
        let group = jit_stencils::lower(target(triple), &object).unwrap();
        (opname, group)
    });
    jit_stencils::resolve(target(triple), groups).unwrap()
}

/// Leaves out what headers do not have. `shifts` is whether literals have the addresses that CPython's tool writes.
fn without_the_rest(mut set: StencilSet, shifts: bool) -> StencilSet {
    for (_, group) in &mut set.groups {
        for hole in &mut group.code.holes {
            if let Some(shift) = group.listing.literal_shifts.get(&hole.offset)
                && shifts
                && let PatchValue::Address { addend, .. } = &mut hole.value
            {
                *addend += shift;
            }
        }
        for stencil in [&mut group.code, &mut group.data] {
            stencil.holes.retain(|hole| !hole.void);
            stencil.holes.iter_mut().for_each(plain_value);
        }
        group.end = CodeEnd::Unknown;
        group.listing = Listing::default();
    }
    set
}

/// The width of a field is not in its expression.
fn plain_value(hole: &mut Hole) {
    if let PatchValue::Address { base, .. } = &mut hole.value {
        *base = match *base {
            HoleValue::Oparg16 => HoleValue::Oparg,
            HoleValue::Operand0_16 | HoleValue::Operand0_32 => HoleValue::Operand0,
            HoleValue::Operand1_16 | HoleValue::Operand1_32 => HoleValue::Operand1,
            other => other,
        };
    }
}

/// CPython's own tool has written these headers.
#[test]
fn headers_of_upstream() {
    for triple in TRIPLES {
        let text = golden::read_text(&generated::stencils_header(Build::Release, triple));
        let read = read_header(*target(triple), &text).unwrap();
        assert_eq!(read, without_the_rest(lowered(triple), true), "{triple}");
    }
}

#[test]
fn plain_headers() {
    for triple in TRIPLES {
        let set = lowered(triple);
        let text = HeaderFormat::PLAIN.stencil_header(PREAMBLE, &set).unwrap();
        let read = read_header(*target(triple), &text).unwrap();
        assert_eq!(read, without_the_rest(set, false), "{triple}");
    }
}

/// Multiples of values, and numbers with a sign, are expressions of C.
#[test]
fn multiples_of_values() {
    let multiple = |offset, patch, base, scale, addend| Hole {
        offset,
        patch,
        value: PatchValue::Scaled {
            base,
            scale,
            addend,
        },
        first: None,
        void: false,
    };
    let [plain, signed] = [PatchKind::Patch32, PatchKind::Patch32s];
    let numbers = [HoleValue::Operand(0), HoleValue::OperandLow(3)];
    let of_cpython = [HoleValue::Oparg, HoleValue::Operand1Lo];
    for ([one, two], formats) in [
        (numbers, &[HeaderFormat::PLAIN][..]),
        (
            of_cpython,
            &[HeaderFormat::PLAIN, HeaderFormat::CPYTHON_3_15],
        ),
    ] {
        let mut group = StencilGroup::default();
        group.code.body = vec![0x90; 32];
        group.code.holes = vec![
            multiple(0, signed, one, 8, 80),
            multiple(4, signed, one, -8, -8),
            multiple(8, plain, one, i32::MAX, 0),
            multiple(12, plain, two, i32::MIN, i64::MIN),
            Hole {
                value: PatchValue::Address {
                    base: one,
                    symbol: None,
                    addend: -3,
                },
                ..multiple(16, signed, one, 2, 0)
            },
        ];
        if one.is_general() {
            group.interface.operands = vec![64, 0, 0, 64];
        }
        let set = StencilSet {
            target: *target("x86_64-unknown-linux-gnu"),
            groups: vec![("A".to_owned(), group)],
            symbols: Vec::new(),
            shim: None,
            families: Vec::new(),
        };
        for format in formats {
            let text = format.stencil_header(PREAMBLE, &set).unwrap();
            assert_eq!(read_header(set.target, &text), Ok(set.clone()), "{text}");
        }
    }
}

/// Values with numbers, alignments, interfaces, masks of several words, and tables without rows.
#[test]
fn what_the_example_does_not_have() {
    let hole = |offset, base, addend| Hole {
        offset,
        patch: jit_stencils::PatchKind::Patch64,
        value: PatchValue::Address {
            base,
            symbol: Some("other".into()),
            addend,
        },
        first: None,
        void: false,
    };
    let mut group = StencilGroup {
        data_alignment: 64,
        trampolines: SymbolMask::from_iter([0, 70]),
        got_entries: SymbolMask::from_iter([31, 32]),
        interface: Interface {
            operands: vec![64, 0, 7],
            targets: 3,
        },
        ..StencilGroup::default()
    };
    group.data.body = vec![0; 64];
    group.data.body[9] = 1;
    group.data.holes = vec![
        hole(0, HoleValue::Operand(2), i64::MIN),
        hole(8, HoleValue::OperandHigh(0), i64::MAX),
        hole(16, HoleValue::OperandLow(0), 0),
        hole(24, HoleValue::Place(2), -1),
        hole(32, HoleValue::Zero, 0),
    ];
    let set = StencilSet {
        target: *target(TRIPLES[0]),
        groups: vec![
            ("B".to_owned(), group),
            ("A".to_owned(), StencilGroup::default()),
        ],
        symbols: (0..71).map(|number| format!("symbol_{number}")).collect(),
        shim: None,
        families: vec![],
    };
    let empty = StencilSet {
        groups: Vec::new(),
        symbols: Vec::new(),
        ..set.clone()
    };
    for set in [set, empty] {
        let text = HeaderFormat::PLAIN.stencil_header(PREAMBLE, &set).unwrap();
        assert_eq!(read_header(set.target, &text), Ok(set));
    }
}

#[test]
fn other_texts() {
    let triple = TRIPLES[0];
    let target = *target(triple);
    for text in ["", "int main(void) { return 0; }\n"] {
        assert_eq!(read_header(target, text), Err(ReadError::Unknown));
    }
    let set = lowered(triple);
    for format in HeaderFormat::ALL {
        let text = match *format == HeaderFormat::CPYTHON_3_14 {
            // Its stencils are others.
            true => golden::read_text(&generated::header_3_14(Build::Release, triple)),
            false => format.stencil_header(PREAMBLE, &set).unwrap(),
        };
        let line = |text: &str| match read_header(target, text) {
            Err(ReadError::Line { problem, .. }) => problem,
            Ok(_) => panic!("{format}: it is read"),
            Err(other) => panic!("{format}: {other}"),
        };
        let end = text.len() - 1;
        for cut in [end, end - 5, end - 40] {
            let cut = read_header(target, &text[..cut]);
            assert_eq!(cut, Err(ReadError::Truncated), "{format}");
        }
        // Replaces a text in the first line that starts with another one.
        let change = |start: &str, old: &str, new: &str| {
            let at = text.find(&format!("\n    {start}")).unwrap();
            format!("{}{}", &text[..at], text[at..].replacen(old, new, 1))
        };
        let problem = line(&change("patch_", "patch_", "patch_x"));
        assert!(problem.contains("not a known patch function"));
        assert_eq!(line(&change("    0x", "0x", "0y")), "no bytes");
        let problem = line(&change("patch_", " + 0x", " + 0xffff"));
        assert!(problem.contains("table of stencils"), "{format}: {problem}");
        let problem = line(&change("patch_", ");", "+ 1);"));
        assert!(problem.contains("fills no hole"), "{format}: {problem}");
    }
}
