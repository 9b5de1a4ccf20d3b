//! Linked code for debuggers and profilers: what it is called, where it is, how to unwind from it.
//!
//! [`gdb`] tells GDB and LLDB (feature `gdb`), [`perf`] tells Linux's perf (feature `perf`). Both take a
//! [`Description`], made of the stencils, the layout and the executable. Linux only: unwind rules
//! come with its stencils alone.
//!
//! ```
//! # use jit_runtime::{LayoutPolicy, Linker, Stencils, Symbols, Uop};
//! use jit_runtime::debug::{Description, Detail};
//! # use jit_runtime::memory::{Arena, ArenaOptions};
//! # use jit_stencils::{Stencil, StencilGroup, StencilSet};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let code = Stencil { body: vec![0xc3, 0, 0, 0], holes: vec![] };
//! # let set = StencilSet {
//! #     target: *jit_schema::Target::from_triple("x86_64-unknown-linux-gnu")?,
//! #     groups: vec![("_RETURN".into(), StencilGroup { code, ..StencilGroup::default() })],
//! #     symbols: vec![],
//! #     shim: None,
//! # };
//! # let stencils = Stencils::new(&set)?;
//! # let symbols = Symbols::new(&stencils, |_name| None);
//! # let trace = [Uop::default()];
//! let mut linker = Linker::new(&stencils, LayoutPolicy::Tight);
//! let arena = Arena::new(ArenaOptions::default())?;
//! let code = linker.compile(&trace, &symbols, &arena)?;
//!
//! let layout = linker.layout(&trace)?;
//! let description = Description::new(&stencils, &layout, &code, "square", Detail::Uops)?;
//! assert_eq!(description.symbols()[0].name, "square::_RETURN");
//! # #[cfg(feature = "gdb")] {
//! // As long as this lives, GDB's backtraces have the names in them.
//! let _known = jit_runtime::debug::gdb::register(&description)?;
//! # }
//! # Ok(())
//! # }
//! ```
//!
//! Describe the shim as well, as it is linked: as a trace of its own.
//!
//! # What a backtrace shows
//!
//! A trace has no frame of its own. Its stencils never touch the frame pointer, so that in all of it
//! the frame pointer is the shim's, and [`UnwindInfo`]'s rules step from any instruction of a trace
//! straight to the shim's caller (as in CPython's `Python/jit_unwind.c`). A backtrace therefore has one
//! frame for both, with the name of the trace:
//!
//! ```text
//! #0  vm_print ()                  a function of the host's
//! #1  square::_PRINT_r10 ()        the trace, in the shim's frame
//! #2  example::run ()              who called the shim
//! ```
//!
//! The shim has a frame with its name only while its own instructions run. The same rules are given
//! for all of them. They are wrong before the frame pointer is set up and after it is restored: the
//! first two instructions and the last on x86_64. And they restore the frame pointer, the stack
//! pointer and the program counter, not what else the shim saved: variables that the callers keep in
//! callee-saved registers show wrong values.

use std::ops::Range;

use jit_schema::Target;
use jit_stencils::UnwindInfo;

use crate::{Layout, Stencils, memory::Executable};

#[cfg(feature = "gdb")]
mod cfi;
#[cfg(feature = "gdb")]
mod elf;
mod error;
#[cfg(feature = "gdb")]
pub mod gdb;
#[cfg(all(feature = "perf", target_os = "linux"))]
pub mod perf;
#[cfg(any(feature = "gdb", all(feature = "perf", target_os = "linux")))]
#[allow(unsafe_code)]
mod raw;

pub use error::DescribeError;

/// How many symbols there are for a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Detail {
    /// One, of the trace's name.
    Trace,
    /// One for each uop that has code, `TRACE::_ADD_INT_r21`, and `TRACE::trampolines`.
    Uops,
}

/// Code with a name. The symbols of a description are in order, and do not overlap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// Its name. That of a uop that is in the trace twice is there twice.
    pub name: String,
    /// Where it starts: bytes from the start of the code.
    pub offset: u64,
    /// How many bytes it has, at least one.
    pub size: u64,
}

/// What debuggers and profilers want to know of one trace that is linked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    name: String,
    target: Target,
    base: u64,
    size: u64,
    symbols: Vec<Symbol>,
    unwind: Option<UnwindInfo>,
}

impl Description {
    /// Describe `code`, which was linked from `layout`, under the name of `name`.
    ///
    /// # Errors
    ///
    /// [`DescribeError`]: these do not belong together, or a name has control characters.
    pub fn new(
        stencils: &Stencils,
        layout: &Layout<'_>,
        code: &Executable,
        name: &str,
        detail: Detail,
    ) -> Result<Description, DescribeError> {
        if layout.identity != stencils.identity {
            let name = name.to_owned();
            return Err(DescribeError::OtherStencils { name });
        }
        if code.len() != layout.size() {
            return Err(DescribeError::OtherCode {
                name: name.to_owned(),
                found: code.len(),
                expected: layout.size(),
            });
        }
        check(name)?;
        let size = layout.trampolines().end;
        let symbols = match detail {
            Detail::Trace => symbol(name.to_owned(), 0..size)?.into_iter().collect(),
            Detail::Uops => uops(stencils, layout, name)?,
        };
        Ok(Description {
            name: name.to_owned(),
            target: *stencils.target(),
            base: code.base(),
            size: size as u64,
            symbols,
            unwind: stencils.unwind().copied(),
        })
    }

    /// What the trace is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it runs on.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The address of the first instruction.
    pub fn base(&self) -> u64 {
        self.base
    }

    /// Bytes of code: uops, guard and trampolines. Data is not code.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The symbols, in the order of their offsets.
    pub fn symbols(&self) -> &[Symbol] {
        &self.symbols
    }

    /// How to unwind from each of the instructions; Linux only.
    pub fn unwind(&self) -> Option<&UnwindInfo> {
        self.unwind.as_ref()
    }
}

fn check(name: &str) -> Result<(), DescribeError> {
    if name.is_empty() || name.chars().any(char::is_control) {
        let name = name.to_owned();
        return Err(DescribeError::Name { name });
    }
    Ok(())
}

/// None if there is no code.
fn symbol(name: String, range: Range<usize>) -> Result<Option<Symbol>, DescribeError> {
    check(&name)?;
    Ok((!range.is_empty()).then(|| Symbol {
        name,
        offset: range.start as u64,
        size: range.len() as u64,
    }))
}

fn uops(
    stencils: &Stencils,
    layout: &Layout<'_>,
    name: &str,
) -> Result<Vec<Symbol>, DescribeError> {
    let opcodes = layout.trace.iter().map(|uop| uop.opcode);
    let starts = layout.starts.iter().map(|start| *start as usize);
    // Where each ends: where the next starts, and then the guard.
    let ends = starts.clone().skip(1).chain([layout.guard]);
    let mut parts: Vec<(&str, Range<usize>)> = opcodes
        .zip(starts.zip(ends))
        .map(|(opcode, (start, end))| (stencils.name(opcode).unwrap_or("?"), start..end))
        .collect();
    if let Some(guard) = stencils.guard().and_then(|guard| stencils.name(guard)) {
        parts.push((guard, layout.guard..layout.code_size()));
    }
    parts.push(("trampolines", layout.trampolines()));
    let symbols = parts
        .into_iter()
        .map(|(part, range)| symbol(format!("{name}::{part}"), range));
    symbols.filter_map(Result::transpose).collect()
}
