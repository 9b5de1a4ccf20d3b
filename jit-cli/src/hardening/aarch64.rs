//! AArch64, decoded by yaxpeax-arm.

mod operands;

use std::collections::BTreeMap;

use jit_stencils::StencilGroup;
use yaxpeax_arch::{Decoder as _, U8Reader};
use yaxpeax_arm::armv8::a64::{InstDecoder, Instruction, Opcode, Operand};

use self::operands::{
    Access, access, distance, immediate, is_plain_store, memory, register, size, with_sp,
};
use super::{
    HardeningProblem,
    step::{self, Flow, Machine, Pad, Place, Pointer, Step},
};

/// The decoder of AArch64.
pub(super) struct Decoder;

/// What is kept of an instruction.
pub(super) struct Code {
    /// The instruction, if the bytes are one.
    instruction: Option<Instruction>,
    /// Whether its immediate is a part of the address of a function or object of the host, or of where that is.
    host: bool,
}

/// The value of a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    Unknown,
    /// So many bytes above the stack pointer at the start.
    Stack(i64),
    /// The address of a function or object of the host, or a part of it.
    Host,
}

/// The value of the link register, or of a place on the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    Unknown,
    /// The return address of the start.
    Caller,
    /// The same, signed with this stack pointer.
    Signed(i64),
}

/// What is known at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    registers: [Value; 32],
    link: Link,
    /// Where the link register was saved, by the number of bytes above the stack pointer at the start.
    saved: BTreeMap<i64, Link>,
}

const LINK: u16 = 30;
const FRAME: u16 = 29;
/// The number of the stack pointer, where an instruction does not mean zero by it.
const SP: u16 = 31;
const WORD: usize = 4;

impl State {
    fn get(&self, register: u16) -> Value {
        let value = self.registers.get(usize::from(register));
        value.copied().unwrap_or(Value::Unknown)
    }

    fn set(&mut self, register: u16, value: Value) {
        if register == LINK {
            self.link = Link::Unknown;
        }
        if let Some(place) = self.registers.get_mut(usize::from(register)) {
            *place = value;
        }
    }

    /// Forgets what was saved in places of the stack.
    fn write(&mut self, start: i64, size: i64) {
        self.saved
            .retain(|place, _| place + 8 <= start || start + size <= *place);
    }
}

/// Loads and saves registers, as prologues and epilogues do.
fn transfer(state: &mut State, instruction: &Instruction) {
    let Some((base, offset, update)) = memory(instruction) else {
        return;
    };
    let pair = matches!(
        instruction.opcode,
        Opcode::STP | Opcode::LDP | Opcode::STNP | Opcode::LDNP
    );
    let plain = pair
        || matches!(
            instruction.opcode,
            Opcode::STR | Opcode::STUR | Opcode::LDR | Opcode::LDUR
        );
    let registers: Vec<u16> = instruction
        .operands
        .iter()
        .take(if pair { 2 } else { 1 })
        .filter_map(|operand| register(Some(operand)))
        .collect();
    let place = match state.get(base) {
        Value::Stack(base) => Some(base + offset),
        Value::Unknown | Value::Host => None,
    };
    match (access(instruction), place) {
        (Access::Store, Some(start)) => {
            state.write(start, size(instruction, if pair { 2 } else { 1 }));
            for (register, place) in registers.iter().zip([start, start + 8]) {
                if plain && *register == LINK {
                    state.saved.insert(place, state.link);
                }
            }
        }
        (Access::Load, place) => {
            for (register, at) in registers.iter().zip([0, 8]) {
                // What is loaded to the register zero is dropped.
                if *register == SP {
                    continue;
                }
                state.set(*register, Value::Unknown);
                if let (LINK, true, Some(start)) = (*register, plain, place) {
                    let saved = state.saved.get(&(start + at));
                    state.link = saved.copied().unwrap_or(Link::Unknown);
                }
            }
        }
        _ => {}
    }
    if update != 0 {
        let value = match state.get(base) {
            Value::Stack(old) => Value::Stack(old + update),
            other => other,
        };
        state.set(base, value);
    }
}

