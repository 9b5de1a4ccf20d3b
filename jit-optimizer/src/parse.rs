//! From lines of assembly to a graph of basic blocks.

use std::borrow::Cow;
use std::collections::HashSet;

use jit_schema::SectionKind;

use crate::cfg::{BlockId, Graph};
use crate::error::OptimizeError;
use crate::instruction::{Instruction, Operation};
use crate::instruction_set::InstructionSet;
use crate::scan;
use crate::section::{self, Sections};
use crate::syntax::{Line, Syntax};

/// Splits lines into basic blocks (`__post_init__`).
///
/// `continue_label` is the label that the optimizer is going to add, so the input must not have it.
///
/// # Errors
///
/// [`OptimizeError::ContinueLabelDefined`] and [`OptimizeError::DuplicateLabel`].
pub(crate) fn parse<'a>(
    isa: &dyn InstructionSet,
    syntax: &Syntax,
    lines: impl IntoIterator<Item = &'a str>,
    continue_label: &str,
) -> Result<Graph<'a>, OptimizeError> {
    let mut parser = Parser {
        graph: Graph::new(),
        sections: Sections::new(syntax.format),
        current: Graph::ROOT,
        mentions: Vec::new(),
        syntax,
    };
    let mut defined = HashSet::new();
    let mut lines = (1..).zip(lines).peekable();
    while let Some((number, text)) = lines.next() {
        // The comments would separate instructions, though nothing is between these.
        let is_end = |next: &(usize, &str)| is_empty_assembly(text, next.1);
        if lines.next_if(is_end).is_some() {
            continue;
        }
        match syntax.classify(text) {
            Line::Label(label, rest) => {
                if label == continue_label {
                    return Err(OptimizeError::ContinueLabelDefined {
                        label: label.to_owned(),
                        line: number,
                    });
                }
                if !defined.insert(scan::unquoted(label)) {
                    return Err(OptimizeError::DuplicateLabel {
                        label: label.to_owned(),
                        line: number,
                    });
                }
                parser.label(label, rest, text);
            }
            Line::Global(name) => {
                parser.graph.add_global(name);
                parser.graph[parser.current].noninstructions.push(text);
            }
            Line::Noninstruction => parser.noninstruction(text),
            Line::Instruction => {
                let instruction = instruction(isa, syntax, text, number);
                let code = syntax.code(text);
                let calls = isa.is_call(code) && !code.contains('*');
                parser.instruction(instruction, text, calls);
            }
        }
    }
    Ok(parser.finish())
}

/// Returns whether two lines are the comments of clang's around inline assembly, which then is empty.
fn is_empty_assembly(start: &str, end: &str) -> bool {
    [
        ("#APP", "#NO_APP"),
        ("//APP", "//NO_APP"),
        ("## InlineAsm Start", "## InlineAsm End"),
        ("; InlineAsm Start", "; InlineAsm End"),
    ]
    .contains(&(start.trim(), end.trim()))
}

/// A text that may mention symbols.
#[derive(Debug)]
struct Mention<'a> {
    block: BlockId,
    text: &'a str,
    /// The target, if it is a branch, jump or call.
    target: Option<&'a str>,
    /// Whether it is a direct call, which takes no address.
    calls: bool,
    /// Whether it is metadata, which only needs the symbols to be defined.
    metadata: bool,
}

/// The state between two lines.
#[derive(Debug)]
struct Parser<'a, 's> {
    graph: Graph<'a>,
    sections: Sections<'a>,
    current: BlockId,
    /// What may mention symbols. Labels can be defined later.
    mentions: Vec<Mention<'a>>,
    syntax: &'s Syntax,
}

