//! All ways through a stencil's code, with what is known of registers and the stack at each instruction.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use jit_schema::CodeEnd;
use jit_stencils::StencilGroup;

use super::{
    Found, HardeningProblem,
    step::{Flow, Machine, Place, Pointer, Step},
};

/// Follows all ways, and returns what is wrong where control leaves, and with indirect jumps. `jump` says what is wrong with one
/// that may lead there.
pub(super) fn walk<M: Machine>(
    machine: &M,
    group: &StencilGroup,
    steps: &[Step<M::Code>],
    taken: &BTreeSet<usize>,
    jump: impl Fn(Pointer) -> Option<HardeningProblem>,
) -> Vec<Found> {
    let mut walk = Walk {
        machine,
        group,
        steps,
        taken,
        index: steps
            .iter()
            .zip(0..)
            .map(|(step, at)| (step.offset, at))
            .collect(),
        known: HashMap::new(),
        certain: VecDeque::new(),
        likely: VecDeque::new(),
    };
    walk.certain.push_back((0, machine.start()));
    walk.run();
    // Functions whose addresses are taken.
    for &place in taken {
        if !walk.known.contains_key(&place) {
            walk.certain.push_back((place, machine.start()));
            walk.run();
        }
    }
    walk.problems(jump)
}

/// What is known at an instruction, and whether control certainly gets there like that.
type Known<S> = (S, bool);

struct Walk<'a, M: Machine> {
    machine: &'a M,
    group: &'a StencilGroup,
    steps: &'a [Step<M::Code>],
    /// The places of the code whose addresses are taken.
    taken: &'a BTreeSet<usize>,
    /// The index of the instruction at an offset.
    index: BTreeMap<usize, usize>,
    /// What is known at the instruction at an offset.
    known: HashMap<usize, Known<M::State>>,
    /// Ways that are still to follow.
    certain: VecDeque<(usize, M::State)>,
    /// Ways that control may not take: on from a call, which may not return, and to places whose addresses are taken, which
    /// may be functions.
    likely: VecDeque<(usize, M::State)>,
}

