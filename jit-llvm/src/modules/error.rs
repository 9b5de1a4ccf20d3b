//! Why IR cannot be read or split.

use thiserror::Error;

/// Why a module cannot be read, or a function cannot be taken out of it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ModuleError {
    /// A line of the module has something that is not known.
    #[error("line {line} of the LLVM IR: {what}")]
    Unknown {
        /// The line, from 1.
        line: usize,
        /// What is not known.
        what: String,
    },
    /// Something of the module would run when a program starts or ends.
    #[error(
        "{} would run when the program starts or ends, but stencils are no program: a variable has an initial value that is \
         computed, or a function has the attribute constructor. Move it into a source of the host",
        functions.join(", ")
    )]
    Constructors {
        /// The functions that would run.
        functions: Vec<String>,
    },
    /// The module does not define the function.
    #[error("there is no function {name}")]
    NoFunction {
        /// The function.
        name: String,
    },
    /// A function cannot become a stencil.
    #[error("{function}: {refusal}")]
    Refused {
        /// The symbol of the function or variable that the problem is in.
        function: String,
        /// The problem.
        refusal: Refusal,
    },
}

/// A property because of which a function cannot become a stencil. Names are symbols.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It reaches a variable that can change.
    #[error(
        "{0} is a variable that can change, and each stencil would have a copy of its own: make it const, or declare \
         it extern and define it in the host"
    )]
    Writable(String),
    /// It reaches a variable of each thread.
    #[error(
        "{0} is a thread-local variable, which stencils cannot reach: pass its address, or call a function of the host"
    )]
    ThreadLocal(String),
    /// It reaches something that another definition may replace.
    #[error(
        "{0} is weak, so another definition may replace it: make it static or inline, or declare it extern and define it \
         in the host"
    )]
    Replaceable(String),
    /// It reaches a symbol whose address is chosen when the program starts.
    #[error("{0} is an ifunc, whose function is chosen when the program starts: declare it extern")]
    Ifunc(String),
    /// It throws or catches exceptions, or cleans up after them.
    #[error(
        "it has code for exceptions, but stencils have no unwind information: compile without exceptions, and call a \
         function of the host that throws none"
    )]
    Exceptions,
    /// The symbol is reserved, and has no role.
    #[error(
        "{0} is not in [holes], and names of the host must not start with _JIT_: is it misspelt?"
    )]
    Reserved(String),
    /// An operand is used in the value of a variable.
    #[error(
        "the hole {hole} is used in the initial value of {}, where LLVM takes it for an ordinary address: assign it with a \
         statement of the function",
        initialized(variable)
    )]
    HoleInData {
        /// The hole.
        hole: String,
        /// The variable.
        variable: String,
    },
    /// The code promises something about the value of an operand.
    #[error(
        "the code promises something about the value of {0}, as __builtin_assume_aligned does, but it may be any value: \
         leave the promise out"
    )]
    Promise(String),
    /// An operand is used in an expression that is not known.
    #[error("the hole {hole} is used in a constant expression that is not known: {expression}")]
    Expression {
        /// The hole.
        hole: String,
        /// The operator.
        expression: String,
    },
    /// An operand is used with more bits than it has.
    #[error(
        "{hole} is used with {used} bits, but has {bits}: convert it to a narrower type, or say bits = {used}"
    )]
    TooWide {
        /// The hole.
        hole: String,
        /// The bits that it has.
        bits: u32,
        /// The bits that are used.
        used: u32,
    },
    /// An operand of few bits is used as an address.
    #[error("{hole} is used as an address, but has {bits} bits")]
    NotAnAddress {
        /// The hole.
        hole: String,
        /// The bits that it has.
        bits: u32,
    },
    /// An operand is used as a number, but its declaration says something about the number.
    #[error(
        "{hole} is used as a number, but its declaration says that it is a multiple of {alignment}, which clang makes use \
         of: declare it as `extern char {hole}[]`"
    )]
    Aligned {
        /// The hole.
        hole: String,
        /// Its alignment in bytes.
        alignment: u32,
    },
    /// An operand is declared so that clang computes with its address.
    #[error(
        "clang takes the address of {0} for one that is never zero, that nothing else has and that is a multiple of its \
         alignment: declare it under this name, in \
         C++ as extern \"C\", without an asm label and without dllimport"
    )]
    NotWeak(String),
    /// Assembly refers to a hole by its name, which means a symbol of the host there.
    #[error(
        "its assembly names the hole {0}, which only C knows: pass it as an operand of the asm statement"
    )]
    InAssembly(String),
    /// A marker has a use that is no call, or its value is used.
    #[error("the marker {0} can only be called, and must return nothing")]
    Marker(String),
    /// Something else, in words.
    #[error("{0}")]
    Other(String),
}

/// Returns what an author calls a variable. For a local array or structure, clang makes one that it copies.
fn initialized(variable: &str) -> String {
    let local = variable.strip_prefix("__const.");
    let name = local.and_then(|name| name.split('.').nth(1));
    name.unwrap_or(variable).to_owned()
}

impl ModuleError {
    pub(super) fn unknown(line: usize, what: impl Into<String>) -> ModuleError {
        ModuleError::Unknown {
            line,
            what: what.into(),
        }
    }
}
