//! Building the targets of a plan, one after the other, each with all threads.

#[cfg(feature = "cli")]
pub(crate) mod look;

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{Mutex, PoisonError},
    thread,
    time::{Instant, SystemTime},
};

use jit_llvm::{Interrupt, Toolchain};
use jit_stencils::StencilGroup;
use jit_writer::Preamble;

use crate::{
    build::{
        current::{self, Files, Verdict},
        files::{self, File},
        literals,
        outcome::TargetBuild,
    },
    conventions::LlvmMajors,
    error::Error,
    events::{Event, Listener},
    pipeline::{
        one_target::{self, Built, Job, ShimSource},
        units::Input,
        workdir::{self, Place},
    },
    project::{
        cases::Case,
        emit::Emits,
        places::Places,
        plan::{Plan, Sources},
        platform::Platform,
        release,
    },
    reads::times::TICK,
    state::inputs::Inputs,
    statistics::Statistics,
    tools::Tools,
};

/// Which targets to build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    All,
    /// Those whose files are not up to date.
    Outdated,
}

/// The execution of a plan. Tools are searched for and sources are read when the first target has to be
/// built.
pub(crate) struct Run<'a> {
    plan: &'a Plan<'a>,
    listener: &'a Listener,
    interrupt: &'a Interrupt,
    jobs: rayon::ThreadPool,
    comment: String,
    tools: Tools<'a>,
    sources: Option<Sources>,
    /// The headers that the targets include, as far as they are known.
    pub(crate) headers: BTreeSet<PathBuf>,
    started: Instant,
    /// The time at the start.
    pub(crate) begun: SystemTime,
    /// The remarks that were made: the next target would have the same.
    remarks: Mutex<BTreeSet<String>>,
}

