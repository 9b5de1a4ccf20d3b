//! Tests of `patch_aarch64_trampoline` and `patch_x86_64_trampoline`: branches to symbols, through a trampoline where
//! the symbol is out of reach.

use jit_runtime::{Layout, LayoutPolicy, LinkError, Stencils};
use jit_stencils::{Part, PatchKind, PatchValue};
use proptest::prelude::*;

use crate::{
    config,
    decode::{self, Code, Opcode},
    linked::{Linked, link_at},
    make::{AARCH64, code, hole, set, target, uop, with_trampolines, words},
    numbers::{away, distance, edges, fits, locations, near},
};

const DARWIN: &str = "x86_64-apple-darwin";

/// Symbols by ordinal. Those of the other micro-ops come before and after `there`.
const NAMES: [&str; 4] = ["zero", "one", "there", "three"];
const THERE: usize = 2;

/// A micro-op that branches to a symbol.
#[derive(Debug, Clone)]
struct Case {
    triple: &'static str,
    /// The instruction. On x86, it is an opcode and 4 bytes.
    opcode: u32,
    placeholder: u32,
    before: usize,
    /// The address of the field.
    location: u64,
    /// The distance to the symbol, from the field, or on x86 from the end of the field.
    distance: i64,
}

impl Case {
    fn is_x86(&self) -> bool {
        self.triple == DARWIN
    }

    /// Returns the offset of the field in the stencil, and the sizes of the other stencils and of this one.
    fn sizes(&self) -> (usize, usize, usize) {
        if self.is_x86() {
            (4, 5, 10)
        } else {
            (4, 8, 12)
        }
    }

    fn stencils(&self) -> Stencils {
        let (offset, other, size) = self.sizes();
        let mut body = vec![0x66; size];
        let kind = if self.is_x86() {
            body[offset - 1] = self.opcode as u8;
            body[offset..offset + 4].copy_from_slice(&self.placeholder.to_le_bytes());
            PatchKind::X86_64Trampoline
        } else {
            let word = self.opcode | self.placeholder & 0x3ff_ffff;
            body[offset..offset + 4].copy_from_slice(&word.to_le_bytes());
            PatchKind::Aarch64Trampoline
        };
        let value = PatchValue::Symbol { ordinal: THERE };
        let spot = code(body, vec![hole(offset, kind, value)]);
        let spot = with_trampolines(spot, &[THERE]);
        // There is room for trampolines that no branch uses, too.
        let other = with_trampolines(code(vec![0x55; other], vec![]), &[1, 3]);
        let groups = vec![("_OTHER", other), ("_SPOT", spot)];
        Stencils::new(&set(target(self.triple), groups, &NAMES)).unwrap()
    }

    fn symbol(&self) -> u64 {
        let end = if self.is_x86() { 4 } else { 0 };
        away(self.location, self.distance).wrapping_add(end)
    }

