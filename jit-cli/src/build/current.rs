//! Whether the files of a target are up to date, and the state that tells it to the next build.
//!
//! For a CPython checkout, the digest in the first line decides, as it does for its build.py. It does not cover headers,
//! tools and the contents of the files. If the cache has a state of the files, that decides as well. Other projects have
//! a state next to the files, without which nothing is up to date.

use std::{collections::BTreeMap, path::PathBuf, time::SystemTime};

use jit_llvm::LlvmVersion;
use jit_schema::Target;

use crate::{
    build::{
        files::{self, File},
        object,
        output::OutputDir,
    },
    cache::key::Key,
    conventions::TargetFileNames,
    error::Error,
    pipeline::one_target::Built,
    project::{emit::Emits, plan::Plan, platform::Platform, settings},
    state::{
        collect::{self, Others},
        compare::{self, MACHINE, OWN},
        file::State,
        inputs::{Inputs, Mark},
        locations::Locations,
    },
    tools::{Known, Tools},
};

/// What headers have instead of a digest if an llvm-objdump that fails has left them without comments: nothing is up to
/// date with it, for build.py either.
pub(crate) const WITHOUT_COMMENTS: &str =
    "llvm-objdump failed, so comments with disassembly are missing";

/// What was found out about the files of a target.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// The kinds of wanted files that are not up to date.
    pub(crate) outdated: Emits,
    /// Why they are not, in lines for people.
    pub(crate) reasons: Vec<String>,
    /// What the user should know.
    pub(crate) remark: Option<String>,
    /// The files that were read when the target was built, as far as they are known.
    pub(crate) read: Vec<PathBuf>,
}

impl Verdict {
    /// Returns the verdict that these kinds are not up to date.
    pub(crate) fn outdated(outdated: Emits, reasons: Vec<String>) -> Verdict {
        Verdict {
            outdated,
            reasons,
            ..Verdict::default()
        }
    }
}

/// The files of a target in an output directory.
pub(crate) struct Files<'a> {
    plan: &'a Plan<'a>,
    target: &'static Target,
    triple: &'a str,
    output: OutputDir,
    names: TargetFileNames,
    locations: Locations,
    /// The inputs that are known before a build.
    inputs: Inputs,
    /// The digest that decides, if the project's conventions have one.
    digest: Option<String>,
}

impl<'a> Files<'a> {
    pub(crate) fn new(plan: &'a Plan<'a>, platform: &'a Platform) -> Result<Files<'a>, Error> {
        let locations = settings::locations(plan, platform);
        Ok(Files {
            plan,
            target: platform.target,
            triple: &platform.triple,
            output: OutputDir::at(&plan.output_dir),
            names: plan.project.conventions.file_names.of(&platform.triple),
            inputs: settings::inputs(plan, platform, &locations),
            locations,
            digest: plan.digest(platform)?,
        })
    }

    /// Returns the target.
    pub(crate) fn target(&self) -> &'static Target {
        self.target
    }

    /// Returns the names of the files.
    pub(crate) fn names(&self) -> &TargetFileNames {
        &self.names
    }

    /// Finds out which files are up to date.
    pub(crate) fn check(&self, tools: &mut Tools<'_>) -> Result<Verdict, Error> {
        match &self.digest {
            Some(digest) => self.check_checkout(digest, tools),
            None => self.check_own(tools),
        }
    }

    fn check_own(&self, tools: &mut Tools<'_>) -> Result<Verdict, Error> {
        let wanted = self.plan.emits;
        let name = &self.names.state;
        let Some(state) = self.own_state() else {
            let reason = match self.output.has(name) {
                true => format!("{name} is damaged, or of another version of jit-cli"),
                false => format!("{name} is missing"),
            };
            return Ok(Verdict::outdated(wanted, vec![reason]));
        };
        self.check_state(&state, tools)
    }

