//! Whether a checkout enters traces where its release is known to.

use std::{collections::BTreeSet, path::Path};

use super::release::Release;
use crate::{
    error::{Error, HardeningError},
    paths,
};

/// Refuses a checkout whose source says that traces begin with other micro-ops than those of the release: they would have no
/// landing pads. A checkout without the source, or whose source does not say that, is taken for the release's.
pub(crate) fn check(release: &Release, root: &Path) -> Result<(), Error> {
    let (file, marker) = release.enters;
    let path = root.join(file);
    if !path.is_file() {
        return Ok(());
    }
    let text = paths::read_text(&path, &path)?;
    let found = names(&text, marker);
    let known: BTreeSet<&str> = release.entries.iter().copied().collect();
    if found.is_empty() || found == known {
        return Ok(());
    }
    let list = |names: BTreeSet<&str>| names.into_iter().collect::<Vec<_>>().join(", ");
    Err(HardeningError::OtherEntries {
        found: list(found),
        known: list(known),
        path,
    }
    .into())
}

/// Returns the names that follow a marker in a text.
fn names<'t>(text: &'t str, marker: &str) -> BTreeSet<&'t str> {
    let after = text.split(marker).skip(1);
    let names = after.map(|rest| {
        let rest = rest.trim_start();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
    });
    names.filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_marker() {
        let text = "assert(code[0].op == _A_r00 || code[0].op ==\n  _B);";
        let found: Vec<&str> = names(text, "code[0].op ==").into_iter().collect();
        assert_eq!(found, ["_A_r00", "_B"]);
        assert!(names("nothing", "code").is_empty());
    }
}
