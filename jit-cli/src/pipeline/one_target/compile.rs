//! Compiling what the cache does not have.
//!
//! clang compiles the sources in batches. The assembly of small batches is collected, and assembled in one process. So are
//! objects, which are disassembled in one process.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use jit_llvm::{Ir, Joinable, Mode, Source};
use rayon::prelude::*;

use super::{
    Build, LookupOf, Miss, Outcome,
    batches::{LEAST, batches, enough_to_assemble, joined_batches},
    by_ir::Input,
};
use crate::{
    error::Error,
    pipeline::line::{Compiled, Origin},
    statistics::StageTimes,
};

/// What is compiled, and waits for being assembled and disassembled.
struct Pool<'a> {
    waiting: Mutex<Vec<(Input<'a>, Compiled)>>,
    /// From how many on they are taken out.
    enough: usize,
}

impl<'a> Pool<'a> {
    fn new(enough: usize) -> Pool<'a> {
        Pool {
            waiting: Mutex::default(),
            enough,
        }
    }

    /// Adds a batch. If there are enough now, all are taken out.
    fn add(&self, batch: Vec<(Input<'a>, Compiled)>) -> Vec<(Input<'a>, Compiled)> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.extend(batch);
        match waiting.len() >= self.enough {
            true => std::mem::take(&mut *waiting),
            false => Vec::new(),
        }
    }

    /// Takes out the rest, divided into parts for the threads.
    fn rest(self) -> Vec<Vec<(Input<'a>, Compiled)>> {
        let mut waiting = self.waiting.into_inner();
        let waiting = waiting.as_mut().unwrap_or_else(|error| error.get_mut());
        let size = waiting.len().div_ceil(rayon::current_num_threads().max(1));
        let size = size.max(LEAST);
        let mut parts = Vec::new();
        while !waiting.is_empty() {
            parts.push(waiting.drain(..size.min(waiting.len())).collect());
        }
        parts
    }
}

impl Build<'_> {
    /// Compiles the sources whose tokens are not in the cache, except those whose IR is.
    pub(super) fn compile(
        &self,
        misses: &[Miss<'_>],
        joinable: &Joinable,
        lookup: Option<LookupOf<'_>>,
    ) -> (Vec<Outcome>, StageTimes) {
        let stages = Mutex::new(StageTimes::default());
        let pool = Pool::new(match self.mode {
            Mode::Driver => 1,
            _ => enough_to_assemble(misses.len()),
        });
        let by_ir = lookup.filter(|_| misses.len() >= LEAST);
        // Where no IR is found, there is no use in having it before the sources are compiled.
        let looks = AtomicBool::new(by_ir.is_some_and(|lookup| self.may_find_ir(lookup)));
        self.keeps_ir.store(by_ir.is_some(), Ordering::Relaxed);
        if self.joins(misses.len()) && !self.can_join(misses, joinable) {
            self.joining_pays.store(false, Ordering::Relaxed);
        }
        let joins = self.joins(misses.len());
        let first = match joins {
            true => joined_batches(misses.to_vec()),
            false => batches(misses.to_vec(), self.mode),
        };
        // Batches are started in their order, so that the large ones come first.
        let first: Vec<(Vec<Outcome>, Vec<Input<'_>>)> = first
            .into_iter()
            .par_bridge()
            .map(|batch| {
                let mut own = StageTimes::default();
                let searched = by_ir.filter(|_| looks.load(Ordering::Relaxed));
                let found = self.look_up_ir(&batch, joinable, (by_ir, searched), &mut own);
                let (mut results, rest) = match found {
                    Ok(divided) => divided,
                    Err(error) => {
                        let first = batch.first().map(|(index, ..)| *index);
                        (vec![failed(first, error)], Vec::new())
                    }
                };
                if results.is_empty() && rest.iter().all(Input::is_new) {
                    looks.store(false, Ordering::Relaxed);
                }
                self.meter.advance(results.len());
                // A process for a few sources takes longer to start than to run. Batches for translating are as large as
                // possible, and those for compiling get smaller, so that no core waits for another.
                let (now, later) = match !joins && rest.len() >= LEAST.min(batch.len()) {
                    true => (rest, Vec::new()),
                    false => (Vec::new(), rest),
                };
                results.extend(self.compile_batch(now, lookup, &pool, &mut own));
                add(&stages, &own);
                (results, later)
            })
            .collect();
        let (results, rest): (Vec<Vec<Outcome>>, Vec<Vec<Input<'_>>>) = first.into_iter().unzip();
        let mut results: Vec<Outcome> = results.into_iter().flatten().collect();
        let others = batches(rest.into_iter().flatten().collect(), self.mode);
        results.par_extend(others.into_iter().par_bridge().flat_map_iter(|batch| {
            let mut own = StageTimes::default();
            let results = self.compile_batch(batch, lookup, &pool, &mut own);
            add(&stages, &own);
            results
        }));
        results.par_extend(pool.rest().into_par_iter().flat_map_iter(|part| {
            let mut own = StageTimes::default();
            let results = self.finish(part, lookup, &mut own);
            add(&stages, &own);
            results
        }));
        (
            results,
            stages.into_inner().unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// Compiles a batch, and adds it to the pool. Returns the results of those that left the pool.
    fn compile_batch<'a>(
        &self,
        batch: Vec<Input<'a>>,
        lookup: Option<LookupOf<'_>>,
        pool: &Pool<'a>,
        stages: &mut StageTimes,
    ) -> Vec<Outcome> {
        if batch.is_empty() {
            return Vec::new();
        }
        let sources: Vec<Source> = batch.iter().map(|input| input.source.clone()).collect();
        let irs: Vec<Option<&Ir>> = batch.iter().map(|input| input.ir.as_ref()).collect();
        let from = match irs.iter().any(Option::is_some) {
            true => Origin::Irs(&irs),
            false if self.keeps_ir.load(Ordering::Relaxed) => Origin::TextKeepingIr,
            false => Origin::Text,
        };
        let compiled = match self.line.compile(&sources, from, stages) {
            Ok(compiled) => compiled,
            Err(error) => {
                self.meter.advance(batch.len());
                return vec![failed(batch.first().map(|input| input.index), error)];
            }
        };
        if matches!(from, Origin::TextKeepingIr) && compiled.iter().all(|one| one.ir.is_none()) {
            // The sources were compiled twice, because of a warning, for example.
            self.keeps_ir.store(false, Ordering::Relaxed);
        }
        self.finish(
            pool.add(batch.into_iter().zip(compiled).collect()),
            lookup,
            stages,
        )
    }

    /// Makes stencils of what sources were compiled to, and stores them.
    fn finish(
        &self,
        part: Vec<(Input<'_>, Compiled)>,
        lookup: Option<LookupOf<'_>>,
        stages: &mut StageTimes,
    ) -> Vec<Outcome> {
        if part.is_empty() {
            return Vec::new();
        }
        let (inputs, compiled): (Vec<Input<'_>>, Vec<Compiled>) = part.into_iter().unzip();
        let (results, products) = self.line.finish(compiled, stages);
        if let Some(lookup) = lookup {
            self.store(&inputs, &products, lookup);
        }
        self.meter.advance(inputs.len());
        let places = inputs.iter().map(|input| input.index);
        places.zip(results).collect()
    }
}

/// Returns the result of a batch for which one error stands.
fn failed(first: Option<usize>, error: Error) -> Outcome {
    (first.unwrap_or(0), Err(error))
}

fn add(stages: &Mutex<StageTimes>, more: &StageTimes) {
    let stages = stages.lock();
    stages.unwrap_or_else(PoisonError::into_inner).add(more);
}
