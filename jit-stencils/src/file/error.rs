//! The error of reading a stencil file.

/// Why a stencil file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The bytes do not start like a stencil file, or are shorter than a header.
    #[error("this is not a stencil file: it does not start like one")]
    NotStencils,
    /// The file has another version of the format.
    #[error(
        "the stencil file has version {version} of the format, and this program reads 1 to \
         {supported}: {}",
        if version > supported {
            "update the program, or build the file with an older version of the tools"
        } else {
            "build the file again"
        }
    )]
    Version {
        /// The file's version.
        version: u32,
        /// The newest version that can be read: [`VERSION`](super::VERSION).
        supported: u32,
    },
    /// The contents do not have the checksum that the file has.
    #[error(
        "the stencil file is damaged or cut short (its checksum is {stored:#010x}, its contents' is \
         {computed:#010x}): copy it again, or build it again"
    )]
    Checksum {
        /// The checksum in the file.
        stored: u32,
        /// The CRC-32 of the contents.
        computed: u32,
    },
    /// The checksum is right, but the contents are invalid.
    #[error(
        "byte {offset:#x} of the stencil file, {place}: {problem}; the file was written wrongly: \
         build it again"
    )]
    Malformed {
        /// The offset in the file, in bytes.
        offset: usize,
        /// The part of the file, e.g. `hole 2 of _ADD_INT_r21's code`.
        place: String,
        /// What is wrong with it.
        problem: String,
    },
}
