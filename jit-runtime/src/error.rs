//! Errors of loading and linking, with the place that each is about.

use jit_schema::PatchKind;
use jit_stencils::{HoleValue, MAX_ALIGNMENT, Part, file::FileError};

use crate::memory::MemoryError;

/// The reason why stencils cannot be linked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StencilError {
    /// A hole has a value that its patch cannot write, or is in an instruction that its patch is not for.
    #[error(
        "{uop}: {} at {part}+{offset:#x}: {problem}; the stencils are damaged, or were built for another \
         version of jit-runtime: build them again",
        kind.c_name()
    )]
    Hole {
        /// The micro-op.
        uop: String,
        /// The part of the stencil that the hole is in.
        part: Part,
        /// Where the hole is in the part, in bytes.
        offset: usize,
        /// The patch.
        kind: PatchKind,
        /// What is wrong, as a clause.
        problem: String,
    },
    /// A family does not have a stencil for each choice of its operands.
    #[error(
        "the family {name} has another number of members than its operands make, or one that is no stencil: build the \
         stencils again"
    )]
    Family {
        /// The name of the family.
        name: String,
    },
    /// A stencil is larger than any image, or not a whole number of instructions or words.
    #[error(
        "{uop}: the {part} has {size} bytes; it must be a multiple of {unit} and at most {limit}"
    )]
    Size {
        /// The micro-op.
        uop: String,
        /// The part of the stencil.
        part: Part,
        /// Its size in bytes.
        size: usize,
        /// What sizes must be a multiple of, in bytes.
        unit: usize,
        /// The largest size, in bytes.
        limit: usize,
    },
    /// A stencil's data has an alignment that an image cannot give it.
    #[error(
        "{uop}: the data must be at a multiple of {alignment} bytes, which is not a power of two from 8 to \
         {MAX_ALIGNMENT}"
    )]
    Alignment {
        /// The micro-op.
        uop: String,
        /// The alignment in bytes.
        alignment: usize,
    },
    /// A symbol in a stencil's masks cannot have a GOT slot or a trampoline.
    #[error(
        "{uop}: symbol number {ordinal} is in its masks, but {problem}; the stencils are damaged: build \
         them again"
    )]
    Mask {
        /// The micro-op.
        uop: String,
        /// The symbol's ordinal.
        ordinal: usize,
        /// What is wrong, as a clause.
        problem: String,
    },
    /// The offsets of stencils in the linker's tables have 32 bits.
    #[error("{uop}: with this stencil there are more than 4 GiB of code, data and holes")]
    TooLarge {
        /// The micro-op.
        uop: String,
    },
    /// Opcodes have 32 bits.
    #[error("there are {count} stencils, and opcodes can tell 4,294,967,295 apart")]
    TooMany {
        /// The number of stencils.
        count: usize,
    },
    /// An operand cannot have so many bits.
    #[error(
        "{uop}: operand {operand} has {bits} bits in its interface, and an operand has 64 at most; the \
         stencils are damaged: build them again"
    )]
    Interface {
        /// The micro-op.
        uop: String,
        /// The number of the operand.
        operand: usize,
        /// The bits that it has in the stencil's interface.
        bits: u8,
    },
    /// Stencils take values of two kinds from their instructions, so that no instruction has them all.
    #[error(
        "{uop} takes {value} from its instruction, and {other} takes {other_value}: the stencils of a set \
         have operands and targets either by number or as CPython's instructions have them"
    )]
    MixedValues {
        /// The micro-op.
        uop: String,
        /// The value that it takes.
        value: HoleValue,
        /// A micro-op before it, or the same one.
        other: String,
        /// The value of the other kind that this one takes.
        other_value: HoleValue,
    },
    /// Two stencils have the same name.
    #[error("there are two stencils named {uop}: give each micro-op a name of its own")]
    Duplicate {
        /// The name.
        uop: String,
    },
    /// The guard at the end of a trace belongs to no micro-op, so that it has no operands and no targets.
    #[error(
        "{uop} cannot be put at the end of traces: it has a hole for {value}, and there is no micro-op \
         to take that from"
    )]
    Guard {
        /// The stencil.
        uop: String,
        /// The value that its hole needs.
        value: HoleValue,
    },
    /// There is no such stencil.
    #[error("there is no stencil {uop} to put at the end of traces")]
    NoGuard {
        /// The name.
        uop: String,
    },
    /// A micro-op was asked for by a name that no stencil has.
    #[error("there is no stencil named {uop}")]
    Unknown {
        /// The name.
        uop: String,
    },
}

/// The reason why a stencil file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file's stencils cannot be linked.
    #[error(transparent)]
    Stencil(#[from] StencilError),
}

