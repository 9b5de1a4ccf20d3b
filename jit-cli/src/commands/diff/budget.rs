//! Limits on how much stencils may grow.

use std::{fmt, str::FromStr};

use super::{DiffArgs, Pair};
use crate::{
    differences::growth,
    error::{Error, SubjectError},
};

/// A limit on growth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Limit {
    /// Bytes.
    Bytes(u64),
    /// Percent of the size before.
    Percent(f64),
}

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Limit, String> {
        let wrong = || "a limit is a number of bytes, as in 64, or of percent, as in 1%".to_owned();
        match text.strip_suffix('%') {
            Some(number) => {
                let number: f64 = number.trim().parse().map_err(|_| wrong())?;
                let is_right = number.is_finite() && number >= 0.0;
                is_right.then_some(Limit::Percent(number)).ok_or_else(wrong)
            }
            None => text.parse().map(Limit::Bytes).map_err(|_| wrong()),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Limit::Bytes(bytes) => write!(f, "{bytes} bytes"),
            Limit::Percent(percent) => write!(f, "{percent} %"),
        }
    }
}

impl Limit {
    /// Returns whether a size may grow like this.
    fn allows(self, before: usize, after: usize) -> bool {
        let grown = growth(before, after);
        match self {
            Limit::Bytes(bytes) => grown <= i64::try_from(bytes).unwrap_or(i64::MAX),
            Limit::Percent(percent) => grown as f64 * 100.0 <= percent * before as f64,
        }
    }
}

/// Returns by how much a size grew, in bytes and percent.
pub(super) fn grown(before: usize, after: usize) -> String {
    let bytes = growth(before, after);
    match before {
        0 => format!("{bytes:+}"),
        before => format!("{bytes:+} ({:+.1} %)", bytes as f64 * 100.0 / before as f64),
    }
}

/// Fails if stencils grew by more than the limits allow.
pub(super) fn check(arguments: &DiffArgs, pairs: &[Pair]) -> Result<(), Error> {
    let check = |what: &dyn Fn() -> String, limit: Option<Limit>, before, after| match limit {
        Some(limit) if !limit.allows(before, after) => Err(SubjectError::Larger {
            what: what(),
            by: grown(before, after),
            limit: limit.to_string(),
        }),
        _ => Ok(()),
    };
    for pair in pairs {
        let title = &pair.title;
        for one in &pair.differences.stencils {
            // A new stencil has no size to compare with; it counts in the total.
            let [Some(before), Some(after)] = one.sizes else {
                continue;
            };
            let what = || format!("{} of {title}", one.name);
            let limit = arguments.fail_if_stencil_larger;
            check(&what, limit, before.bytes(), after.bytes())?;
        }
        let [before, after] = pair.differences.total.map(|sizes| sizes.bytes());
        let what = || format!("all stencils of {title}");
        check(&what, arguments.fail_if_larger, before, after)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits() {
        let limit = |text: &str| text.parse::<Limit>();
        assert_eq!(limit("64"), Ok(Limit::Bytes(64)));
        assert_eq!(limit("1.5%"), Ok(Limit::Percent(1.5)));
        for text in ["", "%", "-1", "-1%", "x", "1 %x", "NaN%", "inf%"] {
            assert!(limit(text).is_err(), "{text}");
        }
        for (text, before, after, expected) in [
            ("0", 10, 10, true),
            ("0", 10, 11, false),
            ("0", 10, 9, true),
            ("5", 10, 15, true),
            ("5", 10, 16, false),
            ("10%", 100, 110, true),
            ("10%", 100, 111, false),
            ("10%", 0, 1, false),
            ("0%", 7, 7, true),
        ] {
            assert_eq!(
                limit(text).unwrap().allows(before, after),
                expected,
                "{text}"
            );
        }
        assert_eq!(grown(200, 199), "-1 (-0.5 %)");
        assert_eq!(grown(0, 7), "+7");
    }
}
