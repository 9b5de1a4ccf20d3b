//! x86, decoded by iced-x86.

use iced_x86::{
    Decoder as Iced, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, Mnemonic,
    OpAccess, OpKind, Register,
};
use jit_schema::Arch;
use jit_stencils::{Hole, StencilGroup};

use super::{
    HardeningProblem,
    step::{self, Flow, Machine, Pad, Place, Pointer, Step},
};

/// The decoder of 32 or 64-bit x86.
pub(super) struct Decoder {
    pub(super) arch: Arch,
}

/// What is kept of an instruction.
pub(super) struct Code {
    instruction: Instruction,
    /// Whether its displacement or immediate is the address of a function or object of the host, or where that is.
    host: bool,
}

/// The value of a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    Unknown,
    /// So many bytes above the place of the return address.
    Stack(i64),
    /// The address of a function or object of the host.
    Host,
}

/// What is known at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    registers: [Value; 16],
    /// Whether something may have been written over the return address.
    overwritten: bool,
}

const RSP: usize = 4;
const RBP: usize = 5;

impl State {
    fn get(&self, register: Register) -> Value {
        let known = register.is_gpr().then(|| register.full_register().number());
        let value = known.and_then(|number| self.registers.get(number));
        value.copied().unwrap_or(Value::Unknown)
    }

    fn set(&mut self, register: Register, value: Value) {
        if register.is_gpr()
            && let Some(place) = self.registers.get_mut(register.full_register().number())
        {
            *place = value;
        }
    }

    fn stack_pointer(&self) -> Value {
        self.get(Register::RSP)
    }

    fn move_stack_pointer(&mut self, by: i64) {
        if let Value::Stack(old) = self.stack_pointer() {
            self.set(Register::RSP, Value::Stack(old + by));
        }
    }
}

impl Decoder {
    fn bits(&self) -> u32 {
        u32::from(self.arch.pointer_size()) * 8
    }

    fn pointer_size(&self) -> i64 {
        i64::from(self.arch.pointer_size())
    }

    fn is_pointer(&self, register: Register) -> bool {
        register.is_gpr() && register.size() == usize::from(self.arch.pointer_size())
    }

    /// Returns the address that a memory operand means, if it is on the stack.
    fn on_stack(&self, state: &State, instruction: &Instruction) -> Option<i64> {
        if instruction.memory_index() != Register::None {
            return None;
        }
        match state.get(instruction.memory_base()) {
            Value::Stack(base) => Some(base + self.displacement(instruction)),
            Value::Unknown | Value::Host => None,
        }
    }

    fn displacement(&self, instruction: &Instruction) -> i64 {
        match self.arch {
            Arch::I686 => i64::from(instruction.memory_displacement32() as i32),
            Arch::X86_64 | Arch::Aarch64 => instruction.memory_displacement64() as i64,
        }
    }

    /// Returns the value that an instruction gives to a register, if it is known.
    fn result(&self, state: &State, code: &Code) -> Option<(Register, Value)> {
        let instruction = &code.instruction;
        let to = instruction.op0_register();
        if instruction.op0_kind() != OpKind::Register || !to.is_gpr() {
            return None;
        }
        let host = |otherwise| match code.host {
            true => Value::Host,
            false => otherwise,
        };
        let immediate = || instruction.try_immediate(1).ok().map(|value| value as i64);
        let value = match instruction.mnemonic() {
            Mnemonic::Mov if instruction.op1_kind() == OpKind::Register => {
                match self.is_pointer(to) {
                    true => state.get(instruction.op1_register()),
                    false => Value::Unknown,
                }
            }
            Mnemonic::Mov => host(Value::Unknown),
            Mnemonic::Lea => host(match self.on_stack(state, instruction) {
                Some(address) if self.is_pointer(to) => Value::Stack(address),
                _ => Value::Unknown,
            }),
            Mnemonic::Add | Mnemonic::Sub => {
                let sign = if instruction.mnemonic() == Mnemonic::Add {
                    1
                } else {
                    -1
                };
                match (state.get(to), immediate()) {
                    (Value::Stack(old), Some(by)) if self.is_pointer(to) => {
                        Value::Stack(old + sign * by)
                    }
                    _ => Value::Unknown,
                }
            }
            Mnemonic::Pop => Value::Unknown,
            _ => return None,
        };
        Some((to, value))
    }

