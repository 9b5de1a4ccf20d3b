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
    /// By instruction: the number of its block.
    numbers: Vec<u32>,
    /// The blocks before each block, in one list, and where those of each block start.
    before: Grouped,
    /// The blocks that need a value from before, and those that write it, by value.
    needs: Grouped,
    writes: Grouped,
    /// By block: the last value that was found to be needed, or is written there. 0 is none.
    visited: Vec<u32>,
    defined: Vec<u32>,
    work: Vec<u32>,
}

/// Lists of blocks, one for each block or value.
#[derive(Debug, Default)]
struct Grouped {
    pairs: Vec<(u32, u32)>,
    starts: Vec<u32>,
    items: Vec<u32>,
}

impl Grouped {
    /// Sorts the pairs into `count` groups.
    fn group(&mut self, count: usize) {
        self.starts.clear();
        self.starts.resize(count + 1, 0);
        for (group, _) in &self.pairs {
            if let Some(start) = self.starts.get_mut(*group as usize + 1) {
                *start += 1;
            }
        }
        let mut sum = 0;
        for start in &mut self.starts {
            sum += *start;
            *start = sum;
        }
        self.items.clear();
        self.items.resize(self.pairs.len(), 0);
        for (group, item) in self.pairs.drain(..) {
            if let Some(start) = self.starts.get_mut(group as usize) {
                if let Some(place) = self.items.get_mut(*start as usize) {
                    *place = item;
                }
                *start += 1;
            }
        }
    }

    /// Returns a group. Each group starts where the one before it ends.
    fn of(&self, group: usize) -> &[u32] {
        let start = match group.checked_sub(1) {
            None => 0,
            Some(before) => self.starts.get(before).copied().unwrap_or(0),
        };
        let end = self.starts.get(group).copied().unwrap_or(start);
        self.items
            .get(start as usize..end as usize)
            .unwrap_or_default()
    }
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
        self.find_edges(program);
        self.find_uses(program, values);
        self.extend(program);
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
            let unknown = |value: &&u32| **value as usize >= values;
            let read = step.reads.iter().find(unknown);
            if let Some(&value) = read.or_else(|| step.writes.iter().find(unknown)) {
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

    /// Finds the blocks before each block.
    fn find_edges(&mut self, program: &[Step<'_>]) {
        self.before.pairs.clear();
        for (block, number) in (0..self.blocks.len()).zip(0_u32..) {
            let next = self.blocks.get(block + 1).copied();
            let end = next.map_or(program.len(), |next| next as usize);
            let Some(last) = end.checked_sub(1).and_then(|last| program.get(last)) else {
                continue;
            };
            let next = next.filter(|_| !last.leaves);
            for target in last.targets.iter().copied().chain(next) {
                let target = self.numbers.get(target as usize).copied().unwrap_or(0);
                self.before.pairs.push((target, number));
            }
        }
        self.before.group(self.blocks.len());
    }

    /// Finds the blocks that need or write each value, and how often it is used.
    fn find_uses(&mut self, program: &[Step<'_>], values: usize) {
        self.needs.pairs.clear();
        self.writes.pairs.clear();
        // By value: the last block that needs it, and the last one that writes it, counted from 1.
        self.visited.clear();
        self.visited.resize(values, 0);
        self.defined.clear();
        self.defined.resize(values, 0);
        for (index, step) in program.iter().enumerate() {
            let block = self.numbers.get(index).copied().unwrap_or(0);
            let depth = self.depths.get(index).copied().unwrap_or(0);
            let weight = 1_u32 << (3 * depth.clamp(0, 6));
            let position = 2 * index as u32;
            for &value in step.reads {
                let is_written = self.defined.get(value as usize) == Some(&(block + 1));
                if let Some(needed) = self.visited.get_mut(value as usize)
                    && !is_written
                    && *needed != block + 1
                {
                    *needed = block + 1;
                    self.needs.pairs.push((value, block));
                }
                self.note(value, position, weight);
            }
            let hint = step.reads.first().copied();
            for &value in step.writes {
                if let Some(written) = self.defined.get_mut(value as usize)
                    && *written != block + 1
                {
                    *written = block + 1;
                    self.writes.pairs.push((value, block));
                }
                if let Some(interval) = self.intervals.get_mut(value as usize)
                    && !interval.is_used()
                {
                    interval.hint = hint;
                }
                self.note(value, position + 1, weight);
            }
        }
        self.needs.group(values);
        self.writes.group(values);
    }

    fn note(&mut self, value: u32, position: u32, weight: u32) {
        if let Some(interval) = self.intervals.get_mut(value as usize) {
            interval.include(position);
            interval.weight = interval.weight.saturating_add(weight);
        }
    }

    /// Extends intervals to all blocks where a value is needed later: from each block that needs it back to those that write it.
    fn extend(&mut self, program: &[Step<'_>]) {
        let blocks = self.blocks.len();
        for marks in [&mut self.visited, &mut self.defined] {
            marks.clear();
            marks.resize(blocks, 0);
        }
        for (value, interval) in self.intervals.iter_mut().enumerate() {
            let needs = self.needs.of(value);
            if needs.is_empty() {
                continue;
            }
            let mark = value as u32 + 1;
            for block in self.writes.of(value) {
                if let Some(defined) = self.defined.get_mut(*block as usize) {
                    *defined = mark;
                }
            }
            self.work.clear();
            self.work.extend_from_slice(needs);
            while let Some(block) = self.work.pop() {
                let block = block as usize;
                match self.visited.get_mut(block) {
                    Some(visited) if *visited != mark => *visited = mark,
                    _ => continue,
                }
                let first = self.blocks.get(block).copied().unwrap_or(0);
                interval.include(2 * first);
                for &before in self.before.of(block) {
                    let next = self.blocks.get(before as usize + 1).copied();
                    let next = next.unwrap_or(program.len() as u32);
                    interval.include((2 * next).saturating_sub(1));
                    if self.defined.get(before as usize) != Some(&mark) {
                        self.work.push(before);
                    }
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
