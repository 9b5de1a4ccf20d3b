//! "Up to date" means right: a build after a change gives the files of a clean build, and changes that cannot matter
//! build nothing.

use std::{
    fs,
    os::unix::fs::symlink,
    path::Path,
    process::Command,
    time::{Duration, SystemTime},
};

use crate::sandbox::{LINUX, Run, Sandbox};

const TEMPLATE: &str = r#"#include "a.h"
#include <sub/b.h>
#include "order.h"
#include "linked/l.h"
#include "../outside/o.h"
#include "near.h"
#if __has_include("absent.h")
#define ABSENT 0x91
#endif
#ifndef A
#define A 1
#endif
#ifndef B
#define B 1
#endif
#ifndef ABSENT
#define ABSENT 1
#endif
enum { SUM, MIX };
extern __attribute__((visibility("hidden"))) long _JIT_CONTINUE(long);
long _JIT_ENTRY(long x)
{
    switch (_JIT_OPCODE) {
        CASE
        default:
            __builtin_unreachable();
    }
    __attribute__((musttail)) return _JIT_CONTINUE(x);
}
"#;

const CASES: &str = "        case SUM: {
            x = (((x + A) ^ B) - ORDER) ^ L;
            break;
        }

        case MIX: {
            x = (((x + O) ^ NEAR) - ABSENT) ^ STEP;
            break;
        }
";

const SHIM: &str = "long enter(long (*entry)(long), long x) {\n    return entry(x) + STEP;\n}\n";

/// The headers, and what is in them.
const HEADERS: [(&str, &str); 10] = [
    ("first/unused.h", "#error unused\n"),
    ("second/a.h", "#define A 0x11\n"),
    (
        "second/sub/b.h",
        "#define INNER \"inner.h\"\n#include INNER\n",
    ),
    ("second/inner.h", "#define B 0x22\n"),
    ("second/order.h", "#include \"one.h\"\n#include \"two.h\"\n"),
    ("second/one.h", "#undef ORDER\n#define ORDER 0x33\n"),
    ("second/two.h", "#undef ORDER\n#define ORDER 0x34\n"),
    ("outside/o.h", "#define O 0x55\n"),
    ("near/near.h", "#define NEAR 0x66\n"),
    ("far/near.h", "#define NEAR 0x67\n"),
];

const CONFIG: &str = "template = \"src/template.c\"\ncases = \"src/cases.h\"\nshim = \"src/shim.c\"\n\
                      include = [\"first\", \"second\"]\ndefines = [\"STEP=0x71\"]\ncflags = [\"-Inear\"]\n\
                      output = \"generated\"\nemit = [\"header\", \"stencils\"]\nllvm-version = 22\n";

/// Returns a project that reads headers in all ways.
fn machine() -> Sandbox {
    let sandbox = Sandbox::new();
    for (name, text) in HEADERS {
        sandbox.write(&format!("machine/{name}"), text);
    }
    sandbox.write("machine/target-of-link/l.h", "#define L 0x44\n");
    sandbox.write("machine/other-target/l.h", "#define L 0x45\n");
    symlink("../target-of-link", sandbox.path("machine/second/linked")).unwrap();
    sandbox.write("machine/src/template.c", TEMPLATE);
    sandbox.write("machine/src/cases.h", CASES);
    sandbox.write("machine/src/shim.c", SHIM);
    sandbox.write(
        "machine/jit.toml",
        format!("{CONFIG}targets = [\"{LINUX}\"]\n"),
    );
    sandbox
}

fn build(sandbox: &Sandbox) -> Run<'_> {
    sandbox.run(&["build", "--no-cache"]).within("machine")
}

fn clean_build(sandbox: &Sandbox) -> Run<'_> {
    let _ = fs::remove_dir_all(sandbox.path("clean"));
    sandbox
        .run(&["build", "--no-cache", "-o", "../clean"])
        .within("machine")
}

fn is_current(run: Run<'_>) -> bool {
    let printed = run.succeeds().stdout;
    let line = printed.lines().find(|line| line.starts_with(LINUX));
    line.unwrap_or_else(|| panic!("{printed}"))
        .contains("up to date")
}

