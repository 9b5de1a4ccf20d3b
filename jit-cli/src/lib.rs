//! Builds stencils for copy-and-patch JIT compilers: from micro-operations in C to machine code with
//! holes.
//!
//! [`Build`] is the front of the library: what to build, and how. [`Build::run`] returns the stencils and
//! the generated files in memory, [`Build::write`] writes the files, and [`Build::emit_to_out_dir`] is for
//! a `build.rs`:
//!
//! ```no_run
//! fn main() -> Result<jit_cli::Written, jit_cli::Error> {
//!     jit_cli::Build::from_config("stencils/jit.toml").emit_to_out_dir()
//! }
//! ```
//!
//! The program then embeds the stencil file and links it with `jit-runtime`; `fixtures/embedded` in the
//! repository is a complete example. Sources may be in memory, too:
//!
//! ```no_run
//! use jit_cli::{Build, Emit, Event, Sources};
//!
//! # fn main() -> Result<(), jit_cli::Error> {
//! let template = "
//!     enum { DOUBLE };
//!     extern __attribute__((visibility(\"hidden\"))) int _JIT_CONTINUE(int);
//!     int _JIT_ENTRY(int x) {
//!         switch (_JIT_OPCODE) {
//!             CASE
//!         }
//!         __attribute__((musttail)) return _JIT_CONTINUE(x);
//!     }";
//! let cases = "
//!         case DOUBLE: {
//!             x *= 2;
//!             break;
//!         }\n";
//! let built = Build::from_sources(Sources::new(template, cases))
//!     .target("x86_64-unknown-linux-gnu")
//!     .emit(Emit::Stencils)
//!     .no_cache()
//!     .on_event(|event| {
//!         if let Event::Progress { done, uops, .. } = event {
//!             println!("{done} of {uops} micro-ops");
//!         }
//!     })
//!     .run()?;
//! let target = &built.targets[0];
//! assert_eq!(target.statistics.uops, 1);
//! assert!(target.stencil_file().is_some() && target.header().is_none());
//! # Ok(())
//! # }
//! ```
//!
//! clang has to be installed; see [`Build::llvm_version`] and [`Build::llvm_dir`] for which one is used.
//!
//! # Features
//!
//! `cli`, on by default, is the command line, with its dependencies. A build script leaves it out:
//! `jit-cli = { path = "CLONE/jit-cli", default-features = false }`, where `CLONE` is a clone of its repository.
#![forbid(unsafe_code)]

mod build;
mod cache;
#[cfg(feature = "cli")]
pub mod commands;
mod conventions;
mod cpython;
#[cfg(feature = "cli")]
mod differences;
#[cfg(feature = "cli")]
mod disassembly;
mod error;
mod events;
#[cfg(feature = "check")]
mod hardening;
mod hex;
#[cfg(feature = "cli")]
mod html;
mod pack;
mod paths;
mod pipeline;
mod project;
mod reads;
mod scratch;
#[cfg(feature = "cli")]
mod sizes;
mod state;
mod statistics;
#[cfg(feature = "cli")]
mod subjects;
mod sysroot;
#[cfg(feature = "cli")]
mod terminal;
mod tools;
mod tuned;
#[cfg(feature = "cli")]
mod upstream;

pub use build::{
    Build,
    explain::{Changes, Explanation, Uops},
    outcome::{Built, TargetBuild, Written},
};
pub use error::{Error, FunctionError, HardeningError, Headers, SubjectError, UpstreamError};
pub use events::Event;
#[cfg(feature = "check")]
pub use hardening::{HardeningFinding, HardeningProblem, HardeningReport, check_hardening};
pub use jit_llvm::Interrupt;
pub use jit_schema::{Codegen, Hardening, Target};
pub use jit_stencils::StencilSet;
pub use pack::{Applied, Change, Difference, Pack, PackError, Packed, Rebuilt, Verified};
pub use project::{emit::Emit, hardening::HardeningRules, sources::Sources};
pub use statistics::{StageTimes, Statistics};
