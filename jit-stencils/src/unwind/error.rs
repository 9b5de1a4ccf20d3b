//! The error of deriving unwind rules.

/// Why there are no unwind rules for the shim.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnwindError {
    /// The object or its `.eh_frame` is malformed.
    #[error("the shim's {what} is malformed: {detail}")]
    Malformed {
        /// The object or one of its sections.
        what: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// The object is for another target.
    #[error("the shim is an object for {found}, not for {target}: compile it for that target")]
    WrongObject {
        /// The target's triple.
        target: &'static str,
        /// The object's format and architecture.
        found: String,
    },
    /// The object has no code.
    #[error("the {target} JIT shim has no code: does it define its entry function?")]
    NoCode {
        /// The target's triple.
        target: &'static str,
    },
    /// There is not exactly one call that can be the one that enters compiled code.
    #[error(
        "the {target} JIT shim should contain exactly one executor call, but has {} of them{}: it \
         must do nothing but call the executor's code, and not as a tail call",
        calls.len(),
        list(calls)
    )]
    Calls {
        /// The target's triple.
        target: &'static str,
        /// The offsets of the calls in the code, in bytes.
        calls: Vec<u64>,
    },
    /// The object has no `.eh_frame`.
    #[error("the shim has no .eh_frame section: compile it with -fasynchronous-unwind-tables")]
    NoFrames,
    /// `.eh_frame` has a relocation that is not supported.
    #[error("unsupported relocation type {kind} at .eh_frame+{offset:#x} of the shim")]
    Relocation {
        /// Its number.
        kind: u32,
        /// The offset in `.eh_frame`, in bytes.
        offset: u64,
    },
    /// There is no row for the call.
    #[error(
        "the {target} JIT shim has no CFI row for the executor call at {call:#x}: compile it with \
         -fasynchronous-unwind-tables"
    )]
    NoRow {
        /// The target's triple.
        target: &'static str,
        /// The offset of the call in the code, in bytes.
        call: u64,
    },
    /// The return address is signed, and the rules for JIT code cannot say so.
    #[error(
        "the {target} JIT shim signs its return address (at {row:#x}), and nothing could unwind through \
         it: compile it without -mbranch-protection=standard and pac-ret (bti is fine)"
    )]
    Signed {
        /// The target's triple.
        target: &'static str,
        /// The offset in the code from which on it is signed, in bytes.
        row: u64,
    },
    /// The CFA is not counted from the frame pointer (or the return address), or the frame pointer
    /// and return address are not both saved at offsets from the CFA.
    #[error(
        "the {target} JIT shim's CFI row at {row:#x} {problem}: compile it with \
         -mframe-pointer=all"
    )]
    Row {
        /// The target's triple.
        target: &'static str,
        /// The offset in the code at which the row starts, in bytes.
        row: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// An offset is not a multiple of the data alignment factor.
    #[error("offset {offset} is not a multiple of the shim's data alignment factor {factor}")]
    Alignment {
        /// The distance from the CFA, in bytes.
        offset: i64,
        /// The factor, which may be 0.
        factor: i64,
    },
}

fn list(calls: &[u64]) -> String {
    if calls.is_empty() {
        return String::new();
    }
    let calls: Vec<_> = calls.iter().map(|call| format!("{call:#x}")).collect();
    format!(" (at {})", calls.join(", "))
}
