//! Tests of sizes and offsets, by the formulas of CPython's `_PyJIT_Compile`, and of images without holes.

use std::collections::BTreeSet;

use jit_runtime::{Instruction, LayoutPolicy, LinkError, Linker, MAX_SIZE, Stencils, Symbols, Uop};
use jit_schema::{Arch, ObjectFormat, Target};
use jit_stencils::{StencilGroup, SymbolMask};
use proptest::prelude::*;

use crate::{
    config,
    linked::{Linked, link, pattern},
    make::{GUARD, code, set, stencil, target, uop, with_got},
};

/// The sizes of a stencil. Units of code are 4 bytes on AArch64 and 1 byte elsewhere; units of data are 8 bytes.
#[derive(Debug, Clone)]
struct Shape {
    code: usize,
    data: usize,
    /// Alignment of the data, in bytes.
    alignment: usize,
    got: BTreeSet<usize>,
    trampolines: BTreeSet<usize>,
}

impl Shape {
    /// Generates any shape. `most` is the largest alignment, as a power of two.
    fn any(most: u32) -> impl Strategy<Value = Shape> {
        let ordinals = || proptest::collection::btree_set(0_usize..256, 0..6);
        (0_usize..150, 0_usize..5, 3..=most, ordinals(), ordinals()).prop_map(
            |(code, data, power, got, trampolines)| Shape {
                code,
                data,
                alignment: 1 << power,
                got,
                trampolines,
            },
        )
    }
}

/// The properties of targets that jit.c has `#if`s for.
struct Rules {
    unit: usize,
    trampoline: usize,
    align: usize,
    has_got: bool,
}

fn rules(target: &Target) -> Rules {
    let aarch64 = target.arch == Arch::Aarch64;
    let darwin = target.arch == Arch::X86_64 && target.format == ObjectFormat::MachO;
    Rules {
        unit: if aarch64 { 4 } else { 1 },
        trampoline: if aarch64 || darwin { 16 } else { 0 },
        align: if aarch64 || darwin { 8 } else { 1 },
        has_got: target.arch != Arch::I686,
    }
}

fn names() -> Vec<String> {
    (0..256).map(|number| format!("s{number}")).collect()
}

fn address(ordinal: usize) -> u64 {
    0x1122_3344_5566_0000 + ordinal as u64
}

/// Returns bytes from which one can tell the stencil and the part.
fn bytes(opcode: usize, length: usize, part: u8) -> Vec<u8> {
    (0..length)
        .map(|index| ((index * 7) as u8 ^ (opcode as u8) << 4 ^ part) | 1)
        .collect()
}

fn group(target: &Target, opcode: usize, shape: &Shape) -> StencilGroup {
    let rules = rules(target);
    let mut group = code(bytes(opcode, rules.unit * shape.code, 0), vec![]);
    group.data = stencil(bytes(opcode, 8 * shape.data, 2), vec![]);
    group.data_alignment = shape.alignment;
    if rules.has_got {
        let ordinals: Vec<usize> = shape.got.iter().copied().collect();
        group = with_got(group, &ordinals);
    }
    if rules.trampoline != 0 {
        group.trampolines = SymbolMask::from_iter(shape.trampolines.iter().copied());
    }
    group
}

/// The sizes and offsets of an image by the formulas.
#[derive(Debug, PartialEq, Eq)]
struct Places {
    starts: Vec<usize>,
    code: usize,
    trampolines: (usize, usize),
    data: (usize, usize),
    got: (usize, usize),
    size: usize,
}

fn places(
    target: &Target,
    shapes: &[&Shape],
    guard: Option<&Shape>,
    page: Option<usize>,
) -> Places {
    let rules = rules(target);
    let mut starts = Vec::new();
    let (mut code, mut data, mut alignment) = (0, 0_usize, 8);
    let mut got = BTreeSet::<usize>::new();
    let mut trampolines = BTreeSet::<usize>::new();
    for (index, shape) in shapes.iter().copied().chain(guard).enumerate() {
        if index < shapes.len() {
            starts.push(code);
        }
        code += rules.unit * shape.code;
        data = data.next_multiple_of(shape.alignment) + 8 * shape.data;
        alignment = alignment.max(shape.alignment);
        if rules.has_got {
            got.extend(&shape.got);
        }
        trampolines.extend(&shape.trampolines);
    }
    let trampolines = rules.trampoline * trampolines.len();
    let got = 8 * got.len();
    let align = match alignment {
        8 => rules.align,
        more => more,
    };
    let pad = match page {
        // 1 to `align` bytes.
        Some(_) => align - (code + trampolines) % align,
        None => (alignment - (code + trampolines) % alignment) % alignment,
    };
    let data_start = code + trampolines + pad;
    let end = data_start + data + got;
    Places {
        starts,
        code,
        trampolines: (code, code + trampolines),
        data: (data_start, data_start + data),
        got: (data_start + data, end),
        size: match page {
            Some(page) => end + page - end % page,
            None => end,
        },
    }
}

