//! Tests that run the `jit-cli` binary, on the example machine and on broken copies of it.
//!
//! Most of them need clang and llvm-objdump 22 in `PATH`, and some need clang 21 in `bin` of the directory that
//! `JIT_TEST_LLVM_21` names. `scripts/test` installs both. A test whose tool is missing is skipped and prints a
//! line that names the tool.
//!
//! All tests are in one binary, so that builds that several tests examine run once.

// Fake tools are shell scripts, and signals exist on Unix only.
#![cfg(unix)]

mod bad_input;
mod bad_objects;
mod bad_tools;
mod batch;
mod build_script;
mod cache;
mod concurrent;
mod cpython_3_14;
mod diff;
mod disk;
mod explain;
mod fake_clang;
mod families;
mod files;
mod flags;
mod functions;
mod goldens;
mod hardening;
mod hostile_text;
mod interrupt;
mod ir;
mod known_tools;
mod leftovers;
mod library;
mod llvm21;
mod llvm_versions;
mod messages;
mod new;
#[cfg(not(feature = "remote-cache"))]
mod no_shared_cache;
mod noticed;
mod packs;
mod packs_hostile;
mod plain;
mod projects;
mod releases;
mod report;
mod reproducible;
mod sandbox;
#[cfg(feature = "remote-cache")]
mod shared_cache;
mod shells;
mod show;
mod size;
mod skip;
mod stencils;
mod stuck_tools;
mod sysroot;
mod sysroot_check;
mod tables;
mod terminal;
mod tinyvm;
mod tools;
mod tuned;
mod up_to_date;
mod up_to_date_checkout;
mod upstream;
mod values;
mod warnings;
