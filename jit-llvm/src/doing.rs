//! What a command is for, for messages about it.

use std::{
    ffi::{OsStr, OsString},
    path::Path,
};

/// The most bytes of a command that are shown.
const SHOWN: usize = 200;

/// Returns what a tool does with these arguments, as it follows "to": `compile 24 files`.
pub(crate) fn describe(arguments: &[OsString]) -> String {
    let script = arguments.first().map(Path::new);
    if let Some(script) = script.filter(|path| path.extension().is_some_and(|end| end == "py")) {
        let name = script.file_name().unwrap_or_default();
        return format!("run {}", name.to_string_lossy());
    }
    let has = |word: &str| arguments.iter().any(|argument| argument == word);
    let action = if has("--version") {
        return "print its version".to_owned();
    } else if has("--prefix") {
        return "print where LLVM is installed".to_owned();
    } else if has("-###") {
        return "print the commands for the flags".to_owned();
    } else if has("--disassemble") {
        "disassemble"
    } else if has("-emit-pch") {
        "precompile"
    } else if has("-E") {
        "preprocess"
    } else if has("-fsyntax-only") {
        "check"
    } else if has("-emit-llvm-bc") {
        "translate"
    } else if has("-S") || ends(arguments, "c") {
        "compile"
    } else {
        "assemble"
    };
    let after_o = |index: usize| index > 0 && arguments.get(index - 1).is_some_and(|o| o == "-o");
    let inputs: Vec<&Path> = arguments
        .iter()
        .map(Path::new)
        .enumerate()
        .rev()
        .take_while(|(index, path)| is_input(path) && !after_o(*index))
        .map(|(_, path)| path)
        .collect();
    match inputs.as_slice() {
        [one] => {
            let name = one.file_name().unwrap_or(one.as_os_str());
            format!("{action} {}", name.to_string_lossy())
        }
        several => format!("{action} {} files", several.len()),
    }
}

fn is_input(path: &Path) -> bool {
    let extensions = ["c", "h", "s", "ll", "bc", "o"].map(OsStr::new);
    let extension = path.extension();
    extension.is_some_and(|extension| extensions.contains(&extension))
}

fn ends(arguments: &[OsString], extension: &str) -> bool {
    let last = arguments
        .last()
        .and_then(|last| Path::new(last).extension());
    last.is_some_and(|last| last == extension)
}

/// Returns the command as it could be typed into a shell.
pub(crate) fn whole(program: &Path, arguments: &[OsString]) -> String {
    let words: Vec<String> = std::iter::once(program.as_os_str())
        .chain(arguments.iter().map(OsString::as_os_str))
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "))
}

/// Returns the start of the command.
pub(crate) fn short(program: &Path, arguments: &[OsString]) -> String {
    let mut text = whole(program, arguments);
    if text.len() > SHOWN {
        let end = (0..=SHOWN).rev().find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or(0));
        text.push_str(" ...");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_described() {
        for (line, expected) in [
            ("--version", "print its version"),
            ("-### -S x.c", "print the commands for the flags"),
            ("-cc1 -S -o - 0.c 1.c 2.c", "compile 3 files"),
            ("-cc1 -emit-llvm-bc -x c 0.c 1.c", "translate 2 files"),
            ("-cc1 -S -x ir 0.bc 1.bc", "compile 2 files"),
            ("-cc1 -emit-obj 0.ll", "assemble 0.ll"),
            ("-O2 -S -o /w/_NOP.s /w/_NOP.c", "compile _NOP.c"),
            ("-c -o /w/_NOP.o /w/_NOP.s", "assemble _NOP.s"),
            ("-c -o /w/shim/shim.o /p/shim.c", "compile shim.c"),
            ("-cc1 -emit-pch -o p.pch p.h", "precompile p.h"),
            ("--disassemble --reloc 0.o 1.o", "disassemble 2 files"),
            ("/c/Tools/jit/build.py --force x", "run build.py"),
        ] {
            let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert_eq!(describe(&arguments), expected);
        }
    }

    #[test]
    fn long_commands_are_cut_between_characters() {
        let text = short(Path::new("clang"), &["é".repeat(300).into()]);
        assert!(text.ends_with("é ..."), "{text}");
        assert!(text.len() <= SHOWN + 4);
        assert_eq!(short(Path::new("a b"), &["c".into()]), "'a b' c");
    }
}