/// The reason why a trace was not linked. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// There is no such stencil.
    #[error("micro-op {index} of the trace has opcode {opcode}, and there are {known} stencils")]
    UnknownOpcode {
        /// Index in the trace.
        index: usize,
        /// The opcode.
        opcode: u32,
        /// The number of stencils.
        known: usize,
    },
    /// The trace has no micro-op, and there is no guard either.
    #[error(
        "the trace is empty, so that there is nothing to run: begin with a micro-op, or choose a guard with \
         Stencils::with_guard"
    )]
    Empty,
    /// The trace has more micro-ops than jump targets can name: those of a [`Uop`](crate::Uop) have 16 bits, those
    /// of an [`Instruction`](crate::Instruction) 32.
    #[error("the trace has {length} micro-ops, more than {limit}: split it, or end it earlier")]
    TooLong {
        /// The trace's length in micro-ops.
        length: usize,
        /// The greatest length, in micro-ops.
        limit: usize,
    },
    /// The image would be too large for its branches. The crate's documentation lists the limits.
    #[error("the image has {size} bytes, more than {limit}: make the trace shorter")]
    TooBig {
        /// The image's size in bytes.
        size: usize,
        /// The greatest size, in bytes.
        limit: usize,
    },
    /// The size of pages in [`LayoutPolicy::CPython`](crate::LayoutPolicy::CPython) is not a power of two.
    #[error("a page cannot have {page_size} bytes: the size of a page is a power of two")]
    PageSize {
        /// The size that was given, in bytes.
        page_size: usize,
    },
    /// Control can go on past the end of the trace, where there is no guard. Stencils whose end is not
    /// known are not refused.
    #[error(
        "{}{uop}: control can go on past its end, and nothing comes after it: end the trace with a \
         micro-op that always returns or jumps, or choose a guard with Stencils::with_guard",
        place(*index)
    )]
    RunsOffEnd {
        /// Index in the trace; none for the guard at its end.
        index: Option<usize>,
        /// The micro-op.
        uop: String,
    },
    /// A jump leaves the trace.
    #[error("micro-op {index}, {uop}: {value} is {target}, and the trace has {length} micro-ops")]
    JumpOutside {
        /// Index in the trace.
        index: usize,
        /// The micro-op.
        uop: String,
        /// Which of the targets it is.
        value: HoleValue,
        /// The target: an index into the trace.
        target: u32,
        /// The trace's length in micro-ops.
        length: usize,
    },
    /// The stencils take other values from an instruction than those that the trace's have.
    #[error(
        "{uop} takes {value} from its instruction, which {} does not have: link a trace of {}",
        if value.is_general() { "a Uop" } else { "an Instruction" },
        if value.is_general() { "Instruction" } else { "Uop" }
    )]
    OtherShape {
        /// The first micro-op of the stencils with such a value. The trace need not have it.
        uop: String,
        /// The value that it takes.
        value: HoleValue,
    },
    /// An instruction has fewer operands than its stencil takes.
    #[error("micro-op {index}, {uop}: it takes {needed} operands, and has {given}")]
    MissingOperands {
        /// Index in the trace.
        index: usize,
        /// The micro-op.
        uop: String,
        /// How many operands the instruction has.
        given: usize,
        /// How many operands the stencil takes.
        needed: usize,
    },
    /// An instruction has fewer targets than its stencil takes.
    #[error("micro-op {index}, {uop}: it takes {needed} targets, and has {given}")]
    MissingTargets {
        /// Index in the trace.
        index: usize,
        /// The micro-op.
        uop: String,
        /// How many targets the instruction has.
        given: usize,
        /// How many targets the stencil takes.
        needed: usize,
    },
    /// An operand has more bits than its stencil's interface says.
    #[error(
        "micro-op {index}, {uop}: operand {operand} is {value:#x}, and has only {bits} bits: build the stencil with more \
         `bits` for it, or give the low {bits} bits of a negative number if the stencil extends its sign"
    )]
    OperandBits {
        /// Index in the trace.
        index: usize,
        /// The micro-op.
        uop: String,
        /// The number of the operand.
        operand: usize,
        /// Its value.
        value: u64,
        /// How many bits it has in the stencil's interface.
        bits: u32,
    },
    /// A symbol was not found when the [`Symbols`](crate::Symbols) were made.
    #[error(
        "{}{uop} needs {symbol}, which has no address: make Symbols with a lookup that knows it{}",
        place(*index), added_by_compilers(symbol)
    )]
    UnresolvedSymbol {
        /// Index in the trace; none for the guard at its end.
        index: Option<usize>,
        /// The micro-op.
        uop: String,
        /// The C symbol.
        symbol: String,
        /// The part of the stencil that the hole is in.
        part: Part,
        /// Where the hole is in the part, in bytes.
        offset: usize,
        /// The patch.
        kind: PatchKind,
    },
    /// A value does not fit into its field.
    #[error(
        "{}{uop}: {} at {part}+{offset:#x}: {value:#x} is out of range for address {location:#x}{}",
        place(*index), kind.c_name(), out_of_reach(*kind, symbol.as_deref())
    )]
    OutOfRange {
        /// Index in the trace; none for the guard at its end.
        index: Option<usize>,
        /// The micro-op.
        uop: String,
        /// The part of the stencil that the hole is in.
        part: Part,
        /// Where the hole is in the part, in bytes.
        offset: usize,
        /// The patch.
        kind: PatchKind,
        /// The value.
        value: u64,
        /// The C symbol whose address is a part of the value.
        symbol: Option<String>,
        /// The hole's address.
        location: u64,
    },
    /// A value has bits that the field leaves out.
    #[error(
        "{}{uop}: {} at {part}+{offset:#x}: {value:#x} is misaligned for address {location:#x}",
        place(*index), kind.c_name()
    )]
    Misaligned {
        /// Index in the trace; none for the guard at its end.
        index: Option<usize>,
        /// The micro-op.
        uop: String,
        /// The part of the stencil that the hole is in.
        part: Part,
        /// Where the hole is in the part, in bytes.
        offset: usize,
        /// The patch.
        kind: PatchKind,
        /// The value.
        value: u64,
        /// The hole's address.
        location: u64,
    },
    /// The buffer does not have the layout's size.
    #[error("the buffer has {length} bytes, and the image has {size}")]
    WrongBuffer {
        /// The buffer's size in bytes.
        length: usize,
        /// The image's size in bytes.
        size: usize,
    },
    /// The image would not be in the target's address space.
    #[error("an image of {size} bytes does not fit at address {base:#x}")]
    WrongBase {
        /// The image's address.
        base: u64,
        /// The image's size in bytes.
        size: usize,
    },
    /// Data of the image needs more alignment than the image's address has.
    #[error(
        "an image with data at multiples of {alignment} bytes cannot be at address {base:#x}: choose a \
         multiple of Layout::alignment"
    )]
    MisalignedBase {
        /// The image's address.
        base: u64,
        /// What it must be a multiple of, in bytes.
        alignment: usize,
    },
    /// A contradiction in the tables that this crate made of the stencils: a bug in it. Nothing wrong
    /// with the stencils or the trace leads to this.
    #[error(
        "{}: {what}; this is a bug in jit-runtime, please report it with the stencil file",
        describe(*index, uop.as_deref())
    )]
    Internal {
        /// Index in the trace; none for the guard at its end, or if it is not about one micro-op.
        index: Option<usize>,
        /// The micro-op, if it is about one.
        uop: Option<String>,
        /// What contradicts what.
        what: &'static str,
    },
    /// The layout or the symbols were made for other stencils than the linker's.
    #[error("the {what} were made for other stencils than the linker")]
    Mixed {
        /// `layout` or `symbols`.
        what: &'static str,
    },
}

