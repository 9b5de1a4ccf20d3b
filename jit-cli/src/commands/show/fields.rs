//! A stencil as JSON, for other programs.

use jit_stencils::{Hole, Part, StencilGroup, StencilSet};
use serde_json::{Map, Value, json};

use super::{Form, Shown, cfg, sources::Sources, word};
use crate::{
    disassembly::{Instruction, Listing, names},
    error::Error,
    hex,
};

/// Returns what is shown of a stencil.
pub(super) fn fields(
    one: &Shown<'_>,
    form: Form,
    sources: &mut Sources<'_>,
) -> Result<Value, Error> {
    let (set, group) = (one.set(), one.group);
    let mut fields = Map::new();
    let mut add = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    add("name", json!(one.name));
    add("target", json!(one.variant.subject.title));
    add("codegen", json!(one.variant.codegen.map(word)));
    add("code_bytes", json!(group.code.body.len()));
    add("data_bytes", json!(group.data.body.len()));
    match form {
        Form::Asm => {
            let listing = Listing::of(set, group);
            add("blocks", blocks(&listing));
            add("instructions", instructions(&listing));
        }
        Form::Holes => {
            add("holes", holes_of(set, group));
        }
        Form::Bytes => {
            add("code", json!(hex::digits(&group.code.body)));
            add("data", json!(hex::digits(&group.data.body)));
            add("holes", holes_of(set, group));
        }
        Form::C => {
            add("c", json!(sources.c(one)?));
        }
        Form::Ir => {
            add("ir", json!(sources.ir(one)?));
        }
        Form::Cfg => {
            add("blocks", blocks(&Listing::of(set, group)));
            add("dot", json!(cfg::dot(one.name, set, group)));
        }
    }
    Ok(Value::Object(fields))
}

fn blocks(listing: &Listing) -> Value {
    let blocks = listing.blocks.iter().map(|block| {
        json!({
            "label": block.label,
            "start": block.code.start,
            "end": block.code.end,
            "hot": block.hot,
            "successors": block.successors,
        })
    });
    blocks.collect()
}

fn instructions(listing: &Listing) -> Value {
    let one = |instruction: &Instruction| {
        let names: Vec<&str> = instruction
            .holes
            .iter()
            .map(|hole| hole.name.as_str())
            .collect();
        json!({
            "offset": instruction.offset,
            "bytes": hex::digits(&instruction.bytes),
            "mnemonic": instruction.mnemonic,
            "operands": instruction.named(),
            "encoded": instruction.encoded(),
            "holes": names,
            "target": instruction.target,
        })
    };
    listing.instructions.iter().map(one).collect()
}

/// Returns the holes of code and data, each with its part and its index there.
pub(super) fn holes(group: &StencilGroup) -> impl Iterator<Item = (Part, usize, &Hole)> {
    let parts = [(Part::Code, &group.code), (Part::Data, &group.data)];
    parts.into_iter().flat_map(|(part, stencil)| {
        let holes = stencil.holes.iter().enumerate();
        holes.map(move |(index, hole)| (part, index, hole))
    })
}

fn holes_of(set: &StencilSet, group: &StencilGroup) -> Value {
    let holes = holes(group).map(|(part, _, hole)| {
        json!({
            "part": part.name(),
            "offset": hole.offset,
            "bytes": hole.patch.width(),
            "patch": hole.patch.c_name(),
            "value": names::usual(set, hole),
            "void": hole.void,
        })
    });
    holes.collect()
}
