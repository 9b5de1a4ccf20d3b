//! `jit-cli sysroot check`: compares the built-in headers with every set of real headers in packages, for the
//! headers of an installed CPython (Debian's libpython3.11-dev). `scripts/install-test-tools` installs them, and
//! `scripts/test` names ziglang's. Without them, these tests are skipped.

use std::{fs, path::Path};

use serde_json::Value;

use crate::{
    sandbox::{LINUX, Sandbox},
    tools,
};

/// The source directory of the built-in sysroot.
const BUILTIN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/sysroot");
/// A flag for 3.11's headers, in which clang 22 reports an error.
const OLD_HEADERS: &str = "--cflags=-Wno-error=incompatible-pointer-types";

/// Returns the directory with the headers of an installed CPython.
fn python() -> String {
    let headers = fixtures::needs::python_headers().expect("the test needs python_headers");
    headers.to_str().unwrap().to_owned()
}

/// Returns a directory with headers in the ziglang package, which is installed for its clang 21.
fn ziglang(name: &str) -> String {
    let directory = tools::prefix_21().join("package/ziglang/lib/libc/include");
    directory.join(name).to_str().unwrap().to_owned()
}

/// Returns every set of real headers: its targets and its directory, or `None` for this machine's headers.
fn real_headers() -> Vec<(&'static [&'static str], Option<String>)> {
    let cross = |name: &str| Some(format!("/usr/{name}"));
    let windows: &[&str] = &["x86_64-pc-windows-msvc", "aarch64-pc-windows-msvc"];
    let all_windows: &[&str] = &[
        "x86_64-pc-windows-msvc",
        "aarch64-pc-windows-msvc",
        "i686-pc-windows-msvc",
    ];
    vec![
        (&[LINUX], None),
        (&["aarch64-unknown-linux-gnu"], cross("aarch64-linux-gnu")),
        (
            &["x86_64-apple-darwin", "aarch64-apple-darwin"],
            Some(ziglang("any-darwin-any")),
        ),
        (windows, cross("x86_64-w64-mingw32")),
        (&["i686-pc-windows-msvc"], cross("i686-w64-mingw32")),
        (all_windows, Some(ziglang("any-windows-any"))),
    ]
}

/// Runs a check. Returns its JSON output and its exit status.
fn check(sandbox: &Sandbox, target: &str, more: &[&str]) -> (Value, i32) {
    let run = sandbox.run(&["sysroot", "check", "--llvm-version", "22", "-t", target]);
    let mut command = run
        .with(&["--headers", &python(), OLD_HEADERS])
        .with(&["--message-format", "json"])
        .with(more)
        .command();
    let output = command.output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let events = stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let comparison = events
        .into_iter()
        .find(|event: &Value| event["reason"] == "comparison")
        .unwrap_or_else(|| panic!("{stdout}{}", String::from_utf8_lossy(&output.stderr)));
    (comparison, output.status.code().unwrap())
}

/// Returns the names of the declarations of a kind that differ.
fn names(comparison: &Value, kind: &str) -> Vec<String> {
    let all = comparison["differences"].as_array().unwrap().iter();
    let named = all.filter(|difference| difference["kind"] == kind);
    named
        .map(|difference| difference["name"].as_str().unwrap().to_owned())
        .collect()
}

/// Compares all real headers in a configuration, or, without `JIT_TEST_THOROUGH=1`, a third of them: each in one of the three
/// configurations, and this machine's in all. `turn` is different for each configuration. It is 1 for debug builds, so that
/// one comparison is that with a difference.
fn compare_all(configuration: &[&str], name: &str, turn: usize) {
    let sandbox = Sandbox::new();
    let mut number = 0;
    for (targets, real) in real_headers() {
        for target in targets {
            number += 1;
            let is_own = real.is_none();
            if !fixtures::is_thorough() && !is_own && number % 3 != turn {
                continue;
            }
            let mut more = configuration.to_vec();
            if let Some(directory) = &real {
                more.extend(["--real", directory]);
            }
            let (comparison, status) = check(&sandbox, target, &more);
            let context = format!("{target} {real:?} {:#}", comparison["differences"]);
            // mingw-w64 13 declares that a failed assertion does not return. Version 10 and Microsoft's
            // headers do not.
            let newer = real
                .as_ref()
                .is_some_and(|path| path.ends_with("any-windows-any"));
            let expected: &[&str] = match newer && configuration.contains(&"--debug") {
                true => &["_wassert"],
                false => &[],
            };
            assert_eq!(names(&comparison, "function"), expected, "{context}");
            let all = comparison["differences"].as_array().unwrap();
            assert_eq!(all.len(), expected.len(), "{context}");
            assert_eq!(status, if expected.is_empty() { 0 } else { 23 });
            assert_eq!(comparison["configuration"], name);
            // Enough is compared: 3.11 defines 494 records.
            for (kind, least) in [
                ("records", 400),
                ("types", 150),
                ("functions", 1000),
                ("macros", 800),
            ] {
                assert!(
                    comparison[kind].as_u64().unwrap() > least,
                    "{kind}: {comparison}"
                );
            }
        }
    }
}