/// Writes a file again, with as many bytes and the same time of modification.
fn edit(sandbox: &Sandbox, name: &str, old: &str, new: &str) {
    assert_eq!(old.len(), new.len());
    let path = sandbox.path(&format!("machine/{name}"));
    let time = fs::metadata(&path).unwrap().modified().unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(old), "{name} has no {old}");
    fs::write(&path, text.replacen(old, new, 1)).unwrap();
    let file = fs::File::options().append(true).open(&path).unwrap();
    file.set_modified(time).unwrap();
}

/// One change: its name, and what it does.
type Attack = (&'static str, fn(&Sandbox));

/// Makes one change after the other. After each, a build gives the files of a clean build, which are not those of
/// before. `more` adds to all builds.
#[track_caller]
fn attack(sandbox: &Sandbox, more: impl for<'a> Fn(Run<'a>) -> Run<'a>, attacks: &[Attack]) {
    more(build(sandbox)).succeeds();
    for (name, change) in attacks {
        assert!(is_current(more(build(sandbox))), "before {name}");
        let before = sandbox.files("machine/generated");
        change(sandbox);
        more(build(sandbox)).succeeds();
        is_as_clean(sandbox, more(clean_build(sandbox)), name);
        let after = sandbox.files("machine/generated");
        assert!(after != before, "{name} has no effect");
    }
}

/// Replaces a text in a file.
#[track_caller]
fn replace(sandbox: &Sandbox, name: &str, old: &str, new: &str) {
    let text = sandbox.text(&format!("machine/{name}"));
    assert!(text.contains(old), "{name} has no {old}");
    write(sandbox, name, &text.replace(old, new));
}

/// Asserts that the generated files are those of a clean build.
#[track_caller]
fn is_as_clean(sandbox: &Sandbox, clean: Run<'_>, what: &str) {
    clean.succeeds();
    let generated = sandbox.files("machine/generated");
    assert!(generated == sandbox.files("clean"), "{what}");
}

fn rename(sandbox: &Sandbox, from: &str, to: &str) {
    let path = |name: &str| sandbox.path(&format!("machine/{name}"));
    fs::rename(path(from), path(to)).unwrap();
}

fn write(sandbox: &Sandbox, name: &str, text: &str) {
    sandbox.write(&format!("machine/{name}"), text);
}

fn link_to(sandbox: &Sandbox, target: &str) {
    let link = sandbox.path("machine/second/linked");
    fs::remove_file(&link).unwrap();
    symlink(target, link).unwrap();
}

#[test]
fn contents_of_headers() {
    fixtures::needs!(clang_22, objdump_22);
    let attacks: [Attack; 10] = [
        ("a header", |sandbox| {
            edit(sandbox, "second/a.h", "0x11", "0x12")
        }),
        ("an empty header", |sandbox| {
            write(sandbox, "second/a.h", "")
        }),
        ("a line that moves to the next header", |sandbox| {
            write(sandbox, "second/one.h", "#undef ORDER\n");
            write(
                sandbox,
                "second/two.h",
                "#define ORDER 0x33\n#undef ORDER\n#define ORDER 0x35\n",
            );
        }),
        ("a header in a linked directory", |sandbox| {
            edit(sandbox, "target-of-link/l.h", "0x44", "0x46");
        }),
        ("a header with ..", |sandbox| {
            edit(sandbox, "outside/o.h", "0x55", "0x56")
        }),
        ("a header of -I", |sandbox| {
            edit(sandbox, "near/near.h", "0x66", "0x68")
        }),
        ("the template", |sandbox| {
            edit(sandbox, "src/template.c", "0x91", "0x92")
        }),
        ("the cases", |sandbox| {
            edit(sandbox, "src/cases.h", "x + A", "x - A")
        }),
        ("the shim", |sandbox| {
            edit(sandbox, "src/shim.c", "+ STEP", "- STEP")
        }),
        ("a macro", |sandbox| {
            edit(sandbox, "jit.toml", "0x71", "0x72")
        }),
    ];
    attack(&machine(), |run| run, &attacks);
}

