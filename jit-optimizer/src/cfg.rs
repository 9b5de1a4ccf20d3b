//! The control-flow graph: basic blocks in an arena, linked in the order in which they are printed.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::ops::{Index, IndexMut};

use crate::instruction::Instruction;
use crate::scan;
use crate::section::Section;

/// A basic block: an optional label, directives and comments, then instructions. Only the last
/// instruction may be a branch, jump, call or return.
#[derive(Debug)]
pub(crate) struct Block<'a> {
    pub(crate) label: Option<&'a str>,
    /// The section that its first line is in.
    pub(crate) section: Section<'a>,
    /// Whether it has instructions of the input in the section for code.
    pub(crate) code: bool,
    /// Whether something other than its instructions puts bytes into the section for code: a table,
    /// or code that is written as data.
    pub(crate) opaque: bool,
    /// Whether it has something in a section for data. Data always stays.
    pub(crate) data: bool,
    /// The blocks whose labels its instructions and data mention, without the target of the last
    /// instruction.
    pub(crate) references: Vec<BlockId>,
    /// Whether a block mentions its label, so that control flow may come from anywhere.
    pub(crate) referenced: bool,
    /// Whether something has the address of its label, other than a direct call.
    pub(crate) address_taken: bool,
    /// Whether metadata mentions its label, so that it has to be defined.
    pub(crate) pinned: bool,
    /// The label, directives and comments, which come before the instructions.
    pub(crate) noninstructions: Vec<&'a str>,
    pub(crate) instructions: Vec<Instruction<'a>>,
    /// The target of the last instruction, if that is a branch, jump or call.
    pub(crate) target: Option<BlockId>,
    /// The block that is printed next.
    pub(crate) link: Option<BlockId>,
    /// Whether control flow never falls through to the next block.
    pub(crate) ends_flow: bool,
    /// Whether control flow can get from here to the next micro-op.
    pub(crate) hot: bool,
}

impl<'a> Block<'a> {
    fn new(label: Option<&'a str>) -> Block<'a> {
        Block {
            label,
            section: Section::TEXT,
            code: false,
            opaque: false,
            data: false,
            references: Vec::new(),
            referenced: false,
            address_taken: false,
            pinned: false,
            noninstructions: Vec::new(),
            instructions: Vec::new(),
            target: None,
            link: None,
            ends_flow: false,
            hot: false,
        }
    }

    /// Returns whether this is a part of the input, not a label outside of it.
    pub(crate) fn is_defined(&self) -> bool {
        !self.noninstructions.is_empty() || !self.instructions.is_empty()
    }

    /// Returns whether it is certain that nothing is executed here.
    pub(crate) fn is_empty(&self) -> bool {
        self.instructions.is_empty() && !self.opaque
    }

    /// Returns the next block, if control flow can fall through to it.
    pub(crate) fn fallthrough(&self) -> Option<BlockId> {
        self.link.filter(|_| !self.ends_flow)
    }

    /// Returns the blocks that control flow can go to from here, each of them once.
    pub(crate) fn successors(&self) -> impl Iterator<Item = BlockId> + use<> {
        let target = self.target;
        let next = self.fallthrough().filter(|&next| target != Some(next));
        target.into_iter().chain(next)
    }
}

/// The number of a block in its [`Graph`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct BlockId(usize);

/// All blocks of a stencil. A block that stands for a label outside of the stencil is in the arena
/// but not linked.
#[derive(Debug)]
pub(crate) struct Graph<'a> {
    blocks: Vec<Block<'a>>,
    labels: HashMap<&'a str, BlockId>,
    globals: HashSet<&'a str>,
    /// The block at the start of the code, if it was added because other code came before the entry.
    pub(crate) entry: Option<BlockId>,
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
    /// The block that is printed first. It has no label, so nothing jumps to it.
    pub(crate) const ROOT: BlockId = BlockId(0);