impl<'a> Parser<'a, '_> {
    /// Starts a block at a label. `rest` is what follows the colon.
    fn label(&mut self, label: &'a str, rest: &'a str, text: &'a str) {
        let next = self.graph.look_up(label);
        let section = self.sections.current();
        let block = &mut self.graph[next];
        block.section = section;
        block.data = section.kind == SectionKind::Data;
        block.noninstructions.push(text);
        self.graph[self.current].link = Some(next);
        self.current = next;
        let rest = self.syntax.code(rest).trim();
        if !rest.is_empty() {
            self.bytes(rest);
        }
    }

    /// Starts a block without a label.
    fn start(&mut self) {
        self.current = self.graph.append_after(self.current);
        self.graph[self.current].section = self.sections.current();
    }

    /// Adds what is not an instruction, and maybe data.
    fn noninstruction(&mut self, text: &'a str) {
        if !self.graph[self.current].instructions.is_empty() {
            self.start();
        }
        if self.sections.read(text) {
            let text = self.sections.for_output(text);
            self.graph[self.current].noninstructions.push(text);
            return;
        }
        self.graph[self.current].noninstructions.push(text);
        if let Some((name, value)) = self.syntax.assigned(text) {
            self.graph.add_name(name, self.current);
            self.mention(value, None);
        } else if section::emits(text) {
            self.bytes(text);
        } else if self.sections.current().kind == SectionKind::Data && section::matters(text) {
            self.graph[self.current].data = true;
        }
    }

    /// Notes bytes that are not an instruction.
    fn bytes(&mut self, text: &'a str) {
        let block = &mut self.graph[self.current];
        match self.sections.current().kind {
            SectionKind::Code => block.opaque = true,
            SectionKind::Data => block.data = true,
            SectionKind::Metadata => {}
        }
        // A string may have the name of a function, as `__func__` does.
        if !section::is_string(text) {
            self.mention(text, None);
        }
    }

    fn mention(&mut self, text: &'a str, target: Option<&'a str>) {
        self.mentions.push(Mention {
            block: self.current,
            text,
            target,
            calls: false,
            metadata: self.sections.current().kind == SectionKind::Metadata,
        });
    }

    /// Adds an instruction. `calls` says whether it is a call of a symbol.
    fn instruction(&mut self, instruction: Instruction<'a>, text: &'a str, calls: bool) {
        let current = &self.graph[self.current];
        if current.target.is_some() || current.ends_flow {
            self.start();
        }
        let target_label = instruction.target();
        let target = target_label.map(|label| self.graph.look_up(label));
        let kind = self.sections.current().kind;
        let block = &mut self.graph[self.current];
        block.target = target;
        block.ends_flow = match instruction.operation {
            Operation::Jump { .. } | Operation::Return => true,
            Operation::Branch { .. } | Operation::Call { .. } | Operation::Other => false,
        };
        match kind {
            SectionKind::Code => block.code = true,
            SectionKind::Data => block.data = true,
            SectionKind::Metadata => {}
        }
        block.instructions.push(instruction);
        if let Some((name, value)) = self.syntax.assigned(text) {
            self.graph.add_name(name, self.current);
            self.mention(value, None);
        } else {
            self.mention(text, target_label);
            if let Some(mention) = self.mentions.last_mut() {
                mention.calls = calls;
            }
        }
    }

    /// Connects what mentions a label with the label's block.
    fn finish(mut self) -> Graph<'a> {
        for mention in &self.mentions {
            // These are edges of the control flow.
            if mention
                .target
                .is_some_and(|label| self.graph.defines(label))
            {
                continue;
            }
            for word in scan::symbols(self.syntax.code(mention.text)) {
                let Some(to) = self.graph.mentioned(word) else {
                    continue;
                };
                if mention.metadata {
                    self.graph[to].pinned = true;
                } else {
                    self.graph[to].referenced = true;
                    self.graph[to].address_taken |= !mention.calls;
                    if to != mention.block {
                        self.graph[mention.block].references.push(to);
                    }
                }
            }
        }
        self.graph
    }
}

/// Returns the instruction on a line (`_parse_instruction`).
fn instruction<'a>(
    isa: &dyn InstructionSet,
    syntax: &Syntax,
    text: &'a str,
    line: usize,
) -> Instruction<'a> {
    let code = syntax.code(text);
    let operation = if syntax.is_several(code) {
        Operation::Other
    } else {
        isa.operation(code)
    };
    Instruction {
        text: Cow::Borrowed(text),
        line,
        operation,
        sets_frame_pointer: isa.sets_frame_pointer(text),
    }
}
