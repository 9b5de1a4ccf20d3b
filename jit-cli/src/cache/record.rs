//! Records: the inputs of a project's last build.
//!
//! A record saves work: as long as no header, flag or tool has changed, the text of a micro-op determines
//! its key. It also lets `jit-cli explain` show what has changed.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use jit_llvm::Compiler;
use serde::{Deserialize, Serialize};

use crate::{cache::key::Key, cache::store::Cache, reads::Headers};

/// Everything apart from headers and the text of micro-ops that determines the tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// The versions of the tools, of the optimizer and of the code that runs the tools.
    pub(crate) tools: Vec<String>,
    /// The cc1 arguments for the three steps: to compile, to assemble, and to compile the shim.
    pub(crate) arguments: [Vec<String>; 3],
    /// The template's leading includes.
    pub(crate) preamble: String,
}

impl Settings {
    /// Returns the settings of a build with these tools. The name of the work directory, which is different each time, is
    /// replaced.
    pub(crate) fn new(
        mut tools: Vec<String>,
        arguments: [Vec<String>; 3],
        compiler: &Compiler<'_>,
        preamble: &str,
        optimizer: &str,
    ) -> Settings {
        let work = compiler.work().to_string_lossy();
        let neutral = |words: Vec<String>| {
            let words = words.into_iter();
            words.map(|word| word.replace(&*work, "WORK")).collect()
        };
        tools.extend([optimizer.to_owned(), tool_driver()]);
        Settings {
            tools,
            arguments: arguments.map(neutral),
            preamble: [compiler.prelude(), preamble].concat(),
        }
    }
}

/// Returns the version of the optimizer and its options, which decide what it does and what it refuses.
pub(crate) fn optimizer(options: jit_optimizer::Options) -> String {
    format!(
        "jit-optimizer {}, jit-schema {}, {options:?}",
        jit_optimizer::FINGERPRINT,
        jit_schema::FINGERPRINT
    )
}

/// Returns the versions of the code that runs the tools and of what it builds on.
pub(crate) fn tool_driver() -> String {
    format!(
        "jit-llvm {}, jit-schema {}",
        jit_llvm::FINGERPRINT,
        jit_schema::FINGERPRINT
    )
}

/// A micro-op of the last build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Uop {
    /// The hash of its C text, template included.
    pub(crate) text: Key,
    /// The key under which its stencil is stored.
    pub(crate) key: Key,
}

/// The last build of a project for one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) settings: Settings,
    pub(crate) headers: Headers,
    /// The hash of the snapshot that was compiled.
    pub(crate) snapshot: Key,
    pub(crate) uops: BTreeMap<String, Uop>,
    pub(crate) shim: Option<Shim>,
}

/// The shim of the last build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shim {
    /// The files that were read, the shim among them.
    pub(crate) headers: Headers,
    pub(crate) key: Key,
    pub(crate) path: PathBuf,
}

impl Record {
    /// Reads the record with this name, if there is one that can be read.
    pub(crate) fn read(cache: &Cache, name: &str) -> Option<Record> {
        cache.read_record(&format!("{name}.json"))
    }

    /// Writes the record for the next build.
    pub(crate) fn write(&self, cache: &Cache, name: &str) {
        cache.write_record(&format!("{name}.json"), self);
    }

    /// Returns whether nothing but texts has changed.
    pub(crate) fn is_current(&self, settings: &Settings) -> bool {
        self.settings == *settings && self.headers.is_current()
    }

    /// Returns the keys of micro-ops by the hashes of their texts.
    pub(crate) fn keys(&self) -> HashMap<Key, Key> {
        self.uops.values().map(|uop| (uop.text, uop.key)).collect()
    }

    /// Returns the shim's key, if nothing that the shim is made from has changed.
    pub(crate) fn shim_key(&self, settings: &Settings, path: &Path) -> Option<Key> {
        let shim = self.shim.as_ref().filter(|shim| shim.path == path)?;
        (self.settings == *settings && shim.headers.is_current()).then_some(shim.key)
    }
}

/// Writes the macros of a build's preamble, which only `jit-cli explain` reads.
pub(crate) fn write_macros(cache: &Cache, name: &str, macros: &[String]) {
    cache.write_record(&format!("{name}.macros"), &macros);
}

/// Reads the macros that [`write_macros`] has written.
pub(crate) fn read_macros(cache: &Cache, name: &str) -> Option<Vec<String>> {
    cache.read_record(&format!("{name}.macros"))
}
