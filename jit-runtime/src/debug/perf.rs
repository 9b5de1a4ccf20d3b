//! Files for Linux's perf: a map of symbols, or a dump that includes the code.
//!
//! | | [`PerfMap`] | [`JitDump`] |
//! | --- | --- | --- |
//! | file | `/tmp/perf-PID.map`, text | `jit-PID.dump`, binary |
//! | to record | `perf record` | `perf record -k CLOCK_MONOTONIC` |
//! | to report | `perf report` | `perf inject --jit -i perf.data -o jitted.data`, `perf report -i jitted.data` |
//! | an address that is used again for other code | gets the later name | told apart by time |
//! | code in an [`Arena`](crate::memory::Arena) | with [`private_pages`](crate::memory::ArenaOptions::private_pages): perf does not use maps for pages of a file | yes |
//! | `perf annotate` | no | yes |
//!
//! With a map, code must therefore be in such an arena, or have pages of its own, from
//! [`Writable::alloc`](crate::memory::Writable::alloc). Call graphs by frame pointers
//! (`perf record --call-graph fp`) lead through traces to the caller of the shim. The files are not
//! deleted: perf reads them after the program has ended.
//!
//! ```no_run
//! use jit_runtime::debug::{Description, perf::PerfMap};
//!
//! # fn traces() -> Vec<Description> { vec![] }
//! # fn main() -> std::io::Result<()> {
//! let mut map = PerfMap::create()?;
//! for description in traces() {
//!     map.add(&description)?;
//! }
//! # Ok(())
//! # }
//! ```

use std::{
    fmt::Write as _,
    fs::{File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process,
};

use rustix::{fs::OFlags, time::ClockId};

use super::{Description, Symbol, raw::marker::Marker};
use crate::{arch, memory::Executable};

/// Returns options that do not follow links: everybody can guess these files' names, and make a link
/// there.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options
        .create(true)
        .mode(0o644)
        .custom_flags(OFlags::NOFOLLOW.bits() as i32);
    options
}

/// The file `/tmp/perf-PID.map`, with a line for each symbol (`tools/perf/Documentation/jit-interface.txt`
/// in Linux).
#[derive(Debug)]
pub struct PerfMap {
    file: File,
    path: PathBuf,
}

impl PerfMap {
    /// Opens this process's map, and keeps what others (another JIT compiler in the process) have
    /// written to it.
    ///
    /// # Errors
    ///
    /// The system's error, with the path: the file may belong to somebody else, or be a link.
    pub fn create() -> io::Result<PerfMap> {
        PerfMap::at(Path::new("/tmp").join(format!("perf-{}.map", process::id())))
    }

    /// Opens a map at another path. perf itself only reads the one of [`create`](PerfMap::create).
    ///
    /// # Errors
    ///
    /// As for [`create`](PerfMap::create).
    pub fn at(path: impl Into<PathBuf>) -> io::Result<PerfMap> {
        let path = path.into();
        let file = options().append(true).open(&path);
        let file = file.map_err(|error| explain(&path, "open", error))?;
        Ok(PerfMap { file, path })
    }

    /// Returns the file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the symbols of some code, with one write.
    ///
    /// # Errors
    ///
    /// The system's error, with the path.
    pub fn add(&mut self, description: &Description) -> io::Result<()> {
        let mut lines = String::new();
        for Symbol { name, offset, size } in description.symbols() {
            let start = description.base().wrapping_add(*offset);
            // Writing to a String cannot fail.
            let _ = writeln!(lines, "{start:x} {size:x} {name}");
        }
        let written = self.file.write_all(lines.as_bytes());
        written.map_err(|error| explain(&self.path, "write to", error))
    }
}

fn explain(path: &Path, what: &str, error: io::Error) -> io::Error {
    let message = format!("cannot {what} {}: {error}", path.display());
    io::Error::new(error.kind(), message)
}

/// "JiTD", as a number.
const MAGIC: u32 = 0x4a69_5444;
const VERSION: u32 = 1;
const HEADER: u32 = 40;
const LOAD_HEADER: usize = 56;
const JIT_CODE_LOAD: u32 = 0;

