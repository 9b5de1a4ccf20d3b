//! A git revision of a project, as a directory to build it in.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    error::{Error, SubjectError},
    project::{
        definition::{Origin, Project},
        options::Options,
    },
    scratch::{self, Scratch},
};

/// The files of a revision, which are removed when this is dropped.
pub(super) struct Checkout {
    /// The options to build it with.
    pub(super) options: Options,
    _directory: Scratch,
}

/// What a CPython checkout needs, as patterns of git's. The headers are all over the tree.
const CPYTHON: [&str; 3] = [":(top,glob)**/*.h", ":(top)Python", ":(top)Tools/jit"];

impl Checkout {
    /// Extracts a revision of the project that `options` name.
    pub(super) fn of(name: &str, options: &Options) -> Result<Checkout, Error> {
        let mut options = options.absolute()?;
        let project = Found::of(&options.origin)?;
        let unknown = |place: &str| SubjectError::NoRevision {
            name: name.to_owned(),
            project: place.to_owned(),
        };
        if project.is_temporary {
            return Err(unknown("the built-in example").into());
        }
        let git = Git {
            root: &project.root,
            name,
        };
        let place = project.root.to_string_lossy();
        // Without a repository, there are no revisions either.
        let asked = |arguments: &[&str]| {
            let line = git.line(arguments)?;
            line.ok_or_else(|| Error::from(unknown(&place)))
        };
        let top = PathBuf::from(asked(&["rev-parse", "--show-toplevel"])?);
        let revision = format!("{name}^{{commit}}");
        let verify = [
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            &revision,
        ];
        let commit = asked(&verify)?;
        let parent = std::env::temp_dir();
        scratch::remove_abandoned_directories(&parent);
        let directory = Scratch::create_in(&parent)
            .map_err(Error::file("create a temporary directory in", &parent))?;
        let mut arguments = vec!["archive", "--format=tar", &commit];
        if project.is_cpython {
            arguments.extend(["--"].iter().chain(&CPYTHON));
        }
        git.extract(&top, &arguments, directory.path())?;
        let moved = |path: &Path| match path.strip_prefix(&top) {
            Ok(inside) => directory.path().join(inside),
            Err(_) => path.to_path_buf(),
        };
        options.pyconfig_dir = project.pyconfig_dir(&options).or(options.pyconfig_dir);
        options.origin = match (&project.config, project.is_cpython) {
            // Its paths may lead to other places than the checkout.
            (config, true) => Origin::Checkout {
                root: moved(&project.root),
                config: config.clone(),
            },
            (Some(path), false) => Origin::Config(moved(path)),
            // That is the example, which is in no repository.
            (None, false) => options.origin,
        };
        // The directory is another one each time.
        options.cache.remember = false;
        Ok(Checkout {
            options,
            _directory: directory,
        })
    }
}

/// Where the project is.
struct Found {
    /// The project's directory.
    root: PathBuf,
    /// The `jit.toml`, if there is one.
    config: Option<PathBuf>,
    is_cpython: bool,
    /// Whether the project is the built-in example.
    is_temporary: bool,
}

impl Found {
    fn of(origin: &Origin) -> Result<Found, Error> {
        let project = Project::find(origin)?;
        Ok(Found {
            config: project
                .config
                .as_ref()
                .map(|config| config.path().to_path_buf()),
            is_cpython: project.release.is_some(),
            is_temporary: project.temporary_root().is_some(),
            root: project.root,
        })
    }

    /// Returns where the `pyconfig.h` is that configure has written, and that is in no revision.
    fn pyconfig_dir(&self, options: &Options) -> Option<PathBuf> {
        let here = std::env::current_dir().ok();
        let places = [
            options.pyconfig_dir.clone(),
            options.output_dir.clone(),
            here,
            Some(self.root.clone()),
        ];
        let mut places = places.into_iter().flatten();
        places.find(|place| self.is_cpython && place.join("pyconfig.h").is_file())
    }
}

/// Git, for one revision of the repository of a directory.
struct Git<'a> {
    root: &'a Path,
    name: &'a str,
}

impl Git<'_> {
    fn failed(&self, problem: impl ToString) -> SubjectError {
        SubjectError::Git {
            name: self.name.to_owned(),
            problem: problem.to_string(),
        }
    }

    fn command(&self, directory: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.arg("-C").arg(directory).args(arguments);
        command.stdin(Stdio::null());
        command
    }

    /// Returns the line that git prints, or `None` if git fails.
    fn line(&self, arguments: &[&str]) -> Result<Option<String>, SubjectError> {
        let output = self.command(self.root, arguments).output();
        let output = output.map_err(|error| self.failed(format!("git can't be run: {error}")))?;
        let line = String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned();
        Ok(output.status.success().then_some(line))
    }

    /// Extracts the archive that git writes.
    fn extract(&self, top: &Path, arguments: &[&str], to: &Path) -> Result<(), SubjectError> {
        let mut child = self
            .command(top, arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| self.failed(format!("git can't be run: {error}")))?;
        let unpacked = match child.stdout.take() {
            Some(output) => unpack(output, to),
            None => Ok(()),
        };
        let output = child
            .wait_with_output()
            .map_err(|error| self.failed(error))?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            return Err(self.failed(text.trim()));
        }
        unpacked.map_err(|error| self.failed(error))
    }
}

/// Unpacks the files and links of an archive.
fn unpack(archive: impl std::io::Read, to: &Path) -> std::io::Result<()> {
    let mut archive = tar::Archive::new(archive);
    // All get the time of unpacking, which is what builds compare with.
    archive.set_preserve_mtime(false);
    archive.unpack(to)
}
