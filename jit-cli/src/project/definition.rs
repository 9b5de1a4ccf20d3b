//! What is built: a CPython checkout, a project with a `jit.toml`, or the example.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use jit_llvm::Search;
use jit_schema::{Codegen, Target};
use jit_writer::HeaderFormat;
use tempfile::TempDir;

use crate::{
    conventions::Conventions,
    cpython::{checkout, pins::LlvmPins, release::Release, tools},
    error::Error,
    project::config::{self, Config},
    project::digest::DigestInputs,
    project::emit::Emits,
    project::own,
    project::sources::Sources,
};

/// Where the micro-ops come from and how they want to be compiled.
#[derive(Debug)]
pub(crate) struct Project {
    /// One line that says what was found, for when nobody asked for it by name.
    pub(crate) description: String,
    /// What its user should know before it is built.
    pub(crate) remark: Option<String>,
    /// The directory that becomes `.` in generated code.
    pub(crate) root: PathBuf,
    /// The C source with `CASE` in it.
    pub(crate) template: PathBuf,
    /// The micro-ops.
    pub(crate) cases: PathBuf,
    /// The function that enters compiled code.
    pub(crate) shim: Option<PathBuf>,
    /// How its files are made.
    pub(crate) conventions: Conventions,
    /// The CPython release that it is, if it is CPython.
    pub(crate) release: Option<&'static Release>,
    /// The `jit.toml`, if there is one.
    pub(crate) config: Option<Config>,
    /// Directories in which headers are looked for, after the one with `pyconfig.h`.
    pub(crate) include_dirs: Vec<PathBuf>,
    /// Macros for everything.
    pub(crate) defines: Vec<String>,
    /// Macros for stencils only.
    pub(crate) stencil_defines: Vec<String>,
    /// What the digest covers, but for the target's own.
    pub(crate) digest: DigestInputs,
    /// Which LLVM is wanted, as far as the project says.
    pub(crate) llvm: Search,
    /// What to build for if nobody says so.
    pub(crate) targets: Vec<&'static Target>,
    /// Whose flags stencils are compiled with if nobody says so.
    pub(crate) codegen: Codegen,
    /// What to write if nobody says so.
    pub(crate) emits: Emits,
    /// Where generated files go if nobody says so.
    pub(crate) output: PathBuf,
    /// Whether a build with another LLVM than the pinned one deserves the banner's warning.
    pub(crate) pinned_llvm: Option<u32>,
    /// The example's files, until the build is over.
    unpacked: Option<TempDir>,
}

/// Where the project is.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// Wherever the current directory is: a `jit.toml` in it or above it, else the checkout that it is
    /// in, else the example.
    Search,
    /// The `jit.toml` of this path.
    Config(PathBuf),
    /// This checkout, as the `jit.toml` says if there is one.
    Checkout {
        root: PathBuf,
        config: Option<PathBuf>,
    },
    /// Nowhere yet.
    Memory(Sources),
}

impl Project {
    /// Finds the project. `output_dir` is where generated files go, if the project does not decide.
    pub(crate) fn find(origin: &Origin, output_dir: Option<&Path>) -> Result<Project, Error> {
        match origin {
            Origin::Config(path) => Project::configured(path, None, output_dir),
            Origin::Checkout {
                root,
                config: Some(path),
            } => Project::configured(path, Some(root), output_dir),
            Origin::Checkout { root, config: None } => Project::cpython(root),
            Origin::Memory(sources) => Project::in_memory(sources),
            Origin::Search => Project::search(output_dir),
        }
    }

    fn search(output_dir: Option<&Path>) -> Result<Project, Error> {
        let here = env::current_dir().map_err(Error::file("find", Path::new(".")))?;
        for directory in here.ancestors() {
            let path = directory.join(config::FILE_NAME);
            if path.is_file() {
                return Project::configured(&path, None, output_dir);
            }
        }
        for directory in here.ancestors() {
            if checkout::is_checkout(directory) {
                return Project::cpython(directory);
            }
        }
        Project::example()
    }

