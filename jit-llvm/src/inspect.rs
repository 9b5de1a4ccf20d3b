//! What clang understands of a source: its macros, types and layouts. Nothing is compiled.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
};

use crate::{
    CompileOptions, Interrupt, LlvmError, Toolchain, command,
    declarations::{self, Declarations},
    layouts::{self, Record},
};

/// What a macro is replaced by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Macro {
    /// The names of its parameters, `...` for more; `None` if it takes no parentheses.
    pub parameters: Option<Vec<String>>,
    /// The text as the preprocessor prints it, before any replacement in it.
    pub body: String,
}

/// A part of a source after preprocessing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// The file it is from.
    pub file: PathBuf,
    /// Its tokens.
    pub text: String,
}

/// Answers questions about one source, in one way of compiling it. Each question is a process.
#[derive(Debug)]
pub struct Inspector<'a> {
    toolchain: &'a Toolchain,
    options: CompileOptions,
    name: String,
    source: String,
    work: PathBuf,
    interrupt: Interrupt,
}

/// What probes are called in diagnostics; no file is.
const PROBES: &str = "<jit probes>";
/// What no macro and no size is worth.
const UNLIKELY: i64 = 0x7eed_fadd_5eed;
/// What starts the expansion of a probe.
const MARKER: &str = "__jit_probe__";

impl<'a> Inspector<'a> {
    /// An inspector of a C source, whose name is for messages. It keeps its files in `work`, an
    /// existing folder of its own, which the caller removes. The options are those for stencils.
    ///
    /// # Errors
    ///
    /// [`LlvmError::File`] if `work` is not there.
    pub fn new(
        toolchain: &'a Toolchain,
        options: CompileOptions,
        name: &str,
        source: String,
        work: &Path,
        interrupt: Interrupt,
    ) -> Result<Self, LlvmError> {
        let work = command::resolve(work)?;
        Ok(Inspector {
            toolchain,
            options,
            name: name.to_owned(),
            source,
            work,
            interrupt,
        })
    }

    /// The records that the source defines, its headers included, each once.
    ///
    /// # Errors
    ///
    /// [`LlvmError::Rejected`] if the source does not compile, or if clang's answer can't be read.
    pub fn records(&self) -> Result<Vec<Record>, LlvmError> {
        let flags = ["-fsyntax-only", "-Xclang", "-fdump-record-layouts-complete"];
        let text = self.ask("records", "", &flags)?;
        layouts::parse(&text).map_err(|line| LlvmError::Rejected {
            name: self.name.clone(),
            stage: "read the layouts of",
            diagnostics: format!("clang prints what this version does not know: {line}\n"),
        })
    }

    /// The macros that are defined at the end, by name.
    ///
    /// # Errors
    ///
    /// [`LlvmError::Rejected`] if the preprocessor has errors.
    pub fn macros(&self) -> Result<BTreeMap<String, Macro>, LlvmError> {
        let text = self.ask("macros", "", &["-E", "-dM"])?;
        Ok(text.lines().filter_map(definition).collect())
    }

    /// The source after preprocessing, by file; a file whose text is interrupted by what it includes
    /// comes up again.
    ///
    /// # Errors
    ///
    /// [`LlvmError::Rejected`] if the preprocessor has errors.
    pub fn passages(&self) -> Result<Vec<Passage>, LlvmError> {
        let text = self.ask("passages", "", &["-E"])?;
        let mut passages: Vec<Passage> = Vec::new();
        for line in text.lines() {
            if let Some(file) = line_marker(line) {
                passages.push(Passage {
                    file,
                    text: String::new(),
                });
            } else if let Some(passage) = passages.last_mut() {
                passage.text.push_str(line);
                passage.text.push('\n');
            }
        }
        Ok(passages)
    }

    /// The typedefs and functions at file scope.
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

    /// What expressions behind the source are after preprocessing, in their order. Each is one line.
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

    /// The values of integer constant expressions behind the source, in their order, as clang writes
    /// them; `None` for what is no such expression. Each is one line with balanced parentheses.
    ///
    /// # Errors
    ///
    /// If clang can't be run. A source that does not compile has no values.
    pub fn constants(&self, expressions: &[String]) -> Result<Vec<Option<String>>, LlvmError> {
        let mut found = vec![None; expressions.len()];
        let mut open: Vec<usize> = (0..expressions.len()).collect();
        while !open.is_empty() {
            let probes = open.iter().filter_map(|place| expressions.get(*place));
            let answers = self.evaluate(probes)?;
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
            // What clang skipped over, in search of the end of something malformed, comes again.
            if silent.len() == open.len() {
                break;
            }
            open = silent;
        }
        Ok(found)
    }

