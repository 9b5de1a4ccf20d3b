//! Copies of the example machine, whole or with some micro-ops only.

use std::collections::BTreeMap;

use fixtures::tinyvm::files;

use crate::sandbox::{LINUX, Sandbox};

/// Where a copy's micro-ops are.
pub(crate) const CASES: &str = "vm/Python/executor_cases.c.h";
/// Where the text around them is.
pub(crate) const TEMPLATE: &str = "vm/Tools/jit/template.c";
/// Where the shim is.
pub(crate) const SHIM: &str = "vm/Tools/jit/shim.c";

/// A file of the example.
pub(crate) fn file(name: &str) -> &'static str {
    fixtures::tinyvm::text(name)
}

/// A micro-op of the example, from its line to that of its closing brace.
pub(crate) fn case(name: &str) -> String {
    let text = file("Python/executor_cases.c.h");
    let start = format!("        case {name}: {{\n");
    let from = text.find(&start).unwrap_or_else(|| panic!("no {name}"));
    let length = text[from..].find("\n        }\n").unwrap() + "\n        }\n".len();
    text[from..from + length].to_owned()
}

/// A micro-op with another body: lines of C, which become the second line of the case and so on.
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

/// A cases file of these.
pub(crate) fn cases(cases: &[String]) -> String {
    format!("// Some of the micro-ops.\n\n{}", cases.join("\n"))
}

/// In which line of `NAME.c` the line `case NAME: {` is.
pub(crate) fn line_of_case() -> usize {
    let template = file("Tools/jit/template.c");
    let before = template.lines().position(|line| line.trim() == "CASE");
    1 + before.unwrap()
}

/// What a build wrote: file names and contents.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// The text of one of them.
pub(crate) fn text<'a>(files: &'a Files, name: &str) -> &'a str {
    let bytes = files.get(name).unwrap_or_else(|| panic!("no {name}"));
    std::str::from_utf8(bytes).unwrap()
}

impl Sandbox {
    /// The example, in `vm`.
    pub(crate) fn tinyvm(self) -> Self {
        for (path, contents) in files() {
            self.write(&format!("vm/{path}"), contents);
        }
        self
    }

    /// Whether a directory for `--keep-temps` has the object of that micro-op, for Linux.
    pub(crate) fn was_assembled(&self, kept: &str, name: &str) -> bool {
        let files = self.files(&format!("{kept}/{LINUX}"));
        [format!("{name}.o"), format!("{name}.asm.o")]
            .iter()
            .any(|name| files.get(name).is_some_and(|object| !object.is_empty()))
    }

    /// The example with these micro-ops instead of its own.
    pub(crate) fn tinyvm_of(self, list: &[String]) -> Self {
        let sandbox = self.tinyvm();
        sandbox.write(CASES, cases(list));
        sandbox
    }
}