impl Decoder {
    fn next(&self, state: &State, code: &Code) -> State {
        let mut after = state.clone();
        let Some(instruction) = &code.instruction else {
            return after;
        };
        let operands = &instruction.operands;
        let stack_pointer = match state.get(SP) {
            Value::Stack(depth) => Some(depth),
            Value::Unknown | Value::Host => None,
        };
        match (instruction.opcode, stack_pointer) {
            (Opcode::PACIASP | Opcode::PACIBSP, Some(depth)) if state.link == Link::Caller => {
                after.link = Link::Signed(depth);
                return after;
            }
            (Opcode::AUTIASP | Opcode::AUTIBSP, Some(depth)) => {
                after.link = match state.link {
                    Link::Signed(with) if with == depth => Link::Caller,
                    _ => Link::Unknown,
                };
                return after;
            }
            (Opcode::PACIASP | Opcode::PACIBSP | Opcode::AUTIASP | Opcode::AUTIBSP, _) => {
                after.link = Link::Unknown;
                return after;
            }
            _ => {}
        }
        if access(instruction) != Access::None && memory(instruction).is_some() {
            transfer(&mut after, instruction);
            if code.host
                && let Some(to) = register(operands.first()).filter(|to| *to != SP)
            {
                after.set(to, Value::Host);
            }
            if access(instruction) == Access::Load || is_plain_store(instruction) {
                return after;
            }
        }
        if let Some(to) = with_sp(operands.first()) {
            let value = self.result(state, instruction, code.host);
            // Without a name for the stack pointer, 31 is zero.
            let is_zero = to == SP && !matches!(operands.first(), Some(Operand::RegisterOrSP(..)));
            let same = value == state.get(to);
            if !is_zero && !same {
                after.set(to, value);
            }
            if to == LINK {
                after.link = Link::Unknown;
            }
        }
        after
    }

    /// Returns the value that an instruction gives to its first operand.
    fn result(&self, state: &State, instruction: &Instruction, host: bool) -> Value {
        let operands = &instruction.operands;
        let sign = match instruction.opcode {
            Opcode::ADD => 1,
            Opcode::SUB => -1,
            _ if host => return Value::Host,
            // A copy.
            Opcode::ORR if register(operands.get(1)) == Some(SP) => {
                return match operands.get(2) {
                    Some(Operand::RegShift(_, 0, _, from) | Operand::Register(_, from)) => {
                        state.get(*from)
                    }
                    _ => Value::Unknown,
                };
            }
            _ => return Value::Unknown,
        };
        let base = with_sp(operands.get(1)).map(|base| state.get(base));
        match (base, immediate(operands.get(2))) {
            (Some(Value::Host), _) if host => Value::Host,
            (Some(Value::Stack(base)), Some(by)) if !host => Value::Stack(base + sign * by),
            _ => Value::Unknown,
        }
    }
}

impl Machine for Decoder {
    type Code = Code;
    type State = State;

    fn decode(&self, group: &StencilGroup, offset: usize) -> Step<Code> {
        let rest = group.code.body.get(offset..).unwrap_or_default();
        let bytes = rest.get(..WORD).unwrap_or_default();
        let decoded = InstDecoder::default()
            .decode(&mut U8Reader::new(bytes))
            .ok();
        let end = offset + WORD.min(rest.len());
        let hole = step::holes(group, offset, end).next();
        let mut problems = Vec::new();
        let Some(instruction) = decoded else {
            problems.push(HardeningProblem::Unknown);
            return Step {
                offset,
                end,
                flow: Flow::Stop,
                pad: None,
                address: None,
                problems,
                code: Code {
                    instruction: None,
                    host: false,
                },
            };
        };
        let place = match hole {
            Some(hole) => step::place(hole, 0),
            None => Place::Inside(distance(&instruction).map_or(-1, |by| offset as i64 + by)),
        };
        let flow = flow(&instruction, place);
        if instruction.opcode == Opcode::ERET {
            let what = "a return from an exception";
            problems.push(HardeningProblem::Forbidden(what));
        }
        let is_address = instruction.opcode == Opcode::ADR && hole.is_none();
        Step {
            offset,
            end,
            flow,
            pad: pad(&instruction),
            address: match is_address {
                true => distance(&instruction).map(|by| offset as i64 + by),
                false => None,
            },
            problems,
            code: Code {
                host: hole.is_some_and(step::is_host),
                instruction: Some(instruction),
            },
        }
    }

    fn start(&self) -> State {
        let mut registers = [Value::Unknown; 32];
        if let Some(place) = registers.get_mut(usize::from(SP)) {
            *place = Value::Stack(0);
        }
        State {
            registers,
            link: Link::Caller,
            saved: BTreeMap::new(),
        }
    }

    fn after(&self, state: &State, step: &Step<Code>) -> State {
        match step.flow {
            Flow::Call(_) | Flow::IndirectCall => {
                let mut after = state.clone();
                for number in (0..32).filter(|number| ![FRAME, SP].contains(number)) {
                    after.set(number, Value::Unknown);
                }
                after
            }
            Flow::Next => self.next(state, &step.code),
            Flow::Stop | Flow::Branch(_) | Flow::Jump(_) | Flow::IndirectJump | Flow::Return => {
                state.clone()
            }
        }
    }

