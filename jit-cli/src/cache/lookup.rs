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

use jit_llvm::{Compiler, Ir, Joinable, LlvmError, Snapshot, Source, Toolchain};
use jit_optimizer::Entered;

use crate::{
    cache::arguments,
    cache::key::{Key, tokens},
    cache::record::{self, Record, Settings, Shim, Uop},
    cache::store::Cache,
    project::hardening::{self, HardeningRules},
    reads::Reads,
    tools::files::Files,
};

/// The inputs of a build that its keys depend on.
pub(crate) struct Lookup<'a> {
    pub(crate) cache: &'a Cache,
    /// The name of the project's record.
    pub(crate) name: String,
    pub(crate) toolchain: &'a Toolchain,
    pub(crate) compiler: &'a Compiler<'a>,
    /// The options of the optimizer.
    pub(crate) optimizer: jit_optimizer::Options,
    /// Which stencils control enters through pointers, if that counts.
    pub(crate) hardening: Option<&'a HardeningRules>,
    pub(crate) preamble: &'a str,
    pub(crate) sources: &'a [Source],
    pub(crate) shim: Option<&'a Path>,
    /// Whether to leave a record for the next build.
    pub(crate) remember: bool,
}

/// The keys of micro-ops. What has no key is not stored.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keys {
    /// The key of each source.
    pub(crate) uops: Vec<Option<Key>>,
    /// The sources without a key of the last build that may be compiled as one file.
    pub(crate) joinable: Joinable,
    /// What they were made from, if there was a snapshot.
    basis: Option<Basis>,
}

impl Keys {
    /// Returns no key for each of so many sources.
    pub(crate) fn none(sources: usize) -> Keys {
        Keys {
            uops: vec![None; sources],
            joinable: Joinable::default(),
            basis: None,
        }
    }
}

/// What keys were made from.
#[derive(Debug, Clone)]
struct Basis {
    /// The hash of the snapshot.
    snapshot: Key,
    /// Whether the record of the last build had all of the keys.
    recorded: bool,
    /// The macros that are defined after the preamble, if it was preprocessed.
    macros: Option<Vec<String>>,
}

/// The key of the shim, and the snapshot that it was made from, unless the record of the last build had the
/// key.
#[derive(Debug, Clone, Default)]
pub(crate) struct ShimKey {
    pub(crate) key: Option<Key>,
    pub(crate) snapshot: Option<Snapshot>,
}

/// The places of steps among the arguments.
const COMPILE: usize = 0;
const SHIM: usize = 2;

/// What is known before anything is preprocessed.
pub(crate) struct Started {
    settings: Settings,
    /// The arguments of cc1, as in [`Settings`], with the name of the work directory.
    arguments: [Vec<String>; 3],
    /// The hash of everything but tokens that the keys of micro-ops depend on. `shim` is the same for the
    /// shim.
    stencil: Key,
    shim: Key,
    tools: Files,
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

    /// Returns the key of a source's IR, which is compiled with the arguments and tools of [`Started`].
    pub(crate) fn ir_key(&self, started: &Started, source: &Source, ir: &Ir) -> Key {
        let entered = self.entered(source);
        let parts = [started.stencil.bytes(), entered.as_bytes(), ir.contents()];
        Key::of([&b"ir"[..]].into_iter().chain(parts))
    }

