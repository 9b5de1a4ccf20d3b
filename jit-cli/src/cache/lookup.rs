//! Finding the keys under which the results of a build are stored.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use jit_llvm::{Compiler, ExpandedFile, Expansion, LlvmError, Source, Toolchain};

use crate::{
    cache::key::{Key, code_arguments, tokens},
    cache::record::{self, Headers, Record, Settings, Shim, Uop},
    cache::store::Cache,
};

/// The inputs of a build that its keys depend on.
pub(crate) struct Lookup<'a> {
    pub(crate) cache: &'a Cache,
    /// The name of the project's record.
    pub(crate) name: String,
    pub(crate) toolchain: &'a Toolchain,
    pub(crate) compiler: &'a Compiler<'a>,
    pub(crate) preamble: &'a str,
    pub(crate) sources: &'a [Source],
    pub(crate) shim: Option<&'a Path>,
    /// Whether to leave a record for the next build.
    pub(crate) remember: bool,
}

/// The keys of a build's results. A result without a key is not stored.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keys {
    /// The key of each source.
    pub(crate) uops: Vec<Option<Key>>,
    /// The key of the shim.
    pub(crate) shim: Option<Key>,
    /// The headers that the sources and the shim include, if they are known.
    pub(crate) headers: Option<Vec<PathBuf>>,
}

/// The parts of keys that are the same for all sources.
struct Settled {
    settings: Settings,
    /// The hash of everything but tokens that the keys of micro-ops depend on. `shim` is the same for the
    /// shim.
    stencil: Key,
    shim: Key,
}

