//! What clang knows about a source: its macros, types and layouts. Nothing is compiled.

mod constants;
mod declarations;
mod layouts;
mod preprocessed;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
};

use self::constants::{Answer, PROBES};
pub use self::{
    declarations::{Declarations, Function},
    layouts::{Field, Record},
    preprocessed::{Macro, Passage},
};
use crate::{
    command::{self, Output},
    diagnostics::Diagnostics,
    discover::Toolchain,
    error::LlvmError,
    files,
    interrupt::Interrupt,
    options::CompileOptions,
    source::Source,
    work::shorten,
};

/// Answers questions about one source, compiled in one way. Each question is a process.
#[derive(Debug)]
pub struct Inspector<'a> {
    toolchain: &'a Toolchain,
    options: CompileOptions,
    source: Source,
    work: PathBuf,
    interrupt: Interrupt,
}

/// The word that starts the expansion of a probe.
const MARKER: &str = "__jit_probe__";

impl<'a> Inspector<'a> {
    /// Returns an inspector of a source. It keeps its files in `work`, an existing directory of its
    /// own, which the caller removes. The options are those for stencils.
    ///
    /// # Errors
    ///
    /// [`LlvmError::File`] if there is no work directory.
    pub fn new(
        toolchain: &'a Toolchain,
        options: CompileOptions,
        source: Source,
        work: &Path,
    ) -> Result<Self, LlvmError> {
        let work = files::resolve(work)?;
        Ok(Inspector {
            toolchain,
            options,
            source,
            work,
            interrupt: Interrupt::default(),
        })
    }

    /// Sets what can stop the inspector's processes.
    #[must_use]
    pub fn interrupt(mut self, interrupt: Interrupt) -> Self {
        self.interrupt = interrupt;
        self
    }

    /// Returns the records that the source and its headers define, each once.
    ///
    /// # Errors
    ///
    /// [`LlvmError::Rejected`] if the source does not compile, or if clang's answer can't be read.
    pub fn records(&self) -> Result<Vec<Record>, LlvmError> {
        let flags = ["-fsyntax-only", "-Xclang", "-fdump-record-layouts-complete"];
        let text = self.ask("records", "", &flags)?;
        layouts::parse(&text).map_err(|line| LlvmError::Rejected {
            name: self.source.name.clone(),
            stage: "read the layouts of",
            diagnostics: Diagnostics::parse(&format!(
                "clang prints what this version does not know: {line}\n"
            )),
        })
    }

    /// Returns the macros that are defined at the end of the source, by name.
    ///
    /// # Errors
    ///
    /// [`LlvmError::Rejected`] if the preprocessor has errors.
    pub fn macros(&self) -> Result<BTreeMap<String, Macro>, LlvmError> {
        let text = self.ask("macros", "", &["-E", "-dM"])?;
        Ok(text.lines().filter_map(preprocessed::definition).collect())
    }

    /// Returns the source after preprocessing, by file. A file has several passages if it includes
    /// others between.
    ///
    /// # Errors
    ///
    /// [`LlvmError::Rejected`] if the preprocessor has errors.
    pub fn passages(&self) -> Result<Vec<Passage>, LlvmError> {
        let text = self.ask("passages", "", &["-E"])?;
        Ok(preprocessed::passages(&text))
    }

    /// Returns the typedefs and functions at file scope.
    ///
    /// # Errors
    ///
    /// [`LlvmError::Rejected`] if the source does not compile.
    pub fn declarations(&self) -> Result<Declarations, LlvmError> {
        let flags = [
            "-fsyntax-only",
            "-fno-color-diagnostics",
            "-Xclang",
            "-ast-dump",
        ];
        let text = self.ask("declarations", "", &flags)?;
        Ok(declarations::parse(&text))
    }

    /// Returns expressions after preprocessing, each as if it were at the end of the source, in their
    /// order. Each expression is one line.
    ///
    /// # Errors
    ///
    /// [`LlvmError::Rejected`] if the preprocessor has errors.
    pub fn expansions(&self, expressions: &[String]) -> Result<Vec<String>, LlvmError> {
        let probes: String = expressions
            .iter()
            .map(|expression| format!("{MARKER} {expression}\n"))
            .collect();
        let text = self.ask("expansions", &probes, &["-E", "-P"])?;
        let mut found: Vec<String> = text
            .split(MARKER)
            .skip(1)
            .map(|part| part.trim().to_owned())
            .collect();
        found.resize(expressions.len(), String::new());
        Ok(found)
    }

    /// Returns the values of integer constant expressions at the end of the source, in their order, as
    /// clang writes them, and `None` for what is no such expression. Each is one line with balanced
    /// parentheses.
    ///
    /// # Errors
    ///
    /// [`LlvmError::Run`] if clang can't be run. A source that does not compile has no values.
    pub fn constants(&self, expressions: &[String]) -> Result<Vec<Option<String>>, LlvmError> {
        let mut found = vec![None; expressions.len()];
        let mut open: Vec<usize> = (0..expressions.len()).collect();
        while !open.is_empty() {
            let probes: Vec<&str> = open
                .iter()
                .filter_map(|place| expressions.get(*place).map(String::as_str))
                .collect();
            let answers = self.evaluate(&probes)?;
            let mut silent = Vec::new();
            for (place, answer) in open.iter().zip(answers) {
                match answer {
                    Answer::Value(value) => {
                        if let Some(slot) = found.get_mut(*place) {
                            *slot = Some(value);
                        }
                    }
                    Answer::Error => {}
                    Answer::Silence => silent.push(*place),
                }
            }
            // clang skips lines in search of the end of something malformed: they are tried again.
            if silent.len() == open.len() {
                break;
            }
            open = silent;
        }
        Ok(found)
    }