#[test]
fn places_of_headers() {
    fixtures::needs!(clang_22, objdump_22);
    let attacks: [Attack; 12] = [
        ("an empty header hides another", |sandbox| {
            write(sandbox, "first/a.h", "")
        }),
        ("it is gone again", |sandbox| {
            fs::remove_file(sandbox.path("machine/first/a.h")).unwrap();
        }),
        ("a header in a new directory hides another", |sandbox| {
            write(sandbox, "first/sub/b.h", "#define B 0x23\n");
        }),
        ("it is renamed", |sandbox| {
            rename(sandbox, "first/sub", "first/bus")
        }),
        ("a header beside its includer hides another", |sandbox| {
            write(sandbox, "second/sub/inner.h", "#define B 0x24\n");
        }),
        ("swapped names", |sandbox| {
            rename(sandbox, "second/one.h", "second/three.h");
            rename(sandbox, "second/two.h", "second/one.h");
            rename(sandbox, "second/three.h", "second/two.h");
        }),
        ("a link to another directory", |sandbox| {
            link_to(sandbox, "../other-target")
        }),
        ("__has_include finds something", |sandbox| {
            write(sandbox, "first/absent.h", "")
        }),
        ("and nothing again", |sandbox| {
            fs::remove_file(sandbox.path("machine/first/absent.h")).unwrap();
        }),
        ("a header is a link to another", |sandbox| {
            let path = sandbox.path("machine/second/a.h");
            fs::remove_file(&path).unwrap();
            symlink("../outside/o.h", path).unwrap();
        }),
        ("another directory for -I", |sandbox| {
            replace(sandbox, "jit.toml", "-Inear", "-Ifar");
        }),
        ("another order of directories", |sandbox| {
            write(sandbox, "first/inner.h", "");
            write(sandbox, "first/order.h", "#define ORDER 0x36\n");
            let directories = ["\"first\", \"second\"", "\"second\", \"first\""];
            replace(sandbox, "jit.toml", directories[0], directories[1]);
            replace(sandbox, "src/cases.h", "^ B", "| B");
        }),
    ];
    attack(&machine(), |run| run, &attacks);
}

#[test]
fn files_of_flags() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = machine();
    write(&sandbox, "sys/usr/include/near.h", "#define NEAR 0x62\n");
    write(&sandbox, "own.cfg", "-DSTEP=0x73\n");
    write(&sandbox, "forced.h", "#define FORCED 0x74\n");
    let config = sandbox.path("machine/own.cfg");
    let flags = format!(
        "[\"--config={}\", \"-include\", \"forced.h\"]\nsysroot = \"sys\"",
        config.display()
    );
    replace(&sandbox, "jit.toml", "[\"-Inear\"]", &flags);
    replace(&sandbox, "jit.toml", "defines = [\"STEP=0x71\"]\n", "");
    replace(&sandbox, "src/cases.h", "^ STEP", "^ FORCED ^ STEP");
    let attacks: [Attack; 3] = [
        ("a header of the sysroot", |sandbox| {
            edit(sandbox, "sys/usr/include/near.h", "0x62", "0x63");
        }),
        ("a configuration file", |sandbox| {
            edit(sandbox, "own.cfg", "0x73", "0x75")
        }),
        ("a header of -include", |sandbox| {
            edit(sandbox, "forced.h", "0x74", "0x76")
        }),
    ];
    attack(&sandbox, |run| run, &attacks);
}

