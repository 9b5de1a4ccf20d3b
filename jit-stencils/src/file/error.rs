//! Why bytes are not stencils.

/// Why bytes are not stencils. `Display` says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// Another kind of file, or less than a header.
    #[error(
        "this is not a stencil file: it does not start as one; `jit-cli build --emit stencils` \
         writes them"
    )]
    NotStencils,
    /// Written by another version of this crate.
    #[error(
        "the stencil file has version {version} of the format, and this program reads {supported}: \
         {}",
        if version > supported {
            "update the program's jit-stencils, or build the file with the jit-cli of its version"
        } else {
            "build the file again with `jit-cli build --emit stencils`"
        }
    )]
    Version {
        /// The file's.
        version: u32,
        /// What can be read: [`VERSION`].
        supported: u32,
    },
    /// The contents are not what was written.
    #[error(
        "the stencil file is damaged or cut short (its checksum is {stored:#010x}, its contents' is \
         {computed:#010x}): copy it again, or build it again with `jit-cli build --emit stencils`"
    )]
    Checksum {
        /// What the file says.
        stored: u32,
        /// The CRC-32 of what it holds.
        computed: u32,
    },
    /// The checksum is right, and still it makes no sense.
    #[error(
        "byte {offset:#x} of the stencil file, {place}: {problem}. What wrote it is wrong: build it \
         again with `jit-cli build --emit stencils`"
    )]
    Malformed {
        /// Where in the file, in bytes.
        offset: usize,
        /// What is there, e.g. `hole 2 of _ADD_INT_r21's code`.
        place: String,
        /// What is wrong with it.
        problem: String,
    },
}
