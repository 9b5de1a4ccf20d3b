//! The project to build: a CPython checkout, a project with a `jit.toml`, sources in memory, or the example.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use jit_llvm::{Output, Search};
use jit_schema::{Codegen, Target};
use jit_writer::HeaderFormat;

use crate::{
    conventions::{Conventions, ShimForm},
    cpython::{checkout, entered, pins::LlvmPins, release::Release, tools},
    error::{Error, FunctionError, HardeningError},
    project::config::{self, Config},
    project::digest::DigestInputs,
    project::emit::Emits,
    project::flags,
    project::functions::Functions,
    project::hardening::HardeningRules,
    project::own,
    project::sources::Sources,
    project::spelled::Spelled,
    scratch::Scratch,
};

/// A project: where its sources are, and how to compile them.
#[derive(Debug)]
pub(crate) struct Project {
    /// The kind of project and its location, in one line.
    pub(crate) description: String,
    /// A remark for the user, to show before the build.
    pub(crate) remark: Option<String>,
    /// The directory that is written as `.` in generated code.
    pub(crate) root: PathBuf,
    /// What the micro-ops are made of.
    pub(crate) input: Input,
    /// The C source of the function that enters compiled code.
    pub(crate) shim: Option<PathBuf>,
    /// How the project's files are made.
    pub(crate) conventions: Conventions,
    /// The CPython release, if the project is CPython.
    pub(crate) release: Option<&'static Release>,
    /// The `jit.toml`, if there is one.
    pub(crate) config: Option<Config>,
    /// Directories to search for headers, after the one with `pyconfig.h`.
    pub(crate) include_dirs: Vec<PathBuf>,
    /// Macros for stencils and the shim.
    pub(crate) defines: Vec<String>,
    /// Macros for stencils only.
    pub(crate) stencil_defines: Vec<String>,
    /// The inputs that the digest covers, without those of single targets.
    pub(crate) digest: DigestInputs,
    /// Which LLVM to search for, as far as the project determines it.
    pub(crate) llvm: Search,
    /// The default targets.
    pub(crate) targets: Vec<Spelled>,
    /// The default code generation.
    pub(crate) codegen: Codegen,
    /// The default kinds of files to write.
    pub(crate) emits: Emits,
    /// The default directory for generated files.
    pub(crate) output: PathBuf,
    /// The LLVM major version that the project pins. The banner warns of another one.
    pub(crate) pinned_llvm: Option<u32>,
    /// The temporary directory with the project's files, if they are in one.
    unpacked: Option<Scratch>,
}

/// What micro-ops are made of.
#[derive(Debug)]
pub(crate) enum Input {
    Cases {
        /// The C source in which a micro-op replaces `CASE`.
        template: PathBuf,
        /// The file with the micro-ops.
        cases: PathBuf,
    },
    Functions(Box<Functions>),
}

/// Where to find the project.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// In the current directory: that of a `jit.toml` in it or a parent, else the checkout that contains it,
    /// else the example.
    Search,
    /// In a `jit.toml`.
    Config(PathBuf),
    /// In a checkout. The `jit.toml` has additional settings.
    Checkout {
        root: PathBuf,
        config: Option<PathBuf>,
    },
    /// In memory.
    Memory(Sources),
}

impl Project {
    /// Finds the project.
    pub(crate) fn find(origin: &Origin) -> Result<Project, Error> {
        match origin {
            Origin::Config(path) => Project::configured(path, None),
            Origin::Checkout {
                root,
                config: Some(path),
            } => Project::configured(path, Some(root)),
            Origin::Checkout { root, config: None } => Project::cpython(root),
            Origin::Memory(sources) => Project::in_memory(sources),
            Origin::Search => Project::search(),
        }
    }

    fn search() -> Result<Project, Error> {
        let here = env::current_dir().map_err(Error::file("find", Path::new(".")))?;
        for directory in here.ancestors() {
            let path = directory.join(config::FILE_NAME);
            if path.is_file() {
                return Project::configured(&path, None);
            }
        }
        for directory in here.ancestors() {
            if checkout::is_checkout(directory) {
                return Project::cpython(directory);
            }
        }
        Project::example()
    }

