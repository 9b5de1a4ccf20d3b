//! AArch64, decoded by yaxpeax-arm.

mod operands;

use jit_stencils::StencilGroup;
use yaxpeax_arch::{Decoder as _, U8Reader};
use yaxpeax_arm::armv8::a64::{InstDecoder, Instruction, Opcode, Operand, SizeCode};

use self::operands::{
    Access, Memory, Update, access, distance, immediate, is_pair, is_plain_store, is_whole_load,
    memory, register, registers, size, with_sp,
};
use super::{
    HardeningProblem,
    data::Data,
    holes::{self, Hosts},
    step::{self, Flow, Machine, Pad, Place, Pointer, Step},
    value::{Callee, Places, State, Value},
};

/// The decoder of AArch64.
pub(super) struct Decoder<'a> {
    pub(super) hosts: Hosts<'a>,
}

/// What is kept of an instruction.
pub(super) struct Code {
    /// The instruction, if the bytes are one.
    instruction: Option<Instruction>,
    /// The address that its hole has a part of, or its own immediate.
    address: Option<Value>,
}

const LINK: usize = 30;
/// The number of the stack pointer, where an instruction does not mean zero by it.
const SP: usize = 31;
const WORD: usize = 4;
/// The registers that functions keep.
const KEPT: [usize; 11] = [19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29];

/// Loads or stores registers as the memory operand of an instruction says.
fn transfer(data: &Data, state: &mut State, code: &Code, instruction: &Instruction, at: &Memory) {
    let base = state.get(at.base);
    let is_indexed = at.index.is_some();
    let address = match code.address {
        // The upper part of the same address is in the base.
        Some(address) if base == address && !is_indexed => address,
        Some(_) => Value::Unknown,
        None if is_indexed => base.sum(Value::Unknown),
        None => base.plus(at.offset),
    };
    match (access(instruction), address, base) {
        (Access::Store, Value::Stack(start), _) => {
            store(state, instruction, start);
        }
        // An index or an offset that is not known is zero: a store to an array does not leave the array, so it writes no return
        // address unless the array begins there.
        (Access::Store, _, Value::Stack(start)) => {
            let count = if is_pair(instruction) { 2 } else { 1 };
            state.overwrite(start, size(instruction, count));
        }
        (Access::Load, ..) => load(data, state, instruction, address),
        _ => {}
    }
    if access(instruction) == Access::Store && !is_plain_store(instruction) {
        // Whether the store was made, or what was there before.
        for register in registers(instruction).filter(|register| *register != SP) {
            state.set(register, Value::Unknown);
        }
    }
    match at.update {
        Update::None => {}
        Update::By(bytes) => state.set(at.base, base.plus(bytes)),
        Update::Unknown => state.set(at.base, Value::Unknown),
    }
}

/// Stores registers to a known place of the stack.
fn store(state: &mut State, instruction: &Instruction, start: i64) {
    let count = if is_pair(instruction) { 2 } else { 1 };
    state.overwrite(start, size(instruction, count));
    if !is_plain_store(instruction) || size(instruction, 1) != 8 {
        return;
    }
    let values: Vec<Value> = registers(instruction).map(|one| state.get(one)).collect();
    for (place, (register, value)) in [start, start + 8]
        .into_iter()
        .zip(registers(instruction).zip(values))
    {
        // Without a name for the stack pointer, 31 is zero.
        if register != SP {
            state.store(place, value);
        }
    }
}

/// Loads registers.
fn load(data: &Data, state: &mut State, instruction: &Instruction, address: Value) {
    let is_whole = is_whole_load(instruction);
    let is_distance = instruction.opcode == Opcode::LDRSW;
    for (number, register) in registers(instruction).enumerate() {
        let at = 8 * number as i64;
        let value = match address {
            Value::Stack(start) if is_whole => state.load(start + at),
            Value::Slot(callee) if is_whole && number == 0 => Value::Host(callee),
            Value::Data(place) if is_whole => data.word(place + at),
            Value::Object(object) if is_whole => data.any_word(object),
            Value::Data(object) | Value::Object(object) if is_distance => data.any_distance(object),
            _ => Value::Unknown,
        };
        // What is loaded to the register zero is dropped.
        if register != SP {
            state.set(register, value);
        }
    }
}

