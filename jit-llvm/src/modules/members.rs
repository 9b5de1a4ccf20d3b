//! The members of a family: functions that call an operation with its operands in certain registers or in memory, and go
//! on at the next stencil.
//!
//! They are written as LLVM IR and added to the module that defines the operation, where [`Module::extract`] finds them.

mod body;
mod operation;
mod shape;

pub use operation::Operation;
pub use shape::{MEMBER_NEXT, Shape, member_operand, member_target};