    /// Returns the project of a CPython checkout, built as its release's `Tools/jit/build.py` builds it.
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
            input: Input::Cases {
                template: root.join(release.template),
                cases: root.join(release.cases),
            },
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

    /// Returns the project of a `jit.toml`: a checkout, or a project with its own micro-ops.
    fn configured(path: &Path, checkout: Option<&Path>) -> Result<Project, Error> {
        let config = Config::read(path)?;
        let checkout = match (checkout, &config.cpython) {
            (Some(named), _) => Some(named.to_path_buf()),
            (None, Some(relative)) => Some(config.existing_dir(relative, "cpython")?),
            (None, None) => None,
        };
        let mut project = match checkout {
            Some(root) => {
                config.refuse_own(&root)?;
                let mut project = Project::cpython(&root)?;
                let file = config.path().display();
                project.description = format!("{} as {file} says", project.description);
                project
            }
            None => Project::own(&config)?,
        };
        project.targets = config.targets()?;
        project.emits = config.emits()?;
        project.codegen = config.codegen.into();
        project.output = config.output();
        project.llvm.major = config.llvm_version.or(project.llvm.major);
        project.config = Some(config);
        Ok(project)
    }

    /// Returns the project of a `jit.toml` with its own micro-ops.
    fn own(config: &Config) -> Result<Project, Error> {
        let root = config.directory.clone();
        let input = match Functions::of(config)? {
            Some(functions) => Input::Functions(Box::new(functions)),
            None => {
                let (template, cases) = config.template_and_cases()?;
                Input::Cases { template, cases }
            }
        };
        let shim = config
            .shim
            .as_deref()
            .map(|shim| config.existing_file(shim, "shim"))
            .transpose()?;
        let include_dirs = config
            .include
            .iter()
            .map(|directory| config.existing_dir(directory, "include"))
            .collect::<Result<Vec<_>, _>>()?;
        let mut files = input.files();
        files.extend(shim.clone());
        let mut conventions = own::conventions(config.header_format()?);
        if let Input::Functions(_) = input {
            // The sources declare their holes themselves.
            conventions.prelude = |_| String::new();
        }
        Ok(Project {
            description: format!("project {}", config.path().display()),
            remark: None,
            input,
            shim,
            conventions,
            release: None,
            config: None,
            digest: DigestInputs {
                files,
                directories: include_dirs.clone(),
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

    /// Returns the template and the cases, or an error if the project has functions instead.
    pub(crate) fn template_and_cases(&self) -> Result<(&Path, &Path), Error> {
        match &self.input {
            Input::Cases { template, cases } => Ok((template, cases)),
            Input::Functions(_) => Err(FunctionError::NoTemplate {
                root: self.root.clone(),
            }
            .into()),
        }
    }

    /// Returns whether there are files with the shim and its unwind information.
    pub(crate) fn has_shim_files(&self) -> bool {
        self.shim.is_some() && self.conventions.shim == ShimForm::Object
    }

    /// Returns the macros for the shim only.
    pub(crate) fn shim_defines(&self, target: &Target) -> Vec<String> {
        let own = self
            .release
            .map_or(&[][..], |release| (release.shim_defines)(target));
        own.iter().map(|name| (*name).to_owned()).collect()
    }

    /// Returns which stencils control enters and leaves through pointers: what `jit.toml` says, else what is known of the
    /// release, else all and none.
    pub(crate) fn hardening_rules(&self) -> Result<HardeningRules, Error> {
        let table = self.config.as_ref().map(|config| &config.hardening);
        let mut rules = HardeningRules::default();
        if let Some(release) = self.release {
            if release.conventions.output == Output::Object {
                return Err(HardeningError::Release {
                    release: release.version.to_string(),
                }
                .into());
            }
            rules = rules.entries(release.entries)?.jumps(release.jumps)?;
            if table.is_none_or(|table| table.entries.is_none()) {
                entered::check(release, &self.root)?;
            }
        }
        match table {
            Some(table) => Ok(table.rules(rules)?),
            None => Ok(rules),
        }
    }

    /// Returns whether a file is removed after the build.
    pub(crate) fn is_temporary(&self, path: &Path) -> bool {
        let directory = self.unpacked.as_ref().map(Scratch::path);
        directory.is_some_and(|directory| path.starts_with(directory))
            || self
                .temporary_root()
                .is_some_and(|root| path.starts_with(root))
    }

    /// Returns the absolute path of the project's directory if it is removed after the build.
    pub(crate) fn temporary_root(&self) -> Option<&Path> {
        self.unpacked.as_ref().map(|_| self.root.as_path())
    }

    /// Returns the name of a source for messages: its path, without a directory that is removed after the
    /// build.
    pub(crate) fn shown(&self, source: &Path) -> PathBuf {
        let root = self.temporary_root();
        let name = root.and_then(|root| source.strip_prefix(root).ok());
        name.unwrap_or(source).to_path_buf()
    }

    /// Returns whether this is the example, as there is no other project.
    #[cfg(feature = "cli")]
    pub(crate) fn is_example(&self) -> bool {
        self.unpacked.is_some() && self.config.is_some()
    }

    /// Returns the temporary directory with the project's files, if they are in one.
    #[cfg(feature = "cli")]
    pub(crate) fn into_files(self) -> Option<Scratch> {
        self.unpacked
    }

    /// Returns the project's directory for the names of records. A temporary directory, which is different each
    /// time, has a fixed name.
    pub(crate) fn lasting_root(&self) -> &Path {
        match self.unpacked {
            Some(_) => Path::new("example"),
            None => &self.root,
        }
    }

    /// Writes sources from memory to a temporary directory, where clang can read them.
    fn in_memory(sources: &Sources) -> Result<Project, Error> {
        let mut macros = sources.defines.iter().chain(&sources.stencil_defines);
        if let Some(text) = macros.find(|text| !flags::is_macro(text)) {
            return Err(Error::NotAMacro { text: text.clone() });
        }
        let directory = temporary()?;
        let root = directory
            .path()
            .canonicalize()
            .map_err(Error::file("find", directory.path()))?;
        let write = |name: &str, text: &str| {
            let path = root.join(name);
            fs::write(&path, text).map_err(Error::file("write", &path))?;
            Ok::<_, Error>(path)
        };
        let template = write("template.c", &sources.template)?;
        let cases = write("cases.h", &sources.cases)?;
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
        Ok(Project {
            description: "sources in memory".to_owned(),
            remark: None,
            root,
            input: Input::Cases { template, cases },
            shim,
            conventions: own::conventions(HeaderFormat::PLAIN),
            release: None,
            config: None,
            digest: DigestInputs {
                files,
                directories: include_dirs.clone(),
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

    /// Writes the embedded example virtual machine to a temporary directory.
    fn example() -> Result<Project, Error> {
        let directory = temporary()?;
        for (name, contents) in crate::project::example::FILES {
            let path = directory.path().join(name);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(Error::file("create", parent))?;
            }
            fs::write(&path, contents).map_err(Error::file("write", &path))?;
        }
        let mut project = Project::configured(&directory.path().join(config::FILE_NAME), None)?;
        project.description =
            "the example virtual machine, since there is no CPython checkout and no \
                               jit.toml in the current directory or a parent"
                .to_owned();
        project.output = PathBuf::from("jit-example");
        project.unpacked = Some(directory);
        Ok(project)
    }
}

impl Input {
    /// Returns the files.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        match self {
            Input::Cases { template, cases } => vec![cases.clone(), template.clone()],
            Input::Functions(functions) => functions
                .files
                .iter()
                .map(|file| file.path.clone())
                .collect(),
        }
    }
}

fn temporary() -> Result<Scratch, Error> {
    let parent = env::temp_dir();
    Scratch::create_in(&parent).map_err(Error::file("create", &parent))
}