/// Files that are read by other means than `#include`.
#[test]
fn other_files_that_are_read() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = machine();
    write(
        &sandbox,
        "second/a.h",
        "static const unsigned char bytes[] = {\n#embed \"data.bin\"\n};\n#define A bytes[x & 1]\n",
    );
    write(&sandbox, "second/data.bin", "\x21\x22");
    replace(
        &sandbox,
        "jit.toml",
        "\"-Inear\"",
        "\"-Inear\", \"-std=c23\"",
    );
    let attacks: [Attack; 2] = [
        ("an embedded file", |sandbox| {
            edit(sandbox, "second/data.bin", "\x21", "\x23");
        }),
        ("an embedded file is another", |sandbox| {
            write(sandbox, "second/more.bin", "\x25\x26");
            rename(sandbox, "second/more.bin", "second/data.bin");
        }),
    ];
    attack(&sandbox, |run| run, &attacks);

    // What the assembler reads is not known, so that such a project is always built.
    for directive in [".incbin", ".inc\\142in", ".\" INC \"bin"] {
        let sandbox = machine();
        let path = write_incbin(&sandbox, "\x31");
        let code = format!(
            "#define INC \"inc\"\n\
             __asm__(\".section .rodata\\nbytes: {directive} \\\"{path}\\\"\\n.text\");\n"
        );
        write(&sandbox, "src/shim.c", &format!("{code}{SHIM}"));
        let headers = |run: Run<'_>| run.with(&["--emit", "header"]).succeeds();
        headers(build(&sandbox));
        assert!(!is_current(build(&sandbox).with(&["--emit", "header"])));
        write_incbin(&sandbox, "\x32");
        headers(build(&sandbox));
        let clean = clean_build(&sandbox).with(&["--emit", "header"]);
        is_as_clean(&sandbox, clean, directive);
    }
}

/// Code that has the time of the build, or of the last modification of a file, is always built.
#[test]
fn times_in_code() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = machine();
    let cases = sandbox.text("machine/src/cases.h");
    for (word, epoch) in [("__TIMESTAMP__", false), ("__TIME__", true)] {
        let sum = format!("^ {word}[7] ^ STEP");
        write(&sandbox, "src/cases.h", &cases.replace("^ STEP", &sum));
        build(&sandbox).succeeds();
        assert!(!is_current(build(&sandbox)), "{word}");
        let fixed = || build(&sandbox).env("SOURCE_DATE_EPOCH", "0");
        fixed().succeeds();
        assert_eq!(is_current(fixed()), epoch, "{word}");
    }
}

fn write_incbin(sandbox: &Sandbox, text: &str) -> String {
    let path = sandbox.write("machine/data.bin", text);
    path.display().to_string()
}

#[test]
fn the_environment() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = machine();
    replace(&sandbox, "jit.toml", "cflags = [\"-Inear\"]\n", "");
    replace(&sandbox, "src/cases.h", "^ STEP", "^ (__DATE__[10] + STEP)");
    let directory = |name: &str| sandbox.path(&format!("machine/{name}"));
    let with = |variables: &[(&str, &Path)]| {
        add_to(build(&sandbox), variables).succeeds();
        assert!(is_current(add_to(build(&sandbox), variables)));
        let clean = add_to(clean_build(&sandbox), variables);
        is_as_clean(&sandbox, clean, &format!("{variables:?}"));
        sandbox.files("machine/generated")
    };
    let (near, far) = (directory("near"), directory("far"));
    let day = |seconds: &'static str| ("SOURCE_DATE_EPOCH", Path::new(seconds));
    let mut seen = vec![
        with(&[("C_INCLUDE_PATH", &near), day("0")]),
        with(&[("C_INCLUDE_PATH", &far), day("0")]),
        // Nine years later.
        with(&[("C_INCLUDE_PATH", &far), day("284000000")]),
        with(&[("CPATH", &near), ("C_INCLUDE_PATH", &far), day("284000000")]),
        with(&[
            ("CCC_OVERRIDE_OPTIONS", Path::new("+-DA=0x13 ^-UA")),
            ("C_INCLUDE_PATH", &near),
            day("284000000"),
        ]),
    ];
    let header = format!("jit_stencils-{LINUX}.h");
    for files in &mut seen {
        files.retain(|name, _| *name == header);
    }
    seen.dedup();
    assert!(seen.len() >= 4, "the variables have an effect");
}

fn add_to<'a>(mut run: Run<'a>, variables: &[(&str, &Path)]) -> Run<'a> {
    for (name, value) in variables {
        run = run.env(name, *value);
    }
    run
}

