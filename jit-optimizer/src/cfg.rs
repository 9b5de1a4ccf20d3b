//! The control-flow graph: basic blocks in an arena, linked in the order they are printed in.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::ops::{Index, IndexMut};

use crate::parse::{Instruction, Line, Operation, Syntax};
use crate::{Dialect, OptimizeError, aarch64, x86};

/// A basic block: an optional label, other lines that are no instructions, then instructions, of
/// which only the last may be a branch, jump, call or return.
#[derive(Debug, Default)]
pub(crate) struct Block<'a> {
    pub(crate) label: Option<&'a str>,
    /// Labels, directives and comments. They stand before the instructions.
    pub(crate) noninstructions: Vec<&'a str>,
    pub(crate) instructions: Vec<Instruction<'a>>,
    /// Where the last instruction goes, if it is a branch, jump or call.
    pub(crate) target: Option<BlockId>,
    /// The block that is printed next.
    pub(crate) link: Option<BlockId>,
    /// Whether control flow never goes on to the next block.
    pub(crate) ends_flow: bool,
    /// Whether the next micro-op can be reached from here.
    pub(crate) hot: bool,
}

impl Block<'_> {
    /// The next block, if control flow can fall through to it.
    pub(crate) fn fallthrough(&self) -> Option<BlockId> {
        self.link.filter(|_| !self.ends_flow)
    }

    /// The blocks that control flow can go to from here, each once.
    pub(crate) fn successors(&self) -> impl Iterator<Item = BlockId> + use<> {
        let target = self.target;
        let next = self.fallthrough().filter(|&next| target != Some(next));
        target.into_iter().chain(next)
    }
}

/// The number of a block in its [`Graph`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct BlockId(usize);

/// All blocks of a stencil. Those that are only jumped to, because they are elsewhere, are in the
/// arena but not linked.
#[derive(Debug)]
pub(crate) struct Graph<'a> {
    blocks: Vec<Block<'a>>,
    labels: HashMap<&'a str, BlockId>,
    globals: HashSet<&'a str>,
}

impl<'a> Index<BlockId> for Graph<'a> {
    type Output = Block<'a>;

    fn index(&self, id: BlockId) -> &Block<'a> {
        &self.blocks[id.0]
    }
}

impl<'a> IndexMut<BlockId> for Graph<'a> {
    fn index_mut(&mut self, id: BlockId) -> &mut Block<'a> {
        &mut self.blocks[id.0]
    }
}

/// A value for each block of a graph, linked or not.
#[derive(Debug)]
pub(crate) struct PerBlock<T>(Vec<T>);

impl<T: Clone + Default> PerBlock<T> {
    pub(crate) fn new(graph: &Graph<'_>) -> PerBlock<T> {
        PerBlock(vec![T::default(); graph.blocks.len()])
    }
}

impl<T> Index<BlockId> for PerBlock<T> {
    type Output = T;

    fn index(&self, id: BlockId) -> &T {
        &self.0[id.0]
    }
}

impl<T> IndexMut<BlockId> for PerBlock<T> {
    fn index_mut(&mut self, id: BlockId) -> &mut T {
        &mut self.0[id.0]
    }
}

impl<'a> Graph<'a> {
    /// The block that is printed first. It has no label, so it is not reached by any.
    pub(crate) const ROOT: BlockId = BlockId(0);

    /// Split lines into blocks (`__post_init__`).
    ///
    /// `continue_label` is the one that [`insert_continue_label`](Graph::insert_continue_label) is
    /// going to add.
    pub(crate) fn build(
        syntax: &Syntax,
        lines: &[&'a str],
        continue_label: &str,
    ) -> Result<Graph<'a>, OptimizeError> {
        let mut graph = Graph {
            blocks: vec![Block::default()],
            labels: HashMap::new(),
            globals: HashSet::new(),
        };
        let mut defined = HashSet::new();
        let mut current = Graph::ROOT;
        for (number, &text) in (1..).zip(lines) {
            match Line::classify(syntax, text) {
                Line::Label(label) => {
                    if label == continue_label {
                        return Err(OptimizeError::ContinueLabelDefined {
                            label: label.to_owned(),
                            line: number,
                        });
                    }
                    if !defined.insert(label) {
                        return Err(OptimizeError::DuplicateLabel {
                            label: label.to_owned(),
                            line: number,
                        });
                    }
                    let next = graph.look_up(label);
                    graph[current].link = Some(next);
                    current = next;
                    graph[current].noninstructions.push(text);
                }
                Line::Global(name) => {
                    graph.globals.insert(name);
                    graph[current].noninstructions.push(text);
                }
                Line::Noninstruction => {
                    if !graph[current].instructions.is_empty() {
                        current = graph.append_after(current);
                    }
                    graph[current].noninstructions.push(text);
                }
                Line::Instruction => {
                    if graph[current].target.is_some() || graph[current].ends_flow {
                        current = graph.append_after(current);
                    }
                    let instruction = Instruction::parse(syntax.dialect, text, number);
                    let target = instruction.target().map(|label| graph.look_up(label));
                    let block = &mut graph[current];
                    block.target = target;
                    block.ends_flow = matches!(
                        instruction.operation,
                        Operation::Jump { .. } | Operation::Return
                    );
                    block.instructions.push(instruction);
                }
            }
        }
        Ok(graph)
    }

