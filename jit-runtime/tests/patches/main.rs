//! Each patch at both ends of its range: tiny stencils with one hole of a kind are linked, and what
//! was written is read by somebody else's decoder (iced-x86 for x86, yaxpeax-arm for AArch64). Which
//! values fit is computed here once more, in plain 128-bit arithmetic.
//!
//! `PROPTEST_CASES` sets how many random cases there are; the limits themselves are gone through one
//! by one.
#![forbid(unsafe_code)]

mod decode;
mod linked;
mod make;
mod numbers;
mod spot;

mod aarch64;
mod errors;
mod groups;
mod i686;
mod layout;
mod pairs;
mod refused;
mod relaxing;
mod trampolines;
mod values;
mod x86;

use proptest::test_runner::Config;

/// The usual number of cases, and no files beside the sources.
fn config() -> Config {
    Config {
        failure_persistence: None,
        ..Config::default()
    }
}
