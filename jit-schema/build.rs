//! Hashes the sources, so that caches of what depends on them can tell versions apart.

use std::{
    collections::hash_map::DefaultHasher,
    fs,
    hash::{Hash, Hasher},
    path::{Path, PathBuf},
};

fn main() {
    let mut hasher = DefaultHasher::new();
    for file in files(Path::new("src")) {
        // The same on Windows.
        let name = file.to_string_lossy().replace('\\', "/");
        name.hash(&mut hasher);
        fs::read(&file)
            .expect("sources can be read")
            .hash(&mut hasher);
    }
    println!(
        "cargo::rustc-env=JIT_SCHEMA_FINGERPRINT={:016x}",
        hasher.finish()
    );
    println!("cargo::rerun-if-changed=src");
}

/// Returns the files in a directory and all of its subdirectories, sorted by path.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(directory)
        .expect("a crate has sources")
        .map(|entry| entry.expect("sources can be read").path())
        .collect();
    entries.sort();
    let mut all = Vec::new();
    for entry in entries {
        if entry.is_dir() {
            all.extend(files(&entry));
        } else {
            all.push(entry);
        }
    }
    all
}
