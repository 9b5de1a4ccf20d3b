//! The arguments with which code from IR is known to be clang's own.
//!
//! Some options for code generation count as options for the language, and clang does not look at them when it
//! reads IR: `-ffp-contract=fast`, for example. So it is not enough to know the ones that matter.
//! `jit-cli/tests/cli/ir.rs` compares the code for all targets.

use std::ffi::{OsStr, OsString};

/// Options without a value.
const PLAIN: &[&str] = &[
    "--dependent-lib=msvcrt",
    "--dependent-lib=oldnames",
    "-O1",
    "-O2",
    "-O3",
    "-Os",
    "-Oz",
    "-S",
    "-cc1",
    "-clear-ast-before-backend",
    "-disable-llvm-verifier",
    "-discard-value-names",
    "-emit-obj",
    "-enable-tlsdesc",
    "-faddrsig",
    "-faligned-alloc-unavailable",
    "-fblocks",
    "-fblocks-runtime-optional",
    "-fbuiltin-headers-in-system-modules",
    "-fcompatibility-qualified-id-block-type-checking",
    "-fdefine-target-os-macros",
    "-fdelayed-template-parsing",
    "-fencode-extended-block-signature",
    "-ffp-contract=on",
    "-fgnuc-version=4.2.1",
    "-fhalf-no-semantic-interposition",
    "-fmath-errno",
    "-fmax-type-align=16",
    "-fms-compatibility",
    "-fms-extensions",
    "-fms-volatile",
    "-fmv",
    "-fno-builtin",
    "-fno-plt",
    "-fno-rounding-math",
    "-fno-signed-char",
    "-fno-sized-deallocation",
    "-fno-use-cxa-atexit",
    "-fobjc-dispatch-method=non-legacy",
    "-fregister-global-dtors-with-atexit",
    "-fskip-odr-check-in-gmf",
    "-fvisibility-inlines-hidden-static-local-var",
    "-mconstructor-aliases",
    "-nostdsysteminc",
    "-pic-is-pie",
    "-relaxed-aliasing",
    "-vectorize-loops",
    "-vectorize-slp",
    "-w",
];

/// Starts of options.
const STARTS: &[&str] = &[
    "-D",
    "-U",
    "-W",
    "-debugger-tuning=",
    "-fcoverage-compilation-dir=",
    "-fcoverage-prefix-map=",
    "-fdebug-compilation-dir=",
    "-fdebug-prefix-map=",
    "-ffile-prefix-map=",
    "-fmacro-prefix-map=",
    "-fms-compatibility-version=",
    "-mcmodel=",
    "-mframe-pointer=",
    "-mlarge-data-threshold=",
    "-std=c",
    "-std=gnu",
];

/// Options whose value is the next word.
const WITH_VALUES: &[&str] = &[
    "-D",
    "-U",
    "-ferror-limit",
    "-mrelocation-model",
    "-pic-level",
    "-target-abi",
    "-target-cpu",
    "-target-feature",
    "-triple",
    "-tune-cpu",
    "-x",
];

/// Values of `-mllvm`, which are the same for both steps.
const OF_LLVM: &[&str] = &[
    "-aarch64-enable-collect-loh=false",
    "-enable-machine-outliner=never",
    "-enable-tlsdesc",
];

/// Returns an argument with which the code may be another.
pub(super) fn unknown(arguments: &[OsString]) -> Option<&OsStr> {
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let text = word.to_string_lossy();
        let has_known_value = match &*text {
            "-mllvm" => words
                .next()
                .is_some_and(|value| OF_LLVM.iter().any(|known| value == known)),
            option if WITH_VALUES.contains(&option) => words.next().is_some(),
            option => {
                PLAIN.contains(&option) || STARTS.iter().any(|start| option.starts_with(start))
            }
        };
        if !has_known_value {
            return Some(word);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown_in(line: &str) -> Option<String> {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        unknown(&words).map(|word| word.to_string_lossy().into_owned())
    }

    #[test]
    fn only_known_arguments_will_do() {
        assert_eq!(
            unknown_in("-cc1 -S -Os -D A=1 -DB -target-feature -sse -x c"),
            None
        );
        assert_eq!(unknown_in("-mllvm -enable-machine-outliner=never -w"), None);
        for (line, expected) in [
            ("-cc1 -ffp-contract=fast -S", "-ffp-contract=fast"),
            ("-Os -ffast-math", "-ffast-math"),
            ("-mllvm -x86-asm-syntax=intel", "-mllvm"),
            ("-S -x", "-x"),
            ("-Os sse", "sse"),
        ] {
            assert_eq!(unknown_in(line).as_deref(), Some(expected));
        }
    }
}
