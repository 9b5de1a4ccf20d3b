//! The cc1 commands of a compiler's steps.

use std::ffi::OsString;

use crate::{context::Context, error::LlvmError, plan::Plan};

/// The cc1 commands for one target.
#[derive(Debug)]
pub(crate) struct Plans {
    /// C to assembly.
    pub(crate) compile: Plan,
    /// Assembly, in a module, to an object file.
    pub(crate) assemble: Plan,
    /// The shim to an object file.
    pub(crate) shim: Plan,
}

impl Plans {
    /// Asks the driver for them. Returns `None` if an answer is not understood.
    pub(crate) fn ask(context: &Context<'_>) -> Result<Option<Plans>, LlvmError> {
        let ask = |arguments: &[OsString], directory: &str| {
            let directory = context.work.directory(directory)?;
            let clang = &context.toolchain.clang;
            Plan::ask(clang, arguments, &directory, &context.interrupt)
        };
        let (compile, (assemble, shim)) = rayon::join(
            || {
                ask(
                    &context.options.stencil(context.work.path()),
                    "plan-compile",
                )
            },
            || {
                rayon::join(
                    || ask(&context.options.assemble(), "plan-assemble"),
                    || ask(&context.options.shim(context.work.path()), "plan-shim"),
                )
            },
        );
        Ok(match (compile?, assemble?, shim?) {
            (Some(compile), Some(assemble), Some(shim)) => {
                assemble.with(&[("c", "ir")]).map(|assemble| Plans {
                    compile,
                    assemble,
                    shim,
                })
            }
            _ => None,
        })
    }
}
