//! Tests of `patch_aarch64_33rx`: an adrp and an ldr of a slot, or two instructions that have the same effect without
//! the slot. The two instructions are executed, and the register must contain the slot's content.

use jit_runtime::{Layout, LayoutPolicy, LinkError, Stencils, Uop};
use jit_stencils::{HoleValue, Part, PatchKind, PatchValue};
use proptest::prelude::*;

use crate::{
    config,
    decode::{self, Opcode},
    linked::{Linked, link_at},
    make::{AARCH64, based, code, hole, pair, set, slot, stencil, target, uop, with_got, words},
    numbers::{REACH, away, distance, edges, fits, locations, near, pages},
    spot::{Outcome, Source, Spot},
};

const NOP: u32 = 0xd503_201f;

/// Where the slot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Got,
    Data(usize),
}

/// A micro-op with one pair.
#[derive(Debug, Clone)]
struct Case {
    triple: &'static str,
    register: u32,
    /// The number of instructions between the two.
    between: usize,
    slot: Slot,
    before: usize,
    /// The address of the adrp.
    location: u64,
    content: u64,
    placeholder: u32,
}

impl Case {
    fn stencils(&self) -> Stencils {
        let value = match self.slot {
            Slot::Got => slot(1, 0),
            Slot::Data(offset) => based(HoleValue::Data, offset as i64),
        };
        let second = 4 + 4 * self.between;
        let page = self.placeholder & (3 << 29 | 0x7ffff << 5);
        let low = self.placeholder & 0xfff << 10;
        let mut body = vec![!NOP, 0x9000_0000 | page | self.register];
        body.extend(vec![!NOP; self.between]);
        body.extend([0xf940_0000 | low | self.register << 5 | self.register, !NOP]);
        let mut spot = code(words(&body), vec![pair(4, 4 + second, value)]);
        spot.data = stencil(vec![0xcc; 24], vec![]);
        match self.slot {
            Slot::Got => spot = with_got(spot, &[1]),
            Slot::Data(offset) => {
                let content = based(HoleValue::Operand1, 0);
                spot.data.holes = vec![hole(offset, PatchKind::Patch64, content)];
            }
        }
        let mut other = with_got(code(vec![0xee; 8], vec![]), &[0, 2]);
        other.data.body = vec![0xdd; 8];
        let groups = vec![("_OTHER", other), ("_SPOT", spot)];
        Stencils::new(&set(target(self.triple), groups, &["zero", "there", "two"])).unwrap()
    }

