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
        /// Whether the only difference from what is wanted is that the code in the pack is hardened (`true`), or that it is
        /// not (`false`).
        hardened: Option<bool>,
    },
    /// A pack was made from sources that differ from the checkout's.
    #[error(
        "{}: {title} was made from other sources. These differences can change code:\n  {}",
        path.display(),
        differences.join("\n  ")
    )]
    Differs {
        /// The pack.
        path: PathBuf,
        /// The target and the configuration.
        title: String,
        /// The differences that can change code.
        differences: Vec<String>,
    },
    /// Building a pack again gave other stencils or files.
    #[error("{}: {} can't be reproduced. These differ: {}", path.display(), title, names.join(", "))]
    NotReproduced {
        /// The pack.
        path: PathBuf,
        /// The target and the configuration.
        title: String,
        /// The micro-ops and files that differ.
        names: Vec<String>,
    },
    /// A name that was to be accepted is not among the differences.
    #[error("{}: {name} is not among the differences that can change code", path.display())]
    NothingToAccept {
        /// The pack.
        path: PathBuf,
        /// The name.
        name: String,
    },
    /// It is not known what the code depends on.
    #[error("what the stencils are made from is not known: {why}")]
    Unknown {
        /// Why not.
        why: String,
    },
    /// The project to pack is not a CPython checkout.
    #[error("only CPython checkouts can be packed, and {project} is not one")]
    NotPackable {
        /// The project.
        project: String,
    },
}
