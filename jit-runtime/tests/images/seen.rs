//! Records what the compared images contained, so that a test can require every way in which a patch can be applied;
//! and finds the stencils of an image.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;

use jit_runtime::Layout;
use jit_schema::Arch;
use jit_stencils::{HoleValue, Part, PatchKind, PatchValue, StencilGroup, StencilSet};

use crate::traces::Job;

/// The place of a stencil's copy in an image.
pub(crate) struct Place<'a> {
    /// The index in the trace; for the guard, the length of the trace.
    pub(crate) index: usize,
    pub(crate) stencil: &'a (String, StencilGroup),
    code: usize,
    data: usize,
}

impl Place<'_> {
    fn ranges(&self) -> [(Part, Range<usize>); 2] {
        let (_, group) = self.stencil;
        [
            (Part::Code, self.code..self.code + group.code.body.len()),
            (Part::Data, self.data..self.data + group.data.body.len()),
        ]
    }

    /// Returns whether an offset in the image is in this stencil.
    pub(crate) fn contains(&self, offset: usize) -> bool {
        self.ranges()
            .iter()
            .any(|(_, range)| range.contains(&offset))
    }

    /// Returns the part and the offset in it for an offset in the image.
    pub(crate) fn within(&self, offset: usize) -> (Part, usize) {
        match self.ranges() {
            [(part, range), _] | [_, (part, range)] if range.contains(&offset) => {
                (part, offset - range.start)
            }
            _ => panic!("not in this stencil"),
        }
    }
}

/// Returns the places of all stencils of a trace, the guard last. The sizes come from the set, not from the layout.
pub(crate) fn places<'a>(
    set: &'a StencilSet,
    job: &'a Job,
    layout: &Layout<'_>,
) -> impl Iterator<Item = Place<'a>> {
    let guard = set
        .groups
        .iter()
        .position(|(name, _)| name == "_FATAL_ERROR_r00")
        .unwrap();
    let opcodes = job.trace.iter().map(|uop| uop.opcode as usize);
    let (mut code, mut data) = (0, layout.data().start);
    opcodes
        .chain([guard])
        .enumerate()
        .map(move |(index, opcode)| {
            let stencil = &set.groups[opcode];
            let place = Place {
                index,
                stencil,
                code,
                data,
            };
            code += stencil.1.code.body.len();
            data += stencil.1.data.body.len();
            place
        })
}

/// The number of traces by their result, and what the linked ones contained.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) linked: usize,
    pub(crate) refused: usize,
    pub(crate) asserted: usize,
    bytes: usize,
    uops: BTreeSet<u32>,
    /// The number of holes by their patch and the way in which it was applied.
    ways: BTreeMap<(&'static str, &'static str), usize>,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} traces linked, {} MiB, {} micro-ops; {} refused, {} asserted; {:?}",
            self.linked,
            self.bytes >> 20,
            self.uops.len(),
            self.refused,
            self.asserted,
            self.ways
        )
    }
}

impl Seen {
    pub(crate) fn look(&mut self, set: &StencilSet, job: &Job, layout: &Layout<'_>, image: &[u8]) {
        self.linked += 1;
        self.bytes += image.len();
        self.uops.extend(job.trace.iter().map(|uop| uop.opcode));
        for place in places(set, job, layout) {
            let (_, group) = place.stencil;
            for hole in group.code.holes.iter().filter(|hole| !hole.void) {
                let at = place.code + hole.offset;
                let way = match hole.patch {
                    PatchKind::X86_64_32rx if is_slot(set, &hole.value) => {
                        let opcode = &group.code.body[hole.offset - 2..hole.offset];
                        match opcode {
                            [0x8b, _] | [0xff, 0x15 | 0x25] => {}
                            _ => continue,
                        }
                        if image[at - 2..at] == *opcode {
                            "slot"
                        } else {
                            "direct"
                        }
                    }
                    PatchKind::Aarch64_33rx => pair(
                        word(image, place.code + hole.first.unwrap()),
                        word(image, at),
                    ),
                    PatchKind::Aarch64Trampoline => {
                        let words = (word(image, at) << 6) as i32 >> 6;
                        branch(layout, at as i64 + i64::from(words) * 4)
                    }
                    PatchKind::X86_64Trampoline => {
                        let displacement = word(image, at) as i32;
                        branch(layout, at as i64 + i64::from(displacement) + 4)
                    }
                    _ => continue,
                };
                *self.ways.entry((hole.patch.c_name(), way)).or_default() += 1;
            }
        }
    }

    /// Checks that all micro-ops and all ways of applying patches occurred.
    pub(crate) fn check_enough(&self, set: &StencilSet) {
        assert_eq!(self.uops.len(), set.groups.len());
        assert!(self.linked > 100 && self.refused > 0);
        let holes = set
            .groups
            .iter()
            .flat_map(|(_, group)| &group.code.holes)
            .filter(|hole| !hole.void);
        for hole in holes {
            let ways: &[_] = match hole.patch {
                PatchKind::X86_64_32rx if is_slot(set, &hole.value) => &["slot", "direct"],
                PatchKind::Aarch64_33rx => &["movz", "movz movk", "adrp add", "ldr", "adrp ldr"],
                PatchKind::Aarch64Trampoline | PatchKind::X86_64Trampoline => &["slot", "direct"],
                _ => &[],
            };
            for way in ways {
                let patch = hole.patch.c_name();
                assert!(self.ways.contains_key(&(patch, *way)), "{patch}: {way}");
            }
        }
    }
}

/// Returns whether a value is the address of a slot or of data. 32-bit x86 has no slots.
fn is_slot(set: &StencilSet, value: &PatchValue) -> bool {
    set.target.arch == Arch::X86_64
        && match value {
            PatchValue::GotSlot { .. } => true,
            PatchValue::Address { base, .. } => *base == HoleValue::Data,
            PatchValue::Scaled { .. } | PatchValue::Symbol { .. } => false,
        }
}

fn word(image: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(*image[at..].first_chunk().unwrap())
}

fn branch(layout: &Layout<'_>, target: i64) -> &'static str {
    let in_slots = usize::try_from(target).is_ok_and(|at| layout.trampolines().contains(&at));
    if in_slots { "slot" } else { "direct" }
}

fn pair(first: u32, second: u32) -> &'static str {
    match (first >> 23, second) {
        (0b1_1010_0101, 0xd503_201f) => "movz",
        (0b1_1010_0101, _) => "movz movk",
        (_, 0xd503_201f) => "ldr",
        (_, second) if second >> 22 == 0b10_0100_0100 => "adrp add",
        _ => "adrp ldr",
    }
}