    fn check(&self) {
        let stencils = self.stencils();
        let (offset, other, size) = self.sizes();
        let mut trace = vec![uop(&stencils, "_OTHER"); self.before];
        trace.extend([uop(&stencils, "_SPOT"); 2]);
        let place = |layout: &Layout<'_>| layout.start(self.before).unwrap() + offset;
        let symbol = self.symbol();
        let linked = link_at(
            &stencils,
            LayoutPolicy::Tight,
            &trace,
            &|layout| self.location - place(layout) as u64,
            &[("zero", 1), ("one", 2), ("there", symbol), ("three", 3)],
        );
        let expected = distance(self.location, away(self.location, self.distance));
        let bits = if self.is_x86() { 32 } else { 28 };
        // The second micro-op has a higher address, so near the limit, one of the two may reach the symbol alone.
        let there = [0, size].map(|step| expected - step as i128);
        let near = there.map(|distance| fits(distance, bits));
        let misaligned = !self.is_x86() && expected % 4 != 0;
        let linked = match linked {
            Ok(linked) => linked,
            Err(error) => {
                let index = if near[0] { 0 } else { 1 };
                assert!(misaligned && (near[0] || near[1]), "{error}: {self:x?}");
                let expected = LinkError::Misaligned {
                    index: Some(self.before + index),
                    uop: "_SPOT".into(),
                    part: Part::Code,
                    offset,
                    kind: PatchKind::Aarch64Trampoline,
                    value: symbol,
                    location: self.location + (index * size) as u64,
                };
                assert_eq!(error, expected);
                return;
            }
        };
        assert!(!misaligned || (!near[0] && !near[1]), "{self:x?}");

        let slots = other * self.before + 2 * size;
        let count = if self.before == 0 { 1 } else { 3 };
        assert_eq!(linked.layout.trampolines(), slots..slots + 16 * count);
        let slot = slots + if self.before == 0 { 0 } else { 16 };
        for (index, near) in near.into_iter().enumerate() {
            let at = other * self.before + index * size + offset;
            let goal = if near { symbol } else { linked.address(slot) };
            self.check_branch(&linked, at, goal);
        }
        let direct = near.iter().filter(|near| **near).count();
        let references = linked.references(&stencils);
        assert_eq!(references, [direct, 2 - direct, 0, 0], "{self:x?}");
        let used = near != [true, true];
        self.check_slots(&linked, slot, used.then_some(symbol));
    }

    fn check_branch(&self, linked: &Linked<'_>, at: usize, goal: u64) {
        let (offset, _, size) = self.sizes();
        let bytes = &linked.bytes[at - offset..at - offset + size];
        let address = linked.address(at);
        if self.is_x86() {
            let instruction = decode::x86(64, &bytes[3..8], address - 1);
            assert_eq!(u32::from(bytes[3]), self.opcode);
            assert_eq!(decode::x86_target(&instruction), goal, "{self:x?}");
            assert_eq!((&bytes[..3], &bytes[8..]), (&[0x66; 3][..], &[0x66; 2][..]));
        } else {
            let word = linked.word(at);
            assert_eq!(word & !0x3ff_ffff, self.opcode);
            let target = address.wrapping_add_signed(decode::aarch64_offset(word));
            assert_eq!(target, goal, "{self:x?}");
            assert_eq!((&bytes[..4], &bytes[8..]), (&[0x66; 4][..], &[0x66; 4][..]));
        }
    }

    /// Checks that the trampoline in use goes to the symbol, and that the other ones are zeros.
    fn check_slots(&self, linked: &Linked<'_>, slot: usize, symbol: Option<u64>) {
        for start in linked.layout.trampolines().step_by(16) {
            let bytes = &linked.bytes[start..start + 16];
            match symbol.filter(|_| start == slot) {
                None => assert_eq!(bytes, [0; 16], "{self:x?}"),
                Some(symbol) if self.is_x86() => {
                    let jump = decode::x86(64, &bytes[..6], linked.address(start));
                    assert_eq!(jump.code(), Code::Jmp_rm64);
                    assert_eq!(linked.load(decode::x86_target(&jump)), symbol);
                    assert_eq!(bytes[14..], [0, 0]);
                }
                Some(symbol) => {
                    // The literal is loaded into x16, which no argument is passed in: x8 has the
                    // address for a returned structure.
                    let load = linked.word(start);
                    let branch = decode::aarch64(linked.word(start + 4));
                    assert_eq!(branch.opcode, Opcode::BR);
                    assert_eq!(branch.operands[0], decode::aarch64(load).operands[0]);
                    let address = linked.address(start);
                    let literal = address.wrapping_add_signed(decode::aarch64_offset(load));
                    let content =
                        decode::aarch64_run(16, &[(address, load)], |from| linked.load(from));
                    assert_eq!((literal, content), (address + 8, symbol));
                }
            }
        }
    }
}

const LIMITS_AARCH64: &[i64] = &[-(1 << 27), 1 << 27];
const LIMITS_X86: &[i64] = &[-(1 << 31), 1 << 31];

