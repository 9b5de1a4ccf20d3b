//! Headers in the plain format, compiled as C and C++, and a host program that runs their stencils.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Output},
};

use fixtures::TRIPLES;

use crate::{
    sandbox::{LINUX, Sandbox},
    tools,
};

/// The languages as which headers are compiled.
const LANGUAGES: [[&str; 2]; 2] = [["c", "c11"], ["c++", "c++17"]];

/// Returns a sandbox with a copy of the machine in `fixtures/plain`.
fn machine() -> Sandbox {
    let sandbox = Sandbox::new();
    for entry in fs::read_dir(fixtures::root().join("plain")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        sandbox.write(&format!("plain/{name}"), fs::read(&path).unwrap());
    }
    sandbox
}

/// Returns a clang command with strict warnings, as host programs may use them.
fn clang(directory: &Path, language: [&str; 2]) -> Command {
    let [language, standard] = language;
    let mut command = Command::new(tools::clang_22());
    command
        .current_dir(directory)
        .args(["-Wall", "-Wextra", "-Werror", "-x", language])
        .arg(format!("-std={standard}"));
    command
}

#[track_caller]
fn succeeded(what: &str, output: &Output) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what}\n{stderr}");
}

#[test]
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
fn a_host_runs_stencils() {
    fixtures::needs!(clang_22);
    let sandbox = machine();
    sandbox
        .run(&["build", "--llvm-version", "22"])
        .within("plain")
        .succeeds();
    let directory = sandbox.path("plain");
    for language in LANGUAGES {
        for optimize in ["-O0", "-O2"] {
            let program = format!("host-{}{optimize}", language[1]);
            let output = clang(&directory, language)
                .args([optimize, "-I", "generated", "host.c", "-x", "none"])
                .arg(format!("generated/jit_shim-{LINUX}.o"))
                .args(["-o", &program])
                .output();
            succeeded(&program, &output.unwrap());
            let output = Command::new(directory.join(&program)).output().unwrap();
            succeeded(&program, &output);
            let stdout = String::from_utf8_lossy(&output.stdout);
            assert!(stdout.contains("ended in an error"), "{stdout}");
        }
    }
}

/// A program with the header that has a linker.
#[test]
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
fn a_host_links_stencils() {
    fixtures::needs!(clang_22);
    let sandbox = machine();
    let header = format!("plain/generated/jit_host-{LINUX}.h");
    let build = |emit: &str| {
        let words = ["build", "--llvm-version", "22", "--emit", emit];
        sandbox.run(&words).within("plain").succeeds().stdout
    };
    build("c");
    let text = sandbox.text(&header);
    for language in LANGUAGES {
        let program = format!("linked-{}", language[1]);
        let output = clang(&sandbox.path("plain"), language)
            .args(["-pedantic", "-O2", "linked.c", "-o", &program])
            .arg(format!("-DJIT_HEADER=\"generated/jit_host-{LINUX}.h\""))
            .output();
        succeeded(&program, &output.unwrap());
        let output = Command::new(sandbox.path("plain").join(&program)).output();
        let output = output.unwrap();
        succeeded(&program, &output);
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert!(stdout.contains("ended in an error"), "{stdout}");
    }
    // The header must exist and be unchanged, as other files.
    assert!(build("c").contains("up to date"));
    fs::remove_file(sandbox.path(&header)).unwrap();
    assert!(!build("c").contains("up to date"));
    assert!(sandbox.text(&header) == text);
    sandbox.write(&header, format!("{text} "));
    assert!(!build("c").contains("up to date"));
    assert!(sandbox.text(&header) == text);
    assert!(!build("stencils,c,header").contains("up to date"));
    assert!(build("c,header").contains("up to date"));
    assert!(sandbox.text(&header).split_once('\n').unwrap().1 == text.split_once('\n').unwrap().1);
}

/// Returns the symbols whose addresses a header takes.
fn symbols(header: &str) -> BTreeSet<&str> {
    let name = |rest: &'_ str| -> usize {
        rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(rest.len())
    };
    let places = ["(const void *)&", "(uintptr_t)&"];
    let found = places
        .iter()
        .flat_map(|place| header.split(place).skip(1))
        .map(|rest| &rest[..name(rest)]);
    found.collect()
}

/// Returns the function declarations in a header's comment.
fn declarations(header: &str) -> impl Iterator<Item = &str> {
    header
        .lines()
        .filter_map(|line| line.strip_prefix("//  "))
        .filter(|line| line.ends_with(");"))
}