    /// Returns the project that a CPython checkout is, built as its release's `Tools/jit/build.py` does.
    fn cpython(root: &Path) -> Result<Project, Error> {
        let root = root.canonicalize().map_err(|_| Error::NotCpython {
            root: root.to_path_buf(),
            missing: "directory",
        })?;
        let release = checkout::release_of(&root)?;
        let pins = LlvmPins::read(&root.join(release.llvm_pins));
        let paths = |relative: &[&str]| relative.iter().map(|path| root.join(path)).collect();
        let owned = |macros: &[&str]| macros.iter().map(|name| (*name).to_owned()).collect();
        let externals =
            env::var_os("EXTERNALS_DIR").map_or_else(|| root.join("externals"), PathBuf::from);
        let mut llvm = Search::default();
        llvm.major = pins.version;
        llvm.fallback_dir = pins.externals_tag.map(|tag| externals.join(tag));
        Ok(Project {
            description: format!("CPython checkout {}", root.display()),
            remark: tools::warning(release, &root),
            template: root.join(release.template),
            cases: root.join(release.cases),
            shim: Some(root.join(release.shim)),
            conventions: release.conventions,
            release: Some(release),
            config: None,
            include_dirs: paths(release.include_dirs),
            defines: owned(release.defines),
            stencil_defines: owned(release.stencil_defines),
            digest: DigestInputs {
                files: paths(release.digest_files),
                directories: paths(release.digest_dirs),
                ..DigestInputs::default()
            },
            llvm,
            pinned_llvm: pins.version,
            targets: Vec::new(),
            codegen: Codegen::Upstream,
            emits: Emits::HEADER,
            output: PathBuf::from("."),
            root,
            unpacked: None,
        })
    }

    /// What a `jit.toml` describes: a checkout, or a project with its own micro-ops.
    fn configured(
        path: &Path,
        checkout: Option<&Path>,
        output_dir: Option<&Path>,
    ) -> Result<Project, Error> {
        let config = Config::read(path)?;
        let (checkout, who) = match (checkout, &config.cpython) {
            (Some(named), _) => (Some(named.to_path_buf()), "--cpython"),
            (None, Some(relative)) => (Some(config.existing(relative, "cpython")?), "cpython"),
            (None, None) => (None, ""),
        };
        let mut project = match checkout {
            Some(root) => {
                config.refuse_own(who)?;
                let mut project = Project::cpython(&root)?;
                let file = config.path().display();
                project.description = format!("{} as {file} says", project.description);
                project
            }
            None => Project::own(&config, output_dir)?,
        };
        project.targets = config.targets()?;
        project.emits = config.emits()?;
        project.codegen = config.codegen.into();
        project.output = config.output();
        project.llvm.major = config.llvm_version.or(project.llvm.major);
        project.config = Some(config);
        Ok(project)
    }

    /// A project with its own micro-ops.
    fn own(config: &Config, output_dir: Option<&Path>) -> Result<Project, Error> {
        let root = config.directory.clone();
        let (template, cases) = config.template_and_cases()?;
        let shim = config
            .shim
            .as_deref()
            .map(|shim| config.existing(shim, "shim"))
            .transpose()?;
        let include_dirs = config
            .include
            .iter()
            .map(|directory| config.existing(directory, "include"))
            .collect::<Result<Vec<_>, _>>()?;
        let mut files = vec![cases.clone(), template.clone()];
        files.extend(shim.clone());
        Ok(Project {
            description: format!("project {}", config.path().display()),
            remark: None,
            template,
            cases,
            shim,
            conventions: own::conventions(config.header_format()?),
            release: None,
            config: None,
            digest: DigestInputs {
                settings: config.settings()?,
                files,
                directories: include_dirs.clone(),
                except: Some(
                    output_dir
                        .and_then(|directory| directory.canonicalize().ok())
                        .unwrap_or_else(|| config.output()),
                ),
            },
            include_dirs,
            defines: config.defines.clone(),
            stencil_defines: config.stencil_defines.clone(),
            llvm: Search::default(),
            pinned_llvm: None,
            targets: Vec::new(),
            codegen: Codegen::Upstream,
            emits: Emits::HEADER,
            output: PathBuf::new(),
            root,
            unpacked: None,
        })
    }

