//! Hashes the sources, so that caches of what the optimizer writes can tell its versions apart.

use std::{
    collections::hash_map::DefaultHasher,
    fs,
    hash::{Hash, Hasher},
    path::PathBuf,
};

fn main() {
    let mut files: Vec<PathBuf> = fs::read_dir("src")
        .expect("a crate has sources")
        .map(|entry| entry.expect("sources can be read").path())
        .collect();
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        fs::read(&file)
            .expect("sources can be read")
            .hash(&mut hasher);
    }
    println!(
        "cargo::rustc-env=JIT_OPTIMIZER_FINGERPRINT={:016x}",
        hasher.finish()
    );
    println!("cargo::rerun-if-changed=src");
}
