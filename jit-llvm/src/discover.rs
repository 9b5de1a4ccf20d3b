//! The search for LLVM's tools, in the order of `_find_tool` in CPython's `Tools/jit/_llvm.py`.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{
    command::{self, Limits},
    error::{Installed, LlvmError, Rejection},
    interrupt::Interrupt,
    version::{Identity, LlvmVersion, SUPPORTED_MAJORS, identify},
};

/// What to look for, and where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Search {
    /// The major to look for. Without one, the newest of [`SUPPORTED_MAJORS`] that is installed is
    /// taken, or else a newer one.
    pub major: Option<u32>,
    /// A prefix whose `bin` is searched before `PATH`. A tool in it that is broken is an error; if it is
    /// missing or of another major, the search goes on.
    pub install_dir: Option<PathBuf>,
    /// A prefix whose `bin` is searched after `PATH`, such as CPython's `externals/llvm-21.1.4.0`.
    pub fallback_dir: Option<PathBuf>,
}

impl Search {
    /// Parses a major.
    ///
    /// # Errors
    ///
    /// [`LlvmError::BadVersion`] for anything but a number.
    pub fn parse_major(text: &str) -> Result<u32, LlvmError> {
        text.parse()
            .map_err(|_| LlvmError::BadVersion(text.to_owned()))
    }
}

/// LLVM's tools, all of one major.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Toolchain {
    /// The compiler, which is the assembler, too.
    pub clang: PathBuf,
    /// Its version.
    pub version: LlvmVersion,
    /// llvm-objdump of the same major, if there is one: only disassembly needs it.
    pub objdump: Option<PathBuf>,
    /// See [`Toolchain::identities`].
    identities: Vec<String>,
    /// Whether there was a warning that llvm-objdump fails. Clones share it.
    told_of_objdump: Arc<AtomicBool>,
}

impl Toolchain {
    /// Looks for clang and llvm-objdump.
    ///
    /// # Errors
    ///
    /// [`LlvmError::Missing`] or [`LlvmError::Unusable`] if there is no usable clang; they list the
    /// places, and what is wrong with the ones that are there.
    pub fn discover(search: &Search, interrupt: &Interrupt) -> Result<Toolchain, LlvmError> {
        let majors = match search.major {
            Some(major) => vec![major],
            None => SUPPORTED_MAJORS.to_vec(),
        };
        let find_objdump = |major| find("llvm-objdump", &[major], search, interrupt);
        // With one major to look for, both can be looked for at once.
        let (clang, objdump) = rayon::join(
            || find("clang", &majors, search, interrupt),
            || search.major.map(find_objdump),
        );
        let clang = clang.or_else(|error| newer(search, error, interrupt));
        let (clang, found) = clang.map_err(|error| with_others(error, search, interrupt))?;
        let version = found.version;
        if let Some(prefix) = &search.install_dir
            && !clang.starts_with(std::path::absolute(prefix).unwrap_or_default())
        {
            let (prefix, clang) = (prefix.display(), clang.display());
            tracing::warn!("{prefix} has no clang-{}: {clang} is used", version.major);
        }
        let mut identities = vec![found.identity(&clang)];
        identities.extend(passed_on(&clang, interrupt)?);
        // The comments must come from the same major, or two machines would write two headers.
        let objdump = match objdump.unwrap_or_else(|| find_objdump(version.major)) {
            Ok((path, found)) => {
                identities.push(found.identity(&path));
                Some(path)
            }
            Err(error) if may_be_missing(&error, search)? => {
                tracing::info!("no disassembly comments: {error}");
                None
            }
            Err(error) => return Err(error),
        };
        Ok(Toolchain {
            clang,
            version,
            objdump,
            identities,
            told_of_objdump: Arc::default(),
        })
    }

    /// Returns what distinguishes these tools from others that may write something else: their full
    /// versions, and their sizes, but not their paths.
    pub fn identities(&self) -> &[String] {
        &self.identities
    }

    /// Warns that llvm-objdump has failed, once for all object files.
    pub(crate) fn warn_of_objdump(&self, objdump: &Path, said: &str) {
        if !self.told_of_objdump.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "{} fails, so comments with disassembly are missing, and the next build makes the files again: {}",
                objdump.display(),
                said.trim_end()
            );
        }
    }
}

