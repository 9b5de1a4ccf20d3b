//! The cc1 command that a driver command runs, as `clang -###` prints it.
//!
//! The driver starts `clang -cc1` once for each input. cc1 itself takes many inputs in one run, and
//! names each output after its input unless it gets a name.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use jit_schema::ObjectFormat;

use crate::{command, diagnostics::Diagnostics, error::LlvmError, files, interrupt::Interrupt};

/// A cc1 command without inputs and outputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The program to run: clang, by the path that clang prints.
    pub(crate) program: PathBuf,
    /// The arguments from `-cc1` on, without those that name one file.
    pub(crate) arguments: Vec<OsString>,
}

/// The output that the driver is asked about.
const OUTPUT: &str = "plan.out";

/// Words that have clang warn of line markers, as the preprocessor writes them.
const WARNING_OF_MARKERS: [&str; 5] = [
    "-Weverything",
    "-Wpedantic",
    "-Wgnu",
    "-pedantic",
    "-pedantic-errors",
];

impl Plan {
    /// Asks the driver. Returns `None` if its answer is not one cc1 command that takes its input last:
    /// then only the driver can do the work. It is an error if the driver does not accept the flags.
    pub(crate) fn ask(
        clang: &Path,
        driver_arguments: &[OsString],
        directory: &Path,
        interrupt: &Interrupt,
    ) -> Result<Option<Plan>, LlvmError> {
        // The file must be there, though the driver does not read it.
        let input = directory.join("plan.c");
        files::write(&input, b"")?;
        let mut arguments = vec![OsString::from("-###")];
        arguments.extend_from_slice(driver_arguments);
        arguments.extend(["-o".into(), OUTPUT.into(), input.clone().into()]);
        let output = command::run(clang, &arguments, Some(directory), interrupt)?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            let mut refused: Vec<&str> = text.lines().filter(|line| is_error(line)).collect();
            // A flag without its value has taken `-o` for it.
            let last = driver_arguments.last().map(|word| word.to_string_lossy());
            let no_value = format!("{} has no value after it", last.unwrap_or_default());
            if refused.iter().any(|line| line.contains(OUTPUT)) {
                refused = vec![&no_value];
            }
            return match refused.is_empty() {
                true => Ok(None),
                // Nothing is compiled yet, so this is about the flags.
                false => Err(LlvmError::Flags {
                    diagnostics: Diagnostics::parse(&refused.join("\n")),
                }),
            };
        }
        let text = String::from_utf8_lossy(&output.stderr);
        Ok(Plan::parse(&text, &input.to_string_lossy()))
    }

    fn parse(text: &str, input: &str) -> Option<Plan> {
        // Commands are the lines that start with a space and a quote.
        let mut commands = text.lines().filter(|line| line.starts_with(" \""));
        let command = commands.next()?;
        if commands.next().is_some() {
            return None;
        }
        let mut words = shlex::split(command)?.into_iter();
        let program = PathBuf::from(words.next()?);
        let mut words: Vec<String> = words.collect();
        if words.first().map(String::as_str) != Some("-cc1") || words.pop()? != input {
            return None;
        }
        let mut arguments = Vec::with_capacity(words.len());
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                // These name the one input or output.
                "-o" | "-main-file-name" => {
                    words.next()?;
                }
                // Never gives memory back, which is made for processes that compile one input: it
                // takes 1 MiB and its page faults for each.
                "-disable-free" => {}
                _ => arguments.push(word.into()),
            }
        }
        Some(Plan { program, arguments })
    }

    /// Returns the value of an option.
    pub(crate) fn value(&self, option: &str) -> Option<&str> {
        let mut words = self.arguments.iter().skip_while(|word| *word != option);
        words.nth(1)?.to_str()
    }

    /// Returns the command for inputs that include nothing: without directories to search for headers, and
    /// without headers to include.
    pub(crate) fn closed(&self) -> Plan {
        let plan = self.without(|word| SEARCHED.contains(&word) || word == FORCED, true);
        let mut plan = plan.without(
            |word| {
                word.starts_with("-I") || word.starts_with("-iframework") || word.starts_with("-F/")
            },
            false,
        );
        // The inputs have line markers, which are nobody's mistake.
        let warns = |word: &OsString| WARNING_OF_MARKERS.iter().any(|known| word == known);
        if let Some(at) = plan.arguments.iter().rposition(warns) {
            plan.arguments.insert(at + 1, "-Wno-gnu-line-marker".into());
        }
        plan
    }

    /// Returns the command without headers to include before the input.
    pub(crate) fn without_forced_includes(&self) -> Plan {
        self.without(|word| word == FORCED, true)
    }

    /// Returns the headers to include before the input.
    pub(crate) fn forced_includes(&self) -> Vec<String> {
        let pairs = self.arguments.windows(2);
        pairs
            .filter_map(|pair| match pair {
                [option, value] if option == FORCED => Some(value.to_string_lossy().into_owned()),
                _ => None,
            })
            .collect()
    }

    /// Returns whether the command makes debug information.
    pub(crate) fn makes_debug_info(&self) -> bool {
        let mut words = self.arguments.iter().map(|word| word.to_string_lossy());
        words.any(|word| word.starts_with("-debug-info-kind="))
    }

    /// Returns the command without some words, and their values in the words after them.
    fn without(&self, is_dropped: impl Fn(&str) -> bool, with_value: bool) -> Plan {
        let mut arguments = Vec::with_capacity(self.arguments.len());
        let mut words = self.arguments.iter();
        while let Some(word) = words.next() {
            if !word.to_str().is_some_and(&is_dropped) {
                arguments.push(word.clone());
            } else if with_value {
                words.next();
            }
        }
        Plan {
            program: self.program.clone(),
            arguments,
        }
    }

    /// Returns the start of a line that is at the end of all assembly that the command writes, where there is one.
    pub(crate) fn last_directive(&self, format: ObjectFormat) -> Option<&'static str> {
        let lists_addresses = self.arguments.iter().any(|word| word == "-faddrsig");
        match format {
            ObjectFormat::Elf | ObjectFormat::Coff if lists_addresses => Some(".addrsig"),
            ObjectFormat::Elf => Some(".section\t\".note.GNU-stack\""),
            ObjectFormat::Coff => None,
            ObjectFormat::MachO => Some(".subsections_via_symbols"),
        }
    }

    /// Returns the command with another action: what to write.
    pub(crate) fn with_action(&self, action: &str) -> Option<Plan> {
        let is_action = |word: &&str| self.arguments.iter().any(|known| known == *word);
        let own = ["-S", "-emit-obj"].into_iter().find(is_action)?;
        self.with(&[(own, action)])
    }

    /// Returns the command with other words in the place of some, each of which must be there, such as the
    /// language.
    pub(crate) fn with(&self, changes: &[(&str, &str)]) -> Option<Plan> {
        let mut plan = self.clone();
        for (old, new) in changes {
            let word = plan.arguments.iter_mut().rev().find(|word| *word == old)?;
            *word = (*new).into();
        }
        Some(plan)
    }
}

