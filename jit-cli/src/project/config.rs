//! `jit.toml`: describes a project that is not CPython, or how to build a checkout.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use jit_schema::Target;
use jit_writer::HeaderFormat;
use serde::Deserialize;
use toml::Spanned;

use crate::{
    cache::remote::settings::CacheTable,
    error::Error,
    paths,
    project::codegen::CodegenName,
    project::emit::{Emit, Emits},
    project::flags,
    project::hardening::HardeningTable,
    project::spelled::Spelled,
};

/// The name of the file, which is searched for in the current directory and its parents.
pub(crate) const FILE_NAME: &str = "jit.toml";

/// The keys. Paths are relative to the file's directory.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Config {
    /// A CPython checkout. It has its own template and cases, so the keys of projects that bring theirs are refused.
    pub(crate) cpython: Option<PathBuf>,
    /// The C source in which a micro-op replaces `CASE`.
    template: Option<PathBuf>,
    /// The file with the micro-ops.
    cases: Option<PathBuf>,
    /// The files with functions that become stencils: paths and patterns.
    pub(crate) source: Option<Spanned<Many>>,
    /// The names of those functions, or patterns for them. `!` excludes what it matches.
    pub(crate) stencils: Option<Spanned<Many>>,
    /// The function of each file that becomes a stencil of the file's name.
    pub(crate) entry: Option<Spanned<String>>,
    /// What symbols stand for.
    #[serde(default)]
    pub(crate) holes: Table,
    /// The settings of single stencils, by name.
    #[serde(default)]
    pub(crate) stencil: BTreeMap<Spanned<String>, StencilTable>,
    /// Sets of macros that the functions are compiled with, beside each other.
    #[serde(default)]
    pub(crate) variants: BTreeMap<Spanned<String>, VariantTable>,
    /// How many registers the operands of families can be in.
    pub(crate) registers: Option<RegistersTable>,
    /// Operations that become a stencil for each choice of where their operands are.
    #[serde(default)]
    pub(crate) family: BTreeMap<Spanned<String>, FamilyTable>,
    /// The level of clang's optimization.
    pub(crate) optimize: Option<Spanned<String>>,
    /// Whether stencils may use the frame pointer.
    pub(crate) frame_pointer: Option<Spanned<String>>,
    /// The C source of the function that enters compiled code, if there is one.
    pub(crate) shim: Option<PathBuf>,
    /// Directories to search for headers.
    #[serde(default)]
    pub(crate) include: Vec<PathBuf>,
    /// Macros, as `NAME` or `NAME=VALUE`.
    #[serde(default)]
    pub(crate) defines: Vec<String>,
    /// Macros for stencils only, such as those for symbols that stencils import and the shim does not.
    #[serde(default)]
    pub(crate) stencil_defines: Vec<String>,
    /// The name of the format of C headers.
    header_format: Option<String>,
    /// The triples to build for. Without any, this machine is the target.
    #[serde(default)]
    targets: Vec<String>,
    /// The directory for generated files.
    #[serde(default = "default_output")]
    output: PathBuf,
    /// The kinds of files to write.
    #[serde(default = "default_emit")]
    emit: Vec<Emit>,
    /// Which code generation to use.
    #[serde(default)]
    pub(crate) codegen: CodegenName,
    /// What code is hardened for, and which stencils control enters and leaves through pointers.
    #[serde(default)]
    pub(crate) hardening: HardeningTable,
    /// Additional flags for clang, for all targets.
    #[serde(default)]
    cflags: Vec<String>,
    /// The LLVM major version to use. The default is the one that the checkout pins, or the newest supported
    /// one that is installed.
    pub(crate) llvm_version: Option<u32>,
    /// The sysroot of the targets whose table has none.
    sysroot: Option<PathBuf>,
    /// The directory with `pyconfig.h` for the targets whose table has none.
    pyconfig_dir: Option<PathBuf>,
    /// The cache that machines share.
    pub(crate) cache: Option<CacheTable>,
    /// The settings of single targets, by triple.
    #[serde(default)]
    target: BTreeMap<String, TargetTable>,
    /// The path of the file.
    #[serde(skip)]
    path: PathBuf,
    /// The absolute path of the file's directory.
    #[serde(skip)]
    pub(crate) directory: PathBuf,
    /// The whole file.
    #[serde(skip)]
    table: toml::Table,
    /// The text of the file.
    #[serde(skip)]
    text: String,
}