    /// Returns a graph with only the first block.
    pub(crate) fn new() -> Graph<'a> {
        Graph {
            blocks: vec![Block::new(None)],
            labels: HashMap::new(),
            globals: HashSet::new(),
            entry: None,
        }
    }

    /// Makes a name visible from outside.
    pub(crate) fn add_global(&mut self, name: &'a str) {
        self.globals.insert(scan::unquoted(name));
    }

    fn add(&mut self, block: Block<'a>) -> BlockId {
        let id = BlockId(self.blocks.len());
        self.blocks.push(block);
        id
    }

    /// Adds a block without a label and links it after `block`.
    pub(crate) fn append_after(&mut self, block: BlockId) -> BlockId {
        let next = self.add(Block::new(None));
        self[block].link = Some(next);
        next
    }

    /// Returns the block with this label, which may be defined later or never (`_lookup_label`).
    pub(crate) fn look_up(&mut self, label: &'a str) -> BlockId {
        let id = BlockId(self.blocks.len());
        match self.labels.entry(scan::unquoted(label)) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                entry.insert(id);
                self.add(Block::new(Some(label)))
            }
        }
    }

    /// Makes a name that is given a value by an assignment one for its block.
    pub(crate) fn add_name(&mut self, name: &'a str, block: BlockId) {
        self.labels.entry(scan::unquoted(name)).or_insert(block);
    }

    /// Returns the block that defines the symbol that a word of the assembly means, if there is one:
    /// for `symbol`, `$symbol`, `symbol@PLT` and `1f`.
    pub(crate) fn mentioned(&self, word: &str) -> Option<BlockId> {
        let find = |word: &str| {
            let known = self.labels.get(word).copied();
            known.filter(|&id| self[id].is_defined())
        };
        if word.starts_with('"') {
            return find(scan::unquoted(word));
        }
        let number = word.strip_suffix(['b', 'f']);
        let number = number.filter(|number| number.bytes().all(|b| b.is_ascii_digit()));
        let plain = word.strip_prefix('$').unwrap_or(word);
        let before_modifier = || {
            let mut modifiers = plain.match_indices('@');
            modifiers.find_map(|(at, _)| find(plain.get(..at)?))
        };
        find(word)
            .or_else(|| find(plain))
            .or_else(|| find(number?))
            .or_else(before_modifier)
    }

    /// Returns whether a label is defined, and not by an assignment.
    pub(crate) fn defines(&self, label: &str) -> bool {
        self.defined_as(label).is_some()
    }

    /// Returns the block that has this label, if it is defined.
    pub(crate) fn defined_as(&self, label: &str) -> Option<BlockId> {
        let known = self.labels.get(scan::unquoted(label)).copied();
        known.filter(|&id| self[id].is_defined())
    }

    /// Gives a block another label, and returns whether that was free. The lines of the block stay.
    pub(crate) fn relabel(&mut self, id: BlockId, label: &'a str) -> bool {
        if self.labels.contains_key(label) {
            return false;
        }
        if let Some(old) = self[id].label.replace(label) {
            self.labels.remove(scan::unquoted(old));
        }
        self.labels.insert(label, id);
        true
    }

    /// Adds a block with a label that is not known yet, and links it after the first block.
    pub(crate) fn insert_after_root(&mut self, label: &'a str) -> BlockId {
        let id = self.look_up(label);
        self[id].link = self[Graph::ROOT].link.replace(id);
        id
    }

    /// Returns the blocks with labels that are defined here.
    pub(crate) fn defined(&self) -> impl Iterator<Item = BlockId> {
        (0..self.blocks.len())
            .map(BlockId)
            .filter(|&id| self[id].label.is_some() && self[id].is_defined())
    }

    /// Returns the linked blocks in order.
    pub(crate) fn linked(&self) -> impl Iterator<Item = BlockId> {
        std::iter::successors(Some(Graph::ROOT), |&id| self[id].link)
    }

    /// Returns the first block that is not empty, from this one on (`resolve`), or else the last block.
    pub(crate) fn resolve(&self, id: BlockId) -> BlockId {
        let mut id = id;
        while let Some(next) = self[id].link.filter(|_| self[id].is_empty()) {
            id = next;
        }
        id
    }

    /// Returns for each block whether its code is inline assembly or written as data.
    pub(crate) fn unknown_blocks(&self) -> PerBlock<bool> {
        let mut unknown = PerBlock::new(self);
        let mut inline = false;
        for id in self.linked() {
            for line in &self[id].noninstructions {
                match line.trim() {
                    "#APP" | "//APP" | "## InlineAsm Start" | "; InlineAsm Start" => inline = true,
                    "#NO_APP" | "//NO_APP" | "## InlineAsm End" | "; InlineAsm End" => {
                        inline = false;
                    }
                    _ => {}
                }
            }
            unknown[id] = inline || self[id].opaque;
        }
        unknown
    }

    /// Returns whether the label of this block is visible from outside.
    pub(crate) fn is_global(&self, id: BlockId) -> bool {
        self[id]
            .label
            .is_some_and(|label| self.globals.contains(scan::unquoted(label)))
    }

    /// Adds the label for the next micro-op after the last code (`_insert_continue_label`), so that
    /// jumps to it can be assembled, or removed. Returns the label's block.
    pub(crate) fn insert_continue_label(&mut self, label: &'a str, line: &'a str) -> BlockId {
        let continuation = self.look_up(label);
        // Without any instruction, the label comes after the root.
        let end = self
            .linked()
            .filter(|&id| self[id].code || self[id].opaque)
            .last()
            .unwrap_or(Graph::ROOT);
        let next = self[end].link.replace(continuation);
        let block = &mut self[continuation];
        block.noninstructions.push(line);
        block.link = next;
        continuation
    }
}
