//! `jit-cli check --hardening`.

use jit_llvm::Interrupt;
use serde_json::json;

use super::CheckArgs;
use crate::{
    check_hardening,
    error::Error,
    hardening,
    project::{
        definition::Project,
        hardening::{Asked, HardeningName, HardeningRules},
    },
    subjects::Place,
    terminal::report::Report,
};

/// Checks each set of stencils, and prints what was found.
pub(super) fn run(
    arguments: &CheckArgs,
    interrupt: &Interrupt,
    report: &Report,
) -> Result<(), Error> {
    let mut options = arguments.subject.options(None);
    options.hardening = Some(Asked::of(&[HardeningName::Cet, HardeningName::Bti]));
    let place = arguments.from.as_deref();
    let place = place.map_or(Place::Project, Place::named);
    let mut rules = match (&arguments.entries, &arguments.jumps) {
        (Some(_), Some(_)) => HardeningRules::default(),
        _ => {
            let project = Project::find(&options.origin)?;
            // Files from anywhere have nothing to do with the example.
            match arguments.from.is_some() && project.is_example() {
                true => HardeningRules::default(),
                false => project.hardening_rules()?,
            }
        }
    };
    if let Some(entries) = &arguments.entries {
        rules = rules.entries(entries)?;
    }
    if let Some(jumps) = &arguments.jumps {
        rules = rules.jumps(jumps)?;
    }
    if let Some(names) = &arguments.returns_twice {
        rules = rules.functions_that_return_twice(names)?;
    }
    let mut failed = None;
    for subject in place.open(&options, &report.watching(), interrupt)? {
        let names = subject.set.groups.iter().map(|(name, _)| name.as_str());
        rules.check(names)?;
        let found = check_hardening(&subject.set, &rules);
        let counts = format!(
            "{}: {} stencils, {} of them entered through pointers; {} landing pads, {} indirect jumps, {} indirect calls, {} \
             returns",
            subject.title,
            found.stencils,
            found.entered,
            found.landing_pads,
            found.indirect_jumps,
            found.indirect_calls,
            found.returns
        );
        let fields = json!({
            "target": subject.title,
            "stencils": found.stencils,
            "entered": found.entered,
            "landing_pads": found.landing_pads,
            "indirect_jumps": found.indirect_jumps,
            "indirect_calls": found.indirect_calls,
            "returns": found.returns,
            "findings": found.findings.iter().map(|finding| json!({
                "stencil": finding.stencil,
                "offset": finding.offset,
                "problem": finding.problem.to_string(),
            })).collect::<Vec<_>>(),
        });
        report.told("hardening", &[counts], fields);
        failed = failed.or(hardening::error(&found));
    }
    failed.map_or(Ok(()), |error| Err(error.into()))
}
