//! Looking at the stencils of a project, without writing files of the author's.

use std::{collections::BTreeSet, path::PathBuf};

use jit_schema::Target;
use jit_stencils::{StencilSet, file};

use super::{Build, output::OutputDir, run::Run};
use crate::{
    cache::{key::Key, store::Cache},
    error::Error,
    events::Listener,
    paths,
    pipeline::one_target::look::{Looked, What},
    project::{
        emit::Emit,
        options::Targets,
        plan::{Plan, Sources},
    },
};

impl Build {
    /// Sets what gets the events of a build.
    pub(crate) fn listening(self, listener: Listener) -> Build {
        Build { listener, ..self }
    }

    /// Returns the stencils of all targets, as [`Build::run`] does. The cache keeps them as stencil files with their state, so
    /// that the next call takes a few milliseconds if nothing has changed: no tool is run then.
    pub(crate) fn kept_stencils(&self) -> Result<Vec<StencilSet>, Error> {
        let mut options = self.options.absolute()?;
        options.headers = false;
        let mut plan = self.plan_to_look(&options)?;
        // A project in a directory that is another one each time would take the places of those that are looked at again.
        let Some(cache) = plan.cache.as_ref().filter(|_| options.cache.remember) else {
            return self.stencils(&plan);
        };
        plan.output_dir = place(&plan, cache);
        // Where the cache can't be written to, nothing is kept.
        let is_writable = OutputDir::create(&plan.output_dir).is_ok();
        let written = is_writable.then(|| self.write_plan(&plan));
        let sets = match written {
            Some(Err(error)) if !error.is_disk_full() => return Err(error),
            Some(Ok(_)) => kept(&plan),
            Some(Err(_)) | None => None,
        };
        match sets {
            Some(sets) => Ok(sets),
            None => self.stencils(&plan),
        }
    }

    fn stencils(&self, plan: &Plan<'_>) -> Result<Vec<StencilSet>, Error> {
        let targets = self.run_plan(plan)?.targets.into_iter();
        Ok(targets.map(|built| built.stencils).collect())
    }

    /// Returns the names of the stencils, as far as they are known without running a tool: those of the cases, or of functions that
    /// were looked at before.
    pub(crate) fn known_names(&self) -> Vec<String> {
        self.try_names().unwrap_or_default()
    }

    fn try_names(&self) -> Option<Vec<String>> {
        let mut options = self.options.absolute().ok()?;
        options.emit = vec![Emit::Stencils];
        let mut plan = Plan::new(&options).ok()?;
        if let Sources::Cases(sources) = plan.sources().ok()? {
            let cases = sources.cases(&plan.project).ok()?;
            return Some(cases.iter().map(|case| case.name.to_owned()).collect());
        }
        plan.output_dir = place(&plan, plan.cache.as_ref()?);
        let groups = kept(&plan)?.into_iter().flat_map(|set| set.groups);
        let names: BTreeSet<String> = groups.map(|(name, _)| name).collect();
        Some(names.into_iter().collect())
    }

    /// Finds out something about a micro-op of a target.
    pub(crate) fn look(&self, target: &Target, uop: &str, what: What) -> Result<Looked, Error> {
        let mut options = self.options.absolute()?;
        options.targets = Targets::Named(vec![target.triple.to_owned()]);
        let plan = Plan::new(&options)?;
        let interrupt = self.watched();
        let mut run = Run::new(&plan, &self.listener, &interrupt)?;
        match plan.platforms.first() {
            Some(platform) => run.look(platform, uop, what),
            None => Ok(Looked::Nothing),
        }
    }
}

/// Returns the directory in which the cache keeps the files of a plan. The state says whether they are up to date. They are in one
/// place for each of the options that people alternate between, so that each choice has files of its own.
fn place(plan: &Plan<'_>, cache: &Cache) -> PathBuf {
    let options = plan.options;
    let choices = format!("{:?}", (plan.codegen, options.debug, options.free_threaded));
    let places = (&options.cflags, &options.sysroot, &options.pyconfig_dir);
    let hardening = plan.platforms.iter();
    let hardening: Vec<_> = hardening.map(|own| &own.hardening).collect();
    let parts = [
        plan.project.lasting_root().as_os_str().as_encoded_bytes(),
        choices.as_bytes(),
        &format!("{places:?}").into_bytes(),
        &format!("{:?}", plan.emits).into_bytes(),
        &format!("{hardening:?}").into_bytes(),
    ];
    cache.kept(&Key::of(parts))
}

/// Reads the stencil files of a plan, or returns `None` if one of them can't be used.
fn kept(plan: &Plan<'_>) -> Option<Vec<StencilSet>> {
    let names = plan.project.conventions.file_names;
    let read = |triple: &str| {
        let path = plan.output_dir.join(names.of(triple).stencils);
        file::decode(&paths::read(&path).ok()?).ok()
    };
    plan.platforms.iter().map(|own| read(&own.triple)).collect()
}