/// Relative flags of the command line mean something else in another directory.
#[test]
fn the_current_directory() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = machine();
    write(&sandbox, "deep/near/near.h", "#define NEAR 0x69\n");
    replace(&sandbox, "jit.toml", "cflags = [\"-Inear\"]\n", "");
    let run = |directory: &str| {
        let run = sandbox.run(&["build", "--cflags=-Inear"]);
        run.within(directory)
    };
    run("machine").succeeds();
    let before = sandbox.files("machine/generated");
    assert!(!is_current(run("machine/deep")));
    assert!(is_current(run("machine/deep")));
    assert!(before != sandbox.files("machine/generated"));
    assert!(!is_current(run("machine")));
    assert!(before == sandbox.files("machine/generated"));
}

#[test]
fn the_tools() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = machine();
    let tools = sandbox.path("llvm");
    let other = || {
        build(&sandbox)
            .with(&["--llvm-tools-install-dir"])
            .with(&[&tools])
    };
    sandbox.clang_with("set -- \"$@\" -DMORE=1");
    other().succeeds();
    assert!(is_current(other()));
    // As long as the other one.
    sandbox.clang_with("set -- \"$@\" -DMORE=2");
    assert!(!is_current(other()));
    assert!(is_current(other()));
    assert!(!is_current(build(&sandbox)));
    assert!(is_current(build(&sandbox)));
}

/// A cache remembers what tools are, so that a build that does nothing does not start them.
#[cfg(target_os = "linux")]
#[test]
fn tools_that_are_remembered() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = machine();
    // A copy of clang, with the libraries and headers of the other one.
    let real = crate::tools::clang_22().canonicalize().unwrap();
    let clang = sandbox.path("llvm/bin/clang");
    fs::create_dir_all(clang.parent().unwrap()).unwrap();
    let copied = Command::new("cp").arg(&real).arg(&clang).status().unwrap();
    assert!(copied.success());
    let prefix = real.parent().and_then(Path::parent).unwrap();
    symlink(prefix.join("lib"), sandbox.path("llvm/lib")).unwrap();
    let libraries = sandbox.path("libraries");
    fs::create_dir(&libraries).unwrap();
    let run = || {
        let words = ["build", "-v", "--cache-dir", "../cache"];
        let run = sandbox.run(&words).with(&["--llvm-tools-install-dir"]);
        let printed = run
            .with(&[sandbox.path("llvm")])
            .env("LD_LIBRARY_PATH", &libraries)
            .within("machine")
            .succeeds();
        let asked = printed.stderr.contains(&format!(": {}", clang.display()));
        (printed.stdout.contains("up to date"), asked)
    };
    assert_eq!(run(), (false, true));
    // Two changes of a file in a short time could not be told apart, so a new file is not remembered at once.
    std::thread::sleep(Duration::from_secs(4));
    assert!(run().0);
    assert_eq!(run(), (true, false));
    // One byte more, after those that are loaded, and the time of the other one.
    let time = fs::metadata(&clang).unwrap().modified().unwrap();
    let append = || fs::File::options().append(true).open(&clang).unwrap();
    std::io::Write::write_all(&mut append(), b"x").unwrap();
    append().set_modified(time).unwrap();
    assert_eq!(run(), (false, true));
    // A library is found in another directory, and differs from the other one in a byte that is not loaded.
    std::thread::sleep(Duration::from_secs(4));
    assert!(run().0);
    assert_eq!(run(), (true, false));
    let listed = Command::new("ldd").arg(&clang).output().unwrap().stdout;
    let listed = String::from_utf8(listed).unwrap();
    let library = listed.lines().find_map(|line| {
        let (name, rest) = line.trim().split_once(" => ")?;
        let path = rest.split(' ').next()?;
        name.starts_with("libz.").then_some((name, path))
    });
    let (name, path) = library.unwrap();
    let bytes = [fs::read(path).unwrap(), b"x".to_vec()].concat();
    sandbox.write(&format!("libraries/{name}"), bytes);
    assert!(!run().0);
    // A memory that is damaged.
    std::thread::sleep(Duration::from_secs(4));
    assert!(run().0);
    assert_eq!(run(), (true, false));
    let names = sandbox.files("cache").into_keys();
    let memories: Vec<_> = names
        .filter(|name| name.ends_with("tools.json"))
        .map(|name| sandbox.path("cache").join(name))
        .collect();
    assert_eq!(memories.len(), 1, "{memories:?}");
    let mut bytes = fs::read(&memories[0]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&memories[0], bytes).unwrap();
    assert_eq!(run(), (true, true));
}

