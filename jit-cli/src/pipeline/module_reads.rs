//! What clang's front end has read for the functions of a file.

use std::path::Path;

use jit_llvm::Snapshot;

use crate::reads::{Headers, Reads};

/// Returns what was read for snapshots with the same arguments, each with the IR that was made of it.
pub(crate) fn of(sources: &[(&Snapshot, &str)], arguments: &[String], work: &Path) -> Reads {
    let snapshots: Vec<&Snapshot> = sources.iter().map(|(snapshot, _)| *snapshot).collect();
    let mut reads = Reads::of_all(&snapshots, arguments, work);
    let texts: Vec<_> = snapshots
        .iter()
        .map(|snapshot| String::from_utf8_lossy(&snapshot.text))
        .collect();
    let has = |word: &str| texts.iter().any(|text| text.contains(word));
    if sources.iter().any(|(_, ir)| reads_files(ir)) {
        reads.headers = Err("the assembler may read files that clang does not report".to_owned());
    } else if has("__TIMESTAMP__") {
        reads.headers = Err("the code may contain the time of a file (__TIMESTAMP__)".to_owned());
    } else if let Ok(headers) = &mut reads.headers {
        headers.dated = has("__DATE__") || has("__TIME__");
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
