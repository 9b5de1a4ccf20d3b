//! What is known of registers and of words on the stack at one point of a stencil.

use std::collections::BTreeMap;

use super::step::{COUNT, EAX, ECX, EDX, Step};

/// The size of the largest store, in bytes.
const WIDEST: i32 = 16;

/// What is known at one point.
///
/// A place on the stack is an offset in bytes from where the stack pointer was when the stencil was
/// entered. The arguments, and what else the caller has, are at places from 0 on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    /// The place that the stack pointer points to.
    pub(super) depth: i32,
    /// For each register, the place whose first value it holds.
    registers: [Option<i32>; COUNT],
    /// The same for each place that has been written to. Other places from 0 on hold their first
    /// value.
    words: BTreeMap<i32, Option<i32>>,
}

impl State {
    /// Returns what is known when a stencil is entered.
    pub(super) fn entry() -> State {
        State {
            depth: 0,
            registers: [None; COUNT],
            words: BTreeMap::new(),
        }
    }

    /// Returns the place at an offset from the stack pointer.
    fn place(&self, offset: i32) -> i32 {
        self.depth.saturating_add(offset)
    }

    /// Returns the place whose first value the word at a place holds.
    fn word(&self, place: i32) -> Option<i32> {
        let first = (place >= 0).then_some(place);
        self.words.get(&place).copied().unwrap_or(first)
    }

    /// Forgets what is at a place and in the bytes around it, after a store of that many bytes.
    fn forget(&mut self, place: i32, bytes: i32) {
        let around = place.saturating_sub(3)..place.saturating_add(bytes);
        for place in around {
            self.words.insert(place, None);
        }
    }

    /// Returns whether a step stores a value in a word of the caller's that holds it already.
    pub(super) fn is_needless(&self, step: Step) -> bool {
        let Step::Store { from, offset } = step else {
            return false;
        };
        let place = self.place(offset);
        let value = self.registers[from];
        place >= 0 && value.is_some() && value == self.word(place)
    }

    /// Changes this state to the one after a step.
    pub(super) fn apply(&mut self, step: Step) {
        match step {
            Step::Load { offset, to } => self.registers[to] = self.word(self.place(offset)),
            Step::Store { from, offset } => {
                let place = self.place(offset);
                let value = self.registers[from];
                self.forget(place, 4);
                self.words.insert(place, value);
            }
            Step::Copy { from, to } => self.registers[to] = self.registers[from],
            Step::Push => {
                self.depth = self.depth.saturating_sub(4);
                self.forget(self.depth, 4);
            }
            Step::Pop { to } => {
                self.registers[to] = None;
                self.depth = self.depth.saturating_add(4);
            }
            Step::Adjust { by } => self.depth = self.depth.saturating_add(by),
            // A function may write to the words of its arguments. These are at places below 0, and
            // a compiler neither reads them again nor leaves a value there that it still needs.
            Step::Call => {
                for register in [EAX, ECX, EDX] {
                    self.registers[register] = None;
                }
            }
            Step::Other { writes, offset } => {
                for (number, register) in self.registers.iter_mut().enumerate() {
                    if writes >> number & 1 != 0 {
                        *register = None;
                    }
                }
                if let Some(offset) = offset {
                    self.forget(self.place(offset), WIDEST);
                }
            }
            Step::Branch | Step::Leave => {}
        }
    }

    /// Returns what is known where control flow may come with either state, or `None` if the stack
    /// pointer is not the same in both.
    pub(super) fn meet(&self, other: &State) -> Option<State> {
        if self.depth != other.depth {
            return None;
        }
        let mut met = self.clone();
        for (mine, others) in met.registers.iter_mut().zip(&other.registers) {
            *mine = mine.filter(|value| Some(*value) == *others);
        }
        let places = self.words.keys().chain(other.words.keys());
        for place in places {
            let (mine, others) = (self.word(*place), other.word(*place));
            met.words.insert(*place, mine.filter(|_| mine == others));
        }
        Some(met)
    }
}
