//! Errors of describing code.

/// The reason why code cannot be described.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DescribeError {
    /// The layout was made with other stencils.
    #[error("{name}: the layout was made with other stencils: describe the trace with those")]
    OtherStencils {
        /// The trace's name.
        name: String,
    },
    /// The code was not linked from that layout.
    #[error(
        "{name}: the code has {found} bytes, and its layout {expected}: take the layout of the trace \
         that was linked, made by the same linker"
    )]
    OtherCode {
        /// The trace's name.
        name: String,
        /// The size of the executable in bytes.
        found: usize,
        /// The size of the layout in bytes.
        expected: usize,
    },
    /// The name is empty or has control characters: perf's maps have one name per line, and in symbol
    /// tables a zero byte ends a name.
    #[error(
        "{name:?} cannot be the name of a symbol: it must not be empty and not have control characters"
    )]
    Name {
        /// The name.
        name: String,
    },
}

/// The reason why there is no object for the debugger.
#[cfg(feature = "gdb")]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ObjectError {
    /// The code is not for Linux.
    #[error(
        "{name}: code for {triple} cannot be described to GDB: only Linux has ELF files and stencils with \
         unwind rules"
    )]
    Target {
        /// The trace's name.
        name: String,
        /// The target's triple.
        triple: &'static str,
    },
    /// The names of the symbols have 4 GiB or more.
    #[error(
        "{name}: the names of its symbols are too long for an ELF file: give it a shorter name"
    )]
    TooLarge {
        /// The trace's name.
        name: String,
    },
    /// The stencils' unwind rules place the frame below the frame pointer, as no stack is.
    #[error(
        "{name}: its unwind rules place the frame below the frame pointer; the stencils are damaged: build \
         them again"
    )]
    Unwind {
        /// The trace's name.
        name: String,
    },
}
