//! What stencils take from their instructions.

use jit_stencils::{HoleValue, StencilGroup};

use crate::{arch::Problem, error::StencilError};

/// What all stencils of a set take together.
#[derive(Debug, Default)]
pub(super) struct Interfaces {
    /// How many operands they have by number at most.
    pub(super) operands: usize,
    /// How many targets they have by number at most.
    pub(super) targets: usize,
    /// The first stencil that takes something, by opcode, and a value that it takes.
    pub(super) first: Option<(usize, HoleValue)>,
}

/// Checks that the stencils take values of one kind only: with numbers, or those that CPython's instructions
/// have.
pub(super) fn interfaces(groups: &[(String, StencilGroup)]) -> Result<Interfaces, StencilError> {
    let mut all = Interfaces::default();
    for (opcode, (uop, group)) in groups.iter().enumerate() {
        let bits = group.interface.operands.iter().enumerate();
        if let Some((operand, bits)) = bits.into_iter().find(|(_, bits)| **bits > 64) {
            return Err(StencilError::Interface {
                uop: uop.clone(),
                operand,
                bits: *bits,
            });
        }
        for value in values(group) {
            match number_of(value) {
                Some(Number::Operand(number)) => {
                    all.operands = all.operands.max(usize::from(number) + 1);
                }
                Some(Number::Target(number)) => {
                    all.targets = all.targets.max(usize::from(number) + 1);
                }
                None => {}
            }
            let (first, other_value) = *all.first.get_or_insert((opcode, value));
            if value.is_general() != other_value.is_general() {
                return Err(StencilError::MixedValues {
                    uop: uop.clone(),
                    value,
                    other: groups
                        .get(first)
                        .map(|(name, _)| name.clone())
                        .unwrap_or_default(),
                    other_value,
                });
            }
        }
    }
    Ok(all)
}

/// Returns the values that the holes of a stencil take from its instruction.
pub(super) fn values(group: &StencilGroup) -> impl Iterator<Item = HoleValue> + '_ {
    let holes = group.code.holes.iter().chain(&group.data.holes);
    let bases = holes
        .filter(|hole| !hole.void)
        .filter_map(|hole| hole.value.base());
    bases.filter(|base| base.is_general() || base.is_of_cpython())
}

/// Checks that a stencil's interface has the value of one of its holes.
pub(super) fn check_value(group: &StencilGroup, base: HoleValue) -> Result<(), Problem> {
    if base.is_of_cpython_3_14() {
        return Err(format!(
            "only CPython 3.14's Python/jit.c can fill in {base}: link stencils of a later release"
        ));
    }
    let interface = &group.interface;
    let known = match number_of(base) {
        None => true,
        Some(Number::Operand(number)) => {
            let bits = interface.operands.get(usize::from(number));
            bits.is_some_and(|bits| *bits != 0)
        }
        Some(Number::Target(number)) => number < interface.targets,
    };
    known
        .then_some(())
        .ok_or_else(|| format!("the stencil's interface does not have {base}"))
}

/// The number of a value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Number {
    /// The number of an operand. Both halves of an operand have its number.
    Operand(u16),
    /// The number of a target.
    Target(u16),
}

/// Returns the number of a base, if it has one.
pub(super) const fn number_of(base: HoleValue) -> Option<Number> {
    match base {
        HoleValue::Operand(number)
        | HoleValue::OperandHigh(number)
        | HoleValue::OperandLow(number) => Some(Number::Operand(number)),
        HoleValue::Place(number) => Some(Number::Target(number)),
        HoleValue::Code
        | HoleValue::Data
        | HoleValue::Got
        | HoleValue::Oparg
        | HoleValue::Oparg16
        | HoleValue::Operand0
        | HoleValue::Operand0Hi
        | HoleValue::Operand0Lo
        | HoleValue::Operand0_16
        | HoleValue::Operand0_32
        | HoleValue::Operand1
        | HoleValue::Operand1Hi
        | HoleValue::Operand1Lo
        | HoleValue::Operand1_16
        | HoleValue::Operand1_32
        | HoleValue::Target
        | HoleValue::JumpTarget
        | HoleValue::ErrorTarget
        | HoleValue::Continue
        | HoleValue::Executor
        | HoleValue::Zero => None,
    }
}
