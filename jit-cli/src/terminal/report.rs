//! What the program prints, in one place: for people, or a line of JSON for each event for tools.

use std::{
    io::{self, Write},
    path::Path,
    time::Duration,
};

use jit_schema::Target;
use serde_json::{Value, json};

use crate::{
    commands::arguments::MessageFormat,
    error::Error,
    pipeline::one_target::Built,
    pipeline::stages::Stages,
    sysroot::check::outcome::{Comparison, Difference, Kind, Moved},
    terminal::console::say,
    terminal::progress::Progress,
};

/// See the module.
#[derive(Debug)]
pub(crate) struct Report {
    format: MessageFormat,
    rows: Vec<Row>,
}

/// A target's line in the table at the end.
#[derive(Debug)]
struct Row {
    triple: &'static str,
    built: Option<Numbers>,
}

#[derive(Debug)]
struct Numbers {
    uops: usize,
    cached: usize,
    code: usize,
    data: usize,
    holes: usize,
    stages: Stages,
    elapsed: Duration,
}

impl Report {
    /// A report in that format.
    pub(crate) fn new(format: MessageFormat) -> Report {
        Report {
            format,
            rows: Vec::new(),
        }
    }

    fn emit(&self, reason: &str, fields: Value) {
        let mut event = json!({ "reason": reason });
        if let (Some(event), Value::Object(fields)) = (event.as_object_mut(), fields) {
            event.extend(fields);
        }
        say(&event.to_string());
    }

    /// What is built, where nobody has said so.
    pub(crate) fn project(&self, description: &str, named: bool) {
        match self.format {
            MessageFormat::Human if named => {}
            MessageFormat::Human => say(description),
            MessageFormat::Json => self.emit("project", json!({ "description": description })),
        }
    }

    /// What is to be read before a target is built.
    pub(crate) fn banner(&self, text: &str) {
        match self.format {
            MessageFormat::Human => say(text),
            MessageFormat::Json => {}
        }
    }

    /// A target whose files are up to date.
    pub(crate) fn current(&mut self, target: &'static Target) {
        if self.format == MessageFormat::Json {
            self.emit("target", json!({ "target": target.triple, "built": false }));
        }
        self.rows.push(Row {
            triple: target.triple,
            built: None,
        });
    }

    /// A target's build begins.
    pub(crate) fn start(&self, target: &'static Target) -> Progress {
        Progress::begin(target, self.format)
    }

    /// A target that was built.
    pub(crate) fn built(
        &mut self,
        target: &'static Target,
        built: &Built,
        files: &[(String, Vec<u8>)],
        elapsed: Duration,
    ) {
        let groups = &built.set.groups;
        let sum = |size: fn(&jit_stencils::StencilGroup) -> usize| {
            groups.iter().map(|(_, group)| size(group)).sum()
        };
        let numbers = Numbers {
            uops: groups.len(),
            cached: built.cached,
            code: sum(|group| group.code.body.len()),
            data: sum(|group| group.data.body.len()),
            holes: sum(|group| group.code.holes.len() + group.data.holes.len()),
            stages: built.stages,
            elapsed,
        };
        if self.format == MessageFormat::Json {
            let stages: serde_json::Map<String, Value> = numbers
                .stages
                .named()
                .map(|(name, time)| (name.to_owned(), json!(time.as_secs_f64())))
                .into_iter()
                .collect();
            self.emit(
                "target",
                json!({
                    "target": target.triple,
                    "built": true,
                    "uops": numbers.uops,
                    "cached": numbers.cached,
                    "code_bytes": numbers.code,
                    "data_bytes": numbers.data,
                    "holes": numbers.holes,
                    "files": files.iter().map(|(name, _)| name).collect::<Vec<_>>(),
                    "stage_seconds": stages,
                    "seconds": elapsed.as_secs_f64(),
                }),
            );
        }
        self.rows.push(Row {
            triple: target.triple,
            built: Some(numbers),
        });
    }

    /// What a build of a target would do.
    pub(crate) fn explained(&self, lines: &[String], fields: &Value) {
        match self.format {
            MessageFormat::Human => say(&lines.join("\n")),
            MessageFormat::Json => self.emit("explanation", fields.clone()),
        }
    }

