//! Descriptions of linked code for debuggers and profilers: its name, its place, and how to unwind from
//! it.
//!
//! The module [`gdb`] (feature `gdb`) registers code with GDB and LLDB, and [`perf`] (feature `perf`)
//! writes files for Linux's perf. Both take a [`Description`], which is made from the stencils, the
//! layout and the executable. This is for Linux only: other stencils come without unwind rules. For
//! backtraces that the process makes of itself, `ArenaOptions::unwind` (feature `unwind`) registers an arena's code with its
//! unwinder.
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
//! #     families: vec![],
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
//! // As long as this is alive, GDB's backtraces show the names.
//! let _known = jit_runtime::debug::gdb::register(&description)?;
//! # }
//! # Ok(())
//! # }
//! ```
//!
//! Describe the shim as well, as a trace of its own, which is how it is linked.
//!
//! # What a backtrace shows
//!
//! A trace has no frame of its own. Its stencils never change the frame pointer, which is therefore the
//! shim's in all of the trace, and the rules in [`UnwindInfo`] step from any instruction of a trace
//! straight to the shim's caller (as in CPython's `Python/jit_unwind.c`). A backtrace has one frame for
//! both, with the name of the trace:
//!
//! ```text
//! #0  vm_print ()                  a function of the host
//! #1  square::_PRINT_r10 ()        the trace, in the shim's frame
//! #2  example::run ()              the function that called the shim
//! ```
//!
//! The shim has a frame with its name only while its own instructions run. All of its instructions have
//! the same rules, which are wrong before the frame pointer is set up and after it is restored: at the
//! first two instructions and the last one on x86_64. The rules restore the frame pointer, the stack
//! pointer and the program counter, but not the other registers that the shim saved: variables that
//! callers keep in callee-saved registers show wrong values.

use std::ops::Range;

use jit_schema::Target;
use jit_stencils::UnwindInfo;

use crate::{Element, Layout, Stencils, memory::Executable};

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

/// How many symbols describe a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Detail {
    /// One, with the trace's name.
    Trace,
    /// One for each micro-op that has code, named `TRACE::_ADD_INT_r21`, and `TRACE::trampolines`.
    Uops,
}

/// Code with a name. The symbols of a description are in ascending order, and do not overlap.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Symbol {
    /// The name. A micro-op that is in the trace twice has two symbols with the same name.
    pub name: String,
    /// Where the code starts, in bytes from the start of the trace's code.
    pub offset: u64,
    /// The size in bytes, at least 1.
    pub size: u64,
}

/// What debuggers and profilers need to know about a linked trace.
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
    /// Describes `code`, which was linked from `layout`, under the name `name`.
    ///
    /// # Errors
    ///
    /// [`DescribeError`]: the arguments do not belong together, or a name is empty or has control
    /// characters.
    pub fn new(
        stencils: &Stencils,
        layout: &Layout<'_, impl Element>,
        code: &Executable,
        name: &str,
        detail: Detail,
    ) -> Result<Description, DescribeError> {
        if layout.plan.identity != stencils.identity {
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

    /// Returns the trace's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the target that the code runs on.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Returns the address of the first instruction.
    pub fn base(&self) -> u64 {
        self.base
    }

    /// Returns the size of the code in bytes: micro-ops, guard and trampolines, but not the data.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns the symbols, sorted by offset.
    pub fn symbols(&self) -> &[Symbol] {
        &self.symbols
    }

    /// Returns how to unwind from each of the instructions, for Linux targets.
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

/// Returns a symbol, or none if it would have no code.
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
    layout: &Layout<'_, impl Element>,
    name: &str,
) -> Result<Vec<Symbol>, DescribeError> {
    let opcodes = layout.opcodes();
    let starts = layout.plan.starts.iter().map(|start| *start as usize);
    // Each ends where the next one starts, the last one where the guard does.
    let ends = starts.clone().skip(1).chain([layout.plan.guard]);
    let other_stencils = || DescribeError::OtherStencils {
        name: name.to_owned(),
    };
    let mut parts: Vec<(&str, Range<usize>)> = Vec::new();
    for (opcode, (start, end)) in opcodes.zip(starts.zip(ends)) {
        let uop = stencils.name(opcode).ok_or_else(other_stencils)?;
        parts.push((uop, start..end));
    }
    if let Some(guard) = stencils.guard().and_then(|guard| stencils.name(guard)) {
        parts.push((guard, layout.plan.guard..layout.code_size()));
    }
    parts.push(("trampolines", layout.trampolines()));
    let symbols = parts
        .into_iter()
        .map(|(part, range)| symbol(format!("{name}::{part}"), range));
    symbols.filter_map(Result::transpose).collect()
}
