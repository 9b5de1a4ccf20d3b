//! Stencils to look at: those of a project, of a git revision of it, of a directory or a file that a build wrote, or of a
//! pack.

mod files;
mod revision;

use std::{fmt, io::ErrorKind, path::Path};

use jit_llvm::Interrupt;
use jit_stencils::StencilSet;

use crate::{
    Build,
    error::{Error, SubjectError},
    events::Listener,
    project::options::{Options, Targets},
};

/// The stencils of one target.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    /// The triple, and in a pack the configuration.
    pub(crate) title: String,
    pub(crate) set: StencilSet,
}

impl Subject {
    /// Returns the titles of subjects.
    pub(crate) fn titles(subjects: &[Subject]) -> Vec<String> {
        let titles = subjects.iter().map(|subject| subject.title.clone());
        titles.collect()
    }

    /// Returns the index of the subject to compare this one with: the one with the same title, or else the only one for the
    /// same target. Packs have configurations in their titles; other places have one only.
    pub(crate) fn partner(&self, others: &[Subject]) -> Option<usize> {
        let same_title = others.iter().position(|other| other.title == self.title);
        same_title.or_else(|| {
            let is_same = |other: &Subject| other.set.target == self.set.target;
            let mut all = others.iter();
            let at = all.position(is_same)?;
            (!all.any(is_same)).then_some(at)
        })
    }
}

/// Where stencils are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    /// The project, as it is now.
    Project,
    /// A file or a directory.
    Path(&'a Path),
    /// A git revision of the project.
    Revision(&'a str),
}

impl<'a> Place<'a> {
    /// Returns the place that an argument names: a path that is there, or else a revision.
    pub(crate) fn named(argument: &'a str) -> Place<'a> {
        let path = Path::new(argument);
        // What can't be read is there, too.
        match path.symlink_metadata() {
            Err(error) if error.kind() != ErrorKind::PermissionDenied => Place::Revision(argument),
            _ => Place::Path(path),
        }
    }

    /// Returns the stencils, one subject for each target, or for each configuration in a pack. `options` say how to build
    /// the project, and which targets are wanted.
    pub(crate) fn open(
        &self,
        options: &Options,
        listener: &Listener,
        interrupt: &Interrupt,
    ) -> Result<Vec<Subject>, Error> {
        match self {
            Place::Project => built(options, listener, interrupt),
            Place::Revision(name) => {
                let checkout = revision::Checkout::of(name, options)?;
                let built = built(&checkout.options, listener, interrupt);
                // Its files are in a temporary directory, whose name says nothing.
                built.map_err(|error| match error.is_interrupted() {
                    true => error,
                    false => SubjectError::Revision {
                        name: (*name).to_owned(),
                        error: Box::new(error),
                    }
                    .into(),
                })
            }
            Place::Path(path) => {
                let wanted = match &options.targets {
                    Targets::All => &[][..],
                    Targets::Named(triples) => triples,
                };
                files::open(path, wanted)
            }
        }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Project => f.write_str("the project"),
            Place::Path(path) => path.display().fmt(f),
            Place::Revision(name) => f.write_str(name),
        }
    }
}

/// Builds the project, without writing files other than those of the cache.
fn built(
    options: &Options,
    listener: &Listener,
    interrupt: &Interrupt,
) -> Result<Vec<Subject>, Error> {
    let build = Build::with(options.clone())
        .interrupt(interrupt.clone())
        .listening(listener.clone());
    let sets = build.kept_stencils()?.into_iter();
    let subjects = sets.map(|set| Subject {
        title: set.target.triple.to_owned(),
        set,
    });
    Ok(subjects.collect())
}