impl LinkError {
    pub(crate) fn bug(index: Option<usize>, uop: Option<&str>, what: &'static str) -> LinkError {
        LinkError::Internal {
            index,
            uop: uop.map(str::to_owned),
            what,
        }
    }
}

/// The reason why a trace did not become code that runs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// The trace cannot be linked.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// There is no memory for the trace.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The code is for another architecture or another calling convention than those of this process. It
    /// can be linked, but not run.
    #[error(
        "the stencils are for {target}, and this process runs on {host}: load the stencils for {host}, or \
         use Linker::link to make an image for another machine"
    )]
    Foreign {
        /// The triple of the stencils' target.
        target: &'static str,
        /// The triple of this process, or its architecture if there are no stencils for it.
        host: &'static str,
    },
}

fn describe(index: Option<usize>, uop: Option<&str>) -> String {
    match uop {
        Some(uop) => format!("{}{uop}", place(index)),
        None => "the image".to_owned(),
    }
}

/// Returns a note on a symbol that is missing, if compilers refer to it without a mention in the source.
fn added_by_compilers(symbol: &str) -> &'static str {
    const MEMORY: [&str; 5] = ["bcmp", "memcmp", "memcpy", "memmove", "memset"];
    // `__chkstk` and `_aulldiv` of Windows, and `__udivti3` of other systems.
    let arithmetic = |symbol: &str| {
        let starts = [
            "_all", "_aull", "__div", "__mod", "__mul", "__udiv", "__umod",
        ];
        starts.iter().any(|start| symbol.starts_with(start))
    };
    match MEMORY.contains(&symbol) || symbol.ends_with("_chkstk") || arithmetic(symbol) {
        true => " (compilers call it even if the source does not mention it)",
        false => "",
    }
}

/// Returns advice about something that an instruction does not reach.
fn out_of_reach(kind: PatchKind, symbol: Option<&str>) -> String {
    match (kind, symbol) {
        (PatchKind::Patch32r, Some(symbol)) => format!(
            ": {symbol} is reached without the GOT, as are the functions that compilers call by \
             themselves at -O0; compile with optimization, or allocate the code within 2 GiB of it \
             (ArenaOptions::near)"
        ),
        (PatchKind::Aarch64_19r, _) => {
            ": conditional branches reach 1 MiB; make the trace shorter, or have \
             the stencil go there with an unconditional branch"
                .to_owned()
        }
        _ => String::new(),
    }
}

fn place(index: Option<usize>) -> String {
    match index {
        Some(index) => format!("micro-op {index}, "),
        None => "the guard at the end of the trace, ".to_owned(),
    }
}
