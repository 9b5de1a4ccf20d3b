//! The archive: a tar file, compressed with xz, whose first member is the manifest.
//!
//! It has no times, users or permissions, so the same files give the same bytes.

use std::{
    collections::BTreeMap,
    io::{self, Read, Write as _},
    path::Path,
};

use lzma_rust2::{XzOptions, XzReader, XzWriter};
use tar::{EntryType, Header};

use super::{
    error::PackError,
    manifest::{FORMAT, Manifest, Version},
};
use crate::{error::Error, paths, state::inputs::Mark};

/// The name of the manifest.
const MANIFEST: &str = "manifest.json";
/// The compression level. A higher one takes several times as long, and saves a tenth of the size.
const LEVEL: u32 = 4;
/// The limit on the memory for decompression, in KiB. Packs that this program writes need less.
const MEMORY: u32 = 128 << 10;
/// The maximum length of the manifest and of each file, in bytes. Those of CPython have less than a tenth of that.
const LARGEST: u64 = 64 << 20;
/// The maximum length of the manifest, in bytes. That of seven targets of CPython in four configurations has 5 MB.
const LARGEST_MANIFEST: u64 = 16 << 20;
/// The maximum length of all files together, in bytes. CPython's, for seven targets in four configurations, have
/// 100 MB.
const ALL: u64 = 1 << 30;

/// The contents of a pack.
#[derive(Debug, Clone)]
pub(super) struct Archive {
    pub(super) manifest: Manifest,
    /// The files, by their names in the archive.
    pub(super) files: BTreeMap<String, Vec<u8>>,
}

impl Archive {
    /// Returns the bytes of a pack.
    pub(super) fn encode(&self) -> io::Result<Vec<u8>> {
        let manifest = serde_json::to_vec_pretty(&self.manifest)?;
        let compressed = XzWriter::new(Vec::new(), XzOptions::with_preset(LEVEL))?;
        let mut archive = tar::Builder::new(compressed);
        let members = [(MANIFEST, manifest.as_slice())].into_iter();
        let files = self.files.iter();
        for (name, contents) in
            members.chain(files.map(|(name, contents)| (name.as_str(), contents.as_slice())))
        {
            let mut header = Header::new_ustar();
            header.set_entry_type(EntryType::Regular);
            header.set_size(contents.len() as u64);
            header.set_mode(0o644);
            header.set_mtime(0);
            archive.append_data(&mut header, name, contents)?;
        }
        let mut compressed = archive.into_inner()?;
        compressed.flush()?;
        compressed.finish()
    }

    /// Reads a pack, and checks it against its manifest.
    pub(super) fn read(path: &Path) -> Result<Archive, Error> {
        let bytes = paths::read(path).map_err(Error::file("read", path))?;
        Archive::decode(&bytes).map_err(|problem| {
            let path = path.to_path_buf();
            PackError::Unreadable { path, problem }.into()
        })
    }

    /// Reads a pack. The error says what is wrong with it.
    fn decode(bytes: &[u8]) -> Result<Archive, String> {
        let damaged = |error: io::Error| format!("it is damaged or not a pack: {error}");
        // One byte more than the limit, so that a longer archive is noticed.
        let text =
            Decompressed(XzReader::new_mem_limit(bytes, false, MEMORY)).take(ALL + LARGEST + 1);
        let mut archive = tar::Archive::new(text);
        let mut manifest: Option<Manifest> = None;
        let mut files = BTreeMap::new();
        for entry in archive.entries().map_err(damaged)?.raw(true) {
            let mut entry = entry.map_err(damaged)?;
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            if entry.header().entry_type() != EntryType::Regular {
                return Err(format!("{name:?} in it is not a regular file"));
            }
            let largest = if manifest.is_none() {
                LARGEST_MANIFEST
            } else {
                LARGEST
            };
            if entry.size() > largest {
                return Err(format!(
                    "{name:?} in it is too large: {} bytes",
                    entry.size()
                ));
            }
            let expected = match &manifest {
                None if name == MANIFEST => None,
                None => return Err(format!("it starts with {name:?} instead of a manifest")),
                Some(manifest) => Some(
                    manifest
                        .mark(&name)
                        .ok_or_else(|| format!("its manifest does not list {name:?}"))?,
                ),
            };
            let mut contents = Vec::new();
            entry.read_to_end(&mut contents).map_err(damaged)?;
            match expected {
                None => manifest = Some(read_manifest(&contents)?),
                Some(mark) if *mark == Mark::of(&contents) => {
                    if files.insert(name.clone(), contents).is_some() {
                        return Err(format!("it has {name:?} twice"));
                    }
                }
                Some(_) => {
                    return Err(format!(
                        "{name:?} in it is damaged: its hash is not the one in the manifest"
                    ));
                }
            }
        }
        let manifest = manifest.ok_or("it is empty")?;
        // The checksum of the whole archive follows the last file.
        let mut rest = archive.into_inner();
        let more = io::copy(&mut rest, &mut io::sink()).map_err(damaged)?;
        let after = rest.into_inner().0.into_inner();
        if more > u64::from(u16::MAX) || !after.is_empty() {
            return Err("it has something after its last file".to_owned());
        }
        let paths = manifest
            .builds
            .iter()
            .flat_map(|build| build.files.keys().map(|name| build.path(name)));
        if let Some(missing) = paths.into_iter().find(|path| !files.contains_key(path)) {
            return Err(format!("it lacks {missing:?}"));
        }
        Ok(Archive { manifest, files })
    }
}

/// What is decompressed. Errors say so: the words of the decoder alone, such as "dist overflow", mean little to users.
struct Decompressed<'a>(XzReader<&'a [u8]>);

impl Read for Decompressed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| {
            let problem = format!("its compressed data can't be read (xz: {error})");
            io::Error::new(error.kind(), problem)
        })
    }
}

impl Manifest {
    /// Returns the length and hash of a file, by its name in the archive.
    fn mark(&self, path: &str) -> Option<&Mark> {
        let (directory, name) = path.split_once('/')?;
        let mut builds = self
            .builds
            .iter()
            .filter(|build| build.configuration.name() == directory);
        builds.find_map(|build| build.files.get(name))
    }
}

fn read_manifest(bytes: &[u8]) -> Result<Manifest, String> {
    let wrong = |error: serde_json::Error| format!("its manifest is damaged: {error}");
    let Version { format } = serde_json::from_slice(bytes).map_err(wrong)?;
    if format != FORMAT {
        return Err(format!(
            "it has format {format}, but this version of jit-cli reads format {FORMAT}: use the version that made it"
        ));
    }
    let manifest: Manifest = serde_json::from_slice(bytes).map_err(wrong)?;
    match manifest.problem() {
        Some(problem) => Err(problem),
        None => Ok(manifest),
    }
}