#[test]
fn release() {
    fixtures::needs!(clang_22, python_headers, prefix_21, cross_headers);
    compare_all(&[], "release", 0);
}

#[test]
fn debug() {
    fixtures::needs!(clang_22, python_headers, prefix_21, cross_headers);
    compare_all(&["--debug"], "debug", 1);
}

#[test]
fn free_threaded() {
    fixtures::needs!(clang_22, python_headers, prefix_21, cross_headers);
    compare_all(&["--free-threaded"], "free-threaded", 2);
}

/// Writes a copy of the built-in headers with one change.
fn changed(sandbox: &Sandbox, file: &str, old: &str, new: &str) {
    for (path, text) in fixtures_of(Path::new(BUILTIN)) {
        sandbox.write(&format!("changed/{path}"), text);
    }
    let path = format!("changed/include/{file}");
    let text = sandbox.text(&path);
    assert_eq!(text.matches(old).count(), 1, "{old} in {file}");
    sandbox.write(&path, text.replace(old, new));
}

fn fixtures_of(root: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut directories = vec![root.to_path_buf()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap();
                found.push((name.to_owned(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}

const CHANGED: [&str; 4] = ["--sysroot", "changed/include", "-p", "changed/pyconfig"];

#[test]
fn a_mutex_that_is_too_large() {
    fixtures::needs!(clang_22, python_headers);
    let sandbox = Sandbox::new().tinyvm();
    changed(
        &sandbox,
        "pthread.h",
        "SYSROOT_THREAD_OBJECT(pthread_mutex_t, long, 40);",
        "SYSROOT_THREAD_OBJECT(pthread_mutex_t, long, 48);",
    );
    let (comparison, status) = check(&sandbox, LINUX, &CHANGED);
    assert_eq!(status, 23);
    assert!(names(&comparison, "type").contains(&"pthread_mutex_t".to_owned()));
    // CPython has a mutex in the GIL, and the GIL in other records.
    let records = names(&comparison, "record");
    for name in ["struct _gil_runtime_state", "struct pyruntimestate"] {
        assert!(records.contains(&name.to_owned()), "{records:?}");
    }
    let all = comparison["differences"].as_array().unwrap();
    let gil = all
        .iter()
        .find(|d| d["name"] == "struct _gil_runtime_state")
        .unwrap();
    let field = &gil["fields"][0];
    assert_eq!(field["field"], "switch_cond", "{gil:#}");
    assert_eq!(field["after"], "pthread_mutex_t mutex");
    let offset = |side: &str| field[side].as_str().unwrap().parse::<u64>().unwrap();
    assert_eq!(offset("checked"), offset("real") + 8);

    // The output for people has the same contents.
    let run = sandbox.run(&["sysroot", "check", "--llvm-version", "22", "-t", LINUX]);
    let run = run
        .with(&["--headers", &python(), OLD_HEADERS])
        .with(&CHANGED);
    let output = run.command().output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    for line in [
        "type pthread_mutex_t: 48 bytes, aligned to 8; real: 40 bytes, aligned to 8",
        "(after pthread_mutex_t mutex)",
    ] {
        assert!(stdout.contains(line), "{stdout}");
    }
    // The sizes in the assertions differ from the definitions.
    let flags = "-include sysroot_checks.h";
    let run = sandbox
        .build()
        .with(&["--sysroot", "changed/include", "--cflags", flags]);
    let message = run.fails(12);
    assert!(message.contains("the size of pthread_mutex_t"), "{message}");
}

#[test]
fn a_value_a_sign_and_an_attribute() {
    fixtures::needs!(clang_22, python_headers);
    let sandbox = Sandbox::new();
    changed(
        &sandbox,
        "sysroot.h",
        "typedef int pid_t;",
        "typedef unsigned pid_t;",
    );
    let path = "changed/include/signal.h";
    let signals = sandbox
        .text(path)
        .replace("define NSIG 65", "define NSIG 0x40");
    sandbox.write(path, signals.replace("#  define _NSIG NSIG", ""));
    // A function that only `assert` uses, in a debug build.
    let path = "changed/include/assert.h";
    let old = "SYSROOT_NOTHROW\n    __attribute__((__noreturn__));";
    let assert = sandbox.text(path).replace(old, ";");
    sandbox.write(path, assert);
    let (comparison, status) = check(&sandbox, LINUX, &[&CHANGED[..], &["--debug"]].concat());
    assert_eq!(status, 23);
    let find = |kind: &str, name: &str| {
        let mut all = comparison["differences"].as_array().unwrap().iter();
        let found = all.find(|d| d["kind"] == kind && d["name"] == name);
        found
            .unwrap_or_else(|| panic!("no {name} in {comparison:#}"))
            .clone()
    };
    let pid = find("type", "pid_t");
    assert_eq!(pid["checked"], "4 bytes, aligned to 4, unsigned");
    assert_eq!(pid["real"], "4 bytes, aligned to 4, signed");
    let fail = find("function", "__assert_fail");
    assert_eq!(fail["checked"], "no attributes");
    assert_eq!(fail["real"], "noreturn, nothrow");
    // The value differs, in the macro and in one of CPython's that uses it.
    for name in ["NSIG", "Py_NSIG"] {
        let signals = find("macro", name);
        assert_eq!(signals["checked"], "64");
        assert_eq!(signals["real"], "65");
    }
    // A macro that CPython tests is not defined.
    let missing = find("macro", "_NSIG");
    assert_eq!(missing["checked"], Value::Null);
    assert!(missing["real"].is_string(), "{missing:#}");
}

/// The real headers of a target in `jit.toml` are the default.
#[test]
fn headers_that_the_configuration_names() {
    fixtures::needs!(clang_22, python_headers);
    let sandbox = Sandbox::new();
    sandbox.write(
        "p/own.h",
        "#include <sys/types.h>\n\nstruct own { pid_t who; mode_t how; };\n",
    );
    sandbox.write(
        "p/template.c",
        "#include \"own.h\"\n\nint _JIT_ENTRY(void) { CASE }\n",
    );
    sandbox.write("p/cases.c", "        case _A: {\n        }\n");
    sandbox.write(
        "p/real/sys/types.h",
        "typedef int pid_t;\ntypedef long mode_t;\n",
    );
    sandbox.write(
        "p/jit.toml",
        format!(
            "template = \"template.c\"\ncases = \"cases.c\"\ninclude = [\".\"]\n\n\
             [target.{LINUX}]\nsysroot = \"real\"\n"
        ),
    );
    let run = sandbox.run(&["sysroot", "check", "--llvm-version", "22", "-t", LINUX]);
    let output = run.within("p").command().output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(23), "{stdout}");
    for line in [
        "type mode_t: 4 bytes, aligned to 4, unsigned; real: 8 bytes, aligned to 8, signed",
        "record struct own: 8 bytes, aligned to 4; real: 16 bytes, aligned to 8",
        "  how is at 4; real: at 8 (after pid_t who)",
        "1 records, 1 differ; 2 types, 1 differ; 0 functions, 0 differ;",
    ] {
        assert!(stdout.contains(line), "{line}\n{stdout}");
    }
}

#[test]
fn what_cannot_be_checked() {
    fixtures::needs!(clang_22, python_headers);
    let sandbox = Sandbox::new();
    let check = |more: &[&str]| {
        let run = sandbox.run(&["sysroot", "check", "--llvm-version", "22", "-t", LINUX]);
        run.with(more)
    };
    let message = check(&["--headers", "empty"]).fails(22);
    assert!(
        message.contains("Python.h") && message.contains("--cpython"),
        "{message}"
    );
    let message = check(&["--headers", &python(), "--real", "nowhere"]).fails(20);
    assert!(message.contains("nowhere"), "{message}");
    let message = check(&["--headers", &python(), "-p", "empty"]).fails(8);
    assert!(message.contains("pyconfig.h"), "{message}");
    // The directory has no headers.
    let message = check(&["--headers", &python(), OLD_HEADERS, "--real", "empty"]).fails(12);
    assert!(message.contains("file not found"), "{message}");
    // The headers of another system have no default directory.
    let run = sandbox.run(&["sysroot", "check", "-t", "i686-pc-windows-msvc"]);
    let message = run.with(&["--headers", &python()]).fails(2);
    assert!(
        message.contains("--real") && message.contains("i686-pc-windows-msvc"),
        "{message}"
    );
    let message = sandbox.run(&["sysroot", "check", "-t", "vax"]).fails(7);
    assert!(message.contains("vax"), "{message}");
}
