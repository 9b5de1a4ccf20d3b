//! The store of compiled micro-ops, each under its [`Key`].
//!
//! An entry is a file that is written under a temporary name and renamed, so that any number of builds can
//! use one cache at the same time. It has its own key in it and a checksum over all of it: an entry that is
//! damaged, or that has the name of another, is reported and built again. Entries are spread over 256
//! directories. Each has an equal share of the size limit, and its least recently used entries are removed
//! first.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use jit_llvm::{Interrupt, Object};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};

use crate::{
    cache::{key::Key, remote::Remote},
    paths, scratch,
};

/// The version of the format of entries.
const VERSION: &str = "v2";
/// The number of directories that entries are spread over: one for each first byte of a key.
const DIRECTORIES: u64 = 256;
/// The name of the directory of entries that are being written.
const TEMPORARY: &str = "new";
/// The age of the last noted use from which a new use is noted, so that a warm build writes nothing.
const NOTED_USE: Duration = Duration::from_secs(60 * 60);

/// The length of the hash at the start of a record, in hexadecimal.
const SEAL: usize = 64;

/// The kinds of entries.
const PLAIN: u8 = 0;
const DISASSEMBLED: u8 = 1;
const INDEPENDENT: u8 = 2;
const SAME: u8 = 3;

/// What is stored under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    /// The object file.
    Object(Object),
    /// The source has to be compiled as position-independent code, and the object is stored under another
    /// key.
    PositionIndependent,
    /// The same as what is stored under another key.
    SameAs(Key),
}

/// A cache of compiled micro-ops in a directory.
#[derive(Debug)]
pub(crate) struct Cache {
    directory: PathBuf,
    limit: u64,
    /// How many percent of the entries are compiled again and compared.
    pub(crate) verify: u8,
    /// The directories to which something was written.
    written: Mutex<BTreeSet<PathBuf>>,
    /// Whether it was reported that something does not work.
    complained: AtomicBool,
    /// Whether it was reported that an entry is damaged.
    found_damaged: AtomicBool,
    /// The cache that machines share.
    remote: Option<Remote>,
}

impl Cache {
    /// Returns a cache of at most `limit` bytes. The directory is created when something is stored. What killed
    /// builds have left in it is removed.
    pub(crate) fn new(directory: &Path, limit: u64) -> Cache {
        let directory = directory.join(VERSION);
        scratch::remove_abandoned_files(&directory.join(TEMPORARY));
        Cache {
            directory,
            limit,
            verify: 0,
            written: Mutex::default(),
            complained: AtomicBool::new(false),
            found_damaged: AtomicBool::new(false),
            remote: None,
        }
    }

    /// Returns the cache, which also reads and writes a shared one.
    pub(crate) fn sharing(self, remote: Option<Remote>) -> Cache {
        Cache { remote, ..self }
    }

    /// Returns whether there is a shared cache.
    pub(crate) fn is_shared(&self) -> bool {
        self.remote.is_some()
    }

