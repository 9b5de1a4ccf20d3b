//! The tools of a build, and what identifies them.
//!
//! The tools are searched for when they are needed. The cache remembers the result, so that a build that has nothing to do
//! does not start them.

pub(crate) mod files;
mod memory;
mod note;

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use jit_llvm::{Interrupt, LlvmError, Toolchain};

use self::{
    files::Files,
    memory::{Found, Places},
};
use crate::{error::Error, project::plan::Plan};

/// The tools of a plan.
pub(crate) struct Tools<'a> {
    plan: &'a Plan<'a>,
    interrupt: &'a Interrupt,
    searched: Option<Searched>,
    known: Option<Known>,
}

/// The result of a search.
struct Searched {
    toolchain: Toolchain,
    /// The state of the searched places before the search, if a cache can remember the result.
    places: Option<Places>,
    /// The time before the search.
    time: SystemTime,
}

/// What is known about the tools.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) clang: PathBuf,
    /// Texts that identify the tools.
    pub(crate) identities: Vec<String>,
    /// The files that they consist of, as far as these are known.
    pub(crate) parts: Vec<PathBuf>,
}

impl<'a> Tools<'a> {
    pub(crate) fn new(plan: &'a Plan<'a>, interrupt: &'a Interrupt) -> Tools<'a> {
        Tools {
            plan,
            interrupt,
            searched: None,
            known: None,
        }
    }

    /// Returns the tools.
    pub(crate) fn get(&mut self) -> Result<&Toolchain, Error> {
        Ok(&self.search()?.toolchain)
    }

    fn search(&mut self) -> Result<&Searched, Error> {
        let searched = match self.searched.take() {
            Some(searched) => searched,
            None => Searched {
                time: SystemTime::now(),
                places: self.places(),
                toolchain: self.plan.toolchain(self.interrupt)?,
            },
        };
        Ok(self.searched.insert(searched))
    }

    fn places(&self) -> Option<Places> {
        self.plan.cache.as_ref()?;
        Places::look(&self.plan.search)
    }

    /// Returns the texts that identify the tools, from the cache if it remembers them, or `None` if the tools are not
    /// installed.
    pub(crate) fn identities(&mut self) -> Result<Option<Vec<String>>, Error> {
        if self.searched.is_none()
            && let Some(identities) = self.remembered()
        {
            return Ok(Some(identities));
        }
        let is_named = self.plan.search.install_dir.is_some();
        match self.known() {
            Ok(known) => Ok(Some(known.identities)),
            // Tools in a directory that the user names have to work.
            Err(error @ Error::Llvm(LlvmError::Unusable { .. })) if is_named => Err(error),
            Err(Error::Llvm(LlvmError::Missing { .. } | LlvmError::Unusable { .. })) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the identities of the tools that an earlier search has found, if this one would find the same.
    fn remembered(&self) -> Option<Vec<String>> {
        let cache = self.plan.cache.as_ref()?;
        let found = self.places()?.found(cache)?;
        let files = self.files(&found.clang, found.objdump.as_ref());
        (files.key() == found.files).then(|| identities(&found.texts, &found.clang, &files))
    }

    /// Returns what is known about the tools, and stores it in the cache.
    pub(crate) fn known(&mut self) -> Result<Known, Error> {
        if let Some(known) = &self.known {
            return Ok(known.clone());
        }
        let toolchain = self.get()?.clone();
        let files = self.files(&toolchain.clang, toolchain.objdump.as_ref());
        let known = Known {
            identities: identities(toolchain.identities(), &toolchain.clang, &files),
            parts: files.paths(),
            clang: toolchain.clang.clone(),
        };
        // If the files have changed since the search, they may not be those that it found.
        if let (Some(cache), Some(searched)) = (&self.plan.cache, &self.searched)
            && let Some(places) = &searched.places
            && files.are_all_known_and_older(searched.time)
        {
            places.remember(Found::of(&toolchain, files.key()), cache);
        }
        Ok(self.known.insert(known).clone())
    }

    fn files(&self, clang: &Path, objdump: Option<&PathBuf>) -> Files {
        let programs = objdump.into_iter().cloned().chain([clang.to_path_buf()]);
        Files::of(programs, self.plan.cache.as_ref(), self.interrupt)
    }
}

/// Returns the texts that identify the tools: the versions that they print, hashes of their files, and clang's path, on
/// which the location of its own headers depends.
fn identities(texts: &[String], clang: &Path, files: &Files) -> Vec<String> {
    let clang = clang.canonicalize();
    let place = clang.map(|path| format!("clang is {}", path.display()));
    let known = texts.iter().cloned().chain(place.ok());
    known.chain(files.identities().iter().cloned()).collect()
}