fn find(
    tool: &str,
    majors: &[u32],
    search: &Search,
    interrupt: &Interrupt,
) -> Result<(PathBuf, Probed), LlvmError> {
    let wanted: Vec<String> = majors.iter().map(u32::to_string).collect();
    let (name, wanted) = (tool.to_owned(), wanted.join(" or "));
    if let Some(named) = in_install_dir(tool, search)? {
        match probe(&named, interrupt)? {
            Ok(found) if majors.contains(&found.version.major) => {
                return Ok(chosen(tool, named, found));
            }
            Ok(_) => {}
            Err(why) => {
                return Err(LlvmError::Unusable {
                    tool: name,
                    wanted,
                    rejected: vec![(named, why)],
                    others: Vec::new(),
                });
            }
        }
    }
    let mut rejected: Vec<(PathBuf, Rejection)> = Vec::new();
    let mut places: Vec<String> = Vec::new();
    for &major in majors {
        for place in Place::all(tool, major, search, interrupt) {
            let description = place.describe();
            if !places.contains(&description) {
                places.push(description);
            }
            let Some(path) = place.resolve()? else {
                continue;
            };
            // Tools run in another directory, where a relative path leads nowhere.
            let path = std::path::absolute(&path).unwrap_or(path);
            match probe(&path, interrupt)? {
                Ok(found) if found.version.major == major => {
                    warn_of_broken(tool, &rejected, &path);
                    return Ok(chosen(tool, path, found));
                }
                Ok(found) => reject(&mut rejected, path, Rejection::Version(found.version)),
                Err(why) => reject(&mut rejected, path, why),
            }
        }
    }
    Err(if rejected.is_empty() {
        LlvmError::Missing {
            tool: name,
            wanted,
            places,
            others: Vec::new(),
        }
    } else {
        LlvmError::Unusable {
            tool: name,
            wanted,
            rejected,
            others: Vec::new(),
        }
    })
}

/// Returns a clang that is newer than those that were tried, if a search for any of these has found nothing else.
fn newer(
    search: &Search,
    error: LlvmError,
    interrupt: &Interrupt,
) -> Result<(PathBuf, Probed), LlvmError> {
    let (None, LlvmError::Unusable { rejected, .. }) = (search.major, &error) else {
        return Err(error);
    };
    let majors = rejected.iter().filter_map(|(_, why)| match why {
        Rejection::Version(version) => Some(version.major),
        _ => None,
    });
    let newest = majors.max();
    let is_newer = |major: &u32| SUPPORTED_MAJORS.iter().all(|known| known < major);
    match newest.filter(is_newer) {
        Some(major) => find("clang", &[major], search, interrupt),
        None => Err(error),
    }
}

/// Returns the tool of the named prefix, if it has one.
fn in_install_dir(tool: &str, search: &Search) -> Result<Option<PathBuf>, LlvmError> {
    let Some(prefix) = &search.install_dir else {
        return Ok(None);
    };
    let path = Place::File(prefix.join("bin").join(tool)).resolve()?;
    Ok(path.map(|path| std::path::absolute(&path).unwrap_or(path)))
}

/// Returns whether an error about llvm-objdump only means that there is none. One in the named prefix
/// has to work.
fn may_be_missing(error: &LlvmError, search: &Search) -> Result<bool, LlvmError> {
    let LlvmError::Unusable { rejected, .. } = error else {
        return Ok(matches!(error, LlvmError::Missing { .. }));
    };
    let named = in_install_dir("llvm-objdump", search)?;
    let is_broken = |(path, why): &(PathBuf, Rejection)| {
        Some(path) == named.as_ref() && !matches!(why, Rejection::Version(_))
    };
    Ok(!rejected.iter().any(is_broken))
}

fn chosen(tool: &str, path: PathBuf, found: Probed) -> (PathBuf, Probed) {
    tracing::info!("{tool} {}: {}", found.version, path.display());
    (path, found)
}

/// Warns of tools whose names say that they are of a preferred version, but that do not run.
fn warn_of_broken(tool: &str, rejected: &[(PathBuf, Rejection)], chosen: &Path) {
    for (path, why) in rejected {
        let is_broken = matches!(why, Rejection::NotExecutable(_) | Rejection::NotLlvm(_));
        if is_broken && path.file_stem().is_some_and(|name| name != tool) {
            let (path, chosen) = (path.display(), chosen.display());
            tracing::warn!("{path} {why}: {chosen} is used instead");
        }
    }
}

/// Adds the supported versions of clang that are installed to the error about the one that was asked for.
fn with_others(mut error: LlvmError, search: &Search, interrupt: &Interrupt) -> LlvmError {
    if let (Some(wanted), LlvmError::Missing { others, .. } | LlvmError::Unusable { others, .. }) =
        (search.major, &mut error)
    {
        let majors = SUPPORTED_MAJORS.iter().filter(|major| **major != wanted);
        let installed = majors.filter_map(|&major| {
            let (path, _) = find("clang", &[major], search, interrupt).ok()?;
            Some(Installed { major, path })
        });
        *others = installed.collect();
    }
    error
}

fn reject(rejected: &mut Vec<(PathBuf, Rejection)>, path: PathBuf, why: Rejection) {
    if !rejected.iter().any(|(known, _)| *known == path) {
        rejected.push((path, why));
    }
}

