//! What the files of a target are made from.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    ffi::OsStr,
    fmt, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::{
    hex, paths,
    state::locations::{Location, Locations},
};

/// The environment variables that change what clang reads or writes.
const VARIABLES: [&str; 29] = [
    "CCC_OVERRIDE_OPTIONS",
    "CLANG_CONFIG_FILE_USER_DIR",
    "CLANG_NO_DEFAULT_CONFIG",
    "COMPILER_PATH",
    "CPATH",
    "CPLUS_INCLUDE_PATH",
    "C_INCLUDE_PATH",
    "DRIVERKIT_DEPLOYMENT_TARGET",
    "DYLD_INSERT_LIBRARIES",
    "DYLD_LIBRARY_PATH",
    "EXTERNAL_INCLUDE",
    "GCC_EXEC_PREFIX",
    "INCLUDE",
    "IPHONEOS_DEPLOYMENT_TARGET",
    "LD_AUDIT",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "MACOSX_DEPLOYMENT_TARGET",
    "OBJCPLUS_INCLUDE_PATH",
    "OBJC_INCLUDE_PATH",
    "RC_DEBUG_OPTIONS",
    "RC_DEBUG_PREFIX_MAP",
    "SDKROOT",
    "SOURCE_DATE_EPOCH",
    "TVOS_DEPLOYMENT_TARGET",
    "VCINSTALLDIR",
    "VCToolsInstallDir",
    "WATCHOS_DEPLOYMENT_TARGET",
    "XROS_DEPLOYMENT_TARGET",
];

/// The length and the SHA-256 of a file's contents, as text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Mark(String);

impl Mark {
    /// Returns the mark of these contents.
    pub(crate) fn of(bytes: &[u8]) -> Mark {
        Mark(format!("{} {}", bytes.len(), hexadecimal(bytes)))
    }

    /// Reads a regular file. Returns its mark.
    pub(crate) fn of_file(path: &Path) -> io::Result<Mark> {
        Ok(Mark::of(&paths::read(path)?))
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns the SHA-256 of these bytes.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    hex::digits(&Sha256::digest(bytes))
}

/// Everything that the files of a target are made from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Inputs {
    /// The version of this program and the settings of the build, one in each text.
    pub(crate) settings: Vec<String>,
    /// The environment variables that are set, of those that matter.
    pub(crate) environment: BTreeMap<String, String>,
    /// The identities of the tools.
    pub(crate) tools: Vec<String>,
    /// The files that were read.
    pub(crate) files: BTreeMap<Location, BTreeMap<String, Mark>>,
    /// The files that must not exist, by directory: they would be read instead of others.
    pub(crate) absent: BTreeMap<Location, BTreeMap<String, Names>>,
}

/// The names of files in one directory, as one text: no name has a slash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Names(pub(crate) BTreeSet<String>);

impl Names {
    /// Returns the paths of files in a directory that have one of the names.
    pub(crate) fn found_in(&self, directory: &Path) -> Vec<PathBuf> {
        // Most of the directories do not exist.
        if !directory.is_dir() {
            return Vec::new();
        }
        let paths = self.0.iter().map(|name| directory.join(name));
        let is_there = |path: &PathBuf| path.metadata().is_ok_and(|data| !data.is_dir());
        paths.filter(is_there).collect()
    }
}

impl Serialize for Names {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names: Vec<&str> = self.0.iter().map(String::as_str).collect();
        serializer.serialize_str(&names.join("/"))
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Names, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(Names(text.split('/').map(str::to_owned).collect()))
    }
}

impl Inputs {
    /// Returns a digest of the settings and of the files that belong to the project, in hexadecimal. It is the same on
    /// every machine.
    pub(crate) fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        let mut update = |part: &str| {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        };
        for setting in &self.settings {
            update(setting);
        }
        for (name, mark) in self.files.get(&Location::Project).into_iter().flatten() {
            update(name);
            update(&mark.0);
        }
        hex::digits(&hasher.finalize())
    }

    /// Returns the paths of the files that were read.
    pub(crate) fn paths(&self, locations: &Locations) -> Vec<PathBuf> {
        let all = self.files.iter();
        all.flat_map(|(location, files)| {
            files
                .keys()
                .map(|name| locations.path(*location, name))
                .collect::<Vec<_>>()
        })
        .collect()
    }
}

/// Returns the environment variables that are set, of those that matter.
pub(crate) fn environment() -> BTreeMap<String, String> {
    // The debug format differs for all values, UTF-8 or not.
    let shown = |value: &OsStr| format!("{value:?}");
    VARIABLES
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), shown(&env::var_os(name)?))))
        .collect()
}