/// The headers of the example machine, which uses every kind of hole, compile for all targets with nothing but the
/// declarations in their comments.
#[test]
fn headers_compile_with_what_they_ask_for() {
    fixtures::needs!(clang_22);
    let sandbox = Sandbox::new().tinyvm();
    let config = sandbox.text("vm/jit.toml");
    sandbox.write("vm/jit.toml", config.replace("cpython-3.15", "plain"));
    // In this format, a value is not the address of a symbol.
    let words = sandbox.text("vm/Tools/jit/jit.h");
    let values = words
        .replace("    VM_API char SYMBOL;             \\\n", "")
        .replace("(TYPE)(uintptr_t)&SYMBOL", "SYMBOL");
    assert!(!values.contains("char SYMBOL") && !values.contains("&SYMBOL"));
    sandbox.write("vm/Tools/jit/jit.h", values);
    let printed = sandbox
        .run(&["build", "--llvm-version", "22"])
        .within("vm")
        .succeeds();
    assert!(
        !printed.stdout.contains("experimental"),
        "{}",
        printed.stdout
    );
    for triple in TRIPLES {
        let header = sandbox.text(&format!("vm/build/jit_stencils-{triple}.h"));
        let mut host = "#include <stdint.h>\ntypedef struct jit_state jit_state;\n".to_owned();
        for line in declarations(&header) {
            host.push_str(&format!("{line}\n"));
        }
        for symbol in symbols(&header) {
            host.push_str(&format!("extern const char {symbol}[];\n"));
        }
        for name in ["jit_stencils", "jit_unwind_info"] {
            // The header is included twice: the second time, it is empty.
            let include = format!("#include \"build/{name}-{triple}.h\"\n");
            host.push_str(&include.repeat(2));
        }
        let file = format!("host-{triple}.c");
        sandbox.write(&format!("vm/{file}"), host);
        for language in LANGUAGES {
            let output = clang(&sandbox.path("vm"), language)
                .args(["-fsyntax-only", &file])
                .output();
            succeeded(&format!("{triple} as {}", language[1]), &output.unwrap());
        }
    }
}

#[test]
fn the_digest_covers_the_format() {
    fixtures::needs!(clang_22);
    let sandbox = machine();
    // The formats differ in how values are declared, so the micro-op has none.
    let case = "        case ADD: {\n            x += 1;\n            break;\n        }\n";
    sandbox.write("plain/cases.h", case);
    let build = || {
        let run = sandbox.run(&["build", "--llvm-version", "22", "-t", LINUX]);
        let printed = run.within("plain").succeeds();
        let header = sandbox.text(&format!("plain/generated/jit_stencils-{LINUX}.h"));
        (printed.stdout, header)
    };
    let (_, plain) = build();
    assert!(plain.contains("typedef struct jit_state jit_state;"));
    let config = sandbox.text("plain/jit.toml");
    sandbox.write(
        "plain/jit.toml",
        format!("{config}header-format = \"cpython-3.15\"\n"),
    );
    let (printed, cpython) = build();
    assert!(!printed.contains("up to date"), "{printed}");
    assert!(cpython.contains("_PyUOpInstruction"));
    let (printed, _) = build();
    assert!(printed.contains("up to date"), "{printed}");
}

#[test]
fn unknown_formats_and_checkouts() {
    let sandbox = machine();
    let config = sandbox.text("plain/jit.toml");
    sandbox.write(
        "plain/jit.toml",
        format!("{config}header-format = \"cpython-3.13\"\n"),
    );
    let message = sandbox.run(&["build"]).within("plain").fails(21);
    for part in ["cpython-3.13", "\"plain\"", "\"cpython-3.15\""] {
        assert!(message.contains(part), "{message}");
    }
    // A checkout has the format of its release.
    let sandbox = Sandbox::new().tinyvm();
    sandbox.write("jit.toml", "cpython = \"vm\"\nheader-format = \"plain\"\n");
    let message = sandbox.run(&["build"]).fails(21);
    assert!(message.contains("header-format is for"), "{message}");
}

#[test]
fn a_checkout_of_another_release() {
    let sandbox = Sandbox::new().tinyvm();
    // The tool of CPython 3.14, without that release's headers.
    sandbox.write("vm/Tools/jit/_stencils.py", "");
    let message = sandbox.build().fails(22);
    assert!(message.contains("is not a CPython checkout"), "{message}");
    // An alpha of CPython 3.15.
    sandbox.write("vm/Tools/jit/_optimizers.py", "");
    let message = sandbox.build().fails(22);
    assert!(
        message.contains("the releases that can are: 3.15, 3.14"),
        "{message}"
    );
}