/// One text or several.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Many {
    One(String),
    Several(Vec<String>),
}

impl Many {
    /// Returns all texts.
    pub(crate) fn all(&self) -> &[String] {
        match self {
            Many::One(one) => std::slice::from_ref(one),
            Many::Several(several) => several,
        }
    }
}

/// A table whose values are checked later.
pub(crate) type Table = BTreeMap<Spanned<String>, Spanned<toml::Value>>;

/// The settings of one stencil.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct StencilTable {
    #[serde(default)]
    pub(crate) holes: Table,
}

/// The settings of one variant.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct VariantTable {
    #[serde(default)]
    pub(crate) defines: Vec<String>,
}

/// The registers that stencils have values in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct RegistersTable {
    /// Those for integers and pointers.
    pub(crate) reg: Option<Spanned<u8>>,
    /// Those for doubles.
    pub(crate) vec: Option<Spanned<u8>>,
}

/// Where each of some operands can be, by its name.
pub(crate) type LocationsTable = BTreeMap<Spanned<String>, Spanned<Vec<toml::Value>>>;

/// The settings of one family.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct FamilyTable {
    #[serde(default)]
    pub(crate) results: LocationsTable,
    #[serde(default)]
    pub(crate) operands: LocationsTable,
    /// The number of places that it can go to, beside the next instruction.
    pub(crate) targets: Option<Spanned<u16>>,
    /// Whether it returns to what has called the trace.
    #[serde(default)]
    pub(crate) leaves: bool,
    /// How many registers have a value afterwards.
    pub(crate) keeps: Option<Spanned<u8>>,
}

/// The settings of one target.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct TargetTable {
    sysroot: Option<PathBuf>,
    pyconfig_dir: Option<PathBuf>,
    #[serde(default)]
    cflags: Vec<String>,
}

/// The keys of a project whose micro-ops are cases.
pub(crate) const OF_CASES: [&str; 3] = ["template", "cases", "header-format"];

/// The keys of a project whose micro-ops are functions, besides `source`.
pub(crate) const OF_FUNCTIONS: [&str; 9] = [
    "stencils",
    "entry",
    "holes",
    "stencil",
    "variants",
    "registers",
    "family",
    "optimize",
    "frame-pointer",
];

/// The other keys of a project that brings its own micro-ops.
const OWN: [&str; 5] = ["source", "shim", "include", "defines", "stencil-defines"];

/// A path in a `jit.toml`, and the key that it was given with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PathSetting {
    pub(crate) key: String,
    /// The path as it is in the file.
    pub(crate) value: PathBuf,
}

fn default_output() -> PathBuf {
    PathBuf::from("jit-stencils")
}

fn default_emit() -> Vec<Emit> {
    vec![Emit::Header]
}

impl Config {
    /// Reads a `jit.toml`.
    pub(crate) fn read(path: &Path) -> Result<Config, Error> {
        let text = paths::read_text(path, path).map_err(|error| match error {
            Error::NotText { path, line } => Error::Config {
                path,
                message: format!("line {line} is not UTF-8 text: save the file as UTF-8"),
            },
            other => other,
        })?;
        // The message names the line and the key, and for an unknown key all known ones.
        let wrong = |error: toml::de::Error| Error::Config {
            path: path.to_path_buf(),
            message: error.to_string().trim_end().to_owned(),
        };
        let mut config: Config = toml::from_str(&text).map_err(wrong)?;
        config.table = toml::from_str(&text).map_err(wrong)?;
        config.path = path.to_path_buf();
        config.text = text;
        let directory = match path.parent() {
            Some(directory) if !directory.as_os_str().is_empty() => directory,
            _ => Path::new("."),
        };
        config.directory = directory
            .canonicalize()
            .map_err(Error::file("find", directory))?;
        config.check_tables()?;
        config.check_macros()?;
        Ok(config)
    }

