//! Hardened code: which of the processors' checks it is for, and which stencils control enters and leaves through pointers.

use jit_optimizer::{Entered, LandingPads};
use jit_schema::{Arch, Hardening, ObjectFormat, Target};
use serde::Deserialize;

use crate::error::{Error, HardeningError};

/// Which stencils control enters and leaves through pointers.
///
/// By default, control may enter all stencils through pointers, and none of them jumps through one. A checkout of CPython
/// comes with the rules of its release, and the table `hardening` of a `jit.toml` has those of other projects.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct HardeningRules {
    /// The stencils that the shim or another trace enters: none for all.
    entries: Option<Vec<glob::Pattern>>,
    /// The stencils that jump to another trace, or to a function, through a pointer.
    jumps: Vec<glob::Pattern>,
    /// The functions of the host that return twice, besides those that are known.
    returns_twice: Vec<glob::Pattern>,
}

impl HardeningRules {
    /// Sets which stencils control enters through pointers, by names or patterns such as `start_*`. Only those have a landing
    /// pad at their start. There may be none, if the program that links stencils puts a landing pad before each trace.
    ///
    /// # Errors
    ///
    /// [`HardeningError::Pattern`] for a pattern that can't be understood.
    pub fn entries<S: AsRef<str>>(
        self,
        patterns: impl IntoIterator<Item = S>,
    ) -> Result<HardeningRules, HardeningError> {
        Ok(HardeningRules {
            entries: Some(parse(patterns)?),
            ..self
        })
    }

    /// Sets which stencils jump to other traces, or to functions, through pointers. Other stencils only do that through a
    /// symbol's slot in the global offset table.
    ///
    /// # Errors
    ///
    /// [`HardeningError::Pattern`] for a pattern that can't be understood.
    pub fn jumps<S: AsRef<str>>(
        self,
        patterns: impl IntoIterator<Item = S>,
    ) -> Result<HardeningRules, HardeningError> {
        Ok(HardeningRules {
            jumps: parse(patterns)?,
            ..self
        })
    }

    /// Sets which functions of the host return twice from one call, besides `setjmp` and its kin: those with clang's attribute
    /// `returns_twice`. After a call of one, there is a landing pad.
    ///
    /// # Errors
    ///
    /// [`HardeningError::Pattern`] for a pattern that can't be understood.
    pub fn functions_that_return_twice<S: AsRef<str>>(
        self,
        patterns: impl IntoIterator<Item = S>,
    ) -> Result<HardeningRules, HardeningError> {
        Ok(HardeningRules {
            returns_twice: parse(patterns)?,
            ..self
        })
    }

    /// Returns whether control enters a stencil through pointers.
    pub(crate) fn is_entered(&self, stencil: &str) -> bool {
        let entries = self.entries.as_ref();
        entries.is_none_or(|patterns| matches(patterns, stencil))
    }

    /// Returns whether a stencil may jump through a pointer.
    #[cfg(feature = "check")]
    pub(crate) fn may_jump(&self, stencil: &str) -> bool {
        matches(&self.jumps, stencil)
    }

    /// Returns whether a function of the host returns twice.
    #[cfg(feature = "check")]
    pub(crate) fn returns_twice(&self, function: &str) -> bool {
        jit_schema::RETURN_TWICE.contains(&function) || matches(&self.returns_twice, function)
    }

    /// Refuses names that no stencil has, as a stencil without its landing pad is not hardened.
    pub(crate) fn check<'n>(
        &self,
        names: impl Iterator<Item = &'n str> + Clone,
    ) -> Result<(), HardeningError> {
        let entries = self.entries.iter().flatten().map(|one| ("entries", one));
        let jumps = self.jumps.iter().map(|one| ("jumps", one));
        for (list, pattern) in entries.chain(jumps) {
            if !names.clone().any(|name| pattern.matches(name)) {
                return Err(HardeningError::NoStencil {
                    list,
                    name: pattern.as_str().to_owned(),
                });
            }
        }
        Ok(())
    }
}

fn matches(patterns: &[glob::Pattern], stencil: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(stencil))
}

