//! All ways through a stencil's code, with what is known of registers and the stack at each instruction.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use jit_schema::CodeEnd;
use jit_stencils::StencilGroup;

use super::{
    Found, HardeningProblem,
    data::Data,
    step::{Flow, Machine, Place, Pointer, Step},
    value::{Callee, Places, State, Value},
};

/// What was found on all ways.
pub(super) struct Walked {
    /// What is wrong where control leaves, and with indirect jumps.
    pub(super) found: Vec<Found>,
    /// The offsets after calls of functions that may return twice.
    pub(super) twice: BTreeSet<usize>,
}

/// Follows all ways. `jump` says what is wrong with an indirect jump that may lead there.
pub(super) fn walk<M: Machine>(
    machine: &M,
    group: &StencilGroup,
    steps: &[Step<M::Code>],
    (taken, data): (&BTreeSet<usize>, &Data),
    jump: impl Fn(Pointer) -> Option<HardeningProblem>,
) -> Walked {
    let mut walk = Walk {
        machine,
        group,
        steps,
        taken,
        data,
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
    Walked {
        found: walk.problems(jump),
        twice: walk.twice(),
    }
}

/// What is known at an instruction, and whether control certainly gets there like that.
type Known = (State, bool);

struct Walk<'a, M: Machine> {
    machine: &'a M,
    group: &'a StencilGroup,
    steps: &'a [Step<M::Code>],
    /// The places of the code whose addresses are taken.
    taken: &'a BTreeSet<usize>,
    data: &'a Data,
    /// The index of the instruction at an offset.
    index: BTreeMap<usize, usize>,
    /// What is known at the instruction at an offset.
    known: HashMap<usize, Known>,
    /// Ways that are still to follow.
    certain: VecDeque<(usize, State)>,
    /// Ways that control may not take: on from a call, which may not return, and to places whose addresses are taken, which
    /// may be functions.
    likely: VecDeque<(usize, State)>,
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
    fn arrive(&self, offset: usize, state: State, certain: bool) -> Option<Known> {
        let Some((old, was_certain)) = self.known.get(&offset) else {
            return Some((state, certain));
        };
        if !old.fits(&state) && *was_certain != certain {
            // Control does not get there in the way that is not certain.
            return certain.then_some((state, true));
        }
        let joined = old.join(&state);
        (joined != *old || certain && !was_certain).then_some((joined, certain || *was_certain))
    }

    fn go_on(&mut self, offset: usize, state: &State, certain: bool) {
        let Some(step) = self.index.get(&offset).and_then(|at| self.steps.get(*at)) else {
            return;
        };
        let after = self.machine.after(self.data, state, step);
        let size = self.group.code.body.len();
        let mut to: Vec<(usize, bool)> = Vec::new();
        match step.flow {
            Flow::Next => to.push((step.end, certain)),
            Flow::IndirectCall => to.push((step.end, false)),
            Flow::Call(place, _) => {
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
            Flow::IndirectJump => {
                let places = self.places(self.machine.target(self.data, state, step));
                to.extend(places.into_iter().map(|place| (place, false)));
            }
            Flow::Return | Flow::Stop => {}
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

    /// Returns the places of this code that a jump to an address may lead to.
    fn places(&self, target: Value) -> Vec<usize> {
        let places: Vec<i64> = match target {
            Value::Host(_) => return Vec::new(),
            Value::Own(Places::One(place)) => vec![place],
            Value::Own(Places::OfObject(object)) => self.data.places(object).collect(),
            _ => return self.taken.iter().copied().collect(),
        };
        let places = places.into_iter().map(usize::try_from);
        places.filter_map(Result::ok).collect()
    }

    /// Returns where an indirect jump may lead.
    fn pointer(&self, state: &State, step: &Step<M::Code>) -> Pointer {
        let target = self.machine.target(self.data, state, step);
        self.machine.pointer(target, step)
    }

    /// Returns the offsets after calls of functions that may return twice, with what is known now.
    fn twice(&self) -> BTreeSet<usize> {
        let calls = self.steps.iter().filter(|step| {
            let known = self.known.get(&step.offset);
            let callee = match (step.flow, known) {
                (Flow::Call(..), _) => step.callee(self.data),
                (Flow::IndirectCall, Some((state, _))) => {
                    match self.machine.target(self.data, state, step) {
                        Value::Host(callee) => callee,
                        _ => Callee::Usual,
                    }
                }
                _ => Callee::Usual,
            };
            callee == Callee::ReturnsTwice
        });
        calls.map(|step| step.end).collect()
    }

    /// Returns what is wrong, with what is known now.
    fn problems(&self, jump: impl Fn(Pointer) -> Option<HardeningProblem>) -> Vec<Found> {
        let mut found = Vec::new();
        let size = self.group.code.body.len() as i64;
        for step in self.steps {
            let places = match step.flow {
                Flow::Branch(place) | Flow::Jump(place) | Flow::Call(place, _) => Some(place),
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
                let problem = jump(self.pointer(state, step));
                found.extend(problem.map(|problem| (step.offset, problem)));
            }
            if self.may_leave(step, size, state) {
                // Branches change neither registers nor the stack.
                let state = self.machine.after(self.data, state, step);
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
    fn may_leave(&self, step: &Step<M::Code>, size: i64, state: &State) -> bool {
        let ends = step.end as i64 == size;
        let goes_out = |place| match place {
            Place::Outside | Place::Data(_) => true,
            Place::Inside(place) => place == size,
        };
        match step.flow {
            Flow::Return => true,
            Flow::IndirectJump => {
                // Within a function, the frame is still there.
                let pointer = self.pointer(state, step);
                !matches!(pointer, Pointer::Own | Pointer::OwnBlock)
            }
            Flow::Jump(place) => goes_out(place),
            Flow::Branch(place) => goes_out(place) || ends,
            Flow::Next => ends && self.group.end != CodeEnd::Leaves,
            // Compilers end functions with calls that do not return, wherever the stack pointer is then.
            Flow::Call(..) | Flow::IndirectCall | Flow::Stop => false,
        }
    }
}

fn inside(place: Place) -> Option<usize> {
    match place {
        Place::Inside(place) => usize::try_from(place).ok(),
        Place::Data(_) | Place::Outside => None,
    }
}