    fn add(&mut self, block: Block<'a>) -> BlockId {
        let id = BlockId(self.blocks.len());
        self.blocks.push(block);
        id
    }

    fn append_after(&mut self, block: BlockId) -> BlockId {
        let next = self.add(Block::default());
        self[block].link = Some(next);
        next
    }

    /// The block with this label, which may be defined later or never (`_lookup_label`).
    fn look_up(&mut self, label: &'a str) -> BlockId {
        let id = BlockId(self.blocks.len());
        match self.labels.entry(label) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                entry.insert(id);
                self.add(Block {
                    label: Some(label),
                    ..Block::default()
                })
            }
        }
    }

    /// The linked blocks in order.
    pub(crate) fn linked(&self) -> impl Iterator<Item = BlockId> {
        std::iter::successors(Some(Graph::ROOT), |&id| self[id].link)
    }

    /// The first block with an instruction, from this one on (`resolve`); else the last one.
    pub(crate) fn resolve(&self, id: BlockId) -> BlockId {
        let mut id = id;
        while let Some(next) = self[id].link.filter(|_| self[id].instructions.is_empty()) {
            id = next;
        }
        id
    }

    /// Whether a label of this block is visible from outside.
    pub(crate) fn is_global(&self, id: BlockId) -> bool {
        self[id]
            .label
            .is_some_and(|label| self.globals.contains(label))
    }

    /// Put the label for the next micro-op after the last instruction (`_insert_continue_label`),
    /// so that jumps there can be assembled, or left out. Returns the label's block.
    pub(crate) fn insert_continue_label(&mut self, label: &'a str, line: &'a str) -> BlockId {
        let continuation = self.look_up(label);
        // The root, should there be no instruction at all.
        let end = self
            .linked()
            .filter(|&id| !self[id].instructions.is_empty())
            .last()
            .unwrap_or(Graph::ROOT);
        let next = self[end].link.replace(continuation);
        let block = &mut self[continuation];
        block.noninstructions.push(line);
        block.link = next;
        continuation
    }

    /// Refuse instructions that set the frame pointer (`_validate`).
    pub(crate) fn check_frame_pointer(&self, dialect: Dialect) -> Result<(), OptimizeError> {
        let modifies = match dialect {
            Dialect::None => return Ok(()),
            Dialect::X86 => x86::modifies_frame_pointer,
            Dialect::Aarch64 => aarch64::modifies_frame_pointer,
        };
        for id in self.linked() {
            for instruction in &self[id].instructions {
                if modifies(&instruction.text) {
                    return Err(OptimizeError::FramePointerModified {
                        line: instruction.line,
                        text: instruction.text.trim().to_owned(),
                    });
                }
            }
        }
        Ok(())
    }

    /// The input as comments, then the blocks (`_body`).
    pub(crate) fn print(&self, input: &[&str]) -> String {
        let input_len: usize = input.iter().map(|line| line.len() + 2).sum();
        // Room for the code, which seldom grows, and for some lines about temperature.
        let mut text = String::with_capacity(2 * input_len + 512);
        for line in input {
            text.push('#');
            text.push_str(line);
            text.push('\n');
        }
        let mut hot = true;
        for id in self.linked() {
            let block = &self[id];
            if hot != block.hot {
                hot = block.hot;
                let marker = if hot { "# JIT: HOT " } else { "# JIT: COLD " };
                text.push_str(&format!("{marker:#<80}\n"));
            }
            for line in &block.noninstructions {
                text.push_str(line);
                text.push('\n');
            }
            for instruction in &block.instructions {
                text.push_str(&instruction.text);
                text.push('\n');
            }
        }
        // Lines are joined, not terminated.
        text.pop();
        text
    }
}