    fn evaluate(&self, expressions: &[&str]) -> Result<Vec<Answer>, LlvmError> {
        let flags = [
            "-fsyntax-only",
            "-ferror-limit=0",
            "-fno-spell-checking",
            "-fno-caret-diagnostics",
            "-fno-color-diagnostics",
        ];
        let probes = constants::probes(expressions);
        let output = self.run("constants", &probes, &flags)?;
        let printed = String::from_utf8_lossy(&output.stderr);
        Ok(constants::answers(&printed, expressions.len()))
    }

    /// Returns what clang prints on standard output.
    fn ask(&self, question: &str, probes: &str, flags: &[&str]) -> Result<String, LlvmError> {
        let output = self.run(question, probes, flags)?;
        if !output.status.success() {
            let text = shorten(&output.diagnostics(), &self.work);
            return Err(LlvmError::Rejected {
                name: self.source.name.clone(),
                stage: "compile",
                diagnostics: Diagnostics::parse(&text),
            });
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn run(&self, question: &str, probes: &str, flags: &[&str]) -> Result<Output, LlvmError> {
        // Questions may be asked at the same time, and the file's name is in some answers.
        let directory = self.work.join(question);
        files::create_dir(&directory)?;
        let input = directory.join(format!("{}.c", self.source.name));
        let text = format!("{}\n#line 1 \"{PROBES}\"\n{probes}", self.source.body);
        files::write(&input, text.as_bytes())?;
        // Neither code nor warnings are wanted.
        let mut arguments = self.options.source(&self.work, &[]);
        arguments.extend(flags.iter().map(OsString::from));
        arguments.extend([
            "-w".into(),
            format!("-D_JIT_OPCODE={}", self.source.name).into(),
            "-o".into(),
            "-".into(),
            input.into(),
        ]);
        command::run(
            &self.toolchain.clang,
            &arguments,
            Some(&self.work),
            &self.interrupt,
        )
    }
}

#[cfg(test)]
mod tests {
    use jit_schema::Target;

    use super::*;
    use crate::discover::Search;

    #[test]
    fn clang_answers() {
        fixtures::needs!(clang_22);
        let interrupt = Interrupt::default();
        let toolchain = Toolchain::discover(&Search::default(), &interrupt).unwrap();
        let work = tempfile::tempdir().unwrap();
        std::fs::write(
            work.path().join("own.h"),
            "typedef long word;\n#define WORD 3L\n",
        )
        .unwrap();
        let source = "#include \"own.h\"\n#define TWICE(x) ((x) + (x))\n#define NOT_A_VALUE while\n\
                      struct pair { char first; word second; unsigned bits : 3; };\n\
                      typedef union { int a; struct { short b; }; } either;\n\
                      _Noreturn void stop(word);\n";
        for (triple, word, size) in [
            ("x86_64-unknown-linux-gnu", "8", 24),
            ("i686-pc-windows-msvc", "4", 12),
        ] {
            let target = Target::from_triple(triple).unwrap();
            let mut options = CompileOptions::new(target, work.path().to_owned());
            options.include_dirs.push(work.path().to_owned());
            let inspector = |body: &str| {
                let source = Source {
                    name: "x".to_owned(),
                    body: body.to_owned(),
                };
                Inspector::new(&toolchain, options.clone(), source, work.path()).unwrap()
            };
            let asked = inspector(source);
            let records = asked.records().unwrap();
            let pair = records.iter().find(|r| r.name == "struct pair").unwrap();
            assert_eq!(pair.size, size);
            let fields: Vec<_> = pair.fields.iter().map(|f| (&*f.offset, &*f.name)).collect();
            let bits = format!("{}:0-2", size - word.parse::<u64>().unwrap());
            assert_eq!(fields, [("0", "first"), (word, "second"), (&*bits, "bits")]);
            let unnamed = records
                .iter()
                .find(|r| r.name.starts_with("union (unnamed at"));
            assert_eq!(unnamed.unwrap().size, 4);
            let macros = asked.macros().unwrap();
            assert_eq!(macros["WORD"].body, "3L");
            assert_eq!(macros["TWICE"].parameters, Some(vec!["x".to_owned()]));
            let passages = asked.passages().unwrap();
            let own = passages.iter().find(|p| p.file.ends_with("own.h")).unwrap();
            assert_eq!(own.text.trim(), "typedef long word;");
            let declared = asked.declarations().unwrap();
            for name in ["word", "either"] {
                assert!(declared.types.contains(name), "{declared:?}");
            }
            let stop = &declared.functions["stop"];
            assert_eq!(stop.kind, "void (word)");
            assert!(stop.attributes.contains("noreturn") && !stop.is_defined);
            let probes = ["TWICE(WORD)", "sizeof(word)", "NOT_A_VALUE", "-WORD"].map(str::to_owned);
            let expansions = asked.expansions(&probes).unwrap();
            assert_eq!(
                expansions,
                ["((3L) + (3L))", "sizeof(word)", "while", "-3L"]
            );
            let some = |text: &str| Some(text.to_owned());
            let constants = asked.constants(&probes).unwrap();
            assert_eq!(constants, [some("6"), some(word), None, some("-3")]);
            let error = inspector("#include <nowhere.h>\n").records().unwrap_err();
            assert!(error.to_string().contains("nowhere.h"), "{error}");
        }
    }
}