/// Signs or checks the return address, or returns that the instruction does not do that.
fn sign(state: &State, instruction: &Instruction) -> Option<Value> {
    let link = state.get(LINK);
    Some(match (instruction.opcode, state.stack_pointer(), link) {
        (Opcode::PACIASP | Opcode::PACIBSP, Value::Stack(depth), Value::Return) => {
            Value::Signed(depth)
        }
        (Opcode::AUTIASP | Opcode::AUTIBSP, Value::Stack(depth), Value::Signed(with))
            if with == depth =>
        {
            Value::Return
        }
        // There is no signature that it could remove.
        (Opcode::XPACLRI, _, Value::Return) => Value::Return,
        _ if operands::changes_link(instruction) => Value::Unknown,
        _ => return None,
    })
}

impl Decoder<'_> {
    fn next(&self, data: &Data, state: &State, code: &Code) -> State {
        let mut after = state.clone();
        let Some(instruction) = &code.instruction else {
            return after;
        };
        if let Some(link) = sign(state, instruction) {
            after.set(LINK, link);
            return after;
        }
        if operands::changes_16_and_17(instruction) {
            for register in [16, 17] {
                after.set(register, Value::Unknown);
            }
            return after;
        }
        let operands = &instruction.operands;
        if let Opcode::SYS(_) = instruction.opcode {
            // `dc zva` writes zeros to so many bytes as the processor likes.
            let mut used = registers(instruction);
            if used.any(|register| matches!(state.get(register), Value::Stack(_))) {
                after.overwrite_all();
            }
            return after;
        }
        if let Some(memory) = memory(instruction).filter(|_| access(instruction) != Access::None) {
            transfer(data, &mut after, code, instruction, &memory);
            return after;
        }
        if let Some(to) = with_sp(operands.first()) {
            let value = self.result(state, instruction, code);
            // Without a name for the stack pointer, 31 is zero.
            let is_zero = to == SP && !matches!(operands.first(), Some(Operand::RegisterOrSP(..)));
            if !is_zero {
                after.set(to, value);
            }
        }
        after
    }

    /// Returns the value that an instruction gives to its first operand.
    fn result(&self, state: &State, instruction: &Instruction, code: &Code) -> Value {
        let operands = &instruction.operands;
        let operand = |at| with_sp(operands.get(at)).map(|register| state.get(register));
        match instruction.opcode {
            Opcode::ADR | Opcode::ADRP => code.address.unwrap_or(Value::Unknown),
            Opcode::ADD | Opcode::SUB => {
                let base = operand(1).unwrap_or(Value::Unknown);
                let is_add = instruction.opcode == Opcode::ADD;
                match (code.address, immediate(operands.get(2))) {
                    (Some(address), _) if base == address => address,
                    (Some(_), _) => Value::Unknown,
                    (None, Some(by)) if is_add => base.plus(by),
                    (None, Some(by)) => base.plus(-by),
                    (None, None) => {
                        let other = match operands.get(2) {
                            Some(Operand::RegShift(_, amount, SizeCode::X, other)) => {
                                match state.get(usize::from(*other)) {
                                    Value::Number(number) => Value::Number(number << amount),
                                    other if *amount == 0 => other,
                                    _ => Value::Unknown,
                                }
                            }
                            _ => operand(2).unwrap_or(Value::Unknown),
                        };
                        match (is_add, other) {
                            (true, other) => base.sum(other),
                            (false, Value::Number(number)) => base.plus(-number),
                            (false, _) => Value::Unknown,
                        }
                    }
                }
            }
            // A copy.
            Opcode::ORR if register(operands.get(1)) == Some(SP) => match operands.get(2) {
                Some(Operand::RegShift(_, 0, SizeCode::X, from)) => state.get(usize::from(*from)),
                Some(Operand::Register(SizeCode::X, from)) => state.get(usize::from(*from)),
                _ => Value::Unknown,
            },
            Opcode::MOVZ => immediate(operands.get(1)).map_or(Value::Unknown, Value::Number),
            Opcode::CSEL => match (operand(1), operand(2)) {
                (Some(one), Some(other)) => one.or(other),
                _ => Value::Unknown,
            },
            _ => Value::Unknown,
        }
    }
}

