//! Finding the keys under which the results of a build are stored.
//!
//! The record of the last build has the keys of micro-ops by their texts, which are right as long as nothing
//! else has changed. Whatever has to be compiled is compiled from a snapshot of the headers, so its key is
//! made from that snapshot: if it is not the one that the record is about, the keys of the record are not
//! used.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use jit_llvm::{Compiler, Expansion, LlvmError, Snapshot, Source, Toolchain};

use crate::{
    cache::arguments,
    cache::key::{Key, tokens},
    cache::record::{self, Headers, Record, Settings, Shim, Uop},
    cache::store::Cache,
    cache::tools::Tools,
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
    /// The snapshot of the shim, if the key was made from it.
    pub(crate) shim_snapshot: Option<Snapshot>,
    /// The headers that the sources and the shim include, if they are known.
    pub(crate) headers: Option<Vec<PathBuf>>,
}

/// What is known before anything is preprocessed.
pub(crate) struct Started {
    settings: Settings,
    /// The hash of everything but tokens that the keys of micro-ops depend on. `shim` is the same for the
    /// shim.
    stencil: Key,
    shim: Key,
    tools: Tools,
    /// The hashes of the sources' texts.
    texts: Vec<Key>,
    /// The record of the last build, if only texts have changed since.
    last: Option<Record>,
    /// The key of the shim in the record, if nothing that it depends on has changed.
    known_shim: Option<Key>,
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

    /// Finds out what the record of the last build says. Returns `None` if nothing can be cached.
    pub(crate) fn start(&self) -> Result<Option<Started>, LlvmError> {
        let (Some(arguments), Some(closed)) = (
            self.compiler.arguments()?,
            self.compiler.closed_arguments()?,
        ) else {
            return Ok(None);
        };
        let [compile, assemble, shim] = &closed;
        let mut keyed = Vec::with_capacity(3);
        for step in [compile, assemble, shim] {
            match arguments::keyed(step) {
                Ok(words) => keyed.push(words.join("\n")),
                Err(argument) => {
                    tracing::info!("nothing is cached, because of {argument}");
                    return Ok(None);
                }
            }
        }
        let (tools, last) = rayon::join(
            || Tools::of(self.toolchain, self.compiler, self.cache),
            || self.last(),
        );
        let tools = tools?;
        let settings = Settings::new(&tools, arguments, self.compiler, self.preamble);
        let identities = [tools.identities.join("\n"), record::tool_driver()].join("\n");
        let [compile, assemble, shim] = <[String; 3]>::try_from(keyed).unwrap_or_default();
        let optimizer = record::optimizer(self.compiler);
        let stencil = ["stencil", &identities, &optimizer, &compile, &assemble];
        Ok(Some(Started {
            stencil: Key::of(stencil.map(str::as_bytes)),
            shim: Key::of(["shim", &identities, &shim].map(str::as_bytes)),
            texts: self.sources.iter().map(Lookup::text_key).collect(),
            known_shim: self
                .shim
                .zip(last.as_ref())
                .and_then(|(path, last)| last.shim_key(&settings, path)),
            last: last.filter(|last| last.is_current(&settings)),
            tools,
            settings,
        }))
    }

    /// Returns the keys if the record of the last build has all of them.
    pub(crate) fn known(&self, started: &Started) -> Option<Keys> {
        let last = started.last.as_ref()?;
        let keys = last.keys();
        let uops = started
            .texts
            .iter()
            .map(|text| keys.get(text).copied().map(Some));
        if self.shim.is_some() && started.known_shim.is_none() {
            return None;
        }
        Some(Keys {
            uops: uops.collect::<Option<_>>()?,
            shim: started.known_shim,
            shim_snapshot: None,
            headers: Some(last.files()),
        })
    }

    /// Returns the keys of what is compiled from the compiler's snapshot, and writes a record for the next
    /// build. `started` has what the record of the last build says.
    pub(crate) fn keys(&self, started: &Started) -> Result<Keys, LlvmError> {
        let Some(snapshot) = self.compiler.snapshot()? else {
            return Ok(Keys {
                uops: vec![None; self.sources.len()],
                ..Keys::default()
            });
        };
        let hash = Key::of([snapshot.text.as_slice()]);
        let last = started.last.as_ref().filter(|last| last.snapshot == hash);
        let mut keys: HashMap<Key, Key> = last.map(Record::keys).unwrap_or_default();
        let missing: Vec<(Source, Key)> = self
            .sources
            .iter()
            .zip(&started.texts)
            .filter(|(_, text)| !keys.contains_key(*text))
            .map(|(source, text)| (source.clone(), *text))
            .collect();
        let (sources, texts): (Vec<Source>, Vec<Key>) = missing.into_iter().unzip();
        let (expansion, shim) = rayon::join(
            || match sources.is_empty() {
                true => Ok(None),
                false => self.compiler.expand(&sources),
            },
            || self.shim_key(started),
        );
        let (expansion, (shim, shim_snapshot)) = (expansion?, shim?);
        if let Some(expansion) = &expansion {
            let start = Key::of([started.stencil.bytes(), &tokens(&expansion.preamble)]);
            let bodies = texts.iter().zip(&expansion.bodies);
            keys.extend(bodies.filter_map(|(text, body)| {
                let tokens = tokens(body.as_deref()?);
                Some((*text, Key::of([start.bytes(), &tokens])))
            }));
        }
        let found = Keys {
            uops: started
                .texts
                .iter()
                .map(|text| keys.get(text).copied())
                .collect(),
            headers: self.headers(started, snapshot, shim_snapshot.as_ref()),
            shim,
            shim_snapshot,
        };
        if self.remember {
            self.remember(started, &found, (snapshot, hash), expansion.as_ref());
        }
        Ok(found)
    }