    /// Returns the macros for the shim only.
    pub(crate) fn shim_defines(&self, target: &Target) -> Vec<String> {
        let own = self
            .release
            .map_or(&[][..], |release| (release.shim_defines)(target));
        own.iter().map(|name| (*name).to_owned()).collect()
    }

    /// Returns whether a file is gone after the build.
    pub(crate) fn is_temporary(&self, path: &Path) -> bool {
        let directory = self.unpacked.as_ref().map(TempDir::path);
        directory.is_some_and(|directory| path.starts_with(directory))
            || self.unpacked.is_some() && path.starts_with(&self.root)
    }

    /// The temporary directory that it is in, if it is in one.
    #[cfg(feature = "cli")]
    pub(crate) fn into_files(self) -> Option<TempDir> {
        self.unpacked
    }

    /// Its directory, as records name it: the example is in another one each time.
    pub(crate) fn lasting_root(&self) -> &Path {
        match self.unpacked {
            Some(_) => Path::new("example"),
            None => &self.root,
        }
    }

    /// Sources that are in memory, written to a temporary directory, where clang reads them.
    fn in_memory(sources: &Sources) -> Result<Project, Error> {
        let directory = temporary("jit-sources-")?;
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            fs::write(&path, text).map_err(Error::file("write", &path))?;
            Ok::<_, Error>(path)
        };
        let template = write("template.c", &sources.template)?;
        let cases = write("cases.c.h", &sources.cases)?;
        let shim = sources
            .shim
            .as_deref()
            .map(|text| write("shim.c", text))
            .transpose()?;
        let mut files = vec![cases.clone(), template.clone()];
        files.extend(shim.clone());
        let include_dirs = sources
            .include_dirs
            .iter()
            .map(|path| path.canonicalize().map_err(Error::file("find", path)))
            .collect::<Result<Vec<_>, _>>()?;
        let macros = [&sources.defines, &sources.stencil_defines].map(|list| list.join("\n"));
        Ok(Project {
            description: "sources in memory".to_owned(),
            remark: None,
            root: directory
                .path()
                .canonicalize()
                .map_err(Error::file("find", directory.path()))?,
            template,
            cases,
            shim,
            conventions: own::conventions(HeaderFormat::PLAIN),
            release: None,
            config: None,
            digest: DigestInputs {
                settings: macros.join("\n\n"),
                files,
                directories: include_dirs.clone(),
                except: None,
            },
            include_dirs,
            defines: sources.defines.clone(),
            stencil_defines: sources.stencil_defines.clone(),
            llvm: Search::default(),
            pinned_llvm: None,
            targets: Vec::new(),
            codegen: Codegen::Upstream,
            emits: Emits::HEADER,
            output: PathBuf::from("jit-stencils"),
            unpacked: Some(directory),
        })
    }

    /// The example virtual machine that is embedded in the binary.
    fn example() -> Result<Project, Error> {
        let directory = temporary("jit-example-")?;
        for (name, contents) in crate::project::example::FILES {
            let path = directory.path().join(name);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(Error::file("create", parent))?;
            }
            fs::write(&path, contents).map_err(Error::file("write", &path))?;
        }
        let mut project =
            Project::configured(&directory.path().join(config::FILE_NAME), None, None)?;
        project.description = "no CPython checkout and no jit.toml here or above: building the \
                               example virtual machine (name a checkout with --cpython)"
            .to_owned();
        project.output = PathBuf::from("jit-example");
        project.unpacked = Some(directory);
        Ok(project)
    }
}

fn temporary(prefix: &str) -> Result<TempDir, Error> {
    tempfile::Builder::new()
        .prefix(prefix)
        .tempdir()
        .map_err(Error::file("create", &env::temp_dir()))
}
