//! Assembled object files, and their disassembly.

use std::path::Path;

use crate::{command, context::Context, diagnostics::Diagnostics, error::LlvmError};

/// An assembled object file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its contents.
    pub bytes: Vec<u8>,
    /// The text of `llvm-objdump --disassemble --reloc`, from after the file's name on, so that it
    /// starts with `:\tfile format`. `None` if there is no llvm-objdump.
    pub disassembly: Option<String>,
}

/// Disassembles object files of one directory in one process. The results are `None` if there is no
/// llvm-objdump or it fails: if an object is faulty, reading it gives a better error.
pub(crate) fn disassemble(
    context: &Context<'_>,
    directory: &Path,
    objects: &[&Path],
) -> Result<Vec<Option<String>>, LlvmError> {
    let Some(program) = &context.toolchain.objdump else {
        return Ok(vec![None; objects.len()]);
    };
    if objects.is_empty() {
        return Ok(Vec::new());
    }
    match (objdump(context, program, directory, objects), objects) {
        (Err(LlvmError::Rejected { diagnostics, .. }), [_]) => {
            let toolchain = context.toolchain;
            toolchain.warn_of_objdump(program, &diagnostics.text);
            Ok(vec![None])
        }
        // One that fails spoils the output for all.
        (Err(LlvmError::Rejected { .. }), _) => {
            let alone = objects
                .chunks(1)
                .map(|one| disassemble(context, directory, one));
            Ok(alone.collect::<Result<Vec<_>, _>>()?.concat())
        }
        (result, _) => result,
    }
}

fn objdump(
    context: &Context<'_>,
    program: &Path,
    directory: &Path,
    objects: &[&Path],
) -> Result<Vec<Option<String>>, LlvmError> {
    let names: Vec<String> = objects
        .iter()
        .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .collect();
    let failed = |text: String| LlvmError::Rejected {
        name: names.join(", "),
        stage: "disassemble",
        diagnostics: Diagnostics::parse(&text),
    };
    let mut arguments = vec!["--disassemble".into(), "--reloc".into()];
    arguments.extend(names.iter().map(Into::into));
    let output = command::run(program, &arguments, Some(directory), &context.interrupt)?;
    if !output.status.success() {
        return Err(failed(output.diagnostics()));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    split_objdump(&text, &names).map_err(failed)
}

/// Returns each object's part of llvm-objdump's output, from after the file's name on.
fn split_objdump(text: &str, names: &[String]) -> Result<Vec<Option<String>>, String> {
    const FORMAT: &str = ":\tfile format ";
    let mut parts = Vec::with_capacity(names.len());
    let mut rest = text;
    for (index, name) in names.iter().enumerate() {
        let head = |name: &str| format!("\n{name}{FORMAT}");
        let missing = |name: &str| format!("llvm-objdump printed nothing for {name} in its place");
        rest = rest
            .strip_prefix(&format!("\n{name}"))
            .filter(|rest| rest.starts_with(FORMAT))
            .ok_or_else(|| missing(name))?;
        let end = match names.get(index + 1) {
            Some(next) => rest.find(&head(next)).ok_or_else(|| missing(next))?,
            None => rest.len(),
        };
        let (part, tail) = rest.split_at_checked(end).unwrap_or((rest, ""));
        parts.push(Some(part.to_owned()));
        rest = tail;
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str, names: &[&str]) -> Result<Vec<Option<String>>, String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        split_objdump(text, &names)
    }

    #[test]
    fn objdump_is_split_by_file() {
        let text = "\na.o:\tfile format elf64-x86-64\n\nx\n\nab.o:\tfile format elf64-x86-64\n";
        assert_eq!(
            split(text, &["a.o", "ab.o"]).unwrap(),
            [
                Some(":\tfile format elf64-x86-64\n\nx\n".to_owned()),
                Some(":\tfile format elf64-x86-64\n".to_owned())
            ]
        );
        assert!(split(text, &["a.o", "b.o"]).is_err());
        assert!(split(text, &["ab.o", "a.o"]).is_err());
        assert!(split("", &["a.o"]).is_err());
    }
}