impl<'a> Run<'a> {
    /// Starts the threads. What killed runs have left is removed.
    pub(crate) fn new(
        plan: &'a Plan<'a>,
        listener: &'a Listener,
        interrupt: &'a Interrupt,
    ) -> Result<Run<'a>, Error> {
        workdir::remove_abandoned();
        Ok(Run {
            plan,
            listener,
            interrupt,
            jobs: plan.jobs()?,
            comment: files::comment(plan),
            tools: Tools::new(plan, interrupt),
            sources: None,
            headers: BTreeSet::new(),
            started: Instant::now(),
            begun: SystemTime::now(),
            remarks: Mutex::default(),
        })
    }

    /// Builds each target, or those whose files are not up to date. `write` writes the files, and `keep` gets the results.
    pub(crate) fn targets(
        &mut self,
        which: Which,
        write: impl Fn(&TargetBuild) -> Result<(), Error>,
        keep: impl FnMut(TargetBuild),
    ) -> Result<(), Error> {
        let outcome = self.each_target(which, write, keep);
        if let Some(cache) = &self.plan.cache {
            // What was compiled is right, even if something else was not.
            cache.finish(self.interrupt);
        }
        outcome
    }

    /// Returns what the project says about the targets.
    fn notice(&self) -> Option<String> {
        let plan = self.plan;
        let platforms = plan.platforms.iter();
        let triples: Vec<&str> = platforms.map(|platform| platform.triple.as_str()).collect();
        let majors = LlvmMajors {
            pinned: plan.project.pinned_llvm,
            asked: plan.search.major,
        };
        (plan.project.conventions.banner)(&triples, majors)
    }

    fn each_target(
        &mut self,
        which: Which,
        write: impl Fn(&TargetBuild) -> Result<(), Error>,
        mut keep: impl FnMut(TargetBuild),
    ) -> Result<(), Error> {
        let plan = self.plan;
        let mut notice = self.notice();
        for platform in &plan.platforms {
            let target = platform.target;
            let started = Instant::now();
            self.listener.tell(&Event::Started {
                target,
                notice: notice.take().as_deref(),
            });
            let files = Files::new(plan, platform)?;
            let verdict = match which {
                Which::All => Verdict::outdated(plan.emits, Vec::new()),
                Which::Outdated => self.jobs.install(|| files.check(&mut self.tools))?,
            };
            if let Some(text) = &verdict.remark {
                self.listener.tell(&Event::Remark { text });
            }
            if verdict.outdated.is_empty() {
                self.headers.extend(verdict.read);
                self.listener.tell(&Event::Current { target });
                continue;
            }
            let mut built = self.target(platform, &files, verdict.outdated)?;
            write(&built)?;
            built.statistics.elapsed = started.elapsed();
            let names: Vec<&str> = built.files.iter().map(|file| file.name.as_str()).collect();
            self.listener.tell(&Event::Built {
                target,
                statistics: &built.statistics,
                files: &names,
            });
            keep(built);
        }
        Ok(())
    }

    /// Reports the end of the build.
    pub(crate) fn finish(&self) {
        // At the start, the lock of a killed run may not have been free yet, if it was starting a tool.
        workdir::remove_abandoned();
        self.listener.tell(&Event::Finished {
            elapsed: self.started.elapsed(),
        });
    }

    /// Returns clang's version, in its own words.
    pub(crate) fn llvm(&mut self) -> Result<String, Error> {
        let toolchain = self.tools.get()?;
        // The program's size follows.
        let identity = toolchain.identities().first().map_or("", String::as_str);
        let version = identity
            .rsplit_once(" (")
            .map_or(identity, |(version, _)| version);
        Ok(version.to_owned())
    }

    /// Returns the headers that include the targets' headers.
    pub(crate) fn dispatchers(&self) -> Vec<File> {
        files::dispatchers(self.plan, self.plan.emits, &self.comment)
    }

    fn target(
        &mut self,
        platform: &Platform,
        current: &Files<'_>,
        wanted: Emits,
    ) -> Result<TargetBuild, Error> {
        let plan = self.plan;
        let target = platform.target;
        let toolchain = self.jobs.install(|| self.tools.get().cloned())?;
        // A file that is changed from now on has another time than those that were changed before the start.
        thread::sleep(TICK.saturating_sub(self.started.elapsed()));
        let sources = match &self.sources {
            Some(read) => read,
            None => self.sources.insert(plan.sources()?),
        };
        let (told, listener) = (&self.remarks, self.listener);
        let remark = |text: &str| {
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            if told.insert(text.to_owned()) {
                listener.tell(&Event::Remark { text });
            }
        };
        if let Some(text) =
            release::llvm_remark(plan.project.release, toolchain.version.major, target)
        {
            remark(&text);
        }
        let cases = of_cases(sources, plan, platform)?;
        let input = Input::of(&plan.project, cases.as_ref())?;
        let keep_temps = plan.options.keep_temps.as_ref();
        let keep_temps = keep_temps.map(|directory| directory.join(&platform.triple));
        let run_by = (self.interrupt, listener);
        let job = |place| Job {
            keep_temps: keep_temps.clone(),
            headers: plan.options.headers || current.needs_inputs(),
            remark: &remark,
            ..job(plan, platform, run_by, (&toolchain, input.clone(), place))
        };
        self.listener.tell(&Event::Compiling { target });
        let place = Place::choose(keep_temps.as_deref(), self.jobs.current_num_threads());
        let built = build_with_space(&self.jobs, place, job, &remark);
        let built = built.map_err(|error| Error::Target {
            target,
            headers: platform.headers(),
            root: plan.project.root.clone(),
            error: Box::new(error),
        })?;
        #[cfg(feature = "check")]
        if let Some(rules) = &platform.hardening {
            let shim = built.shim.as_ref().map(|shim| shim.object.as_slice());
            crate::hardening::verify(rules, &built.set, shim)?;
        }
        let inputs = self.inputs(platform, current, &built)?;
        self.results(current, inputs, wanted, (&toolchain, built))
    }

    /// Returns what a target was built from, or else why that is not known.
    fn inputs(
        &mut self,
        platform: &Platform,
        current: &Files<'_>,
        built: &Built,
    ) -> Result<Result<Inputs, String>, Error> {
        if !current.needs_inputs() {
            return Ok(Err("nothing has asked for them".to_owned()));
        }
        let (tools, begun) = (&mut self.tools, self.begun);
        let flags = self.plan.user_flags(platform);
        self.jobs.install(|| {
            let known = tools.known()?;
            Ok(current.read_by(built, &known, begun, &flags))
        })
    }

    /// Returns the results of a target, with the wanted files.
    fn results(
        &mut self,
        current: &Files<'_>,
        inputs: Result<Inputs, String>,
        wanted: Emits,
        (toolchain, mut built): (&Toolchain, Built),
    ) -> Result<TargetBuild, Error> {
        let (plan, names) = (self.plan, current.names());
        let reads = built.reads.take();
        let read = reads.iter().flat_map(|reads| &reads.files);
        self.headers.extend(read.cloned());
        self.headers.extend(current.paths(&inputs));
        let format = plan.project.conventions.header_format;
        let text = literals::decide(&mut built.set, plan.codegen, format, names);
        if let Some(text) = text.filter(|_| wanted.header) {
            self.listener.tell(&Event::Remark { text: &text });
        }
        let inputs = match comments_are_missing(toolchain, wanted, &built) {
            true => Err(current::WITHOUT_COMMENTS.to_owned()),
            false => inputs,
        };
        let digest = current.digest_of(&inputs);
        let preamble = Preamble {
            digest: &digest,
            comment: &self.comment,
        };
        let mut files = files::target_files(plan, names, preamble, wanted, &mut built)?;
        let record = current.add_state(inputs, &mut files);
        Ok(TargetBuild {
            target: current.target(),
            names: names.clone(),
            statistics: Statistics::of(&built.set, built.cached, built.stages),
            stencils: built.set,
            files,
            reads,
            record,
        })
    }
}