fn places_of(linked: &jit_runtime::Layout<'_>, length: usize) -> Places {
    let pair = |range: std::ops::Range<usize>| (range.start, range.end);
    assert_eq!(
        linked.start(length),
        None,
        "the guard is not a micro-op of the trace"
    );
    Places {
        starts: (0..length)
            .map(|index| linked.start(index).unwrap())
            .collect(),
        code: linked.code_size(),
        trampolines: pair(linked.trampolines()),
        data: pair(linked.data()),
        got: pair(linked.got()),
        size: linked.size(),
    }
}

/// Returns all bytes of the image, by the formulas.
fn image(places: &Places, target: &Target, shapes: &[(usize, &Shape)]) -> Vec<u8> {
    let mut image = vec![0; places.size];
    let (mut code, mut data) = (0, places.data.0);
    let mut got = BTreeSet::<usize>::new();
    for (opcode, shape) in shapes {
        let group = group(target, *opcode, shape);
        data = places.data.0 + (data - places.data.0).next_multiple_of(shape.alignment);
        image[code..code + group.code.body.len()].copy_from_slice(&group.code.body);
        image[data..data + group.data.body.len()].copy_from_slice(&group.data.body);
        code += group.code.body.len();
        data += group.data.body.len();
        got.extend(&shape.got);
    }
    assert_eq!((code, data), (places.code, places.data.1));
    if rules(target).has_got {
        for (index, ordinal) in got.into_iter().enumerate() {
            let slot = places.got.0 + 8 * index;
            image[slot..slot + 8].copy_from_slice(&address(ordinal).to_le_bytes());
        }
    }
    image
}

fn check(target: &Target, shapes: &[Shape], guard: bool, trace: &[u32], page: Option<usize>) {
    let names = names();
    let names: Vec<&str> = names.iter().map(|name| &**name).collect();
    let uops: Vec<String> = (0..shapes.len())
        .map(|index| format!("_U{index}"))
        .collect();
    let mut groups: Vec<_> = shapes
        .iter()
        .enumerate()
        .map(|(opcode, shape)| (&*uops[opcode], group(target, opcode, shape)))
        .collect();
    // The first of them is the guard.
    if guard {
        groups[0].0 = GUARD;
    }
    let stencils = Stencils::new(&set(target, groups, &names)).unwrap();
    assert_eq!(stencils.guard(), guard.then_some(0));
    let policy = match page {
        Some(page_size) => LayoutPolicy::CPython { page_size },
        None => LayoutPolicy::Tight,
    };
    let trace: Vec<Uop> = trace
        .iter()
        .map(|opcode| Uop {
            opcode: *opcode,
            ..Uop::default()
        })
        .collect();
    let symbols: Vec<(&str, u64)> = (0..256)
        .map(|number| (names[number], address(number)))
        .collect();
    let linked = link(&stencils, policy, &trace, 0x10_0000, &symbols);
    if trace.is_empty() && !guard {
        assert_eq!(linked.map(|_| ()), Err(LinkError::Empty));
        return;
    }
    let linked = linked.unwrap();

    let mut all: Vec<(usize, &Shape)> = trace
        .iter()
        .map(|uop| (uop.opcode as usize, &shapes[uop.opcode as usize]))
        .collect();
    let own: Vec<&Shape> = all.iter().map(|(_, shape)| *shape).collect();
    let expected = places(target, &own, guard.then_some(&shapes[0]), page);
    assert_eq!(places_of(&linked.layout, trace.len()), expected);
    if guard {
        all.push((0, &shapes[0]));
    }
    assert!(linked.bytes == image(&expected, target, &all), "{target}");
    check_bases(&linked, &stencils, policy, &all);

    // The micro-op that an offset belongs to: tried for the first and last byte of each, and of the code.
    let unit = rules(target).unit;
    let uops_end: usize = own.iter().map(|shape| unit * shape.code).sum();
    let ends = [uops_end, expected.code, expected.size];
    for edge in expected.starts.iter().copied().chain(ends) {
        for offset in [edge.saturating_sub(1), edge, edge + 1] {
            // A micro-op without code has no offset.
            let owner = (0..trace.len())
                .rfind(|index| expected.starts[*index] <= offset)
                .filter(|_| offset < uops_end);
            assert_eq!(linked.layout.uop_at(offset), owner);
        }
    }
}

