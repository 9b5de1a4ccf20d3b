//! The errors of packs.

use std::path::PathBuf;

/// The reason why a pack can't be made, read or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// A pack can't be read.
    #[error("{}: {problem}", path.display())]
    Unreadable {
        /// The pack.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A pack has nothing for a target in this configuration.
    #[error("{} has nothing for {wanted}; it has {}", path.display(), builds.join(", "))]
    NothingFor {
        /// The pack.
        path: PathBuf,
        /// The target and the configuration.
        wanted: String,
        /// What the pack has.
        builds: Vec<String>,
    },
    /// A pack was made from something else than what is there.
    #[error(
        "{}: {title} was made from something else, which can change code:\n  {}",
        path.display(),
        differences.join("\n  ")
    )]
    Differs {
        /// The pack.
        path: PathBuf,
        /// The target and the configuration.
        title: String,
        /// What differs.
        differences: Vec<String>,
    },
    /// A pack holds something else than what is built from the same.
    #[error("{}: {} can't be reproduced: {}", path.display(), title, names.join(", "))]
    NotReproduced {
        /// The pack.
        path: PathBuf,
        /// The target and the configuration.
        title: String,
        /// The micro-ops and files that differ.
        names: Vec<String>,
    },
    /// A difference is accepted that is not there.
    #[error("{}: {name} is not among the differences that can change code", path.display())]
    NothingToAccept {
        /// The pack.
        path: PathBuf,
        /// What was accepted.
        name: String,
    },
    /// A file was changed while it was compiled.
    #[error("{} was changed during the build: build again", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A pack is asked for of a project that is no CPython checkout.
    #[error("packs are made of CPython checkouts, and {project} is none")]
    NotPackable {
        /// The project.
        project: String,
    },
}
