//! The example's assembly, as clang wrote it and as CPython's optimizer left it, for every target.

use fixtures::{
    TRIPLES,
    generated::opnames,
    golden::{self, Golden},
    inputs,
};
use jit_optimizer::optimize;
use jit_schema::Target;

#[test]
fn every_micro_op_of_every_target() {
    for triple in TRIPLES {
        let target = Target::from_triple(triple).unwrap();
        for opname in opnames(triple) {
            let assembly = golden::read_text(&inputs::assembly(triple, &opname));
            Golden::new(inputs::optimized(triple, &opname))
                .made_by_upstream()
                .check_text(&optimize(target, &assembly).unwrap());
        }
    }
}
