//! Files for Linux's perf: a map of symbols, or a dump with the code itself.
//!
//! | | [`PerfMap`] | [`JitDump`] |
//! | --- | --- | --- |
//! | file | `/tmp/perf-PID.map`, text | `jit-PID.dump`, binary |
//! | `perf record` | as it is | with `-k CLOCK_MONOTONIC` |
//! | then | `perf report` | `perf inject --jit -i perf.data -o jitted.data`, `perf report -i jitted.data` |
//! | address used again for other code | the later name for both | told apart by time |
//! | code in an [`Arena`](crate::memory::Arena) | no: perf asks no map about pages of a file | yes |
//! | `perf annotate` | no | yes |
//!
//! A map therefore needs code in pages of its own, from
//! [`Writable::alloc`](crate::memory::Writable::alloc). Call graphs by frame pointers (`perf record --call-graph fp`) go through traces to whoever called
//! the shim. What has been written stays: perf reads it when the program is gone.
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

/// Files with names that everybody can tell are not to be a link that somebody else made.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options
        .create(true)
        .mode(0o644)
        .custom_flags(OFlags::NOFOLLOW.bits() as i32);
    options
}

/// `/tmp/perf-PID.map`: a line for each symbol, as `tools/perf/Documentation/jit-interface.txt` of
/// Linux has it.
#[derive(Debug)]
pub struct PerfMap {
    file: File,
    path: PathBuf,
}

impl PerfMap {
    /// Open this process's map, behind what others (another JIT compiler in the process) have
    /// written.
    ///
    /// # Errors
    ///
    /// What the system says, with the path: the file may be somebody else's, or a link.
    pub fn create() -> io::Result<PerfMap> {
        PerfMap::at(Path::new("/tmp").join(format!("perf-{}.map", process::id())))
    }

    /// Open a map elsewhere. perf looks only where [`create`](PerfMap::create) puts it.
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

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Write the symbols of some code, all in one go.
    ///
    /// # Errors
    ///
    /// What the system says, with the path.
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

/// `jit-PID.dump`: the code with its symbols, as `tools/perf/Documentation/jitdump-specification.txt`
/// of Linux has it.
///
/// perf makes an ELF file of each symbol; [`Detail::Trace`](super::Detail::Trace) keeps them few.
#[derive(Debug)]
pub struct JitDump {
    file: File,
    path: PathBuf,
    /// The number of the next symbol.
    next: u64,
    /// How perf knows of the file.
    _marker: Marker,
}

impl JitDump {
    /// Make this process's dump in a folder, anew, and map its first page as executable: perf records
    /// that, and so finds the file. Start `perf record` first.
    ///
    /// # Errors
    ///
    /// What the system says, with the path: among others, folders in file systems mounted `noexec`
    /// will not do.
    pub fn create(folder: impl AsRef<Path>) -> io::Result<JitDump> {
        let path = folder.as_ref().join(format!("jit-{}.dump", process::id()));
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

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Write some code with its symbols. perf takes the time of this for the time from which the code
    /// was there: add it before it runs.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if `code` is not what is described; else what the
    /// system says, with the path.
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
                    format!("{}: this is not the code it describes", description.name()),
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

/// Nanoseconds by the clock that `perf record -k CLOCK_MONOTONIC` uses.
fn now() -> u64 {
    let time = rustix::time::clock_gettime(ClockId::Monotonic);
    (time.tv_sec as u64)
        .wrapping_mul(1_000_000_000)
        .wrapping_add(time.tv_nsec as u64)
}

/// The file's header: of this process, so of this machine.
fn header() -> io::Result<Vec<u8>> {
    let arch = arch::host().ok_or(io::ErrorKind::Unsupported)?;
    let machine = u32::from(arch::of(arch).elf_machine());
    let mut out = Vec::new();
    for word in [MAGIC, VERSION, HEADER, machine, 0, process::id()] {
        out.extend(word.to_ne_bytes());
    }
    out.extend(now().to_ne_bytes());
    out.extend(0_u64.to_ne_bytes()); // flags: times are not of the processor's counter
    Ok(out)
}

/// A JIT_CODE_LOAD record.
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
    // Where it runs, and where it is: the same.
    for word in [address, address, code.len() as u64, index] {
        out.extend(word.to_ne_bytes());
    }
    out.extend(name.as_bytes());
    out.push(0);
    out.extend(code);
    Ok(())
}