    /// Compares the files with a state of them.
    fn check_state(&self, state: &State, tools: &mut Tools<'_>) -> Result<Verdict, Error> {
        let wanted = self.plan.emits;
        if let Some(reason) = &state.unknown {
            return Ok(Verdict::outdated(wanted, vec![reason.clone()]));
        }
        let before = &state.inputs;
        let mut reasons = before.other_settings(&self.inputs);
        reasons.extend(before.other_files(&self.locations, OWN));
        let mut remark = None;
        if reasons.is_empty() {
            match tools.identities()? {
                Some(tools) => {
                    reasons.extend(before.other_tools(&tools));
                    reasons.extend(before.other_files(&self.locations, MACHINE));
                }
                None => match self.other_version(before) {
                    Some(reason) => reasons.push(reason),
                    None => {
                        let version = self.plan.search.major;
                        let version = version.map(|major| format!(" {major}"));
                        remark = Some(format!(
                            "{}: clang{} is not installed, so neither the tools nor headers outside of the project are \
                             compared with those that the files were made with",
                            self.target,
                            version.unwrap_or_default(),
                        ));
                    }
                },
            }
        }
        if !reasons.is_empty() {
            return Ok(Verdict::outdated(wanted, reasons));
        }
        let mut outdated = Emits::default();
        for (kind, is_wanted) in [
            (Emits::HEADER, wanted.header),
            (Emits::STENCILS, wanted.stencils),
            (Emits::C, wanted.c),
            (Emits::RUST, wanted.rust),
        ] {
            let names = self.names_of(kind);
            let other = compare::other_outputs(&state.outputs, &self.plan.output_dir, &names);
            if is_wanted && !other.is_empty() {
                outdated = outdated.or(kind);
                reasons.extend(other);
            }
        }
        Ok(Verdict {
            outdated,
            reasons,
            remark: remark.filter(|_| outdated.is_empty()),
            read: before.paths(&self.locations),
        })
    }

    /// Returns why the files are not those of the wanted version of LLVM, which is not installed.
    fn other_version(&self, before: &Inputs) -> Option<String> {
        let wanted = self.plan.search.major?;
        let mut versions = before.tools.iter();
        let version = versions.find_map(|text| LlvmVersion::printed_in(text))?;
        (version.major != wanted).then(|| {
            format!("the files were made with LLVM {version}, and LLVM {wanted} is wanted")
        })
    }

    /// Returns the names of the files of a kind.
    fn names_of(&self, kind: Emits) -> Vec<&str> {
        let mut names = Vec::new();
        if kind.header {
            names.push(self.names.header.as_str());
            if self.plan.project.has_shim_files() {
                names.extend([self.names.shim.as_str(), &self.names.unwind]);
            }
        }
        if kind.stencils {
            names.push(self.names.stencils.as_str());
        }
        if kind.c {
            names.push(self.names.host.as_str());
        }
        if kind.rust {
            names.push(self.names.opcodes.as_str());
        }
        names
    }

    fn check_checkout(&self, digest: &str, tools: &mut Tools<'_>) -> Result<Verdict, Error> {
        let mut by_digest = self.check_digest(digest);
        let current = self.plan.emits.without(by_digest.outdated);
        let Some(state) = self.record() else {
            return Ok(by_digest);
        };
        if current.is_empty() {
            by_digest.read = state.inputs.paths(&self.locations);
            return Ok(by_digest);
        }
        let mut by_state = self.check_state(&state, tools)?;
        let known_better = by_state.outdated.without(by_digest.outdated);
        by_state.remark = match by_state.reasons.as_slice() {
            // Nobody has files of those that are looked at.
            [first, rest @ ..] if !known_better.is_empty() && !self.plan.is_to_look => {
                let more = match rest.len() {
                    0 => String::new(),
                    more => format!(", and {more} more"),
                };
                Some(format!(
                    "{}: the digest in the files has not changed, but they are built again: {first}{more}",
                    self.target
                ))
            }
            _ => None,
        };
        by_state.outdated = by_state.outdated.or(by_digest.outdated);
        let more = by_state.reasons.into_iter();
        let known = by_digest.reasons;
        let more: Vec<String> = more.filter(|reason| !known.contains(reason)).collect();
        by_state.reasons = [known, more].concat();
        Ok(by_state)
    }

