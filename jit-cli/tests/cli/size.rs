//! `jit-cli size`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    batch,
    cache::events,
    packs,
    sandbox::{LINUX, Run, Sandbox},
};

impl Sandbox {
    /// Returns a run of a command that looks at the stencils of the copy in `vm`.
    pub(crate) fn look(&self, command: &str, more: &[&str]) -> Run<'_> {
        self.run(&[
            command,
            "--cpython",
            "vm",
            "-p",
            "vm",
            "--llvm-version",
            "22",
        ])
        .with(&["--target", LINUX, "--cache-dir", "cache"])
        .with(more)
    }
}

/// Returns the numbers that the table at the end of a header has for each micro-op: bytes of code and data, symbols that
/// are reached by trampolines, and symbols in the GOT.
fn table(header: &str) -> BTreeMap<String, [u64; 4]> {
    let mut found = BTreeMap::new();
    for line in header.lines() {
        let Some((_, row)) = line.split_once("] = {emit_") else {
            continue;
        };
        let (numbers, masks) = row.split_once(", {").unwrap();
        let mut numbers = numbers.split(", ");
        let name = numbers.next().unwrap().to_owned();
        let mut number = || numbers.next().unwrap().parse::<u64>().unwrap();
        let sizes = [number(), number()];
        let masks = masks.trim_end_matches("}},").split("}, {");
        let mut ones = masks.map(|words| {
            let words = words.split(", ");
            let words = words.map(|word| u64::from_str_radix(word.trim_start_matches("0x"), 16));
            words
                .map(|word| u64::from(word.unwrap().count_ones()))
                .sum::<u64>()
        });
        let mut one = || ones.next().unwrap();
        found.insert(name, [sizes[0], sizes[1], one(), one()]);
    }
    found
}

/// Returns the rows of comma-separated values, by the first column.
fn rows(csv: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut lines = csv.lines();
    let heads: Vec<&str> = lines.next().unwrap().split(',').collect();
    lines
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            assert_eq!(cells.len(), heads.len(), "{line}");
            let pairs = heads.iter().zip(&cells);
            let row = pairs.map(|(head, cell)| ((*head).to_owned(), (*cell).to_owned()));
            (cells[0].to_owned(), row.collect())
        })
        .collect()
}

#[test]
fn wherever_the_stencils_are() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = batch::some();
    let build = |directory: &str, emit: &str| {
        let run = sandbox.build_to(directory).with(&[LINUX, "--emit", emit]);
        run.with(&["--cache-dir", "cache"]).succeeds();
    };
    build("out", "header");
    let header = sandbox.text(&format!("out/jit_stencils-{LINUX}.h"));
    let table = table(&header);
    assert_eq!(table.len(), 7);
    build("files", "stencils");
    packs::pack(&sandbox, "py.pack").succeeds();
    let header = format!("out/jit_stencils-{LINUX}.h");
    let stencils = format!("files/jit_stencils-{LINUX}.stencils");
    for from in ["", "out", &header, "files", &stencils, "py.pack"] {
        let more: &[&str] = if from.is_empty() {
            &[]
        } else {
            &["--from", from]
        };
        let printed = sandbox.look("size", &["--csv"]).with(more).succeeds();
        let rows = rows(&printed.stdout);
        assert_eq!(rows.len(), table.len(), "{from}");
        for (name, [code, data, trampolines, got]) in &table {
            let row = &rows[name];
            let number = |column: &str| row[column].parse::<u64>().unwrap();
            let found = ["code", "data", "trampolines", "got"].map(number);
            assert_eq!(found, [*code, *data, *trampolines, *got], "{from} {name}");
            assert!(number("hot") <= *code && number("instructions") <= *code);
        }
    }
}

/// The sums of all forms are the same.
#[test]
fn rows_and_columns() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = batch::some();
    let csv = |more: &[&str]| {
        let printed = sandbox.look("size", &["--csv"]).with(more).succeeds();
        rows(&printed.stdout)
    };
    let ops = csv(&[]);
    let sum = |column: &str| -> u64 {
        ops.values()
            .map(|row| row[column].parse::<u64>().unwrap())
            .sum()
    };
    let target = &csv(&["--by", "target"])[LINUX];
    for column in ["code", "data", "holes", "calls", "spills"] {
        assert_eq!(target[column], sum(column).to_string(), "{column}");
    }
    let sections = csv(&["--by", "section"]);
    let bytes = |section: &str| sections[section]["bytes"].parse::<u64>().unwrap();
    assert_eq!(bytes("hot code") + bytes("cold code"), sum("code"));
    assert_eq!(bytes("hot code"), sum("hot"));
    assert_eq!(bytes("data"), sum("data"));
    let families = csv(&["--by", "family"]);
    assert!(
        families.keys().all(|name| !name.contains("_r0")),
        "{families:?}"
    );
    // The largest comes first.
    let text = sandbox
        .look("size", &["--sort", "code", "--top", "2"])
        .succeeds()
        .stdout;
    let lines: Vec<&str> = text.lines().collect();
    let largest = ops
        .iter()
        .max_by_key(|(_, row)| row["code"].parse::<u64>().unwrap());
    assert!(lines[1].starts_with(largest.unwrap().0), "{text}");
    assert!(lines[4].starts_with("total of 7"), "{text}");
    assert_eq!(lines.len(), 5, "{text}");
    // For other programs.
    let printed = sandbox
        .look("size", &["--message-format", "json"])
        .succeeds();
    let events = events(&printed.stdout);
    let of = |reason: &str| -> Vec<&Value> {
        events
            .iter()
            .filter(|event| event["reason"] == reason)
            .collect()
    };
    assert_eq!(of("size").len(), 7);
    assert_eq!(of("total")[0]["code"].as_u64(), Some(sum("code")));
}