fn parse<S: AsRef<str>>(
    patterns: impl IntoIterator<Item = S>,
) -> Result<Vec<glob::Pattern>, HardeningError> {
    let parse = |text: S| {
        glob::Pattern::new(text.as_ref()).map_err(|error| HardeningError::Pattern {
            pattern: text.as_ref().to_owned(),
            problem: error.to_string(),
        })
    };
    patterns.into_iter().map(parse).collect()
}

/// The choices of `--hardening`, and of `checks` in `jit.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub(crate) enum HardeningName {
    /// Control-flow enforcement technology of x86: endbr64, and the shadow stack.
    Cet,
    /// Branch target identification of AArch64: bti.
    Bti,
    /// Those that the flags for clang ask for, with -fcf-protection and -mbranch-protection.
    Flags,
}

/// Which checks are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Asked {
    /// Those that are named.
    pub(crate) named: Hardening,
    /// Whether those that flags for clang ask for count, too.
    pub(crate) flags: bool,
}

impl Asked {
    /// Returns what a list of names asks for.
    pub(crate) fn of(names: &[HardeningName]) -> Asked {
        let mut asked = Asked::default();
        for name in names {
            match name {
                HardeningName::Cet => asked.named.cet = true,
                HardeningName::Bti => asked.named.bti = true,
                HardeningName::Flags => asked.flags = true,
            }
        }
        asked
    }

    /// Returns whether code for a target is hardened. `flags` are those of the user's.
    pub(crate) fn covers(self, target: &'static Target, flags: &[String]) -> Result<bool, Error> {
        let by_flags = self.flags && ask(target.arch, flags);
        match self.named.covers(target.arch) || by_flags {
            // It would be easy to believe that all is hardened.
            false if self.named != Hardening::NONE => Err(HardeningError::NotFor {
                target,
                named: self.named,
            }
            .into()),
            covered => Ok(covered),
        }
    }
}

/// Returns whether flags for clang ask for the check of an architecture. The last one counts.
fn ask(arch: Arch, flags: &[String]) -> bool {
    let mut words = flags.iter().rev();
    match arch {
        Arch::I686 | Arch::X86_64 => words
            .find_map(|word| word.strip_prefix("-fcf-protection"))
            .is_some_and(|value| matches!(value, "" | "=full" | "=branch")),
        Arch::Aarch64 => words
            .find_map(|word| word.strip_prefix("-mbranch-protection="))
            .is_some_and(|value| {
                value
                    .split('+')
                    .any(|part| matches!(part, "standard" | "bti"))
            }),
    }
}

/// Words for clang's command line that make hardened code: for stencils and the shim, and for stencils only. They come after
/// the user's.
pub(crate) fn words(target: &Target) -> (&'static [&'static str], &'static [&'static str]) {
    let all: &[&str] = match target.arch {
        // `full` is `branch`, and the note in objects that says that they are fit for a shadow stack.
        Arch::I686 | Arch::X86_64 => &["-fcf-protection=full"],
        // The user's flags decide about signed return addresses.
        Arch::Aarch64 => &["-Xclang", "-mbranch-target-enforce"],
    };
    let stencil: &[&str] = match (target.format, target.arch) {
        // A jump table has the addresses of blocks.
        (ObjectFormat::Elf, Arch::X86_64) => &[],
        // It has distances between blocks, in bytes: nothing in the stencil says which blocks these are, so that a check would
        // have to believe the compiler.
        _ => &["-fno-jump-tables"],
    };
    (all, stencil)
}

/// Returns how control gets to the start of a stencil. Without rules, that does not count.
pub(crate) fn entered(rules: Option<&HardeningRules>, stencil: &str) -> Entered {
    match rules.is_none_or(|rules| rules.is_entered(stencil)) {
        true => Entered::ThroughPointers,
        false => Entered::Directly,
    }
}

/// Returns where the optimizer puts landing pads.
pub(crate) fn landing_pads(rules: Option<&HardeningRules>) -> LandingPads {
    match rules {
        Some(_) => LandingPads::Exact,
        None => LandingPads::AsCompiled,
    }
}