    /// Checks that each table names a target, and that no target has two tables.
    fn check_tables(&self) -> Result<(), Error> {
        let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
        for triple in self.target.keys() {
            let target = Target::from_triple(triple)
                .map_err(|error| self.error(format!("[target.{triple}]: {error}")))?;
            if let Some(first) = seen.insert(target.triple, triple) {
                return Err(self.error(format!(
                    "[target.{first}] and [target.{triple}] are both for {target}: make them one \
                     table"
                )));
            }
        }
        Ok(())
    }

    /// Checks that macros are what clang takes for one.
    fn check_macros(&self) -> Result<(), Error> {
        for (key, macros) in [
            ("defines", &self.defines),
            ("stencil-defines", &self.stencil_defines),
        ] {
            if let Some(text) = macros.iter().find(|text| !flags::is_macro(text)) {
                return Err(self.error(format!(
                    "{key}: {text:?} is not a macro: write \"NAME\" or \"NAME=VALUE\", without -D"
                )));
            }
        }
        Ok(())
    }

    /// Returns an error about the file.
    pub(crate) fn error(&self, message: String) -> Error {
        Error::Config {
            path: self.path.clone(),
            message,
        }
    }

    /// Returns an error about what is at an offset of the file's text.
    pub(crate) fn error_at(&self, offset: usize, message: String) -> Error {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line = 1 + before.matches('\n').count();
        self.error(format!("line {line}: {message}"))
    }