impl<M: Machine> Walk<'_, M> {
    fn run(&mut self) {
        loop {
            let (offset, state, certain) = match self.certain.pop_front() {
                Some((offset, state)) => (offset, state, true),
                None => match self.likely.pop_front() {
                    Some((offset, state)) => (offset, state, false),
                    None => return,
                },
            };
            if let Some((state, certain)) = self.arrive(offset, state, certain) {
                self.known.insert(offset, (state.clone(), certain));
                self.go_on(offset, &state, certain);
            }
        }
    }

    /// Returns what is known at an instruction now that control gets there in another way, or none if it was known before.
    fn arrive(&self, offset: usize, state: M::State, certain: bool) -> Option<Known<M::State>> {
        let Some((old, was_certain)) = self.known.get(&offset) else {
            return Some((state, certain));
        };
        if !self.machine.fit(old, &state) && *was_certain != certain {
            // Control does not get there in the way that is not certain.
            return certain.then_some((state, true));
        }
        let joined = self.machine.join(old, &state);
        (joined != *old || certain && !was_certain).then_some((joined, certain || *was_certain))
    }

    fn go_on(&mut self, offset: usize, state: &M::State, certain: bool) {
        let Some(step) = self.index.get(&offset).and_then(|at| self.steps.get(*at)) else {
            return;
        };
        let after = self.machine.after(state, step);
        let size = self.group.code.body.len();
        let mut to: Vec<(usize, bool)> = Vec::new();
        match step.flow {
            Flow::Next => to.push((step.end, certain)),
            Flow::IndirectCall => to.push((step.end, false)),
            Flow::Call(place) => {
                if let Some(place) = inside(place) {
                    self.certain.push_back((place, self.machine.start()));
                }
                to.push((step.end, false));
            }
            Flow::Branch(place) => {
                to.push((step.end, certain));
                to.extend(inside(place).map(|place| (place, certain)));
            }
            Flow::Jump(place) => to.extend(inside(place).map(|place| (place, certain))),
            Flow::IndirectJump if self.machine.pointer(state, step) != Pointer::Host => {
                to.extend(self.taken.iter().map(|place| (*place, false)));
            }
            Flow::IndirectJump | Flow::Return | Flow::Stop => {}
        }
        for (place, certain) in to {
            // At the end is the next micro-op.
            if place >= size {
                continue;
            }
            match certain {
                true => self.certain.push_back((place, after.clone())),
                false => self.likely.push_back((place, after.clone())),
            }
        }
    }

    /// Returns what is wrong, with what is known now.
    fn problems(&self, jump: impl Fn(Pointer) -> Option<HardeningProblem>) -> Vec<Found> {
        let mut found = Vec::new();
        let size = self.group.code.body.len() as i64;
        for step in self.steps {
            let places = match step.flow {
                Flow::Branch(place) | Flow::Jump(place) | Flow::Call(place) => Some(place),
                _ => None,
            };
            found.extend(
                places
                    .and_then(|place| self.misled(place))
                    .map(|problem| (step.offset, problem)),
            );
            let Some((state, _)) = self.known.get(&step.offset) else {
                // Nothing leads here, so that nothing is known: a jump could be to anywhere.
                if step.flow == Flow::IndirectJump {
                    let problem = jump(Pointer::Any);
                    found.extend(problem.map(|problem| (step.offset, problem)));
                }
                continue;
            };
            if step.flow == Flow::IndirectJump {
                let problem = jump(self.machine.pointer(state, step));
                found.extend(problem.map(|problem| (step.offset, problem)));
            }
            if self.may_leave(step, size, state) {
                // Branches change neither registers nor the stack.
                let state = self.machine.after(state, step);
                let problem = self.machine.leaves(&state, step);
                found.extend(problem.map(|problem| (step.offset, problem)));
            }
        }
        found
    }

    /// Returns what is wrong with the target of a direct branch.
    fn misled(&self, place: Place) -> Option<HardeningProblem> {
        let size = self.group.code.body.len();
        match place {
            Place::Outside => None,
            Place::Inside(place) => {
                let start = usize::try_from(place).ok();
                let is_start = start.is_some_and(|at| at == size || self.index.contains_key(&at));
                (!is_start).then_some(HardeningProblem::NoInstruction(place))
            }
            Place::Data(place) => {
                let place = usize::try_from(place).ok();
                let bytes = place.and_then(|place| self.group.data.body.get(place..));
                let is_thunk = bytes.is_some_and(|bytes| self.machine.is_thunk(bytes));
                (!is_thunk).then_some(HardeningProblem::Data)
            }
        }
    }

    /// Returns whether control leaves the function after an instruction, other than by a call.
    fn may_leave(&self, step: &Step<M::Code>, size: i64, state: &M::State) -> bool {
        let ends = step.end as i64 == size;
        let goes_out = |place| match place {
            Place::Outside | Place::Data(_) => true,
            Place::Inside(place) => place == size,
        };
        match step.flow {
            Flow::Return => true,
            Flow::IndirectJump => {
                // Within a function, the frame is still there.
                self.machine.pointer(state, step) == Pointer::Host || self.taken.is_empty()
            }
            Flow::Jump(place) => goes_out(place),
            Flow::Branch(place) => goes_out(place) || ends,
            Flow::Next => ends && self.group.end != CodeEnd::Leaves,
            // Compilers end functions with calls that do not return, wherever the stack pointer is then.
            Flow::Call(_) | Flow::IndirectCall | Flow::Stop => false,
        }
    }
}

fn inside(place: Place) -> Option<usize> {
    match place {
        Place::Inside(place) => usize::try_from(place).ok(),
        Place::Data(_) | Place::Outside => None,
    }
}