impl Machine for Decoder<'_> {
    type Code = Code;

    fn decode(&self, group: &StencilGroup, offset: usize) -> Step<Code> {
        let rest = group.code.body.get(offset..).unwrap_or_default();
        let bytes = rest.get(..WORD).unwrap_or_default();
        let decoded = InstDecoder::default()
            .decode(&mut U8Reader::new(bytes))
            .ok();
        let end = offset + WORD.min(rest.len());
        let hole = holes::in_range(group, offset, end).next();
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
                    address: None,
                },
            };
        };
        let place = match hole {
            Some(hole) => step::place(hole, 0),
            None => Place::Inside(distance(&instruction).map_or(-1, |by| offset as i64 + by)),
        };
        let by_hole = hole.map(|hole| holes::address(hole, 0, &self.hosts));
        let callee = match by_hole {
            Some(Value::Host(callee)) => callee,
            _ => Callee::Usual,
        };
        let flow = flow(&instruction, place, callee);
        if operands::changes_second_stack(bytes) {
            let what = "an instruction that changes the second stack of return addresses";
            problems.push(HardeningProblem::Forbidden(what));
        }
        if instruction.opcode == Opcode::ERET {
            let what = "a return from an exception";
            problems.push(HardeningProblem::Forbidden(what));
        }
        let is_address = instruction.opcode == Opcode::ADR && hole.is_none();
        let own = distance(&instruction).filter(|_| is_address);
        Step {
            offset,
            end,
            flow,
            pad: pad(&instruction),
            address: own.map(|by| offset as i64 + by),
            problems,
            code: Code {
                address: by_hole.or(own.map(|by| Value::Own(Places::One(offset as i64 + by)))),
                instruction: Some(instruction),
            },
        }
    }

    fn start(&self) -> State {
        let mut state = State::new(SP, 8, 0);
        state.set(LINK, Value::Return);
        state
    }

    fn after(&self, data: &Data, state: &State, step: &Step<Code>) -> State {
        match step.flow {
            Flow::Call(..) if step.callee(data) == Callee::ProbesStack => {
                let mut after = state.clone();
                for register in [16, 17, LINK] {
                    after.set(register, Value::Unknown);
                }
                after
            }
            Flow::Call(..) | Flow::IndirectCall => {
                let mut after = state.clone();
                after.call(&KEPT);
                after
            }
            Flow::Next => self.next(data, state, &step.code),
            Flow::Stop | Flow::Branch(_) | Flow::Jump(_) | Flow::IndirectJump | Flow::Return => {
                state.clone()
            }
        }
    }

    fn target(&self, _: &Data, state: &State, step: &Step<Code>) -> Value {
        let register = target(step);
        register.map_or(Value::Unknown, |register| state.get(register))
    }

    fn pointer(&self, address: Value, step: &Step<Code>) -> Pointer {
        let accepted = target(step).is_some_and(is_of_calls);
        match address {
            Value::Own(_) if accepted => Pointer::Own,
            Value::Own(_) => Pointer::OwnBlock,
            _ if !accepted => Pointer::Register,
            Value::Host(_) => Pointer::Host,
            _ => Pointer::Any,
        }
    }

    fn leaves(&self, state: &State, step: &Step<Code>) -> Option<HardeningProblem> {
        let opcode = step.code.instruction.as_ref().map(|one| one.opcode);
        if state.stack_pointer() != Value::Stack(0) {
            return Some(HardeningProblem::Return(
                "the stack pointer is where it was at the start",
            ));
        }
        if state.leaves_frame() {
            return Some(HardeningProblem::Return(
                "nothing has been written to the frames of callers",
            ));
        }
        let expected = match opcode {
            Some(Opcode::RETAA | Opcode::RETAB) => Value::Signed(0),
            Some(Opcode::RET) if target(step).is_some_and(|register| register != LINK) => {
                return Some(HardeningProblem::Forbidden(
                    "a return to an address in a register other than x30",
                ));
            }
            _ => Value::Return,
        };
        (state.get(LINK) != expected).then_some(HardeningProblem::Return(
            "the link register has the address that it had at the start",
        ))
    }

    fn is_pad(&self, bytes: &[u8]) -> bool {
        let decoded = InstDecoder::default().decode(&mut U8Reader::new(bytes));
        decoded.is_ok_and(|instruction| pad(&instruction).is_some_and(|pad| pad.calls || pad.jumps))
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

/// Returns the register that an indirect branch has its target in.
fn target(step: &Step<Code>) -> Option<usize> {
    let instruction = step.code.instruction.as_ref()?;
    register(instruction.operands.first())
}

/// Returns whether landing pads of functions accept a jump to an address in a register.
fn is_of_calls(register: usize) -> bool {
    matches!(register, 16 | 17)
}

fn flow(instruction: &Instruction, place: Place, callee: Callee) -> Flow {
    match instruction.opcode {
        Opcode::B => Flow::Jump(place),
        Opcode::BR | Opcode::BRAA | Opcode::BRAAZ | Opcode::BRAB | Opcode::BRABZ => {
            Flow::IndirectJump
        }
        Opcode::Bcc(_) | Opcode::CBZ | Opcode::CBNZ | Opcode::TBZ | Opcode::TBNZ => {
            Flow::Branch(place)
        }
        Opcode::BL => Flow::Call(place, callee),
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
