//! `jit-cli new`: a small project to begin with.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};

use serde_json::json;

use super::shared::MessageFormat;
use crate::{error::Error, terminal::report::Report};

/// The arguments of `jit-cli new`.
#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// Directory to create. An empty one may be there.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Language of the ops.
    #[arg(long, value_name = "LANGUAGE", default_value = "c")]
    lang: Language,
    /// Output format.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(super) message_format: MessageFormat,
}

/// The languages that ops can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Language {
    /// C, with a host program in C.
    C,
    /// C++, with a host program in C++.
    #[value(name = "c++")]
    Cpp,
    /// Rust, of which rustc makes LLVM IR, with a host program in C.
    RustIr,
}

/// A file: its path in the project, and its text.
type Template = (&'static str, &'static str);

macro_rules! template {
    ($path:literal, $name:literal) => {
        ($name, include_str!(concat!("../../new/", $path)))
    };
}

/// The files that are the same for all languages.
const COMMON: [Template; 3] = [
    template!("common/gitignore", ".gitignore"),
    template!("common/machine.h", "machine.h"),
    template!("common/vm.h", "vm.h"),
];

impl Language {
    fn files(self) -> Vec<Template> {
        let own: &[Template] = match self {
            Language::C => &[
                template!("common/main.c", "main.c"),
                template!("common/shim.c", "shim.c"),
                template!("common/tests.c", "tests.c"),
                template!("c/Makefile", "Makefile"),
                template!("c/jit.toml", "jit.toml"),
                template!("c/ops.c", "ops.c"),
            ],
            Language::Cpp => &[
                template!("common/main.c", "main.cpp"),
                template!("common/shim.c", "shim.c"),
                template!("common/tests.c", "tests.cpp"),
                template!("cpp/Makefile", "Makefile"),
                template!("cpp/jit.toml", "jit.toml"),
                template!("cpp/ops.cpp", "ops.cpp"),
            ],
            Language::RustIr => &[
                template!("common/main.c", "main.c"),
                template!("common/tests.c", "tests.c"),
                template!("rust-ir/Makefile", "Makefile"),
                template!("rust-ir/jit.toml", "jit.toml"),
                template!("rust-ir/ops.rs", "ops.rs"),
            ],
        };
        [&COMMON, own].concat()
    }
}

/// Runs the command.
pub(crate) fn run(arguments: &NewArgs, report: &Report) -> Result<(), Error> {
    let directory = &arguments.directory;
    create(directory, &arguments.lang.files())?;
    let shown = directory.display().to_string();
    let quoted = shlex::try_quote(&shown).map_or_else(|_| shown.clone(), |text| text.into_owned());
    let lines = [
        format!("created {shown}"),
        format!("make -C {quoted} test    builds and tests it"),
        format!("make -C {quoted} run     runs an example"),
    ];
    report.told("created", &lines, json!({ "path": shown }));
    Ok(())
}

/// Writes the files to a temporary directory, from which they are renamed: a new project appears as a whole, and one in an
/// empty directory that is there, which may be the current one, file by file.
fn create(directory: &Path, files: &[Template]) -> Result<(), Error> {
    let create = |error| Error::file("create", directory)(error);
    let refuse = |why: &str| create(io::Error::new(io::ErrorKind::AlreadyExists, why));
    let is_there = match fs::symlink_metadata(directory) {
        Ok(_) if !directory.is_dir() => {
            return Err(refuse("there is something else than a directory"));
        }
        Ok(_) if fs::read_dir(directory).map_err(create)?.next().is_some() => {
            return Err(refuse("it is not empty"));
        }
        Ok(_) => true,
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(create(error)),
    };
    let beside = match directory.parent() {
        _ if is_there => directory,
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(beside).map_err(create)?;
    let new = tempfile::Builder::new()
        .prefix(".jit-new-")
        .tempdir_in(beside)
        .map_err(create)?;
    // As any other new directory, and not for this user alone.
    let contents = new.path().join("project");
    fs::create_dir(&contents).map_err(create)?;
    for (name, text) in files {
        let path = contents.join(name);
        fs::write(&path, text).map_err(Error::file("write", &path))?;
    }
    if !is_there {
        return fs::rename(&contents, directory).map_err(create);
    }
    for (name, _) in files {
        fs::rename(contents.join(name), directory.join(name)).map_err(create)?;
    }
    Ok(())
}
