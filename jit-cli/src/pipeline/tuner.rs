//! The optimizer, and what it has to know of stencils besides their code.

use std::sync::OnceLock;

use jit_llvm::{Compiler, LlvmError, Source, modules::Module};
use jit_optimizer::{Known, Optimized, Optimizer, Options};
use jit_schema::{Arch, Target};
use jit_stencils::Interface;

use crate::{
    error::Error,
    project::hardening::{HardeningRules, entered},
};

/// The optimizer of a target.
pub(crate) struct Tuner<'a> {
    optimizer: Optimizer,
    /// Which stencils control enters through pointers, if that counts.
    hardening: Option<&'a HardeningRules>,
    declared: Declared,
}

/// Where the declarations of a stencil's places are.
enum Declared {
    /// Nothing depends on them.
    Unused,
    /// In the stencil's module, with the bits of its operands.
    Module,
    /// In a source that has what all sources have, and no micro-op.
    Common(Source, OnceLock<Result<Option<u8>, LlvmError>>),
}

/// Starts the comment in a module that says how many bits operands have.
const OPERANDS: &str = "; bits of operands:";

/// Adds a comment to a module that says how many bits operands have, because code may depend on it.
pub(crate) fn with_operands(module: String, interface: &Interface) -> String {
    let bits: Vec<String> = interface.operands.iter().map(u8::to_string).collect();
    format!("{module}{OPERANDS} {}\n", bits.join(" "))
}

/// Returns how many bits operands have.
fn operands(module: &str) -> Vec<u8> {
    let line = module.lines().next_back();
    let bits = line.and_then(|line| line.strip_prefix(OPERANDS));
    let numbers = bits.into_iter().flat_map(str::split_ascii_whitespace);
    numbers.map(|number| number.parse().unwrap_or(0)).collect()
}

impl<'a> Tuner<'a> {
    /// Returns the optimizer of stencils whose places are declared in `common`, which has no micro-op, or each in its
    /// own module. It is not known where they are if there is neither.
    pub(crate) fn new(
        target: &'static Target,
        (options, hardening): (Options, Option<&'a HardeningRules>),
        (common, modules): (Option<Source>, bool),
    ) -> Tuner<'a> {
        // On AArch64, only the bits of operands make use of them, which modules have.
        let is_used = match target.arch {
            _ if options.codegen.is_upstream() => false,
            Arch::X86_64 => true,
            Arch::Aarch64 => modules,
            Arch::I686 => false,
        };
        Tuner {
            optimizer: Optimizer::new(target, options),
            hardening,
            declared: match common {
                _ if !is_used => Declared::Unused,
                Some(source) => Declared::Common(source, OnceLock::new()),
                None if modules => Declared::Module,
                None => Declared::Unused,
            },
        }
    }

    /// Optimizes the assembly of a source. What it depends on follows from the source, or from the declarations that it
    /// includes: a cache has that in its keys.
    pub(crate) fn optimize(
        &self,
        compiler: &Compiler<'_>,
        source: &Source,
        assembly: &str,
    ) -> Result<Optimized, Error> {
        let mut bits = Vec::new();
        let arguments = match &self.declared {
            Declared::Unused => None,
            Declared::Module => {
                bits = operands(&source.body);
                let module = Module::parse(&source.body).ok();
                module.and_then(|module| module.argument_registers("_JIT_"))
            }
            Declared::Common(common, found) => found
                .get_or_init(|| compiler.argument_registers(common, "_JIT_"))
                .clone()?,
        };
        let known = Known {
            arguments,
            operands: &bits,
            entered: entered(self.hardening, &source.name),
        };
        let optimized = self.optimizer.optimize_with(assembly, &known);
        optimized.map_err(|error| Error::Optimize {
            uop: source.name.clone(),
            source: error,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_say_how_many_bits_operands_have() {
        for bits in [&[][..], &[16], &[64, 0, 1, 32]] {
            let interface = Interface {
                operands: bits.to_vec(),
                targets: 1,
            };
            let text = with_operands("declare void @f()\n".to_owned(), &interface);
            assert_eq!(operands(&text), bits, "{text}");
        }
        assert!(operands("declare void @f()\n").is_empty());
        assert!(operands("").is_empty());
    }
}
