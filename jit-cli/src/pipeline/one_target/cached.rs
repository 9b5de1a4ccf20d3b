//! What a build takes from the cache, and what it stores there.

use std::{collections::HashSet, path::PathBuf};

use jit_llvm::Object;

use super::by_ir::Input;
use super::{Build, LookupOf, MadeShim, SHIM, Shim, ShimSource};
use crate::{
    cache::{
        key::Key,
        lookup::{Lookup, ShimKey, Started},
        store::Entry,
    },
    conventions::ShimForm,
    error::Error,
    pipeline::line::Product,
    reads::times::changed_since,
};

impl Build<'_> {
    /// Takes entries from the shared cache, if there is one.
    pub(super) fn fetch(&self, keys: &[Option<Key>]) -> Result<(), Error> {
        let Some(lookup) = self
            .lookup
            .as_ref()
            .filter(|lookup| lookup.cache.is_shared())
        else {
            return Ok(());
        };
        let interrupt = self.line.compiler.interrupt();
        lookup.cache.fetch(keys.iter().flatten(), interrupt);
        if self.line.independent.is_none() {
            return Ok(());
        }
        let mut independent = Vec::new();
        for key in keys.iter().flatten() {
            if let Some(Entry::PositionIndependent) = lookup.cache.get(key) {
                independent.extend(self.independent_key(key)?);
            }
        }
        lookup.cache.fetch(independent.iter(), interrupt);
        Ok(())
    }

    pub(super) fn build_shim(
        &self,
        source: &ShimSource<'_>,
        lookup: Option<LookupOf<'_>>,
    ) -> Result<(MadeShim, ShimKey), Error> {
        let found = match lookup {
            Some((lookup, started)) => lookup.shim_key(started)?,
            None => ShimKey::default(),
        };
        let stored = lookup.and_then(|(lookup, _)| {
            let key = found.key?;
            let interrupt = self.line.compiler.interrupt();
            lookup.cache.fetch([key].iter(), interrupt);
            lookup.cache.object(&key)
        });
        let believed = found
            .key
            .zip(stored)
            .and_then(|(key, object)| self.believed(&key, object));
        match believed.map(|object| self.made_shim(source, &object)) {
            Some(Ok(shim)) => Ok((shim, found)),
            Some(Err(error)) => {
                tracing::warn!("what the cache gave is compiled again: {error}");
                self.compile_shim(source, lookup, found)
            }
            None => self.compile_shim(source, lookup, found),
        }
    }

    /// Returns what an object file becomes: a stencil, or a shim with its unwind information. It is an error if the object
    /// is not what a shim has to be.
    fn made_shim(&self, source: &ShimSource<'_>, object: &Object) -> Result<MadeShim, Error> {
        if self.shim_form == ShimForm::Stencil {
            return self.line.lower(SHIM, object).map(MadeShim::Stencil);
        }
        let unwind =
            jit_stencils::shim_unwind(self.line.target, &object.bytes).map_err(|error| {
                Error::Unwind {
                    path: source.name.clone(),
                    source: error,
                }
            })?;
        Ok(MadeShim::Object(Shim {
            object: object.bytes.clone(),
            unwind,
        }))
    }

    /// Compiles the shim, and stores it if it is one.
    fn compile_shim(
        &self,
        source: &ShimSource<'_>,
        lookup: Option<LookupOf<'_>>,
        mut found: ShimKey,
    ) -> Result<(MadeShim, ShimKey), Error> {
        let compiler = self.line.compiler;
        // What is compiled is the snapshot that the key is made from.
        if found.snapshot.is_none() {
            match lookup {
                Some((lookup, started)) => {
                    found = lookup.shim_key_of_snapshot(started, source.path)?;
                }
                None => found.snapshot = compiler.shim_snapshot(source.path)?,
            }
        }
        let made = compiler.shim(source.path, found.snapshot.as_ref())?;
        let object = match self.shim_form {
            ShimForm::Object => Object {
                bytes: made.value,
                disassembly: None,
            },
            ShimForm::Stencil => {
                let mut objects = compiler.disassembled(vec![(SHIM, made.value)])?;
                let missing = || Error::Missing {
                    uop: SHIM.to_owned(),
                };
                objects.pop().ok_or_else(missing)?
            }
        };
        let shim = self.made_shim(source, &object)?;
        if let (Some((lookup, started)), Some(key)) = (lookup, found.key)
            && made.from_known_inputs
            && started.tools_are_unchanged()
            && !self.warned.contains(SHIM)
            && (self.shim_form == ShimForm::Object || is_complete(&object, lookup))
        {
            self.doubts.compare(&key, SHIM, &object);
            lookup.cache.put(&key, &Entry::Object(object));
        }
        Ok((shim, found))
    }

    /// Fails if a header of the shim that micro-ops include as well was changed since the build began: their code could
    /// be made from different texts of it. Both are complete by now, so none of them reads a header any more.
    pub(super) fn check_headers(
        &self,
        of_shim: &ShimKey,
        lookup: Option<LookupOf<'_>>,
    ) -> Result<(), Error> {
        let of_uops = self.line.compiler.taken_snapshot();
        let files: Vec<&PathBuf> = match (&of_shim.snapshot, of_uops) {
            (Some(snapshot), _) => snapshot.files.iter().collect(),
            // The record of the last build had both.
            (None, None) => return Ok(()),
            (None, Some(_)) => {
                let started = lookup.into_iter().map(|(_, started)| started);
                started.flat_map(Started::shim_headers).collect()
            }
        };
        let of_uops: Option<HashSet<&PathBuf>> =
            of_uops.map(|snapshot| snapshot.files.iter().collect());
        let is_shared = |path: &&PathBuf| of_uops.as_ref().is_none_or(|files| files.contains(path));
        match changed_since(files.into_iter().filter(is_shared), self.begun) {
            Some(path) => Err(Error::Changed { path }),
            None => Ok(()),
        }
    }

    /// Returns a micro-op's object, if the cache has it and it is not to be verified.
    pub(super) fn believed_uop(&self, key: &Key) -> Result<Option<Object>, Error> {
        let stored = self.stored_uop(key)?;
        Ok(stored.and_then(|object| self.believed(key, object)))
    }

    /// Returns an object of the cache, unless it is to be verified.
    pub(super) fn believed(&self, key: &Key, object: Object) -> Option<Object> {
        let verifies = |lookup: &Lookup<'_>| lookup.cache.verifies(key);
        if self.lookup.as_ref().is_some_and(verifies) {
            self.doubts.note(key, object);
            return None;
        }
        Some(object)
    }

    /// Returns a micro-op's object, if the cache has it.
    fn stored_uop(&self, key: &Key) -> Result<Option<Object>, Error> {
        let Some(lookup) = &self.lookup else {
            return Ok(None);
        };
        match lookup.cache.get(key) {
            Some(Entry::Object(object)) => Ok(Some(object)),
            Some(Entry::PositionIndependent) => {
                let key = self.independent_key(key)?;
                Ok(key.and_then(|key| lookup.cache.object(&key)))
            }
            // Only keys of IR have those.
            Some(Entry::SameAs(_)) | None => Ok(None),
        }
    }

    fn independent_key(&self, key: &Key) -> Result<Option<Key>, Error> {
        match self.line.independent {
            Some(compiler) => Ok(Lookup::independent(key, compiler)?),
            None => Ok(None),
        }
    }

    /// Stores what a batch was compiled to, except what the next build has to make again: to show clang's
    /// warning, or because llvm-objdump failed, so that comments are missing.
    pub(super) fn store(
        &self,
        batch: &[Input<'_>],
        products: &[Product],
        (lookup, started): LookupOf<'_>,
    ) {
        // All of them were made by now, so they were made by these tools.
        if !started.tools_are_unchanged() {
            tracing::warn!("nothing is stored in the cache, because the tools were replaced");
            return;
        }
        let mut has_ir = false;
        for product in products {
            let Some(input) = batch.get(product.index) else {
                continue;
            };
            let (source, Some(key)) = (input.source, &input.key) else {
                continue;
            };
            let object = &product.object;
            let ir = match (input.ir_key, &input.ir, &product.ir) {
                // The object does not follow from the IR.
                (_, Some(_), None) => None,
                (Some(key), ..) => Some(key),
                (None, _, ir) => ir.as_ref().map(|ir| lookup.ir_key(started, source, ir)),
            };
            for key in std::iter::once(key).chain(&ir) {
                self.doubts.compare(key, &source.name, object);
            }
            if !is_complete(object, lookup) || self.warned.contains(&source.name) {
                continue;
            }
            let entry = Entry::Object(object.clone());
            if !product.independent {
                lookup.cache.put(key, &entry);
                if let Some(ir) = ir {
                    has_ir = true;
                    lookup.cache.put(&ir, &Entry::SameAs(*key));
                }
            } else if let Ok(Some(independent)) = self.independent_key(key) {
                lookup.cache.put(&independent, &entry);
                lookup.cache.put(key, &Entry::PositionIndependent);
            }
        }
        let any = Lookup::any_ir_key(started);
        if has_ir && !lookup.cache.has(&any) {
            lookup.cache.put(&any, &Entry::SameAs(any));
        }
    }
}

/// Returns whether an object has its disassembly, unless there is no llvm-objdump.
fn is_complete(object: &Object, lookup: &Lookup<'_>) -> bool {
    object.disassembly.is_some() || lookup.toolchain.objdump.is_none()
}