/// The option of cc1 whose value is a header to include.
const FORCED: &str = "-include";

/// Options of cc1 whose values are directories to search for headers.
const SEARCHED: &[&str] = &[
    "-I",
    "-F",
    "-c-isystem",
    "-idirafter",
    "-iframework",
    "-internal-externc-isystem",
    "-internal-iframework",
    "-internal-isystem",
    "-iprefix",
    "-iquote",
    "-isysroot",
    "-isystem",
    "-isystem-after",
    "-iwithprefix",
    "-iwithprefixbefore",
    "-iwithsysroot",
    "-resource-dir",
];

/// Whether a line is an error of the driver's: `clang: error: unknown argument: '-x'`.
fn is_error(line: &str) -> bool {
    line.contains("error: ") && !line.starts_with(" \"")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = concat!(
        "Debian clang version 22.1.8 (1~deb12u1)\n",
        "Target: x86_64-unknown-linux-gnu\n",
        "InstalledDir: /usr/lib/llvm-22/bin\n",
        " (in-process)\n",
        " \"/usr/lib/llvm-22/bin/clang\" \"-cc1\" \"-triple\" \"x86_64-unknown-linux-gnu\" \"-S\" ",
        "\"-disable-free\" \"-main-file-name\" \"plan.c\" \"-D\" \"NAME=\\\"a b\\\"\" ",
        "\"-o\" \"plan.out\" \"-x\" \"c\" \"/w/plan.c\"\n",
    );

    fn words(plan: &Plan) -> Vec<&str> {
        plan.arguments
            .iter()
            .map(|word| word.to_str().unwrap())
            .collect()
    }

    #[test]
    fn files_are_left_out() {
        let plan = Plan::parse(PRINTED, "/w/plan.c").unwrap();
        assert_eq!(plan.program, Path::new("/usr/lib/llvm-22/bin/clang"));
        assert_eq!(
            words(&plan),
            [
                "-cc1",
                "-triple",
                "x86_64-unknown-linux-gnu",
                "-S",
                "-D",
                "NAME=\"a b\"",
                "-x",
                "c"
            ]
        );
        let pch = plan.with_action("-emit-pch").unwrap();
        let pch = pch.with(&[("c", "c-header")]).unwrap();
        assert_eq!(words(&pch)[3], "-emit-pch");
        assert_eq!(words(&pch).last(), Some(&"c-header"));
        assert_eq!(plan.with(&[("-emit-obj", "-S")]), None);
    }

    #[test]
    fn closed_commands_search_nowhere() {
        let words = [
            "-cc1", "-S", "-I", "/a", "-include", "-I", "-D", "X", "-isystem", "/b", "-I/c", "-x",
            "c",
        ];
        let plan = Plan {
            program: "clang".into(),
            arguments: words.map(OsString::from).to_vec(),
        };
        assert_eq!(
            self::words(&plan.closed()),
            ["-cc1", "-S", "-D", "X", "-x", "c"]
        );
        assert_eq!(plan.forced_includes(), ["-I"]);
        let words = ["-cc1", "-Weverything", "-pedantic", "-x", "c"];
        let plan = Plan {
            program: "clang".into(),
            arguments: words.map(OsString::from).to_vec(),
        };
        let markers = "-Wno-gnu-line-marker";
        assert_eq!(
            self::words(&plan.closed()),
            ["-cc1", "-Weverything", "-pedantic", markers, "-x", "c"]
        );
    }

    #[test]
    fn anything_else_is_left_to_the_driver() {
        assert_eq!(Plan::parse("", "/w/plan.c"), None);
        assert_eq!(Plan::parse(PRINTED, "/w/other.c"), None);
        // Two commands: -save-temps, an external assembler, two -arch options.
        let twice = format!("{PRINTED}{PRINTED}");
        assert_eq!(Plan::parse(&twice, "/w/plan.c"), None);
        let assembler = PRINTED.replace("-cc1", "-cc1as");
        assert_eq!(Plan::parse(&assembler, "/w/plan.c"), None);
        let unclosed = PRINTED.replace("plan.c\"\n", "plan.c\n");
        assert_eq!(Plan::parse(&unclosed, "/w/plan.c"), None);
    }
}
