//! Where files are, in a form that stays right if a directory moves.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What the name of a file is relative to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Location {
    /// The project's directory.
    Project,
    /// The directory with the headers that are part of jit-cli.
    Builtin,
    /// Nothing: the name is an absolute path.
    Outside,
}

/// The directories that names are relative to.
#[derive(Debug, Clone)]
pub(crate) struct Locations {
    pub(crate) project: PathBuf,
    pub(crate) builtin: Option<PathBuf>,
}

impl Locations {
    /// Returns the location of a file and its name there. Returns `None` for a relative path, and for one that is not
    /// UTF-8.
    pub(crate) fn name(&self, path: &Path) -> Option<(Location, String)> {
        let relative = |directory: &Path| path.strip_prefix(directory).ok().map(Path::to_str);
        let builtin = self.builtin.as_deref().and_then(relative);
        if let Some(name) = builtin {
            return Some((Location::Builtin, name?.to_owned()));
        }
        if let Some(name) = relative(&self.project) {
            return Some((Location::Project, name?.to_owned()));
        }
        let absolute = path.is_absolute().then_some(path)?;
        Some((Location::Outside, absolute.to_str()?.to_owned()))
    }

    /// Returns the path of a file.
    pub(crate) fn path(&self, location: Location, name: &str) -> PathBuf {
        match location {
            Location::Project => self.project.join(name),
            Location::Builtin => self.builtin.as_deref().unwrap_or(Path::new("")).join(name),
            Location::Outside => PathBuf::from(name),
        }
    }

    /// Returns a word of a setting without the directories, which may be in it anywhere.
    pub(crate) fn neutral(&self, word: &str) -> String {
        let builtin = self.builtin.iter().map(|path| (path, "BUILTIN"));
        let project = [(&self.project, "PROJECT")];
        let mut word = word.to_owned();
        for (directory, name) in builtin.chain(project) {
            // The root of the file system is a part of every path.
            if let (Some(text), Some(_)) = (directory.to_str(), directory.parent()) {
                word = word.replace(text, name);
            }
        }
        word
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back() {
        let locations = Locations {
            project: "/home/p".into(),
            builtin: Some("/home/p/cache/sysroot".into()),
        };
        for (path, location, name) in [
            ("/home/p/a/x.h", Location::Project, "a/x.h"),
            ("/home/p/../x.h", Location::Project, "../x.h"),
            (
                "/home/p/cache/sysroot/include/x.h",
                Location::Builtin,
                "include/x.h",
            ),
            ("/home/pp/x.h", Location::Outside, "/home/pp/x.h"),
        ] {
            let expected = Some((location, name.to_owned()));
            assert_eq!(locations.name(Path::new(path)), expected);
            assert_eq!(locations.path(location, name), Path::new(path));
        }
        assert_eq!(locations.name(Path::new("x.h")), None);
        assert_eq!(
            locations.neutral("-I/home/p/a,/home/p"),
            "-IPROJECT/a,PROJECT"
        );
    }
}