    /// Takes entries that are not here from the shared cache, if there is one.
    pub(crate) fn fetch<'a>(&self, keys: impl Iterator<Item = &'a Key>, interrupt: &Interrupt) {
        if let Some(remote) = &self.remote {
            let missing = keys.filter(|key| !self.has(key)).copied().collect();
            remote.fetch(missing, interrupt, |key, bytes| {
                let is_right = decode(key, bytes).is_some();
                if is_right {
                    self.write_entry(key, bytes);
                }
                is_right
            });
        }
    }

    /// Waits until the shared cache has what was stored, as long as that is worth it.
    pub(crate) fn finish(&self, interrupt: &Interrupt) {
        if let Some(remote) = &self.remote {
            remote.finish(interrupt);
        }
    }

    /// Returns the cache, of whose entries so many percent are to be compiled again and compared.
    pub(crate) fn verifying(self, percent: u8) -> Cache {
        Cache {
            verify: percent,
            ..self
        }
    }

    /// Returns whether the entry with this key is to be compiled again and compared.
    pub(crate) fn verifies(&self, key: &Key) -> bool {
        // The bytes of a key are as good as random ones, and different for each entry.
        let number = key.bytes().iter().fold(0_u32, |number, byte| {
            (number * 256 + u32::from(*byte)) % 100
        });
        number < u32::from(self.verify)
    }

    /// Returns the default directory, in the user's directory for caches.
    pub(crate) fn default_directory() -> Option<PathBuf> {
        dirs::cache_dir().map(|directory| directory.join("jit-cli"))
    }

    /// Returns what is stored under the key, if there is an undamaged entry.
    pub(crate) fn get(&self, key: &Key) -> Option<Entry> {
        let path = self.entry(key);
        let bytes = match paths::read(&path) {
            Ok(bytes) => bytes,
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    self.complain(&format!(
                        "can't read cache entry {}: {error}",
                        path.display()
                    ));
                }
                return None;
            }
        };
        let Some(entry) = decode(key, &bytes) else {
            let path = path.display();
            let text = format!("cache entry {path} is damaged: building again");
            warn_once(&self.found_damaged, &text);
            return None;
        };
        note_use(&path);
        Some(entry)
    }

    /// Returns the object under the key, if there is an undamaged entry that has one.
    pub(crate) fn object(&self, key: &Key) -> Option<Object> {
        match self.get(key)? {
            Entry::Object(object) => Some(object),
            Entry::PositionIndependent | Entry::SameAs(_) => None,
        }
    }

    /// Returns whether there is an entry, damaged or not.
    pub(crate) fn has(&self, key: &Key) -> bool {
        self.entry(key).is_file()
    }

    /// Stores an entry under the key. If that fails, a warning is logged and the build goes on.
    pub(crate) fn put(&self, key: &Key, entry: &Entry) {
        let bytes = encode(key, entry);
        self.write_entry(key, &bytes);
        if let Some(remote) = &self.remote {
            remote.send(key, bytes);
        }
    }

    fn write_entry(&self, key: &Key, bytes: &[u8]) {
        let path = self.entry(key);
        let Some(directory) = path.parent() else {
            return;
        };
        if let Err(error) = write(directory, &path, bytes) {
            self.complain(&format!(
                "can't write cache entry {}: {error}",
                path.display()
            ));
            return;
        }
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.insert(directory.to_path_buf());
    }

    /// Removes the least recently used entries of directories that were written to and are too large.
    pub(crate) fn trim(&self) {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        for directory in written.iter() {
            if let Err(error) = trim(directory, self.limit / DIRECTORIES) {
                self.complain(&format!("can't trim {}: {error}", directory.display()));
            }
        }
    }

    /// Reads a record, which is next to the entries, if there is one that is undamaged.
    pub(crate) fn read_record<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let bytes = paths::read(&self.record(name)).ok()?;
        let (seal, text) = bytes.split_at_checked(SEAL)?;
        if seal != seal_of(name, text).as_bytes() {
            tracing::warn!("the record {name} is damaged: it is not used");
            return None;
        }
        serde_json::from_slice(text).ok()
    }

    /// Writes a record. If that fails, a warning is logged.
    pub(crate) fn write_record(&self, name: &str, contents: &impl Serialize) {
        let text = match serde_json::to_vec(contents) {
            Ok(text) => text,
            Err(error) => {
                tracing::warn!("can't write the record {name}: {error}");
                return;
            }
        };
        let path = self.record(name);
        let directory = self.directory.join("projects");
        let sealed = [seal_of(name, &text).as_bytes(), &text].concat();
        if let Err(error) = write(&directory, &path, &sealed) {
            self.complain(&format!("can't write {}: {error}", path.display()));
        }
    }

    /// Warns that the cache can't be used. One warning is enough for a build: what follows has the same reason.
    fn complain(&self, text: &str) {
        warn_once(&self.complained, text);
    }

    /// Returns a directory for files that are looked at, by a key for what they are. Of these directories, the newest ones stay.
    #[cfg(feature = "cli")]
    pub(crate) fn kept(&self, key: &Key) -> PathBuf {
        super::kept::directory(&self.directory.join("kept"), &key.to_string())
    }

    fn record(&self, name: &str) -> PathBuf {
        self.directory.join("projects").join(name)
    }

    fn entry(&self, key: &Key) -> PathBuf {
        let name = key.to_string();
        let (directory, rest) = name.split_at_checked(2).unwrap_or(("", &name));
        self.directory.join(directory).join(rest)
    }
}

