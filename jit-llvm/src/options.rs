//! clang's command line for each step.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use jit_schema::{Codegen, ObjectFormat, Target};

use crate::flags::{self, Flags};

/// The language of sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[non_exhaustive]
pub enum Language {
    /// C.
    #[default]
    C,
    /// C++.
    Cxx,
    /// LLVM IR, as text or bitcode.
    Ir,
}

/// What clang makes of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Output {
    /// Assembly, to be changed before it is assembled.
    #[default]
    Assembly,
    /// An object file.
    Object,
}

/// How to compile the sources of one project for one target.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CompileOptions {
    /// The target to compile for.
    pub target: &'static Target,
    /// The triple that clang gets, which may spell the target's in another way.
    pub triple: String,
    /// The code generation that `flags` are made for.
    pub codegen: Codegen,
    /// The language of the sources. The shim is C.
    pub language: Language,
    /// What clang makes of a source.
    pub output: Output,
    /// C text before every source, preambles included, whose lines do not count: line 1 of a source is the
    /// one after it.
    pub prelude: String,
    /// Directories to look for headers in, first to last.
    pub include_dirs: Vec<PathBuf>,
    /// The project's directory, written as `.` wherever a path gets into the output.
    pub root: PathBuf,
    /// Macros, and flags for code generation.
    pub flags: Flags,
    /// The user's own flags, such as `-isystem`, which come after `flags`.
    pub cflags: Vec<String>,
    /// What comes after all of them.
    pub last: LastFlags,
    /// A directory of sources that is removed after the build. Its path, which has no links in it, is left
    /// out of diagnostics.
    pub temporary: Option<PathBuf>,
}

/// Words that come after the user's flags, and so win over them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LastFlags {
    /// Words for every source.
    pub all: Vec<String>,
    /// Words for stencils only.
    pub stencil: Vec<String>,
    /// Words for the shim only.
    pub shim: Vec<String>,
}

impl CompileOptions {
    /// Returns options with [`Flags::for_stencils`], no prelude, no include directories and no flags of
    /// the user's.
    pub fn new(target: &'static Target, root: impl Into<PathBuf>) -> Self {
        CompileOptions {
            target,
            triple: target.triple.to_owned(),
            codegen: Codegen::Upstream,
            language: Language::C,
            output: Output::Assembly,
            prelude: String::new(),
            include_dirs: Vec::new(),
            root: root.into(),
            flags: Flags::for_stencils(target),
            cflags: Vec::new(),
            last: LastFlags::default(),
            temporary: None,
        }
    }

    /// Returns options whose code for stencils never has the address of something in the same object in
    /// 32 bits, or `None` if that is so for these options already. Such code takes the addresses of
    /// holes from the GOT, so it is a little larger.
    pub fn position_independent(&self) -> Option<CompileOptions> {
        let words = flags::position_independent(self.target);
        let mut options = self.clone();
        options
            .last
            .stencil
            .extend(words.iter().map(|word| (*word).to_owned()));
        (!words.is_empty()).then_some(options)
    }

    /// Returns the arguments from C to what clang makes of a source, without input, output and the definition of
    /// `_JIT_OPCODE`.
    pub(crate) fn stencil(&self, work: &Path) -> Vec<OsString> {
        match self.output {
            Output::Assembly => self.source(work, &["-S"]),
            Output::Object => self.source(work, &[&["-c"], self.timeless()].concat()),
        }
    }

    /// Returns the arguments from C to something else, which `action` selects.
    pub(crate) fn source(&self, work: &Path, action: &[&str]) -> Vec<OsString> {
        let mut arguments = self.base(work);
        push(&mut arguments, action);
        push(&mut arguments, &self.flags.stencil);
        self.finish(&mut arguments);
        push(&mut arguments, &self.last.stencil);
        match self.language {
            Language::C => {}
            Language::Cxx => push(&mut arguments, ["-x", "c++"]),
            Language::Ir => push(&mut arguments, IR),
        }
        arguments
    }

    /// Returns the arguments from the shim's C to an object file, without input and output.
    pub(crate) fn shim(&self, work: &Path) -> Vec<OsString> {
        let mut arguments = self.base(work);
        push(&mut arguments, ["-D_JIT_OPCODE=shim", "-c"]);
        push(&mut arguments, &self.flags.shim);
        self.finish(&mut arguments);
        push(&mut arguments, &self.last.shim);
        if self.target.format == ObjectFormat::Coff {
            push(&mut arguments, PLACELESS);
        }
        arguments
    }

    /// Returns the arguments from assembly to an object file, without input and output.
    pub(crate) fn assemble(&self) -> Vec<OsString> {
        let mut arguments = vec![self.target_argument(), "-c".into()];
        push(&mut arguments, self.timeless());
        let instructions = |word: &&String| flags::select_instructions(self.target, word);
        push(&mut arguments, self.cflags.iter().filter(instructions));
        arguments
    }

    /// Returns what keeps the time of day out of an object: the same input gives the same bytes.
    fn timeless(&self) -> &'static [&'static str] {
        match self.target.format {
            ObjectFormat::Coff => &["-mno-incremental-linker-compatible"],
            ObjectFormat::Elf | ObjectFormat::MachO => &[],
        }
    }

    fn base(&self, work: &Path) -> Vec<OsString> {
        let mut arguments = vec![self.target_argument()];
        push(
            &mut arguments,
            self.flags.defines.iter().map(|name| format!("-D{name}")),
        );
        push(
            &mut arguments,
            self.include_dirs.iter().map(|path| joined("-I", path)),
        );
        for path in [self.root.as_path(), work] {
            let mut map = joined("-ffile-prefix-map=", path);
            map.push("=.");
            arguments.push(map);
        }
        push(&mut arguments, &self.flags.common);
        arguments
    }

    fn finish(&self, arguments: &mut Vec<OsString>) {
        push(arguments, &self.flags.last);
        push(arguments, &self.cflags);
        push(arguments, &self.last.all);
    }

    fn target_argument(&self) -> OsString {
        format!("--target={}", self.triple).into()
    }
}

/// What keeps the names of temporary files out of debug information for Windows. Without that, the words do nothing.
const PLACELESS: [&str; 4] = [
    "--start-no-unused-arguments",
    "-object-file-name=./shim.o",
    "-gno-codeview-command-line",
    "--end-no-unused-arguments",
];

/// The words for LLVM IR, which makes no use of most flags and says itself what it is for.
pub(crate) const IR: [&str; 4] = [
    "-Wno-unused-command-line-argument",
    "-Wno-override-module",
    "-x",
    "ir",
];

fn push<T: AsRef<OsStr>>(arguments: &mut Vec<OsString>, more: impl IntoIterator<Item = T>) {
    arguments.extend(more.into_iter().map(|word| word.as_ref().to_owned()));
}

fn joined(option: &str, path: &Path) -> OsString {
    let mut word = OsString::from(option);
    word.push(path);
    word
}
