//! The passes that do not depend on the instruction set.

use std::borrow::Cow;

use crate::OptimizeError;
use crate::cfg::{BlockId, Graph, PerBlock};
use crate::parse::{Branch, Instruction, Operation, Reach, Syntax};

impl<'a> Graph<'a> {
    /// Mark the blocks that can reach the last one, and with it the next micro-op
    /// (`_mark_hot_blocks`).
    pub(crate) fn mark_hot_blocks(&mut self) {
        let mut predecessors: PerBlock<Vec<BlockId>> = PerBlock::new(self);
        let mut last = Graph::ROOT;
        for id in self.linked() {
            for successor in self[id].successors() {
                predecessors[successor].push(id);
            }
            last = id;
        }
        let mut todo = vec![last];
        while let Some(id) = todo.pop() {
            self[id].hot = true;
            let cold = predecessors[id].iter().filter(|&&id| !self[id].hot);
            todo.extend(cold.copied());
        }
    }

    /// Turn a branch to hot code that is followed by a jump to cold code around
    /// (`_invert_hot_branches`), so that the jump to hot code can become a fall-through:
    ///
    /// ```text
    /// je  HOT         jne COLD
    /// jmp COLD        jmp HOT
    /// ```
    pub(crate) fn invert_hot_branches(&mut self, syntax: &Syntax) -> Result<(), OptimizeError> {
        let mut predecessors: PerBlock<usize> = PerBlock::new(self);
        for id in self.linked() {
            for successor in self[id].successors() {
                predecessors[successor] += 1;
            }
        }
        let mut next = Some(Graph::ROOT);
        while let Some(id) = next {
            next = self[id].link;
            let Some((jump, hot, cold)) = self.jump_over(id, &predecessors) else {
                continue;
            };
            let Some(inverted) = self.inverted(id, cold, syntax)? else {
                continue;
            };
            for successor in self[id].successors().chain(self[jump].successors()) {
                predecessors[successor] -= 1;
            }
            if let Some(branch) = self[id].instructions.last_mut() {
                *branch = inverted;
            }
            let hot_label = self[hot].label;
            if let (Some(instruction), Some(label)) =
                (self[jump].instructions.last_mut(), hot_label)
            {
                instruction.retarget(label);
            }
            self[id].target = Some(cold);
            self[jump].target = Some(hot);
            self[jump].hot = true;
            for successor in self[id].successors().chain(self[jump].successors()) {
                predecessors[successor] += 1;
            }
        }
        Ok(())
    }

    /// If this block ends in a branch (or call) to hot code, and the only way to the jump to cold
    /// code behind it is falling through: the jump, the hot and the cold block.
    fn jump_over(
        &self,
        id: BlockId,
        predecessors: &PerBlock<usize>,
    ) -> Option<(BlockId, BlockId, BlockId)> {
        let hot = self[id].target?;
        let jump = self[id].fallthrough()?;
        if !self[hot].hot {
            return None;
        }
        let jump = self.resolve(jump);
        let cold = self[jump].target.filter(|_| self[jump].ends_flow)?;
        let only_way = predecessors[jump] == 1 && self[id].successors().any(|next| next == jump);
        let found = !self[cold].hot && self[jump].instructions.len() == 1 && only_way;
        found.then_some((jump, hot, cold))
    }

    /// The block's last instruction with its condition inverted and another target, if both is
    /// possible (`_invert_branch`).
    fn inverted(
        &self,
        id: BlockId,
        target: BlockId,
        syntax: &Syntax,
    ) -> Result<Option<Instruction<'a>>, OptimizeError> {
        let Some((last, label)) = self[id].instructions.last().zip(self[target].label) else {
            return Ok(None);
        };
        let Operation::Branch {
            branch,
            target: old_label,
        } = last.operation
        else {
            return Err(OptimizeError::CallBeforeColdJump {
                line: last.line,
                text: last.text.trim().to_owned(),
            });
        };
        let Some(inverse) = branch.inverse else {
            return Ok(None);
        };
        if branch.reach == Reach::Short && syntax.is_far_target(label) {
            return Ok(None);
        }
        // Every occurrence, and first the mnemonic: this is what upstream does.
        let text = last.text.replace(branch.mnemonic, inverse);
        Ok(Some(Instruction {
            text: Cow::Owned(text.replace(old_label, label)),
            line: last.line,
            operation: Operation::Branch {
                branch: Branch {
                    mnemonic: inverse,
                    inverse: Some(branch.mnemonic),
                    reach: branch.reach,
                },
                target: label,
            },
        }))
    }

    /// Remove jumps and branches to the code that follows, and shorten the way through blocks that
    /// only jump on (`_remove_redundant_jumps`).
    pub(crate) fn remove_redundant_jumps(&mut self, syntax: &Syntax) {
        let mut shortcuts = PerBlock::new(self);
        let mut next = Some(Graph::ROOT);
        while let Some(id) = next {
            next = self[id].link;
            let Some(target) = self[id].target else {
                continue;
            };
            let target = self.resolve_by(&mut shortcuts, target);
            let last = self[id].instructions.last().map(|last| last.operation);
            if next.is_some_and(|next| self.resolve_by(&mut shortcuts, next) == target) {
                // Upstream deletes calls, too, but the callee runs twice: called, then fallen into.
                if !matches!(last, Some(Operation::Call { .. })) {
                    let block = &mut self[id];
                    block.target = None;
                    block.ends_flow = false;
                    block.instructions.pop();
                }
                continue;
            }
            let [
                Instruction {
                    operation: Operation::Jump { target: label },
                    ..
                },
            ] = *self[target].instructions
            else {
                continue;
            };
            let short = matches!(last, Some(Operation::Branch { branch, .. }) if branch.reach == Reach::Short);
            if short && syntax.is_far_target(label) {
                continue;
            }
            self[id].target = self[target].target;
            if let Some(last) = self[id].instructions.last_mut() {
                last.retarget(label);
            }
        }
    }

    /// [`resolve`](Graph::resolve), but no run of empty blocks is walked twice. The shortcuts lead
    /// past blocks that were empty; they hold for as long as no link changes and no empty block is
    /// filled.
    fn resolve_by(&self, shortcuts: &mut PerBlock<Option<BlockId>>, id: BlockId) -> BlockId {
        let step = |shortcuts: &PerBlock<Option<BlockId>>, at: BlockId| {
            let next = shortcuts[at].or(self[at].link);
            next.filter(|_| self[at].instructions.is_empty())
        };
        let mut end = id;
        while let Some(next) = step(shortcuts, end) {
            end = next;
        }
        let mut at = id;
        while at != end {
            let next = step(shortcuts, at).unwrap_or(end);
            shortcuts[at] = Some(end);
            at = next;
        }
        end
    }

    /// Unlink the blocks that no global label reaches (`_remove_unreachable`), but keep what comes
    /// after the continuation: data and metadata.
    pub(crate) fn remove_unreachable(&mut self, continuation: BlockId) {
        let mut live: PerBlock<bool> = PerBlock::new(self);
        let mut todo: Vec<BlockId> = self.linked().filter(|&id| self.is_global(id)).collect();
        while let Some(id) = todo.pop() {
            if !std::mem::replace(&mut live[id], true) {
                todo.extend(self[id].successors());
            }
        }
        // The first block always stays.
        let mut previous = Graph::ROOT;
        let mut next = self[previous].link;
        while let Some(id) = next.filter(|&id| id != continuation) {
            next = self[id].link;
            if live[id] {
                previous = id;
            } else {
                self[previous].link = next;
            }
        }
    }
}
