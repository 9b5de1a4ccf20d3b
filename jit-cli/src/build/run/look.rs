//! Looking at one micro-op of a project.

use super::{Run, job, of_cases};
use crate::{
    error::Error,
    pipeline::{
        one_target::look::{Looked, What, look},
        units::Input,
        workdir::Place,
    },
    project::platform::Platform,
};

impl Run<'_> {
    /// Finds out something about a micro-op of a target.
    pub(crate) fn look(
        &mut self,
        platform: &Platform,
        uop: &str,
        what: What,
    ) -> Result<Looked, Error> {
        let plan = self.plan;
        let toolchain = self.jobs.install(|| self.tools.get().cloned())?;
        let sources = match &self.sources {
            Some(read) => read,
            None => self.sources.insert(plan.sources()?),
        };
        let cases = of_cases(sources, plan, platform)?;
        let input = Input::of(&plan.project, cases.as_ref())?;
        let place = Place::choose(None, self.jobs.current_num_threads());
        let run_by = (self.interrupt, self.listener);
        let job = job(plan, platform, run_by, (&toolchain, input, place));
        self.jobs
            .install(|| look(&job, uop, what))
            .map_err(|error| Error::Target {
                target: platform.target,
                headers: platform.headers(),
                root: plan.project.root.clone(),
                error: Box::new(error),
            })
    }
}
