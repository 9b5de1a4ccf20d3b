//! A tip for commands that write no files, but are asked to write some to a directory.

use clap::{
    Error,
    error::{ContextKind, ContextValue, ErrorKind},
};

/// The commands that look at stencils and print what they find, and what to use instead.
const READERS: [(&str, &str); 5] = [
    ("show", "--from DIR reads the files of a build"),
    ("size", "--from DIR reads the files of a build"),
    (
        "check",
        "`check --hardening --from DIR` reads the files of a build",
    ),
    ("diff", "`diff DIR` compares the files of a build"),
    ("verify", "`use PACK -o DIR` writes the files in a pack"),
];

/// Replaces what clap suggests if a command that only reads has the option `--output-dir` of a build.
pub(super) fn add(error: &mut Error) {
    let text = |kind| error.get(kind).map(ToString::to_string).unwrap_or_default();
    let is_output = ["-o", "--output-dir"].contains(&text(ContextKind::InvalidArg).as_str());
    if error.kind() != ErrorKind::UnknownArgument || !is_output {
        return;
    }
    let usage = text(ContextKind::Usage);
    // "Usage:", the program as it was called, and the command.
    let command = usage.split_whitespace().nth(2);
    let mut readers = READERS.iter();
    if let Some((_, instead)) = readers.find(|(name, _)| Some(*name) == command) {
        let tip = format!("this command writes no files; {instead}");
        let tips = ContextValue::StyledStrs(vec![tip.into()]);
        error.insert(ContextKind::Suggested, tips);
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::commands::Cli;

    #[test]
    fn commands_that_only_read_name_what_they_read() {
        let message = |words: &[&str]| {
            let mut error = Cli::try_parse_from([&["jit-cli"], words].concat()).unwrap_err();
            add(&mut error);
            error.to_string()
        };
        for (words, tip) in [
            (&["show", "_NOP", "-o", "out"][..], "--from DIR reads"),
            (&["size", "--output-dir=out"], "--from DIR reads"),
            (&["-v", "size", "-oout"], "--from DIR reads"),
            (
                &["check", "--hardening", "-o", "out"],
                "`check --hardening --from DIR` reads",
            ),
            (&["diff", "-o", "out"], "`diff DIR` compares"),
            (&["verify", "-o", "out"], "`use PACK -o DIR` writes"),
        ] {
            let text = message(words);
            let expected = format!("tip: this command writes no files; {tip}");
            assert!(text.contains(&expected), "{text}");
            assert!(!text.contains("as a value"), "{text}");
        }
        for words in [
            &["new", "-o", "out"][..],
            &["size", "--form"],
            &["size", "-q"],
        ] {
            let text = message(words);
            assert!(!text.contains("writes no files"), "{text}");
        }
    }
}
