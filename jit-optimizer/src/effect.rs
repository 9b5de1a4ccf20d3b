//! What instructions do with addresses of symbols in registers.

/// A set of general registers, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Registers(u32);

impl Registers {
    pub(crate) const NONE: Registers = Registers(0);
    pub(crate) const ALL: Registers = Registers(u32::MAX);
    /// The length of a table with an item for each register.
    pub(crate) const COUNT: usize = 32;

    pub(crate) fn one(register: usize) -> Registers {
        Registers(1 << register)
    }

    pub(crate) fn has(self, register: usize) -> bool {
        self.0 & 1 << register != 0
    }

    /// Returns whether there is a register in both.
    pub(crate) fn meets(self, other: Registers) -> bool {
        self.0 & other.0 != 0
    }

    pub(crate) fn and(self, other: Registers) -> Registers {
        Registers(self.0 | other.0)
    }

    pub(crate) fn without(self, other: Registers) -> Registers {
        Registers(self.0 & !other.0)
    }
}

/// Which parts of a symbol's address a register holds: a bit for each of the four 16-bit parts, or one of
/// the pages that another instruction completes.
pub(crate) type Parts = u8;

/// The whole address.
pub(crate) const WHOLE: Parts = 0b1111;
/// The page of the symbol's slot in the GOT.
pub(crate) const SLOT_PAGE: Parts = 0b1_0000;
/// The page of the symbol itself.
pub(crate) const PAGE: Parts = 0b10_0000;

/// What an instruction does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect<'a> {
    /// Puts a symbol's address, or a part of it, into a register, and writes no other.
    Address {
        to: usize,
        symbol: &'a str,
        /// A register that must hold other parts of the same address, and which.
        from: Option<(usize, Parts)>,
        /// What the register holds afterwards.
        parts: Parts,
    },
    /// Copies all of a register, and writes no other.
    Copy { from: usize, to: usize },
    /// Jumps to the address in a register.
    JumpTo { register: usize },
    /// Calls the address in a register.
    CallTo { register: usize },
    /// Jumps to the address in the GOT slot of a symbol.
    JumpThroughSlot { symbol: &'a str },
    /// Does anything else.
    Other {
        /// The registers that it may read.
        reads: Registers,
        /// The registers that it may write.
        writes: Registers,
        /// The registers that it writes all bits of, whatever they held.
        replaces: Registers,
    },
}

impl Effect<'_> {
    /// An instruction that may read and write any register.
    pub(crate) const UNKNOWN: Effect<'static> = Effect::Other {
        reads: Registers::ALL,
        writes: Registers::ALL,
        replaces: Registers::NONE,
    };
}
