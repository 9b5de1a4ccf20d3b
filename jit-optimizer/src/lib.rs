//! Optimizes the textual assembly of copy-and-patch stencils: text in, text out.
//!
//! clang compiles a micro-op as a function of its own, but stencils are laid out end to end. The
//! optimizer splits the assembly of such a function into basic blocks and shapes its control flow for
//! that:
//!
//! - A `_JIT_CONTINUE` label after the last instruction turns the jump to the next micro-op into a
//!   fall-through.
//! - Branches to hot code over jumps to cold code are inverted. Redundant jumps and unreachable
//!   blocks are removed.
//! - On AArch64, conditional branches out of the stencil and loads of small or large constants get
//!   labels (`CUSTOM_AARCH64_BRANCH19_JIT_RELOCATION_...`), which `jit-stencils` turns into
//!   relocations.
//!
//! The behaviour is that of `Optimizer`, `OptimizerX86` and `OptimizerAArch64` in CPython's
//! `Tools/jit/_optimizers.py`, and so are the bytes of the result for all of CPython's micro-ops. Code of
//! other projects has more: constants, jump tables, static functions, symbols with a `$`. Where upstream
//! breaks such code, this optimizer keeps its meaning or refuses it; `docs/parity.md` lists the
//! differences.
//!
//! With [`Codegen::Tuned`](jit_schema::Codegen::Tuned) and [`Codegen::Small`](jit_schema::Codegen::Small), more
//! passes run, most of them after upstream's, for less code and data. The stencil still does the same, and an unmodified `jit.c` can fill its holes.
//!
//! ```
//! use jit_optimizer::{Optimizer, Options};
//! use jit_schema::Target;
//!
//! let target = Target::from_triple("x86_64-unknown-linux-gnu")?;
//! let optimizer = Optimizer::new(target, Options::default());
//! let assembly = "\t.globl\t_JIT_ENTRY\n_JIT_ENTRY:\n\tincl\t%eax\n\tjmp\t_JIT_CONTINUE\n";
//! let optimized = optimizer.optimize(assembly)?;
//! assert_eq!(optimized.end, jit_schema::CodeEnd::FallsThrough);
//! assert_eq!(
//!     optimized.assembly,
//!     "\t.globl\t_JIT_ENTRY\n_JIT_ENTRY:\n\tincl\t%eax\n.L_JIT_CONTINUE:"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

/// The README's example, for `cargo test`.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod cfg;
mod effect;
mod error;
mod instruction;
mod instruction_set;
mod isa;
mod optimizer;
mod options;
mod parse;
mod pass;
mod passes;
mod print;
mod scan;
mod section;
mod start;
mod symbol;
mod syntax;

pub use error::OptimizeError;
pub use optimizer::{Optimized, Optimizer};
pub use options::{End, Entered, FramePointer, Known, LandingPads, Options, Places};

/// A hash of this crate's sources, for caches of what the optimizer writes: it differs if the
/// optimizer does.
pub const FINGERPRINT: &str = env!("JIT_OPTIMIZER_FINGERPRINT");