    /// Returns the shim's key, and the snapshot that it was made from, unless the record of the last build has
    /// the key.
    fn shim_key(&self, started: &Started) -> Result<(Option<Key>, Option<Snapshot>), LlvmError> {
        match (self.shim, started.known_shim) {
            (None, _) => Ok((None, None)),
            (Some(_), Some(key)) => Ok((Some(key), None)),
            (Some(path), None) => self.shim_key_of_snapshot(started, path),
        }
    }

    /// Takes a snapshot of the shim, and returns it with its key.
    pub(crate) fn shim_key_of_snapshot(
        &self,
        started: &Started,
        path: &Path,
    ) -> Result<(Option<Key>, Option<Snapshot>), LlvmError> {
        let Some(snapshot) = self.compiler.shim_snapshot(path)? else {
            return Ok((None, None));
        };
        let meaning = self.compiler.expand_shim(&snapshot)?;
        // The object file has the name of its source.
        let name = path.file_name().unwrap_or_default();
        let key = meaning.map(|meaning| {
            let name = name.as_encoded_bytes();
            Key::of([started.shim.bytes(), name, &tokens(&meaning)])
        });
        Ok((key, Some(snapshot)))
    }

    /// Returns the key for a source's position-independent code. Returns `None` if that can't be cached.
    pub(crate) fn independent(
        key: &Key,
        compiler: &Compiler<'_>,
    ) -> Result<Option<Key>, LlvmError> {
        let Some([compile, ..]) = compiler.closed_arguments()? else {
            return Ok(None);
        };
        Ok(arguments::keyed(&compile).ok().map(|words| {
            let words = words.join("\n");
            Key::of([&b"position-independent"[..], key.bytes(), words.as_bytes()])
        }))
    }

    /// Returns all headers that were read, if they are known.
    fn headers(
        &self,
        started: &Started,
        snapshot: &Snapshot,
        shim_snapshot: Option<&Snapshot>,
    ) -> Option<Vec<PathBuf>> {
        if self.sources.iter().any(Source::may_include) {
            return None;
        }
        let mut files = snapshot.files.clone();
        if self.shim.is_some() {
            files.extend(match shim_snapshot {
                Some(snapshot) => snapshot.files.clone(),
                None => started.last.as_ref()?.shim.as_ref()?.headers.files(),
            });
        }
        Some(files)
    }

    /// Writes the record of this build, if everything that it needs is known.
    fn remember(
        &self,
        started: &Started,
        found: &Keys,
        (snapshot, hash): (&Snapshot, Key),
        expansion: Option<&Expansion>,
    ) {
        let [compile, _, shim_arguments] = &started.settings.arguments;
        let last = started.last.as_ref().filter(|last| last.snapshot == hash);
        let headers = match last {
            Some(last) => Some(last.headers.clone()),
            None => Headers::of(snapshot, compile),
        };
        let texts = started.texts.iter().zip(&found.uops);
        let uops: Option<BTreeMap<String, Uop>> = self
            .sources
            .iter()
            .zip(texts)
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
        let shim = match (&found.shim_snapshot, found.shim, self.shim) {
            (Some(snapshot), Some(key), Some(path)) => {
                Headers::of(snapshot, shim_arguments).map(|headers| Shim {
                    headers,
                    key,
                    path: path.to_path_buf(),
                })
            }
            (None, Some(_), Some(_)) => started.last.as_ref().and_then(|last| last.shim.clone()),
            _ => None,
        };
        if let (None, Some(expansion)) = (last, expansion) {
            record::write_macros(self.cache, &self.name, &expansion.macros);
        }
        let record = Record {
            settings: started.settings.clone(),
            headers,
            snapshot: hash,
            uops,
            shim,
        };
        record.write(self.cache, &self.name);
    }
}

impl Started {
    /// Returns whether nothing but texts has changed since the last build.
    pub(crate) fn has_record(&self) -> bool {
        self.last.is_some()
    }

    /// Returns whether the tools are still those that the keys are made for.
    pub(crate) fn tools_are_unchanged(&self) -> bool {
        self.tools.are_unchanged()
    }

    /// Returns the settings, to compare them with those of the last build.
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }
}