#[test]
fn outputs() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = machine();
    build(&sandbox).succeeds();
    let whole = sandbox.files("machine/generated");
    let directory = sandbox.path("machine/generated");
    let names: Vec<&String> = whole.keys().filter(|name| name.contains(LINUX)).collect();
    assert_eq!(names.len(), 5);
    for (number, name) in names.iter().enumerate() {
        let path = directory.join(name);
        let bytes = &whole[*name];
        let first_line = bytes
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(1, |at| at + 1);
        let mut flipped = bytes.clone();
        flipped[bytes.len() / 2] ^= 1;
        for (kind, damaged) in [
            Vec::new(),
            bytes[..first_line].to_vec(),
            bytes[..bytes.len() - 1].to_vec(),
            [bytes.as_slice(), b"\n"].concat(),
            flipped,
        ]
        .into_iter()
        .enumerate()
        {
            // Every third one, so that each file and each kind of damage is among them.
            if !fixtures::is_thorough() && (number + kind) % 3 != 0 {
                continue;
            }
            fs::write(&path, damaged).unwrap();
            assert!(!is_current(build(&sandbox)), "{name}");
            assert!(sandbox.files("machine/generated") == whole, "{name}");
        }
        fs::remove_file(&path).unwrap();
        assert!(!is_current(build(&sandbox)), "{name}");
        assert!(sandbox.files("machine/generated") == whole, "{name}");
    }
    // A pipe is neither waited for nor replaced.
    let pipe = directory.join(names[0]);
    fs::remove_file(&pipe).unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let message = build(&sandbox).fails(20);
    assert!(message.contains("not a regular file"), "{message}");
    fs::remove_file(&pipe).unwrap();
    assert!(!is_current(build(&sandbox)));
    assert!(sandbox.files("machine/generated") == whole);
    // The states of two targets are swapped.
    let windows = "x86_64-pc-windows-msvc";
    build(&sandbox)
        .with(&["-t", LINUX, "-t", windows])
        .succeeds();
    let state = |triple: &str| directory.join(format!("jit_stencils-{triple}.state"));
    fs::copy(state(windows), state(LINUX)).unwrap();
    assert!(!is_current(build(&sandbox)));
    assert!(fs::read(state(LINUX)).unwrap() == whole[&format!("jit_stencils-{LINUX}.state")]);
}

