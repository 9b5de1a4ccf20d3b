//! Running the preprocessor.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use crate::{context::Context, error::LlvmError, files, plan::Plan};

/// The preprocessor's output.
pub(crate) struct Preprocessed {
    pub(crate) text: Vec<u8>,
    /// The files that were read, besides the input.
    pub(crate) files: Vec<PathBuf>,
}

/// Preprocesses a file. `plan` preprocesses, and `words` are more arguments. Returns `None` if that fails:
/// compiling the file will report what is wrong.
pub(crate) fn preprocess(
    context: &Context<'_>,
    plan: &Plan,
    words: &[&str],
    directory: &Path,
    input: &Path,
) -> Result<Option<Preprocessed>, LlvmError> {
    let (output, dependencies) = (directory.join("output.i"), directory.join("output.d"));
    let mut arguments = plan.arguments.clone();
    let of_all = ["-sys-header-deps", "-MT", "x", "-dependency-file"];
    arguments.extend(words.iter().copied().chain(of_all).map(OsString::from));
    arguments.extend([
        dependencies.clone().into(),
        "-o".into(),
        output.clone().into(),
        input.into(),
    ]);
    files::remove(&output)?;
    let done = context.run(&plan.program, &arguments)?;
    if !done.status.success() || !files::has_contents(&output) {
        return Ok(None);
    }
    // clang writes none if it does not find something that it embeds, without saying so.
    if !dependencies.exists() {
        return Ok(None);
    }
    let mut files = files::dependencies(&dependencies)?;
    files.retain(|file| file != input);
    Ok(Some(Preprocessed {
        text: files::read(&output)?,
        files,
    }))
}
