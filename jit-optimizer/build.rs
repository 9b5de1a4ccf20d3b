//! Hashes the sources, so that caches of what the optimizer writes can tell its versions apart.

use std::{
    collections::hash_map::DefaultHasher,
    fs,
    hash::{Hash, Hasher},
    path::{Path, PathBuf},
};

fn main() {
    let mut files = Vec::new();
    collect(Path::new("src"), &mut files);
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        // The same on Windows, whose paths have another separator.
        let name: Vec<&str> = file.iter().filter_map(|part| part.to_str()).collect();
        name.hash(&mut hasher);
        fs::read(&file)
            .expect("a source file can be read")
            .hash(&mut hasher);
    }
    println!(
        "cargo::rustc-env=JIT_OPTIMIZER_FINGERPRINT={:016x}",
        hasher.finish()
    );
    println!("cargo::rerun-if-changed=src");
}

/// Adds the files in a directory, and in those in it.
fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a directory of sources can be read") {
        let path = entry.expect("a directory of sources can be read").path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}