    /// Compares the files with the digest alone, and checks that they are complete.
    fn check_digest(&self, digest: &str) -> Verdict {
        let wanted = self.plan.emits;
        let first_line = format!("// {digest}\n");
        let mut outdated = Emits::default();
        let mut reasons = Vec::new();
        let format = self.plan.project.conventions.header_format;
        if wanted.header {
            let header = |name: &String| {
                self.check_header(name, &first_line, |header| format.is_whole(header))
            };
            reasons.extend(header(&self.names.header));
            if self.plan.project.has_shim_files() {
                reasons.extend(header(&self.names.unwind));
                reasons.extend(self.check_shim());
            }
            outdated.header = !reasons.is_empty();
        }
        if wanted.stencils {
            let name = &self.names.stencils;
            let stamp = self.output.read(&self.names.stamp);
            let reason = match self.output.read(name) {
                None => Some(format!("{name} is missing")),
                Some(file) if stamp != Some(files::stamp(digest, &file)) => {
                    Some(format!("{name} was made from other inputs"))
                }
                Some(_) => None,
            };
            outdated.stencils = reason.is_some();
            reasons.extend(reason);
        }
        if wanted.c {
            let whole = jit_writer::is_whole_host_header;
            let reason = self.check_header(&self.names.host, &first_line, whole);
            outdated.c = reason.is_some();
            reasons.extend(reason);
        }
        if wanted.rust {
            let whole = jit_writer::is_whole_opcodes;
            let reason = self.check_header(&self.names.opcodes, &first_line, whole);
            outdated.rust = reason.is_some();
            reasons.extend(reason);
        }
        Verdict::outdated(outdated, reasons)
    }

    /// Returns why a header is not up to date.
    fn check_header(
        &self,
        name: &str,
        first_line: &str,
        is_whole: impl Fn(&[u8]) -> bool,
    ) -> Option<String> {
        Some(match self.output.read(name) {
            None => format!("{name} is missing"),
            Some(bytes) if bytes.starts_with(format!("// {WITHOUT_COMMENTS}\n").as_bytes()) => {
                format!("{name} was made when {WITHOUT_COMMENTS}")
            }
            Some(bytes) if !bytes.starts_with(first_line.as_bytes()) => {
                format!("{name} was made from other inputs")
            }
            Some(bytes) if !is_whole(&bytes) => format!("{name} has no end"),
            Some(bytes) => {
                let (made, named) = (version_in(&bytes)?, self.plan.named_version()?);
                if made == named {
                    return None;
                }
                format!("{name} was made with LLVM {made}, and LLVM {named} is asked for")
            }
        })
    }

    /// Returns why the shim's object is not up to date.
    fn check_shim(&self) -> Option<String> {
        let name = &self.names.shim;
        match self.output.read(name) {
            None => Some(format!("{name} is missing")),
            Some(bytes) if !object::is_for(&bytes, self.target) => {
                Some(format!("{name} is no object file for {}", self.target))
            }
            Some(_) => None,
        }
    }

    /// Returns whether a build has to find out what it reads.
    pub(crate) fn needs_inputs(&self) -> bool {
        self.digest.is_none() || self.plan.cache.is_some()
    }

    /// Returns the inputs of a build, or else why they are not known.
    pub(crate) fn read_by(
        &self,
        built: &Built,
        known: &Known,
        begun: SystemTime,
        flags: &[String],
    ) -> Result<Inputs, String> {
        let (Some([compile, _, shim]), Some(reads)) = (&built.arguments, &built.reads) else {
            return Err("it is not known which files clang has read".to_owned());
        };
        let project = &self.plan.project;
        let others = Others {
            sources: project.input.files(),
            arguments: [compile, shim],
            flags,
            clang: &known.clang,
            parts: &known.parts,
            triple: self.target.triple,
            begun,
        };
        let mut inputs = self.inputs.clone();
        inputs.tools.clone_from(&known.identities);
        let headers = reads.headers.clone()?;
        collect::collect(headers, &others, &self.locations, &mut inputs)?;
        Ok(inputs)
    }

    /// Returns the paths of the files among the inputs, as far as they are known.
    pub(crate) fn paths(&self, inputs: &Result<Inputs, String>) -> Vec<PathBuf> {
        match inputs {
            Ok(inputs) => inputs.paths(&self.locations),
            Err(_) => Vec::new(),
        }
    }

