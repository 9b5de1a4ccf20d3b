//! The table at the end of a build.

use std::time::Duration;

use jit_schema::Target;

use crate::{output::OutputDir, pipeline::Built};

/// One line for each target.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    triple: &'static str,
    built: Option<Numbers>,
}

#[derive(Debug)]
struct Numbers {
    uops: usize,
    code: usize,
    data: usize,
    holes: usize,
    elapsed: Duration,
}

impl Summary {
    /// A target whose files are up to date.
    pub(crate) fn current(&mut self, target: &'static Target) {
        self.rows.push(Row {
            triple: target.triple,
            built: None,
        });
    }

    /// A target that was built.
    pub(crate) fn built(&mut self, target: &'static Target, built: &Built, elapsed: Duration) {
        let groups = &built.set.groups;
        let sum = |size: fn(&jit_stencils::StencilGroup) -> usize| {
            groups.iter().map(|(_, group)| size(group)).sum()
        };
        self.rows.push(Row {
            triple: target.triple,
            built: Some(Numbers {
                uops: groups.len(),
                code: sum(|group| group.code.body.len()),
                data: sum(|group| group.data.body.len()),
                holes: sum(|group| group.code.holes.len() + group.data.holes.len()),
                elapsed,
            }),
        });
        let stages = built.stages;
        tracing::info!(
            "{target}: compile {:.2?}, optimize {:.2?}, assemble and disassemble {:.2?}, \
             stencils {:.2?}",
            stages.compile,
            stages.optimize,
            stages.assemble,
            stages.stencils
        );
    }

    /// Print it.
    pub(crate) fn print(&self, output: &OutputDir) {
        println!(
            "{:<26} {:>6} {:>8} {:>8} {:>7} {:>8}",
            "target", "uops", "code", "data", "holes", "seconds"
        );
        for row in &self.rows {
            match &row.built {
                Some(numbers) => println!(
                    "{:<26} {:>6} {:>8} {:>8} {:>7} {:>8.2}",
                    row.triple,
                    numbers.uops,
                    numbers.code,
                    numbers.data,
                    numbers.holes,
                    numbers.elapsed.as_secs_f64()
                ),
                None => println!("{:<26} up to date: its inputs have not changed", row.triple),
            }
        }
        println!("in {}", output.path().display());
    }
}
