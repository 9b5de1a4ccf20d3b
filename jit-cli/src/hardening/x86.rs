//! x86, decoded by iced-x86.

mod instructions;

use iced_x86::{
    Decoder as Iced, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, Mnemonic,
    OpKind, Register, UsedMemory,
};
use jit_schema::{Arch, ObjectFormat, Target};
use jit_stencils::{Hole, StencilGroup};

use self::instructions::{
    forbidden, get, is_conditional_move, is_repeated_store, is_unchecked, set, writes,
};
use super::{
    HardeningProblem, addresses,
    data::Data,
    holes::{self, Hosts},
    step::{self, Flow, Machine, Pad, Place, Pointer, Step},
    value::{Callee, Places, State, Value},
};

/// The decoder of 32 or 64-bit x86.
pub(super) struct Decoder<'a> {
    pub(super) target: Target,
    pub(super) hosts: Hosts<'a>,
}

/// What is kept of an instruction.
pub(super) struct Code {
    instruction: Instruction,
    /// What the displacement of its memory operand is, if that is a hole or a place of the stencil's own code.
    displacement: Option<Value>,
    /// What its immediate is, if that is a hole.
    immediate: Option<Value>,
}

const RSP: usize = 4;

impl Decoder<'_> {
    fn bits(&self) -> u32 {
        u32::from(self.target.arch.pointer_size()) * 8
    }

    fn pointer_size(&self) -> i64 {
        i64::from(self.target.arch.pointer_size())
    }

    /// Returns the registers that functions keep, by their numbers.
    fn kept(&self) -> &'static [usize] {
        match (self.target.arch, self.target.format) {
            // ebx, ebp, esi, edi
            (Arch::I686, _) => &[3, 5, 6, 7],
            // The same, and r12 to r15
            (_, ObjectFormat::Coff) => &[3, 5, 6, 7, 12, 13, 14, 15],
            _ => &[3, 5, 12, 13, 14, 15],
        }
    }

    fn is_pointer(&self, register: Register) -> bool {
        register.is_gpr() && register.size() == usize::from(self.target.arch.pointer_size())
    }

    fn displacement(&self, instruction: &Instruction) -> i64 {
        match self.target.arch {
            Arch::I686 => i64::from(instruction.memory_displacement32() as i32),
            Arch::X86_64 | Arch::Aarch64 => instruction.memory_displacement64() as i64,
        }
    }

    /// Returns the address of a memory operand.
    fn address(&self, state: &State, code: &Code) -> Value {
        let instruction = &code.instruction;
        let index = match instruction.memory_index() {
            Register::None => Value::Number(0),
            index => match get(state, index) {
                Value::Number(number) => {
                    Value::Number(number.wrapping_mul(i64::from(instruction.memory_index_scale())))
                }
                value if instruction.memory_index_scale() == 1 => value,
                _ => Value::Unknown,
            },
        };
        let base = match instruction.memory_base() {
            Register::None | Register::RIP | Register::EIP => Value::Number(0),
            base => get(state, base),
        };
        let displacement = code.displacement;
        let displacement =
            displacement.unwrap_or_else(|| Value::Number(self.displacement(instruction)));
        base.sum(displacement).sum(index)
    }

    /// Returns the value of so many bytes in memory.
    fn load(&self, data: &Data, state: &State, address: Value, size: i64) -> Value {
        let is_word = size == self.pointer_size();
        match address {
            Value::Stack(place) if is_word => state.load(place),
            Value::Slot(callee) if is_word => Value::Host(callee),
            Value::Data(place) if is_word => data.word(place),
            Value::Object(object) if is_word => data.any_word(object),
            Value::Data(object) | Value::Object(object) if size == 4 => data.any_distance(object),
            _ => Value::Unknown,
        }
    }

    /// Returns the value of an operand that is read.
    fn operand(&self, data: &Data, state: &State, code: &Code, operand: u32) -> Value {
        let instruction = &code.instruction;
        match instruction.op_kind(operand) {
            OpKind::Register => {
                let register = instruction.op_register(operand);
                match self.is_pointer(register) {
                    true => get(state, register),
                    false => Value::Unknown,
                }
            }
            OpKind::Memory => {
                let size = instruction.memory_size().size() as i64;
                self.load(data, state, self.address(state, code), size)
            }
            _ => {
                let number = instruction.try_immediate(operand).ok();
                let number = number.map(|number| Value::Number(number as i64));
                code.immediate.or(number).unwrap_or(Value::Unknown)
            }
        }
    }

    /// Returns the value that an instruction gives to its first operand, a register, if it is known.
    fn result(&self, data: &Data, state: &State, code: &Code) -> Option<Value> {
        let instruction = &code.instruction;
        let to = instruction.op0_register();
        if instruction.op0_kind() != OpKind::Register || !to.is_gpr() {
            return None;
        }
        let operand = |number| self.operand(data, state, code, number);
        // A number of 32 bits has zeros above it.
        let is_whole = self.is_pointer(to) || to.size() == 4;
        Some(match instruction.mnemonic() {
            _ if !is_whole => Value::Unknown,
            Mnemonic::Mov | Mnemonic::Movsxd => operand(1),
            Mnemonic::Lea => self.address(state, code),
            Mnemonic::Add => get(state, to).sum(operand(1)),
            Mnemonic::Sub => match operand(1) {
                Value::Number(number) => get(state, to).plus(number.wrapping_neg()),
                _ => Value::Unknown,
            },
            Mnemonic::Pop => match state.stack_pointer() {
                Value::Stack(place) => state.load(place),
                _ => Value::Unknown,
            },
            _ if is_conditional_move(instruction) => get(state, to).or(operand(1)),
            _ => return None,
        })
    }

    /// Writes to the stack what an instruction writes there.
    fn store(&self, data: &Data, before: &State, after: &mut State, code: &Code) {
        let instruction = &code.instruction;
        if instruction.mnemonic() == Mnemonic::Clzero {
            if let Value::Stack(place) = get(before, Register::RAX) {
                after.overwrite(place & !63, 128);
            }
            return;
        }
        if is_repeated_store(instruction) {
            if let Value::Stack(start) = get(before, Register::RDI) {
                let size = instruction.memory_size().size() as i64;
                let count = match get(before, Register::RCX) {
                    Value::Number(count) => count,
                    // An array, which the store does not leave.
                    _ => 1,
                };
                after.overwrite(start, size.saturating_mul(count));
            }
            return;
        }
        let mut factory = InstructionInfoFactory::new();
        let written = factory.info(instruction).used_memory().iter();
        for memory in written.filter(|memory| writes(memory.access())) {
            if let Value::Stack(start) = self.start(before, memory) {
                let size = match memory.memory_size().size() {
                    // Known to nobody before it runs.
                    0 => i64::MAX,
                    size => size as i64,
                };
                after.overwrite(start, size);
            }
        }
        let value = match instruction.mnemonic() {
            Mnemonic::Mov if instruction.op0_kind() == OpKind::Memory => {
                let is_word = instruction.memory_size().size() as i64 == self.pointer_size();
                let Value::Stack(place) = self.address(before, code) else {
                    return;
                };
                is_word.then(|| (place, self.operand(data, before, code, 1)))
            }
            Mnemonic::Push => match before.stack_pointer().plus(-self.pointer_size()) {
                Value::Stack(place) => Some((place, self.operand(data, before, code, 0))),
                _ => None,
            },
            _ => None,
        };
        if let Some((place, value)) = value {
            after.store(place, value);
        }
    }

    /// Returns where a store begins. An index that is not known is zero: a store to an array does not leave the array, so it
    /// writes no return address unless the array begins there.
    fn start(&self, state: &State, memory: &UsedMemory) -> Value {
        let displacement = match self.target.arch {
            Arch::I686 => i64::from(memory.displacement() as i32),
            Arch::X86_64 | Arch::Aarch64 => memory.displacement() as i64,
        };
        let index = match get(state, memory.index()) {
            Value::Number(index) => index.wrapping_mul(i64::from(memory.scale())),
            _ => 0,
        };
        let (base, index) = match get(state, memory.index()) {
            // The two may be the other way round.
            base @ Value::Stack(_) if memory.scale() == 1 => (base, 0),
            _ => (get(state, memory.base()), index),
        };
        base.plus(displacement).plus(index)
    }
}

