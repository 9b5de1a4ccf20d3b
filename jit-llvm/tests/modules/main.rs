//! Splitting modules: each function of a file, taken out of its module, is compiled to the same code as by LLVM's own
//! tools, and does the same.

mod code;
mod execution;
mod refused;
mod roles;
mod sources;
mod stable;
