//! The subject of a check: the headers that a project's stencils are compiled with.

use std::{
    fs,
    path::{Path, PathBuf},
};

use jit_llvm::Search;

use crate::{
    conventions::Conventions,
    cpython::checkout,
    error::Error,
    paths,
    project::config::Config,
    project::definition::{Origin, Project},
    project::template,
    scratch::Scratch,
};

/// Where the subject's headers are.
#[derive(Debug)]
pub(crate) enum Place {
    /// In a project.
    Project(Origin),
    /// In the include directory of an installed CPython.
    Installed(PathBuf),
}

/// The headers that are compared, and how to compile them.
pub(crate) struct Subject {
    /// The project's directory, which is left out where names are shown.
    pub(crate) root: PathBuf,
    /// The directories with the project's headers. `pyconfig.h` comes with the system's.
    pub(crate) include_dirs: Vec<PathBuf>,
    /// How the project's stencils are compiled.
    pub(crate) conventions: Conventions,
    pub(crate) defines: Vec<String>,
    pub(crate) stencil_defines: Vec<String>,
    /// The project's `jit.toml`, if it has one.
    pub(crate) config: Option<Config>,
    /// A source that includes the headers.
    pub(crate) source: String,
    pub(crate) llvm: Search,
    /// The temporary directory with the headers, if they are in one.
    _copy: Option<Scratch>,
}

/// The headers with CPython's runtime structures. A template includes most of them, and the layouts of all are
/// compared.
const RUNTIME: [&str; 3] = ["pycore_runtime.h", "pycore_interp.h", "pycore_pystate.h"];

/// The headers that templates usually include, for an installed CPython, which has no template. Not all versions
/// have all of them.
const INTERNAL: [&str; 17] = [
    "pycore_call.h",
    "pycore_ceval.h",
    "pycore_code.h",
    "pycore_dict.h",
    "pycore_floatobject.h",
    "pycore_frame.h",
    "pycore_function.h",
    "pycore_genobject.h",
    "pycore_import.h",
    "pycore_list.h",
    "pycore_long.h",
    "pycore_object.h",
    "pycore_pyerrors.h",
    "pycore_signal.h",
    "pycore_sliceobject.h",
    "pycore_tuple.h",
    "pycore_unicodeobject.h",
];

impl Subject {
    /// Finds the headers.
    pub(super) fn find(place: &Place) -> Result<Subject, Error> {
        match place {
            Place::Installed(directory) => Subject::installed(directory),
            Place::Project(origin) => Subject::project(origin),
        }
    }

    /// Returns the headers that the template of a checkout or another project includes.
    fn project(origin: &Origin) -> Result<Subject, Error> {
        let project = Project::find(origin)?;
        let (template, _) = project.template_and_cases()?;
        let text = paths::read_text(template, template)?;
        let (preamble, _) = template::split(&text);
        let mut source = preamble.to_owned();
        include(&mut source, &RUNTIME, &project.include_dirs);
        Ok(Subject {
            root: project.root.clone(),
            include_dirs: project.include_dirs.clone(),
            conventions: project.conventions,
            defines: project.defines.clone(),
            stencil_defines: project.stencil_defines.clone(),
            config: project.config.clone(),
            source,
            llvm: project.llvm.clone(),
            _copy: project.into_files(),
        })
    }

    /// Returns the headers of an installed CPython. They are copied without `pyconfig.h`, which is in the directory
    /// of `Python.h`: `Python.h` would include that one.
    fn installed(directory: &Path) -> Result<Subject, Error> {
        let missing = |what| Error::NotInstalled {
            directory: directory.to_path_buf(),
            missing: what,
        };
        if !directory.join("Python.h").is_file() {
            return Err(missing("Python.h"));
        }
        let parent = std::env::temp_dir();
        let copy = Scratch::create_in(&parent).map_err(Error::file("create", &parent))?;
        copy_headers(directory, copy.path())?;
        let root = copy
            .path()
            .canonicalize()
            .map_err(Error::file("find", copy.path()))?;
        if !root.join("internal").is_dir() {
            return Err(missing("internal"));
        }
        let include_dirs = vec![
            root.clone(),
            root.join("internal"),
            root.join("internal/mimalloc"),
        ];
        let release = checkout::newest();
        let owned = |macros: &[&str]| macros.iter().map(|name| (*name).to_owned()).collect();
        let mut source = "#include \"Python.h\"\n".to_owned();
        include(&mut source, &INTERNAL, &include_dirs);
        include(&mut source, &RUNTIME, &include_dirs);
        Ok(Subject {
            root,
            include_dirs,
            conventions: release.conventions,
            defines: owned(release.defines),
            stencil_defines: owned(release.stencil_defines),
            config: None,
            source,
            llvm: Search::default(),
            _copy: Some(copy),
        })
    }

    /// Returns a name without the subject's directory.
    pub(crate) fn shown(&self, name: &str) -> String {
        let root = format!("{}{}", self.root.display(), std::path::MAIN_SEPARATOR);
        name.replace(&root, "")
    }
}

/// Adds an `#include` for each header that one of the directories has.
fn include(source: &mut String, names: &[&str], directories: &[PathBuf]) {
    for name in names {
        if directories
            .iter()
            .any(|directory| directory.join(name).is_file())
        {
            source.push_str(&format!("#include \"{name}\"\n"));
        }
    }
}

/// Copies all headers below a directory but `pyconfig.h`.
fn copy_headers(from: &Path, to: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(from).map_err(Error::file("read", from))? {
        let path = entry.map_err(Error::file("read", from))?.path();
        let Some(name) = path.file_name() else {
            continue;
        };
        let copy = to.join(name);
        if path.is_dir() {
            fs::create_dir_all(&copy).map_err(Error::file("create", &copy))?;
            copy_headers(&path, &copy)?;
        } else if path.extension().is_some_and(|extension| extension == "h") && name != "pyconfig.h"
        {
            let bytes = paths::read(&path).map_err(Error::file("copy", &path))?;
            fs::write(&copy, bytes).map_err(Error::file("write", &copy))?;
        }
    }
    Ok(())
}
