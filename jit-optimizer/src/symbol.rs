//! The symbols that stand for values of an instruction.

use std::fmt;

/// A value of an instruction. Its symbol stands for it in C.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Symbol {
    Oparg,
    Target,
    Operand0,
    Operand1,
    /// An operand with a number.
    Operand {
        number: u16,
        /// How many bits it has at most.
        bits: u8,
    },
}

impl Symbol {
    /// Finds the value that a symbol of C stands for. `operands` has the bits of operands with numbers, and 0 for those
    /// that are not known.
    pub(crate) fn named(name: &str, operands: &[u8]) -> Option<Symbol> {
        match name.strip_prefix("_JIT_")? {
            "OPARG" => Some(Symbol::Oparg),
            "TARGET" => Some(Symbol::Target),
            "OPERAND0" => Some(Symbol::Operand0),
            "OPERAND1" => Some(Symbol::Operand1),
            other => {
                let number: u16 = other.strip_prefix("OPERAND_")?.parse().ok()?;
                let known = operands.get(usize::from(number)).copied();
                let bits = known.filter(|bits| *bits > 0).unwrap_or(64);
                let symbol = Symbol::Operand { number, bits };
                // Numbers are written in one way only.
                (symbol.to_string() == name).then_some(symbol)
            }
        }
    }

    /// Returns the greatest value that it can have. CPython's `_PyUOpInstruction` has an oparg of 16 bits and
    /// a target of 32.
    pub(crate) fn most(self) -> u64 {
        match self {
            Symbol::Oparg => u16::MAX.into(),
            Symbol::Target => u32::MAX.into(),
            Symbol::Operand0 | Symbol::Operand1 => u64::MAX,
            Symbol::Operand { bits, .. } => u64::MAX >> (64 - u32::from(bits.clamp(1, 64))),
        }
    }

    /// Returns the symbol for the lowest 32 bits, of a value that has more.
    pub(crate) fn low(self) -> Option<String> {
        (self.most() > u32::MAX.into()).then(|| format!("{self}_LO"))
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Symbol::Oparg => f.write_str("_JIT_OPARG"),
            Symbol::Target => f.write_str("_JIT_TARGET"),
            Symbol::Operand0 => f.write_str("_JIT_OPERAND0"),
            Symbol::Operand1 => f.write_str("_JIT_OPERAND1"),
            Symbol::Operand { number, .. } => write!(f, "_JIT_OPERAND_{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_symbols() {
        let operand = |number, bits| Symbol::Operand { number, bits };
        for symbol in [
            Symbol::Oparg,
            Symbol::Operand1,
            operand(12, 64),
            operand(1, 16),
            operand(0, 64),
        ] {
            assert_eq!(Symbol::named(&symbol.to_string(), &[0, 16]), Some(symbol));
        }
        for name in [
            "_JIT_OPARG_16",
            "_JIT_OPERAND_01",
            "_JIT_OPERAND_",
            "OPARG",
            "_JIT_PLACE_0",
        ] {
            assert_eq!(Symbol::named(name, &[]), None, "{name}");
        }
    }
}
