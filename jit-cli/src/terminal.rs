//! What the program shows of a build: text for people, JSON for other programs.

pub(crate) mod console;
pub(crate) mod progress;
pub(crate) mod report;
pub(crate) mod timeline;