    /// Returns the digest for the first lines of headers.
    pub(crate) fn digest_of(&self, inputs: &Result<Inputs, String>) -> String {
        match (&self.digest, inputs) {
            (Some(_), Err(why)) if why == WITHOUT_COMMENTS => why.clone(),
            (Some(digest), _) => digest.clone(),
            (None, Ok(inputs)) => inputs.digest(),
            // Headers are not among these inputs. No state says that the files are up to date.
            (None, Err(_)) => self.inputs.digest(),
        }
    }

    /// Adds the state to the files of a build with these inputs, or returns it if it belongs in the cache. Files of
    /// an earlier build with the same inputs stay in it.
    pub(crate) fn add_state(
        &self,
        inputs: Result<Inputs, String>,
        files: &mut Vec<File>,
    ) -> Option<(String, State)> {
        let outputs = files.iter();
        let outputs = outputs.map(|file| (file.name.clone(), Mark::of(&file.contents)));
        let mut outputs: BTreeMap<String, Mark> = outputs.collect();
        let (inputs, unknown) = match inputs {
            Ok(inputs) => (inputs, None),
            Err(why) => (self.inputs.clone(), Some(why)),
        };
        let before = match self.digest {
            Some(_) => self.record(),
            None => self.own_state(),
        };
        if let Some(before) = before
            && before.inputs == inputs
            && before.unknown.is_none()
        {
            for (name, mark) in before.outputs {
                outputs.entry(name).or_insert(mark);
            }
        }
        let state = State {
            unknown,
            inputs,
            outputs,
        };
        match self.digest {
            Some(_) => Some((self.record_name(), state)),
            None => {
                files.push(File::new(&self.names.state, state.encode()));
                None
            }
        }
    }

    /// Returns the state next to the files, if there is one that can be read.
    fn own_state(&self) -> Option<State> {
        State::decode(&self.output.read(&self.names.state)?)
    }

    /// Returns the state in the cache, if there is one that can be read.
    fn record(&self) -> Option<State> {
        let cache = self.plan.cache.as_ref()?;
        cache.read_record(&self.record_name())
    }

    /// Returns the name of the state in the cache. There is one for each output directory and target.
    fn record_name(&self) -> String {
        let directory = &self.plan.output_dir;
        let directory = directory
            .canonicalize()
            .unwrap_or_else(|_| directory.clone());
        let parts = [
            directory.as_os_str().as_encoded_bytes(),
            self.triple.as_bytes(),
        ];
        format!("{}.state", Key::of(parts))
    }
}

/// Returns the version of LLVM in the second line of a header, the command that it was made with, if that names one. The digest does
/// not count it, as it has nothing to do with the sources.
fn version_in(header: &[u8]) -> Option<u32> {
    let line = header.split(|byte| *byte == b'\n').nth(1)?;
    let command = std::str::from_utf8(line).ok()?.strip_prefix("// $ ")?;
    let words = shlex::split(command)?;
    let mut versions = words
        .iter()
        .zip(words.iter().skip(1).map(Some).chain([None]));
    let version = versions.find_map(|(word, next)| match word.strip_prefix("--llvm-version")? {
        "" => next.map(String::as_str),
        value => value.strip_prefix('='),
    });
    version?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_in_headers() {
        for (command, expected) in [
            ("// $ jit-cli build --debug --llvm-version=22", Some(22)),
            // As argparse understands it in build.py.
            (
                "// $ python3 Tools/jit/build.py x --llvm-version 21 -f",
                Some(21),
            ),
            (
                "// $ jit-cli build '--cflags=--llvm-version=19' --llvm-version=20",
                Some(20),
            ),
            ("// $ python3 build.py --llvm-version=", None),
            ("// $ python3 build.py --llvm-version", None),
            ("// $ python3 build.py '", None),
            ("// digest", None),
        ] {
            let header = format!("// digest\n{command}\n\nvoid\n");
            assert_eq!(version_in(header.as_bytes()), expected, "{command}");
        }
        assert_eq!(version_in(b"// digest"), None);
    }
}