/// Returns what decides about hardened code, in one line, or nothing for other code.
pub(crate) fn setting(rules: Option<&HardeningRules>) -> String {
    let Some(HardeningRules {
        entries,
        jumps,
        returns_twice,
    }) = rules
    else {
        return String::new();
    };
    let texts = |patterns: &[glob::Pattern]| {
        let texts: Vec<&str> = patterns.iter().map(glob::Pattern::as_str).collect();
        format!("{texts:?}")
    };
    let entries = entries.as_deref().map_or("all".to_owned(), texts);
    let mut setting = format!("entries {entries}, jumps {}", texts(jumps));
    if !returns_twice.is_empty() {
        setting += &format!(", returns-twice {}", texts(returns_twice));
    }
    setting
}

/// The table `hardening` in a `jit.toml`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct HardeningTable {
    #[serde(default)]
    pub(crate) checks: Vec<HardeningName>,
    pub(crate) entries: Option<Vec<String>>,
    pub(crate) jumps: Option<Vec<String>>,
    pub(crate) returns_twice: Option<Vec<String>>,
}

impl HardeningTable {
    /// Returns rules with what the table says instead of some of them.
    pub(crate) fn rules(
        &self,
        mut rules: HardeningRules,
    ) -> Result<HardeningRules, HardeningError> {
        if let Some(entries) = &self.entries {
            rules = rules.entries(entries)?;
        }
        if let Some(jumps) = &self.jumps {
            rules = rules.jumps(jumps)?;
        }
        if let Some(names) = &self.returns_twice {
            rules = rules.functions_that_return_twice(names)?;
        }
        Ok(rules)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_flag_counts() {
        for (arch, text, expected) in [
            (Arch::X86_64, "-fcf-protection", true),
            (Arch::X86_64, "-O2 -fcf-protection=branch", true),
            (
                Arch::X86_64,
                "-fcf-protection=full -fcf-protection=none",
                false,
            ),
            (Arch::X86_64, "-fcf-protection=return", false),
            (Arch::X86_64, "-mbranch-protection=bti", false),
            (Arch::Aarch64, "-mbranch-protection=standard", true),
            (Arch::Aarch64, "-mbranch-protection=pac-ret+leaf+bti", true),
            (
                Arch::Aarch64,
                "-mbranch-protection=bti -mbranch-protection=none",
                false,
            ),
            (Arch::Aarch64, "-mbranch-protection=pac-ret", false),
            (Arch::Aarch64, "-fcf-protection", false),
        ] {
            let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
            assert_eq!(ask(arch, &words), expected, "{arch:?} {text}");
        }
    }

    #[test]
    fn a_target_without_its_check_is_refused() {
        let target = |triple| Target::from_triple(triple).unwrap();
        let (x86, arm) = (
            target("x86_64-unknown-linux-gnu"),
            target("aarch64-unknown-linux-gnu"),
        );
        let cet = Asked::of(&[HardeningName::Cet]);
        assert!(cet.covers(x86, &[]).unwrap());
        let message = cet.covers(arm, &[]).unwrap_err().to_string();
        assert!(message.contains("bti"), "{message}");
        let flags = Asked::of(&[HardeningName::Flags]);
        assert!(!flags.covers(arm, &[]).unwrap());
        assert!(flags.covers(x86, &["-fcf-protection".to_owned()]).unwrap());
    }

    #[test]
    fn rules_name_stencils() {
        let rules = HardeningRules::default();
        assert!(rules.is_entered("any"));
        let rules = rules.entries(["start_*", "cold"]).unwrap();
        assert!(rules.is_entered("start_r00") && rules.is_entered("cold"));
        assert!(!rules.is_entered("restart_"));
        rules.check(["cold", "start_r1", "x"].into_iter()).unwrap();
        let error = rules.check(["cold"].into_iter()).unwrap_err().to_string();
        assert!(error.contains("start_*"), "{error}");
        assert!(HardeningRules::default().jumps(["[a"]).is_err());
        let none = HardeningRules::default().entries([""; 0]).unwrap();
        assert!(!none.is_entered("any"));
    }
}
