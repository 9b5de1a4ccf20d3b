//! Each patch at both ends of its range: tiny stencils with one hole are linked, and the result is read
//! with another project's decoder (iced-x86 for x86, yaxpeax-arm for AArch64). The tests compute which
//! values fit on their own, in 128-bit arithmetic.
//!
//! `PROPTEST_CASES` sets the number of random cases; the values at the limits are all tried.
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

/// The usual number of cases, without files for failures next to the sources.
fn config() -> Config {
    Config {
        failure_persistence: None,
        ..Config::default()
    }
}