/// Returns whether wanted files lack comments with disassembly because llvm-objdump has failed. Without one, there are
/// none.
fn comments_are_missing(toolchain: &Toolchain, wanted: Emits, built: &Built) -> bool {
    let groups = &built.set.groups;
    let is_bare = |(_, group): &(_, StencilGroup)| group.listing.disassembly.is_none();
    (wanted.header || wanted.c) && toolchain.objdump.is_some() && groups.iter().any(is_bare)
}

/// The template, the cases and their places, of a project that has them.
type OfCases<'s> = ((&'s str, &'s str), Vec<Case<'s>>, Places);

/// Returns the cases of a target, if the project has some.
fn of_cases<'s>(
    sources: &'s Sources,
    plan: &Plan<'_>,
    platform: &Platform,
) -> Result<Option<OfCases<'s>>, Error> {
    match sources {
        Sources::Cases(sources) => {
            let cases = sources.cases(&plan.project)?;
            let places = sources.places(platform, &cases);
            Ok(Some((sources.template(platform), cases, places)))
        }
        Sources::Functions => Ok(None),
    }
}

/// Returns the work for a target of a plan: with what to do it, from what, and where. Nothing is kept or remarked.
fn job<'j>(
    plan: &'j Plan<'_>,
    platform: &'j Platform,
    (interrupt, listener): (&Interrupt, &'j Listener),
    (toolchain, input, place): (&'j Toolchain, Input<'j>, Place),
) -> Job<'j> {
    Job {
        toolchain,
        options: plan.options(platform),
        optimizer: plan.optimizer(platform),
        hardening: platform.hardening.as_ref(),
        is_unhardened_by_flags: platform.is_unhardened_by_flags,
        frame_pointer: plan.frame_pointer(platform),
        read_object: plan.project.conventions.read_object,
        lower: plan.project.conventions.lower,
        resolve: plan.project.conventions.resolve,
        shim_form: plan.project.conventions.shim,
        input,
        shim: plan.project.shim.as_deref().map(|path| ShimSource {
            path,
            name: plan.project.shown(path),
        }),
        cache: plan
            .cache
            .as_ref()
            .map(|cache| (cache, plan.record_name(platform))),
        remember: plan.options.cache.remember,
        keep_temps: None,
        place,
        headers: false,
        mode: plan.mode(),
        // It was tried on CPython's C, and saves little for smaller projects.
        joins: plan.project.release.is_some(),
        interrupt: interrupt.clone(),
        listener,
        remark: &|_| {},
    }
}

/// Builds a target, and builds it again in another place if the first one, in memory, is full: other programs
/// need memory, too.
fn build_with_space<'a>(
    jobs: &rayon::ThreadPool,
    place: Place,
    job: impl Fn(Place) -> Job<'a>,
    remark: &dyn Fn(&str),
) -> Result<Built, Error> {
    let build = |place| {
        let job = job(place);
        jobs.install(|| one_target::build(job))
    };
    let (full, other) = (place.path().to_path_buf(), place.fallback());
    match (build(place), other) {
        (Err(error), Some(other)) if error.is_disk_full() => {
            let (full, path) = (full.display(), other.path().display());
            remark(&format!(
                "{full} is full: the target is built again in {path}"
            ));
            build(other)
        }
        (outcome, _) => outcome,
    }
}
