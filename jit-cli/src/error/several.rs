//! The message of several errors, and the places of micro-ops in errors.

use std::{collections::BTreeMap, path::PathBuf};

use jit_llvm::LlvmError;

use super::Error;

/// The largest number of micro-ops to name that failed for the same reason as another.
const NAMED: usize = 8;

/// Returns the messages, each reason once.
pub(super) fn several(failures: &[Error]) -> String {
    let mut groups: Vec<(&Error, Option<String>, Vec<&str>)> = Vec::new();
    for failure in failures {
        let reason = failure.reason();
        let same = |group: &&mut (&Error, Option<String>, Vec<&str>)| {
            reason.is_some() && group.1 == reason
        };
        match (groups.iter_mut().find(same), failure.uop()) {
            (Some((_, _, more)), Some(uop)) => more.push(uop),
            _ => groups.push((failure, reason, Vec::new())),
        }
    }
    let mut text = String::new();
    for (first, _, more) in &groups {
        text.push_str(&format!("{first}\n"));
        let named = more.get(..NAMED).unwrap_or(more).join(", ");
        let others = match more.len() > NAMED {
            true => ", ...",
            false => "",
        };
        match more.len() {
            0 => {}
            1 => text.push_str(&format!("and the same in 1 more micro-op: {named}\n")),
            count => text.push_str(&format!(
                "and the same in {count} more micro-ops: {named}{others}\n"
            )),
        }
    }
    format!("{text}{} micro-ops failed", failures.len())
}

/// Returns a message with the names that the author gave instead of those that modules have.
pub(crate) fn renamed(text: &str, names: &BTreeMap<String, String>) -> String {
    let mut renamed = String::with_capacity(text.len());
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut rest = text;
    while let Some(start) = rest.find(is_word) {
        let (before, after) = rest.split_at(start);
        let end = after.find(|c| !is_word(c)).unwrap_or(after.len());
        let (word, after) = after.split_at(end);
        let name = names.get(word);
        // The optimizer makes a local label of a symbol. In ELF, these start with `.L`.
        let before = match name.is_some() && word.starts_with('L') {
            true => before.strip_suffix('.').unwrap_or(before),
            false => before,
        };
        renamed.push_str(before);
        renamed.push_str(name.map_or(word, String::as_str));
        rest = after;
    }
    renamed + rest
}

impl Error {
    /// Adds the places of the micro-ops: `place` returns the file and the line in it on which one starts, and
    /// `translate` what clang says with the places that its sources come from.
    pub(crate) fn at(
        self,
        place: &impl Fn(&str) -> Option<(PathBuf, usize)>,
        translate: &impl Fn(&str) -> String,
    ) -> Error {
        let mut error = match self {
            Error::Several(errors) => {
                let errors = errors.into_iter();
                let errors = errors.map(|error| error.at(place, translate));
                return Error::Several(errors.collect());
            }
            error => error,
        };
        let Some((path, line)) = error.uop().and_then(place) else {
            return error;
        };
        if let Error::Llvm(LlvmError::Rejected { diagnostics, .. }) = &mut error {
            diagnostics.text = translate(&diagnostics.text);
        }
        Error::Uop {
            path,
            line,
            names: BTreeMap::new(),
            error: Box::new(error),
        }
    }

    /// Adds what the author calls the symbols that the module of a micro-op has, to errors with places.
    pub(crate) fn called(self, of: &impl Fn(&str) -> BTreeMap<String, String>) -> Error {
        match self {
            Error::Several(errors) => {
                let errors = errors.into_iter().map(|error| error.called(of));
                Error::Several(errors.collect())
            }
            Error::Uop {
                path, line, error, ..
            } => Error::Uop {
                path,
                line,
                names: error.uop().map(of).unwrap_or_default(),
                error,
            },
            error => error,
        }
    }
}
