//! `jit-cli new`: the projects work, and so does what `docs/tutorial.md` does with one.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Output},
};

use fixtures::needs;

fn shell(directory: &Path, script: &str) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_jit-cli"));
    let path = std::env::join_paths(
        std::iter::once(program.parent().unwrap().to_path_buf()).chain(std::env::split_paths(
            &std::env::var_os("PATH").unwrap_or_default(),
        )),
    );
    Command::new("sh")
        .args(["-ec", script])
        .current_dir(directory)
        .env("PATH", path.unwrap())
        .env("XDG_CACHE_HOME", directory.join("cache"))
        .output()
        .unwrap()
}

fn succeeds(directory: &Path, script: &str) -> String {
    let output = shell(directory, script);
    let (out, err) = (&output.stdout, &output.stderr);
    let text = [out.as_slice(), err].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    assert!(output.status.success(), "{script}\n{}", text.concat());
    text.concat()
}

/// The output of the tests of a project that works.
const TESTED: &str = "10000 programs: compiled code does what the interpreter does\n";

#[test]
fn new_projects_work() {
    needs!(clang_22);
    for language in ["c", "c++", "rust-ir"] {
        let directory = tempfile::tempdir().unwrap();
        let script = format!("jit-cli new --lang {language} 'my vm'");
        let text = succeeds(directory.path(), &script);
        assert!(text.contains("make -C 'my vm' test"), "{text}");
        let warnings = "CFLAGS='-O2 -Wall -Wextra -Werror' CXXFLAGS='-O2 -Wall -Wextra -Werror'";
        let text = succeeds(
            directory.path(),
            &format!("make -C 'my vm' test {warnings}"),
        );
        assert!(text.contains(TESTED), "{language}: {text}");
        let text = succeeds(directory.path(), "make -C 'my vm' run");
        // The sum of the numbers below 100 million, once from the interpreter and once from the code.
        let sum = 100_000_000_u64 * 99_999_999 / 2;
        let lines = text.lines().filter(|line| *line == sum.to_string());
        assert_eq!(lines.count(), 2, "{language}: {text}");
    }
}

/// In QEMU, the linker in C and the code that it links run on AArch64. Programs for Windows are compiled only.
#[test]
fn new_projects_work_on_other_machines() {
    needs!(clang_22, cross_compilers, cross_headers);
    let directory = tempfile::tempdir().unwrap();
    let script = "jit-cli new vm && cd vm\n\
        for codegen in upstream tuned; do\n\
        jit-cli build --llvm-version 22 --target aarch64-unknown-linux-gnu --sysroot /usr/aarch64-linux-gnu \
        --codegen $codegen --force\n\
        aarch64-linux-gnu-gcc -std=c11 -O2 -Wall -Wextra -Werror -static -o tests tests.c && qemu-aarch64 ./tests\n\
        done\n";
    let text = succeeds(directory.path(), script);
    assert_eq!(text.matches(TESTED).count(), 2, "{text}");
    let script = "cd vm\n\
        jit-cli build --llvm-version 22 --target x86_64-pc-windows-msvc --sysroot builtin\n\
        x86_64-w64-mingw32-gcc -std=c11 -O2 -Wall -Wextra -Werror -o tests.exe tests.c && test -s tests.exe\n";
    succeeds(directory.path(), script);
}

#[test]
fn new_projects_notice_wrong_ops_and_edits() {
    needs!(clang_22);
    let directory = tempfile::tempdir().unwrap();
    succeeds(directory.path(), "jit-cli new vm && make -C vm tests");
    let path = directory.path().join("vm/ops.c");
    let text = fs::read_to_string(&path).unwrap();
    let wrong = text.replace("(uint64_t)A - (uint64_t)B", "(uint64_t)B - (uint64_t)A");
    assert_ne!(text, wrong);
    fs::write(&path, wrong).unwrap();
    let output = shell(directory.path(), "make -C vm test");
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success());
    assert!(
        out.contains("the compiled code does something else than the interpreter"),
        "{out}"
    );
}