/// Warns of something of which a build may find many.
fn warn_once(has_warned: &AtomicBool, text: &str) {
    if has_warned.swap(true, Ordering::Relaxed) {
        tracing::debug!("{text}");
    } else {
        tracing::warn!("{text}; more warnings of this kind are left out");
    }
}

fn write(directory: &Path, path: &Path, contents: &[u8]) -> io::Result<()> {
    let temporary = directory.with_file_name(TEMPORARY);
    let mut file = match scratch::file_in(&temporary) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(&temporary)?;
            scratch::file_in(&temporary)?
        }
        other => other?,
    };
    file.write_all(contents)?;
    let placed = match file.persist(path) {
        Err(error) if error.error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(directory)?;
            error.file.persist(path)
        }
        other => other,
    };
    placed.map_err(|error| error.error)?;
    Ok(())
}

/// Returns the start of a record, a hash of its name and its text. A record that was renamed or changed does not
/// start with it.
fn seal_of(name: &str, text: &[u8]) -> String {
    Key::of([VERSION.as_bytes(), name.as_bytes(), text]).to_string()
}

/// Returns the contents of an entry's file: a checksum, the key, the kind of the entry, and for an object its
/// length, its bytes, and the text of llvm-objdump if there is one.
fn encode(key: &Key, entry: &Entry) -> Vec<u8> {
    let mut body = key.bytes().to_vec();
    match entry {
        Entry::PositionIndependent => body.push(INDEPENDENT),
        Entry::SameAs(other) => {
            body.push(SAME);
            body.extend_from_slice(other.bytes());
        }
        Entry::Object(object) => {
            body.reserve(object.bytes.len() + 4096);
            body.push(match object.disassembly {
                Some(_) => DISASSEMBLED,
                None => PLAIN,
            });
            body.extend_from_slice(&(object.bytes.len() as u64).to_le_bytes());
            body.extend_from_slice(&object.bytes);
            body.extend_from_slice(object.disassembly.as_deref().unwrap_or_default().as_bytes());
        }
    }
    let mut bytes = Sha256::digest(&body).to_vec();
    bytes.append(&mut body);
    bytes
}

fn decode(key: &Key, bytes: &[u8]) -> Option<Entry> {
    let (checksum, body) = bytes.split_at_checked(32)?;
    if Sha256::digest(body).as_slice() != checksum {
        return None;
    }
    let (kind, rest) = body.strip_prefix(key.bytes())?.split_first()?;
    if *kind == INDEPENDENT {
        return rest.is_empty().then_some(Entry::PositionIndependent);
    }
    if *kind == SAME {
        return Some(Entry::SameAs(Key::from_bytes(rest)?));
    }
    let (length, rest) = rest.split_first_chunk::<8>()?;
    let (object, text) = rest.split_at_checked(u64::from_le_bytes(*length).try_into().ok()?)?;
    Some(Entry::Object(Object {
        bytes: object.to_vec(),
        disassembly: match *kind {
            PLAIN if text.is_empty() => None,
            DISASSEMBLED => Some(String::from_utf8(text.to_vec()).ok()?),
            _ => return None,
        },
    }))
}

fn note_use(path: &Path) {
    let noted = fs::metadata(path).and_then(|data| data.modified());
    let now = SystemTime::now();
    if noted.is_ok_and(|noted| now.duration_since(noted).is_ok_and(|age| age > NOTED_USE)) {
        // Errors are ignored: another build may have removed the entry, or the cache may be read-only.
        if let Ok(file) = fs::File::options().append(true).open(path) {
            let _ = file.set_modified(now);
        }
    }
}

