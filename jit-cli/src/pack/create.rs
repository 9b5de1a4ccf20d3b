//! Making a pack from the results of a build.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::SystemTime,
};

#[cfg(feature = "cli")]
use jit_schema::Target;
use jit_stencils::{Hole, PatchValue, Stencil, StencilGroup, StencilSet};
use sha2::{Digest as _, Sha256};

use super::{
    archive::Archive,
    error::PackError,
    manifest::{Build, Configuration, FORMAT, Manifest},
    sources::Inputs,
    tree::Place,
};
use crate::{
    build::{outcome::TargetBuild, output::OutputDir},
    conventions::{FileNames, TargetFileNames},
    error::Error,
    hex,
    project::{plan::Plan, platform::Platform},
    reads::times::changed_since,
    state::inputs::Mark,
    sysroot::{self, headers::Sysroot},
};

/// A pack that was read: stencils for some targets and configurations, and what their code depends on.
#[derive(Debug, Clone)]
pub struct Pack {
    pub(super) path: PathBuf,
    pub(super) archive: Archive,
}

/// The pack that was written.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Packed {
    /// The pack.
    pub path: PathBuf,
    /// Its length in bytes.
    pub length: usize,
    /// Its targets, each with its configuration in parentheses.
    pub builds: Vec<String>,
}

/// A build for one target, with its inputs and its files.
pub(crate) struct Entry {
    build: Build,
    inputs: Inputs,
    files: BTreeMap<String, Vec<u8>>,
}

impl Pack {
    /// Reads a pack, and checks every file in it against the manifest.
    ///
    /// # Errors
    ///
    /// [`PackError::Unreadable`] if it is damaged or of another version, and [`Error::File`] if it can't be read.
    pub fn read(path: impl Into<PathBuf>) -> Result<Pack, Error> {
        let path = path.into();
        let archive = Archive::read(&path)?;
        Ok(Pack { path, archive })
    }

    /// Returns its targets, each with its configuration in parentheses.
    pub fn builds(&self) -> Vec<String> {
        let builds = self.archive.manifest.builds.iter();
        builds.map(Build::title).collect()
    }
}

#[cfg(feature = "cli")]
impl Pack {
    /// Returns the title, the target and the header with stencils of each target and configuration.
    pub(crate) fn headers(&self) -> Result<Vec<(String, &'static Target, &str)>, Error> {
        let mut headers = Vec::new();
        for build in &self.archive.manifest.builds {
            let target = Target::from_triple(&build.target)?;
            let name = build.path(&FileNames::USUAL.of(target.triple).header);
            let contents = self.archive.files.get(&name);
            if let Some(text) = contents.and_then(|bytes| std::str::from_utf8(bytes).ok()) {
                headers.push((build.title(), target, text));
            }
        }
        Ok(headers)
    }
}

/// How a target was built.
pub(crate) struct Made {
    /// clang's version, in its own words.
    pub(crate) llvm: String,
    /// When the build began.
    pub(crate) begun: SystemTime,
}

/// Returns the entry of a target that was built.
pub(crate) fn entry(
    plan: &Plan<'_>,
    platform: &Platform,
    built: &TargetBuild,
    made: &Made,
) -> Result<Entry, Error> {
    let project = &plan.project;
    let debug = plan.options.debug;
    let headers = built.reads.as_ref().map(|reads| &reads.headers);
    let headers = match headers {
        Some(Ok(headers)) => headers,
        Some(Err(why)) => return Err(PackError::Unknown { why: why.clone() }.into()),
        None => {
            let why = "clang does not say what it reads".to_owned();
            return Err(PackError::Unknown { why }.into());
        }
    };
    let (template, cases) = project.template_and_cases()?;
    let mut sources = vec![template, cases];
    sources.extend(project.shim.as_deref());
    let headers_read = headers.seen.keys().map(PathBuf::as_path);
    // What is read now would not be what was compiled.
    if let Some(path) = changed_since(sources.iter().copied().chain(headers_read), made.begun) {
        return Err(Error::Changed { path });
    }
    let flags = plan.flags_text(platform);
    // Assertions have the numbers of lines.
    let lines = debug || flags.contains("NDEBUG");
    let place = Place::of(plan, platform);
    let mut inputs = place.of_build(headers, &sources, &flags, lines)?.inputs();
    if platform.is_builtin() {
        // These stand for macros of pyconfig.h.
        for text in sysroot::headers::defines(debug, plan.options.free_threaded) {
            let (name, value) = text.split_once('=').unwrap_or((&text, "1"));
            inputs.macros.insert(name.to_owned(), value.to_owned());
        }
    }
    let configuration = place.configured(plan, platform)?;
    let files: BTreeMap<String, Vec<u8>> = built
        .files
        .iter()
        .filter_map(|file| Some((packed_name(built, &file.name)?, file.contents.clone())))
        .collect();
    let marks = files
        .iter()
        .map(|(name, contents)| (name.clone(), Mark::of(contents)));
    let build = Build {
        target: built.target.triple.to_owned(),
        configuration,
        cpython: project
            .release
            .map_or_else(String::new, |release| release.version.to_string()),
        cflags: flags,
        headers: match &platform.sysroot {
            None => "installed",
            Some(Sysroot::Builtin(_)) => "builtin",
            Some(Sysroot::Directory(_)) => "directory",
        }
        .to_owned(),
        llvm: made.llvm.clone(),
        asked: plan.search.major,
        files: marks.collect(),
        stencils: hashes(&built.stencils),
        inputs: 0,
    };
    Ok(Entry {
        build,
        inputs,
        files,
    })
}