/// The image's address must be a multiple of the largest alignment, if that is more than 8.
fn check_bases(
    linked: &Linked<'_>,
    stencils: &Stencils,
    policy: LayoutPolicy,
    all: &[(usize, &Shape)],
) {
    let largest = all.iter().map(|(_, shape)| shape.alignment).max();
    let largest = largest.unwrap_or(8);
    assert_eq!(linked.layout.alignment(), largest);
    let symbols = Symbols::new(stencils, |_| Some(0x1000));
    let mut linker = Linker::new(stencils, policy);
    for (base, is_aligned) in [
        (0x10_0000 + largest as u64, true),
        (0x10_0000 + largest as u64 / 2, false),
        (0x10_0001, false),
    ] {
        let mut out = pattern(linked.layout.size());
        let outcome = linker.link(&linked.layout, base, &symbols, &mut out);
        if is_aligned || largest == 8 {
            assert_eq!(outcome, Ok(()));
            continue;
        }
        let error = outcome.unwrap_err();
        let alignment = largest;
        assert_eq!(error, LinkError::MisalignedBase { base, alignment });
        assert_eq!(
            error.to_string(),
            format!(
                "an image with data at multiples of {alignment} bytes cannot be at address {base:#x}: \
                 choose a multiple of Layout::alignment"
            )
        );
        assert!(out == pattern(out.len()), "the buffer was written to");
    }
}