fn trim(directory: &Path, limit: u64) -> io::Result<()> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        // Entries that another build has removed in the meantime are skipped.
        if let Ok(data) = entry.metadata() {
            entries.push((data.modified()?, data.len(), entry.path()));
        }
    }
    let mut size: u64 = entries.iter().map(|(_, length, _)| length).sum();
    entries.sort();
    // The newest entry stays, even if it is larger than the limit.
    entries.pop();
    for (_, length, path) in entries {
        if size <= limit {
            break;
        }
        let _ = fs::remove_file(path);
        size -= length;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(size: usize) -> Object {
        Object {
            bytes: (0..size).map(|index| (index % 251) as u8).collect(),
            disassembly: Some(":\tfile format é\n".to_owned()),
        }
    }

    fn files(directory: &Path) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                found.extend(files(&path));
            } else {
                found.push(path);
            }
        }
        found
    }

    #[test]
    fn what_is_put_in_comes_out() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::new(directory.path(), 1 << 20);
        let key = Key::of([&b"a"[..]]);
        assert_eq!(cache.get(&key), None);
        for expected in [
            object(1000),
            Object {
                bytes: vec![],
                disassembly: None,
            },
        ] {
            let expected = Entry::Object(expected);
            cache.put(&key, &expected);
            assert_eq!(cache.get(&key), Some(expected));
        }
        for expected in [
            Entry::PositionIndependent,
            Entry::SameAs(Key::of([&b"b"[..]])),
        ] {
            cache.put(&key, &expected);
            assert_eq!(cache.get(&key), Some(expected));
        }
        assert_eq!(cache.get(&Key::of([&b"b"[..]])), None);
        assert_eq!(files(directory.path()).len(), 1);
    }

    #[test]
    fn entries_and_records_with_the_names_of_others_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::new(directory.path(), 1 << 20);
        let [a, b] = [&b"a"[..], b"b"].map(|name| Key::of([name]));
        cache.put(&a, &Entry::Object(object(10)));
        fs::create_dir_all(cache.entry(&b).parent().unwrap()).unwrap();
        fs::copy(cache.entry(&a), cache.entry(&b)).unwrap();
        assert_eq!(cache.get(&b), None);
        cache.write_record("a.json", &[1, 2]);
        assert_eq!(cache.read_record("a.json"), Some([1, 2]));
        fs::copy(cache.record("a.json"), cache.record("b.json")).unwrap();
        assert_eq!(cache.read_record::<[u8; 2]>("b.json"), None);
        let text = fs::read_to_string(cache.record("a.json")).unwrap();
        fs::write(cache.record("a.json"), text.replace("1,2", "2,1")).unwrap();
        assert_eq!(cache.read_record::<[u8; 2]>("a.json"), None);
    }

    #[test]
    fn damage_is_noticed() {
        let key = Key::of([&b"a"[..]]);
        let whole = encode(&key, &Entry::Object(object(100)));
        assert!(decode(&key, &whole).is_some());
        for length in 0..whole.len() {
            assert_eq!(decode(&key, &whole[..length]), None);
        }
        for index in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[index] ^= 0x10;
            assert_eq!(decode(&key, &bytes), None);
        }
    }

    #[test]
    fn the_least_recently_used_goes() {
        let directory = tempfile::tempdir().unwrap();
        let day = Duration::from_secs(24 * 60 * 60);
        for (name, age) in [("new", 1), ("old", 3), ("used", 5), ("oldest", 4)] {
            let path = directory.path().join(name);
            fs::write(&path, [0; 100]).unwrap();
            let file = fs::File::options().append(true).open(&path).unwrap();
            file.set_modified(SystemTime::now() - age * day).unwrap();
        }
        note_use(&directory.path().join("used"));
        trim(directory.path(), 200).unwrap();
        let mut left: Vec<_> = files(directory.path());
        left.sort();
        assert_eq!(
            left,
            ["new", "used"].map(|name| directory.path().join(name))
        );
        // One is left in any case.
        trim(directory.path(), 0).unwrap();
        assert_eq!(files(directory.path()), [directory.path().join("used")]);
    }
}