/// One place to search.
enum Place {
    /// A file, there or not.
    File(PathBuf),
    /// A name to look up in `PATH`.
    Name(String),
}

impl Place {
    fn all<'a>(
        tool: &'a str,
        major: u32,
        search: &'a Search,
        interrupt: &'a Interrupt,
    ) -> impl Iterator<Item = Place> + 'a {
        let in_bin = move |prefix: &Path| Place::File(prefix.join("bin").join(tool));
        let explicit = search.install_dir.as_deref().map(in_bin);
        let fallback = search.fallback_dir.as_deref().map(in_bin);
        // Homebrew is asked last, and only if nothing else is found: it is slow.
        let homebrew = std::iter::once_with(move || homebrew(major, interrupt))
            .flatten()
            .map(move |prefix| in_bin(&prefix));
        explicit
            .into_iter()
            .chain([
                Place::Name(tool.to_owned()),
                Place::Name(format!("{tool}-{major}")),
            ])
            .chain(fallback)
            .chain(homebrew)
    }

    fn describe(&self) -> String {
        match self {
            Place::File(path) => path.display().to_string(),
            Place::Name(name) => format!("{name} in PATH"),
        }
    }

    fn resolve(&self) -> Result<Option<PathBuf>, LlvmError> {
        Ok(match self {
            Place::File(path) => {
                let with_extension = path.with_extension(std::env::consts::EXE_EXTENSION);
                if !std::env::consts::EXE_EXTENSION.is_empty() && with_extension.exists() {
                    Some(with_extension)
                } else {
                    // A link that leads nowhere is reported, too.
                    path.symlink_metadata().is_ok().then(|| path.clone())
                }
            }
            Place::Name(name) => which::which(name).ok(),
        })
    }
}

/// What a tool prints for `--version`.
struct Probed {
    version: LlvmVersion,
    text: String,
}

impl Probed {
    fn identity(&self, path: &Path) -> String {
        // Two builds of one version usually differ in size.
        let size = std::fs::metadata(path).map_or(0, |data| data.len());
        // The other lines have the default target and directories.
        let line = self.text.lines().find(|line| line.contains("version"));
        format!("{} ({size} bytes)", line.unwrap_or_default().trim())
    }
}

/// Asks a tool for its version. The outer error ends the search; the inner one rejects only this
/// candidate.
fn probe(path: &Path, interrupt: &Interrupt) -> Result<Result<Probed, Rejection>, LlvmError> {
    let arguments = ["--version".into()];
    let output = match command::run_within(Limits::QUESTION, path, &arguments, None, interrupt) {
        Ok(output) => output,
        Err(LlvmError::Run { source, .. }) => {
            return Ok(Err(Rejection::NotExecutable(match source.kind() {
                io::ErrorKind::PermissionDenied => "permission denied; try chmod +x".to_owned(),
                _ => source.to_string(),
            })));
        }
        Err(error) => return Err(error),
    };
    if !output.status.success() {
        let why = output.diagnostics();
        return Ok(Err(Rejection::NotExecutable(
            why.lines().next().unwrap_or_default().to_owned(),
        )));
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(match identify(&text) {
        Identity::Llvm(version) => Ok(Probed { version, text }),
        Identity::Apple(_) => Err(Rejection::Apple),
        Identity::Unknown(line) => Err(Rejection::NotLlvm(line)),
    })
}

/// Returns what clang gets from a script in its place, which may add flags from the environment or from a file.
fn passed_on(clang: &Path, interrupt: &Interrupt) -> Result<Option<String>, LlvmError> {
    let mut start = [0; 2];
    let read = File::open(clang).and_then(|mut file| file.read_exact(&mut start));
    if read.is_err() || start != *b"#!" {
        return Ok(None);
    }
    let arguments = ["-###", "-c", "-x", "c", "-"].map(Into::into);
    // The command has the name of the directory.
    let directory = Some(Path::new(std::path::MAIN_SEPARATOR_STR));
    let output = command::run_within(Limits::QUESTION, clang, &arguments, directory, interrupt)?;
    let printed = output.diagnostics();
    let command = printed.lines().find(|line| line.contains("\"-cc1\""));
    Ok(command.map(|command| format!("clang gets {}", command.trim())))
}

/// Returns the prefix of a major that Homebrew has installed, asked for as `_get_brew_llvm_prefix`
/// does it.
fn homebrew(major: u32, interrupt: &Interrupt) -> Option<PathBuf> {
    let brew = which::which("brew").ok()?;
    let arguments = ["--prefix".into(), format!("llvm@{major}").into()];
    let output = command::run_within(Limits::QUESTION, &brew, &arguments, None, interrupt).ok()?;
    let prefix = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !prefix.trim().is_empty())
        .then(|| PathBuf::from(prefix.trim_end_matches('\n')))
}
