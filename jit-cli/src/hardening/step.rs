//! Instructions as the check sees them, and what it has to know of an instruction set.

use jit_stencils::{Hole, HoleValue, PatchValue, StencilGroup};

use super::HardeningProblem;

/// One instruction, with what the decoder of its instruction set keeps of it.
#[derive(Debug)]
pub(super) struct Step<C> {
    /// Its offset in the code, in bytes.
    pub(super) offset: usize,
    /// The offset after it.
    pub(super) end: usize,
    pub(super) flow: Flow,
    /// What it accepts, if it is a landing pad.
    pub(super) pad: Option<Pad>,
    /// The place of this code whose address it computes without a hole.
    pub(super) address: Option<i64>,
    /// What is wrong with it, whatever comes before.
    pub(super) problems: Vec<HardeningProblem>,
    pub(super) code: C,
}

/// Where control goes after an instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    /// To the next instruction.
    Next,
    /// Nowhere: it traps.
    Stop,
    /// To a place or to the next instruction.
    Branch(Place),
    /// To a place.
    Jump(Place),
    /// To a function, and then to the next instruction if that returns.
    Call(Place),
    /// To a function through a pointer, and then to the next instruction if that returns.
    IndirectCall,
    /// To an address in a register or in memory.
    IndirectJump,
    /// To the caller.
    Return,
}

/// Where a direct branch leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// To an offset in the same code, or its end, which is the next micro-op.
    Inside(i64),
    /// To an offset in the stencil's data.
    Data(i64),
    /// To another micro-op, or to a function.
    Outside,
}

/// A landing pad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pad {
    /// Whether calls through pointers may arrive, and jumps that leave a function.
    pub(super) calls: bool,
    /// Whether jumps within a function may arrive.
    pub(super) jumps: bool,
    /// Whether the instruction does nothing else.
    pub(super) only: bool,
}

/// Where an indirect jump may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pointer {
    /// To a function of the host whose name is known.
    Host,
    /// To functions, other traces and blocks.
    Any,
    /// To blocks of a function only, as other landing pads do not accept it.
    Blocks,
}

/// An instruction set.
pub(super) trait Machine {
    /// What is kept of an instruction.
    type Code;
    /// What is known of registers and the stack at a place.
    type State: Clone + PartialEq;

    /// Decodes the first instruction of the bytes at an offset of the code.
    fn decode(&self, group: &StencilGroup, offset: usize) -> Step<Self::Code>;

    /// Returns what is known where control enters a stencil or a function.
    fn start(&self) -> Self::State;

    /// Returns what is known after an instruction.
    fn after(&self, state: &Self::State, step: &Step<Self::Code>) -> Self::State;

    /// Returns what is known where two ways meet.
    fn join(&self, one: &Self::State, other: &Self::State) -> Self::State;

    /// Returns whether two ways have the same depth of the stack, as far as that is known.
    fn fit(&self, one: &Self::State, other: &Self::State) -> bool;

    /// Returns where an indirect jump may lead.
    fn pointer(&self, state: &Self::State, step: &Step<Self::Code>) -> Pointer;

    /// Returns what is wrong with leaving the function here, if something is.
    fn leaves(&self, state: &Self::State, step: &Step<Self::Code>) -> Option<HardeningProblem>;

    /// Returns whether bytes of the data are a jump to a function.
    fn is_thunk(&self, bytes: &[u8]) -> bool;
}

/// Decodes all of the code.
pub(super) fn decode<M: Machine>(machine: &M, group: &StencilGroup) -> Vec<Step<M::Code>> {
    let mut steps = Vec::new();
    let mut offset = 0;
    while offset < group.code.body.len() {
        let step = machine.decode(group, offset);
        offset = step.end.max(offset + 1);
        steps.push(step);
    }
    steps
}

/// Returns the holes of the code with a byte in a range.
pub(super) fn holes(
    group: &StencilGroup,
    offset: usize,
    end: usize,
) -> impl Iterator<Item = &Hole> + Clone {
    let holes = group.code.holes.iter();
    holes.filter(move |hole| {
        hole.offset < end && offset < hole.offset + hole.patch.width() && hole.patch.width() > 0
    })
}

/// Returns where a branch with a hole for its target leads. `bias` is what the instruction adds to the addend.
pub(super) fn place(hole: &Hole, bias: i64) -> Place {
    match &hole.value {
        PatchValue::Address {
            base: HoleValue::Code,
            symbol: None,
            addend,
        } => Place::Inside(addend + bias),
        PatchValue::Address {
            base: HoleValue::Data,
            symbol: None,
            addend,
        } => Place::Data(addend + bias),
        _ => Place::Outside,
    }
}

/// Returns whether a hole's value is the address of a function or object of the host, or where that is.
pub(super) fn is_host(hole: &Hole) -> bool {
    matches!(
        &hole.value,
        PatchValue::GotSlot { .. }
            | PatchValue::Symbol { .. }
            | PatchValue::Address {
                base: HoleValue::Zero,
                symbol: Some(_),
                ..
            }
    )
}
