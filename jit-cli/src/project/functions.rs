//! Projects whose micro-ops are functions in files of C, C++ or LLVM IR.

pub(crate) mod demangle;
pub(crate) mod families;
pub(crate) mod holes;
pub(crate) mod names;

use std::path::{Path, PathBuf};

use jit_llvm::{Flags, Language};

use self::{
    families::Families,
    holes::Holes,
    names::{Names, Pattern},
};
use sha2::{Digest as _, Sha256};

use crate::{
    error::Error,
    hex,
    project::{
        config::{Config, OF_CASES, OF_FUNCTIONS},
        flags,
    },
};

/// The functions that become stencils, and what their symbols stand for.
#[derive(Debug, Clone)]
pub(crate) struct Functions {
    /// The file that says all this.
    pub(crate) config: Config,
    pub(crate) files: Vec<File>,
    pub(crate) names: Names,
    pub(crate) holes: Holes,
    /// The sets of macros, at least one.
    pub(crate) variants: Vec<Variant>,
    /// The operations that become families of stencils.
    pub(crate) families: Families,
    /// The flag for optimization.
    pub(crate) optimize: String,
    /// Whether stencils may use the frame pointer, if that is said.
    pub(crate) frame_pointer: Option<FramePointer>,
}

/// A file of functions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct File {
    pub(crate) path: PathBuf,
    pub(crate) language: Language,
}

/// A set of macros, and the stencils that are made with it.
#[derive(Debug, Clone)]
pub(crate) struct Variant {
    /// What is added to the names of stencils, after `_`.
    pub(crate) name: Option<String>,
    pub(crate) defines: Vec<String>,
}

/// What stencils do with the frame pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FramePointer {
    /// Nothing: it is the host's.
    Reserved,
    /// What clang does with it.
    Free,
}

impl Functions {
    /// Returns the functions of a project, if it has a `source`.
    pub(crate) fn of(config: &Config) -> Result<Option<Functions>, Error> {
        let Some(source) = &config.source else {
            return match config.first_of(&OF_FUNCTIONS) {
                Some(key) => Err(config.error(format!(
                    "{key} is for a project whose micro-ops are functions: name their files with source"
                ))),
                None => Ok(None),
            };
        };
        if let Some(key) = config.first_of(&OF_CASES) {
            return Err(config.error_at(
                source.span().start,
                format!("a project has source or {key}, not both"),
            ));
        }
        Ok(Some(Functions {
            config: config.clone(),
            files: files(config, source.span().start, source.get_ref().all())?,
            names: names(config)?,
            holes: Holes::of(config)?,
            variants: variants(config)?,
            families: Families::of(config)?,
            optimize: optimize(config)?,
            frame_pointer: frame_pointer(config)?,
        }))
    }
}

impl Functions {
    /// Returns all that the table says about stencils, as it is in the state of a target.
    pub(crate) fn setting(&self) -> String {
        let text = format!(
            "{:?}",
            (
                &self.names,
                &self.holes,
                &self.variants,
                &self.families,
                &self.optimize,
                self.frame_pointer
            )
        );
        format!("functions {}", hex::digits(&Sha256::digest(text)))
    }

    /// Returns what stencils do with the frame pointer, if that is said.
    pub(crate) fn frame_pointer(&self) -> Option<jit_optimizer::FramePointer> {
        self.frame_pointer.map(|choice| match choice {
            FramePointer::Reserved => jit_optimizer::FramePointer::Reserved,
            FramePointer::Free => jit_optimizer::FramePointer::Free,
        })
    }

    /// Changes clang's flags to those that the project asks for.
    pub(crate) fn adjust(&self, flags: &mut Flags) {
        // The language of a file decides about its standard.
        flags.common.retain(|word| word != "-std=c11");
        for word in &mut flags.common {
            if word == "-Os" {
                word.clone_from(&self.optimize);
            }
        }
        let is_choice = |word: &String| word.starts_with("-mframe-pointer=");
        let Some(choice) = self.frame_pointer else {
            return;
        };
        if let Some(at) = flags.stencil.iter().position(is_choice) {
            // -Xclang is before it.
            flags.stencil.drain(at.saturating_sub(1)..=at);
        }
        if choice == FramePointer::Reserved {
            flags
                .stencil
                .extend(["-Xclang", "-mframe-pointer=reserved"].map(str::to_owned));
        }
    }
}