    /// Returns how control gets to the start of a source's stencil, as a part of its key.
    fn entered(&self, source: &Source) -> &'static str {
        match hardening::entered(self.hardening, &source.name) {
            Entered::ThroughPointers => "through pointers",
            Entered::Directly => "directly",
        }
    }

    /// Returns the key of an entry that is there if there are entries of IR with these arguments and tools.
    pub(crate) fn any_ir_key(started: &Started) -> Key {
        Key::of([&b"any ir"[..], started.stencil.bytes()])
    }

    /// Finds out what the record of the last build says. Returns `None` if nothing can be cached.
    pub(crate) fn start(&self, last: Option<Record>) -> Result<Option<Started>, LlvmError> {
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
        let programs = self.compiler.programs()?;
        let tools = Files::of(programs, Some(self.cache), self.compiler.interrupt());
        let known = [self.toolchain.identities(), tools.identities()].concat();
        let identities = [known.join("\n"), record::tool_driver()].join("\n");
        let optimizer = [
            record::optimizer(self.optimizer),
            hardening::setting(self.hardening),
        ]
        .join("\n");
        let settings = Settings::new(
            known,
            arguments.clone(),
            self.compiler,
            self.preamble,
            &optimizer,
        );
        let [compile, assemble, shim] = <[String; 3]>::try_from(keyed).unwrap_or_default();
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
            arguments,
        }))
    }

    /// Returns the keys if the record of the last build has all of them.
    pub(crate) fn known(&self, started: &Started) -> Option<Keys> {
        let last = started.last.as_ref()?;
        let keys = last.keys();
        let texts = started.texts.iter();
        let uops = texts.map(|text| keys.get(text).copied().map(Some));
        Some(Keys {
            uops: uops.collect::<Option<_>>()?,
            joinable: Joinable::default(),
            basis: Some(Basis {
                snapshot: last.snapshot,
                recorded: true,
                macros: None,
            }),
        })
    }

    /// Returns the keys of what is compiled from the compiler's snapshot. `started` has what the record of the
    /// last build says.
    pub(crate) fn keys(&self, started: &Started) -> Result<Keys, LlvmError> {
        let Some(snapshot) = self.compiler.snapshot()? else {
            return Ok(Keys::none(self.sources.len()));
        };
        let hash = Key::of([snapshot.text.as_slice()]);
        let last = started.last_with(&hash);
        let mut keys: HashMap<Key, Key> = last.map(Record::keys).unwrap_or_default();
        let missing: Vec<(Source, Key)> = self
            .sources
            .iter()
            .zip(&started.texts)
            .filter(|(_, text)| !keys.contains_key(*text))
            .map(|(source, text)| (source.clone(), *text))
            .collect();
        let recorded = missing.is_empty();
        let (sources, texts): (Vec<Source>, Vec<Key>) = missing.into_iter().unzip();
        let entered: Vec<&str> = sources.iter().map(|source| self.entered(source)).collect();
        let expansion = match recorded {
            true => None,
            false => self.compiler.expand(&sources)?,
        };
        if let Some(expansion) = &expansion {
            let start = Key::of([started.stencil.bytes(), &tokens(&expansion.preamble)]);
            let is_strict = started.is_strict(COMPILE);
            let bodies = texts.iter().zip(&entered).zip(&expansion.bodies);
            keys.extend(bodies.filter_map(|((text, entered), body)| {
                let tokens = tokens(body.as_deref()?);
                let key = Key::of([start.bytes(), entered.as_bytes(), &tokens]);
                let key = match is_strict {
                    true => Key::of([key.bytes(), hash.bytes(), text.bytes()]),
                    false => key,
                };
                Some((*text, key))
            }));
        }
        let texts = started.texts.iter();
        let (macros, joinable) = expansion
            .map(|expansion| (expansion.macros, expansion.joinable))
            .unzip();
        Ok(Keys {
            uops: texts.map(|text| keys.get(text).copied()).collect(),
            joinable: joinable.unwrap_or_default(),
            basis: Some(Basis {
                snapshot: hash,
                recorded,
                macros,
            }),
        })
    }

    /// Returns the shim's key.
    pub(crate) fn shim_key(&self, started: &Started) -> Result<ShimKey, LlvmError> {
        match (self.shim, started.known_shim) {
            (None, _) => Ok(ShimKey::default()),
            (Some(_), Some(key)) => Ok(ShimKey {
                key: Some(key),
                snapshot: None,
            }),
            (Some(path), None) => self.shim_key_of_snapshot(started, path),
        }
    }

    /// Takes a snapshot of the shim, and returns it with its key.
    pub(crate) fn shim_key_of_snapshot(
        &self,
        started: &Started,
        path: &Path,
    ) -> Result<ShimKey, LlvmError> {
        let Some(snapshot) = self.compiler.shim_snapshot(path)? else {
            return Ok(ShimKey::default());
        };
        let meaning = self.compiler.expand_shim(&snapshot)?;
        // The object file has the name of its source.
        let name = path.file_name().unwrap_or_default();
        let key = meaning.map(|meaning| {
            let name = name.as_encoded_bytes();
            let key = Key::of([started.shim.bytes(), name, &tokens(&meaning)]);
            match started.is_strict(SHIM) {
                true => Key::of([key.bytes(), &snapshot.text]),
                false => key,
            }
        });
        Ok(ShimKey {
            key,
            snapshot: Some(snapshot),
        })
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

    /// Writes the record of this build, if everything that it needs is known. Returns what was read, if the keys say
    /// everything that counts.
    pub(crate) fn conclude(
        &self,
        started: &Started,
        keys: &Keys,
        shim: &ShimKey,
    ) -> Result<Option<Reads>, LlvmError> {
        let Some(basis) = &keys.basis else {
            return Ok(None);
        };
        let [compile, _, shim_arguments] = &started.arguments;
        let work = self.compiler.work();
        let last = started.last_with(&basis.snapshot);
        let snapshot = match last {
            Some(_) => None,
            None => self.compiler.snapshot()?,
        };
        let reads = match (snapshot, last) {
            (Some(snapshot), _) => Some(Reads::of(snapshot, compile, work)),
            (None, Some(last)) => Some(Reads::recorded(&last.headers)),
            (None, None) => None,
        };
        let of_shim = match &shim.snapshot {
            Some(snapshot) => Some(Reads::of(snapshot, shim_arguments, work)),
            None => started.shim().map(|shim| Reads::recorded(&shim.headers)),
        };
        let has_changed = last.is_none() || !basis.recorded || shim.snapshot.is_some();
        if self.remember && has_changed {
            if let (Some(_), Some(macros)) = (snapshot, &basis.macros) {
                record::write_macros(self.cache, &self.name, macros);
            }
            self.write_record(
                started,
                (keys, basis),
                shim,
                (reads.as_ref(), of_shim.as_ref()),
            );
        }
        // What has no key may read files of which clang does not tell.
        if keys.uops.iter().any(Option::is_none) || self.shim.is_some() && shim.key.is_none() {
            return Ok(None);
        }
        Ok(match self.shim {
            None => reads,
            Some(_) => reads.zip(of_shim).map(|(reads, more)| reads.with(more)),
        })
    }

    fn write_record(
        &self,
        started: &Started,
        (keys, basis): (&Keys, &Basis),
        shim: &ShimKey,
        (reads, of_shim): (Option<&Reads>, Option<&Reads>),
    ) {
        let headers = |reads: Option<&Reads>| reads?.headers.clone().ok();
        let texts = started.texts.iter().zip(&keys.uops);
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
        let (Some(headers_read), Some(uops)) = (headers(reads), uops) else {
            return;
        };
        let shim = shim.key.zip(self.shim).and_then(|(key, path)| {
            Some(Shim {
                headers: headers(of_shim)?,
                key,
                path: path.to_path_buf(),
            })
        });
        let record = Record {
            settings: started.settings.clone(),
            headers: headers_read,
            snapshot: basis.snapshot,
            uops,
            shim,
        };
        record.write(self.cache, &self.name);
    }
}

impl Started {
    /// Returns the record of the last build if it is about this snapshot, and only texts have changed since.
    fn last_with(&self, snapshot: &Key) -> Option<&Record> {
        self.last.as_ref().filter(|last| last.snapshot == *snapshot)
    }

    /// Returns the shim in the record of the last build, if nothing that it depends on has changed.
    fn shim(&self) -> Option<&Shim> {
        self.known_shim?;
        self.last.as_ref()?.shim.as_ref()
    }

    /// Returns the headers of the shim in the record of the last build, if nothing that it depends on has changed.
    pub(crate) fn shim_headers(&self) -> impl Iterator<Item = &PathBuf> {
        self.shim()
            .into_iter()
            .flat_map(|shim| shim.headers.seen.keys())
    }

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

    /// Returns whether clang makes errors of warnings in a step. Some warnings are about white space and comments, which are
    /// not among the tokens.
    fn is_strict(&self, step: usize) -> bool {
        let mut words = self.arguments.get(step).into_iter().flatten();
        words.any(|word| word.starts_with("-Werror") || word == "-pedantic-errors")
    }
}
