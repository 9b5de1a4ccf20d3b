//! The shared libraries that a tool is made of.

use std::path::{Path, PathBuf};

use crate::{command, error::LlvmError, interrupt::Interrupt};

/// Returns the libraries that a program loads when it starts. Returns none where that can't be found out:
/// on systems other than Linux, and for programs that are linked statically.
pub(crate) fn of(program: &Path, interrupt: &Interrupt) -> Result<Vec<PathBuf>, LlvmError> {
    if !cfg!(target_os = "linux") {
        return Ok(Vec::new());
    }
    // This is what ldd does: the dynamic linker prints the libraries instead of starting the program.
    let arguments = ["LD_TRACE_LOADED_OBJECTS=1".into(), program.into()];
    match command::run(Path::new("/usr/bin/env"), &arguments, None, interrupt) {
        Ok(output) => Ok(parse(&String::from_utf8_lossy(&output.stdout))),
        Err(LlvmError::Interrupted) => Err(LlvmError::Interrupted),
        Err(error) => {
            tracing::info!(
                "the libraries of {} are not known: {error}",
                program.display()
            );
            Ok(Vec::new())
        }
    }
}

/// Returns the paths in lines like `libLLVM.so.22.1 => /lib/libLLVM.so.22.1 (0x00007f54a3e00000)`.
fn parse(text: &str) -> Vec<PathBuf> {
    let path = |line: &str| {
        let (_, path) = line.split_once(" => ")?;
        let (path, _) = path.rsplit_once(" (0x")?;
        Some(PathBuf::from(path))
    };
    text.lines().filter_map(path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_as_the_dynamic_linker_prints_them() {
        let text = "\tlinux-vdso.so.1 (0x00007fff)\n\tlibc.so.6 => /lib/x y/libc.so.6 (0x00007f54)\n\
                    \tlibgone.so => not found\n\t/lib64/ld-linux-x86-64.so.2 (0x00007f55)\n";
        assert_eq!(parse(text), [Path::new("/lib/x y/libc.so.6")]);
    }
}