impl Lookup<'_> {
    /// Returns the record of the last build, if there is one.
    pub(crate) fn last(&self) -> Option<Record> {
        Record::read(self.cache, &self.name)
    }

    /// Returns a hash of a source's text.
    pub(crate) fn text_key(source: &Source) -> Key {
        Key::of([source.name.as_bytes(), source.body.as_bytes()])
    }

    /// Returns the keys. If only micro-ops have changed since the last build, its record has the keys of the
    /// others; the rest is preprocessed. Writes a record for the next build.
    pub(crate) fn keys(&self, last: Option<Record>) -> Result<Keys, LlvmError> {
        let none = Keys {
            uops: vec![None; self.sources.len()],
            ..Keys::default()
        };
        let Some(arguments) = self.compiler.arguments()? else {
            return Ok(none);
        };
        let [compile, assemble, shim] = &arguments;
        let (Some(compile), Some(assemble), Some(shim)) = (
            code_arguments(compile),
            code_arguments(assemble),
            code_arguments(shim),
        ) else {
            tracing::info!("nothing is cached, because of debug information");
            return Ok(none);
        };
        let mut tools = self.toolchain.identities().to_vec();
        tools.push(record::tool_driver());
        let tools = tools.join("\n");
        let (compile, assemble, shim) = (compile.join("\n"), assemble.join("\n"), shim.join("\n"));
        let stencil = [
            "stencil",
            &tools,
            &record::optimizer(self.compiler),
            &compile,
            &assemble,
        ];
        let settled = Settled {
            stencil: Key::of(stencil.map(str::as_bytes)),
            shim: Key::of(["shim", &tools, &shim].map(str::as_bytes)),
            settings: Settings::new(self.toolchain, arguments, self.compiler, self.preamble),
        };
        self.find(last, &settled)
    }

    fn find(&self, last: Option<Record>, settled: &Settled) -> Result<Keys, LlvmError> {
        let texts: Vec<Key> = self.sources.iter().map(Lookup::text_key).collect();
        let (known, known_shim) = match &last {
            Some(last) => (
                last.keys(&settled.settings),
                last.shim_key(&settled.settings),
            ),
            None => (None, None),
        };
        let missing: Vec<(&Source, Key)> = self
            .sources
            .iter()
            .zip(&texts)
            .filter(|(_, text)| known.as_ref().is_none_or(|known| !known.contains_key(text)))
            .map(|(source, text)| (source, *text))
            .collect();
        let (expansion, expanded_shim) = rayon::join(
            || self.expand(&missing),
            || match (self.shim, known_shim) {
                (Some(path), None) => self.compiler.expand_shim(path),
                _ => Ok(None),
            },
        );
        let (expansion, expanded_shim) = (expansion?, expanded_shim?);
        let headers_known = known.is_some();
        let mut keys: HashMap<Key, Key> = known.unwrap_or_default();
        if let Some(expansion) = &expansion {
            let start = Key::of([settled.stencil.bytes(), &tokens(&expansion.preamble)]);
            for ((_, text), body) in missing.iter().zip(&expansion.bodies) {
                keys.insert(*text, Key::of([start.bytes(), &tokens(body)]));
            }
        }
        let shim_key = known_shim.or_else(|| {
            let text = tokens(&expanded_shim.as_ref()?.text);
            Some(Key::of([settled.shim.bytes(), &text]))
        });
        let found = Keys {
            uops: texts.iter().map(|text| keys.get(text).copied()).collect(),
            shim: shim_key,
            headers: self.headers(
                last.as_ref()
                    .filter(|_| headers_known && missing.is_empty()),
                last.as_ref().filter(|_| known_shim.is_some()),
                (expansion.as_ref(), expanded_shim.as_ref()),
            ),
        };
        if self.remember && (!missing.is_empty() || shim_key != known_shim) {
            self.remember(
                last.filter(|_| headers_known),
                settled,
                &texts,
                &found,
                (expansion.as_ref(), expanded_shim.as_ref()),
            );
        }
        Ok(found)
    }

    /// Returns all headers: those of the preprocessed sources, or else those in the record of the last build.
    /// The records are `None` if they do not have the headers of all sources.
    fn headers(
        &self,
        last: Option<&Record>,
        last_shim: Option<&Record>,
        (expansion, expanded_shim): (Option<&Expansion>, Option<&ExpandedFile>),
    ) -> Option<Vec<PathBuf>> {
        let mut files = match (expansion, last) {
            (Some(expansion), _) => expansion.files.clone(),
            (None, Some(last)) => last.headers.files(),
            (None, None) => return None,
        };
        if self.shim.is_some() {
            files.extend(match (expanded_shim, last_shim) {
                (Some(expanded), _) => expanded.files.clone(),
                (None, Some(last)) => last.shim.as_ref()?.headers.files(),
                (None, None) => return None,
            });
        }
        Some(files)
    }

    fn expand(&self, missing: &[(&Source, Key)]) -> Result<Option<Expansion>, LlvmError> {
        if missing.is_empty() {
            return Ok(None);
        }
        let sources: Vec<Source> = missing
            .iter()
            .map(|(source, _)| (*source).clone())
            .collect();
        self.compiler.expand(&sources)
    }

    /// Writes the record of this build, if everything that it needs is known. `last` is the record of the
    /// last build, if its headers have not changed.
    fn remember(
        &self,
        last: Option<Record>,
        settled: &Settled,
        texts: &[Key],
        found: &Keys,
        (expansion, expanded_shim): (Option<&Expansion>, Option<&ExpandedFile>),
    ) {
        let [compile, _, shim_arguments] = &settled.settings.arguments;
        let last_shim = last.as_ref().and_then(|last| last.shim.clone());
        let headers = match (&last, expansion) {
            (Some(last), _) => Some(last.headers.clone()),
            (None, Some(expansion)) => Headers::of(&expansion.files, compile),
            (None, None) => None,
        };
        let uops: Option<BTreeMap<String, Uop>> = self
            .sources
            .iter()
            .zip(texts.iter().zip(&found.uops))
            .map(|(source, (text, key))| {
                let uop = Uop {
                    text: *text,
                    key: (*key)?,
                };
                Some((source.name.clone(), uop))
            })
            .collect();
        let (Some(headers), Some(uops)) = (headers, uops) else {
            return;
        };
        let shim = match (expanded_shim, found.shim) {
            (Some(expanded), Some(key)) => {
                Headers::of(&expanded.files, shim_arguments).map(|headers| Shim { headers, key })
            }
            _ => last_shim,
        };
        if let (None, Some(expansion)) = (&last, expansion) {
            record::write_macros(self.cache, &self.name, &expansion.macros);
        }
        let record = Record {
            settings: settled.settings.clone(),
            headers,
            uops,
            shim,
        };
        record.write(self.cache, &self.name);
    }
}
