//! The same stencils with operands and targets by number: the images of their instructions must be those that
//! C links of the micro-ops.

use jit_runtime::{Instruction, LayoutPolicy, LinkError, Linker, Stencils, Symbols, Uop};
use jit_stencils::{HoleValue, Interface, PatchValue, StencilSet};

/// The numbers that the values of a micro-op get. Some are not in use, as in any set of stencils.
const OPARG: u16 = 3;
const TARGET: u16 = 1;
const OPERANDS: [u16; 2] = [4, 0];
const JUMP_TARGET: u16 = 2;
const ERROR_TARGET: u16 = 0;

/// Returns the set with numbered values.
pub(crate) fn numbered(set: &StencilSet) -> StencilSet {
    let mut set = set.clone();
    for (_, group) in &mut set.groups {
        for hole in group.code.holes.iter_mut().chain(&mut group.data.holes) {
            if let PatchValue::Address { base, .. } = &mut hole.value {
                *base = number(*base);
            }
        }
        group.interface = Interface {
            operands: vec![64, 32, 0, 16, 64],
            targets: 3,
        };
    }
    set
}

fn number(base: HoleValue) -> HoleValue {
    let [first, second] = OPERANDS;
    match base {
        HoleValue::Oparg | HoleValue::Oparg16 => HoleValue::Operand(OPARG),
        HoleValue::Target => HoleValue::Operand(TARGET),
        HoleValue::Operand0 | HoleValue::Operand0_16 | HoleValue::Operand0_32 => {
            HoleValue::Operand(first)
        }
        HoleValue::Operand0Hi => HoleValue::OperandHigh(first),
        HoleValue::Operand0Lo => HoleValue::OperandLow(first),
        HoleValue::Operand1 | HoleValue::Operand1_16 | HoleValue::Operand1_32 => {
            HoleValue::Operand(second)
        }
        HoleValue::Operand1Hi => HoleValue::OperandHigh(second),
        HoleValue::Operand1Lo => HoleValue::OperandLow(second),
        HoleValue::JumpTarget => HoleValue::Place(JUMP_TARGET),
        HoleValue::ErrorTarget => HoleValue::Place(ERROR_TARGET),
        HoleValue::Code | HoleValue::Data | HoleValue::Zero | HoleValue::Got => base,
        HoleValue::Operand(_)
        | HoleValue::OperandHigh(_)
        | HoleValue::OperandLow(_)
        | HoleValue::Place(_) => panic!("{base} is numbered already"),
        HoleValue::Continue | HoleValue::Executor => panic!("{base} is of another release"),
    }
}

/// Returns the operands and targets of a micro-op, by number. Those without a use have no meaning.
fn values(uop: &Uop) -> ([u64; 5], [u32; 3]) {
    let mut operands = [u64::MAX; 5];
    operands[usize::from(OPARG)] = uop.oparg.into();
    operands[usize::from(TARGET)] = uop.target.into();
    for (number, operand) in OPERANDS.into_iter().zip(uop.operand) {
        operands[usize::from(number)] = operand;
    }
    let mut targets = [u32::MAX; 3];
    targets[usize::from(JUMP_TARGET)] = uop.jump_target.into();
    targets[usize::from(ERROR_TARGET)] = uop.error_target.into();
    (operands, targets)
}

/// Links a trace of micro-ops as instructions for numbered stencils.
pub(crate) fn link(
    stencils: &Stencils,
    policy: LayoutPolicy,
    trace: &[Uop],
    base: u64,
    symbols: &Symbols,
) -> Result<Vec<u8>, LinkError> {
    let values: Vec<_> = trace.iter().map(values).collect();
    let instructions = trace.iter().zip(&values);
    let instructions: Vec<_> = instructions
        .map(|(uop, (operands, targets))| Instruction {
            opcode: uop.opcode,
            operands,
            targets,
        })
        .collect();
    let mut linker = Linker::new(stencils, policy);
    let layout = linker.layout(&instructions)?;
    let mut image = vec![0xaa; layout.size()];
    linker.link(&layout, base, symbols, &mut image)?;
    Ok(image)
}