#[test]
fn aarch64_at_each_limit() {
    // Also the distance at which only the second micro-op, 12 bytes later, reaches the symbol.
    let limits = [-(1 << 27), -(1 << 27) + 12, 1 << 27, (1 << 27) + 12];
    for (triple, opcode) in AARCH64.iter().cycle().zip([0x1400_0000, 0x9400_0000]) {
        for distance in edges(&limits) {
            for placeholder in [0, !0] {
                for before in [0, 1] {
                    let location = 0x7000_0000_0124;
                    Case {
                        triple,
                        opcode,
                        placeholder,
                        before,
                        location,
                        distance,
                    }
                    .check();
                }
            }
        }
    }
}

#[test]
fn x86_64_at_each_limit() {
    let limits = [-(1 << 31), -(1 << 31) + 10, 1 << 31, (1 << 31) + 10];
    for opcode in [0xe8, 0xe9] {
        for distance in edges(&limits) {
            for placeholder in [0, !0] {
                for before in [0, 1] {
                    let (triple, location) = (DARWIN, 0x7000_0000_0123);
                    Case {
                        triple,
                        opcode,
                        placeholder,
                        before,
                        location,
                        distance,
                    }
                    .check();
                }
            }
        }
    }
}

/// Trampolines are in the order of the symbols' ordinals, not in that of their first use.
#[test]
fn slots_are_in_the_order_of_the_ordinals() {
    let ordinals = [0, 1, 31, 32, 63, 64, 127, 128, 200, 255];
    let symbols: Vec<String> = (0..256).map(|number| format!("s{number}")).collect();
    let names: Vec<&str> = symbols.iter().map(|name| &**name).collect();
    let groups: Vec<_> = ordinals
        .iter()
        .map(|ordinal| {
            let value = PatchValue::Symbol { ordinal: *ordinal };
            let branch = hole(0, PatchKind::Aarch64Trampoline, value);
            let group = code(words(&[0x9400_0000]), vec![branch]);
            (names[*ordinal], with_trampolines(group, &[*ordinal]))
        })
        .collect();
    let stencils = Stencils::new(&set(target(AARCH64[0]), groups, &names)).unwrap();
    // Backwards, and one of them twice.
    let mut order = ordinals.to_vec();
    order.reverse();
    order.push(64);
    let trace: Vec<_> = order
        .iter()
        .map(|number| uop(&stencils, names[*number]))
        .collect();
    let address = |number: usize| 0x1234_5678_0000_0000 + number as u64;
    let addresses: Vec<_> = (0..256)
        .map(|number| (names[number], address(number)))
        .collect();
    let base = 0x4000_0000;
    let linked = link_at(
        &stencils,
        LayoutPolicy::Tight,
        &trace,
        &|_| base,
        &addresses,
    )
    .unwrap();
    for (index, number) in order.iter().enumerate() {
        let at = linked.start(index);
        let target = at as i64 + decode::aarch64_offset(linked.word(at));
        let slot = ordinals
            .iter()
            .position(|ordinal| ordinal == number)
            .unwrap();
        assert_eq!(target as usize, 4 * order.len() + 16 * slot);
        assert_eq!(linked.load(base + target as u64 + 8), address(*number));
    }
}

fn distances(limits: &'static [i64]) -> impl Strategy<Value = i64> {
    (near(limits), any::<bool>()).prop_map(
        |(distance, aligned)| {
            if aligned { distance & !3 } else { distance }
        },
    )
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn aarch64(
        triple in proptest::sample::select(&AARCH64[..]),
        opcode in proptest::sample::select(&[0x1400_0000_u32, 0x9400_0000][..]),
        placeholder in any::<u32>(),
        before in 0_usize..4,
        location in locations(target(AARCH64[0])),
        distance in distances(LIMITS_AARCH64),
    ) {
        let location = location & !3;
        Case { triple, opcode, placeholder, before, location, distance }.check();
    }

    #[test]
    fn x86_64(
        opcode in proptest::sample::select(&[0xe8_u32, 0xe9][..]),
        placeholder in any::<u32>(),
        before in 0_usize..4,
        location in locations(target(DARWIN)),
        distance in near(LIMITS_X86),
    ) {
        let triple = DARWIN;
        Case { triple, opcode, placeholder, before, location, distance }.check();
    }
}