    /// Returns whether an instruction writes to the return address.
    fn overwrites(&self, state: &State, instruction: &Instruction) -> bool {
        let mut factory = InstructionInfoFactory::new();
        let info = factory.info(instruction);
        info.used_memory().iter().any(|memory| {
            let writes = matches!(
                memory.access(),
                OpAccess::Write
                    | OpAccess::CondWrite
                    | OpAccess::ReadWrite
                    | OpAccess::ReadCondWrite
            );
            let Value::Stack(base) = state.get(memory.base()) else {
                return false;
            };
            let start = match self.arch {
                Arch::I686 => base + i64::from(memory.displacement() as i32),
                Arch::X86_64 | Arch::Aarch64 => base.wrapping_add(memory.displacement() as i64),
            };
            let end = start + memory.memory_size().size() as i64;
            let plain = memory.index() == Register::None;
            writes && plain && start < self.pointer_size() && end > 0
        })
    }
}

impl Machine for Decoder {
    type Code = Code;
    type State = State;

    fn decode(&self, group: &StencilGroup, offset: usize) -> Step<Code> {
        let bytes = group.code.body.get(offset..).unwrap_or_default();
        let mut decoder = Iced::with_ip(self.bits(), bytes, offset as u64, DecoderOptions::NONE);
        let instruction = decoder.decode();
        let end = offset + instruction.len().max(1);
        let mut problems = Vec::new();
        if instruction.is_invalid() {
            problems.push(HardeningProblem::Unknown);
        }
        problems.extend(forbidden(&instruction));
        let hole = step::holes(group, offset, end).next();
        let accepted = match self.arch {
            Arch::I686 => Mnemonic::Endbr32,
            Arch::X86_64 | Arch::Aarch64 => Mnemonic::Endbr64,
        };
        let pad = (instruction.mnemonic() == accepted).then_some(Pad {
            calls: true,
            jumps: true,
            only: true,
        });
        Step {
            offset,
            end,
            flow: flow(&instruction, hole, end),
            pad,
            address: own_address(&instruction, hole, group.code.body.len()),
            problems,
            code: Code {
                instruction,
                host: hole.is_some_and(step::is_host),
            },
        }
    }

    fn start(&self) -> State {
        let mut registers = [Value::Unknown; 16];
        if let Some(place) = registers.get_mut(RSP) {
            *place = Value::Stack(0);
        }
        State {
            registers,
            overwritten: false,
        }
    }

