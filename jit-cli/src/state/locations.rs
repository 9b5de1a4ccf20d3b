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

    /// Returns a path for a setting, without the directories that may move.
    pub(crate) fn neutral(&self, path: &str) -> String {
        match self.name(Path::new(path)) {
            Some((Location::Project, name)) => format!("PROJECT/{name}"),
            Some((Location::Builtin, name)) => format!("BUILTIN/{name}"),
            Some((Location::Outside, _)) | None => path.to_owned(),
        }
    }

    /// Returns flags for clang in which the directories of headers are without the directories that may move.
    pub(crate) fn neutral_flags(&self, flags: &[String]) -> Vec<String> {
        let mut before = "";
        let mut neutral = Vec::with_capacity(flags.len());
        for flag in flags {
            let joined = FOR_HEADERS.iter().find_map(|option| {
                let path = flag.strip_prefix(option)?;
                path.starts_with('/').then_some((option, path))
            });
            neutral.push(match joined {
                _ if FOR_HEADERS.contains(&before) => self.neutral(flag),
                Some((option, path)) => format!("{option}{}", self.neutral(path)),
                // It may become a part of the code.
                None => flag.clone(),
            });
            before = flag;
        }
        neutral
    }
}

/// The flags with the path of a header or of a directory of headers, in the same word or in the next one.
const FOR_HEADERS: [&str; 7] = [
    "-I",
    "-isystem",
    "-iquote",
    "-idirafter",
    "-include",
    "-imacros",
    "--sysroot=",
];

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
        let flags = [
            "-I/home/p/a",
            "-include",
            "/home/p/b.h",
            "-DX=/home/p",
            "-I/x",
        ];
        assert_eq!(
            locations.neutral_flags(&flags.map(str::to_owned)),
            [
                "-IPROJECT/a",
                "-include",
                "PROJECT/b.h",
                "-DX=/home/p",
                "-I/x"
            ]
        );
    }
}
