//! The files that a build writes.

use std::{collections::BTreeSet, path::Path};

use jit_stencils::StencilSet;
use jit_writer::{HeaderFormat, Included, Preamble};

use crate::{
    conventions::TargetFileNames,
    error::Error,
    pipeline::one_target::{Built, Shim},
    project::{emit::Emits, plan::Plan},
    state::inputs,
    sysroot::headers::BUILTIN,
};

/// A generated file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) contents: Vec<u8>,
}

impl File {
    pub(crate) fn new(name: &str, contents: Vec<u8>) -> File {
        File {
            name: name.to_owned(),
            contents,
        }
    }
}

/// Returns the contents of the file next to a stencil file of a checkout: the digest of its inputs, and a hash of
/// the stencil file. The stencil file itself has room for stencils only.
pub(crate) fn stamp(digest: &str, file: &[u8]) -> Vec<u8> {
    format!("{digest}\n{}\n", inputs::hexadecimal(file)).into_bytes()
}

/// Returns the files of a target. The shim is added to the stencils if a file that has both is wanted.
pub(crate) fn target_files(
    plan: &Plan<'_>,
    names: &TargetFileNames,
    preamble: Preamble<'_>,
    wanted: Emits,
    built: &mut Built,
) -> Result<Vec<File>, Error> {
    let format = plan.project.conventions.header_format;
    // The header comes first: the shim may add symbols, which do not belong in a header.
    let header = match wanted.header {
        true => header_files(format, names, preamble, &built.set, built.shim.as_ref())?,
        false => Vec::new(),
    };
    if wanted.stencils || wanted.c || wanted.rust {
        attach_shim(plan, built)?;
    }
    let mut files = match wanted.stencils {
        true => stencil_files(plan, names, preamble.digest, built),
        false => Vec::new(),
    };
    if wanted.c {
        let text = jit_writer::host_header(preamble, &built.set)?;
        files.push(File::new(&names.host, text.into_bytes()));
    }
    if wanted.rust {
        let text = jit_writer::rust_opcodes(preamble, &built.set)?;
        files.push(File::new(&names.opcodes, text.into_bytes()));
    }
    files.extend(header);
    Ok(files)
}

/// Returns the files that build.py writes.
fn header_files(
    format: HeaderFormat,
    names: &TargetFileNames,
    preamble: Preamble<'_>,
    set: &StencilSet,
    shim: Option<&Shim>,
) -> Result<Vec<File>, Error> {
    let mut files = Vec::with_capacity(3);
    if let Some(shim) = shim {
        let unwind = format.unwind_header(preamble, shim.unwind.as_ref());
        files.push(File::new(&names.shim, shim.object.clone()));
        files.push(File::new(&names.unwind, unwind.into_bytes()));
    }
    // This file comes last, since its first line marks all files as up to date.
    let header = format.stencil_header(preamble, set)?;
    files.push(File::new(&names.header, header.into_bytes()));
    Ok(files)
}

/// Adds the shim to the stencils, if the project has one.
fn attach_shim(plan: &Plan<'_>, built: &mut Built) -> Result<(), Error> {
    if let (Some(shim), Some(path)) = (&built.shim, &plan.project.shim) {
        jit_stencils::attach_shim(&mut built.set, &shim.object).map_err(|source| Error::Shim {
            path: plan.project.shown(path),
            source,
        })?;
    }
    Ok(())
}

/// Returns the stencil file, then the file that marks it as up to date if the project has one.
fn stencil_files(
    plan: &Plan<'_>,
    names: &TargetFileNames,
    digest: &str,
    built: &Built,
) -> Vec<File> {
    let file = jit_stencils::file::encode(&built.set);
    let mark = plan
        .project
        .conventions
        .digest
        .map(|_| stamp(digest, &file));
    let mut files = vec![File::new(&names.stencils, file)];
    files.extend(mark.map(|mark| File::new(&names.stamp, mark)));
    files
}

/// Returns the headers that include the headers of the target for which they are compiled.
pub(crate) fn dispatchers(plan: &Plan<'_>, wanted: Emits, comment: &str) -> Vec<File> {
    let conventions = &plan.project.conventions;
    let names = conventions.file_names;
    let has_shim = plan.project.has_shim_files();
    let prefixes = [
        (wanted.header, names.stencils),
        (wanted.header && has_shim, names.unwind),
        (wanted.c, names.host),
    ];
    let wanted = prefixes.into_iter().filter(|(wanted, _)| *wanted);
    wanted
        .map(|(_, prefix)| {
            let targets = plan.platforms.iter().map(|platform| Included {
                target: platform.target,
                triple: &platform.triple,
            });
            let text = conventions
                .header_format
                .dispatcher(comment, prefix, targets);
            File::new(&format!("{prefix}.h"), text.into_bytes())
        })
        .collect()
}

/// Returns the command for the second line of a header. It has the options that affect the contents, and no
/// directories of this machine, so that the same input gives the same file everywhere: the directory of real
/// headers is written as `DIR`, and the settings of targets in a `jit.toml` are left out.
pub(crate) fn comment(plan: &Plan<'_>) -> String {
    let mut words = vec!["jit-cli".to_owned(), "build".to_owned()];
    let triples = plan.platforms.iter().map(|platform| &platform.triple);
    words.extend(triples.cloned());
    if plan.options.debug {
        words.push("--debug".to_owned());
    }
    let sysroot = plan.options.sysroot.as_deref();
    words.extend(sysroot.map(|name| match name == Path::new(BUILTIN) {
        true => format!("--sysroot={BUILTIN}"),
        false => "--sysroot=DIR".to_owned(),
    }));
    if plan.options.free_threaded {
        words.push("--free-threaded".to_owned());
    }
    if !plan.codegen.is_upstream() {
        words.push(format!("--codegen={}", plan.codegen.name()));
    }
    let hardened = plan.platforms.iter().filter(|own| own.hardening.is_some());
    let checks: BTreeSet<&str> = hardened.map(|own| own.target.arch.hardening()).collect();
    if !checks.is_empty() {
        let checks: Vec<&str> = checks.into_iter().collect();
        words.push(format!("--hardening={}", checks.join(",")));
    }
    if !plan.options.cflags.is_empty() {
        words.push(format!("--cflags={}", plan.options.cflags));
    }
    words.extend(
        plan.search
            .major
            .map(|major| format!("--llvm-version={major}")),
    );
    let line =
        shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "));
    // The comment must be one line, even if the flags have line breaks.
    format!("$ {}", line.replace(['\n', '\r'], " "))
}
