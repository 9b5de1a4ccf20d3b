//! The manifest of a pack.

use std::collections::BTreeMap;

use jit_schema::{Codegen, Target};
use serde::{Deserialize, Serialize};

use super::sources::Inputs;
use crate::{project::codegen::CodegenName, state::inputs::Mark};

/// The version of the format. A pack of another version is refused.
pub(super) const FORMAT: u32 = 1;
/// The macro of a debug build of Python.
pub(super) const DEBUG: &str = "Py_DEBUG";
/// The macro of a free-threaded build of Python.
pub(super) const FREE_THREADED: &str = "Py_GIL_DISABLED";

/// The contents of a pack, and what it was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    /// The version of the format.
    pub(super) format: u32,
    /// The name and version of the program that made the pack.
    pub(super) tool: String,
    /// The builds, ordered by configuration and target.
    pub(super) builds: Vec<Build>,
    /// What the code depends on. Builds with the same inputs share an element.
    pub(super) inputs: Vec<Inputs>,
}

/// The only field that every version of the format has.
#[derive(Deserialize)]
pub(super) struct Version {
    pub(super) format: u32,
}

/// The files of one target in one configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Build {
    /// The triple.
    pub(super) target: String,
    pub(super) configuration: Configuration,
    /// The release of CPython.
    pub(super) cpython: String,
    /// The user's flags for clang.
    pub(super) cflags: String,
    /// The system headers: `builtin`, `directory`, or `installed`.
    pub(super) headers: String,
    /// clang's version, in its own words.
    pub(super) llvm: String,
    /// The LLVM major version that was asked for, which the comments in headers mention.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) asked: Option<u32>,
    /// The lengths and hashes of the files, by name.
    pub(super) files: BTreeMap<String, Mark>,
    /// A hash of each stencil, by the name of the micro-op.
    pub(super) stencils: BTreeMap<String, String>,
    /// The index of what the code depends on, in [`Manifest::inputs`].
    pub(super) inputs: usize,
}

/// What a build of CPython is configured for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Configuration {
    pub(super) debug: bool,
    pub(super) free_threaded: bool,
    pub(super) codegen: CodegenName,
    /// Whether it is hardened for the processor's check: CET on x86, BTI on AArch64.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) hardened: bool,
}

fn is_false(value: &bool) -> bool {
    !value
}

impl Configuration {
    /// Returns the name of the configuration, which is also the name of its directory in the archive.
    pub(super) fn name(self) -> String {
        let codegen = Codegen::from(self.codegen);
        let words = [
            (self.free_threaded, "free-threaded"),
            (self.debug, "debug"),
            (!self.free_threaded && !self.debug, "release"),
            (!codegen.is_upstream(), codegen.name()),
            (self.hardened, "hardened"),
        ];
        let words = words.iter().filter(|(counts, _)| *counts);
        words.map(|(_, word)| *word).collect::<Vec<_>>().join("-")
    }
}

impl Build {
    /// Returns the name of a file in the archive.
    pub(super) fn path(&self, file: &str) -> String {
        format!("{}/{file}", self.configuration.name())
    }

    /// Returns [its title](Build::title), with flags if there are any.
    pub(super) fn described(&self) -> String {
        match self.cflags.as_str() {
            "" => self.title(),
            flags => format!("{} with the flags {flags:?}", self.title()),
        }
    }

    /// Returns the target and the configuration, for messages.
    pub(super) fn title(&self) -> String {
        format!("{} ({})", self.target, self.configuration.name())
    }
}

impl Manifest {
    /// Returns what is wrong with the contents of the manifest.
    pub(super) fn problem(&self) -> Option<String> {
        let names = self.inputs.iter().flat_map(|inputs| {
            let absent = inputs.absent.iter();
            let absent = absent.flat_map(|(directory, names)| names.0.iter().chain([directory]));
            let absent = absent.filter(|name| !name.is_empty());
            inputs
                .files
                .keys()
                .chain(inputs.macros.keys())
                .chain(absent)
        });
        if let Some(name) = names.into_iter().find(|name| !is_plain(name)) {
            return Some(format!(
                "its manifest lists the input {name:?}, which is not a valid name"
            ));
        }
        let texts = self.builds.iter().flat_map(|build| {
            [
                &build.target,
                &build.cpython,
                &build.cflags,
                &build.headers,
                &build.llvm,
            ]
        });
        let values = self.inputs.iter().flat_map(|inputs| inputs.macros.values());
        if let Some(text) = texts
            .chain(values)
            .find(|text| text.contains(is_unprintable))
        {
            return Some(format!("it has control characters in {text:?}"));
        }
        for (index, build) in self.builds.iter().enumerate() {
            let title = build.title();
            match Target::from_triple(&build.target) {
                Ok(target) if target.triple == build.target => {}
                _ => return Some(format!("it has an unknown target, {:?}", build.target)),
            }
            if build.inputs >= self.inputs.len() {
                return Some(format!("it does not say what {title} was made from"));
            }
            let has = |end: &str| build.files.keys().any(|name| name.ends_with(end));
            if !has(".h") && !has(".stencils") {
                return Some(format!("it has no stencils for {title}"));
            }
            let is_name = |name: &str| {
                let is_part = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
                !name.starts_with('.') && !name.is_empty() && name.chars().all(is_part)
            };
            if let Some(name) = build.files.keys().find(|name| !is_name(name)) {
                return Some(format!("{title} has a file with the name {name:?}"));
            }
            let others = self.builds.iter().take(index);
            let mut others = others.filter(|other| other.configuration == build.configuration);
            if others.any(|other| {
                other.target == build.target
                    || other
                        .files
                        .keys()
                        .any(|name| build.files.contains_key(name))
            }) {
                return Some(format!("it has {title} twice"));
            }
        }
        None
    }
}

/// Returns whether a name is a relative path without `..`, or the name of a macro.
fn is_plain(name: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && part != "." && part != "..";
    !name.contains(|c: char| c == '\n' || is_unprintable(c) || c == '\\' || c == ':')
        && name.split('/').all(is_part)
}

/// Returns whether a character does something to a terminal, or to the direction of the text there.
fn is_unprintable(c: char) -> bool {
    c.is_control() && c != '\n' || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
