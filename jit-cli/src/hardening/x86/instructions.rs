//! What the check has to know of single x86 instructions.

use iced_x86::{FlowControl, Instruction, Mnemonic, OpAccess, Register};

use jit_schema::Arch;

use crate::hardening::{
    HardeningProblem,
    value::{State, Value},
};

pub(super) fn get(state: &State, register: Register) -> Value {
    match register.is_gpr() {
        true => state.get(register.full_register().number()),
        false => Value::Unknown,
    }
}

pub(super) fn set(state: &mut State, register: Register, value: Value) {
    if register.is_gpr() {
        state.set(register.full_register().number(), value);
    }
}

pub(super) fn writes(access: OpAccess) -> bool {
    matches!(
        access,
        OpAccess::Write | OpAccess::CondWrite | OpAccess::ReadWrite | OpAccess::ReadCondWrite
    )
}

pub(super) fn is_conditional_move(instruction: &Instruction) -> bool {
    matches!(
        instruction.mnemonic(),
        Mnemonic::Cmova
            | Mnemonic::Cmovae
            | Mnemonic::Cmovb
            | Mnemonic::Cmovbe
            | Mnemonic::Cmove
            | Mnemonic::Cmovg
            | Mnemonic::Cmovge
            | Mnemonic::Cmovl
            | Mnemonic::Cmovle
            | Mnemonic::Cmovne
            | Mnemonic::Cmovno
            | Mnemonic::Cmovnp
            | Mnemonic::Cmovns
            | Mnemonic::Cmovo
            | Mnemonic::Cmovp
            | Mnemonic::Cmovs
    )
}

/// Returns whether an instruction writes as many elements as its counter says.
pub(super) fn is_repeated_store(instruction: &Instruction) -> bool {
    let is_store = matches!(
        instruction.mnemonic(),
        Mnemonic::Stosb
            | Mnemonic::Stosw
            | Mnemonic::Stosd
            | Mnemonic::Stosq
            | Mnemonic::Movsb
            | Mnemonic::Movsw
            | Mnemonic::Movsd
            | Mnemonic::Movsq
    );
    let is_repeated = instruction.has_rep_prefix() || instruction.has_repne_prefix();
    is_store && is_repeated && instruction.is_string_instruction()
}

pub(super) fn is_unchecked(instruction: &Instruction) -> bool {
    instruction.segment_prefix() == Register::DS
        && matches!(
            instruction.flow_control(),
            FlowControl::IndirectBranch | FlowControl::IndirectCall
        )
}

/// Returns what is wrong with an instruction wherever it is.
pub(super) fn forbidden(instruction: &Instruction, arch: Arch) -> Option<HardeningProblem> {
    if is_unchecked(instruction) {
        return Some(HardeningProblem::Unchecked);
    }
    let is_far = instruction.is_jmp_far()
        || instruction.is_jmp_far_indirect()
        || instruction.is_call_far()
        || instruction.is_call_far_indirect();
    let what = match instruction.mnemonic() {
        Mnemonic::Jmp | Mnemonic::Call if is_far => "a far jump or call",
        Mnemonic::Ret if arch == Arch::X86_64 && instruction.op_count() > 0 => {
            "a return that also moves the stack pointer"
        }
        Mnemonic::Ret => return None,
        Mnemonic::Std => "an instruction that lets string instructions go downwards",
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
