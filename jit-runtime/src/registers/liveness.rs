//! Where values are needed.

use super::{RegisterError, Step};

/// From where to where a value is needed, as one range.
///
/// Instruction `i` reads at position `2 * i` and writes at `2 * i + 1`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Interval {
    pub(super) start: u32,
    /// The last position, which is a part of it.
    pub(super) end: u32,
    /// How often it is used: 8 times as often for each loop around.
    pub(super) weight: u32,
    /// How many registers all instructions in between keep.
    pub(super) keeps: u8,
    /// A value that is read where this one is written first.
    pub(super) hint: Option<u32>,
}

const UNUSED: Interval = Interval {
    start: u32::MAX,
    end: 0,
    weight: 0,
    keeps: u8::MAX,
    hint: None,
};

impl Interval {
    pub(super) fn is_used(&self) -> bool {
        self.start <= self.end
    }

    fn include(&mut self, position: u32) {
        self.start = self.start.min(position);
        self.end = self.end.max(position);
    }
}

/// What is known of the values of a program.
#[derive(Debug, Default)]
pub(super) struct Liveness {
    pub(super) intervals: Vec<Interval>,
    /// Whether any instruction does not keep all registers.
    pub(super) has_calls: bool,
    /// By instruction: whether a basic block starts there, and in how many loops it is.
    starts: Vec<bool>,
    depths: Vec<i32>,
    /// The basic blocks: their first instructions.
    blocks: Vec<u32>,
    /// By instruction that starts a block: the number of the block.
    numbers: Vec<u32>,
    /// Sets of values, one for each block: those that are needed at its start, and those that it writes.
    needed: Vec<u64>,
    written: Vec<u64>,
    /// The set of values that are needed at the end of a block.
    after: Vec<u64>,
}

