//! Targets by their triples, which may be spelled in several ways.

use jit_schema::{Target, UnknownTarget};

/// A target, and its triple as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spelled {
    pub(crate) target: &'static Target,
    pub(crate) triple: String,
}

impl Spelled {
    /// Finds the target of a triple.
    pub(crate) fn parse(triple: &str) -> Result<Spelled, UnknownTarget> {
        Ok(Spelled {
            target: Target::from_triple(triple)?,
            triple: triple.to_owned(),
        })
    }
}
