//! Verifying a pack: against a checkout, and by building it again.

use std::collections::BTreeSet;

use jit_schema::{Hardening, Target};

use super::{
    apply,
    compare::Difference,
    create::{self, Pack},
    error::PackError,
    manifest::{Build, Configuration},
};
use crate::{
    build::outcome::TargetBuild,
    error::Error,
    project::{
        hardening::Asked,
        options::{Options, Targets},
        plan::Plan,
    },
    sysroot::headers::BUILTIN,
};

/// The result of verifying one build of a pack.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Verified {
    /// The target, with its configuration in parentheses.
    pub build: String,
    /// How the checkout differs from what it was made from.
    pub differences: Vec<Difference>,
    /// How a new build differs, if there was one.
    pub rebuilt: Option<Rebuilt>,
}

/// How a new build differs from the one in a pack.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Rebuilt {
    /// The version of clang.
    pub llvm: String,
    /// The version of clang that made the pack, if it is a different one.
    pub packed_llvm: Option<String>,
    /// The micro-ops whose stencils differ, including those that only one of the builds has.
    pub stencils: Vec<String>,
    /// The files that differ. The first two lines of headers are not compared.
    pub files: Vec<String>,
}

impl Rebuilt {
    /// Returns whether everything is the same.
    pub fn is_same(&self) -> bool {
        self.stencils.is_empty() && self.files.is_empty()
    }
}

impl Pack {
    /// Compares the build for each wanted target with a checkout.
    pub(crate) fn compare(&self, options: &Options) -> Result<Vec<Verified>, Error> {
        let options = self.configured(options)?;
        let plan = Plan::new(&options)?;
        let found = plan.platforms.iter().map(|platform| {
            let found = self.match_of(&plan, platform)?;
            Ok(Verified {
                build: found.build.title(),
                differences: found.differences,
                rebuilt: None,
            })
        });
        found.collect()
    }

    /// Returns the options with which each build for the wanted targets was made.
    pub(crate) fn recipes(&self, options: &Options) -> Result<Vec<Recipe>, Error> {
        let options = options.absolute()?;
        let configured = apply::settings(&options)?;
        let is_wanted = |build: &Build| match &options.targets {
            Targets::All => true,
            Targets::Named(triples) => {
                triples.is_empty() || triples.iter().any(|triple| names(triple, build))
            }
        };
        let builds = self.archive.manifest.builds.iter().enumerate();
        // The built-in headers are for all configurations, and a pyconfig.h is for one.
        let fits = |build: &Build| {
            let Configuration {
                debug,
                free_threaded,
                ..
            } = build.configuration;
            // Flags may run programs and write files, so those in a pack are not used.
            build.cflags == options.cflags
                && (build.headers == BUILTIN || (debug, free_threaded) == configured)
        };
        let builds = builds.filter(|(_, build)| is_wanted(build) && fits(build));
        let recipes = builds.map(|(index, build)| {
            let mut options = options.clone();
            options.targets = Targets::Named(vec![build.target.clone()]);
            options.debug = build.configuration.debug;
            options.codegen = Some(build.configuration.codegen.into());
            options.hardening = Some(Asked {
                named: match build.configuration.hardened {
                    true => Hardening::ALL,
                    false => Hardening::NONE,
                },
                flags: false,
            });
            if build.headers == BUILTIN {
                options.sysroot = Some(BUILTIN.into());
                options.free_threaded = build.configuration.free_threaded;
            }
            if options.llvm.version.is_none() {
                options.llvm.version = build
                    .asked
                    .map(|major| major.to_string())
                    .or_else(|| major(&build.llvm));
            }
            options.emit.clear();
            Recipe { index, options }
        });
        let recipes: Vec<Recipe> = recipes.collect();
        if recipes.is_empty() {
            let builds = self.archive.manifest.builds.iter();
            let error = PackError::NothingFor {
                path: self.path.clone(),
                wanted: "these targets and the configuration in pyconfig.h".to_owned(),
                builds: builds.map(Build::described).collect(),
                hardened: None,
            };
            return Err(error.into());
        }
        Ok(recipes)
    }

    /// Compares a build in the pack with a new one.
    pub(crate) fn compare_rebuilt(
        &self,
        recipe: &Recipe,
        built: &TargetBuild,
        llvm: &str,
    ) -> Option<Verified> {
        let build = self.archive.manifest.builds.get(recipe.index)?;
        let hashes = create::hashes(&built.stencils);
        let all: BTreeSet<&String> = hashes.keys().chain(build.stencils.keys()).collect();
        let differ = all
            .into_iter()
            .filter(|name| hashes.get(*name) != build.stencils.get(*name));
        let files = built.files.iter().filter(|file| {
            let packed = self.archive.files.get(&build.path(&file.name));
            packed
                .is_some_and(|packed| body(&file.name, packed) != body(&file.name, &file.contents))
        });
        Some(Verified {
            build: build.title(),
            differences: Vec::new(),
            rebuilt: Some(Rebuilt {
                llvm: llvm.to_owned(),
                packed_llvm: (build.llvm != llvm).then(|| build.llvm.clone()),
                stencils: differ.cloned().collect(),
                files: files.map(|file| file.name.clone()).collect(),
            }),
        })
    }
}

/// How to repeat one build of a pack.
#[derive(Debug, Clone)]
pub(crate) struct Recipe {
    index: usize,
    pub(crate) options: Options,
}

fn names(triple: &str, build: &Build) -> bool {
    Target::from_triple(triple).is_ok_and(|target| target.triple == build.target)
}

/// Returns the major version in clang's description of itself.
fn major(version: &str) -> Option<String> {
    let (_, rest) = version.split_once("version ")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (!digits.is_empty()).then_some(digits)
}

/// Returns the contents of a file without the digest and the command in the first lines of a header.
fn body<'a>(name: &str, contents: &'a [u8]) -> &'a [u8] {
    if !name.ends_with(".h") {
        return contents;
    }
    let mut rest = contents;
    for _ in 0..2 {
        if let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
            rest = rest.get(at + 1..).unwrap_or_default();
        }
    }
    rest
}