/// The file `jit-PID.dump`, with the code and its symbols
/// (`tools/perf/Documentation/jitdump-specification.txt` in Linux).
///
/// perf makes an ELF file of each symbol; with [`Detail::Trace`](super::Detail::Trace) there are few.
#[derive(Debug)]
pub struct JitDump {
    file: File,
    path: PathBuf,
    /// The number of the next symbol.
    next: u64,
    /// The mapping by which perf finds the file.
    _marker: Marker,
}

impl JitDump {
    /// Creates this process's dump in a directory, or empties it, and maps its first page as executable:
    /// perf records the mapping and so finds the file. Start `perf record` before that.
    ///
    /// # Errors
    ///
    /// The system's error, with the path. The directory must not be in a file system that is mounted
    /// `noexec`. [`Unsupported`](io::ErrorKind::Unsupported) on an architecture without stencils.
    pub fn create(directory: impl AsRef<Path>) -> io::Result<JitDump> {
        let path = directory
            .as_ref()
            .join(format!("jit-{}.dump", process::id()));
        let file = options().read(true).write(true).truncate(true).open(&path);
        let mut file = file.map_err(|error| explain(&path, "open", error))?;
        let header = header().map_err(|error| explain(&path, "write to", error))?;
        file.write_all(&header)
            .map_err(|error| explain(&path, "write to", error))?;
        let marker =
            Marker::new(&file).map_err(|error| explain(&path, "map as executable", error))?;
        Ok(JitDump {
            file,
            path,
            next: 0,
            _marker: marker,
        })
    }

    /// Returns the file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes some code with its symbols. To perf, the code exists from this moment on: add it before it
    /// runs.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if `code` is not what is described, otherwise the
    /// system's error, with the path.
    pub fn add(&mut self, description: &Description, code: &Executable) -> io::Result<()> {
        let mut records = Vec::new();
        for symbol in description.symbols() {
            let bytes = usize::try_from(symbol.offset)
                .ok()
                .zip(usize::try_from(symbol.size).ok())
                .and_then(|(start, size)| code.bytes().get(start..start.checked_add(size)?));
            let Some(bytes) = bytes.filter(|_| code.base() == description.base()) else {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    format!(
                        "{}: this is not the code that is described",
                        description.name()
                    ),
                ));
            };
            let address = description.base().wrapping_add(symbol.offset);
            load(&mut records, self.next, address, &symbol.name, bytes)
                .map_err(|error| explain(&self.path, "write to", error))?;
            self.next += 1;
        }
        let written = self.file.write_all(&records);
        written.map_err(|error| explain(&self.path, "write to", error))
    }
}

/// Returns the time in nanoseconds, by the clock of `perf record -k CLOCK_MONOTONIC`.
fn now() -> u64 {
    let time = rustix::time::clock_gettime(ClockId::Monotonic);
    (time.tv_sec as u64)
        .wrapping_mul(1_000_000_000)
        .wrapping_add(time.tv_nsec as u64)
}

/// Returns the file's header, for this process on this machine.
fn header() -> io::Result<Vec<u8>> {
    let arch = arch::host().ok_or(io::ErrorKind::Unsupported)?;
    let machine = u32::from(arch::of(arch).elf_machine());
    let mut out = Vec::new();
    for word in [MAGIC, VERSION, HEADER, machine, 0, process::id()] {
        out.extend(word.to_ne_bytes());
    }
    out.extend(now().to_ne_bytes());
    out.extend(0_u64.to_ne_bytes()); // flags: the times do not come from the processor's counter
    Ok(out)
}

/// Appends a JIT_CODE_LOAD record.
fn load(
    out: &mut Vec<u8>,
    index: u64,
    address: u64,
    name: &str,
    code: &[u8],
) -> Result<(), io::Error> {
    let total = LOAD_HEADER + name.len() + 1 + code.len();
    let total = u32::try_from(total).map_err(io::Error::other)?;
    out.extend(JIT_CODE_LOAD.to_ne_bytes());
    out.extend(total.to_ne_bytes());
    out.extend(now().to_ne_bytes());
    out.extend(process::id().to_ne_bytes());
    let thread = rustix::thread::gettid().as_raw_nonzero().get();
    out.extend(thread.to_ne_bytes());
    // The address where it runs, and the address where it is: the same.
    for word in [address, address, code.len() as u64, index] {
        out.extend(word.to_ne_bytes());
    }
    out.extend(name.as_bytes());
    out.push(0);
    out.extend(code);
    Ok(())
}
