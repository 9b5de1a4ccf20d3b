//! `jit-cli explain`: what a build would do, and why.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use jit_llvm::{Compiler, Interrupt};
use jit_schema::Target;
use serde_json::{Value, json};

use crate::{
    cache::lookup::Lookup,
    cache::record::{self, Record, Settings},
    commands::arguments::BuildArgs,
    commands::build::outdated,
    error::Error,
    output::OutputDir,
    pipeline::workdir::WorkDir,
    project::emit::Emits,
    project::platform::Platform,
    project::setup::{Setup, Sources},
    project::template,
    terminal::report::Report,
};

/// What has changed since a build, in lines for people and names for tools.
#[derive(Debug, Default)]
struct Changes {
    tools: Vec<String>,
    flags: Vec<String>,
    files: Vec<String>,
    macros: Vec<String>,
    /// Micro-ops whose own text is new or another.
    texts: Vec<String>,
    removed: Vec<String>,
}

/// What a build of a target would do.
struct Explanation {
    target: &'static Target,
    /// Those of the generated files that do not say that they were made from these inputs.
    outdated: Emits,
    /// `None` if there was no build to compare with.
    changes: Option<Changes>,
    /// The micro-ops that would be compiled, and how many there are.
    compiled: Vec<String>,
    uops: usize,
}

/// Run the command.
pub(crate) fn run(
    arguments: &BuildArgs,
    interrupt: &Interrupt,
    report: &Report,
) -> Result<(), Error> {
    let setup = Setup::new(arguments)?;
    report.project(&setup.project.description, arguments.cpython.is_some());
    let jobs = setup.jobs()?;
    let toolchain = setup.toolchain(interrupt)?;
    let sources = setup.sources()?;
    for platform in &setup.platforms {
        let explanation =
            jobs.install(|| explain(&setup, &toolchain, &sources, platform, interrupt))?;
        report.explained(&explanation.lines(), &explanation.json());
    }
    Ok(())
}

fn explain(
    setup: &Setup<'_>,
    toolchain: &jit_llvm::Toolchain,
    sources: &Sources,
    platform: &Platform,
    interrupt: &Interrupt,
) -> Result<Explanation, Error> {
    let project = &setup.project;
    let target = platform.target;
    let digest = setup.digest(platform)?;
    let output = OutputDir::at(setup.output_dir());
    let outdated = outdated(
        setup,
        &output,
        &project.conventions.file_names.of(target),
        &digest,
    );
    let cases = sources.cases(project)?;
    let (preamble, body) = sources.template(platform);
    let units = template::sources(body, &cases);
    let mut explanation = Explanation {
        target,
        outdated,
        changes: None,
        compiled: units.iter().map(|source| source.name.clone()).collect(),
        uops: units.len(),
    };
    let Some(cache) = &setup.cache else {
        return Ok(explanation);
    };
    let work = WorkDir::create(None, 1)?;
    let compiler = Compiler::builder(toolchain, setup.options(platform), work.path())
        .preamble(preamble)
        .mode(setup.mode())
        .interrupt(interrupt.clone())
        .build()?;
    let lookup = Lookup {
        cache,
        name: setup.record_name(platform),
        toolchain,
        compiler: &compiler,
        preamble,
        sources: &units,
        shim: project.shim.as_deref(),
        remember: false,
    };
    let last = lookup.last();
    if let (Some(last), Some(arguments)) = (&last, compiler.arguments()?) {
        let settings = Settings::new(toolchain, arguments, &compiler, preamble);
        let mut changes = Changes::of(last, &settings, &project.root);
        changes.note_uops(last, &lookup);
        if !changes.files.is_empty() || !changes.flags.is_empty() {
            let now = compiler.expand(&[])?.map(|expansion| expansion.macros);
            let before = record::read_macros(cache, &lookup.name);
            if let (Some(before), Some(now)) = (before, now) {
                changes.macros = changed_macros(&before, &now);
            }
        }
        explanation.changes = Some(changes);
    }
    let keys = lookup.keys(last)?;
    explanation.compiled = units
        .iter()
        .zip(&keys.uops)
        .filter(|(_, key)| key.is_none_or(|key| !cache.has(&key)))
        .map(|(source, _)| source.name.clone())
        .collect();
    Ok(explanation)
}

impl Changes {
    fn of(last: &Record, settings: &Settings, root: &Path) -> Changes {
        let before = &last.settings;
        let mut changes = Changes::default();
        if before.tools != settings.tools {
            changes.tools = difference(&before.tools, &settings.tools);
        }
        let steps = ["to compile", "to assemble", "for the shim"];
        let arguments = before.arguments.iter().zip(&settings.arguments);
        for (step, (old, new)) in steps.iter().zip(arguments) {
            let lines = difference(&joined(old), &joined(new));
            changes
                .flags
                .extend(lines.into_iter().map(|line| format!("{line} ({step})")));
        }
        let shown = |path: &Path| {
            path.strip_prefix(root)
                .unwrap_or(path)
                .display()
                .to_string()
        };
        let shim = last
            .shim
            .as_ref()
            .map(|shim| shim.headers.changed())
            .unwrap_or_default();
        let files: BTreeSet<String> = last
            .headers
            .changed()
            .into_iter()
            .chain(shim)
            .map(shown)
            .collect();
        changes.files = files.into_iter().collect();
        if before.preamble != settings.preamble {
            changes
                .files
                .push("the template's leading includes".to_owned());
        }
        changes
    }

