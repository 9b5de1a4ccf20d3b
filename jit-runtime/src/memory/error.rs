//! Errors of memory for code.

use std::io;

/// The reason why there is no memory for a trace. What was published before is not affected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryError {
    /// The block would have no bytes.
    #[error("a block of zero bytes was asked for; a trace has at least the guard stencil's code")]
    Empty,
    /// The length, rounded up, does not fit into the address space.
    #[error(
        "a block of {len} bytes does not fit into the address space; check how the length was computed"
    )]
    TooLarge {
        /// Bytes asked for.
        len: usize,
    },
    /// No block can have that alignment.
    #[error(
        "a block cannot be at a multiple of {alignment} bytes, only of a power of two up to a page ({page})"
    )]
    Alignment {
        /// The alignment asked for, in bytes.
        alignment: usize,
        /// The size of a page in bytes.
        page: usize,
    },
    /// The system has no memory left (`ENOMEM`, a resource limit, a full `tmpfs`, a control group's limit).
    #[error(
        "{call} found no memory for {len} bytes of code: {source}; \
         drop executables that are not needed, or raise the limit (ulimit -v, memory.max, vm.max_map_count)"
    )]
    NoMemory {
        /// The system's function that failed.
        call: &'static str,
        /// Bytes asked for.
        len: usize,
        /// The system's error.
        source: io::Error,
    },
    /// The system does not let this process have new executable memory.
    #[error(
        "{call} was refused executable memory ({len} bytes): {source}; what can be in the way: {}",
        advice()
    )]
    NotExecutable {
        /// The system's function that was refused.
        call: &'static str,
        /// Bytes asked for.
        len: usize,
        /// The system's error.
        source: io::Error,
    },
    /// Any other failure of the system, such as no file descriptor left for a chunk.
    #[error("{call} failed for {len} bytes of code: {source}; see its manual for this error")]
    System {
        /// The system's function that failed.
        call: &'static str,
        /// Bytes asked for.
        len: usize,
        /// The system's error.
        source: io::Error,
    },
    /// The arena may not reserve so much: see [`ArenaOptions::limit`](super::ArenaOptions::limit).
    #[error(
        "{len} bytes of code do not fit: the arena has reserved {reserved} of at most {limit} bytes; \
         drop executables that are not needed, or set a higher ArenaOptions::limit"
    )]
    Limit {
        /// Bytes asked for.
        len: usize,
        /// Bytes that the arena has reserved from the system.
        reserved: usize,
        /// Bytes that it may reserve.
        limit: usize,
    },
    /// A block that was allocated from an arena before a fork cannot be published in the child, where its address
    /// belongs to the parent's code.
    #[error(
        "a block allocated before a fork cannot be published in the child; \
         link the trace again, for a block that the child allocates"
    )]
    Forked,
    /// An entry point is outside of the code.
    #[error(
        "entry at offset {offset} of code of {len} bytes; take an offset that the layout gives"
    )]
    Entry {
        /// The offset asked for, in bytes.
        offset: usize,
        /// The executable's length in bytes.
        len: usize,
    },
    /// The unwind rules of [`ArenaOptions::unwind`](super::ArenaOptions::unwind) are no stack's.
    #[cfg(all(feature = "unwind", target_os = "linux"))]
    #[error(
        "the unwind rules place the frame below the frame pointer; the stencils are damaged: build them again"
    )]
    UnwindRules,
    /// This crate cannot make code executable on this system or processor, though it can link for it.
    #[error(
        "executable memory on {}/{} is not supported, only on x86_64, aarch64 and x86 of Unix and Windows",
        std::env::consts::OS,
        std::env::consts::ARCH
    )]
    Unsupported,
}

impl MemoryError {
    /// Returns the variant for an error of the system.
    pub(super) fn system(call: &'static str, len: usize, source: io::Error) -> MemoryError {
        use io::ErrorKind as Kind;
        let code = source.raw_os_error();
        match source.kind() {
            // ENOSYS is a refusal: seccomp filters return it so that programs try another way.
            Kind::PermissionDenied | Kind::Unsupported | Kind::FileTooLarge => {
                MemoryError::NotExecutable { call, len, source }
            }
            // ERROR_DYNAMIC_CODE_BLOCKED
            _ if cfg!(windows) && code == Some(1655) => {
                MemoryError::NotExecutable { call, len, source }
            }
            Kind::OutOfMemory | Kind::StorageFull | Kind::QuotaExceeded | Kind::WouldBlock => {
                MemoryError::NoMemory { call, len, source }
            }
            // ERROR_NO_SYSTEM_RESOURCES, ERROR_COMMITMENT_LIMIT
            _ if cfg!(windows) && matches!(code, Some(1450 | 1455)) => {
                MemoryError::NoMemory { call, len, source }
            }
            _ => MemoryError::System { call, len, source },
        }
    }

    /// Returns the same error of the system once more, or none if it is none of the system's.
    pub(super) fn again(&self) -> Option<MemoryError> {
        let (MemoryError::NoMemory { call, len, source }
        | MemoryError::NotExecutable { call, len, source }
        | MemoryError::System { call, len, source }) = self
        else {
            return None;
        };
        let source = match source.raw_os_error() {
            Some(code) => io::Error::from_raw_os_error(code),
            None => source.kind().into(),
        };
        Some(MemoryError::system(call, *len, source))
    }

    /// Returns whether another way to get executable memory may still work.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(
            self,
            MemoryError::NotExecutable { .. } | MemoryError::Unsupported
        )
    }

    /// Returns whether a trace that could not be written to a chunk may still be had in pages of its own.
    pub(crate) fn is_of_chunks(&self) -> bool {
        self.is_refusal() || matches!(self, MemoryError::System { .. })
    }
}

fn advice() -> &'static str {
    if cfg!(windows) {
        "ProcessDynamicCodePolicy (arbitrary code guard) of this process or an antivirus program"
    } else if cfg!(target_vendor = "apple") {
        "the hardened runtime: sign the program with the entitlement com.apple.security.cs.allow-jit"
    } else {
        "SELinux (setsebool -P deny_execmem off), PaX (setfattr -n user.pax.flags -v m PROGRAM), systemd's \
         MemoryDenyWriteExecute=, PR_SET_MDWE or another seccomp filter, or a limit on the size of files (ulimit -f); where mprotect is refused, an Arena may still \
         work, for it needs none"
    }
}
