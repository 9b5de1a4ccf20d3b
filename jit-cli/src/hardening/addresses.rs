//! The addresses of code that a stencil has: places at which control can arrive through a pointer.

use std::collections::BTreeSet;

use jit_schema::{Arch, PatchKind};
use jit_stencils::{Hole, HoleValue, PatchValue, StencilGroup};

use super::{
    Found, HardeningProblem, holes,
    step::{self, Flow, Place, Step},
};

/// The addresses of code that a stencil has.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    /// The offsets of places in its own code.
    pub(super) taken: BTreeSet<usize>,
    /// What can't be told, or is no place of the code.
    problems: Vec<Found>,
    /// The offsets of instructions that have the address of another micro-op.
    places: Vec<usize>,
}

impl Addresses {
    /// Collects the addresses. `tables` are the offsets in the data that instructions have the addresses of.
    pub(super) fn of<C>(
        arch: Arch,
        group: &StencilGroup,
        steps: &[Step<C>],
        tables: &BTreeSet<usize>,
    ) -> Addresses {
        let mut addresses = Addresses::default();
        let size = group.code.body.len();
        let is_start = |place: i64| {
            let place = usize::try_from(place).ok()?;
            let starts = steps.iter().any(|step| step.offset == place);
            (starts || place == size).then_some(place)
        };
        for step in steps {
            let direct = matches!(step.flow, Flow::Branch(_) | Flow::Jump(_) | Flow::Call(..));
            let holes = holes::in_range(group, step.offset, step.end);
            let by_hole = holes.filter(|_| !direct).filter_map(|hole| {
                addresses.note_place(step.offset, hole);
                let bias = bias(arch, hole, step.end);
                match step::place(hole, bias) {
                    Place::Inside(place) => Some(place),
                    Place::Data(_) | Place::Outside => None,
                }
            });
            let by_hole: Vec<i64> = by_hole.collect();
            for place in by_hole.into_iter().chain(step.address) {
                addresses.take(step.offset, place, is_start(place), size);
            }
        }
        for hole in &group.data.holes {
            addresses.note_place(0, hole);
            let Place::Inside(addend) = step::place(hole, 0) else {
                continue;
            };
            let place = match hole.patch {
                PatchKind::Patch32 | PatchKind::Patch64 => Some(addend),
                // A distance from the start of its table, which some instruction refers to.
                _ => {
                    let table = tables.range(..=hole.offset).next_back();
                    table.map(|table| addend - (hole.offset - table) as i64)
                }
            };
            match place {
                Some(place) => addresses.take(0, place, is_start(place), size),
                None => addresses.problems.push((0, HardeningProblem::Table)),
            }
        }
        addresses
    }

    fn take(&mut self, at: usize, place: i64, start: Option<usize>, size: usize) {
        match start {
            // The next micro-op.
            Some(start) if start == size => self.places.push(at),
            Some(start) => {
                self.taken.insert(start);
            }
            None => self
                .problems
                .push((at, HardeningProblem::NoInstruction(place))),
        }
    }

    /// Notes an instruction or data with the address of another micro-op.
    fn note_place(&mut self, at: usize, hole: &Hole) {
        let base = hole.value.base();
        let is_place = matches!(
            base,
            Some(HoleValue::JumpTarget | HoleValue::ErrorTarget | HoleValue::Place(_))
        );
        if is_place {
            self.places.push(at);
        }
    }

    /// Returns what is wrong with the addresses. `all_entered` says whether control may enter all stencils through pointers.
    pub(super) fn problems(&self, all_entered: bool) -> Vec<Found> {
        let mut found = self.problems.clone();
        if !all_entered {
            let places = self.places.iter();
            found.extend(places.map(|at| (*at, HardeningProblem::AddressOfPlace)));
        }
        found
    }
}

/// Returns what an instruction adds to the addend of a hole: a displacement counts from its end on x86.
pub(super) fn bias(arch: Arch, hole: &Hole, end: usize) -> i64 {
    match (arch, hole.patch.row().base_addend) {
        (Arch::I686 | Arch::X86_64, -4) => end as i64 - hole.offset as i64,
        _ => 0,
    }
}

/// Returns the offsets in the data that instructions have the addresses of.
pub(super) fn data_places<C>(
    arch: Arch,
    group: &StencilGroup,
    steps: &[Step<C>],
) -> BTreeSet<usize> {
    let mut places = BTreeSet::new();
    for step in steps {
        for hole in holes::in_range(group, step.offset, step.end) {
            if let PatchValue::Address {
                base: HoleValue::Data,
                symbol: None,
                addend,
            } = &hole.value
            {
                let place = addend + bias(arch, hole, step.end);
                places.extend(usize::try_from(place).ok());
            }
        }
    }
    places
}