/// Returns the files that paths and patterns name, in the order of their names.
fn files(config: &Config, at: usize, list: &[String]) -> Result<Vec<File>, Error> {
    let wrong = |message: String| config.error_at(at, format!("source: {message}"));
    let mut files = Vec::new();
    for text in list {
        let (is_excluded, pattern) = match text.strip_prefix('!') {
            Some(pattern) => (true, pattern),
            None => (false, text.as_str()),
        };
        let Some(directory) = config.directory.to_str() else {
            return Err(wrong(format!(
                "the name of the directory is not UTF-8, so that no file in it can be found by a pattern: rename {}",
                config.directory.display()
            )));
        };
        let full = format!("{}/{pattern}", glob::Pattern::escape(directory));
        let paths = glob::glob(&full).map_err(|error| wrong(format!("{text:?}: {error}")))?;
        let mut paths: Vec<PathBuf> = paths.filter_map(Result::ok).collect();
        paths.retain(|path| path.is_file());
        if paths.is_empty() {
            return Err(wrong(format!(
                "{text:?} names no file in {}",
                config.directory.display()
            )));
        }
        for path in paths {
            let language = language(&path).ok_or_else(|| {
                wrong(format!(
                    "{}: the language of a file is known by its name: .c, .cc, .cpp, .cxx, .ll or .bc",
                    path.display()
                ))
            })?;
            let file = File { path, language };
            match is_excluded {
                true => files.retain(|known| *known != file),
                false if !files.contains(&file) => files.push(file),
                false => {}
            }
        }
    }
    files.sort();
    match files.is_empty() {
        true => Err(wrong("all files are excluded".to_owned())),
        false => Ok(files),
    }
}

fn language(path: &Path) -> Option<Language> {
    match path.extension()?.to_str()? {
        "c" => Some(Language::C),
        "cc" | "cpp" | "cxx" => Some(Language::Cxx),
        "ll" | "bc" => Some(Language::Ir),
        _ => None,
    }
}

fn names(config: &Config) -> Result<Names, Error> {
    let mut patterns = Vec::new();
    if let Some(stencils) = &config.stencils {
        for text in stencils.get_ref().all() {
            let pattern = Pattern::new(text).map_err(|error| {
                config.error_at(
                    stencils.span().start,
                    format!("stencils: {text:?}: {error}"),
                )
            })?;
            patterns.push(pattern);
        }
    }
    let entry = config.entry.as_ref().map(|entry| entry.get_ref().clone());
    match (&entry, patterns.is_empty()) {
        // Without a pattern, all functions would become stencils.
        (None, true) if !config.family.is_empty() => Ok(Names {
            patterns: Pattern::new("!*").into_iter().collect(),
            entry,
        }),
        (None, true) => Err(config.error(
            "missing key `stencils`: name the functions that become stencils, as in \"stencil_*\", or the entry that \
             each file has"
                .to_owned(),
        )),
        _ => Ok(Names { patterns, entry }),
    }
}

fn variants(config: &Config) -> Result<Vec<Variant>, Error> {
    let mut variants = Vec::new();
    for (name, table) in &config.variants {
        let wrong = |message: String| config.error_at(name.span().start, message);
        if !names::is_identifier(&format!("_{}", name.get_ref())) {
            return Err(wrong(format!(
                "[variants.{name}]: the name becomes a part of names in C, so it can have letters, digits and _",
                name = name.get_ref()
            )));
        }
        if let Some(text) = table.defines.iter().find(|text| !flags::is_macro(text)) {
            return Err(wrong(format!(
                "[variants.{}]: {text:?} is not a macro: write \"NAME\" or \"NAME=VALUE\", without -D",
                name.get_ref()
            )));
        }
        variants.push(Variant {
            name: Some(name.get_ref().clone()),
            defines: table.defines.clone(),
        });
    }
    if variants.is_empty() {
        variants.push(Variant {
            name: None,
            defines: Vec::new(),
        });
    }
    Ok(variants)
}

fn optimize(config: &Config) -> Result<String, Error> {
    let Some(level) = &config.optimize else {
        return Ok("-Os".to_owned());
    };
    match level.get_ref().as_str() {
        level @ ("s" | "z" | "2" | "3") => Ok(format!("-O{level}")),
        other => Err(config.error_at(
            level.span().start,
            format!("optimize = {other:?}: the levels are \"s\", \"z\", \"2\" and \"3\""),
        )),
    }
}

fn frame_pointer(config: &Config) -> Result<Option<FramePointer>, Error> {
    let Some(choice) = &config.frame_pointer else {
        return Ok(None);
    };
    match choice.get_ref().as_str() {
        "reserved" => Ok(Some(FramePointer::Reserved)),
        "free" => Ok(Some(FramePointer::Free)),
        other => Err(config.error_at(
            choice.span().start,
            format!("frame-pointer = {other:?}: it can be \"reserved\" or \"free\""),
        )),
    }
}
