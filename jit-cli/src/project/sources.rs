//! Sources in memory.

use std::path::PathBuf;

/// The sources of a project that is not CPython, for [`Build::from_sources`](crate::Build::from_sources).
/// `docs/projects.md` in the repository describes the three texts. Messages name them `template.c`, `cases.h`
/// and `shim.c`.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    pub(crate) template: String,
    pub(crate) cases: String,
    pub(crate) shim: Option<String>,
    pub(crate) include_dirs: Vec<PathBuf>,
    pub(crate) defines: Vec<String>,
    pub(crate) stencil_defines: Vec<String>,
}

impl Sources {
    /// Returns sources with a template, which is C with the word `CASE`, and the cases that replace that word,
    /// one for each micro-op. A case reaches from a line of eight spaces and `case NAME: {` to a line of eight
    /// spaces and `}`. Between cases, only blank lines and comments are allowed.
    pub fn new(template: impl Into<String>, cases: impl Into<String>) -> Sources {
        Sources {
            template: template.into(),
            cases: cases.into(),
            ..Sources::default()
        }
    }

    /// Sets the C source of the function that enters compiled code.
    #[must_use]
    pub fn shim(mut self, text: impl Into<String>) -> Sources {
        self.shim = Some(text.into());
        self
    }

    /// Adds a directory to search for headers.
    #[must_use]
    pub fn include(mut self, directory: impl Into<PathBuf>) -> Sources {
        self.include_dirs.push(directory.into());
        self
    }

    /// Defines a macro, as `NAME` or `NAME=VALUE`, for stencils and the shim.
    #[must_use]
    pub fn define(mut self, name: impl Into<String>) -> Sources {
        self.defines.push(name.into());
        self
    }

    /// Defines a macro, as `NAME` or `NAME=VALUE`, for stencils only.
    #[must_use]
    pub fn stencil_define(mut self, name: impl Into<String>) -> Sources {
        self.stencil_defines.push(name.into());
        self
    }
}