/// Generates shapes, a trace of them, and the other parameters of an image.
fn traces(most: u32) -> impl Strategy<Value = (Vec<Shape>, Vec<u32>)> {
    proptest::collection::vec(Shape::any(most), 1..5).prop_flat_map(|shapes| {
        let opcodes = 0..shapes.len() as u32;
        (Just(shapes), proptest::collection::vec(opcodes, 0..12))
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn by_the_formulas(
        target in proptest::sample::select(&Target::ALL[..]),
        (shapes, trace) in traces(3),
        guard in any::<bool>(),
        page in proptest::option::of((5_u32..13).prop_map(|shift| 1_usize << shift)),
    ) {
        check(&target, &shapes, guard, &trace, page);
    }

    /// Data at multiples of 16 to 4096 bytes, which CPython does not support.
    #[test]
    fn alignment(
        target in proptest::sample::select(&Target::ALL[..]),
        (shapes, trace) in prop_oneof![traces(6), traces(12)],
        guard in any::<bool>(),
        page in proptest::option::of((5_u32..13).prop_map(|shift| 1_usize << shift)),
    ) {
        check(&target, &shapes, guard, &trace, page);
    }
}

/// In CPython, an image that ends at the end of a page takes one more page.
#[test]
fn full_pages() {
    for target in Target::ALL {
        let Rules { unit, align, .. } = rules(&target);
        for step in 0..=16 {
            // Around the size where code and pad are 4096 - 64 bytes, and data and GOT the rest.
            let shape = Shape {
                code: (4096 - 64 - 8) / unit + step - 8 / unit,
                data: if rules(&target).has_got { 7 } else { 8 },
                alignment: 8,
                got: [3].into(),
                trampolines: BTreeSet::new(),
            };
            for page in [None, Some(64), Some(4096), Some(16384)] {
                check(&target, std::slice::from_ref(&shape), false, &[0], page);
            }
            let code = unit * shape.code;
            let expected = places(&target, &[&shape], None, Some(4096));
            let pad = align - code % align;
            let pages = if code + pad + 64 >= 4096 { 2 } else { 1 };
            assert_eq!(expected.size, 4096 * pages);
        }
    }
}

/// Tests GOT slots of all 256 ordinals, and of every second one.
#[test]
fn all_symbols() {
    for triple in ["aarch64-apple-darwin", "x86_64-apple-darwin"] {
        let target = target(triple);
        let all = || (0..256).collect::<BTreeSet<_>>();
        let odd = || {
            (0..128)
                .map(|number| 2 * number + 1)
                .collect::<BTreeSet<_>>()
        };
        for (got, trampolines) in [(all(), odd()), (odd(), all()), (odd(), odd())] {
            let shape = Shape {
                code: 3,
                data: 1,
                alignment: 8,
                got,
                trampolines,
            };
            check(target, &[shape], true, &[0, 0], Some(4096));
        }
    }
}

/// Tests the largest image, and one that is a byte larger.
#[test]
fn the_size_limit() {
    assert_eq!(MAX_SIZE, 1_048_575, "PY_MAX_JIT_CODE_SIZE");
    let layout = |target: &Target, sizes: &[usize], policy| {
        let uops: Vec<String> = (0..sizes.len()).map(|index| format!("_U{index}")).collect();
        let groups = uops
            .iter()
            .zip(sizes)
            .map(|(name, size)| (&**name, code(vec![0; *size], vec![])))
            .collect();
        let stencils = Stencils::new(&set(target, groups, &[])).unwrap();
        let trace: Vec<_> = uops.iter().map(|name| uop(&stencils, name)).collect();
        let linker = Linker::new(&stencils, policy);
        linker.layout(&trace).map(|layout| layout.size())
    };
    let too_big = |size| {
        Err(LinkError::TooBig {
            size,
            limit: MAX_SIZE,
        })
    };
    let linux = target("x86_64-unknown-linux-gnu");
    let tight = LayoutPolicy::Tight;
    // Rounded up to a multiple of 8, where there could be data.
    let limit = MAX_SIZE - MAX_SIZE % 8;
    assert_eq!(layout(linux, &[limit - 5, 6], tight), Ok(limit + 8));
    // With pages of 1 byte, if there were any: 1 byte of pad on either side.
    let bytes = LayoutPolicy::CPython { page_size: 1 };
    assert_eq!(layout(linux, &[MAX_SIZE - 3, 1], bytes), Ok(MAX_SIZE));
    assert_eq!(
        layout(linux, &[MAX_SIZE - 3, 2], bytes),
        too_big(MAX_SIZE + 1)
    );
    let pages = LayoutPolicy::CPython { page_size: 4096 };
    let last = (1 << 20) - 4096;
    assert_eq!(layout(linux, &[last - 2], pages), Ok(last));
    assert_eq!(layout(linux, &[last - 1], pages), too_big(1 << 20));
    let aarch64 = target("aarch64-unknown-linux-gnu");
    assert_eq!(layout(aarch64, &[last - 12], pages), Ok(last));
    assert_eq!(layout(aarch64, &[last - 8], pages), too_big(1 << 20));
}

/// Images that are not CPython's are as large as the distances that their branches and displacements reach.
#[test]
fn the_size_limit_of_other_images() {
    const BLOCK: usize = 1 << 19;
    for (triple, limit) in [
        ("x86_64-unknown-linux-gnu", (1_u64 << 31) - 1),
        ("i686-pc-windows-msvc", (1 << 31) - 1),
        ("aarch64-apple-darwin", (1 << 27) - 1),
    ] {
        let limit = usize::try_from(limit).unwrap();
        let sizes = [
            ("_BLOCK", BLOCK),
            ("_SHORT", BLOCK - 8),
            ("_END", BLOCK - 4),
        ];
        let groups = sizes.map(|(name, size)| (name, code(vec![0; size], vec![])));
        let stencils = Stencils::new(&set(target(triple), groups.to_vec(), &[])).unwrap();
        let blocks = vec![Instruction::default(); limit / BLOCK];
        let size_with = |last: u32, policy| {
            let mut trace = blocks.clone();
            trace.push(Instruction {
                opcode: last,
                ..Instruction::default()
            });
            let linker = Linker::new(&stencils, policy);
            linker.layout(&trace).map(|layout| layout.size())
        };
        assert_eq!(size_with(1, LayoutPolicy::Tight), Ok(limit - 7), "{triple}");
        // Rounded up, it would be one byte too large.
        assert_eq!(
            size_with(2, LayoutPolicy::Tight),
            Err(LinkError::TooBig {
                size: limit + 1,
                limit
            })
        );
        let cpython = size_with(1, LayoutPolicy::CPython { page_size: 4096 });
        assert!(
            matches!(
                cpython,
                Err(LinkError::TooBig {
                    limit: MAX_SIZE,
                    ..
                })
            ),
            "{cpython:?}"
        );
    }
}

/// Targets of an instruction have 32 bits, those of CPython's 16.
#[test]
fn the_length_limit() {
    let groups = vec![("_A", code(vec![0x90], vec![]))];
    let linux = target("x86_64-unknown-linux-gnu");
    let stencils = Stencils::new(&set(linux, groups, &[])).unwrap();
    let linker = Linker::new(&stencils, LayoutPolicy::Tight);
    let uops = vec![Uop::default(); 65_536];
    assert_eq!(
        linker.layout(&uops[1..]).map(|layout| layout.size()),
        Ok(65_536)
    );
    assert_eq!(
        linker.layout(&uops).map(|layout| layout.size()),
        Err(LinkError::TooLong {
            length: 65_536,
            limit: 65_535
        })
    );
    let instructions = vec![Instruction::default(); 200_000];
    let layout = linker.layout(&instructions).unwrap();
    assert_eq!(layout.start(199_999), Some(199_999));
    assert_eq!(layout.size(), 200_000);
}
