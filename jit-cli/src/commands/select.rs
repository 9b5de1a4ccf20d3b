//! Names of stencils on the command line.

use glob::{MatchOptions, Pattern};

use crate::{
    error::{Error, SubjectError},
    sizes::family,
    subjects::Subject,
};

/// How many similar names an error lists.
const SUGGESTIONS: usize = 5;
/// From which similarity on a name is suggested. 1 is the same name.
const SIMILAR: f64 = 0.75;

/// Names and patterns of stencils. Each means the stencils of that name and those of the family of that name; the case of
/// letters does not count. Without any, all stencils are meant.
#[derive(Debug)]
pub(super) struct Names {
    patterns: Vec<Pattern>,
}

impl Names {
    /// Reads names and patterns.
    pub(super) fn new(names: &[String]) -> Result<Names, Error> {
        let patterns = names.iter().map(|name| {
            Pattern::new(name).map_err(|error| SubjectError::Pattern {
                text: name.clone(),
                problem: error.msg.to_owned(),
            })
        });
        let patterns = patterns.collect::<Result<_, _>>()?;
        Ok(Names { patterns })
    }

    /// Returns whether a stencil is meant.
    pub(super) fn have(&self, name: &str) -> bool {
        let mut patterns = self.patterns.iter();
        self.patterns.is_empty() || patterns.any(|pattern| is_match(pattern, name))
    }

    /// Checks that each name and pattern means any stencil.
    pub(super) fn check<'s>(
        &self,
        subjects: impl Iterator<Item = &'s Subject> + Clone,
    ) -> Result<(), Error> {
        let all = || {
            let groups = subjects.clone().flat_map(|subject| &subject.set.groups);
            groups.map(|(name, _)| name.as_str())
        };
        for pattern in &self.patterns {
            if !all().any(|name| is_match(pattern, name)) {
                return Err(SubjectError::NoStencil {
                    name: pattern.as_str().to_owned(),
                    near: similar(pattern.as_str(), all()),
                }
                .into());
            }
        }
        Ok(())
    }
}

fn is_match(pattern: &Pattern, name: &str) -> bool {
    let options = MatchOptions {
        case_sensitive: false,
        ..MatchOptions::new()
    };
    [name, family(name)]
        .into_iter()
        .any(|name| pattern.matches_with(name, options))
}

/// Returns names and families that are similar to a name, the most similar first.
fn similar<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let plain = |name: &str| name.trim_start_matches('_').to_lowercase();
    let wanted = plain(wanted);
    let mut found: Vec<(f64, &str)> = names
        .flat_map(|name| [family(name), name])
        .map(|name| {
            let name_plain = plain(name);
            let likeness = strsim::jaro_winkler(&wanted, &name_plain);
            // A part of a name is more like it than its spelling says.
            let part = wanted.len() >= 4 && name_plain.contains(&wanted);
            (if part { likeness.max(0.9) } else { likeness }, name)
        })
        .filter(|(likeness, _)| *likeness >= SIMILAR)
        .collect();
    found.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(other.1)));
    found.dedup_by_key(|(_, name)| *name);
    let names = found.into_iter().take(SUGGESTIONS);
    names.map(|(_, name)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_patterns_and_families() {
        let names = |text: &str| Names::new(&[text.to_owned()]).unwrap();
        for (text, name, expected) in [
            ("_LOAD_FAST_r01", "_LOAD_FAST_r01", true),
            ("_load_fast_r01", "_LOAD_FAST_r01", true),
            ("_LOAD_FAST", "_LOAD_FAST_r01", true),
            ("_LOAD_FAST", "_LOAD_FAST_BORROW_r01", false),
            ("_LOAD_*", "_LOAD_FAST_BORROW_r01", true),
            ("*fast*", "_LOAD_FAST_BORROW_r01", true),
            ("_LOAD", "_LOAD_FAST_r01", false),
            ("ADD", "ADD", true),
            ("ADD_r1", "ADD_r1", true),
            ("ADD", "ADD_r1", false),
            ("[", "x", false),
        ] {
            if text == "[" {
                assert!(Names::new(&[text.to_owned()]).is_err());
                continue;
            }
            assert_eq!(names(text).have(name), expected, "{text} {name}");
        }
        assert!(Names::new(&[]).unwrap().have("anything"));
    }

    #[test]
    fn suggestions() {
        let names = [
            "_LOAD_FAST_r01",
            "_LOAD_FAST_r12",
            "_STORE_FAST_r10",
            "_NOP_r00",
        ];
        let near = |wanted| similar(wanted, names.into_iter());
        assert_eq!(near("_LAOD_FAST")[0], "_LOAD_FAST");
        assert_eq!(near("load_fast_r02")[0], "_LOAD_FAST_r01");
        assert!(near("store").contains(&"_STORE_FAST".to_owned()));
        assert!(near("_XYZZY").is_empty());
    }
}
