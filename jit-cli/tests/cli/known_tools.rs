//! What a cache remembers of tools. jit-cli reads all of LLVM's programs and libraries, 200 MB, unless its cache knows them
//! already. That is half of what a small build takes, and nothing that most tests are about. Those that are about it
//! (`up_to_date::tools_that_are_remembered`, and whatever is built with `--no-cache` or `--cache-dir`) have no such record.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use crate::sandbox::LINUX;

/// A record, and its path in a cache.
type Record = (PathBuf, Vec<u8>);

/// Puts the record of this machine's tools into a cache that does not exist yet.
pub(crate) fn write_to(cache: &Path) {
    static RECORD: OnceLock<Option<Record>> = OnceLock::new();
    if let Some((relative, record)) = RECORD.get_or_init(record) {
        let path = cache.join(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, record).unwrap();
    }
}

/// Has jit-cli make the record, by a build with each LLVM that is there.
fn record() -> Option<Record> {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::write(
        path("jit.toml"),
        "source = \"a.c\"\nstencils = \"op_*\"\nemit = [\"stencils\"]\n[holes]\nNEXT = \"continue\"\n",
    )
    .unwrap();
    fs::write(
        path("a.c"),
        "extern void NEXT(long *);\nvoid op_a(long *p) { p[0]++; NEXT(p); }\n",
    )
    .unwrap();
    let prefix = std::env::var_os("JIT_TEST_LLVM_21");
    for (version, prefix) in [("22", None), ("21", prefix), ("19", None)] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jit-cli"));
        command
            .args(["build", "-t", LINUX, "--llvm-version", version])
            .args(["--force", "-o", "out", "--cache-dir", "cache"])
            .current_dir(directory.path());
        if let Some(prefix) = prefix {
            command.arg("--llvm-tools-install-dir").arg(prefix);
        }
        // Without such an LLVM, there is nothing to remember.
        let _ = command.output();
    }
    let mut versions = fs::read_dir(path("cache")).ok()?;
    versions.find_map(|version| {
        let relative = Path::new(&version.ok()?.file_name()).join("projects/tools.json");
        let record = fs::read(path("cache").join(&relative)).ok()?;
        Some((relative, record))
    })
}
