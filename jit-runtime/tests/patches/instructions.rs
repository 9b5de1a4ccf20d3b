//! Instructions with any number of operands and targets.

use std::sync::Arc;

use jit_runtime::{
    Instruction, LayoutPolicy, LinkError, Linker, StencilError, Stencils, Symbols, Uop,
};
use jit_schema::{Arch, Target};
use jit_stencils::{Hole, HoleValue, Interface, Part, PatchKind, StencilGroup};
use proptest::prelude::*;

use crate::{
    config,
    decode::{self, Mnemonic},
    make::{AARCH64, GUARD, I686, X86_64, based, code, hole, set, stencil, target, uop, words},
};

const BASE: u64 = 0x1234_5000;

/// Returns a stencil with an interface.
fn takes(mut group: StencilGroup, operands: &[u8], targets: u16) -> StencilGroup {
    group.interface = Interface {
        operands: operands.to_vec(),
        targets,
    };
    group
}

fn instruction<'a>(opcode: u32, operands: &'a [u64], targets: &'a [u32]) -> Instruction<'a> {
    Instruction {
        opcode,
        operands,
        targets,
    }
}

fn link(stencils: &Stencils, trace: &[Instruction<'_>]) -> Result<Vec<u8>, LinkError> {
    let mut linker = Linker::new(stencils, LayoutPolicy::Tight);
    let symbols = Symbols::new(stencils, |_| None);
    let layout = linker.layout(trace)?;
    let mut image = vec![0xee; layout.size()];
    let linked = linker.link(&layout, BASE, &symbols, &mut image);
    if linked.is_err() {
        assert!(image.iter().all(|byte| *byte == 0xee), "written to");
    }
    linked.map(|()| image)
}

fn of_one(triple: &str, group: StencilGroup) -> Result<Stencils, StencilError> {
    Stencils::new(&set(target(triple), vec![("_ONE", group)], &[]))
}

/// Each patch for code of x86_64, read by a decoder.
#[test]
fn code_of_x86_64() {
    let body = [
        &[0x48, 0xb8][..], // movabs rax, imm64
        &[0; 8],
        &[0xb9], // mov ecx, imm32
        &[0; 4],
        &[0xe9], // jmp
        &[0; 4],
        &[0x0f, 0x84], // je
        &[0; 4],
        &[0x48, 0xba], // movabs rdx, imm64
        &[0; 8],
    ];
    let holes = vec![
        hole(2, PatchKind::Patch64, based(HoleValue::Operand(4), 3)),
        hole(11, PatchKind::Patch32, based(HoleValue::Operand(0), 0)),
        hole(16, PatchKind::Patch32r, based(HoleValue::Place(2), -4)),
        hole(22, PatchKind::Patch32r, based(HoleValue::Place(0), -4)),
        hole(28, PatchKind::Patch64, based(HoleValue::Place(1), 0)),
    ];
    let size = body.concat().len() as u64;
    for (triple, bits) in X86_64.into_iter().zip([8, 32, 64]) {
        let group = takes(code(body.concat(), holes.clone()), &[bits, 0, 0, 0, 64], 3);
        let interface = group.interface.clone();
        let stencils = of_one(triple, group).unwrap();
        assert_eq!(stencils.interface(0), Some(&interface));
        assert_eq!(stencils.interface(1), None);
        let operands = [0xa5, 0, 0, 0, 0x8877_6655_4433_2211];
        let trace = [
            instruction(0, &operands, &[1, 2, 0]),
            instruction(0, &operands, &[2, 1, 2]),
            instruction(0, &operands, &[0, 0, 1]),
        ];
        let image = link(&stencils, &trace).unwrap();
        for (index, instruction) in trace.iter().enumerate() {
            let start = index * size as usize;
            let at = |from: usize, to: usize| {
                let address = BASE + (start + from) as u64;
                decode::x86(64, &image[start + from..start + to], address)
            };
            let goes_to = |number: usize| BASE + size * u64::from(instruction.targets[number]);
            assert_eq!(at(0, 10).immediate64(), 0x8877_6655_4433_2214);
            assert_eq!(at(10, 15).immediate32(), 0xa5);
            assert_eq!(at(15, 20).near_branch64(), goes_to(2));
            assert_eq!(at(20, 26).mnemonic(), Mnemonic::Je);
            assert_eq!(at(20, 26).near_branch64(), goes_to(0));
            assert_eq!(at(26, 36).immediate64(), goes_to(1));
        }
        // The same places, as the linker tells a host that reads them itself.
        let linker = Linker::new(&stencils, LayoutPolicy::Tight);
        let layout = linker.layout(&trace).unwrap();
        let placed: Vec<_> = linker.holes(&layout).unwrap().collect();
        assert_eq!(placed.len(), 15);
        for (at, hole) in placed.iter().enumerate() {
            let start = at / 5 * size as usize;
            let (index, part) = (Some(at / 5), Part::Code);
            assert_eq!((hole.index, hole.part), (index, part));
            assert_eq!(hole.offset, start + holes[at % 5].offset);
            assert_eq!(*hole.hole, holes[at % 5]);
        }
    }
}

/// Each patch for code of AArch64 that values have, read by a decoder.
#[test]
fn code_of_aarch64() {
    // movz, movk, movk, movk x3; b; b.eq; adrp x0, add x0
    let body = words(&[
        0xd280_0003,
        0xf2a0_0003,
        0xf2c0_0003,
        0xf2e0_0003,
        0x1400_0000,
        0x5400_0000,
        0x9000_0000,
        0x9100_0000,
    ]);
    let parts = [
        PatchKind::Aarch64_16a,
        PatchKind::Aarch64_16b,
        PatchKind::Aarch64_16c,
        PatchKind::Aarch64_16d,
    ];
    let operand = based(HoleValue::Operand(1), 0);
    let moves = parts.into_iter().enumerate();
    let mut holes: Vec<Hole> = moves
        .map(|(index, part)| hole(4 * index, part, operand.clone()))
        .collect();
    holes.extend([
        hole(16, PatchKind::Aarch64_26r, based(HoleValue::Place(0), 0)),
        hole(20, PatchKind::Aarch64_19r, based(HoleValue::Place(3), 0)),
        hole(24, PatchKind::Aarch64_21r, based(HoleValue::Operand(0), 0)),
        hole(28, PatchKind::Aarch64_12, based(HoleValue::Operand(0), 0)),
    ]);
    for triple in AARCH64 {
        let group = takes(code(body.clone(), holes.clone()), &[48, 64], 4);
        let stencils = of_one(triple, group).unwrap();
        let operands = [0x1334_5678, 0x8877_6655_4433_2211];
        let trace = [
            instruction(0, &operands, &[1, 99, 99, 0]),
            instruction(0, &operands, &[0, 99, 99, 1]),
        ];
        let image = link(&stencils, &trace).unwrap();
        for (index, instruction) in trace.iter().enumerate() {
            let start = 32 * index;
            let word = |at: usize| {
                let bytes = image[start + at..].first_chunk().unwrap();
                u32::from_le_bytes(*bytes)
            };
            let address = |at: usize| BASE + (start + at) as u64;
            let moved: u64 = (0..4)
                .map(|index| decode::aarch64_move(word(4 * index)))
                .map(|(bits, shift)| bits << shift)
                .sum();
            assert_eq!(moved, operands[1]);
            for (at, number) in [(16, 0), (20, 3)] {
                let place = address(at).wrapping_add_signed(decode::aarch64_offset(word(at)));
                assert_eq!(place, BASE + 32 * u64::from(instruction.targets[number]));
            }
            let page = (address(24) & !0xfff).wrapping_add_signed(decode::aarch64_offset(word(24)));
            assert_eq!(page + decode::aarch64_immediate(word(28)), operands[0]);
        }
    }
}

/// Halves of 64-bit operands, which 32-bit code takes one by one.
#[test]
fn halves_of_operands() {
    // mov eax, imm32; mov edx, imm32; mov ecx, imm32
    let mut body = vec![0xb8, 0, 0, 0, 0, 0xba, 0, 0, 0, 0, 0xb9, 0, 0, 0, 0];
    body.resize(20, 0x90);
    let holes = vec![
        hole(1, PatchKind::Patch32, based(HoleValue::OperandLow(2), 0)),
        hole(6, PatchKind::Patch32, based(HoleValue::OperandHigh(2), 0)),
        hole(11, PatchKind::Patch32, based(HoleValue::Operand(0), 0)),
    ];
    let group = takes(code(body, holes), &[32, 0, 64], 0);
    let stencils = of_one(I686, group).unwrap();
    let operands = [0xffff_fffe, 7, 0x8877_6655_4433_2211];
    let image = link(&stencils, &[instruction(0, &operands, &[])]).unwrap();
    let value = |at: usize| decode::x86(32, &image[at..at + 5], BASE).immediate32();
    assert_eq!(
        [0, 5, 10].map(value),
        [0x4433_2211, 0x8877_6655, 0xffff_fffe]
    );
    // An operand of 64 bits in one field: it must fit.
    let body = vec![0xb8, 0, 0, 0, 0];
    for addend in [0, 5] {
        let value = based(HoleValue::Operand(0), addend);
        let group = takes(
            code(body.clone(), vec![hole(1, PatchKind::Patch32, value)]),
            &[64],
            0,
        );
        let stencils = of_one(I686, group).unwrap();
        let linked = |operand: u64| link(&stencils, &[instruction(0, &[operand], &[])]);
        assert!(linked(0xffff_ffff).is_ok());
        let refused = linked(0x1_0000_0000);
        assert!(
            matches!(refused, Err(LinkError::OutOfRange { .. })),
            "{refused:?}"
        );
    }
}

/// What an instruction must have, and what does not matter.
#[test]
fn shapes_of_instructions() {
    let body = vec![0x90; 40];
    let holes = vec![
        hole(0, PatchKind::Patch64, based(HoleValue::Operand(1), 0)),
        hole(8, PatchKind::Patch64, based(HoleValue::Operand(3), 0)),
        hole(16, PatchKind::Patch64, based(HoleValue::Place(1), 0)),
    ];
    let group = takes(code(body.clone(), holes), &[0, 8, 64, 63], 3);
    let none = code(vec![0x90; 4], vec![]);
    for triple in X86_64.into_iter().chain(AARCH64).chain([I686]) {
        let group = match target(triple).arch {
            // 64-bit values in its code are in four instructions.
            Arch::Aarch64 => StencilGroup {
                data: group.code.clone(),
                code: none.code.clone(),
                ..group.clone()
            },
            Arch::X86_64 | Arch::I686 => group.clone(),
        };
        let groups = vec![("_NONE", none.clone()), ("_TAKES", group)];
        let stencils = Stencils::new(&set(target(triple), groups, &[])).unwrap();
        let result = |operands: &[u64], targets: &[u32]| {
            let trace = [instruction(0, &[], &[]), instruction(1, operands, targets)];
            link(&stencils, &trace).map(|_| ())
        };
        let uop = || "_TAKES".to_owned();
        let all = u64::MAX;
        assert_eq!(result(&[all, 255, all, all >> 1], &[9, 1]), Ok(()));
        assert_eq!(result(&[0, 0, 0, 0, all], &[9, 0, 9, 9]), Ok(()));
        let missing = |given| {
            let (index, uop, needed) = (1, uop(), 4);
            Err(LinkError::MissingOperands {
                index,
                uop,
                given,
                needed,
            })
        };
        assert_eq!(result(&[], &[0, 0]), missing(0));
        assert_eq!(result(&[0, 0, 0], &[0, 0]), missing(3));
        let (index, given, needed) = (1, 1, 2);
        assert_eq!(
            result(&[0, 0, 0, 0], &[0]),
            Err(LinkError::MissingTargets {
                index,
                uop: uop(),
                given,
                needed
            })
        );
        for (operand, value, bits) in [(1, 256, 8), (1, all, 8), (3, 1 << 63, 63)] {
            let mut operands = [0; 4];
            operands[operand] = value;
            let error = result(&operands, &[0, 0]).unwrap_err();
            let expected = LinkError::OperandBits {
                index: 1,
                uop: uop(),
                operand,
                value,
                bits,
            };
            assert_eq!(error, expected);
            assert!(
                error.to_string().contains(&format!("has only {bits} bits")),
                "{error}"
            );
        }
        for target in [2, 3, u32::MAX] {
            assert_eq!(
                result(&[0; 4], &[0, target]),
                Err(LinkError::JumpOutside {
                    index: 1,
                    uop: uop(),
                    value: HoleValue::Place(1),
                    target,
                    length: 2
                })
            );
        }
    }
}

/// A trace is of what the stencils take.
#[test]
fn traces_of_the_other_shape() {
    let with = |base| {
        code(
            vec![0; 8],
            vec![hole(0, PatchKind::Patch64, based(base, 0))],
        )
    };
    let make = |group| {
        let groups = vec![("_NONE", code(vec![0x90], vec![])), ("_TAKES", group)];
        Stencils::new(&set(target(X86_64[2]), groups, &[])).unwrap()
    };
    let general = make(takes(with(HoleValue::Operand(0)), &[64], 0));
    let cpython = make(with(HoleValue::Oparg));
    let neither = make(with(HoleValue::Code));
    let layout = |stencils: &Stencils| {
        let linker = Linker::new(stencils, LayoutPolicy::Tight);
        // Of micro-ops that take nothing.
        let uops = linker.layout(&[uop(stencils, "_NONE")]).map(|_| ());
        let instructions = linker.layout(&[Instruction::default()]).map(|_| ());
        [uops, instructions]
    };
    let refused = |value| {
        let uop = "_TAKES".to_owned();
        Err(LinkError::OtherShape { uop, value })
    };
    assert_eq!(layout(&general), [refused(HoleValue::Operand(0)), Ok(())]);
    assert_eq!(layout(&cpython), [Ok(()), refused(HoleValue::Oparg)]);
    assert_eq!(layout(&neither), [Ok(()), Ok(())]);
    let messages = [&general, &cpython].map(|stencils| {
        let errors = layout(stencils).into_iter().filter_map(Result::err);
        errors.map(|error| error.to_string()).collect::<String>()
    });
    assert_eq!(
        messages,
        [
            "_TAKES takes OPERAND_0 from its instruction, which a Uop does not have: link a trace of \
             Instruction",
            "_TAKES takes OPARG from its instruction, which an Instruction does not have: link a trace of \
             Uop"
        ]
    );
}

/// Stencils that contradict their interfaces or each other.
#[test]
fn stencils_that_are_refused() {
    let with = |base| {
        code(
            vec![0; 8],
            vec![hole(0, PatchKind::Patch64, based(base, 0))],
        )
    };
    for (base, operands, targets) in [
        (HoleValue::Operand(1), &[64][..], 9),
        (HoleValue::Operand(0), &[0, 64], 9),
        (HoleValue::OperandHigh(0), &[], 9),
        (HoleValue::OperandLow(2), &[64, 64], 9),
        (HoleValue::Place(2), &[64, 64, 64], 2),
        (HoleValue::Place(0), &[64], 0),
    ] {
        let error = of_one(X86_64[2], takes(with(base), operands, targets)).unwrap_err();
        let StencilError::Hole { problem, .. } = &error else {
            panic!("{error}");
        };
        assert_eq!(
            *problem,
            format!("the stencil's interface does not have {base}")
        );
    }
    assert_eq!(
        of_one(I686, takes(code(vec![], vec![]), &[64, 65], 0)).unwrap_err(),
        StencilError::Interface {
            uop: "_ONE".into(),
            operand: 1,
            bits: 65
        }
    );
    let groups = vec![
        ("_A", with(HoleValue::Zero)),
        ("_B", with(HoleValue::ErrorTarget)),
        ("_C", takes(with(HoleValue::Place(3)), &[], 4)),
    ];
    assert_eq!(
        Stencils::new(&set(target(I686), groups, &[])).unwrap_err(),
        StencilError::MixedValues {
            uop: "_C".into(),
            value: HoleValue::Place(3),
            other: "_B".into(),
            other_value: HoleValue::ErrorTarget,
        }
    );
    // More values than holes can refer to.
    let mut group = takes(with(HoleValue::Place(0)), &[64; 30_000], 1);
    group.data = stencil(
        vec![0; 8],
        vec![hole(
            0,
            PatchKind::Patch64,
            based(HoleValue::OperandLow(29_999), 0),
        )],
    );
    let error = of_one(X86_64[2], group).unwrap_err().to_string();
    assert!(
        error.contains("more external symbols and operands than"),
        "{error}"
    );
}

/// The values of each hole in the data, by a slow model in 128-bit arithmetic.
fn expected(base: HoleValue, operands: &[u64], starts: &[u64], targets: &[u32]) -> u64 {
    match base {
        HoleValue::Operand(number) => operands[usize::from(number)],
        HoleValue::OperandHigh(number) => operands[usize::from(number)] / (1 << 32),
        HoleValue::OperandLow(number) => operands[usize::from(number)] % (1 << 32),
        HoleValue::Place(number) => starts[targets[usize::from(number)] as usize],
        other => panic!("{other}"),
    }
}

#[derive(Debug, Clone)]
struct Shape {
    code: usize,
    bits: Vec<u8>,
    targets: u16,
    holes: Vec<(HoleValue, i64)>,
}

fn any_shape() -> impl Strategy<Value = Shape> {
    let bits = proptest::collection::vec(1..=64_u8, 1..9);
    (bits, 1..6_u16, 0..8_usize).prop_flat_map(|(bits, targets, code)| {
        let operands = bits.len() as u16;
        let base = prop_oneof![
            (0..operands).prop_map(HoleValue::Operand),
            (0..operands).prop_map(HoleValue::OperandHigh),
            (0..operands).prop_map(HoleValue::OperandLow),
            (0..targets).prop_map(HoleValue::Place),
        ];
        let addend = prop_oneof![Just(0), -8..8_i64, any::<i64>()];
        proptest::collection::vec((base, addend), 0..12).prop_map(move |holes| Shape {
            code: 4 * code,
            bits: bits.clone(),
            targets,
            holes,
        })
    })
}

/// A trace: for each micro-op the stencil, operands, and targets.
type Trace = Vec<(usize, Vec<u64>, Vec<u32>)>;

fn any_case() -> impl Strategy<Value = (Vec<Shape>, Trace)> {
    let shapes = proptest::collection::vec(any_shape(), 1..5);
    (shapes, 1..20_usize).prop_flat_map(|(shapes, length)| {
        let of = shapes.clone();
        let one = (0..shapes.len()).prop_flat_map(move |opcode| {
            let shape = &of[opcode];
            let operands: Vec<_> = shape
                .bits
                .iter()
                .map(|bits| 64 - bits)
                .map(|unused| any::<u64>().prop_map(move |value| value >> unused))
                .collect();
            let targets = usize::from(shape.targets)..usize::from(shape.targets) + 3;
            let targets = proptest::collection::vec(0..length as u32, targets);
            (Just(opcode), operands, targets)
        });
        (Just(shapes), proptest::collection::vec(one, length))
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn random_traces(
        target in proptest::sample::select(&Target::ALL[..]),
        (shapes, trace) in any_case(),
    ) {
        let group = |shape: &Shape| {
            let holes = shape.holes.iter().enumerate().map(|(index, (base, addend))| {
                hole(8 * index, PatchKind::Patch64, based(*base, *addend))
            });
            let mut group = takes(code(vec![0; shape.code], vec![]), &shape.bits, shape.targets);
            group.data = stencil(vec![0xff; 8 * shape.holes.len()], holes.collect());
            group
        };
        let names: Vec<String> = (0..shapes.len()).map(|index| format!("_{index}")).collect();
        let groups = names.iter().map(String::as_str).zip(shapes.iter().map(group));
        let stencils = Stencils::new(&set(&target, groups.collect(), &[])).unwrap();
        let instructions: Vec<_> = trace
            .iter()
            .map(|(opcode, operands, targets)| instruction(*opcode as u32, operands, targets))
            .collect();
        let image = link(&stencils, &instructions).unwrap();
        let linker = Linker::new(Arc::new(stencils), LayoutPolicy::Tight);
        let layout = linker.layout(&instructions).unwrap();
        let mut placed = linker.holes(&layout).unwrap();
        let mut starts = Vec::new();
        let mut end = BASE;
        for (opcode, ..) in &trace {
            starts.push(end);
            end += shapes[*opcode].code as u64;
        }
        let mut data = (end.next_multiple_of(8) - BASE) as usize;
        for (opcode, operands, targets) in &trace {
            for (base, addend) in &shapes[*opcode].holes {
                let value = i128::from(expected(*base, operands, &starts, targets));
                let value = (value + i128::from(*addend)).rem_euclid(1 << 64) as u64;
                let written = u64::from_le_bytes(*image[data..].first_chunk().unwrap());
                prop_assert_eq!(written, value, "{}", base);
                let hole = placed.next().unwrap();
                prop_assert_eq!((hole.offset, hole.part), (data, Part::Data));
                prop_assert_eq!(&hole.hole.value, &based(*base, *addend));
                data += 8;
            }
        }
        prop_assert_eq!(data, image.len());
        prop_assert!(placed.next().is_none());
    }
}

/// `Uop`s of a set that takes nothing by number are linked as before.
#[test]
fn both_shapes_of_a_trace_give_one_image() {
    let body = vec![0xe9, 0, 0, 0, 0];
    let jump = |base| {
        code(
            body.clone(),
            vec![hole(1, PatchKind::Patch32r, based(base, -4))],
        )
    };
    let cpython = of_one(X86_64[2], jump(HoleValue::JumpTarget)).unwrap();
    let general = of_one(X86_64[2], takes(jump(HoleValue::Place(0)), &[], 1)).unwrap();
    let targets = [2_u16, 0, 1, 2];
    let uops = targets.map(|jump_target| Uop {
        jump_target,
        ..Uop::default()
    });
    let wide = targets.map(|target| [u32::from(target)]);
    let instructions = [0, 1, 2, 3].map(|index: usize| instruction(0, &[], &wide[index]));
    let mut linker = Linker::new(&cpython, LayoutPolicy::Tight);
    let layout = linker.layout(&uops).unwrap();
    let mut image = vec![0; layout.size()];
    let symbols = Symbols::new(&cpython, |_| None);
    linker.link(&layout, BASE, &symbols, &mut image).unwrap();
    assert_eq!(link(&general, &instructions), Ok(image));
}

/// Images of more than 1 MiB: each distance is checked.
#[test]
fn large_images() {
    const BLOCK: usize = 1 << 19;
    // b; b.eq
    let branches = words(&[0x1400_0000, 0x5400_0000]);
    let holes = vec![
        hole(0, PatchKind::Aarch64_26r, based(HoleValue::Place(0), 0)),
        hole(4, PatchKind::Aarch64_19r, based(HoleValue::Place(1), 0)),
    ];
    let block = code(vec![0; BLOCK], vec![]);
    let groups = vec![
        ("_GO", takes(code(branches, holes), &[], 2)),
        ("_BLOCK", block),
    ];
    for triple in AARCH64 {
        let stencils = Stencils::new(&set(target(triple), groups.clone(), &[])).unwrap();
        let go = |targets| instruction(0, &[], targets);
        let block = instruction(1, &[], &[]);
        // The last one is 2 MiB after the first one, the one before that 1.5 MiB.
        let with = |targets| vec![go(targets), block, go(&[0, 1]), block, block, block, block];
        let trace = with(&[6, 2]);
        let image = link(&stencils, &trace).unwrap();
        let word = |at: usize| u32::from_le_bytes(*image[at..].first_chunk().unwrap());
        let (second, last) = (8 + BLOCK, 16 + 4 * BLOCK);
        assert_eq!(decode::aarch64_offset(word(0)), last as i64);
        assert_eq!(4 + decode::aarch64_offset(word(4)), second as i64);
        assert_eq!(second as i64 + decode::aarch64_offset(word(second)), 0);
        let refused = link(&stencils, &with(&[6, 5]));
        assert!(
            matches!(
                refused,
                Err(LinkError::OutOfRange {
                    index: Some(0),
                    offset: 4,
                    ..
                })
            ),
            "{triple}: {refused:?}"
        );
        let message = refused.unwrap_err().to_string();
        assert!(
            message.contains("conditional branches reach 1 MiB"),
            "{message}"
        );
    }
    let jump = takes(
        code(
            vec![0xe9, 0, 0, 0, 0],
            vec![hole(1, PatchKind::Patch32r, based(HoleValue::Place(0), -4))],
        ),
        &[],
        1,
    );
    let groups = vec![("_GO", jump), ("_BLOCK", code(vec![0x90; BLOCK], vec![]))];
    for triple in X86_64.into_iter().chain([I686]) {
        let stencils = Stencils::new(&set(target(triple), groups.clone(), &[])).unwrap();
        let mut trace = vec![instruction(1, &[], &[]); 40];
        trace[0] = instruction(0, &[], &[39]);
        trace[39] = instruction(0, &[], &[0]);
        let image = link(&stencils, &trace).unwrap();
        let last = 5 + 38 * BLOCK;
        let jumps_to = |at: usize| {
            let bits = if triple == I686 { 32 } else { 64 };
            let jump = decode::x86(bits, &image[at..at + 5], BASE + at as u64);
            decode::x86_target(&jump)
        };
        assert_eq!(jumps_to(0), BASE + last as u64);
        assert_eq!(jumps_to(last), BASE);
    }
}

/// Opcodes past those that 16 bits can tell apart.
#[test]
fn many_stencils() {
    const COUNT: u32 = 70_000;
    let names: Vec<String> = (0..COUNT).map(|number| format!("_{number}")).collect();
    let value = |number: u32| {
        vec![
            0x68,
            number as u8,
            (number >> 8) as u8,
            (number >> 16) as u8,
            0,
        ]
    };
    let group = |number: u32| code(value(number), vec![]);
    let groups = names.iter().map(String::as_str).zip((0..COUNT).map(group));
    let stencils = Stencils::new(&set(target(X86_64[2]), groups.collect(), &[])).unwrap();
    let opcodes = [65_535, 0, 65_536, COUNT - 1];
    let expected: Vec<u8> = opcodes.into_iter().flat_map(value).collect();
    let instructions = opcodes.map(|opcode| instruction(opcode, &[], &[]));
    let image = link(&stencils, &instructions).unwrap();
    assert_eq!(image[..20], expected);
    let uops = opcodes.map(|opcode| Uop {
        opcode,
        ..Uop::default()
    });
    let linked = crate::linked::link(&stencils, LayoutPolicy::Tight, &uops, BASE, &[]).unwrap();
    assert_eq!(linked.bytes, image);
    let past = link(&stencils, &[instruction(COUNT, &[], &[])]);
    let (index, opcode, known) = (0, COUNT, COUNT as usize);
    assert_eq!(
        past,
        Err(LinkError::UnknownOpcode {
            index,
            opcode,
            known
        })
    );
}

/// Where holes are after padding between data, and in the guard.
#[test]
fn places_of_holes() {
    let group = |code_size: usize, data: usize, alignment: usize, holes: Vec<Hole>| StencilGroup {
        data: stencil(vec![0; data], holes),
        data_alignment: alignment,
        ..takes(code(vec![0; code_size], vec![]), &[64], 0)
    };
    let operand = |at| hole(at, PatchKind::Patch64, based(HoleValue::Operand(0), 0));
    let guard = hole(0, PatchKind::Patch64, based(HoleValue::Code, 1));
    let void = Hole {
        void: true,
        ..operand(0)
    };
    let groups = vec![
        ("_A", group(4, 8, 8, vec![operand(0)])),
        ("_B", group(8, 16, 64, vec![void, operand(8)])),
        ("_C", group(0, 0, 8, vec![])),
        (GUARD, group(4, 8, 16, vec![guard])),
    ];
    for triple in X86_64.into_iter().chain(AARCH64) {
        let stencils = Stencils::new(&set(target(triple), groups.clone(), &[])).unwrap();
        let trace = [0, 1, 2, 1, 0].map(|opcode| instruction(opcode, &[0xabcd_0123], &[]));
        let linker = Linker::new(&stencils, LayoutPolicy::Tight);
        let layout = linker.layout(&trace).unwrap();
        let mut image = vec![0; layout.size()];
        let symbols = Symbols::new(&stencils, |_| None);
        let mut again = linker.clone();
        again
            .link(&layout, BASE & !63, &symbols, &mut image)
            .unwrap();
        let placed: Vec<_> = linker.holes(&layout).unwrap().collect();
        let indices: Vec<_> = placed.iter().map(|hole| hole.index).collect();
        assert_eq!(indices, [Some(0), Some(1), Some(3), Some(4), None]);
        for (hole, value) in placed.iter().zip([0xabcd_0123; 4]) {
            assert_eq!(
                image[hole.offset..][..8],
                u64::to_le_bytes(value),
                "{triple}: {hole:?}"
            );
        }
        let code = (BASE & !63) + layout.code_size() as u64 - 4;
        assert_eq!(image[placed[4].offset..][..8], (code + 1).to_le_bytes());
    }
    // Of other stencils.
    let [one, two] = [1, 2].map(|_| of_one(I686, code(vec![0x90], vec![])).unwrap());
    let (one, two) = (
        Linker::new(one, LayoutPolicy::Tight),
        Linker::new(two, LayoutPolicy::Tight),
    );
    let trace = [Instruction::default()];
    let layout = one.layout(&trace).unwrap();
    assert!(matches!(
        two.holes(&layout).map(|_| ()),
        Err(LinkError::Mixed { .. })
    ));
}
