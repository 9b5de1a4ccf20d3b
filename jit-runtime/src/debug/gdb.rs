//! GDB's JIT interface, which LLDB knows too: ELF objects in memory, in a list that the debugger
//! reads when the program starts, when a function of the program's is called, and when it attaches
//! ("JIT Compilation Interface" in GDB's manual).
//!
//! The debugger finds the list by two symbols, `__jit_debug_descriptor` and
//! `__jit_debug_register_code`. A program that is stripped of its symbols (`strip = true`) hides
//! them, and a program can have each only once: leave this feature off in one that has another JIT
//! compiler which defines them (LLVM's, Cranelift's) linked in statically.
//!
//! GDB cannot set breakpoints on code in an [`Arena`](crate::memory::Arena) on Linux: its pages are
//! shared and not writable, not even by debuggers. (GDB 13 does not say so; the breakpoint is
//! "pending".) Hardware breakpoints (`hbreak`) may do, or code in pages of its own, from
//! [`Writable::alloc`](crate::memory::Writable::alloc). Backtraces and `stepi` work with both.
//!
//! ```
//! use jit_runtime::debug::gdb;
//!
//! /// Code, and that the debugger knows of it. What is declared first is dropped first: the debugger
//! /// has to forget the code before it is gone.
//! struct Trace {
//!     known: gdb::Registration,
//!     code: jit_runtime::memory::Executable,
//! }
//! ```

use jit_schema::ObjectFormat;

use super::{Description, elf, raw};

pub use super::error::ObjectError;

/// The object that [`register`] hands to the debugger: `.text` without contents at the code's
/// address, `.symtab` with the description's symbols, and `.debug_frame` with its unwind rules, if it
/// has any.
///
/// # Errors
///
/// [`ObjectError`].
pub fn object(description: &Description) -> Result<Vec<u8>, ObjectError> {
    let target = description.target();
    if target.format != ObjectFormat::Elf {
        return Err(ObjectError::Target {
            name: description.name().to_owned(),
            triple: target.triple,
        });
    }
    elf::object(description)
}

/// Tell the debugger, if there is one or will be one, until the result is dropped: drop it before the
/// code, whose place may soon be another trace's.
///
/// Without a debugger this takes the memory of the object (about 500 bytes, 40 and a name for each
/// symbol) and no time to speak of. With one, the program stops each time.
///
/// # Errors
///
/// [`ObjectError`].
pub fn register(description: &Description) -> Result<Registration, ObjectError> {
    let object = object(description)?;
    Ok(Registration(raw::list::add(object.into())))
}

/// That the debugger knows of some code. Dropped, it forgets it.
#[derive(Debug)]
#[must_use = "the debugger forgets the code when this is dropped"]
pub struct Registration(u64);

impl Drop for Registration {
    fn drop(&mut self) {
        raw::list::remove(self.0);
    }
}