/// Returns the name that a file of a build has in a pack, if packs have it: that with the canonical triple, however the
/// build spells it.
fn packed_name(built: &TargetBuild, name: &str) -> Option<String> {
    let of = |names: &TargetFileNames| {
        let TargetFileNames {
            header,
            unwind,
            shim,
            stencils,
            ..
        } = names.clone();
        [header, unwind, shim, stencils]
    };
    let at = of(&built.names).iter().position(|own| own == name)?;
    of(&FileNames::USUAL.of(built.target.triple))
        .into_iter()
        .nth(at)
}

/// Writes entries to a pack, after those of `old`. An entry of the same target and configuration is replaced.
pub(crate) fn write(path: &Path, old: Option<Pack>, entries: Vec<Entry>) -> Result<Packed, Error> {
    let mut all: BTreeMap<(Configuration, String), Entry> = BTreeMap::new();
    let old = old.into_iter().flat_map(Pack::into_entries);
    for entry in old.chain(entries) {
        let build = &entry.build;
        all.insert((build.configuration, build.target.clone()), entry);
    }
    let inputs: BTreeSet<Inputs> = all.values().map(|entry| entry.inputs.clone()).collect();
    let inputs: Vec<Inputs> = inputs.into_iter().collect();
    let mut files = BTreeMap::new();
    let mut builds = Vec::with_capacity(all.len());
    for entry in all.into_values() {
        let index = inputs.iter().position(|inputs| *inputs == entry.inputs);
        let build = Build {
            inputs: index.unwrap_or(0),
            ..entry.build
        };
        let own = entry.files.into_iter();
        files.extend(own.map(|(name, contents)| (build.path(&name), contents)));
        builds.push(build);
    }
    let titles = builds.iter().map(Build::title).collect();
    let archive = Archive {
        manifest: Manifest {
            format: FORMAT,
            tool: concat!("jit-cli ", env!("CARGO_PKG_VERSION")).to_owned(),
            builds,
            inputs,
        },
        files,
    };
    let bytes = archive.encode().map_err(Error::file("compress", path))?;
    let directory = match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => Path::new("."),
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    OutputDir::create(directory)?.write(&[(name, &bytes)])?;
    Ok(Packed {
        path: path.to_path_buf(),
        length: bytes.len(),
        builds: titles,
    })
}

impl Pack {
    fn into_entries(self) -> Vec<Entry> {
        let Archive {
            manifest,
            mut files,
        } = self.archive;
        let inputs = manifest.inputs;
        let builds = manifest.builds.into_iter();
        builds
            .map(|build| Entry {
                inputs: inputs.get(build.inputs).cloned().unwrap_or_default(),
                files: {
                    let names = build.files.keys();
                    let own = names
                        .filter_map(|name| Some((name.clone(), files.remove(&build.path(name))?)));
                    own.collect()
                },
                build,
            })
            .collect()
    }
}

/// Returns a hash of each stencil.
pub(super) fn hashes(set: &StencilSet) -> BTreeMap<String, String> {
    let groups = set.groups.iter();
    groups
        .map(|(name, group)| (name.clone(), hash(group, &set.symbols)))
        .collect()
}

/// Returns the first 16 bytes of a SHA-256 over a stencil's bytes, its holes, and the trampolines and GOT entries that
/// they need. Symbols are hashed by name.
fn hash(group: &StencilGroup, symbols: &[String]) -> String {
    let mut hasher = Sha256::new();
    let mut update = |part: &[u8]| {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    };
    for Stencil { body, holes } in [&group.code, &group.data] {
        update(body);
        for hole in holes {
            update(described(hole, symbols).as_bytes());
        }
    }
    update(format!("{} {:?}", group.data_alignment, group.end).as_bytes());
    for mask in [&group.trampolines, &group.got_entries] {
        let own = symbols
            .iter()
            .enumerate()
            .filter(|(ordinal, _)| mask.contains(*ordinal));
        let names: BTreeSet<&str> = own.map(|(_, name)| name.as_str()).collect();
        update(format!("{names:?}").as_bytes());
    }
    let mut digits = hex::digits(&hasher.finalize());
    digits.truncate(2 * 16);
    digits
}

fn described(hole: &Hole, symbols: &[String]) -> String {
    let named = |ordinal: usize| symbols.get(ordinal).map_or("?", String::as_str);
    let value = match &hole.value {
        PatchValue::Address {
            base,
            symbol,
            addend,
        } => format!("{base} {symbol:?} {addend}"),
        PatchValue::Scaled {
            base,
            scale,
            addend,
        } => format!("{base} * {scale} {addend}"),
        PatchValue::GotSlot { ordinal, addend } => format!("got {} {addend}", named(*ordinal)),
        PatchValue::Symbol { ordinal } => format!("symbol {}", named(*ordinal)),
    };
    format!(
        "{} {:?} {value} {:?} {}",
        hole.offset, hole.patch, hole.first, hole.void
    )
}