#[test]
fn new_needs_an_empty_directory() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("empty")).unwrap();
    succeeds(
        directory.path(),
        "jit-cli new empty/ && jit-cli new a/b/c && mkdir a/d && cd a/d && jit-cli new .",
    );
    for name in ["empty", "a/d"] {
        let names = fs::read_dir(directory.path().join(name)).unwrap();
        let names: BTreeSet<_> = names.map(|entry| entry.unwrap().file_name()).collect();
        let expected = [
            ".gitignore",
            "Makefile",
            "jit.toml",
            "machine.h",
            "main.c",
            "ops.c",
            "shim.c",
            "tests.c",
            "vm.h",
        ];
        assert!(names.iter().eq(expected.iter()), "{names:?}");
    }
    assert!(directory.path().join("a/b/c/jit.toml").is_file());
    for name in ["empty", "empty/jit.toml"] {
        let before = fs::read(directory.path().join("empty/ops.c")).unwrap();
        let output = shell(directory.path(), &format!("jit-cli new {name} --lang c++"));
        assert!(!output.status.success());
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.contains(name), "{error}");
        let after = fs::read(directory.path().join("empty/ops.c")).unwrap();
        assert_eq!(after, before);
        assert!(!directory.path().join("empty/ops.cpp").exists());
    }
    let names = fs::read_dir(directory.path()).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name());
    let names: Vec<_> = names
        .filter(|name| name != "a" && name != "empty")
        .collect();
    assert!(names.is_empty(), "{names:?}");
}

/// A block of code in a page, and the paragraph before it.
fn blocks(page: &str) -> Vec<(&str, &str, &str)> {
    let mut found = Vec::new();
    let mut rest = page;
    while let Some((before, after)) = rest.split_once("\n```") {
        let paragraph = before.trim_end().rsplit("\n\n").next().unwrap();
        let (language, after) = after.split_once('\n').unwrap();
        let (code, after) = after.split_once("```\n").unwrap();
        found.push((paragraph, language, code));
        rest = after;
    }
    found
}

/// Returns what stands between backquotes, in order.
fn quoted(paragraph: &str) -> Vec<&str> {
    paragraph.split('`').skip(1).step_by(2).collect()
}

#[test]
fn the_tutorial_works() {
    needs!(clang_22);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("../docs/tutorial.md")).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join("vm").join(name);
    let (mut scripts, mut changes, mut excerpts) = (0, 0, 0);
    for (paragraph, language, code) in blocks(&page) {
        let names = quoted(paragraph);
        if language == "sh" {
            let text = succeeds(directory.path(), code);
            assert!(text.contains(TESTED), "{text}");
            scripts += 1;
        } else if let Some(name) = paragraph.strip_prefix("Add to `") {
            let (name, place) = name.split_once('`').unwrap();
            let text = fs::read_to_string(file(name)).unwrap();
            let changed = match place {
                ", at the end:" => text + code,
                _ => {
                    assert!(place.starts_with(", before the line"), "{paragraph}");
                    let line = format!("{}\n", names[1]);
                    assert_eq!(text.matches(&line).count(), 1, "{line}");
                    text.replace(&line, &format!("{code}{line}"))
                }
            };
            fs::write(file(name), changed).unwrap();
            changes += 1;
        } else if paragraph.starts_with("Replace in") {
            let text = fs::read_to_string(file(names[0])).unwrap();
            let line = format!("{}\n", names[1]);
            assert_eq!(text.matches(&line).count(), 1, "{line}");
            fs::write(file(names[0]), text.replace(&line, code)).unwrap();
            changes += 1;
        } else if language != "text" {
            let all = ["ops.c", "jit.toml", "vm.h", "shim.c"]
                .map(|name| fs::read_to_string(file(name)).unwrap());
            assert!(all.concat().contains(code), "{code}");
            excerpts += 1;
        }
    }
    assert_eq!((scripts, changes), (2, 4));
    assert!(excerpts >= 6, "{excerpts}");
    // The new op is used.
    let text = fs::read_to_string(file("main.c")).unwrap();
    assert!(text.contains("JIT_OP_op_add_number, I"));
}
