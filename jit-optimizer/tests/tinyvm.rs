//! The example's assembly, as clang wrote it and as CPython's optimizer left it, for every target.

mod common;

use fixtures::{
    TRIPLES,
    generated::opnames,
    golden::{self, Golden},
    inputs,
};
use jit_optimizer::{Optimizer, Options};
use jit_schema::Target;

#[test]
fn every_micro_op_of_every_target() {
    for triple in TRIPLES {
        let target = Target::from_triple(triple).unwrap();
        let optimizer = Optimizer::new(target, Options::default());
        for opname in opnames(triple) {
            let assembly = golden::read_text(&inputs::assembly(triple, &opname));
            let path = inputs::optimized(triple, &opname);
            let upstream = golden::read_text(&path);
            let (input, _) = common::split(target, &assembly, &upstream);
            let optimized = optimizer.optimize(&assembly).unwrap().assembly;
            Golden::new(path)
                .made_by_upstream()
                .check_text(&format!("{input}{optimized}"));
        }
    }
}