    fn note_uops(&mut self, last: &Record, lookup: &Lookup<'_>) {
        let mut before: BTreeMap<&str, _> = last
            .uops
            .iter()
            .map(|(name, uop)| (name.as_str(), uop.text))
            .collect();
        for source in lookup.sources {
            if before.remove(source.name.as_str()) != Some(Lookup::text_key(source)) {
                self.texts.push(source.name.clone());
            }
        }
        self.removed = before.into_keys().map(str::to_owned).collect();
    }

    fn is_empty(&self) -> bool {
        self.named().iter().all(|(_, lines)| lines.is_empty())
    }

    fn named(&self) -> [(&'static str, &[String]); 6] {
        [
            ("compiler", &self.tools),
            ("flag", &self.flags),
            ("file", &self.files),
            ("macro", &self.macros),
            ("micro-op", &self.texts),
            ("micro-op removed", &self.removed),
        ]
    }
}

/// Options and their values as one word each.
fn joined(words: &[String]) -> Vec<String> {
    let mut joined: Vec<String> = Vec::new();
    for word in words {
        match joined.last_mut() {
            Some(option) if !word.starts_with('-') => {
                option.push(' ');
                option.push_str(word);
            }
            _ => joined.push(word.clone()),
        }
    }
    joined
}

/// What one list has that the other has not, marked as in a diff.
fn difference(before: &[String], now: &[String]) -> Vec<String> {
    let gone = before.iter().filter(|word| !now.contains(word));
    let new = now.iter().filter(|word| !before.contains(word));
    gone.map(|word| format!("-{word}"))
        .chain(new.map(|word| format!("+{word}")))
        .collect()
}

/// The macros that are there now and were not, or were something else, and those that are gone.
fn changed_macros(before: &[String], now: &[String]) -> Vec<String> {
    let (before, now): (BTreeSet<&String>, BTreeSet<&String>) =
        (before.iter().collect(), now.iter().collect());
    let gone = before
        .difference(&now)
        .map(|definition| format!("-#define {definition}"));
    let new = now
        .difference(&before)
        .map(|definition| format!("+#define {definition}"));
    gone.chain(new).collect()
}

/// How many lines of a kind are shown to people.
const SHOWN: usize = 20;

impl Explanation {
    fn lines(&self) -> Vec<String> {
        let mut lines = vec![self.target.triple.to_owned()];
        lines.push(match self.outdated.is_empty() {
            true => "  the generated files are up to date: a build does nothing (but with --force)"
                .to_owned(),
            false => format!(
                "  the generated files ({}) are not there, or were made from other inputs",
                self.outdated.names().join(", ")
            ),
        });
        match &self.changes {
            None => lines.push("  there is no build of it in the cache to compare with".to_owned()),
            Some(changes) if changes.is_empty() => {
                lines.push("  nothing has changed since the last build".to_owned());
            }
            Some(changes) => {
                lines.push("  changed since the last build:".to_owned());
                for (kind, changed) in changes.named() {
                    lines.extend(some(changed).map(|line| format!("    {kind}: {line}")));
                }
            }
        }
        let (compiled, all) = (self.compiled.len(), self.uops);
        lines.push(format!(
            "  {compiled} of {all} micro-ops would be compiled, {} are in the cache",
            all - compiled
        ));
        if compiled < all {
            lines.extend(some(&self.compiled).map(|name| format!("    {name}")));
        }
        lines
    }

    fn json(&self) -> Value {
        let changes = self.changes.as_ref().map(|changes| {
            let named = changes.named();
            let fields = named
                .iter()
                .map(|(kind, lines)| ((*kind).to_owned(), json!(lines)));
            Value::Object(fields.collect())
        });
        json!({
            "target": self.target.triple,
            "current": self.outdated.is_empty(),
            "outdated": self.outdated.names(),
            "changes": changes,
            "uops": self.uops,
            "compiled": self.compiled,
        })
    }
}

/// The first few, and how many more there are.
fn some(lines: &[String]) -> impl Iterator<Item = String> {
    let more = lines.len().saturating_sub(SHOWN);
    let rest = (more > 0).then(|| format!("and {more} more"));
    lines.iter().take(SHOWN).cloned().chain(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn flags_with_their_values() {
        let before = joined(&words("-cc1 -Os -D A=1 -I /x"));
        assert_eq!(before, ["-cc1", "-Os", "-D A=1", "-I /x"]);
        let now = joined(&words("-cc1 -Os -D A=2 -I /x -g"));
        assert_eq!(difference(&before, &now), ["--D A=1", "+-D A=2", "+-g"]);
    }

    #[test]
    fn macros_as_a_diff() {
        let before = ["A 1", "B", "C(x) x"].map(str::to_owned);
        let now = ["A 2", "C(x) x", "D"].map(str::to_owned);
        assert_eq!(
            changed_macros(&before, &now),
            ["-#define A 1", "-#define B", "+#define A 2", "+#define D"]
        );
    }

    #[test]
    fn long_lists_are_cut() {
        let lines: Vec<String> = (0..SHOWN + 3).map(|n| n.to_string()).collect();
        let shown: Vec<String> = some(&lines).collect();
        assert_eq!(shown.len(), SHOWN + 1);
        assert_eq!(shown.last().unwrap(), "and 3 more");
    }
}
