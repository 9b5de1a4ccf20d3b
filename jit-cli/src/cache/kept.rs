//! Directories of the cache with files that commands look at.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// How many directories stay.
const KEPT: usize = 32;

/// Returns the directory of that name, and removes the oldest ones if it is not there and there are too many. What can't be removed stays.
pub(super) fn directory(parent: &Path, name: &str) -> PathBuf {
    let path = parent.join(name);
    if !path.exists()
        && let Err(error) = remove_old(parent)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!("can't trim {}: {error}", parent.display());
    }
    path
}

fn remove_old(parent: &Path) -> io::Result<()> {
    let mut found = Vec::new();
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        found.push((entry.metadata()?.modified()?, entry.path()));
    }
    found.sort();
    let old = found.len().saturating_sub(KEPT - 1);
    for (_, path) in found.into_iter().take(old) {
        fs::remove_dir_all(path)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_directories_stay() {
        let parent = tempfile::tempdir().unwrap();
        for number in 0..KEPT {
            let path = directory(parent.path(), &number.to_string());
            fs::create_dir(&path).unwrap();
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(number as u64);
            fs::File::open(&path).unwrap().set_modified(time).unwrap();
        }
        // One that is there already removes none.
        assert!(directory(parent.path(), "0").exists());
        assert!(!directory(parent.path(), "new").exists());
        let names = fs::read_dir(parent.path()).unwrap();
        let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names.len(), KEPT - 1);
        assert!(!names.iter().any(|name| name == "0"), "{names:?}");
    }
}
