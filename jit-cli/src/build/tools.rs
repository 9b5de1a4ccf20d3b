//! The tools of a build, which are searched for when they are needed.

use std::path::{Path, PathBuf};

use jit_llvm::{Interrupt, LlvmError, Toolchain};

use crate::{
    error::Error,
    project::plan::Plan,
    state::{
        inputs::Mark,
        memory::{self, Places, Remembered},
    },
};

/// The tools of a plan.
pub(crate) struct Tools<'a> {
    plan: &'a Plan<'a>,
    interrupt: &'a Interrupt,
    found: Option<Toolchain>,
    known: Option<Known>,
}

/// What is known of tools without running them.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) clang: PathBuf,
    /// What tells them from others.
    pub(crate) identities: Vec<String>,
    /// The files that they consist of, as far as these are known.
    pub(crate) parts: Vec<PathBuf>,
}

impl<'a> Tools<'a> {
    pub(crate) fn new(plan: &'a Plan<'a>, interrupt: &'a Interrupt) -> Tools<'a> {
        Tools {
            plan,
            interrupt,
            found: None,
            known: None,
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

    /// Returns what tells the tools from others, or `None` if they are not installed. A cache may remember it.
    pub(crate) fn identities(&mut self) -> Result<Option<Vec<String>>, Error> {
        if self.known.is_none()
            && let Some(remembered) = self.remembered()
        {
            return Ok(Some(remembered.identities));
        }
        let is_named = self.plan.search.install_dir.is_some();
        match self.known() {
            Ok(known) => Ok(Some(known.identities)),
            // What is named has to work.
            Err(error @ Error::Llvm(LlvmError::Unusable { .. })) if is_named => Err(error),
            Err(Error::Llvm(LlvmError::Missing { .. } | LlvmError::Unusable { .. })) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns what the cache remembers of the tools.
    fn remembered(&self) -> Option<Remembered> {
        let name = memory::name(&self.plan.search);
        memory::recall(&self.plan.cache.as_ref()?.read_sealed(&name)?)
    }

    /// Returns what is known of the tools, and leaves it in the cache.
    pub(crate) fn known(&mut self) -> Result<Known, Error> {
        if let Some(known) = &self.known {
            return Ok(known.clone());
        }
        let (cache, interrupt) = (self.plan.cache.as_ref(), self.interrupt);
        let remembered = self.remembered();
        let places = cache.and_then(|_| Places::look(&self.plan.search));
        let toolchain = self.get()?;
        let clang = toolchain.clang.clone();
        let known = match remembered {
            Some(Remembered { identities, parts }) => Known {
                clang,
                identities,
                parts,
            },
            None => {
                let parts = toolchain.parts(interrupt);
                let identities = identities(toolchain, parts.as_deref().unwrap_or_default());
                let memory = places.zip(parts.clone()).and_then(|(places, parts)| {
                    let identities = identities.clone();
                    places.remember(Remembered { identities, parts })
                });
                if let (Some(cache), Some((name, contents))) = (cache, memory) {
                    cache.write_sealed(&name, &contents);
                }
                let programs = [Some(&toolchain.clang), toolchain.objdump.as_ref()];
                let programs = programs.into_iter().flatten().cloned().collect();
                Known {
                    clang,
                    identities,
                    parts: parts.unwrap_or(programs),
                }
            }
        };
        Ok(self.known.insert(known).clone())
    }
}

/// The largest program that is hashed. Larger ones are told apart by their versions and sizes: a hash would take longer
/// than a build that does nothing.
const LARGEST: u64 = 16 << 20;

/// Returns what tells tools from others: their versions, the hashes or sizes of programs and of LLVM's libraries, and
/// clang's place, since its own headers are found from there.
fn identities(toolchain: &Toolchain, parts: &[PathBuf]) -> Vec<String> {
    let programs = [Some(&toolchain.clang), toolchain.objdump.as_ref()];
    let small = |path: &&PathBuf| path.metadata().is_ok_and(|data| data.len() <= LARGEST);
    let hashes = programs.into_iter().flatten().filter(small);
    let hashes = hashes.filter_map(|path| Some(format!("program {}", Mark::of_file(path).ok()?)));
    let libraries = parts.iter().filter_map(|path| {
        let name = path.file_name()?.to_str()?;
        let is_llvm = ["libLLVM", "libclang"]
            .iter()
            .any(|start| name.starts_with(start));
        is_llvm.then(|| format!("{name} ({} bytes)", length(path)))
    });
    let clang = toolchain.clang.canonicalize();
    let place = clang
        .map(|path| format!("clang is {}", path.display()))
        .ok();
    let known = toolchain.identities().iter().cloned();
    known.chain(place).chain(hashes).chain(libraries).collect()
}

fn length(path: &Path) -> u64 {
    path.metadata().map_or(0, |data| data.len())
}
