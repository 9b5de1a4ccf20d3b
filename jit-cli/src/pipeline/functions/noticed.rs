//! What is right, but hardly what the author wants: the build warns of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use jit_llvm::modules::Module;

use super::{Files, Fronts, Modules, origins::Origin};
use crate::project::functions::{demangle, holes::Holes};

/// What stencils use.
pub(super) struct Noticed {
    /// The symbols that are the host's, with a stencil that uses each.
    pub(super) host: BTreeMap<String, String>,
    /// The symbols of holes, by stencil.
    pub(super) used: BTreeMap<String, BTreeSet<String>>,
}

impl Files<'_> {
    /// Tells `remark` all that is noticed.
    pub(super) fn remark(
        &self,
        noticed: &Noticed,
        (modules, fronts): (&Modules<'_>, &Fronts),
        origins: &BTreeMap<String, Origin>,
        remark: &dyn Fn(&str),
    ) {
        self.remark_unused(noticed, remark);
        for (stencil, hole) in self.functions.holes.of_stencils() {
            let mut used = noticed.used.get(stencil).into_iter().flatten();
            if !used.any(|symbol| Holes::is_named(hole, symbol)) {
                remark(&format!(
                    "[stencil.{stencil}.holes] {hole}: the stencil does not use it"
                ));
            }
        }
        self.remark_elsewhere(noticed, modules, origins, remark);
        self.remark_aliases(modules, remark);
        self.remark_left_out((modules, fronts), remark);
    }

    /// Tells which holes no stencil uses.
    fn remark_unused(&self, noticed: &Noticed, remark: &dyn Fn(&str)) {
        let used = noticed.used.values().flatten();
        let used: BTreeSet<&String> = used.collect();
        let host = noticed.host.keys();
        let host: Vec<String> = host.map(|symbol| demangle::base(symbol)).collect();
        for hole in self.functions.holes.names() {
            if used.iter().any(|symbol| Holes::is_named(hole, symbol)) {
                continue;
            }
            let near = host
                .iter()
                .map(|name| (strsim::damerau_levenshtein(name, hole), name));
            let near = near
                .filter(|(distance, _)| *distance <= 1 + hole.len() / 5)
                .min();
            let near =
                near.map(|(_, name)| format!(", but {name}, which is not in [holes], is used"));
            let near = near.unwrap_or_default();
            remark(&format!("[holes] {hole}: no stencil uses it{near}"));
        }
    }

    /// Tells which functions and variables of the host another file of the project defines.
    fn remark_elsewhere(
        &self,
        noticed: &Noticed,
        modules: &Modules<'_>,
        origins: &BTreeMap<String, Origin>,
        remark: &dyn Fn(&str),
    ) {
        let mut told = BTreeSet::new();
        for ((_, file), module) in modules {
            for symbol in module.exported() {
                let Some(uop) = noticed.host.get(&symbol) else {
                    continue;
                };
                if !told.insert(symbol.clone()) {
                    continue;
                }
                let user = origins.get(uop).map(|origin| self.path(origin.file));
                remark(&format!(
                    "{} is defined in {}, but {uop}, a stencil of {}, takes the host's: a stencil has only what its own file \
                     defines. Define it in a header as static inline or static const, or in the host",
                    demangle::demangled(&symbol),
                    self.path(*file).display(),
                    user.unwrap_or(self.path(*file)).display(),
                ));
            }
        }
    }

    /// Tells which names in `stencils` are only other names of functions.
    fn remark_aliases(&self, modules: &Modules<'_>, remark: &dyn Fn(&str)) {
        let mut told = BTreeSet::new();
        for ((_, file), module) in modules {
            let path = self.path(*file);
            for symbol in module.aliases() {
                if self.functions.names.stencil(&symbol, path).is_some()
                    && told.insert(symbol.clone())
                {
                    remark(&format!(
                        "{}: {} is selected by `stencils`, but becomes no stencil: it is an alias, another name of a function",
                        path.display(),
                        demangle::base(&symbol)
                    ));
                }
            }
        }
    }

    /// Tells which functions in `stencils` clang has left out, because they are static or inline and nothing calls them.
    fn remark_left_out(&self, (modules, fronts): (&Modules<'_>, &Fronts), remark: &dyn Fn(&str)) {
        let mut told: BTreeSet<(PathBuf, usize)> = BTreeSet::new();
        for ((place, module), (_, front)) in modules.iter().zip(fronts) {
            let path = self.path(place.1);
            // All functions of a file are read again only if its text has a name for which that is worth it.
            let made: BTreeSet<String> = module.functions().collect();
            let bases: BTreeSet<String> =
                made.iter().map(|symbol| demangle::base(symbol)).collect();
            let known: BTreeSet<&str> = bases
                .iter()
                .filter_map(|base| base.rsplit("::").next())
                .collect();
            let text = match &front.snapshot {
                Some(snapshot) => snapshot.text.clone(),
                None => crate::paths::read(path).unwrap_or_default(),
            };
            let text = String::from_utf8_lossy(&text);
            let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '$');
            if !words.any(|word| self.functions.names.may_select(word) && !known.contains(word)) {
                continue;
            }
            let Some(all) = self.with_all_functions(*place) else {
                continue;
            };
            let Ok(all) = Module::parse(&all) else {
                continue;
            };
            for symbol in all.functions() {
                let name = self.functions.names.stencil(&symbol, path);
                if name.is_none() || made.contains(&symbol) {
                    continue;
                }
                let found = all.place(&symbol).map(|place| self.authors(place));
                let Some((path, line)) = found else {
                    continue;
                };
                if told.insert((path.clone(), line)) {
                    remark(&format!(
                        "{}:{line}: {} is selected by `stencils`, but becomes no stencil: it is static or inline, and clang \
                         leaves out such functions if nothing calls them",
                        path.display(),
                        demangle::base(&symbol)
                    ));
                }
            }
        }
    }
}
