//! Optimize the textual assembly of copy-and-patch stencils: text in, text out.
//!
//! clang compiles a micro-op as one function of its own, but stencils are laid out end to end. Here
//! the assembly is split into basic blocks, so that control flow can be shaped for that:
//!
//! - a `_JIT_CONTINUE` label after the last instruction turns the jump to the next micro-op into a
//!   fall-through;
//! - branches to hot code over jumps to cold code are inverted, redundant jumps and unreachable
//!   blocks removed;
//! - on AArch64, conditional branches out of the stencil and loads of small or large constants get
//!   labels (`CUSTOM_AARCH64_BRANCH19_JIT_RELOCATION_...`) that `jit-stencils` turns into
//!   relocations.
//!
//! The behaviour is that of `Optimizer`, `OptimizerX86` and `OptimizerAArch64` in CPython's
//! `Tools/jit/_optimizers.py`, and so are the bytes of the result, but for one case that is wrong
//! code there. A call to the block that follows directly is kept; upstream's
//! `_remove_redundant_jumps` takes it for a zero-length jump and deletes it.
//!
//! ```
//! use jit_optimizer::optimize;
//! use jit_schema::Target;
//!
//! let target = Target::from_triple("x86_64-unknown-linux-gnu")?;
//! let assembly = "\t.globl\t_JIT_ENTRY\n_JIT_ENTRY:\n\tincl\t%eax\n\tjmp\t_JIT_CONTINUE\n";
//! let optimized = optimize(target, assembly)?;
//! assert!(optimized.ends_with("\n_JIT_ENTRY:\n\tincl\t%eax\n.L_JIT_CONTINUE:"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod aarch64;
mod aarch64_pairs;
mod cfg;
mod error;
mod i686_arguments;
mod parse;
mod passes;
mod scan;
mod x86;
mod x86_64_constants;
mod x86_operands;

use jit_schema::{Arch, ObjectFormat, Target};

use cfg::Graph;
pub use error::OptimizeError;
use parse::{GlobalDirective, Syntax};

/// Differs if the optimizer does: a hash of its sources, for those who store what it writes.
pub const FINGERPRINT: &str = env!("JIT_OPTIMIZER_FINGERPRINT");

/// Which instructions the optimizer understands: one per optimizer class of `_optimizers.py`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// No instruction at all (`Optimizer`): only the `_JIT_CONTINUE` label is added, and blocks
    /// that no global label reaches by falling through are removed. No target uses it; it is
    /// where support for another instruction set starts.
    None,
    /// AT&T syntax for 32 and 64-bit x86 (`OptimizerX86`).
    X86,
    /// 64-bit Arm (`OptimizerAArch64`).
    Aarch64,
}

impl Dialect {
    /// The dialect of a target, as `get_target` in `_targets.py` assigns them.
    pub const fn of(target: &Target) -> Dialect {
        match target.arch {
            Arch::Aarch64 => Dialect::Aarch64,
            Arch::I686 | Arch::X86_64 => Dialect::X86,
        }
    }
}

/// Optimize the assembly of one stencil, as `Optimizer.run` does.
///
/// `assembly` is what clang writes for the target with `-S` and without unwind tables. The result
/// starts with the input, each line behind a `#`, followed by the optimized code. Code that cannot
/// reach the next micro-op is marked by `# JIT: COLD ####` lines. Lines end in `\n`, the last one
/// in nothing.
///
/// # Errors
///
/// [`OptimizeError`], where the assembly cannot be optimized without breaking it.
pub fn optimize(target: &'static Target, assembly: &str) -> Result<String, OptimizeError> {
    run(target, Dialect::of(target), assembly, Passes::Upstream)
}

/// [`optimize`], and then what upstream does not do, for less code and data. What the stencil does
/// stays the same, and an unmodified `jit.c` knows how to fill its holes.
///
/// # Errors
///
/// Those of [`optimize`].
pub fn optimize_tuned(target: &'static Target, assembly: &str) -> Result<String, OptimizeError> {
    run(target, Dialect::of(target), assembly, Passes::Tuned)
}

/// [`optimize`] with a dialect other than the target's own.
///
/// # Errors
///
/// Those of [`optimize`].
pub fn optimize_as(
    target: &'static Target,
    dialect: Dialect,
    assembly: &str,
) -> Result<String, OptimizeError> {
    run(target, dialect, assembly, Passes::Upstream)
}

/// Which passes run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Passes {
    /// Those of `_optimizers.py`.
    Upstream,
    /// More.
    Tuned,
}

fn run(
    target: &'static Target,
    dialect: Dialect,
    assembly: &str,
    passes: Passes,
) -> Result<String, OptimizeError> {
    let syntax = Syntax {
        dialect,
        label_prefix: target.label_prefix,
        symbol_prefix: target.symbol_prefix,
        global: match target.format {
            ObjectFormat::Coff => GlobalDirective::Def,
            ObjectFormat::Elf | ObjectFormat::MachO => GlobalDirective::Globl,
        },
    };
    let continue_label = format!("{}_JIT_CONTINUE", syntax.label_prefix);
    let continue_line = format!("{continue_label}:");
    let text = parse::localize_continue(&syntax, &continue_label, assembly);
    let lines: Vec<&str> = scan::lines(&text).collect();

    let mut graph = Graph::build(&syntax, &lines, &continue_label)?;
    let continuation = graph.insert_continue_label(&continue_label, &continue_line);
    graph.mark_hot_blocks();
    // Each removed branch can expose another; upstream repeats four times as well.
    for _ in 0..4 {
        graph.invert_hot_branches(&syntax)?;
        graph.remove_redundant_jumps(&syntax);
        graph.remove_unreachable(continuation);
    }
    if dialect == Dialect::Aarch64 {
        aarch64::label_external_branches(&mut graph, &syntax);
        aarch64::fix_up_constants(&mut graph)?;
    }
    if passes == Passes::Tuned {
        match target.arch {
            Arch::X86_64 => x86_64_constants::shorten(&mut graph, &syntax, target.format),
            Arch::I686 => i686_arguments::drop_stores(&mut graph, &syntax, continuation),
            Arch::Aarch64 => aarch64_pairs::label(&mut graph, target.format),
        }
    }
    if target.frame_pointers {
        graph.check_frame_pointer(dialect)?;
    }
    Ok(graph.print(&lines))
}