    /// Two sets of headers, compared.
    pub(crate) fn compared(
        &self,
        target: &Target,
        configuration: &str,
        checked: &str,
        real: &str,
        comparison: &Comparison,
    ) {
        let Comparison {
            types,
            records,
            functions,
            macros,
            differences,
            notes,
        } = comparison;
        if self.format == MessageFormat::Json {
            let notes: Vec<Value> = notes
                .iter()
                .map(|(name, why)| json!({ "name": name, "why": why }))
                .collect();
            self.emit(
                "comparison",
                json!({
                    "target": target.triple,
                    "configuration": configuration,
                    "checked": checked,
                    "real": real,
                    "types": types,
                    "records": records,
                    "functions": functions,
                    "macros": macros,
                    "differences": differences.iter().map(difference_event).collect::<Vec<_>>(),
                    "notes": notes,
                }),
            );
            return;
        }
        for difference in differences {
            say(&difference_text(difference));
        }
        let count = |kind| differences.iter().filter(|d| d.kind == kind).count();
        say(&format!(
            "{target}, {configuration}: {checked} compared with {real}\n\
             {records} records, {} differ; {types} types, {} differ; \
             {functions} functions, {} differ; {macros} macros, {} differ",
            count(Kind::Record),
            count(Kind::Type),
            count(Kind::Function),
            count(Kind::Macro),
        ));
        for (name, why) in notes {
            tracing::info!("need not be the same: {name}: {why}");
        }
    }

    /// All is done: the table.
    pub(crate) fn finish(&self, output: &Path) {
        if self.format == MessageFormat::Json {
            let output = output.to_string_lossy();
            self.emit("finished", json!({ "success": true, "output_dir": output }));
            return;
        }
        let mut head = format!(
            "{:<26} {:>5} {:>6} {:>7} {:>7} {:>6}",
            "target", "uops", "cached", "code", "data", "holes"
        );
        for (name, _) in Stages::default().named() {
            head.push_str(&format!(" {name:>9}"));
        }
        say(&format!("{head} {:>8}", "total"));
        for row in &self.rows {
            match &row.built {
                Some(numbers) => {
                    let mut line = format!(
                        "{:<26} {:>5} {:>6} {:>7} {:>7} {:>6}",
                        row.triple,
                        numbers.uops,
                        numbers.cached,
                        numbers.code,
                        numbers.data,
                        numbers.holes
                    );
                    for (_, time) in numbers.stages.named() {
                        line.push_str(&format!(" {:>8.2}s", time.as_secs_f64()));
                    }
                    say(&format!("{line} {:>7.2}s", numbers.elapsed.as_secs_f64()));
                }
                None => say(&format!(
                    "{:<26} up to date: its inputs have not changed",
                    row.triple
                )),
            }
        }
        if self.rows.iter().any(|row| row.built.is_some()) {
            say("sizes in bytes; times of stages are added up over all jobs");
        }
        say(&format!("in {}", output.display()));
    }

    /// The program fails.
    pub(crate) fn failed(&self, failure: &Error) {
        if self.format == MessageFormat::Json {
            self.emit(
                "finished",
                json!({
                    "success": false,
                    "status": failure.exit_status(),
                    "message": failure.to_string(),
                    "advice": failure.advice(),
                }),
            );
        }
        let advice = failure.advice().map(|advice| format!("{advice}\n"));
        // The exit status says it, too, if this can't be said.
        let _ = write!(
            io::stderr(),
            "error: {failure}\n{}",
            advice.unwrap_or_default()
        );
    }
}

fn difference_event(difference: &Difference) -> Value {
    let fields: Vec<Value> = difference
        .fields
        .iter()
        .map(
            |Moved {
                 field,
                 behind,
                 checked,
                 real,
             }| {
                json!({ "field": field, "behind": behind, "checked": checked, "real": real })
            },
        )
        .collect();
    json!({
        "kind": difference.kind.name(),
        "name": difference.name,
        "checked": difference.checked,
        "real": difference.real,
        "fields": fields,
    })
}

/// How many fields of a record are shown; all that follow one that is too large have moved.
const FIELDS: usize = 3;

fn difference_text(difference: &Difference) -> String {
    let Difference {
        kind,
        name,
        checked,
        real,
        fields,
    } = difference;
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
    let mut text = format!("{} {name}: {}", kind.name(), or_none(checked));
    match checked == real {
        true => text.push_str(" with both"),
        false => text.push_str(&format!("; real: {}", or_none(real))),
    }
    for Moved {
        field,
        behind,
        checked,
        real,
    } in fields.iter().take(FIELDS)
    {
        let at = |offset: &Option<String>| match offset {
            Some(offset) => format!("at {offset}"),
            None => "not there".to_owned(),
        };
        text.push_str(&format!(
            "\n  {field} is {}; real: {}",
            at(checked),
            at(real)
        ));
        if let Some(behind) = behind {
            text.push_str(&format!(" (behind {behind})"));
        }
    }
    if let Some(more @ 1..) = fields.len().checked_sub(FIELDS) {
        text.push_str(&format!("\n  and {more} more fields"));
    }
    text
}
