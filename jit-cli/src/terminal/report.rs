//! The program's output: text for people, or one line of JSON for each event.

use std::{
    io::{self, IsTerminal as _, Write},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jit_schema::Target;
use serde_json::{Value, json};

use crate::{
    error::{Error, renamed},
    events::{Event, Listener},
    statistics::Statistics,
    sysroot::check::{
        Outcome,
        outcome::{Comparison, Difference, Kind, Moved},
    },
    terminal::{
        bar::Bar,
        built::{self, Row},
        console::print_line,
        fit,
    },
};

/// Prints events and results. Clones share their state.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    json: bool,
    state: Arc<Mutex<State>>,
}

/// The state of the output.
#[derive(Debug, Default)]
struct State {
    rows: Vec<Row>,
    /// The progress bar of the target that is being built.
    bar: Option<Bar>,
}

impl Report {
    /// Returns a report for people, or in JSON for other programs.
    pub(crate) fn new(json: bool) -> Report {
        Report {
            json,
            state: Arc::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn emit(&self, reason: &str, fields: Value) {
        let mut event = json!({ "reason": reason });
        if let (Some(event), Value::Object(fields)) = (event.as_object_mut(), fields) {
            event.extend(fields);
        }
        print_line(&event.to_string());
    }

    /// Prints an event. `named` means that the user has named the project, so that its description is not
    /// printed.
    pub(crate) fn event(&self, event: &Event<'_>, named: bool) {
        match *event {
            Event::Project { description } if self.json => {
                self.emit("project", json!({ "description": description }));
            }
            Event::Project { description } if !named => print_line(description),
            Event::Project { .. } => {}
            Event::Remark { text } => {
                tracing::warn!("{text}");
                if self.json {
                    self.emit("warning", json!({ "message": text }));
                }
            }
            Event::Started {
                notice: Some(text), ..
            } if !self.json => print_line(text),
            Event::Started { .. } => {}
            // The warning was logged, too.
            Event::Warning { .. } => {}
            Event::Current { target } => self.current(target),
            Event::HostSymbols { target, symbols } => self.host_symbols(target, symbols),
            Event::Compiling { target } => {
                self.state().bar = Some(Bar::new(target, self.json));
            }
            Event::Planned { uops, cached, .. } => {
                if let Some(bar) = &mut self.state().bar {
                    bar.plan(uops, cached);
                }
            }
            Event::Progress { done, uops, target } => {
                if self.json {
                    let event = json!({ "target": target.triple, "done": done, "uops": uops });
                    self.emit("progress", event);
                } else if let Some(bar) = &mut self.state().bar {
                    bar.advance(done, uops);
                }
            }
            Event::Verified {
                target,
                same,
                unknown,
            } => self.verified(target, same, unknown),
            Event::Built {
                target,
                statistics,
                files,
            } => self.built(target, statistics, files),
            // `finish` prints the table.
            Event::Finished { .. } => {}
        }
    }

    fn current(&self, target: &'static Target) {
        if self.json {
            self.emit("target", json!({ "target": target.triple, "built": false }));
        }
        self.state().rows.push(Row {
            triple: target.triple,
            built: None,
        });
    }

    fn host_symbols(&self, target: &'static Target, symbols: &[String]) {
        match self.json {
            true => {
                let fields = json!({ "target": target.triple, "symbols": symbols });
                self.emit("host-symbols", fields);
            }
            false if symbols.is_empty() => {}
            false => print_line(&format!(
                "{target}: the host defines {}",
                symbols.join(", ")
            )),
        }
    }

    fn verified(&self, target: &'static Target, same: usize, unknown: usize) {
        if self.json {
            let fields = json!({ "target": target.triple, "same": same, "unknown": unknown });
            return self.emit("verified", fields);
        }
        let not = match unknown {
            0 => String::new(),
            more => format!("; {more} could not be compared"),
        };
        print_line(&match same + unknown {
            0 => format!("{target}: the cache has no results to compare"),
            _ => format!("{target}: {same} results of the cache are what clang makes{not}"),
        });
    }

    fn built(&self, target: &'static Target, statistics: &Statistics, files: &[&str]) {
        let mut state = self.state();
        state.bar = None;
        if self.json {
            let stages: serde_json::Map<String, Value> = statistics
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
                    "uops": statistics.uops,
                    "cached": statistics.cached,
                    "code_bytes": statistics.code_bytes,
                    "data_bytes": statistics.data_bytes,
                    "holes": statistics.holes,
                    "files": files,
                    "stage_seconds": stages,
                    "seconds": statistics.elapsed.as_secs_f64(),
                }),
            );
        }
        state.rows.push(Row {
            triple: target.triple,
            built: Some(*statistics),
        });
    }

    /// Prints what a build of a target would do.
    pub(crate) fn explained(&self, lines: &[String], fields: &Value) {
        self.told("explanation", lines, fields.clone());
    }

    /// Prints lines for people, or fields for other programs.
    pub(crate) fn told(&self, reason: &str, lines: &[String], fields: Value) {
        match self.json {
            false => print_line(&lines.join("\n")),
            true => self.emit(reason, fields),
        }
    }

    /// Prints a text that ends with a newline.
    pub(crate) fn text(&self, text: &str) {
        if let Some(text) = text.strip_suffix('\n') {
            print_line(text);
        }
    }

    /// Returns what shows the progress of builds whose results are looked at: the bar, and remarks.
    pub(crate) fn watching(&self) -> Listener {
        let report = self.clone();
        Listener::new(move |event| match event {
            Event::Project { .. }
            | Event::Started { .. }
            | Event::HostSymbols { .. }
            | Event::Finished { .. } => {}
            Event::Current { .. } => {}
            Event::Built { .. } => report.state().bar = None,
            // Without a terminal, progress would be lines between the results.
            Event::Compiling { .. } if !report.json && !io::stderr().is_terminal() => {}
            _ => report.event(event, true),
        })
    }

    /// Prints the comparison of two sets of headers.
    pub(crate) fn compared(&self, outcome: &Outcome) {
        let Outcome {
            target,
            configuration,
            checked,
            real,
            comparison,
        } = outcome;
        let Comparison {
            types,
            records,
            functions,
            macros,
            differences,
            notes,
        } = comparison;
        if self.json {
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
            print_line(&difference_text(difference));
        }
        let count = |kind| differences.iter().filter(|d| d.kind == kind).count();
        print_line(&format!(
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

    /// Prints the end of a successful build, with a table of all targets.
    pub(crate) fn finish(&self, output: &Path) {
        if self.json {
            let output = output.to_string_lossy();
            self.emit("finished", json!({ "success": true, "output_dir": output }));
            return;
        }
        for line in built::lines(&self.state().rows, fit::width()) {
            print_line(&line);
        }
        print_line(&format!("in {}", output.display()));
    }

    /// Prints why the program ends.
    pub(crate) fn failed(&self, error: &Error, status: u8, advice: Option<&str>) {
        self.state().bar = None;
        if self.json {
            self.emit(
                "finished",
                json!({
                    "success": false,
                    "status": status,
                    "message": error.to_string(),
                    "errors": error_events(error),
                    "advice": advice,
                }),
            );
        }
        let advice = advice.map(|advice| format!("{advice}\n"));
        // An error is ignored: the exit status reports the failure, too.
        let _ = write!(
            io::stderr(),
            "error: {error}\n{}",
            advice.unwrap_or_default()
        );
    }
}

/// Returns an object for each micro-op that failed.
fn error_events(error: &Error) -> Vec<Value> {
    match error {
        Error::Target { error, .. } => error_events(error),
        Error::Several(errors) => errors.iter().flat_map(error_events).collect(),
        Error::Uop {
            path,
            line,
            names,
            error,
        } => vec![json!({
            "file": path.to_string_lossy(),
            "line": line,
            "uop": error.uop(),
            "message": renamed(&error.to_string(), names),
        })],
        _ => Vec::new(),
    }
}

fn difference_event(difference: &Difference) -> Value {
    let fields: Vec<Value> = difference
        .fields
        .iter()
        .map(
            |Moved {
                 field,
                 after,
                 checked,
                 real,
             }| {
                json!({ "field": field, "after": after, "checked": checked, "real": real })
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

/// The largest number of fields of a record to show. After a field with a wrong size, all fields have moved.
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
        after,
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
        if let Some(after) = after {
            text.push_str(&format!(" (after {after})"));
        }
    }
    if let Some(more @ 1..) = fields.len().checked_sub(FIELDS) {
        text.push_str(&format!("\n  and {more} more fields"));
    }
    text
}
