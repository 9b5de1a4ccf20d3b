//! The example's objects: read natively, and from what llvm-readobj says of them.

use fixtures::{TRIPLES, golden, inputs};
use jit_schema::{Target, native, readobj};

#[test]
fn both_readers_agree() {
    for triple in TRIPLES {
        let format = Target::from_triple(triple).unwrap().format;
        let opnames = inputs::readobj_opnames(triple);
        assert!(!opnames.is_empty());
        for opname in opnames {
            let object = golden::read_bytes(&inputs::object(triple, &opname));
            let json = golden::read_text(&inputs::readobj(triple, &opname));
            assert_eq!(
                native::read(&object).unwrap(),
                readobj::read(format, &json).unwrap(),
                "{triple} {opname}"
            );
        }
    }
}