    fn link<T>(
        &self,
        then: impl FnOnce(&Linked<'_>, usize, &Stencils) -> T,
    ) -> Result<T, LinkError> {
        let stencils = self.stencils();
        let mut trace = vec![uop(&stencils, "_OTHER"); self.before];
        trace.push(Uop {
            operand: [0, self.content],
            ..uop(&stencils, "_SPOT")
        });
        let place = |layout: &Layout<'_>| layout.start(self.before).unwrap() + 4;
        let linked = link_at(
            &stencils,
            LayoutPolicy::Tight,
            &trace,
            &|layout| self.location - place(layout) as u64,
            &[("zero", 1), ("there", self.content), ("two", 2)],
        )?;
        Ok(then(&linked, place(&linked.layout), &stencils))
    }

    fn slot_offset(&self) -> usize {
        let code = 8 * self.before + 4 * (4 + self.between);
        let data = code.next_multiple_of(8);
        match self.slot {
            Slot::Data(offset) => data + 8 * self.before + offset,
            Slot::Got => data + 8 * self.before + 24 + if self.before == 0 { 0 } else { 8 },
        }
    }

    fn check(&self) {
        let linked = self.link(|linked, first, stencils| {
            let second = first + 4 + 4 * self.between;
            let pair = [linked.word(first), linked.word(second)];
            self.check_pair(linked, pair, second);
            let loads = pair.map(|word| decode::aarch64(word).opcode == Opcode::LDR);
            let references = match (self.slot, loads) {
                // The stencil's own data.
                (Slot::Data(_), _) => [0, 0, 0, 0],
                (Slot::Got, [false, false]) => [0, 0, 1, 0],
                (Slot::Got, _) => [0, 0, 0, 1],
            };
            assert_eq!(linked.references(stencils), references, "{self:x?}");
            // The bytes around the two are unchanged.
            for around in (first + 4..second)
                .step_by(4)
                .chain([first - 4, second + 4])
            {
                assert_eq!(linked.word(around), !NOP);
            }
        });
        if let Err(error) = linked {
            assert!(self.is_misaligned(), "{error}: {self:x?}");
            assert!(matches!(error, LinkError::Misaligned { .. }), "{error}");
        }
    }

    /// Returns whether only a load of the slot would do, and the slot is not aligned for one.
    fn is_misaligned(&self) -> bool {
        !self.slot_offset().is_multiple_of(4)
            && self.content >= 1 << 32
            && !fits(pages(self.location, self.content), 21)
    }

    fn check_pair(&self, linked: &Linked<'_>, pair: [u32; 2], second: usize) {
        let slot = linked.address(self.slot_offset());
        assert_eq!(linked.load(slot), self.content, "{self:x?}");
        let instructions = [(self.location, pair[0]), (linked.address(second), pair[1])];
        let register = decode::aarch64_run(self.register as u16, &instructions, |address| {
            linked.load(address)
        });
        assert_eq!(register, self.content, "{self:x?}");

        let opcodes = pair.map(|word| decode::aarch64(word).opcode);
        let near_slot = distance(self.location, slot);
        let expected = if self.content < 1 << 16 {
            [Opcode::MOVZ, Opcode::HINT]
        } else if self.content < 1 << 32 {
            [Opcode::MOVZ, Opcode::MOVK]
        } else if fits(pages(self.location, self.content), 21) {
            [Opcode::ADRP, Opcode::ADD]
        } else if near_slot % 4 == 0 && fits(near_slot, 20) {
            [Opcode::LDR, Opcode::HINT]
        } else {
            [Opcode::ADRP, Opcode::LDR]
        };
        assert_eq!(opcodes, expected, "{self:x?}");
    }
}

const CASE: Case = Case {
    triple: AARCH64[0],
    register: 21,
    between: 1,
    slot: Slot::Got,
    before: 1,
    location: 0x7000_0000_0abc,
    content: 0,
    placeholder: 0,
};

#[test]
fn small_contents_at_each_limit() {
    let limits = edges(&[0, 1 << 16, 1 << 31, 1 << 32]);
    for content in limits.map(|content| content as u64) {
        for slot in [Slot::Got, Slot::Data(8)] {
            let case = Case {
                slot,
                content,
                ..CASE
            };
            case.check();
        }
    }
}

#[test]
fn near_contents_at_each_limit() {
    for pages in edges(&[-(1 << 20), 0, 1 << 20]) {
        for (within, low) in [(0, 0), (0, 0xfff), (0xffc, 0), (0xffc, 0xfff)] {
            let location = 0x7000_0000_0000 + within;
            let content = away(location & !0xfff, pages * 4096) + low;
            let case = Case {
                location,
                content,
                ..CASE
            };
            case.check();
        }
    }
}

/// If the slot's content is far away, the distance of the slot decides: half a megabyte at most, as in CPython, although
/// the instruction reaches twice as far.
#[test]
fn far_slots_at_the_limit() {
    let far = 1 << 19;
    // The pair, and padding up to the slot.
    let sizes: Vec<usize> = (far - 32..far + 32).step_by(4).collect();
    let spot = with_got(
        code(
            words(&[0x9000_0000, 0xf940_0000]),
            vec![pair(0, 4, slot(0, 0))],
        ),
        &[0],
    );
    let names: Vec<String> = sizes.iter().map(|size| format!("_{size}")).collect();
    let mut groups = vec![("_SPOT", spot)];
    for (name, size) in names.iter().zip(&sizes) {
        groups.push((name, code(vec![0; size - 8], vec![])));
    }
    let stencils = Stencils::new(&set(target(AARCH64[2]), groups, &["there"])).unwrap();
    let base = 0x7000_0000_0000;
    let content = 0x1234_5678_9abc_def0;
    let mut seen = Vec::new();
    for (name, size) in names.iter().zip(sizes) {
        let trace = [uop(&stencils, "_SPOT"), uop(&stencils, name)];
        let symbols = [("there", content)];
        let linked = link_at(&stencils, LayoutPolicy::Tight, &trace, &|_| base, &symbols);
        let linked = linked.unwrap();
        let pair = [linked.word(0), linked.word(4)];
        let instructions = [(base, pair[0]), (base + 4, pair[1])];
        let register = decode::aarch64_run(0, &instructions, |address| linked.load(address));
        assert_eq!(register, content);
        let distance = size.next_multiple_of(8);
        assert_eq!(linked.layout.got(), distance..distance + 8);
        let opcode = decode::aarch64(pair[0]).opcode;
        let expected = if distance < far {
            Opcode::LDR
        } else {
            Opcode::ADRP
        };
        assert_eq!(opcode, expected, "{distance:#x}");
        seen.push(distance);
    }
    assert!(seen.contains(&(far - 8)) && seen.contains(&far));
}

/// A literal load needs a slot at a multiple of 4 bytes, and the original load one at a multiple of 8.
#[test]
fn misaligned_slots() {
    for offset in 0..16 {
        for content in [5, 0x12345, 0x7000_0000_1234, 0x1234_5678_9abc_def0] {
            // The adrp is at 4 in the code, the data at a multiple of 8, and the base at one of 4.
            for location in [0x7000_0000_0abc, 0x7000_0000_0ab8] {
                let case = Case {
                    slot: Slot::Data(offset),
                    location,
                    content,
                    before: 0,
                    ..CASE
                };
                let outcome = case.link(|_, _, _| ());
                let slot = location - 4 + case.slot_offset() as u64;
                let needs_slot = content == 0x1234_5678_9abc_def0;
                if needs_slot && !slot.is_multiple_of(4) {
                    let expected = LinkError::Misaligned {
                        index: Some(0),
                        uop: "_SPOT".into(),
                        part: Part::Code,
                        offset: 12,
                        kind: PatchKind::Aarch64_33rx,
                        value: slot,
                        location: location + 8,
                    };
                    assert_eq!(outcome, Err(expected));
                } else {
                    assert_eq!(outcome, Ok(()));
                }
            }
        }
    }
}

/// A load into another register or of another width leaves the pair as it is: the instruction may be a store, or the
/// address may be used again.
#[test]
fn other_loads_stay() {
    // ldr x1, [x0]; ldr w0, [x0]; ldrb w0, [x0]; ldrsw x0, [x0]; str x0, [x0]; ldr d0, [x0];
    // ldr q0, [x0]; str q0, [x0]
    let loads = [
        (0xf940_0001, 8),
        (0xb940_0000, 4),
        (0x3940_0000, 1),
        (0xb980_0000, 4),
        (0xf900_0000, 8),
        (0xfd40_0000, 8),
        (0x3dc0_0000, 16),
        (0x3d80_0000, 16),
    ];
    for (load, width) in loads {
        for content in [5, 0x12345, 0x7000_0000_1234, 0x1234_5678_9abc_def0] {
            for offset in 0..=16 {
                let mut spot = code(
                    words(&[0x9000_0000, load]),
                    vec![pair(0, 4, based(HoleValue::Data, offset))],
                );
                spot.data = stencil(
                    vec![0; 24],
                    vec![hole(
                        offset as usize,
                        PatchKind::Patch64,
                        based(HoleValue::Operand0, 0),
                    )],
                );
                let set = set(target(AARCH64[1]), vec![("_SPOT", spot)], &[]);
                let stencils = Stencils::new(&set).unwrap();
                let trace = [Uop {
                    operand: [content, 0],
                    ..uop(&stencils, "_SPOT")
                }];
                let base = 0x7000_0000_0ff8;
                let linked = link_at(&stencils, LayoutPolicy::Tight, &trace, &|_| base, &[]);
                // The data follows the two instructions, on another page.
                let slot = base + 8 + offset as u64;
                let Ok(linked) = linked else {
                    assert_ne!(slot % width, 0, "{load:#x}: {linked:?}");
                    continue;
                };
                assert_eq!(slot % width, 0, "{load:#x}");
                let (adrp, after) = (linked.word(0), linked.word(4));
                assert_eq!(decode::aarch64(adrp).opcode, Opcode::ADRP);
                assert_eq!(decode::aarch64_offset(adrp), 4096);
                assert_eq!(after & !(0xfff << 10), load);
                assert_eq!(decode::aarch64_immediate(after), slot & 0xfff);
            }
        }
    }
}

/// A pair does not read what is before or after the micro-op's own data.
#[test]
fn data_of_others_is_not_read() {
    for offset in [-8, 0, 8, 16, 24] {
        let mut spot = code(
            words(&[0x9000_0000, 0xf940_0000]),
            vec![pair(0, 4, based(HoleValue::Data, offset))],
        );
        spot.data = stencil(vec![0; 16], vec![]);
        let stencils = Stencils::new(&set(target(AARCH64[0]), vec![("_SPOT", spot)], &[])).unwrap();
        let trace = [uop(&stencils, "_SPOT"); 3];
        let base = 0x7000_0000_0000;
        let linked = link_at(&stencils, LayoutPolicy::Tight, &trace, &|_| base, &[]).unwrap();
        let opcodes = [8, 12].map(|at| decode::aarch64(linked.word(at)).opcode);
        let expected = if (0..16).contains(&offset) {
            [Opcode::MOVZ, Opcode::HINT]
        } else {
            [Opcode::ADRP, Opcode::LDR]
        };
        assert_eq!(opcodes, expected, "{offset}");
    }
}

/// Without a slot, the two instructions contain the page of the value and the offset in it.
fn check_plain(spot: &Spot) {
    let expected = pages(spot.first_location(), spot.value);
    let aligned = spot.value.is_multiple_of(8);
    match spot.link() {
        Outcome::Written(bytes) => {
            assert!(aligned && fits(expected, 21), "{spot:x?}");
            let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
            let (first, second) = (word(spot.first.unwrap()), word(spot.offset));
            assert_eq!(first & 0x9f00_001f, 0x9000_0003);
            assert_eq!(second & !(0xfff << 10), 0xf940_0063);
            let page = spot.first_location() & !0xfff;
            let page = page.wrapping_add_signed(decode::aarch64_offset(first));
            let address = page.wrapping_add(decode::aarch64_immediate(second));
            assert_eq!(address, spot.value, "{spot:x?}");
        }
        Outcome::OutOfRange => assert!(!fits(expected, 21), "{spot:x?}"),
        Outcome::Misaligned => assert!(fits(expected, 21) && !aligned, "{spot:x?}"),
    }
}

impl Spot {
    fn first_location(&self) -> u64 {
        self.location - (self.offset - self.first.unwrap()) as u64
    }
}

fn plain(location: u64, pages: i64, low: u64) -> Spot {
    let instructions = words(&[0xf0ff_ffe3, NOP, 0xf97f_fc63]);
    let spot = Spot::new(
        target(AARCH64[2]),
        PatchKind::Aarch64_33rx,
        &instructions,
        8,
    );
    let mut spot = Spot {
        first: Some(4),
        location,
        ..spot
    };
    spot.value = away(spot.first_location() & !0xfff, pages.wrapping_mul(4096)) | low;
    spot
}

#[test]
fn plain_pairs_at_each_limit() {
    for pages in edges(&[-(1 << 20), 1 << 20]) {
        // The second where the adrp is on the page before that of the ldr.
        for location in [0x7000_0000_0800, 0x7000_0000_1004, 0x7000_0000_0ffc] {
            for low in [0, 1, 4, 8, 0xff8, 0xfff] {
                check_plain(&plain(location, pages, low));
            }
        }
    }
}

/// Two micro-ops with the same symbol share its slot.
#[test]
fn micro_ops_share_slots() {
    let spot = |between: &[u32]| {
        let mut body = vec![0x9000_0007];
        body.extend_from_slice(between);
        body.push(0xf940_00e7);
        let second = 4 * (body.len() - 1);
        let value: PatchValue = slot(0, 0);
        with_got(code(words(&body), vec![pair(0, second, value)]), &[0])
    };
    let groups = vec![("_ONE", spot(&[])), ("_TWO", spot(&[NOP, NOP]))];
    let stencils = Stencils::new(&set(target(AARCH64[2]), groups, &["there"])).unwrap();
    let trace = ["_ONE", "_TWO", "_TWO", "_ONE"].map(|name| uop(&stencils, name));
    let (base, content) = (0x1_0000, 0x1234_5678_9abc_def0);
    let symbols = [("there", content)];
    let linked = link_at(&stencils, LayoutPolicy::Tight, &trace, &|_| base, &symbols).unwrap();
    assert_eq!(linked.layout.got().len(), 8);
    for (index, gap) in [4, 12, 12, 4].into_iter().enumerate() {
        let start = linked.start(index);
        let pair = [start, start + gap].map(|at| (linked.address(at), linked.word(at)));
        let register = decode::aarch64_run(7, &pair, |address| linked.load(address));
        assert_eq!(register, content);
    }
}

fn contents() -> impl Strategy<Value = (Option<i64>, u64)> {
    let low = 0_u64..4096;
    prop_oneof![
        (near(&[0, 1 << 16, 1 << 32]), Just(0)).prop_map(|(content, _)| (None, content as u64)),
        (near(&[-(1 << 20), 1 << 20]), low).prop_map(|(pages, low)| (Some(pages), low)),
        any::<u64>().prop_map(|content| (None, content)),
    ]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn all_steps(
        triple in proptest::sample::select(&AARCH64[..]),
        register in 0_u32..31,
        between in 0_usize..4,
        slot in proptest::sample::select(
            &[Slot::Got, Slot::Data(0), Slot::Data(4), Slot::Data(8), Slot::Data(2)][..]
        ),
        before in 0_usize..4,
        location in locations(target(AARCH64[0])),
        (pages, low) in contents(),
        placeholder in any::<u32>(),
    ) {
        let location = location & !3;
        let content = match pages {
            Some(pages) => away(location & !0xfff, pages.wrapping_mul(4096)) | low,
            None => low,
        };
        Case { triple, register, between, slot, before, location, content, placeholder }.check();
    }

    #[test]
    fn plain_pairs(
        location in locations(target(AARCH64[0])),
        pages in near(&[-(1 << 20), 1 << 20]),
        low in 0_u64..4096,
        aligned in any::<bool>(),
        source in Source::any(),
        addend in -REACH..=REACH,
        before in 0_usize..4,
    ) {
        let low = if aligned { low & !7 } else { low };
        let spot = plain(location & !3, pages, low);
        check_plain(&Spot { source, addend, before, ..spot });
    }
}
