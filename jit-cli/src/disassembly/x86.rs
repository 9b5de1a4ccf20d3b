//! Decodes x86, with the spelling of `llvm-objdump` (AT&T syntax).

use iced_x86::{
    Code, ConstantOffsets, Decoder, DecoderOptions, FlowControl, Formatter, FormatterOutput,
    FormatterTextKind, GasFormatter, Instruction, InstructionInfoFactory, Mnemonic, NumberKind,
    OpAccess, OpKind, Register,
};
use jit_schema::Arch;

use super::{At, Decoded, Flow, Piece, Stack};

fn decoder(arch: Arch, bytes: &[u8], offset: usize) -> Decoder<'_> {
    let bits = u32::from(arch.pointer_size()) * 8;
    Decoder::with_ip(bits, bytes, offset as u64, DecoderOptions::NONE)
}

/// Returns the length in bytes of the first instruction of the code, or of what is none.
pub(super) fn length(arch: Arch, code: &[u8]) -> usize {
    let instruction = decoder(arch, code, 0).decode();
    match instruction.is_invalid() {
        true => 1,
        false => instruction.len(),
    }
}

pub(super) fn decode(at: &At<'_>) -> Decoded {
    let mut decoder = decoder(at.set.target.arch, at.bytes, at.offset);
    let instruction = decoder.decode();
    if instruction.is_invalid() {
        return Decoded::unknown();
    }
    let constants = decoder.get_constant_offsets(&instruction);
    let mut output = Output {
        at,
        constants,
        pieces: Vec::new(),
        placed: Vec::new(),
        in_address: false,
    };
    let mut formatter = formatter(
        &instruction,
        output.hole(constants.displacement_offset()).is_some(),
    );
    formatter.format_all_operands(&instruction, &mut output);
    let mut mnemonic = String::new();
    formatter.format_mnemonic(&instruction, &mut mnemonic);
    let Output { pieces, placed, .. } = output;
    let implied = instruction.op1_kind() == OpKind::Immediate8 && !constants.has_immediate();
    Decoded {
        mnemonic: spelling(&instruction, mnemonic),
        operands: operands(&instruction, implied, pieces),
        flow: flow(&instruction),
        target: target(&instruction),
        stack: stack(&instruction),
        placed,
    }
}

fn formatter(instruction: &Instruction, zero: bool) -> GasFormatter {
    let mut formatter = GasFormatter::new();
    let options = formatter.options_mut();
    options.set_uppercase_hex(false);
    options.set_small_hex_numbers_in_decimal(false);
    options.set_space_after_operand_separator(true);
    options.set_branch_leading_zeros(false);
    options.set_show_branch_size(false);
    options.set_rip_relative_addresses(true);
    options.set_gas_show_mnemonic_size_suffix(true);
    // A number of 16 or 32 bits is printed as it is encoded, and one that is extended with its sign.
    let unsigned = (0..instruction.op_count()).any(|operand| {
        matches!(
            instruction.op_kind(operand),
            OpKind::Immediate16 | OpKind::Immediate32
        )
    });
    options.set_signed_immediate_operands(!unsigned);
    // A hole needs a place.
    options.set_show_zero_displacements(zero);
    formatter
}

/// Collects the operands.
struct Output<'a> {
    at: &'a At<'a>,
    constants: ConstantOffsets,
    pieces: Vec<Piece>,
    placed: Vec<usize>,
    /// Whether the last piece is after a `(` that is not closed: numbers there are scales.
    in_address: bool,
}

impl Output<'_> {
    /// Returns the index and the name of the hole at that offset in the instruction. 0 stands for no such part.
    fn hole(&self, offset: usize) -> Option<(usize, String)> {
        let found = |(_, hole): &&(usize, &jit_stencils::Hole)| {
            offset > 0 && hole.offset == self.at.offset + offset
        };
        let (index, hole) = self.at.holes.iter().find(found)?;
        Some((*index, self.at.name(hole)))
    }
}

impl FormatterOutput for Output<'_> {
    fn write(&mut self, text: &str, _: FormatterTextKind) {
        if text.contains('(') {
            self.in_address = true;
        } else if text.contains(')') {
            self.in_address = false;
        }
        match self.pieces.last_mut() {
            Some(Piece::Text(last)) => last.push_str(text),
            _ => self.pieces.push(Piece::Text(text.to_owned())),
        }
    }

    fn write_number(
        &mut self,
        instruction: &Instruction,
        _operand: u32,
        instruction_operand: Option<u32>,
        text: &str,
        value: u64,
        _: NumberKind,
        kind: FormatterTextKind,
    ) {
        let is_memory = instruction_operand
            .is_some_and(|operand| instruction.op_kind(operand) == OpKind::Memory);
        let offset = match is_memory {
            true => self.constants.displacement_offset(),
            false => self.constants.immediate_offset(),
        };
        if matches!(
            kind,
            FormatterTextKind::LabelAddress | FormatterTextKind::FunctionAddress
        ) && let Some(target) = self.at.target(usize::try_from(value).ok())
        {
            self.placed
                .extend(self.hole(offset).map(|(index, _)| index));
            self.pieces.push(self.at.place(target, text));
            return;
        }
        match self.hole(offset) {
            Some((index, name)) if !self.in_address => {
                let omitted = is_memory
                    && value == 0
                    && (instruction.memory_base() != Register::None
                        || instruction.memory_index() != Register::None);
                self.pieces.push(Piece::Hole {
                    lead: "",
                    name,
                    encoded: match omitted {
                        true => String::new(),
                        false => text.to_owned(),
                    },
                });
                self.placed.push(index);
            }
            _ => self.write(text, kind),
        }
    }
}

