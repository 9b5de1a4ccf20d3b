//! Making object files.

use super::{Compiler, alone};
use crate::{batch, driver, error::LlvmError, made::Made, object::Object, source::Source};

/// One result for each input, in the order of the inputs.
type Results<T> = Vec<Result<Made<T>, LlvmError>>;

impl Compiler<'_> {
    /// Compiles to the contents of object files, with options for [`Output::Object`](crate::Output::Object). Returns one
    /// result for each source, in the order of the sources.
    ///
    /// # Errors
    ///
    /// Those of [`Compiler::compile`].
    pub fn compile_to_objects(&self, sources: &[Source]) -> Result<Results<Vec<u8>>, LlvmError> {
        self.compile_to(sources)
    }

    /// Assembles to object files. Each input is a name and a text; returns one result for each, in the
    /// order of the inputs.
    ///
    /// # Errors
    ///
    /// Those that affect every input, as for [`Compiler::compile`].
    pub fn assemble(&self, inputs: &[(&str, &str)]) -> Result<Results<Object>, LlvmError> {
        match self.plans()? {
            Some(plans) => batch::assemble(&self.context, &plans.assemble, inputs),
            None => Ok(inputs
                .iter()
                .map(|(name, text)| driver::assemble(&self.context, name, text).map(alone))
                .collect()),
        }
    }

    /// Disassembles object files, if there is an llvm-objdump. Each input is a name and the contents.
    ///
    /// # Errors
    ///
    /// [`LlvmError::Run`] if llvm-objdump can't be run, [`LlvmError::File`] if its input can't be written.
    pub fn disassembled(&self, objects: Vec<(&str, Vec<u8>)>) -> Result<Vec<Object>, LlvmError> {
        batch::disassembled(&self.context, objects)
    }
}