#[test]
fn names() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = batch::some();
    let all = rows(&sandbox.look("size", &["--csv"]).succeeds().stdout);
    let first = all.keys().next().unwrap().clone();
    let count = |name: &str| {
        let printed = sandbox.look("size", &["--csv", name]).succeeds();
        rows(&printed.stdout).len()
    };
    assert_eq!(count(&first), 1);
    assert_eq!(count(&first.to_lowercase()), 1);
    assert_eq!(count("*"), all.len());
    let misspelt = first.replacen('A', "", 1) + "X";
    let message = sandbox.look("size", &[&misspelt]).fails(2);
    assert!(
        message.contains(&format!("there is no stencil {misspelt}")),
        "{message}"
    );
    assert!(message.contains(&first), "{message}");
    let message = sandbox.look("size", &["a***b"]).fails(2);
    assert!(
        message.contains("a***b is no pattern for names"),
        "{message}"
    );
}

#[test]
fn files_without_stencils() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = batch::some();
    sandbox.build().succeeds();
    let header = sandbox.text(&format!("out/jit_stencils-{LINUX}.h"));
    let name = |directory: &str| format!("{directory}/jit_stencils-{LINUX}.h");
    sandbox.write(&name("cut"), &header[..header.len() - 3]);
    sandbox.write(&name("other"), "int x;\n");
    sandbox.write(&name("binary"), [0xff, 0xfe, 0]);
    sandbox.write("unnamed.h", &header);
    sandbox.write("cut.stencils", &b"\x93STEN\r\n\x1a"[..]);
    sandbox.write("cut.pack", &b"\xfd7zXZ\0\0\0"[..]);
    let any = |from: &str| sandbox.run(&["size", "--from", from]);
    for (from, status, expected) in [
        (&*name("cut"), 26, "the end of the header is missing"),
        (&name("other"), 26, "this is not a header with stencils"),
        (&name("binary"), 26, "no header, stencil file or pack"),
        ("cut.stencils", 26, "cut.stencils: "),
        ("cut.pack", 26, "it is damaged or not a pack"),
        ("empty", 26, "empty has no file with stencils"),
        ("unnamed.h", 2, "name the target with --target"),
        (
            "nowhere",
            2,
            "nowhere is neither a file or directory nor a git revision",
        ),
    ] {
        let message = any(from).fails(status);
        assert!(message.contains(expected), "{from}: {message}");
    }
    let message = any("out")
        .with(&["--target", "i686-pc-windows-msvc"])
        .fails(2);
    assert!(
        message.contains("out has nothing for i686-pc-windows-msvc"),
        "{message}"
    );
    any("unnamed.h").with(&["--target", LINUX]).succeeds();
}

/// Headers that are not what a tool has written.
#[test]
fn headers_that_lie() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = batch::some();
    sandbox.build().succeeds();
    let header = sandbox.text(&format!("out/jit_stencils-{LINUX}.h"));
    let row = header
        .lines()
        .find(|line| line.contains("] = {emit_"))
        .unwrap();
    let (start, rest) = row.split_once(", ").unwrap();
    let (code, rest) = rest.split_once(", ").unwrap();
    let (_, masks) = rest.split_once(", ").unwrap();
    let path = format!("lies/jit_stencils-{LINUX}.h");
    let run = |text: &str| {
        sandbox.write(&path, text);
        sandbox.run(&["size", "--from", &path]).fails(26)
    };
    // Zeros take no room in a header.
    for data in [
        "18446744073709551615",
        "9223372036854775807",
        "4000000000",
        "100000000",
    ] {
        let lie = header.replace(row, &format!("{start}, {code}, {data}, {masks}"));
        assert!(
            run(&lie).contains("no row of the table of stencils"),
            "{data}"
        );
    }
    let name = "_CHECK_STACK_r00";
    for (lie, expected) in [
        (header.replace(name, "_CHECK\u{1b}[31m_r00"), "is no name"),
        (
            header.replace("patch_x86_64_32rx(", "patch_aarch64_12x("),
            "patch_aarch64_12x is not for",
        ),
    ] {
        assert_ne!(lie, header);
        assert!(run(&lie).contains(expected), "{expected}");
    }
    // The name of the file decides about the target.
    let other = "jit_stencils-aarch64-unknown-linux-gnu.h";
    sandbox.write(other, &header);
    let message = sandbox.run(&["size", "--from", other]).fails(26);
    assert!(
        message.contains("is not for aarch64-unknown-linux-gnu"),
        "{message}"
    );
}

/// What is printed is all that these commands do.
#[test]
fn output_that_cannot_be_written() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = batch::some();
    for words in [&["size"][..], &["show", "_JUMP*"], &["completions", "bash"]] {
        let run = match words {
            ["completions", ..] => sandbox.run(words),
            [command, more @ ..] => sandbox.look(command, more),
            [] => continue,
        };
        let full = std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let output = run.command().stdout(full).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(19), "{words:?}: {stderr}");
        assert!(stderr.contains("can't write standard output"), "{stderr}");
    }
}

/// Programs get the same columns for one target and for several.
#[test]
fn columns_for_programs() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = batch::some();
    let head = |more: &[&str]| {
        let printed = sandbox.look("size", &["--csv"]).with(more).succeeds();
        printed.stdout.lines().next().unwrap().to_owned()
    };
    assert_eq!(head(&[]), head(&["--target", "aarch64-unknown-linux-gnu"]));
    let printed = sandbox
        .look("size", &["--message-format", "json"])
        .succeeds();
    let events = events(&printed.stdout);
    let mut rows = events.iter().filter(|event| event["reason"] == "size");
    assert!(rows.all(|row| row["target"] == LINUX));
}
