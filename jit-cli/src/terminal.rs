//! What the program shows of a build: text for people, JSON for other programs.

mod bar;
mod built;
pub(crate) mod console;
mod fit;
pub(crate) mod report;
pub(crate) mod styled;
pub(crate) mod timeline;
