//! The results of a build.

use std::{
    path::{Path, PathBuf},
    process::{ExitCode, Termination},
};

use jit_schema::Target;
use jit_stencils::StencilSet;

use crate::{
    build::{files::File, output::OutputDir},
    conventions::{FileNames, TargetFileNames},
    error::Error,
    reads::Reads,
    state::file::State,
    statistics::Statistics,
};

/// The results of a build, in memory.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Built {
    /// The results of each target, in the order in which the targets were asked for.
    pub targets: Vec<TargetBuild>,
    /// The headers that include the headers of the target for which they are compiled.
    pub(crate) dispatchers: Vec<File>,
}

/// The results of a build for one target, in memory.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TargetBuild {
    /// The target.
    pub target: &'static Target,
    /// The stencils, with the shim if a stencil file, a header with a linker or opcodes were asked for.
    pub stencils: StencilSet,
    /// Sizes and times.
    pub statistics: Statistics,
    pub(crate) names: TargetFileNames,
    pub(crate) files: Vec<File>,
    /// The headers that were read, if that is known.
    pub(crate) reads: Option<Reads>,
    /// The name and the contents of a file for the cache: the state of the other files, if it is not one of them.
    pub(crate) record: Option<(String, State)>,
}

impl Built {
    /// Writes the files that [`Build::write`](crate::Build::write) would write to a directory, which is
    /// created if it is missing. Each is written under a temporary name, then renamed.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if a file can't be written.
    pub fn write(&self, directory: impl AsRef<Path>) -> Result<(), Error> {
        let output = OutputDir::create(directory.as_ref())?;
        for target in &self.targets {
            target.write(&output)?;
        }
        write_dispatchers(&output, &self.dispatchers, false)
    }
}

impl TargetBuild {
    /// Returns the C header with the stencils, if one was asked for.
    pub fn header(&self) -> Option<&str> {
        self.text(&self.names.header)
    }

    /// Returns the C header with the shim's unwind information, if there is a shim and headers were
    /// asked for.
    pub fn unwind_header(&self) -> Option<&str> {
        self.text(&self.names.unwind)
    }

    /// Returns the shim's object file, if there is a shim and headers were asked for.
    pub fn shim_object(&self) -> Option<&[u8]> {
        self.contents(&self.names.shim)
    }

    /// Returns the stencil file, if one was asked for. `jit_runtime::Stencils::load` reads it.
    pub fn stencil_file(&self) -> Option<&[u8]> {
        self.contents(&self.names.stencils)
    }

    /// Returns the C header with the stencils and a linker, if one was asked for.
    pub fn host_header(&self) -> Option<&str> {
        self.text(&self.names.host)
    }

    /// Returns the Rust file with the opcodes, if one was asked for.
    pub fn rust_opcodes(&self) -> Option<&str> {
        self.text(&self.names.opcodes)
    }

    pub(crate) fn write(&self, output: &OutputDir) -> Result<(), Error> {
        output.write(&named(&self.files))
    }

    fn contents(&self, name: &str) -> Option<&[u8]> {
        let file = self.files.iter().find(|file| file.name == name)?;
        Some(&file.contents)
    }

    fn text(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.contents(name)?).ok()
    }
}

/// Writes the dispatchers that have changed, or all of them.
pub(crate) fn write_dispatchers(
    output: &OutputDir,
    files: &[File],
    all: bool,
) -> Result<(), Error> {
    match all {
        true => output.write(&named(files)),
        false => output.update(&named(files)),
    }
}

fn named(files: &[File]) -> Vec<(&str, &[u8])> {
    let parts = files.iter();
    parts
        .map(|file| (file.name.as_str(), file.contents.as_slice()))
        .collect()
}

/// Where a build wrote its files. The `main` of a build script can return it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Written {
    /// The directory.
    pub directory: PathBuf,
    /// The targets, in the order in which they were asked for.
    pub targets: Vec<&'static Target>,
    /// Every file that was read: sources, `jit.toml` and headers, those of the system and of clang included,
    /// with or without a cache. A directory stands for all files below it.
    ///
    /// If a target of a CPython checkout was up to date, its headers are listed if the cache has the state of its
    /// files. With [`force`](crate::Build::force), and in a build script, targets are always built.
    pub inputs: Vec<PathBuf>,
    pub(crate) names: FileNames,
    /// The triples of the targets in the names of files.
    pub(crate) triples: Vec<String>,
}

impl Written {
    fn names_of(&self, target: &Target) -> TargetFileNames {
        let mut own = self.targets.iter().zip(&self.triples);
        let spelled = own.find(|(own, _)| **own == target);
        self.names
            .of(spelled.map_or(target.triple, |(_, triple)| triple))
    }

    /// Returns the path of a target's stencil file, which is there if one was asked for.
    pub fn stencil_file(&self, target: &Target) -> PathBuf {
        self.directory.join(self.names_of(target).stencils)
    }

    /// Returns the path of a target's Rust file with the opcodes, which is there if one was asked for.
    pub fn rust_opcodes(&self, target: &Target) -> PathBuf {
        self.directory.join(self.names_of(target).opcodes)
    }

    /// Returns the path of a target's C header, which is there if one was asked for.
    pub fn header(&self, target: &Target) -> PathBuf {
        self.directory.join(self.names_of(target).header)
    }
}

impl Termination for Written {
    fn report(self) -> ExitCode {
        ExitCode::SUCCESS
    }
}
