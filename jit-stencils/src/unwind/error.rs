//! Why a shim has no unwind information.

/// Why the shim's object gives no unwind information.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnwindError {
    /// The bytes are not what they say they are.
    #[error("the shim's {what} is malformed: {detail}")]
    Malformed {
        /// The object or one of its sections.
        what: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// The object is for another machine or system.
    #[error("the shim is an object for {found}, not for {target}: compile it for that target")]
    WrongObject {
        /// The target's triple.
        target: &'static str,
        /// Format and architecture.
        found: String,
    },
    /// There is no code in it.
    #[error("the {target} JIT shim has no code: does it define its entry function?")]
    NoCode {
        /// The target's triple.
        target: &'static str,
    },
    /// The executor call cannot be told.
    #[error(
        "the {target} JIT shim should contain exactly one executor call, but has {} of them{}: it \
         must do nothing but call the executor's code, and not as a tail call",
        calls.len(),
        list(calls)
    )]
    Calls {
        /// The target's triple.
        target: &'static str,
        /// Offsets of the calls in the code.
        calls: Vec<u64>,
    },
    /// There is no `.eh_frame` in it.
    #[error("the shim has no .eh_frame section: compile it with -fasynchronous-unwind-tables")]
    NoFrames,
    /// A relocation in `.eh_frame` that compilers do not make.
    #[error("unsupported relocation type {kind} at .eh_frame+{offset:#x} of the shim")]
    Relocation {
        /// Its number.
        kind: u32,
        /// Where in `.eh_frame`.
        offset: u64,
    },
    /// The call is not covered.
    #[error(
        "the {target} JIT shim has no CFI row for the executor call at {call:#x}: compile it with \
         -fasynchronous-unwind-tables"
    )]
    NoRow {
        /// The target's triple.
        target: &'static str,
        /// Offset of the call in the code.
        call: u64,
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
        /// Offset in the code at which the row starts.
        row: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// An offset cannot be told in data alignment factors.
    #[error("offset {offset} is not a multiple of the shim's data alignment factor {factor}")]
    Alignment {
        /// Distance from the CFA, in bytes.
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
