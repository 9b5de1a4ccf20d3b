//! Where functions and variables are, in the author's files.

use std::{collections::BTreeMap, path::PathBuf, sync::PoisonError};

use jit_llvm::{
    Language,
    modules::{Module, ModuleError, Place},
};

use super::{Files, origins::Origin};
use crate::error::FunctionError;

impl Files<'_> {
    pub(super) fn defined(
        &self,
        origins: &BTreeMap<String, Origin>,
        uop: &str,
    ) -> Option<(PathBuf, usize)> {
        let origin = origins.get(uop)?;
        self.place_in((origin.variant, origin.file), |text| {
            Module::parse(text).ok()?.place(origin.authors())
        })
    }

    /// Returns a place that the IR of a file with lines has.
    pub(super) fn place_in(
        &self,
        (variant, index): (usize, usize),
        find: impl Fn(&str) -> Option<Place>,
    ) -> Option<(PathBuf, usize)> {
        let file = self.functions.files.get(index)?;
        let compiler = self.compiler(variant, file)?;
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let text = lines
            .entry((variant, index))
            .or_insert_with(|| compiler.front_end_with_lines(&file.path).ok());
        Some(self.authors(find(text.as_deref()?)?))
    }

    /// Returns the IR of a file with all of its functions, also those that are never called, and their lines. Returns `None`
    /// for LLVM IR, which has all functions, and if it cannot be made.
    pub(super) fn with_all_functions(&self, (variant, index): (usize, usize)) -> Option<String> {
        let file = self.functions.files.get(index)?;
        let compiler = self.compiler(variant, file)?;
        let is_source = file.language != Language::Ir;
        is_source.then(|| compiler.front_end_of_all(&file.path).ok())?
    }

    /// Returns a place as the author knows it.
    pub(super) fn authors(&self, place: Place) -> (PathBuf, usize) {
        let path = PathBuf::from(place.file);
        match path.is_absolute() {
            true => (path, place.line),
            // Relative to the project, as the flags for paths in code say.
            false => (
                self.config
                    .directory
                    .join(path.strip_prefix(".").unwrap_or(&path)),
                place.line,
            ),
        }
    }

    /// Returns the error of a file whose IR cannot be read.
    pub(super) fn unreadable(&self, place: (usize, usize), source: ModuleError) -> FunctionError {
        let path = self.path(place.1).to_path_buf();
        if !matches!(source, ModuleError::Constructors { .. }) {
            return FunctionError::Module { path, source };
        }
        let found = self.place_in(place, Module::place_of_constructor);
        let (path, line) = found.map_or((path, None), |(path, line)| (path, Some(line)));
        FunctionError::Constructor {
            path,
            line,
            source: Box::new(source),
        }
    }
}
