//! What symbols stand for.

use std::collections::BTreeMap;

/// What a symbol stands for, other than itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// The value of an operand: a number, the address of an object or a function.
    Operand {
        /// The number of the operand.
        index: u16,
        /// The bits of its value.
        bits: u8,
        /// Which part of it the symbol is.
        part: Part,
    },
    /// A place to go on at, or a function to call.
    Place(u16),
    /// The start of the next stencil.
    Continue,
    /// The start of the next stencil, which is always reached by a jump.
    ContinueJump,
    /// Nothing: calls are removed.
    Marker,
}

/// A part of an operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// The low 32 bits.
    Low,
    /// The high 32 bits.
    High,
}

/// The roles of symbols. Other symbols stand for themselves.
pub type Roles = BTreeMap<String, Role>;

/// The name of the function that becomes the stencil.
pub(crate) const ENTRY: &str = "_JIT_ENTRY";

/// What names start with that have a meaning in stencils.
pub(crate) const RESERVED: &str = "_JIT_";

/// A variable that is declared as operands are. Unlike references, it says whether the flags let clang take addresses
/// directly.
pub(crate) const LIKE_OPERANDS: &str = "__jit_cli_like_operands";

impl Role {
    /// Returns the symbol that objects have for it. Halves have symbols of their own only where addresses have 32 bits.
    pub fn symbol(self, pointer_bits: u32) -> Option<String> {
        Some(match self {
            Role::Operand { index, part, .. } => match part {
                Part::Low if pointer_bits == 32 => format!("_JIT_OPERAND_{index}_LO"),
                Part::High if pointer_bits == 32 => format!("_JIT_OPERAND_{index}_HI"),
                Part::Whole | Part::Low | Part::High => format!("_JIT_OPERAND_{index}"),
            },
            Role::Place(index) => format!("_JIT_PLACE_{index}"),
            Role::Continue => "_JIT_CONTINUE".to_owned(),
            Role::ContinueJump => "_JIT_CONTINUE_JUMP".to_owned(),
            Role::Marker => return None,
        })
    }
}

/// Which function to take out of a module, and how.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Wanted<'a> {
    /// The function.
    pub function: &'a str,
    /// What symbols stand for.
    pub roles: &'a Roles,
    /// The bits of an address.
    pub pointer_bits: u32,
    /// Whether addresses of other symbols are read from a table of imports, as Windows has it.
    pub imports: bool,
    /// Whether an operand has to be declared weak, as [`Compiler::front_end`](crate::Compiler::front_end) has clang do it. The
    /// front ends of other compilers may not compute with addresses.
    pub weak_operands: bool,
    /// What the functions do with the frame pointer, as in clang's `-mframe-pointer`, if they do not say it.
    pub frame_pointer: Option<&'a str>,
}

impl<'a> Wanted<'a> {
    /// Returns a function of a module for a target with addresses of 64 bits and no imports, from any front end.
    pub fn new(function: &'a str, roles: &'a Roles) -> Wanted<'a> {
        Wanted {
            function,
            roles,
            pointer_bits: 64,
            imports: false,
            weak_operands: false,
            frame_pointer: None,
        }
    }
}
