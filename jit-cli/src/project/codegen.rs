//! The names of code generations in `jit.toml` and on the command line.

use jit_schema::Codegen;
use serde::{Deserialize, Serialize};

/// The choices of `--codegen`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize, Serialize)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CodegenName {
    /// CPython's own flags and passes, for the same bytes as build.py's.
    #[default]
    Upstream,
    /// Additional passes, for faster and smaller code.
    Tuned,
    /// The passes of `tuned`, and more passes and flags, for the smallest code.
    Small,
}

impl From<CodegenName> for Codegen {
    fn from(name: CodegenName) -> Codegen {
        match name {
            CodegenName::Upstream => Codegen::Upstream,
            CodegenName::Tuned => Codegen::Tuned,
            CodegenName::Small => Codegen::Small,
        }
    }
}

impl From<Codegen> for CodegenName {
    fn from(codegen: Codegen) -> CodegenName {
        match codegen {
            Codegen::Upstream => CodegenName::Upstream,
            Codegen::Tuned => CodegenName::Tuned,
            Codegen::Small => CodegenName::Small,
        }
    }
}

#[cfg(all(test, feature = "cli"))]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn names_are_those_of_the_code_generations() {
        for (name, codegen) in CodegenName::value_variants().iter().zip(Codegen::ALL) {
            assert_eq!(Codegen::from(*name), codegen);
            assert_eq!(CodegenName::from(codegen), *name);
            let value = name.to_possible_value().unwrap();
            assert_eq!(value.get_name(), codegen.name());
            let parsed: CodegenName = serde_json::from_value(codegen.name().into()).unwrap();
            assert_eq!(parsed, *name);
        }
    }
}
