//! Tests each patch at both ends of its range. Small stencils with one hole are linked, and the result is read with
//! another project's decoder: iced-x86 for x86, yaxpeax-arm for AArch64. The tests compute on their own which values
//! fit, in 128-bit arithmetic.
//!
//! `PROPTEST_CASES` sets the number of random cases. All values at the limits are tried in any case.
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
mod instructions;
mod layout;
mod pairs;
mod products;
mod refused;
mod relaxing;
mod trampolines;
mod values;
mod x86;

use proptest::test_runner::Config;

/// Returns proptest's configuration, without files for failures next to the sources.
fn config() -> Config {
    Config {
        failure_persistence: None,
        ..Config::default()
    }
}
