//! The text of AArch64 instructions, as LLVM spells it.
//!
//! The decoder's own text differs from LLVM's in few places: the addresses of branches and pages, the base of shift amounts and
//! bit positions, the sign of constants that are moved to registers, and extended registers.

use yaxpeax_arm::armv8::a64::{Instruction, Opcode, Operand, SizeCode};

/// The text of an instruction.
pub(super) struct Spelled {
    pub(super) mnemonic: String,
    pub(super) operands: Vec<String>,
}

/// Spells an instruction at that offset in the code.
pub(super) fn spell(instruction: &Instruction, word: u32, offset: usize) -> Spelled {
    let text = instruction.to_string();
    let (mnemonic, rest) = text.split_once(' ').unwrap_or((&text, ""));
    let mut spelled = Spelled {
        mnemonic: mnemonic.to_owned(),
        operands: split(rest),
    };
    places(instruction, offset, &mut spelled);
    match instruction.opcode {
        Opcode::MOVZ | Opcode::MOVN => wide_move(instruction, &mut spelled),
        Opcode::ORR if spelled.mnemonic == "mov" => bitmask(instruction, &mut spelled),
        Opcode::UBFM | Opcode::SBFM | Opcode::BFM => {
            spelled.operands.iter_mut().for_each(decimal);
        }
        Opcode::ADD | Opcode::ADDS | Opcode::SUB | Opcode::SUBS => extended(word, &mut spelled),
        _ => {}
    }
    spelled
}

/// Divides operands at the commas that are not within brackets.
fn split(text: &str) -> Vec<String> {
    let mut operands = Vec::new();
    let (mut depth, mut current) = (0_i32, String::new());
    for character in text.trim().chars() {
        match character {
            '[' | '{' => depth += 1,
            ']' | '}' => depth -= 1,
            _ => {}
        }
        if character == ',' && depth == 0 {
            operands.push(std::mem::take(&mut current).trim().to_owned());
        } else {
            current.push(character);
        }
    }
    if !current.trim().is_empty() {
        operands.push(current.trim().to_owned());
    }
    operands
}

/// The bytes in a page that `adrp` finds.
const PAGE: i64 = 4096;

/// Writes offsets in the code instead of distances.
fn places(instruction: &Instruction, offset: usize, spelled: &mut Spelled) {
    let distance = instruction
        .operands
        .iter()
        .find_map(|operand| match operand {
            Operand::PCOffset(distance) => Some(*distance),
            _ => None,
        });
    let (Some(distance), Some(last)) = (distance, spelled.operands.last_mut()) else {
        return;
    };
    let offset = offset as i64;
    let place = match instruction.opcode {
        Opcode::ADRP => offset - offset % PAGE + distance,
        _ => offset + distance,
    };
    *last = format!("{place:#x}");
}

/// Writes a number in hexadecimal, with its sign.
fn signed(value: i64) -> String {
    match value < 0 {
        true => format!("-{:#x}", value.unsigned_abs()),
        false => format!("{value:#x}"),
    }
}

/// Spells a `movz` or `movn`: as `mov` with the signed value, unless its constant is a 0 that is shifted.
fn wide_move(instruction: &Instruction, spelled: &mut Spelled) {
    let [
        Operand::Register(size, _),
        Operand::ImmShift(constant, shift),
        ..,
    ] = &instruction.operands
    else {
        return;
    };
    let Some(register) = spelled.operands.first().cloned() else {
        return;
    };
    let is_not = instruction.opcode == Opcode::MOVN;
    let is_w = matches!(size, SizeCode::W);
    // The constants for which `mov` would be assembled to another instruction.
    let other = (*constant == 0 && *shift != 0) || (is_not && is_w && *constant == 0xffff);
    if other {
        spelled.mnemonic = if is_not { "movn" } else { "movz" }.to_owned();
        spelled.operands = vec![register, format!("#{constant:#x}")];
        if *shift != 0 {
            spelled.operands.push(format!("lsl #{shift}"));
        }
        return;
    }
    let value = u64::from(*constant) << shift;
    let value = if is_not { !value } else { value };
    let value = if is_w {
        i64::from(value as u32 as i32)
    } else {
        value as i64
    };
    spelled.mnemonic = "mov".to_owned();
    spelled.operands = vec![register, format!("#{}", signed(value))];
}

/// Writes a constant that is moved to a register with its sign.
fn bitmask(instruction: &Instruction, spelled: &mut Spelled) {
    let constant = match &instruction.operands[2] {
        Operand::Immediate(constant) => u64::from(*constant),
        Operand::Imm64(constant) => *constant,
        _ => return,
    };
    let value = match &instruction.operands[0] {
        Operand::Register(SizeCode::W, _) | Operand::RegisterOrSP(SizeCode::W, _) => {
            i64::from(constant as u32 as i32)
        }
        _ => constant as i64,
    };
    if let Some(last) = spelled.operands.last_mut() {
        *last = format!("#{}", signed(value));
    }
}

/// Writes a bit position or an amount in decimal.
fn decimal(operand: &mut String) {
    let number = operand.strip_prefix("#0x");
    let number = number.and_then(|digits| u32::from_str_radix(digits, 16).ok());
    if let Some(number) = number {
        *operand = format!("#{number}");
    }
}

/// Spells the extension of a register that is added or subtracted.
fn extended(word: u32, spelled: &mut Spelled) {
    // Add and subtract (extended register).
    if word & 0x1fe0_0000 != 0x0b20_0000 {
        return;
    }
    let (option, amount) = (word >> 13 & 7, word >> 10 & 7);
    let (is_x, sets_flags) = (word >> 31 != 0, word >> 29 & 1 != 0);
    let is_sp = |register: u32| register == 31;
    let with_sp = is_sp(word >> 5 & 31) || (!sets_flags && is_sp(word & 31));
    let plain = if is_x { 3 } else { 2 };
    let name = match option {
        _ if with_sp && option == plain => "lsl",
        0 => "uxtb",
        1 => "uxth",
        2 => "uxtw",
        3 => "uxtx",
        4 => "sxtb",
        5 => "sxth",
        6 => "sxtw",
        _ => "sxtx",
    };
    // The extension is a part of the last operand or one of its own.
    let is_register = |operand: &String| operand.starts_with(['w', 'x', 's']);
    let registers = spelled
        .operands
        .iter()
        .take_while(|operand| is_register(operand));
    let count = registers.count();
    let last_is_extension = spelled
        .operands
        .get(count.saturating_sub(1))
        .is_some_and(|operand| operand.starts_with("sxt"));
    spelled
        .operands
        .truncate(if last_is_extension { count - 1 } else { count });
    match (name, amount) {
        ("lsl", 0) => {}
        (name, 0) => spelled.operands.push(name.to_owned()),
        (name, amount) => spelled.operands.push(format!("{name} #{amount}")),
    }
}
