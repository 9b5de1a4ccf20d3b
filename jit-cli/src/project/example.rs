//! The embedded example virtual machine, which is built where there is neither a CPython checkout nor a
//! `jit.toml`.

macro_rules! files {
    ($($path:literal,)*) => {
        /// Every file of the example: its path relative to the example's directory, with `/`, and its
        /// text. Writing them out gives a project that can be built.
        pub(crate) const FILES: &[(&str, &str)] = &[
            $(($path, include_str!(concat!("../../example/", $path))),)*
        ];
    };
}

files! {
    "Include/internal/vm_interpreter.h",
    "Include/internal/vm_uops.h",
    "Include/internal/vm_values.h",
    "Include/tinyvm.h",
    "Include/tinyvm_jit.h",
    "Programs/demo.c",
    "Programs/link.c",
    "Python/executor_cases.c.h",
    "Python/interpreter.c",
    "Python/jit.c",
    "Python/runtime.c",
    "Tools/jit/jit.h",
    "Tools/jit/shim.c",
    "Tools/jit/template.c",
    "jit.toml",
    "pyconfig.h",
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_file_is_embedded() {
        assert_eq!(super::FILES, fixtures::tinyvm::files());
    }
}
