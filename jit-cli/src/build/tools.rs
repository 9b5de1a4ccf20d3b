//! The tools of a build, which are searched for when they are needed.

use std::path::PathBuf;

use jit_llvm::{Interrupt, LlvmError, Toolchain};

use crate::{error::Error, project::plan::Plan, state::inputs::Mark};

/// The tools of a plan.
pub(crate) struct Tools<'a> {
    plan: &'a Plan<'a>,
    interrupt: &'a Interrupt,
    found: Option<Toolchain>,
}

impl<'a> Tools<'a> {
    pub(crate) fn new(plan: &'a Plan<'a>, interrupt: &'a Interrupt) -> Tools<'a> {
        Tools {
            plan,
            interrupt,
            found: None,
        }
    }

    /// Returns the tools.
    pub(crate) fn get(&mut self) -> Result<&Toolchain, Error> {
        let found = match self.found.take() {
            Some(found) => found,
            None => self.plan.toolchain(self.interrupt)?,
        };
        Ok(self.found.insert(found))
    }

    /// Returns what the tools are, or `None` if they are not installed.
    pub(crate) fn identities(&mut self) -> Result<Option<Vec<String>>, Error> {
        match self.get() {
            Ok(found) => Ok(Some(identities(found))),
            Err(Error::Llvm(LlvmError::Missing { .. } | LlvmError::Unusable { .. })) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The largest program that is hashed. Larger ones are told apart by their versions and sizes: a hash would take longer
/// than a build that does nothing.
const LARGEST: u64 = 16 << 20;

/// Returns what tells these tools from others.
pub(crate) fn identities(toolchain: &Toolchain) -> Vec<String> {
    let programs = [Some(&toolchain.clang), toolchain.objdump.as_ref()];
    let small = |path: &&PathBuf| path.metadata().is_ok_and(|data| data.len() <= LARGEST);
    let hashes = programs.into_iter().flatten().filter(small);
    let hashes = hashes.filter_map(|path| Some(format!("program {}", Mark::of_file(path).ok()?)));
    let known = toolchain.identities().iter().cloned();
    known.chain(hashes).collect()
}