    fn join(&self, one: &State, other: &State) -> State {
        let mut joined = one.clone();
        for (value, other) in joined.registers.iter_mut().zip(&other.registers) {
            if value != other {
                *value = Value::Unknown;
            }
        }
        if joined.link != other.link {
            joined.link = Link::Unknown;
        }
        joined
            .saved
            .retain(|place, link| other.saved.get(place) == Some(link));
        joined
    }

    fn fit(&self, one: &State, other: &State) -> bool {
        one.get(SP) == other.get(SP)
    }

    fn pointer(&self, state: &State, step: &Step<Code>) -> Pointer {
        let operands = step.code.instruction.iter().map(|one| &one.operands);
        let register = operands.flat_map(|all| register(all.first())).next();
        match register {
            Some(register) if state.get(register) == Value::Host && is_of_calls(register) => {
                Pointer::Host
            }
            Some(register) if is_of_calls(register) => Pointer::Any,
            _ => Pointer::Blocks,
        }
    }

    fn leaves(&self, state: &State, step: &Step<Code>) -> Option<HardeningProblem> {
        let opcode = step.code.instruction.as_ref().map(|one| one.opcode);
        let other_register = || {
            let operands = step.code.instruction.iter().map(|one| &one.operands);
            let register = operands.flat_map(|all| register(all.first())).next();
            register.is_some_and(|register| register != LINK)
        };
        if state.get(SP) != Value::Stack(0) {
            return Some(HardeningProblem::Return(
                "the stack pointer is where it was at the start",
            ));
        }
        let expected = match opcode {
            Some(Opcode::RETAA | Opcode::RETAB) => Link::Signed(0),
            Some(Opcode::RET) if other_register() => {
                return Some(HardeningProblem::Forbidden(
                    "a return to an address in a register other than x30",
                ));
            }
            _ => Link::Caller,
        };
        (state.link != expected).then_some(HardeningProblem::Return(
            "the link register has the address that it had at the start",
        ))
    }

    /// Recognizes `ldr x16, .+8`, `br x16`.
    fn is_thunk(&self, bytes: &[u8]) -> bool {
        let mut reader = U8Reader::new(bytes.get(..2 * WORD).unwrap_or_default());
        let decoder = InstDecoder::default();
        let load = decoder.decode(&mut reader).ok();
        let jump = decoder.decode(&mut reader).ok();
        let (Some(load), Some(jump)) = (load, jump) else {
            return false;
        };
        let to = register(load.operands.first()).filter(|to| is_of_calls(*to));
        load.opcode == Opcode::LDR
            && distance(&load) == Some(2 * WORD as i64)
            && jump.opcode == Opcode::BR
            && to.is_some()
            && register(jump.operands.first()) == to
    }
}

/// Returns whether landing pads of functions accept a jump to an address in a register.
fn is_of_calls(register: u16) -> bool {
    matches!(register, 16 | 17)
}

fn flow(instruction: &Instruction, place: Place) -> Flow {
    match instruction.opcode {
        Opcode::B => Flow::Jump(place),
        Opcode::BR | Opcode::BRAA | Opcode::BRAAZ | Opcode::BRAB | Opcode::BRABZ => {
            Flow::IndirectJump
        }
        Opcode::Bcc(_) | Opcode::CBZ | Opcode::CBNZ | Opcode::TBZ | Opcode::TBNZ => {
            Flow::Branch(place)
        }
        Opcode::BL => Flow::Call(place),
        Opcode::BLR | Opcode::BLRAA | Opcode::BLRAAZ | Opcode::BLRAB | Opcode::BLRABZ => {
            Flow::IndirectCall
        }
        Opcode::RET | Opcode::RETAA | Opcode::RETAB | Opcode::ERET => Flow::Return,
        Opcode::UDF | Opcode::BRK | Opcode::HLT => Flow::Stop,
        _ => Flow::Next,
    }
}

fn pad(instruction: &Instruction) -> Option<Pad> {
    let pad = |calls, jumps, only| Some(Pad { calls, jumps, only });
    match (instruction.opcode, &instruction.operands) {
        (Opcode::PACIASP | Opcode::PACIBSP, _) => pad(true, false, false),
        (Opcode::HINT, [Operand::ControlReg(4), Operand::Immediate(op), ..]) => match op {
            // `bti` alone accepts nothing.
            0 => pad(false, false, true),
            2 => pad(true, false, true),
            4 => pad(false, true, true),
            6 => pad(true, true, true),
            _ => None,
        },
        _ => None,
    }
}
