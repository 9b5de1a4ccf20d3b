//! Instructions as the check sees them, and what it has to know of an instruction set.

use jit_stencils::{Hole, HoleValue, PatchValue, StencilGroup};

use super::{
    HardeningProblem,
    data::Data,
    value::{Callee, State, Value},
};

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

impl<C> Step<C> {
    /// Returns what the function is like that the instruction calls directly.
    pub(super) fn callee(&self, data: &Data) -> Callee {
        match self.flow {
            Flow::Call(Place::Data(place), _) => data.behind(place),
            Flow::Call(_, callee) => callee,
            _ => Callee::Usual,
        }
    }
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
    Call(Place, Callee),
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
    /// To a place of the stencil's own code whose address it takes.
    Own,
    /// To a block of the stencil's own code whose address it takes: landing pads of functions do not accept the jump.
    OwnBlock,
    /// To functions, other traces and blocks.
    Any,
    /// To something else than a block of the stencil's own, although landing pads of functions do not accept the jump.
    Register,
}

/// An instruction set.
pub(super) trait Machine {
    /// What is kept of an instruction.
    type Code;

    /// Decodes the first instruction of the bytes at an offset of the code.
    fn decode(&self, group: &StencilGroup, offset: usize) -> Step<Self::Code>;

    /// Returns what is known where control enters a stencil or a function.
    fn start(&self) -> State;

    /// Returns what is known after an instruction.
    fn after(&self, data: &Data, state: &State, step: &Step<Self::Code>) -> State;

    /// Returns the address that an indirect jump or call has.
    fn target(&self, data: &Data, state: &State, step: &Step<Self::Code>) -> Value;

    /// Returns where an indirect jump to an address may lead.
    fn pointer(&self, target: Value, step: &Step<Self::Code>) -> Pointer;

    /// Returns what is wrong with leaving the function here, if something is.
    fn leaves(&self, state: &State, step: &Step<Self::Code>) -> Option<HardeningProblem>;

    /// Returns whether four bytes are a landing pad.
    fn is_pad(&self, bytes: &[u8]) -> bool;

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
