//! LLVM IR as text, and one module of it for each function that is wanted.
//!
//! clang compiles a file of many functions to one module. [`Module::parse`] reads it as clang and opt print it, and
//! [`Module::extract`] returns a module with one of the functions and whatever it reaches: helpers, constants, types,
//! attributes and metadata. Everything else becomes a declaration.
//!
//! The text of such a module does not depend on the rest of the file. Helpers, types, attributes and metadata get numbers
//! in the order of their use, and what has no effect on code is left out: names of files, comments, debug information.
//! So if the function and what it reaches stay the same, the text stays the same.
//!
//! The symbols that [`Role`] gives a meaning get canonical names at the same time. The uses of operands are made opaque
//! to the optimizer, because an operand can have any value, while LLVM takes the address of a symbol for one that is not
//! zero and differs from all others.

mod body;
mod definitions;
mod error;
mod extract;
mod lexer;
mod members;
mod module;
mod names;
mod operands;
mod part;
mod registers;
mod roles;

pub(crate) use part::Joined;
pub(crate) use roles::{ENTRY, LIKE_OPERANDS, RESERVED};

pub use error::{ModuleError, Refusal};
pub use extract::Extracted;
pub use members::{MEMBER_NEXT, Operation, Shape, member_operand, member_target};
pub use module::{Module, Place};
pub use roles::{Part, Role, Roles, Wanted};
