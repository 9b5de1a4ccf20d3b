//! What clang's front end has read for the functions of a file.

use std::path::Path;

use jit_llvm::Snapshot;

use crate::reads::{Headers, Reads};

/// Returns what was read for a snapshot, of which this IR was made.
pub(crate) fn of(snapshot: &Snapshot, ir: &str, arguments: &[String], work: &Path) -> Reads {
    let mut reads = Reads::of(snapshot, arguments, work);
    let text = String::from_utf8_lossy(&snapshot.text);
    if reads_files(ir) {
        reads.headers = Err("the assembler may read files that clang does not report".to_owned());
    } else if text.contains("__TIMESTAMP__") {
        reads.headers = Err("the code may contain the time of a file (__TIMESTAMP__)".to_owned());
    } else if let Ok(headers) = &mut reads.headers {
        headers.dated = text.contains("__DATE__") || text.contains("__TIME__");
    }
    reads
}

/// Returns nothing.
pub(crate) fn none() -> Reads {
    Reads {
        files: Vec::new(),
        headers: Ok(Headers::default()),
    }
}

/// Returns whether assembly in IR may read files.
pub(crate) fn reads_files(ir: &str) -> bool {
    let mut lines = ir.lines().filter(|line| line.contains(" asm "));
    lines.any(|line| line.contains(".incbin") || line.contains(".include"))
}
