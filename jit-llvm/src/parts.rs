//! The files that tools consist of.

use std::path::{Path, PathBuf};

use crate::{
    command::{self, Limits},
    discover::Toolchain,
    interrupt::Interrupt,
};

impl Toolchain {
    /// Returns the files that the tools consist of: the programs, and the shared libraries that the system's loader
    /// finds for them, as `ldd` prints them. Returns `None` where that is not known, such as for a script.
    pub fn parts(&self, interrupt: &Interrupt) -> Option<Vec<PathBuf>> {
        let of = |program: &Path| of(program, interrupt);
        let (clang, objdump) = rayon::join(
            || of(&self.clang),
            || match &self.objdump {
                Some(program) => of(program),
                None => Some(Vec::new()),
            },
        );
        let mut all = [clang?, objdump?].concat();
        all.sort();
        all.dedup();
        Some(all)
    }
}

/// Returns the files that a program consists of.
pub(crate) fn of(program: &Path, interrupt: &Interrupt) -> Option<Vec<PathBuf>> {
    let ldd = which::which("ldd").unwrap_or_else(|_| PathBuf::from("/usr/bin/ldd"));
    let arguments = [program.into()];
    let output = command::run_within(Limits::QUESTION, &ldd, &arguments, None, interrupt).ok()?;
    let mut parts = match output.status.success() {
        true => libraries(&String::from_utf8_lossy(&output.stdout))?,
        false => return None,
    };
    parts.push(program.to_path_buf());
    Some(parts)
}

/// Returns the paths of libraries in what `ldd` prints. Returns `None` if one of them was not found.
fn libraries(text: &str) -> Option<Vec<PathBuf>> {
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if line == "statically linked" {
            continue;
        }
        let (start, _) = line.rsplit_once(" (")?;
        match start.split_once(" => ") {
            Some((_, path)) => found.push(PathBuf::from(path)),
            None if start.starts_with('/') => found.push(PathBuf::from(start)),
            // The kernel provides this one.
            None if start.starts_with("linux-") => {}
            None => return None,
        }
    }
    found.iter().all(|path| path.is_absolute()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ldd_prints() {
        let text = "\tlinux-vdso.so.1 (0x00007ffd)\n\tlibLLVM.so.22.1 => /lib/libLLVM.so.22.1 (0x00007f)\n\
                    \t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n";
        let expected = ["/lib/libLLVM.so.22.1", "/lib64/ld-linux-x86-64.so.2"];
        assert_eq!(libraries(text), Some(expected.map(PathBuf::from).to_vec()));
        assert_eq!(libraries("\tstatically linked\n"), Some(vec![]));
        assert_eq!(libraries("\tlibx.so => not found\n"), None);
        assert_eq!(libraries("a script\n"), None);
    }
}