impl Liveness {
    pub(super) fn analyze(
        &mut self,
        program: &[Step<'_>],
        values: usize,
    ) -> Result<(), RegisterError> {
        self.intervals.clear();
        self.intervals.resize(values, UNUSED);
        self.find_blocks(program, values)?;
        let words = values.div_ceil(64);
        self.find_uses(program, words);
        self.solve(program, words);
        self.extend(program, words);
        self.cross_calls(program);
        Ok(())
    }

    /// Divides the program into blocks, and counts the loops around each instruction.
    fn find_blocks(&mut self, program: &[Step<'_>], values: usize) -> Result<(), RegisterError> {
        self.starts.clear();
        self.starts.resize(program.len() + 1, false);
        self.depths.clear();
        self.depths.resize(program.len() + 1, 0);
        self.has_calls = false;
        for (index, step) in program.iter().enumerate() {
            let mut used = step.reads.iter().chain(step.writes);
            if let Some(&value) = used.find(|value| **value as usize >= values) {
                return Err(RegisterError::Value {
                    step: index,
                    value,
                    values,
                });
            }
            self.has_calls |= step.keeps.is_some();
            for &target in step.targets {
                let place = target as usize;
                if place >= program.len() {
                    return Err(RegisterError::Target {
                        step: index,
                        target,
                        steps: program.len(),
                    });
                }
                self.mark(place);
                if place <= index {
                    self.nest(place, 1);
                    self.nest(index + 1, -1);
                }
            }
            if step.leaves || !step.targets.is_empty() {
                self.mark(index + 1);
            }
        }
        self.mark(0);
        self.blocks.clear();
        self.numbers.clear();
        for (index, is_start) in (0..).zip(self.starts.iter().take(program.len())) {
            if *is_start {
                self.blocks.push(index);
            }
            self.numbers
                .push(self.blocks.len().saturating_sub(1) as u32);
        }
        let mut depth = 0;
        for change in &mut self.depths {
            depth += *change;
            *change = depth;
        }
        Ok(())
    }

    fn mark(&mut self, instruction: usize) {
        if let Some(start) = self.starts.get_mut(instruction) {
            *start = true;
        }
    }

    fn nest(&mut self, instruction: usize, change: i32) {
        if let Some(depth) = self.depths.get_mut(instruction) {
            *depth += change;
        }
    }

    /// Finds the values that each block needs or writes, and how often each value is used.
    fn find_uses(&mut self, program: &[Step<'_>], words: usize) {
        let size = self.blocks.len() * words;
        for set in [&mut self.needed, &mut self.written] {
            set.clear();
            set.resize(size, 0);
        }
        for (index, step) in program.iter().enumerate() {
            let block = self.numbers.get(index).copied().unwrap_or(0) as usize * words;
            let depth = self.depths.get(index).copied().unwrap_or(0);
            let weight = 1_u32 << (3 * depth.clamp(0, 6));
            let position = 2 * index as u32;
            for &value in step.reads {
                let (word, bit) = (block + value as usize / 64, 1 << (value % 64));
                let is_written = self.written.get(word).is_some_and(|set| set & bit != 0);
                if let (false, Some(set)) = (is_written, self.needed.get_mut(word)) {
                    *set |= bit;
                }
                self.note(value, position, weight);
            }
            let hint = step.reads.first().copied();
            for &value in step.writes {
                let (word, bit) = (block + value as usize / 64, 1 << (value % 64));
                if let Some(set) = self.written.get_mut(word) {
                    *set |= bit;
                }
                if let Some(interval) = self.intervals.get_mut(value as usize)
                    && !interval.is_used()
                {
                    interval.hint = hint;
                }
                self.note(value, position + 1, weight);
            }
        }
    }

    fn note(&mut self, value: u32, position: u32, weight: u32) {
        if let Some(interval) = self.intervals.get_mut(value as usize) {
            interval.include(position);
            interval.weight = interval.weight.saturating_add(weight);
        }
    }

    /// Adds to what blocks need what those after them need, until nothing changes.
    fn solve(&mut self, program: &[Step<'_>], words: usize) {
        if self.blocks.len() < 2 {
            return;
        }
        let mut changes = true;
        while changes {
            changes = false;
            for block in (0..self.blocks.len()).rev() {
                self.after_block(program, block, words);
                let start = block * words;
                let needed = self.needed.get_mut(start..start + words);
                let written = self.written.get(start..start + words);
                let (Some(needed), Some(written)) = (needed, written) else {
                    continue;
                };
                for ((needed, written), after) in needed.iter_mut().zip(written).zip(&self.after) {
                    let more = *needed | (after & !written);
                    changes |= more != *needed;
                    *needed = more;
                }
            }
        }
    }

    /// Puts what is needed at the end of a block into `after`.
    fn after_block(&mut self, program: &[Step<'_>], block: usize, words: usize) {
        self.after.clear();
        self.after.resize(words, 0);
        let next = self.blocks.get(block + 1).copied();
        let last = next
            .map_or(program.len(), |next| next as usize)
            .wrapping_sub(1);
        let Some(step) = program.get(last) else {
            return;
        };
        let targets = step.targets.iter().copied();
        let next = next.filter(|_| !step.leaves);
        for target in targets.chain(next) {
            let number = self.numbers.get(target as usize).copied().unwrap_or(0);
            let start = number as usize * words;
            let needed = self.needed.get(start..start + words).unwrap_or_default();
            for (after, needed) in self.after.iter_mut().zip(needed) {
                *after |= needed;
            }
        }
    }

    /// Extends intervals to the ends of blocks where values are needed there.
    fn extend(&mut self, program: &[Step<'_>], words: usize) {
        if self.blocks.len() < 2 {
            return;
        }
        for block in 0..self.blocks.len() {
            let first = self.blocks.get(block).copied().unwrap_or(0);
            let next = self.blocks.get(block + 1).copied();
            let next = next.unwrap_or(program.len() as u32);
            let start = block * words;
            let needed = self.needed.get(start..start + words).unwrap_or_default();
            for value in members(needed) {
                if let Some(interval) = self.intervals.get_mut(value) {
                    interval.include(2 * first);
                }
            }
            self.after_block(program, block, words);
            for value in members(&self.after) {
                if let Some(interval) = self.intervals.get_mut(value) {
                    interval.include((2 * next).saturating_sub(1));
                }
            }
        }
    }

    /// Notes which values are needed on both sides of an instruction that does not keep all registers.
    fn cross_calls(&mut self, program: &[Step<'_>]) {
        if !self.has_calls {
            return;
        }
        for (index, step) in (0..).zip(program) {
            let Some(keeps) = step.keeps else { continue };
            let (before, after) = (2 * index, 2 * index + 1);
            for interval in &mut self.intervals {
                if interval.start <= before && interval.end >= after {
                    interval.keeps = interval.keeps.min(keeps);
                }
            }
        }
    }
}

/// Returns the values in a set.
fn members(set: &[u64]) -> impl Iterator<Item = usize> {
    set.iter().enumerate().flat_map(|(index, word)| {
        let mut rest = *word;
        std::iter::from_fn(move || {
            let bit = (rest != 0).then(|| rest.trailing_zeros() as usize)?;
            rest &= rest - 1;
            Some(64 * index + bit)
        })
    })
}