    fn after(&self, state: &State, step: &Step<Code>) -> State {
        let instruction = &step.code.instruction;
        let mut after = state.clone();
        match step.flow {
            Flow::Call(_) | Flow::IndirectCall => {
                for (number, value) in after.registers.iter_mut().enumerate() {
                    if number != RSP && number != RBP {
                        *value = Value::Unknown;
                    }
                }
                return after;
            }
            Flow::Next => {}
            _ => return after,
        }
        after.overwritten |= self.overwrites(state, instruction);
        let pops_frame = instruction.mnemonic() == Mnemonic::Leave;
        if pops_frame {
            after.set(Register::RSP, state.get(Register::RBP));
            after.move_stack_pointer(self.pointer_size());
            after.set(Register::RBP, Value::Unknown);
            return after;
        }
        let result = self.result(state, &step.code);
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
            let writes = matches!(
                used.access(),
                OpAccess::Write
                    | OpAccess::CondWrite
                    | OpAccess::ReadWrite
                    | OpAccess::ReadCondWrite
            );
            let is_stack_pointer = used.register().full_register() == Register::RSP;
            if writes && !(moves && is_stack_pointer) {
                after.set(used.register(), Value::Unknown);
            }
        }
        if moves {
            after.move_stack_pointer(i64::from(instruction.stack_pointer_increment()));
        }
        if let Some((register, value)) = result {
            after.set(register, value);
        }
        after
    }

    fn join(&self, one: &State, other: &State) -> State {
        let mut joined = one.clone();
        for (value, other) in joined.registers.iter_mut().zip(&other.registers) {
            if value != other {
                *value = Value::Unknown;
            }
        }
        joined.overwritten |= other.overwritten;
        joined
    }

    fn fit(&self, one: &State, other: &State) -> bool {
        one.stack_pointer() == other.stack_pointer()
    }

    fn pointer(&self, state: &State, step: &Step<Code>) -> Pointer {
        let instruction = &step.code.instruction;
        let is_host = match instruction.op0_kind() {
            OpKind::Register => state.get(instruction.op0_register()) == Value::Host,
            _ => step.code.host,
        };
        match is_host {
            true => Pointer::Host,
            false => Pointer::Any,
        }
    }

    fn leaves(&self, state: &State, _: &Step<Code>) -> Option<HardeningProblem> {
        if state.stack_pointer() != Value::Stack(0) {
            return Some(HardeningProblem::Return(
                "the stack pointer is where it was at the start",
            ));
        }
        state.overwritten.then_some(HardeningProblem::Return(
            "the return address has not been written over",
        ))
    }

    fn is_thunk(&self, bytes: &[u8]) -> bool {
        let instruction = Iced::new(self.bits(), bytes, DecoderOptions::NONE).decode();
        let through_memory = instruction.op0_kind() == OpKind::Memory
            && (instruction.is_ip_rel_memory_operand()
                || instruction.memory_base() == Register::None);
        instruction.is_jmp_near_indirect() && through_memory && !is_unchecked(&instruction)
    }
}

fn flow(instruction: &Instruction, hole: Option<&Hole>, end: usize) -> Flow {
    let place = || match hole {
        Some(hole) => step::place(hole, end as i64 - hole.offset as i64),
        None => Place::Inside(instruction.near_branch_target() as i64),
    };
    match instruction.flow_control() {
        FlowControl::UnconditionalBranch => Flow::Jump(place()),
        FlowControl::IndirectBranch => Flow::IndirectJump,
        FlowControl::ConditionalBranch | FlowControl::XbeginXabortXend => Flow::Branch(place()),
        FlowControl::Return => Flow::Return,
        FlowControl::Call if instruction.mnemonic() == Mnemonic::Call => Flow::Call(place()),
        FlowControl::IndirectCall => Flow::IndirectCall,
        FlowControl::Exception => Flow::Stop,
        FlowControl::Interrupt if instruction.mnemonic() == Mnemonic::Int3 => Flow::Stop,
        // __fastfail of Windows.
        FlowControl::Interrupt if instruction.immediate8() == 0x29 => Flow::Stop,
        _ if instruction.mnemonic() == Mnemonic::Hlt => Flow::Stop,
        _ => Flow::Next,
    }
}

fn is_unchecked(instruction: &Instruction) -> bool {
    instruction.segment_prefix() == Register::DS
        && matches!(
            instruction.flow_control(),
            FlowControl::IndirectBranch | FlowControl::IndirectCall
        )
}

/// Returns what is wrong with an instruction wherever it is.
fn forbidden(instruction: &Instruction) -> Option<HardeningProblem> {
    if is_unchecked(instruction) {
        return Some(HardeningProblem::Unchecked);
    }
    let is_far = instruction.is_jmp_far()
        || instruction.is_jmp_far_indirect()
        || instruction.is_call_far()
        || instruction.is_call_far_indirect();
    let what = match instruction.mnemonic() {
        Mnemonic::Jmp | Mnemonic::Call if is_far => "a far jump or call",
        Mnemonic::Ret => return None,
        _ if instruction.flow_control() == FlowControl::Return => "a far return",
        Mnemonic::Rstorssp
        | Mnemonic::Saveprevssp
        | Mnemonic::Setssbsy
        | Mnemonic::Clrssbsy
        | Mnemonic::Incsspd
        | Mnemonic::Incsspq
        | Mnemonic::Wrssd
        | Mnemonic::Wrssq
        | Mnemonic::Wrussd
        | Mnemonic::Wrussq => "an instruction that changes the second stack of return addresses",
        _ => return None,
    };
    Some(HardeningProblem::Forbidden(what))
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