    /// Returns which of these keys the file has.
    pub(crate) fn first_of<'k>(&self, keys: &[&'k str]) -> Option<&'k str> {
        keys.iter()
            .find(|key| self.table.contains_key(**key))
            .copied()
    }

    /// Returns the path of the file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Refuses the keys of a project with its own micro-ops, because the project is a checkout.
    pub(crate) fn refuse_own(&self, checkout: &Path) -> Result<(), Error> {
        let own = OF_CASES.iter().chain(&OF_FUNCTIONS).chain(&OWN);
        let mut present = own.filter(|key| self.table.contains_key(**key));
        match present.next() {
            Some(key) => Err(self.error(format!(
                "{key} is for a project with its own template and cases, but the project is the CPython \
                 checkout {}, which has them: remove the key, or build without the checkout",
                checkout.display()
            ))),
            None => Ok(()),
        }
    }

    /// Returns the paths of the template and the cases of a project that is not CPython.
    pub(crate) fn template_and_cases(&self) -> Result<(PathBuf, PathBuf), Error> {
        let existing = |key, value: &Option<PathBuf>| {
            match value {
            Some(path) => self.existing_file(path, key),
            None => Err(self.error(format!(
                "missing key `{key}`: a project has template and cases, or source, files with functions, or cpython, \
                 the directory of a CPython checkout"
            ))),
        }
        };
        Ok((
            existing("template", &self.template)?,
            existing("cases", &self.cases)?,
        ))
    }

    /// Returns the absolute path of a file, or an error if it does not exist or is something else. Reading a
    /// pipe or a device might never end.
    pub(crate) fn existing_file(&self, relative: &Path, key: &str) -> Result<PathBuf, Error> {
        self.existing(relative, key, "regular file", Path::is_file)
    }

    /// Returns the absolute path of a directory, or an error if it does not exist or is something else.
    pub(crate) fn existing_dir(&self, relative: &Path, key: &str) -> Result<PathBuf, Error> {
        self.existing(relative, key, "directory", Path::is_dir)
    }

    fn existing(
        &self,
        relative: &Path,
        key: &str,
        kind: &str,
        is_kind: fn(&Path) -> bool,
    ) -> Result<PathBuf, Error> {
        let found = self.directory.join(relative);
        if is_kind(&found) {
            return Ok(found);
        }
        let shown = found.display();
        Err(self.error(match found.exists() {
            true => format!("{key} = {relative:?}: {shown} is not a {kind}"),
            false => format!("{key} = {relative:?}: there is no {shown}"),
        }))
    }

    /// Returns the directory for generated files.
    pub(crate) fn output(&self) -> PathBuf {
        self.directory.join(&self.output)
    }

    /// Returns the kinds of files to write.
    pub(crate) fn emits(&self) -> Result<Emits, Error> {
        Emits::of(&self.emit).ok_or_else(|| {
            self.error(
                "emit = []: nothing would be written; name one or several of \"header\", \"stencils\" and \"c\""
                    .to_owned(),
            )
        })
    }

    /// Returns the header format of a project with its own micro-ops.
    pub(crate) fn header_format(&self) -> Result<HeaderFormat, Error> {
        let Some(name) = &self.header_format else {
            return Ok(HeaderFormat::PLAIN);
        };
        // The stencils of 3.14 are made in a way of their own, from a checkout.
        let formats = HeaderFormat::ALL.iter();
        let formats = formats.filter(|format| **format != HeaderFormat::CPYTHON_3_14);
        let found = formats
            .clone()
            .find(|format| format.name() == name)
            .copied();
        found.ok_or_else(|| {
            let known = formats.map(|format| format!("{:?}", format.name()));
            let known: Vec<String> = known.collect();
            self.error(format!(
                "header-format = {name:?}: there is no such format; name one of {}",
                known.join(", ")
            ))
        })
    }

    /// Returns the targets to build for.
    pub(crate) fn targets(&self) -> Result<Vec<Spelled>, Error> {
        let find =
            |triple: &String| Spelled::parse(triple).map_err(|error| self.error(error.to_string()));
        self.targets.iter().map(find).collect()
    }

    /// Returns the sysroot of a target: that of its table, else the one for all targets.
    pub(crate) fn sysroot(&self, target: &Target) -> Option<PathSetting> {
        let own = self.own(target);
        let own = own.and_then(|(triple, table)| Some((triple, table.sysroot.as_ref()?)));
        setting("sysroot", own, self.sysroot.as_ref())
    }

    /// Returns the directory of a target's `pyconfig.h`: that of its table, else the one for all targets.
    pub(crate) fn pyconfig_dir(&self, target: &Target) -> Option<PathSetting> {
        let own = self.own(target);
        let own = own.and_then(|(triple, table)| Some((triple, table.pyconfig_dir.as_ref()?)));
        setting("pyconfig-dir", own, self.pyconfig_dir.as_ref())
    }

    /// Returns a target's flags: those for all targets, then its own.
    pub(crate) fn cflags(&self, target: &Target) -> Vec<String> {
        let own = self.own(target).into_iter();
        let own = own.flat_map(|(_, table)| &table.cflags);
        self.cflags.iter().chain(own).cloned().collect()
    }

    fn own(&self, target: &Target) -> Option<(&str, &TargetTable)> {
        let is_it = |triple: &str| Target::from_triple(triple).is_ok_and(|found| found == target);
        let mut tables = self.target.iter();
        let found = tables.find(|(triple, _)| is_it(triple));
        found.map(|(triple, table)| (triple.as_str(), table))
    }
}

fn setting(key: &str, own: Option<(&str, &PathBuf)>, all: Option<&PathBuf>) -> Option<PathSetting> {
    match (own, all) {
        (Some((triple, value)), _) => Some(PathSetting {
            key: format!("[target.{triple}] {key}"),
            value: value.clone(),
        }),
        (None, Some(value)) => Some(PathSetting {
            key: key.to_owned(),
            value: value.clone(),
        }),
        (None, None) => None,
    }
}
