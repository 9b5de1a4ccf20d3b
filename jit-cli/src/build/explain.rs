//! Explanations of what a build would do, and why.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use jit_llvm::{Compiler, Interrupt, Source};
use jit_schema::Target;

use crate::{
    build::current::Files,
    cache::{
        lookup::Lookup,
        record::{self, Record, Settings},
    },
    error::Error,
    pipeline::{
        flags::{self, Facts},
        workdir::{Place, WorkDir},
    },
    project::{
        plan::{Plan, Sources},
        platform::Platform,
        template,
    },
    tools::Tools,
};

/// The changes since the last build. Where something was replaced, `-` marks the old and `+` the new.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Changes {
    /// The versions of the tools and of the optimizer.
    pub tools: Vec<String>,
    /// clang's arguments.
    pub flags: Vec<String>,
    /// The paths of headers that were edited, added or removed.
    pub files: Vec<String>,
    /// Macros, with their definitions.
    pub macros: Vec<String>,
    /// The names of micro-ops that are new or have another text.
    pub uops: Vec<String>,
    /// The names of micro-ops that were removed.
    pub removed: Vec<String>,
}

/// What a build of a target would do, and why.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Explanation {
    /// The target.
    pub target: &'static Target,
    /// The kinds of wanted files that are missing, or that were made from other inputs.
    pub outdated: Vec<&'static str>,
    /// Why they are not up to date, one reason in each line.
    pub reasons: Vec<String>,
    /// The changes since the last build, if the cache has a record of it.
    pub changes: Option<Changes>,
    /// The micro-ops, or `None` for a project of functions: clang has to read the files before it is known which functions have
    /// changed.
    pub uops: Option<Uops>,
}

/// The micro-ops of a target.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Uops {
    /// The names of those that would be compiled.
    pub compiled: Vec<String>,
    /// The number of all.
    pub all: usize,
}

/// Explains each target of a plan.
pub(crate) fn explain_each(
    plan: &Plan<'_>,
    interrupt: &Interrupt,
    mut each: impl FnMut(Explanation),
) -> Result<(), Error> {
    let jobs = plan.jobs()?;
    let mut tools = Tools::new(plan, interrupt);
    // Without tools, it could not tell what would be compiled.
    tools.get()?;
    let sources = plan.sources()?;
    for platform in &plan.platforms {
        each(jobs.install(|| explain(plan, &mut tools, &sources, platform, interrupt))?);
    }
    Ok(())
}

fn explain(
    plan: &Plan<'_>,
    tools: &mut Tools<'_>,
    sources: &Sources,
    platform: &Platform,
    interrupt: &Interrupt,
) -> Result<Explanation, Error> {
    let project = &plan.project;
    let target = platform.target;
    let verdict = Files::new(plan, platform)?.check(tools)?;
    let toolchain = tools.get()?;
    let sources = match sources {
        Sources::Cases(sources) => sources,
        // Which functions have changed is known only after clang has read the files.
        Sources::Functions => {
            return Ok(Explanation {
                target,
                outdated: verdict.outdated.names(),
                reasons: verdict.reasons,
                changes: None,
                uops: None,
            });
        }
    };
    let cases = sources.cases(project)?;
    let (preamble, body) = sources.template(platform);
    let units = template::sources(body, &cases);
    let mut explanation = Explanation {
        target,
        outdated: verdict.outdated.names(),
        reasons: verdict.reasons,
        changes: None,
        uops: Some(Uops::of(&units, |_| true)),
    };
    let Some(cache) = &plan.cache else {
        return Ok(explanation);
    };
    let work = WorkDir::create(&Place::choose(None, 1))?;
    // Its remarks are for the build itself.
    let facts = Facts {
        has_shim: project.shim.is_some(),
        is_unhardened_by_flags: platform.is_unhardened_by_flags,
    };
    let (compiler, _) = flags::checked(plan.options(platform), facts, |options| {
        Compiler::builder(toolchain, options, work.path())
            .preamble(preamble)
            .mode(plan.mode())
            .interrupt(interrupt.clone())
            .build()
    })?;
    let lookup = Lookup {
        cache,
        name: plan.record_name(platform),
        toolchain,
        compiler: &compiler,
        optimizer: plan.optimizer(platform),
        hardening: platform.hardening.as_ref(),
        preamble,
        sources: &units,
        shim: project.shim.as_deref(),
        remember: false,
    };
    let last = lookup.last();
    let Some(started) = lookup.start(last.clone())? else {
        return Ok(explanation);
    };
    if let Some(last) = &last {
        let mut changes = Changes::of(last, started.settings(), &project.root);
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
    let keys = match lookup.known(&started) {
        Some(keys) => keys,
        None => lookup.keys(&started)?,
    };
    let has = |index: usize| matches!(keys.uops.get(index), Some(Some(key)) if cache.has(key));
    explanation.uops = Some(Uops::of(&units, |index| !has(index)));
    Ok(explanation)
}

impl Uops {
    fn of(units: &[Source], is_compiled: impl Fn(usize) -> bool) -> Uops {
        let compiled = units.iter().enumerate();
        let compiled = compiled.filter(|(index, _)| is_compiled(*index));
        Uops {
            compiled: compiled.map(|(_, source)| source.name.clone()).collect(),
            all: units.len(),
        }
    }
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
        let files = last.headers.changed().into_iter().chain(shim);
        let files: BTreeSet<String> = files.map(|path| shown(&path)).collect();
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
                self.uops.push(source.name.clone());
            }
        }
        self.removed = before.into_keys().map(str::to_owned).collect();
    }

    /// Returns whether nothing has changed.
    pub fn is_empty(&self) -> bool {
        self.named().iter().all(|(_, lines)| lines.is_empty())
    }

    /// Returns the lists, each with the name of what it lists.
    pub fn named(&self) -> [(&'static str, &[String]); 6] {
        [
            ("compiler", &self.tools),
            ("flag", &self.flags),
            ("file", &self.files),
            ("macro", &self.macros),
            ("micro-op", &self.uops),
            ("micro-op removed", &self.removed),
        ]
    }
}

/// Returns the words with each option and its values joined to one word.
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

/// Returns the words that only one of the two lists has, marked as in a diff.
fn difference(before: &[String], now: &[String]) -> Vec<String> {
    let gone = before.iter().filter(|word| !now.contains(word));
    let new = now.iter().filter(|word| !before.contains(word));
    gone.map(|word| format!("- {word}"))
        .chain(new.map(|word| format!("+ {word}")))
        .collect()
}

/// Returns the definitions of macros that were added, changed or removed, marked as in a diff.
fn changed_macros(before: &[String], now: &[String]) -> Vec<String> {
    let (before, now): (BTreeSet<&String>, BTreeSet<&String>) =
        (before.iter().collect(), now.iter().collect());
    let gone = before
        .difference(&now)
        .map(|definition| format!("- #define {definition}"));
    let new = now
        .difference(&before)
        .map(|definition| format!("+ #define {definition}"));
    gone.chain(new).collect()
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
        assert_eq!(difference(&before, &now), ["- -D A=1", "+ -D A=2", "+ -g"]);
    }

    #[test]
    fn macros_as_a_diff() {
        let before = ["A 1", "B", "C(x) x"].map(str::to_owned);
        let now = ["A 2", "C(x) x", "D"].map(str::to_owned);
        assert_eq!(
            changed_macros(&before, &now),
            [
                "- #define A 1",
                "- #define B",
                "+ #define A 2",
                "+ #define D"
            ]
        );
    }
}
