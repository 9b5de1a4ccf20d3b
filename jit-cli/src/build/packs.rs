//! Builds of packs and from packs.

use std::path::PathBuf;

use super::Build;
use crate::{
    error::Error,
    pack::{self, Applied, Pack, Packed, Verified},
};

impl Build {
    /// Builds all targets of a CPython checkout, and writes a pack of them: one file, from which another machine without
    /// LLVM takes what [`write`](Build::write) would write. With `add`, what a pack of this name has already stays,
    /// unless it is for the same target and configuration.
    ///
    /// # Errors
    ///
    /// The [`Error`] of the first target that can't be built, of the pack that is there, or of a file that can't be
    /// written; [`PackError::NotPackable`](crate::PackError::NotPackable) for other projects.
    pub fn pack(&self, path: impl Into<PathBuf>, add: bool) -> Result<Packed, Error> {
        let path = path.into();
        let old = match add && path.exists() {
            true => Some(Pack::read(&path)?),
            false => None,
        };
        let mut entries = Vec::new();
        let mut options = self.options.absolute()?;
        pack::configure(&mut options)?;
        self.each(&options, |plan, platform, built, tools| {
            entries.push(pack::entry(plan, platform, built, tools)?);
            Ok(())
        })?;
        pack::write(&path, old, entries)
    }

    /// Writes what a pack has for the targets as if [`write`](Build::write) had built it. The configuration is the one
    /// that `pyconfig.h` says. `accept` has the names of differences that are known to change no code.
    ///
    /// # Errors
    ///
    /// [`PackError::NothingFor`](crate::PackError::NothingFor) if the pack has nothing for a target and the configuration, [`PackError::Differs`](crate::PackError::Differs) if it was
    /// made from something else that can change code, and others for the checkout and for files that can't be written.
    pub fn use_pack(&self, pack: &Pack, accept: &[String]) -> Result<Applied, Error> {
        pack.lay_out(&self.options, accept)
    }

    /// Compares what a pack was made from with this checkout, for each target.
    ///
    /// # Errors
    ///
    /// [`PackError::NothingFor`](crate::PackError::NothingFor) if the pack has nothing for a target and the configuration.
    pub fn compare_with_pack(&self, pack: &Pack) -> Result<Vec<Verified>, Error> {
        pack.compare(&self.options)
    }

    /// Builds what a pack has again, for the named targets or all that it has, and compares each stencil.
    ///
    /// # Errors
    ///
    /// The [`Error`] of the first target that can't be built.
    pub fn rebuild_pack(&self, pack: &Pack) -> Result<Vec<Verified>, Error> {
        let mut all = Vec::new();
        for recipe in pack.recipes(&self.options)? {
            self.each(&recipe.options, |_, _, built, made| {
                all.extend(pack.compare_rebuilt(&recipe, built, &made.llvm));
                Ok(())
            })?;
        }
        Ok(all)
    }
}
