//! The error of writing a header.

use jit_stencils::{HoleValue, Part, PatchKind};

/// Why stencils cannot be in a header of a format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// The data of a micro-op has a greater alignment than the users of the format give it.
    #[error(
        "{opname}: its data must be aligned to {alignment} bytes, and programs that use a {format} \
         header align data to {supported}: keep vectors and other such data outside of the micro-op, \
         and compile with -fno-vectorize -fno-slp-vectorize if it is the compiler that makes them"
    )]
    Alignment {
        /// The micro-op.
        opname: String,
        /// The alignment, in bytes.
        alignment: usize,
        /// The name of the format.
        format: &'static str,
        /// The largest alignment that the format knows, in bytes.
        supported: usize,
    },
    /// An instruction has an address in a field that a patch of the users of the format does not know.
    #[error(
        "{opname}: code+{offset:#x} loads or stores 128 bits, and {} of programs that use a {format} \
         header does not support that: keep vectors outside of the micro-op, and compile with \
         -fno-vectorize -fno-slp-vectorize if it is the compiler that makes them",
        patch.c_name()
    )]
    Vector {
        /// The micro-op.
        opname: String,
        /// The offset of the instruction in the code, in bytes.
        offset: usize,
        /// How the address is written.
        patch: PatchKind,
        /// The name of the format.
        format: &'static str,
    },
    /// The members of a family are not those that its operands make, or no stencils of the set.
    #[error("family {name}: its members are not the stencils for all choices of its operands")]
    Family {
        /// The family.
        name: String,
    },
    /// A hole is filled in a way that the users of the format do not know.
    #[error(
        "{opname}: {part}+{offset:#x} is filled by {}, which programs that use a {format} header do not have",
        patch.c_name()
    )]
    Patch {
        /// The micro-op.
        opname: String,
        /// The part of the stencil that the hole is in.
        part: Part,
        /// The offset of the hole in that part, in bytes.
        offset: usize,
        /// How the hole is filled.
        patch: PatchKind,
        /// The name of the format.
        format: &'static str,
    },
    /// A hole has a value that the instructions of programs which use the format do not have.
    #[error(
        "{opname}: {part}+{offset:#x} takes _JIT_{value} from its instruction, and instructions of programs \
         that use a {format} header have no such value: write a plain header or a stencil file instead"
    )]
    Value {
        /// The micro-op.
        opname: String,
        /// The part of the stencil that the hole is in.
        part: Part,
        /// The offset of the hole in that part, in bytes.
        offset: usize,
        /// The base of the hole's value.
        value: HoleValue,
        /// The name of the format.
        format: &'static str,
    },
    /// The linker in C could not fill a hole.
    #[error("{opname}: cannot fill the hole at {part}+{offset:#x}: {problem}")]
    Host {
        /// The micro-op.
        opname: String,
        /// The part of the stencil that the hole is in.
        part: Part,
        /// The offset of the hole in that part, in bytes.
        offset: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// The name of a micro-op is no C identifier.
    #[error(
        "{opname:?} is the name of a micro-op and not a C identifier, as headers need: rename it"
    )]
    OpName {
        /// The micro-op.
        opname: String,
    },
    /// The constant for a micro-op in Rust has the name of another.
    #[error(
        "{opname}: the constant {constant} for this micro-op in Rust would have the name of {other}: rename the micro-op"
    )]
    Constant {
        /// The micro-op.
        opname: String,
        /// The name of the constant.
        constant: String,
        /// What has this name as well.
        other: String,
    },
    /// A hole refers to a symbol that is no C identifier.
    #[error(
        "{opname}: {part}+{offset:#x} refers to the symbol {symbol:?}, which is not a C identifier, as \
         headers need: give it another name; an __asm__ label where it is declared sets the name"
    )]
    Symbol {
        /// The micro-op.
        opname: String,
        /// The part of the stencil that the hole is in.
        part: Part,
        /// The offset of the hole in that part, in bytes.
        offset: usize,
        /// The symbol.
        symbol: String,
    },
    /// A hole refers to a symbol whose name has another meaning in the functions of the header.
    #[error(
        "{opname}: {part}+{offset:#x} refers to the symbol {symbol}, which is the name of a parameter or \
         variable of each function in a {format} header: rename the symbol"
    )]
    Local {
        /// The micro-op.
        opname: String,
        /// The part of the stencil that the hole is in.
        part: Part,
        /// The offset of the hole in that part, in bytes.
        offset: usize,
        /// The symbol.
        symbol: String,
        /// The name of the format.
        format: &'static str,
    },
    /// A symbol that no hole refers to is no C identifier.
    #[error(
        "symbol {ordinal} is {symbol:?}, which is not a C identifier, as headers need: give it another name"
    )]
    Unused {
        /// The index in [`StencilSet::symbols`](jit_stencils::StencilSet::symbols).
        ordinal: usize,
        /// The symbol.
        symbol: String,
    },
}
