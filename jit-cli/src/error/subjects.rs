//! Why there are no stencils to look at.

use std::path::PathBuf;

use super::Error;

/// The reason why stencils can't be looked at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubjectError {
    /// A file has no stencils, or is damaged.
    #[error("{}: {problem}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A directory has no file with stencils.
    #[error(
        "{} has no file with stencils: no jit_stencils-<triple>.h and no jit_stencils-<triple>.stencils",
        path.display()
    )]
    Empty {
        /// The directory.
        path: PathBuf,
    },
    /// The name of a header does not say which target it is for.
    #[error(
        "{}: the file's name does not end in -<triple>.h, so name the target with --target",
        path.display()
    )]
    UnknownTarget {
        /// The header.
        path: PathBuf,
    },
    /// The targets that are wanted are not there.
    #[error("{place} has nothing for {}; it has {}", wanted.join(", "), found.join(", "))]
    OtherTargets {
        /// Where the stencils are.
        place: String,
        /// The targets that are wanted.
        wanted: Vec<String>,
        /// The targets that are there.
        found: Vec<String>,
    },
    /// A name is neither a file nor a revision.
    #[error("{name} is neither a file or directory nor a git revision of {project}")]
    NoRevision {
        /// The name.
        name: String,
        /// The project's directory, or what else it is.
        project: String,
    },
    /// A name is not a file, and a project without a repository has no revisions.
    #[error(
        "{name} is neither a file or directory nor a git revision: {project} is not in a git repository"
    )]
    NoRepository {
        /// The name.
        name: String,
        /// The project's directory, or what else it is.
        project: String,
    },
    /// There is no stencil of that name.
    #[error("there is no stencil {name}{}", suggested(near))]
    NoStencil {
        /// The name or pattern.
        name: String,
        /// Names that are similar.
        near: Vec<String>,
    },
    /// Nothing is named to compare.
    #[error(
        "name what to compare: two directories, files or revisions, or one to compare with the project as it is now"
    )]
    NothingToCompare,
    /// Files are to be built with several code generations.
    #[error("{path} was built before, so --codegen can't name several code generations for it")]
    BuiltBefore {
        /// The file or directory.
        path: String,
    },
    /// An option is about how stencils are made, but these are made already.
    #[error("{place} has stencils, and not what they are made of: {option} is for a project")]
    NotBuilt {
        /// Where the stencils are.
        place: String,
        /// The option.
        option: &'static str,
    },
    /// The source of a stencil is not known.
    #[error("the source of {name} is not known")]
    NoSource {
        /// The stencil.
        name: String,
    },
    /// A pattern for names is wrong.
    #[error("{text} is no pattern for names: {problem}")]
    Pattern {
        /// The pattern.
        text: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Stencils are larger than a limit allows.
    #[error("{what} grew by {by}, and the limit is {limit}")]
    Larger {
        /// The stencil, or all of a target.
        what: String,
        /// By how much.
        by: String,
        /// The limit.
        limit: String,
    },
    /// A revision can't be built.
    #[error("{name} can't be built: {error}")]
    Revision {
        /// The revision.
        name: String,
        /// What went wrong.
        error: Box<Error>,
    },
    /// Git can't be used.
    #[error("can't get {name} from git: {problem}")]
    Git {
        /// The revision.
        name: String,
        /// What went wrong.
        problem: String,
    },
}

fn suggested(near: &[String]) -> String {
    match near {
        [] => String::new(),
        near => format!("; similar names: {}", near.join(", ")),
    }
}
