//! The optimizer, which may need to know what the stencils of a target have in common.

use std::sync::OnceLock;

use jit_llvm::{Compiler, LlvmError, Source};
use jit_optimizer::{Optimizer, Options};
use jit_schema::{Arch, Codegen, Target};

use super::one_target::Job;

/// The optimizer of a target.
pub(crate) struct Tuner {
    target: &'static Target,
    options: Options,
    /// A source with the declarations that all stencils have.
    common: Option<Source>,
    optimizer: OnceLock<Result<Optimizer, LlvmError>>,
}

impl Tuner {
    pub(crate) fn of(job: &Job<'_>) -> Tuner {
        Tuner {
            target: job.options.target,
            options: job.optimizer,
            common: job.input.without_case(),
            optimizer: OnceLock::new(),
        }
    }

    /// Returns the optimizer. Tuned code of x86_64 depends on which registers arguments are in, which follows from the
    /// declarations in each source: it is no more than a cache knows of each stencil.
    pub(crate) fn get(&self, compiler: &Compiler<'_>) -> Result<&Optimizer, LlvmError> {
        let made = self.optimizer.get_or_init(|| {
            let is_used =
                (self.target.arch, self.options.codegen) == (Arch::X86_64, Codegen::Tuned);
            let arguments = match &self.common {
                Some(source) if is_used => compiler.argument_registers(source, "_JIT_")?,
                _ => None,
            };
            Ok(Optimizer::new(
                self.target,
                self.options.arguments(arguments),
            ))
        });
        made.as_ref().map_err(LlvmError::clone)
    }
}