impl Machine for Decoder<'_> {
    type Code = Code;

    fn decode(&self, group: &StencilGroup, offset: usize) -> Step<Code> {
        let bytes = group.code.body.get(offset..).unwrap_or_default();
        let mut decoder = Iced::with_ip(self.bits(), bytes, offset as u64, DecoderOptions::NONE);
        let instruction = decoder.decode();
        let end = offset + instruction.len().max(1);
        let mut problems = Vec::new();
        if instruction.is_invalid() {
            problems.push(HardeningProblem::Unknown);
        }
        problems.extend(forbidden(&instruction, self.target.arch));
        let holes = holes::in_range(group, offset, end);
        let hole = holes.clone().next();
        let accepted = match self.target.arch {
            Arch::I686 => Mnemonic::Endbr32,
            Arch::X86_64 | Arch::Aarch64 => Mnemonic::Endbr64,
        };
        let pad = (instruction.mnemonic() == accepted).then_some(Pad {
            calls: true,
            jumps: true,
            only: true,
        });
        let value = |hole: &Hole| {
            let bias = addresses::bias(self.target.arch, hole, end);
            holes::address(hole, bias, &self.hosts)
        };
        let fields = decoder.get_constant_offsets(&instruction);
        let displacement_at = offset + fields.displacement_offset();
        let is_displacement =
            |hole: &&Hole| fields.has_displacement() && hole.offset == displacement_at;
        let displacement = holes.clone().find(is_displacement).map(value);
        let address = own_address(&instruction, hole, group.code.body.len());
        let displacement = displacement.or(address.map(|place| match place {
            0.. => Value::Own(Places::One(place)),
            _ => Value::Unknown,
        }));
        let callee = match hole.map(value) {
            Some(Value::Host(callee)) => callee,
            _ => Callee::Usual,
        };
        Step {
            offset,
            end,
            flow: flow(&instruction, hole, end, callee),
            pad,
            address,
            problems,
            code: Code {
                instruction,
                displacement,
                immediate: holes.clone().find(|hole| !is_displacement(hole)).map(value),
            },
        }
    }

    fn start(&self) -> State {
        // Above the return address: arguments of 32-bit code, which tail calls replace, and on Windows room for four of them.
        let callers = match (self.target.arch, self.target.format) {
            (Arch::I686, _) => i64::MAX,
            (_, ObjectFormat::Coff) => 5 * self.pointer_size(),
            _ => self.pointer_size(),
        };
        let mut state = State::new(RSP, self.pointer_size(), callers);
        state.store(0, Value::Return);
        state
    }

    fn after(&self, data: &Data, state: &State, step: &Step<Code>) -> State {
        let instruction = &step.code.instruction;
        let mut after = state.clone();
        match step.flow {
            Flow::Call(..) | Flow::IndirectCall => {
                let callee = match (step.flow, self.target(data, state, step)) {
                    (Flow::IndirectCall, Value::Host(callee)) => callee,
                    _ => step.callee(data),
                };
                match (self.target.arch, callee, get(state, Register::EAX)) {
                    // 32-bit code leaves the subtraction to the function.
                    (Arch::I686, Callee::ProbesStack, Value::Number(size)) => {
                        after.move_stack_pointer(-size);
                    }
                    (_, Callee::ProbesStack, _) => {}
                    (Arch::I686, Callee::Pops(bytes), _) => {
                        after.call(self.kept());
                        after.move_stack_pointer(bytes.into());
                    }
                    _ => after.call(self.kept()),
                }
                return after;
            }
            Flow::Next => {}
            _ => return after,
        }
        self.store(data, state, &mut after, &step.code);
        let pops_frame = instruction.mnemonic() == Mnemonic::Leave;
        if pops_frame {
            let frame = get(state, Register::RBP);
            set(&mut after, Register::RSP, frame);
            after.move_stack_pointer(self.pointer_size());
            let saved = match frame {
                Value::Stack(place) => state.load(place),
                _ => Value::Unknown,
            };
            set(&mut after, Register::RBP, saved);
            return after;
        }
        let result = self.result(data, state, &step.code);
        let moves = matches!(
            instruction.mnemonic(),
            Mnemonic::Push
                | Mnemonic::Pop
                | Mnemonic::Pushfq
                | Mnemonic::Popfq
                | Mnemonic::Pushfd
                | Mnemonic::Popfd
        );
        let mut factory = InstructionInfoFactory::new();
        for used in factory.info(instruction).used_registers() {
            let is_stack_pointer = used.register().full_register() == Register::RSP;
            if writes(used.access()) && !(moves && is_stack_pointer) {
                set(&mut after, used.register(), Value::Unknown);
            }
        }
        if moves {
            after.move_stack_pointer(i64::from(instruction.stack_pointer_increment()));
        }
        if let Some(value) = result {
            set(&mut after, instruction.op0_register(), value);
        }
        after
    }

    fn target(&self, data: &Data, state: &State, step: &Step<Code>) -> Value {
        self.operand(data, state, &step.code, 0)
    }

    fn pointer(&self, target: Value, _: &Step<Code>) -> Pointer {
        match target {
            Value::Host(_) => Pointer::Host,
            Value::Own(_) => Pointer::Own,
            _ => Pointer::Any,
        }
    }

    fn leaves(&self, state: &State, _: &Step<Code>) -> Option<HardeningProblem> {
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
        let is_whole = state.load(0) == Value::Return;
        (!is_whole).then_some(HardeningProblem::Return(
            "the return address has not been written over",
        ))
    }

    fn is_pad(&self, bytes: &[u8]) -> bool {
        bytes == self.target.arch.landing_pad()
    }

    fn is_thunk(&self, bytes: &[u8]) -> bool {
        let instruction = Iced::new(self.bits(), bytes, DecoderOptions::NONE).decode();
        let through_memory = instruction.op0_kind() == OpKind::Memory
            && (instruction.is_ip_rel_memory_operand()
                || instruction.memory_base() == Register::None);
        instruction.is_jmp_near_indirect() && through_memory && !is_unchecked(&instruction)
    }
}

