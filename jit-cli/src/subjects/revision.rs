//! A git revision of a project, as a directory to build it in.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
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

/// How deep the files of a revision are in their directory.
const NESTED: usize = 16;

/// What a CPython checkout needs, as patterns of git's. The headers are all over the tree.
const CPYTHON: [&str; 3] = [":(top,glob)**/*.h", ":(top)Python", ":(top)Tools/jit"];

impl Checkout {
    /// Extracts a revision of the project that `options` name.
    pub(super) fn of(name: &str, options: &Options) -> Result<Checkout, Error> {
        let mut options = options.absolute()?;
        let project = Found::of(&options.origin)?;
        let without_repository = |place: &str| {
            Error::from(SubjectError::NoRepository {
                name: name.to_owned(),
                project: place.to_owned(),
            })
        };
        if project.is_temporary {
            return Err(without_repository("the built-in example"));
        }
        let git = Git {
            root: &project.root,
            name,
        };
        let place = project.root.to_string_lossy();
        let top = git.line(&["rev-parse", "--show-toplevel"])?;
        let top = PathBuf::from(top.ok_or_else(|| without_repository(&place))?);
        let revision = format!("{name}^{{commit}}");
        let verify = [
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            &revision,
        ];
        let commit = git.line(&verify)?.ok_or_else(|| SubjectError::NoRevision {
            name: name.to_owned(),
            project: place.into_owned(),
        })?;
        let parent = std::env::temp_dir();
        scratch::remove_abandoned_directories(&parent);
        let directory = Scratch::create_in(&parent)
            .map_err(Error::file("create a temporary directory in", &parent))?;
        // Paths that lead out of the repository end in this private directory, and not in one that others write to.
        let files = directory.path().join(["a"; NESTED].join("/"));
        fs::create_dir_all(&files).map_err(Error::file("create", &files))?;
        let wanted: &[&str] = if project.is_cpython { &CPYTHON } else { &[] };
        let index = directory.path().join("index");
        git.extract(&top, &commit, (wanted, &index), &files)?;
        let moved = |path: &Path| match path.strip_prefix(&top) {
            Ok(inside) => files.join(inside),
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

    fn run(&self, command: &mut Command) -> Result<Output, SubjectError> {
        let output = command.output();
        output.map_err(|error| self.failed(format!("git can't be run: {error}")))
    }

    /// Returns the line that git prints, or `None` if there is no such revision or repository.
    fn line(&self, arguments: &[&str]) -> Result<Option<String>, SubjectError> {
        let output = self.run(&mut self.command(self.root, arguments))?;
        let text = String::from_utf8_lossy(&output.stderr);
        // Of another user's repository, git says what to do.
        if text.contains("safe.directory") {
            return Err(self.failed(text.trim()));
        }
        let line = String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned();
        Ok(output.status.success().then_some(line))
    }

    /// Writes the files of a commit to a directory, as a checkout would: all, or those that patterns name. `index` is a file
    /// for git's list of them.
    fn extract(
        &self,
        top: &Path,
        commit: &str,
        (patterns, index): (&[&str], &Path),
        to: &Path,
    ) -> Result<(), SubjectError> {
        let git = |arguments: &[&str]| {
            let mut command = self.command(top, arguments);
            command.env("GIT_INDEX_FILE", index);
            command
        };
        self.succeeds(&mut git(&["read-tree", commit]))?;
        let list = [&["ls-files", "-z", "--"], patterns].concat();
        let list = self.succeeds(&mut git(&list))?;
        let prefix = format!("--prefix={}/", to.display());
        let mut write = git(&["checkout-index", "--quiet", "-z", "--stdin", &prefix]);
        let names = index.with_extension("names");
        let stored = fs::write(&names, list.stdout).and_then(|()| File::open(&names));
        write.stdin(stored.map_err(|error| self.failed(error))?);
        self.succeeds(&mut write)?;
        Ok(())
    }

    /// Runs git, which has to succeed.
    fn succeeds(&self, command: &mut Command) -> Result<Output, SubjectError> {
        let output = self.run(command)?;
        match output.status.success() {
            true => Ok(output),
            false => {
                let text = String::from_utf8_lossy(&output.stderr);
                Err(self.failed(format!("git ended with {}: {}", output.status, text.trim())))
            }
        }
    }
}
