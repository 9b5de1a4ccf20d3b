//! GDB's JIT interface, which LLDB has as well: a list of ELF objects in memory. The debugger reads it
//! when the program starts, when the program calls a certain function, and when the debugger attaches
//! ("JIT Compilation Interface" in GDB's manual).
//!
//! The debugger finds the list by two symbols, `__jit_debug_descriptor` and
//! `__jit_debug_register_code`. They are not found in a program that is stripped of its symbols
//! (`strip = true`), and a program can have each only once: leave this feature off in a program that
//! statically links another JIT compiler which defines them, such as LLVM's or Cranelift's.
//!
//! GDB cannot set breakpoints in an [`Arena`](crate::memory::Arena) on Linux: its pages are shared and
//! cannot be written, not even by debuggers. (GDB 13 gives no error; the breakpoint is "pending".)
//! They work in an arena with
//! [`ArenaOptions::private_pages`](crate::memory::ArenaOptions::private_pages), and in pages of its own, from
//! [`Writable::alloc`](crate::memory::Writable::alloc). Hardware breakpoints (`hbreak`) may work with all of them, and backtraces
//! and `stepi` do.
//!
//! ```
//! use jit_runtime::debug::gdb;
//!
//! /// Code that the debugger knows. Fields are dropped in order: the debugger has to forget the code
//! /// before it is freed.
//! struct Trace {
//!     known: gdb::Registration,
//!     code: jit_runtime::memory::Executable,
//! }
//! ```

use jit_schema::ObjectFormat;

use super::{Description, elf, raw};

pub use super::error::ObjectError;

/// Returns the object that [`register`] hands to the debugger: `.text` without contents at the code's
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

/// Registers code with the debugger, if there is one or will be one, until the result is dropped. Drop
/// that before the code, whose place may soon be another trace's.
///
/// Without a debugger, this takes the memory of the object (about 500 bytes, plus 40 bytes and the name
/// for each symbol) and hardly any time. With a debugger, the program stops each time.
///
/// # Errors
///
/// [`ObjectError`].
pub fn register(description: &Description) -> Result<Registration, ObjectError> {
    let object = object(description)?;
    Ok(Registration(raw::list::add(object.into())))
}

/// The registration of some code: as long as this is alive, the debugger knows the code.
#[derive(Debug)]
#[must_use = "the debugger forgets the code when this is dropped"]
pub struct Registration(u64);

impl Drop for Registration {
    fn drop(&mut self) {
        raw::list::remove(self.0);
    }
}
