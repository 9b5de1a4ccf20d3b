//! What can go wrong when code is described.

/// Why code cannot be described.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DescribeError {
    /// The layout was made with other stencils.
    #[error("{name}: the layout is not of these stencils: describe it with those it was made with")]
    OtherStencils {
        /// The trace's name.
        name: String,
    },
    /// The code was not linked from that layout.
    #[error(
        "{name}: the code has {found} bytes, and its layout {expected}: take the layout of the trace \
         that was linked, of the same linker"
    )]
    OtherCode {
        /// The trace's name.
        name: String,
        /// Bytes of the executable.
        found: usize,
        /// Bytes of the layout.
        expected: usize,
    },
    /// perf's maps have a name per line, and symbol tables end names with a zero byte.
    #[error(
        "{name:?} cannot be the name of a symbol: it must have characters, and none that are control \
         characters"
    )]
    Name {
        /// The name.
        name: String,
    },
}

/// Why there is no object for the debugger.
#[cfg(feature = "gdb")]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ObjectError {
    /// Not an ELF target.
    #[error(
        "{name}: code for {triple} cannot be described to GDB: that is for Linux, where objects are \
         ELF files and stencils come with unwind rules"
    )]
    Target {
        /// The trace's name.
        name: String,
        /// The target.
        triple: &'static str,
    },
    /// Names of 4 GiB.
    #[error("{name}: its symbols are too large for an ELF file: give it a shorter name")]
    TooLarge {
        /// The trace's name.
        name: String,
    },
    /// The stencils' unwind rules make no sense.
    #[error(
        "{name}: its unwind rules have a frame below the frame pointer; the stencils are damaged: \
         build them again"
    )]
    Unwind {
        /// The trace's name.
        name: String,
    },
}