    fn evaluate<'p>(
        &self,
        expressions: impl Iterator<Item = &'p String>,
    ) -> Result<Vec<Answer>, LlvmError> {
        // An assertion that fails says what it has found, unless it was a literal.
        let probes: Vec<String> = expressions
            .map(|expression| format!("_Static_assert(({expression}) + 0 == {UNLIKELY}, \"\");\n"))
            .collect();
        let flags = [
            "-fsyntax-only",
            "-ferror-limit=0",
            "-fno-spell-checking",
            "-fno-caret-diagnostics",
            "-fno-color-diagnostics",
        ];
        let output = self.run("constants", &probes.concat(), &flags)?;
        let mut answers = vec![Answer::Silence; probes.len()];
        for line in String::from_utf8_lossy(&output.stderr).lines() {
            let Some((number, answer)) = answer(line) else {
                continue;
            };
            if let Some(place) = answers.get_mut(number.wrapping_sub(1))
                && !matches!(place, Answer::Value(_))
            {
                *place = answer;
            }
        }
        Ok(answers)
    }

    /// What clang prints on standard output.
    fn ask(&self, question: &str, probes: &str, flags: &[&str]) -> Result<String, LlvmError> {
        let output = self.run(question, probes, flags)?;
        if !output.status.success() {
            let folder = format!("{}{}", self.work.display(), std::path::MAIN_SEPARATOR);
            return Err(LlvmError::Rejected {
                name: self.name.clone(),
                stage: "compile",
                diagnostics: output.diagnostics().replace(&folder, ""),
            });
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn run(
        &self,
        question: &str,
        probes: &str,
        flags: &[&str],
    ) -> Result<command::Output, LlvmError> {
        // Questions may be asked at the same time, and the file's name is in some answers.
        let folder = self.work.join(question);
        std::fs::create_dir_all(&folder).map_err(|source| LlvmError::File {
            action: "create",
            path: folder.clone(),
            source,
        })?;
        let input = folder.join(format!("{}.c", self.name));
        let text = format!("{}\n#line 1 \"{PROBES}\"\n{probes}", self.source);
        command::write(&input, text.as_bytes())?;
        let mut arguments = self.options.stencil(&self.work);
        // Neither assembly nor warnings are asked for.
        arguments.retain(|argument| argument != "-S");
        arguments.extend(flags.iter().map(OsString::from));
        arguments.extend([
            "-w".into(),
            format!("-D_JIT_OPCODE={}", self.name).into(),
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

/// `#define NAME BODY` or `#define NAME(A, B, ...) BODY`.
fn definition(line: &str) -> Option<(String, Macro)> {
    let rest = line.strip_prefix("#define ")?;
    let end = rest
        .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'))
        .unwrap_or(rest.len());
    let (name, rest) = rest.split_at_checked(end)?;
    let (parameters, body) = match rest.strip_prefix('(') {
        Some(rest) => {
            let (list, body) = rest.split_once(')')?;
            let names = list.split(',').map(|name| name.trim().to_owned());
            (Some(names.filter(|name| !name.is_empty()).collect()), body)
        }
        None => (None, rest),
    };
    let body = body.trim().to_owned();
    Some((name.to_owned(), Macro { parameters, body }))
}

/// The file of `# LINE "FILE" FLAGS`.
fn line_marker(line: &str) -> Option<PathBuf> {
    let rest = line.strip_prefix("# ")?;
    let (number, rest) = rest.split_once(" \"")?;
    number.parse::<u64>().ok()?;
    let (name, _) = rest.rsplit_once('"')?;
    Some(PathBuf::from(
        name.replace("\\\"", "\"").replace("\\\\", "\\"),
    ))
}

/// What clang says of a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    Value(String),
    Error,
    Silence,
}

/// The line and what is said of it in `<jit probes>:LINE:COLUMN: error: ...`, or in `...: note:
/// expression evaluates to 'A == B'`.
fn answer(line: &str) -> Option<(usize, Answer)> {
    let rest = line.strip_prefix(PROBES)?.strip_prefix(':')?;
    let (number, rest) = rest.split_once(':')?;
    let value = rest
        .split_once(": note: expression evaluates to '")
        .and_then(|(_, rest)| rest.split_once(" == "));
    let answer = match value {
        // The same value of another type may have another suffix.
        Some((value, _)) => Answer::Value(value.trim_end_matches(['U', 'L', 'u', 'l']).to_owned()),
        None => Answer::Error,
    };
    Some((number.parse().ok()?, answer))
}

#[cfg(test)]
mod tests {
    use jit_schema::Target;

    use super::*;
    use crate::Search;

    #[test]
    fn definitions_as_the_preprocessor_prints_them() {
        let parsed = |line| {
            let (name, Macro { parameters, body }) = definition(line)?;
            Some((name, parameters.map(|names| names.join(" ")), body))
        };
        for (line, name, parameters, body) in [
            ("#define A 1", "A", None, "1"),
            ("#define A", "A", None, ""),
            ("#define A (1)", "A", None, "(1)"),
            ("#define A() f()", "A", Some(""), "f()"),
            ("#define A(b,...) b(c)", "A", Some("b ..."), "b(c)"),
        ] {
            let expected = (
                name.to_owned(),
                parameters.map(str::to_owned),
                body.to_owned(),
            );
            assert_eq!(parsed(line), Some(expected), "{line}");
        }
        assert_eq!(parsed("#undef A"), None);
    }

    #[test]
    fn clang_answers() {
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
            let inspector = |source: &str| {
                let (source, interrupt) = (source.to_owned(), interrupt.clone());
                let options = options.clone();
                Inspector::new(&toolchain, options, "x", source, work.path(), interrupt).unwrap()
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
