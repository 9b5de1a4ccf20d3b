//! Registers for the values of a program, for stencils that are members of a [`Family`](crate::Family): a linear scan.
//!
//! A compiler describes each instruction by the values that it reads and writes, and gets a [`Location`] for each value: a
//! register for as long as the program runs, or the frame. That is good code where the values of a program are few, or few of
//! them are used in loops, and takes some tens of nanoseconds an instruction.
//!
//! ```
//! use jit_runtime::registers::{Allocator, Class, Step};
//! use jit_stencils::Location;
//!
//! // value 0 = 10; value 1 = 1; loop { value 2 = value 0 * value 1; value 1 = value 2; value 0 -= 1 }
//! let program = [
//!     Step { writes: &[0], ..Step::default() },
//!     Step { writes: &[1], ..Step::default() },
//!     Step { reads: &[0, 1], writes: &[2], ..Step::default() },
//!     Step { reads: &[2], writes: &[1], ..Step::default() },
//!     Step { reads: &[0], writes: &[0], targets: &[2], ..Step::default() },
//!     Step { reads: &[1], leaves: true, ..Step::default() },
//! ];
//! let locations = Allocator::new(2, 0).allocate(&program, &[Class::Reg; 3])?.to_vec();
//! // All three are needed in the loop. Value 2 is used least.
//! assert_eq!(locations, [Location::Reg(0), Location::Reg(1), Location::Mem]);
//! # Ok::<(), jit_runtime::registers::RegisterError>(())
//! ```

mod liveness;

use jit_stencils::Location;

use self::liveness::{Interval, Liveness};

/// What an instruction does with values.
#[derive(Debug, Clone, Copy, Default)]
pub struct Step<'s> {
    /// The values that it reads, before it writes any.
    pub reads: &'s [u32],
    /// The values that it writes.
    pub writes: &'s [u32],
    /// The instructions where the program may go on, beside the next one.
    pub targets: &'s [u32],
    /// Whether the program never goes on at the next instruction.
    pub leaves: bool,
    /// How many integer registers have a value afterwards, as `keeps` of the family says: the first ones. All have without
    /// this, and none of the registers for doubles has with it.
    pub keeps: Option<u8>,
}

/// The kind of registers that a value can be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Those for integers and pointers.
    Reg,
    /// Those for doubles.
    Vec,
}

/// Why a program has no registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// An instruction has a value that has no class.
    #[error("instruction {step} has value {value}, but there are classes of {values} values")]
    Value {
        /// The instruction.
        step: usize,
        /// The value.
        value: u32,
        /// The number of classes.
        values: usize,
    },
    /// An instruction goes to one that is not there.
    #[error("instruction {step} goes to instruction {target}, but there are {steps}")]
    Target {
        /// The instruction.
        step: usize,
        /// Where it goes.
        target: u32,
        /// The number of instructions.
        steps: usize,
    },
}

/// Gives registers to values. It keeps its memory from one program to the next.
#[derive(Debug, Default)]
pub struct Allocator {
    reg: u8,
    vec: u8,
    liveness: Liveness,
    locations: Vec<Location>,
    /// The values in the order in which their intervals start.
    order: Vec<u32>,
    /// The values that have a register at the moment.
    active: Vec<u32>,
}

/// The most registers of a kind: those that a [`Location`] of a stencil file can name.
const MOST: u8 = 64;

impl Allocator {
    /// Returns an allocator for so many registers for integers and for doubles, as the project's `[registers]` has. More than
    /// 64 of a kind are not used.
    pub fn new(reg: u8, vec: u8) -> Allocator {
        Allocator {
            reg: reg.min(MOST),
            vec: vec.min(MOST),
            ..Allocator::default()
        }
    }

