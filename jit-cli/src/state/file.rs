//! The format of a state next to the files: a line with the version, JSON, and a line with a checksum. In a cache, a
//! state is a record like others.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::state::inputs::{Inputs, Mark, hexadecimal};

/// The first line.
const HEAD: &str = "jit-cli state 1\n";
/// The start of the last line.
const CHECKSUM: &str = "sha256 ";

/// The state of a target's files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct State {
    /// Why the inputs are not known, if they are not: one may have changed during the build.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unknown: Option<String>,
    pub(crate) inputs: Inputs,
    /// The files that were written, by name.
    pub(crate) outputs: BTreeMap<String, Mark>,
}

impl State {
    /// Returns the contents of a file.
    pub(crate) fn encode(&self) -> Vec<u8> {
        // All keys are texts, so that this does not fail; without JSON, nothing is up to date.
        let json = serde_json::to_string_pretty(self).unwrap_or_default();
        let text = format!("{HEAD}{json}\n");
        let checksum = hexadecimal(text.as_bytes());
        format!("{text}{CHECKSUM}{checksum}\n").into_bytes()
    }

    /// Returns the state in a file. Returns `None` if it is damaged or has another version.
    pub(crate) fn decode(bytes: &[u8]) -> Option<State> {
        let text = str::from_utf8(bytes).ok()?;
        let (before, checksum) = text.strip_suffix('\n')?.rsplit_once('\n')?;
        let covered = text.get(..before.len() + 1)?;
        if checksum.strip_prefix(CHECKSUM)? != hexadecimal(covered.as_bytes()) {
            return None;
        }
        serde_json::from_str(covered.strip_prefix(HEAD)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_noticed() {
        let state = State {
            unknown: None,
            inputs: Inputs {
                settings: vec!["-DX=\"é\n\"".to_owned()],
                ..Inputs::default()
            },
            outputs: [("x.h".to_owned(), Mark::of(b"int x;"))].into(),
        };
        let whole = state.encode();
        assert_eq!(State::decode(&whole), Some(state));
        for length in 0..whole.len() {
            assert_eq!(State::decode(&whole[..length]), None);
        }
        for index in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[index] ^= 1;
            assert_eq!(State::decode(&bytes), None, "{index}");
        }
    }
}
