//! What can go wrong, with the place.

use jit_stencils::{HoleValue, Part, PatchKind, file::FileError};

use crate::memory::MemoryError;

/// Why stencils cannot be used for linking.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StencilError {
    /// A hole asks for what no patch function can do, or is in an instruction that its patch is not
    /// for.
    #[error(
        "{uop}: {} at {part}+{offset:#x}: {problem}; the stencils are damaged, or from a build that is \
         not for this version of jit-runtime: build them again",
        kind.c_name()
    )]
    Hole {
        /// The uop.
        uop: String,
        /// In its code or data.
        part: Part,
        /// Where in the part, in bytes.
        offset: usize,
        /// The patch.
        kind: PatchKind,
        /// What is wrong.
        problem: String,
    },
    /// A stencil is larger than any image, or not a whole number of instructions or words.
    #[error("{uop}: {size} bytes of {part} are not a multiple of {unit} up to {limit}")]
    Size {
        /// The uop.
        uop: String,
        /// Its code or data.
        part: Part,
        /// How large it is, in bytes.
        size: usize,
        /// What sizes are multiples of.
        unit: usize,
        /// The largest.
        limit: usize,
    },
    /// CPython's masks have room for 256 symbols.
    #[error(
        "{uop}: symbol number {ordinal} is past the 256 that can have a GOT slot or trampoline"
    )]
    TooManySymbols {
        /// The uop.
        uop: String,
        /// The symbol's number.
        ordinal: usize,
    },
    /// A GOT slot or trampoline that cannot be.
    #[error(
        "{uop}: symbol number {ordinal} is in its masks, and {problem}; the stencils are damaged: build \
         them again"
    )]
    Mask {
        /// The uop.
        uop: String,
        /// The symbol's number.
        ordinal: usize,
        /// What is wrong.
        problem: String,
    },
    /// The offsets of stencils in the linker's tables have 32 bits.
    #[error("{uop}: with this stencil there are more than 4 GiB of code, data and holes")]
    TooLarge {
        /// The micro-op.
        uop: String,
    },
    /// Opcodes have 16 bits.
    #[error("{count} stencils are more than the 65,535 that opcodes can tell apart")]
    TooMany {
        /// How many there are.
        count: usize,
    },
    /// Two stencils have the same name.
    #[error("{uop} is there twice: give each uop a name of its own")]
    Duplicate {
        /// The name.
        uop: String,
    },
    /// The guard is copied without a uop, so it has no operands and no targets.
    #[error(
        "{uop} cannot be put at the end of traces: it has a hole for {value}, and there is no uop to \
         take it from"
    )]
    Guard {
        /// The stencil.
        uop: String,
        /// What its hole is for.
        value: HoleValue,
    },
    /// There is no such stencil.
    #[error("there is no stencil {uop} to put at the end of traces")]
    NoGuard {
        /// The name.
        uop: String,
    },
}

/// Why a stencil file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// Its stencils cannot be linked.
    #[error(transparent)]
    Stencil(#[from] StencilError),
}

/// Why a trace was not linked. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// There is no such stencil.
    #[error("uop {index} of the trace has opcode {opcode}, and there are {known} stencils")]
    UnknownOpcode {
        /// Index in the trace.
        index: usize,
        /// The opcode.
        opcode: u16,
        /// How many there are.
        known: usize,
    },
    /// Jump targets could not name all uops.
    #[error("the trace has {length} uops, more than {limit}: split it, or end it earlier")]
    TooLong {
        /// Uops of the trace.
        length: usize,
        /// The most there can be.
        limit: usize,
    },
    /// The image would be too large for its branches.
    #[error("the image has {size} bytes, more than {limit}: make the trace shorter")]
    TooBig {
        /// Bytes of the image.
        size: usize,
        /// The most there can be.
        limit: usize,
    },
    /// Not a size that pages have.
    #[error("a page of {page_size} bytes: the size of a page is a power of two")]
    PageSize {
        /// Bytes of a page.
        page_size: usize,
    },
    /// A jump leaves the trace.
    #[error("uop {index}, {uop}: {value} is {target}, and the trace has {length} uops")]
    JumpOutside {
        /// Index in the trace.
        index: usize,
        /// The uop.
        uop: String,
        /// Which target.
        value: HoleValue,
        /// The target: an index into the trace.
        target: u16,
        /// Uops of the trace.
        length: usize,
    },
    /// A symbol was not found when the [`Symbols`](crate::Symbols) were made.
    #[error(
        "{}{uop} needs {symbol}, which has no address: make Symbols with a lookup that knows it",
        place(*index)
    )]
    UnresolvedSymbol {
        /// Index in the trace; none for the guard at its end.
        index: Option<usize>,
        /// The uop.
        uop: String,
        /// The C symbol.
        symbol: String,
        /// In the uop's code or data.
        part: Part,
        /// Where in the part, in bytes.
        offset: usize,
        /// What it is for.
        kind: PatchKind,
    },
    /// A value does not fit.
    #[error(
        "{}{uop}: {} at {part}+{offset:#x}: {value:#x} is out of range for address {location:#x}",
        place(*index), kind.c_name()
    )]
    OutOfRange {
        /// Index in the trace; none for the guard at its end.
        index: Option<usize>,
        /// The uop.
        uop: String,
        /// In its code or data.
        part: Part,
        /// Where in the part, in bytes.
        offset: usize,
        /// The patch.
        kind: PatchKind,
        /// The value.
        value: u64,
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
        /// The uop.
        uop: String,
        /// In its code or data.
        part: Part,
        /// Where in the part, in bytes.
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
        /// Bytes of the buffer.
        length: usize,
        /// Bytes of the image.
        size: usize,
    },
    /// The image would not be in the target's address space.
    #[error("an image of {size} bytes does not fit at address {base:#x}")]
    WrongBase {
        /// The address.
        base: u64,
        /// Bytes of the image.
        size: usize,
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
        /// Which.
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

/// Why a trace did not become code that runs.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// It cannot be linked.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// There is no memory for it.
    #[error(transparent)]
    Memory(#[from] MemoryError),
}

fn describe(index: Option<usize>, uop: Option<&str>) -> String {
    match uop {
        Some(uop) => format!("{}{uop}", place(index)),
        None => "the image".to_owned(),
    }
}

fn place(index: Option<usize>) -> String {
    match index {
        Some(index) => format!("uop {index}, "),
        None => "the guard at the end of the trace, ".to_owned(),
    }
}
