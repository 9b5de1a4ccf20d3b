//! The tools of a build: which they are, and what tells them from others.
//!
//! They are searched for when they are needed. A cache remembers what was found, so that a build that does nothing does
//! not start them.

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
    /// What was at the places of the search before it, if a cache can remember the result.
    places: Option<Places>,
    /// The time before the search.
    time: SystemTime,
}

/// What is known of tools.
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

    /// Returns what tells the tools from others, or `None` if they are not installed. A cache may remember it.
    pub(crate) fn identities(&mut self) -> Result<Option<Vec<String>>, Error> {
        if self.searched.is_none()
            && let Some(identities) = self.remembered()
        {
            return Ok(Some(identities));
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

    /// Returns the identities of the tools that an earlier search has found, if this one would find the same.
    fn remembered(&self) -> Option<Vec<String>> {
        let cache = self.plan.cache.as_ref()?;
        let found = self.places()?.found(cache)?;
        let files = self.files(&found.clang, found.objdump.as_ref());
        (files.key() == found.files).then(|| identities(&found.texts, &found.clang, &files))
    }

    /// Returns what is known of the tools, and leaves it in the cache.
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
        // The files were not the tools that were found if they have changed since.
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

/// Returns what tells tools from others: what they print as their versions, clang's place, since its own headers are found
/// from there, and their files.
fn identities(texts: &[String], clang: &Path, files: &Files) -> Vec<String> {
    let clang = clang.canonicalize();
    let place = clang.map(|path| format!("clang is {}", path.display()));
    let known = texts.iter().cloned().chain(place.ok());
    known.chain(files.identities().iter().cloned()).collect()
}
