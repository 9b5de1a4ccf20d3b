//! Tests of the value of each base of a hole.

use jit_runtime::{LayoutPolicy, Stencils, Uop};
use jit_schema::{Arch, Target};
use jit_stencils::{HoleValue, PatchKind};
use proptest::prelude::*;

use crate::{
    config,
    linked::link_at,
    make::{based, code, hole, set, slot, stencil, symbol, uop, with_got},
};

/// The sizes of the micro-ops' code in bytes, multiples of 4.
const CODE: usize = 20;

fn expected(base: HoleValue, uop: &Uop, own: [u64; 2], start: impl Fn(u16) -> u64) -> u64 {
    let [first, second] = uop.operand;
    match base {
        HoleValue::Code => own[0],
        HoleValue::Data => own[1],
        HoleValue::Got => unreachable!(),
        HoleValue::Oparg | HoleValue::Oparg16 => uop.oparg.into(),
        HoleValue::Operand0 | HoleValue::Operand0_16 | HoleValue::Operand0_32 => first,
        HoleValue::Operand0Hi => first / (1 << 32),
        HoleValue::Operand0Lo => first % (1 << 32),
        HoleValue::Operand1 | HoleValue::Operand1_16 | HoleValue::Operand1_32 => second,
        HoleValue::Operand1Hi => second / (1 << 32),
        HoleValue::Operand1Lo => second % (1 << 32),
        HoleValue::Target => uop.target.into(),
        HoleValue::JumpTarget => start(uop.jump_target),
        HoleValue::ErrorTarget => start(uop.error_target),
        HoleValue::Zero => 0,
        HoleValue::Operand(_)
        | HoleValue::OperandHigh(_)
        | HoleValue::OperandLow(_)
        | HoleValue::Place(_)
        | HoleValue::Continue
        | HoleValue::Executor => unreachable!(),
    }
}

fn bases() -> Vec<HoleValue> {
    let all = HoleValue::FIXED.iter().copied();
    all.filter(|base| *base != HoleValue::Got && !base.is_of_cpython_3_14())
        .collect()
}

/// Returns a micro-op whose data has a hole for each base, with an addend and without a symbol.
fn stencils(target: &Target, addends: &[i64]) -> Stencils {
    let holes = |from: usize| {
        bases()
            .into_iter()
            .zip(addends)
            .enumerate()
            .map(|(index, (base, addend))| {
                let offset = from + 8 * index;
                hole(offset, PatchKind::Patch64, based(base, *addend))
            })
            .collect::<Vec<_>>()
    };
    let mut group = code(vec![0x33; CODE], vec![]);
    let count = bases().len();
    group.data = stencil(vec![0xff; 8 * count + 8], holes(8));
    let plain = code(vec![0x33; CODE], vec![]);
    Stencils::new(&set(target, vec![("_PLAIN", plain), ("_ALL", group)], &[])).unwrap()
}

fn any_uop(length: u16) -> impl Strategy<Value = Uop> {
    (
        any::<u16>(),
        any::<u32>(),
        0..length,
        0..length,
        any::<[u64; 2]>(),
        0_u32..2,
    )
        .prop_map(
            |(oparg, target, jump_target, error_target, operand, opcode)| Uop {
                opcode,
                oparg,
                target,
                jump_target,
                error_target,
                operand,
            },
        )
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn of_each_base(
        target in proptest::sample::select(&Target::ALL[..]),
        trace in (1_u16..6).prop_flat_map(|length| {
            proptest::collection::vec(any_uop(length), usize::from(length))
        }),
        addends in proptest::collection::vec(
            prop_oneof![any::<i64>(), -8..=8_i64, Just(0)], HoleValue::FIXED.len()
        ),
        base in 0x1_0000_u64..0x7000_0000,
    ) {
        // This test is not about addresses that exceed 32 bits on a 32-bit target.
        let narrow = target.arch == Arch::I686;
        let addends: Vec<i64> =
            addends.iter().map(|addend| if narrow { addend & 0xff } else { *addend }).collect();
        let base = base & !7;
        let stencils = stencils(&target, &addends);
        let linked = link_at(&stencils, LayoutPolicy::Tight, &trace, &|_| base, &[]).unwrap();
        let mut data = (CODE * trace.len()).next_multiple_of(8);
        for (index, uop) in trace.iter().enumerate() {
            prop_assert_eq!(linked.start(index), CODE * index);
            if uop.opcode == 0 {
                continue;
            }
            let start = |index: u16| base + CODE as u64 * u64::from(index);
            let own = [start(index as u16), base + data as u64];
            prop_assert_eq!(linked.load(own[1]), u64::MAX);
            data += 8;
            for (hole, addend) in bases().into_iter().zip(&addends) {
                let value = i128::from(expected(hole, uop, own, start)) + i128::from(*addend);
                let value = value.rem_euclid(1 << 64) as u64;
                prop_assert_eq!(linked.load(base + data as u64), value, "{}", hole);
                data += 8;
            }
        }
    }
}

/// Tests symbols with and without an ordinal, used more than once, with addends, and the addresses of GOT slots.
#[test]
fn of_symbols() {
    for target in Target::ALL {
        if target.arch == Arch::I686 {
            continue;
        }
        let addend = if target.arch == Arch::Aarch64 { 0 } else { -4 };
        let holes = vec![
            hole(0, PatchKind::Patch64, symbol("second", 0)),
            hole(8, PatchKind::Patch64, symbol("elsewhere", -1)),
            hole(16, PatchKind::Patch64, symbol("further", i64::MIN)),
            hole(24, PatchKind::Patch64, symbol("elsewhere", 16)),
            hole(32, PatchKind::Patch64, slot(1, addend)),
            hole(40, PatchKind::Patch64, slot(0, addend)),
        ];
        let mut group = with_got(code(vec![0; 16], vec![]), &[0, 1]);
        group.data.body = vec![0x88; 48];
        group.data.holes.extend(holes);
        let set = set(&target, vec![("_ALL", group)], &["first", "second"]);
        let stencils = Stencils::new(&set).unwrap();
        assert_eq!(
            stencils.symbols(),
            ["first", "second", "elsewhere", "further"]
        );
        let symbols = [
            ("first", 0x1111),
            ("second", 0x2222_3333_4444_5555),
            ("elsewhere", 0xffff_ffff_ffff_fff8),
            ("further", 0x8000_0000_0000_0009),
        ];
        let trace = [uop(&stencils, "_ALL")];
        let base = 0x7000_0000;
        let linked = link_at(&stencils, LayoutPolicy::Tight, &trace, &|_| base, &symbols).unwrap();
        // Code, data, GOT.
        let words: Vec<u64> = (0..8)
            .map(|index| linked.load(base + 16 + 8 * index))
            .collect();
        let end = if addend == 0 { 0 } else { 4 };
        let expected = [
            0x2222_3333_4444_5555,
            0xffff_ffff_ffff_fff7,
            9,
            8,
            base + 16 + 48 + 8 - end,
            base + 16 + 48 - end,
            0x1111,
            0x2222_3333_4444_5555,
        ];
        assert_eq!(words, expected, "{}", target.triple);
    }
}
