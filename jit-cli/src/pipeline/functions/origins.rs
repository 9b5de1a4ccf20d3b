//! Where stencils come from.

use std::collections::BTreeMap;

use jit_llvm::modules::ModuleError;

use super::{Files, Modules};
use crate::{
    error::{Error, FunctionError},
    project::functions::demangle,
};

/// What the symbols of members start with. No function in C has such a name.
pub(super) const MEMBER: &str = "jit_member.";

/// Where a stencil comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) variant: usize,
    /// The index of the file.
    pub(super) file: usize,
    /// The symbol of its function.
    pub(super) symbol: String,
    /// What else is known of the member of a family.
    pub(super) member: Option<Member>,
}

/// Which member of a family a stencil is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    /// The symbol of the author's function.
    pub(super) operation: String,
    /// The number of places that it can go to, beside the next instruction.
    pub(super) targets: u16,
    /// How many bits the operands of its instructions have: 0 for those that it does not take.
    pub(super) operand_bits: Vec<u8>,
}

impl Origin {
    /// Returns the symbol of the function that the author has written.
    pub(super) fn authors(&self) -> &String {
        let member = self.member.as_ref();
        member.map_or(&self.symbol, |member| &member.operation)
    }
}

impl Files<'_> {
    /// Returns where each stencil comes from, by its name. `origins` are those of members of families.
    pub(super) fn origins(
        &self,
        modules: &Modules<'_>,
        mut origins: BTreeMap<String, Origin>,
    ) -> Result<BTreeMap<String, Origin>, Error> {
        for ((variant, file), module) in modules {
            let before = origins.len();
            for symbol in module.functions() {
                let origin = Origin {
                    variant: *variant,
                    file: *file,
                    symbol,
                    member: None,
                };
                self.add_origin(origin, &mut origins)?;
            }
            if let Some(entry) = &self.functions.names.entry
                && before == origins.len()
                && self.functions.names.patterns.is_empty()
            {
                return Err(FunctionError::Module {
                    path: self.path(*file).to_path_buf(),
                    source: ModuleError::NoFunction {
                        name: entry.clone(),
                    },
                }
                .into());
            }
        }
        Ok(origins)
    }

    /// Adds the origin of a function, if it becomes a stencil of its own.
    fn add_origin(
        &self,
        origin: Origin,
        origins: &mut BTreeMap<String, Origin>,
    ) -> Result<(), Error> {
        let families = &self.functions.families;
        let is_operation = families.named(&demangle::base(&origin.symbol)).is_some();
        if is_operation || origin.symbol.starts_with(MEMBER) {
            return Ok(());
        }
        let path = self.path(origin.file);
        let Some(name) = self.functions.names.stencil(&origin.symbol, path) else {
            return Ok(());
        };
        let name = self.in_variant(name, origin.variant);
        if let Some(first) = origins.get(&name) {
            let shown = |origin: &Origin| {
                let path = self.path(origin.file).display();
                format!("{} in {path}", demangle::demangled(origin.authors()))
            };
            return Err(FunctionError::DuplicateFunction {
                first: shown(first),
                second: shown(&origin),
                name,
            }
            .into());
        }
        origins.insert(name, origin);
        Ok(())
    }

    /// Returns the name that a stencil has in a variant.
    pub(super) fn in_variant(&self, name: String, variant: usize) -> String {
        let suffix = self.functions.variants.get(variant);
        match suffix.and_then(|variant| variant.name.as_ref()) {
            Some(suffix) => format!("{name}_{suffix}"),
            None => name,
        }
    }
}
