//! Copies of the example machine, with all or some of its micro-ops.

use std::collections::BTreeMap;

use fixtures::tinyvm::files;

use crate::sandbox::{LINUX, Sandbox};

/// The path of a copy's cases.
pub(crate) const CASES: &str = "vm/Python/executor_cases.c.h";
/// The path of a copy's template.
pub(crate) const TEMPLATE: &str = "vm/Tools/jit/template.c";
/// The path of a copy's shim.
pub(crate) const SHIM: &str = "vm/Tools/jit/shim.c";

/// Returns a file of the example.
pub(crate) fn file(name: &str) -> &'static str {
    fixtures::tinyvm::text(name)
}

/// Returns the case of a micro-op of the example, from its first line to its closing brace.
pub(crate) fn case(name: &str) -> String {
    let text = file("Python/executor_cases.c.h");
    let start = format!("        case {name}: {{\n");
    let from = text.find(&start).unwrap_or_else(|| panic!("no {name}"));
    let length = text[from..].find("\n        }\n").unwrap() + "\n        }\n".len();
    text[from..from + length].to_owned()
}

/// Returns a case with this body: lines of C, from the second line of the case on.
pub(crate) fn case_with(name: &str, body: &str) -> String {
    let lines: Vec<String> = body
        .lines()
        .map(|line| format!("            {line}\n"))
        .collect();
    format!(
        "        case {name}: {{\n{}            break;\n        }}\n",
        lines.concat()
    )
}

/// Returns a cases file with these cases.
pub(crate) fn cases(cases: &[String]) -> String {
    format!("// Some of the micro-ops.\n\n{}", cases.join("\n"))
}

/// Returns the number of the line `case NAME: {` in `NAME.c`.
pub(crate) fn line_of_case() -> usize {
    let template = file("Tools/jit/template.c");
    let before = template.lines().position(|line| line.trim() == "CASE");
    1 + before.unwrap()
}

/// The files of a build: names and contents.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// Returns the text of a file.
pub(crate) fn text<'a>(files: &'a Files, name: &str) -> &'a str {
    let bytes = files.get(name).unwrap_or_else(|| panic!("no {name}"));
    std::str::from_utf8(bytes).unwrap()
}

impl Sandbox {
    /// Writes the example to `vm`.
    pub(crate) fn tinyvm(self) -> Self {
        for (path, contents) in files() {
            self.write(&format!("vm/{path}"), contents);
        }
        self
    }

    /// Returns whether a directory for `--keep-temps` has the object file of a micro-op, for Linux.
    pub(crate) fn was_assembled(&self, kept: &str, name: &str) -> bool {
        let files = self.files(&format!("{kept}/{LINUX}"));
        [format!("{name}.o"), format!("{name}.asm.o")]
            .iter()
            .any(|name| files.get(name).is_some_and(|object| !object.is_empty()))
    }

    /// Writes the headers that a real checkout has, and the example has not.
    pub(crate) fn headers_of_a_checkout(&self) {
        for header in [
            "Python.h",
            "cpython/pystate.h",
            "internal/pycore_jit.h",
            "internal/mimalloc/mimalloc.h",
            "internal/mimalloc/mimalloc/prim.h",
        ] {
            self.write(&format!("vm/Include/{header}"), "");
        }
    }

    /// Writes the example with these micro-ops instead of its own.
    pub(crate) fn tinyvm_of(self, list: &[String]) -> Self {
        let sandbox = self.tinyvm();
        sandbox.write(CASES, cases(list));
        sandbox
    }
}