/// A header that is changed while it is compiled; one that is changed and changed back; a link to a directory; and a
/// directory that is exchanged.
#[test]
fn changes_during_a_build() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = machine();
    let header = sandbox.path("machine/second/a.h").display().to_string();
    let link = sandbox.path("machine/second/linked").display().to_string();
    let armed = sandbox.path("armed");
    let number = armed.display();
    // The process of this number sees the change; the next ones see it as well unless it is undone.
    let script = |change: &str, undo: Option<&str>| {
        let after = match undo {
            Some(undo) => format!("\"$real\" \"$@\"; status=$?; {undo}; exit $status"),
            None => String::new(),
        };
        format!(
            "echo >> {number}.count\nif [ -f {number} ] && [ $(wc -l < {number}.count) = $(cat {number}) ]; then\n\
             rm {number}\n{change}\n{after}\nfi"
        )
    };
    let edit = format!("echo '#define A 0x19' > {header}");
    let edit_back = format!("echo '#define A 0x11' > {header}");
    let lead_elsewhere = format!("ln -sfn ../other-target {link}");
    let lead_back = format!("ln -sfn ../target-of-link {link}");
    for (name, text) in HEADERS {
        if let Some(name) = name.strip_prefix("second/") {
            sandbox.write(&format!("machine/swap/{name}"), text);
        }
    }
    symlink("../target-of-link", sandbox.path("machine/swap/linked")).unwrap();
    write(&sandbox, "swap/a.h", "#define A 0x19\n");
    let (inside, outside) = (sandbox.path("machine/second"), sandbox.path("machine/swap"));
    let (inside, outside) = (inside.display(), outside.display());
    let exchange = format!("mv {inside} {inside}.old; mv {outside} {inside}");
    let exchange_back = format!("mv {inside} {outside}; mv {inside}.old {inside}");
    let tools = sandbox.path("llvm");
    let run = || {
        let words = ["-j1", "--llvm-tools-install-dir"];
        build(&sandbox).with(&words).with(&[&tools])
    };
    let (mut changed, mut tried) = (0, 0);
    for (number, (change, undo)) in [
        (&edit, None),
        (&edit, Some(edit_back.as_str())),
        (&lead_elsewhere, Some(lead_back.as_str())),
        (&exchange, Some(exchange_back.as_str())),
    ]
    .into_iter()
    .enumerate()
    {
        sandbox.clang_with(&script(change, undo));
        for process in 1..=5 {
            // Every second one, so that each change and each process is among them.
            if !fixtures::is_thorough() && (number + process) % 2 == 0 {
                continue;
            }
            tried += 1;
            write(&sandbox, "second/a.h", "#define A 0x11\n");
            fs::remove_file(sandbox.path("armed.count")).ok();
            sandbox.write("armed", process.to_string());
            run().with(&["--force"]).succeeds();
            changed += usize::from(!armed.exists());
            fs::remove_file(&armed).ok();
            run().succeeds();
            let clean = clean_build(&sandbox).with(&["--llvm-tools-install-dir"]);
            let what = format!("{change} {undo:?} {process}");
            is_as_clean(&sandbox, clean.with(&[&tools]), &what);
        }
    }
    assert!(5 * changed >= 3 * tried, "{changed} of {tried}");
}

#[test]
fn what_does_not_matter() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = machine();
    build(&sandbox).succeeds();
    let whole = sandbox.files("machine/generated");
    assert!(is_current(build(&sandbox)));
    // Times.
    let later = SystemTime::now() + Duration::from_secs(1000);
    for name in [
        "second/a.h",
        "src/template.c",
        "src/cases.h",
        "src/shim.c",
        "jit.toml",
    ] {
        let path = sandbox.path(&format!("machine/{name}"));
        let file = fs::File::options().append(true).open(path).unwrap();
        file.set_modified(later).unwrap();
    }
    assert!(is_current(build(&sandbox)));
    // A file is written again, and one is replaced.
    let text = sandbox.text("machine/second/a.h");
    write(&sandbox, "second/copy.h", &text);
    rename(&sandbox, "second/copy.h", "second/a.h");
    // Files that are not read, and comments and the order of keys in the configuration.
    write(&sandbox, "first/more.h", "");
    write(&sandbox, "second/sub/more.h", "");
    let config = sandbox.text("machine/jit.toml");
    write(&sandbox, "jit.toml", &format!("# A comment.\n{config}"));
    assert!(is_current(build(&sandbox)));
    // Directories.
    fs::create_dir(sandbox.path("other-tmp")).unwrap();
    let other = sandbox.path("other-tmp");
    assert!(is_current(build(&sandbox).env("TMPDIR", &other)));
    assert!(is_current(
        sandbox.run(&["build", "--no-cache"]).within("machine")
    ));
    assert!(is_current(sandbox.run(&["build"]).within("machine/src")));
    for more in [
        &["-j1"][..],
        &["-v"],
        &["--one-process-per-step"],
        &["-t", "x86_64-pc-linux-gnu"],
    ] {
        assert!(is_current(build(&sandbox).with(more)), "{more:?}");
    }
    // Without clang, what is in the project is compared.
    let empty = sandbox.path("empty");
    let without = || build(&sandbox).env("PATH", &empty);
    let printed = without().succeeds();
    assert!(printed.stdout.contains("up to date"), "{}", printed.stdout);
    assert!(
        printed.stderr.contains("clang 22 is not installed"),
        "{}",
        printed.stderr
    );
    edit(&sandbox, "near/near.h", "0x66", "0x68");
    without().prints(3);
    edit(&sandbox, "near/near.h", "0x68", "0x66");
    assert!(is_current(without()));
    assert!(sandbox.files("machine/generated") == whole);
    // Another place. Flags that may become a part of the code are compared as they are.
    fs::rename(sandbox.path("machine"), sandbox.path("moved")).unwrap();
    assert!(is_current(sandbox.run(&["build"]).within("moved")));
    assert!(sandbox.files("moved/generated") == whole);
    let define = |place: &str| {
        let word = sandbox.path(place).display().to_string();
        let run = sandbox.run(&["build", "--cflags", &format!("-DMORE={word}")]);
        run.within("moved")
    };
    define("moved").succeeds();
    assert!(is_current(define("moved")));
    assert!(!is_current(define("elsewhere")));
}