fn flow(instruction: &Instruction, hole: Option<&Hole>, end: usize, callee: Callee) -> Flow {
    let place = || match hole {
        Some(hole) => step::place(hole, end as i64 - hole.offset as i64),
        None => Place::Inside(instruction.near_branch_target() as i64),
    };
    match instruction.flow_control() {
        FlowControl::UnconditionalBranch => Flow::Jump(place()),
        FlowControl::IndirectBranch => Flow::IndirectJump,
        FlowControl::ConditionalBranch | FlowControl::XbeginXabortXend => Flow::Branch(place()),
        FlowControl::Return => Flow::Return,
        FlowControl::Call if instruction.mnemonic() == Mnemonic::Call => {
            Flow::Call(place(), callee)
        }
        FlowControl::IndirectCall => Flow::IndirectCall,
        FlowControl::Exception => Flow::Stop,
        FlowControl::Interrupt if instruction.mnemonic() == Mnemonic::Int3 => Flow::Stop,
        // __fastfail of Windows.
        FlowControl::Interrupt if instruction.immediate8() == 0x29 => Flow::Stop,
        _ if instruction.mnemonic() == Mnemonic::Hlt => Flow::Stop,
        _ => Flow::Next,
    }
}

/// Returns the place of the stencil's own code that an instruction has the address of without a hole.
fn own_address(instruction: &Instruction, hole: Option<&Hole>, size: usize) -> Option<i64> {
    if hole.is_some() || !instruction.is_ip_rel_memory_operand() {
        return None;
    }
    let address = instruction.ip_rel_memory_address() as i64;
    // What is read there is a table.
    let is_address = instruction.mnemonic() == Mnemonic::Lea;
    match (0..=size as i64).contains(&address) {
        true if is_address => Some(address),
        // Data in the code is never a place that is known.
        true => Some(-1),
        false => None,
    }
}
