//! Projects: where the sources are, and how to compile them.

pub(crate) mod cases;
pub(crate) mod codegen;
pub(crate) mod config;
pub(crate) mod definition;
pub(crate) mod digest;
pub(crate) mod emit;
mod example;
pub(crate) mod flags;
pub(crate) mod functions;
pub(crate) mod hardening;
pub(crate) mod holes;
pub(crate) mod options;
mod outside;
mod own;
pub(crate) mod places;
pub(crate) mod plan;
pub(crate) mod platform;
pub(crate) mod release;
pub(crate) mod settings;
pub(crate) mod sources;
pub(crate) mod spelled;
pub(crate) mod template;