/// One kind of files after the other, and reasons in `jit-cli explain`.
#[test]
fn kinds_and_reasons() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = machine();
    let emit = |kinds: &str| is_current(build(&sandbox).with(&["--emit", kinds]));
    assert!(!emit("header"));
    assert!(!emit("stencils"));
    assert!(emit("header") && emit("stencils") && emit("header,stencils"));
    let reasons = || {
        let run = sandbox.run(&["explain", "--no-cache"]);
        let run = run.within("machine").with(&["--message-format", "json"]);
        let events = crate::cache::events(&run.succeeds().stdout);
        let found = events.iter().find(|event| event["reason"] == "explanation");
        let found = found.unwrap();
        assert_eq!(
            found["current"],
            found["reasons"].as_array().unwrap().is_empty()
        );
        found["reasons"].clone()
    };
    assert_eq!(reasons(), serde_json::json!([]));
    edit(&sandbox, "near/near.h", "0x66", "0x68");
    write(&sandbox, "first/a.h", "");
    replace(&sandbox, "jit.toml", "0x71", "0x72");
    let expected = [
        "the setting defines STEP=0x72 is new",
        "the setting defines STEP=0x71 is gone",
        "near/near.h has changed",
        "first/a.h is new",
    ];
    assert_eq!(reasons(), serde_json::json!(expected));
    assert!(!emit("header,stencils"));
    fs::remove_file(sandbox.path(&format!("machine/generated/jit_shim-{LINUX}.o"))).unwrap();
    let expected = [format!("jit_shim-{LINUX}.o is missing")];
    assert_eq!(reasons(), serde_json::json!(expected));
    fs::remove_file(sandbox.path(&format!("machine/generated/jit_stencils-{LINUX}.state")))
        .unwrap();
    let expected = [format!("jit_stencils-{LINUX}.state is missing")];
    assert_eq!(reasons(), serde_json::json!(expected));
}

#[test]
fn a_script_that_passes_on_other_flags() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new();
    sandbox.function("for (int i = 0; i < 8; i++) p[i] += i;");
    sandbox.script("tools/bin/clang", "exec clang-22 \"$@\" $FLAG");
    let build = |flag: &str| {
        let words = [
            "build",
            "--config",
            "p/jit.toml",
            "-o",
            "out",
            "--cache-dir",
            "cache",
            "-t",
            LINUX,
        ];
        let run = sandbox.run(&words).with(&[
            "--llvm-version",
            "22",
            "--llvm-tools-install-dir",
            "tools",
        ]);
        let printed = run.env("FLAG", flag).succeeds();
        let is_current = printed.stdout.contains("up to date");
        (
            is_current,
            sandbox.files("out")["jit_stencils-x86_64-unknown-linux-gnu.stencils"].clone(),
        )
    };
    let (_, first) = build("-O1");
    assert!(build("-O1").0);
    let (is_current, second) = build("-Os");
    assert!(!is_current);
    assert!(first != second);
}