    /// Returns the location of each value: one that it has from its first to its last use. Two values that are needed at the
    /// same time have different registers. Those in [`Location::Mem`] have 8 bytes of the frame each, at offsets that the
    /// compiler chooses. A value that is read before it is written is undefined there.
    ///
    /// # Errors
    ///
    /// [`RegisterError`] for a value without a class, or a target outside of the program.
    pub fn allocate(
        &mut self,
        program: &[Step<'_>],
        classes: &[Class],
    ) -> Result<&[Location], RegisterError> {
        self.liveness.analyze(program, classes.len())?;
        self.locations.clear();
        self.locations.resize(classes.len(), Location::Mem);
        self.active.clear();
        self.order.clear();
        let intervals = &self.liveness.intervals;
        let used = (0..)
            .zip(intervals)
            .filter(|(_, interval)| interval.is_used());
        self.order.extend(used.map(|(value, _)| value));
        let start = |value: &u32| {
            intervals
                .get(*value as usize)
                .map(|interval| interval.start)
        };
        self.order.sort_unstable_by_key(start);
        for index in 0..self.order.len() {
            let Some(&value) = self.order.get(index) else {
                break;
            };
            if let Some(class) = classes.get(value as usize) {
                self.place(value, *class);
            }
        }
        Ok(&self.locations)
    }

    /// Gives a value a register, if there is one that is not better used for others.
    fn place(&mut self, value: u32, class: Class) {
        let Some(interval) = self.interval(value) else {
            return;
        };
        let intervals = &self.liveness.intervals;
        self.active.retain(|other| {
            let end = intervals.get(*other as usize).map_or(0, |one| one.end);
            end >= interval.start
        });
        let usable = match class {
            Class::Reg => self.reg.min(interval.keeps),
            Class::Vec if interval.keeps < u8::MAX => 0,
            Class::Vec => self.vec,
        };
        let mut free = bits(usable);
        for other in &self.active {
            free &= !self.register(*other, class);
        }
        let hint = interval.hint.map_or(0, |hint| self.register(hint, class));
        let chosen = match free & hint {
            // The first ones are for values that calls have to leave alone.
            0 if interval.keeps == u8::MAX && self.liveness.has_calls => highest(free),
            0 => free & free.wrapping_neg(),
            both => both & both.wrapping_neg(),
        };
        if chosen != 0 {
            self.give(value, class, chosen.trailing_zeros());
            return;
        }
        // Whoever is used least goes to the frame.
        let weight = |value: u32| self.interval(value).map_or(0, |one| one.weight);
        let candidates = self.active.iter().copied();
        let candidates =
            candidates.filter(|other| self.register(*other, class) & bits(usable) != 0);
        let least = candidates.min_by_key(|other| weight(*other));
        if let Some(other) = least.filter(|other| weight(*other) < interval.weight) {
            let register = self.register(other, class);
            if let Some(location) = self.locations.get_mut(other as usize) {
                *location = Location::Mem;
            }
            self.active.retain(|active| *active != other);
            self.give(value, class, register.trailing_zeros());
        }
    }

    fn interval(&self, value: u32) -> Option<Interval> {
        self.liveness.intervals.get(value as usize).copied()
    }

    /// Returns the bit of the register that a value has, if it is of this class.
    fn register(&self, value: u32, class: Class) -> u64 {
        match (self.locations.get(value as usize), class) {
            (Some(Location::Reg(number)), Class::Reg)
            | (Some(Location::Vec(number)), Class::Vec) => 1 << number,
            _ => 0,
        }
    }

    fn give(&mut self, value: u32, class: Class, register: u32) {
        let register = register as u8;
        if let Some(location) = self.locations.get_mut(value as usize) {
            *location = match class {
                Class::Reg => Location::Reg(register),
                Class::Vec => Location::Vec(register),
            };
            self.active.push(value);
        }
    }
}

/// Returns the highest bit of a set, or nothing if it is empty.
fn highest(set: u64) -> u64 {
    match set.checked_ilog2() {
        Some(bit) => 1 << bit,
        None => 0,
    }
}

/// Returns so many bits, the lowest ones.
fn bits(count: u8) -> u64 {
    match count {
        0 => 0,
        _ => u64::MAX >> (64 - u32::from(count.min(64))),
    }
}