/// Returns the mnemonic as LLVM spells it.
fn spelling(instruction: &Instruction, mnemonic: String) -> String {
    let from_register = instruction.op1_kind() == OpKind::Register;
    let without_size = match instruction.mnemonic() {
        Mnemonic::Fucomip => return "fucompi".to_owned(),
        Mnemonic::Fcomip => return "fcompi".to_owned(),
        Mnemonic::Fldcw | Mnemonic::Fnstcw | Mnemonic::Fnstsw => true,
        Mnemonic::Stmxcsr | Mnemonic::Ldmxcsr => true,
        Mnemonic::Loop | Mnemonic::Loope | Mnemonic::Loopne => true,
        // The register says the size.
        Mnemonic::Cvtsi2sd | Mnemonic::Cvtsi2ss => from_register,
        _ => mnemonic.starts_with("set"),
    };
    match mnemonic.strip_suffix(['b', 'w', 'l', 'q']) {
        Some(short) if without_size => short.to_owned(),
        _ => mnemonic,
    }
}

/// Adds and removes operands as LLVM does. `implied` means that an amount of 1 is not encoded, but said by the opcode.
fn operands(instruction: &Instruction, implied: bool, mut pieces: Vec<Piece>) -> Vec<Piece> {
    let mut add = |text: &str| pieces.push(Piece::Text(text.to_owned()));
    match instruction.mnemonic() {
        Mnemonic::Fxch if instruction.op1_register() == Register::ST1 => add("%st(1)"),
        // With two equal registers.
        Mnemonic::Imul
            if instruction.op_count() == 3
                && instruction.op0_register() == instruction.op1_register() =>
        {
            let register = format!("{:?}", instruction.op0_register());
            add(&format!(", %{}", register.to_lowercase()));
        }
        Mnemonic::Shl
        | Mnemonic::Shr
        | Mnemonic::Sar
        | Mnemonic::Rol
        | Mnemonic::Ror
        | Mnemonic::Rcl
        | Mnemonic::Rcr
            if implied =>
        {
            if let Some(Piece::Text(text)) = pieces.first_mut()
                && let Some(rest) = text.strip_prefix("$0x1, ")
            {
                *text = rest.to_owned();
            }
        }
        _ => {}
    }
    pieces
}

fn flow(instruction: &Instruction) -> Flow {
    match instruction.flow_control() {
        FlowControl::UnconditionalBranch => Flow::Jump,
        FlowControl::IndirectBranch => Flow::IndirectJump,
        FlowControl::ConditionalBranch | FlowControl::XbeginXabortXend => Flow::Branch,
        FlowControl::Return => Flow::Return,
        FlowControl::Call if instruction.mnemonic() == Mnemonic::Call => Flow::Call,
        FlowControl::IndirectCall => Flow::IndirectCall,
        FlowControl::Exception => Flow::Stop,
        FlowControl::Interrupt if instruction.code() == Code::Int3 => Flow::Stop,
        // __fastfail of Windows.
        FlowControl::Interrupt if instruction.immediate8() == 0x29 => Flow::Stop,
        _ if instruction.mnemonic() == Mnemonic::Hlt => Flow::Stop,
        _ => Flow::Next,
    }
}

fn target(instruction: &Instruction) -> Option<usize> {
    let is_near = matches!(
        instruction.op0_kind(),
        OpKind::NearBranch16 | OpKind::NearBranch32 | OpKind::NearBranch64
    );
    match is_near {
        true => usize::try_from(instruction.near_branch_target()).ok(),
        false => None,
    }
}

fn stack(instruction: &Instruction) -> Stack {
    match flow(instruction) {
        Flow::Next => {}
        _ => return Stack::None,
    }
    let mut factory = InstructionInfoFactory::new();
    let mut found = Stack::None;
    for memory in factory.info(instruction).used_memory() {
        if !matches!(memory.base(), Register::RSP | Register::ESP) {
            continue;
        }
        match memory.access() {
            OpAccess::Write
            | OpAccess::CondWrite
            | OpAccess::ReadWrite
            | OpAccess::ReadCondWrite => {
                return Stack::Store;
            }
            OpAccess::Read | OpAccess::CondRead => found = Stack::Load,
            _ => {}
        }
    }
    found
}
