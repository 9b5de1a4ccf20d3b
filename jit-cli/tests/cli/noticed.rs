//! What authors of functions would not notice by themselves.

use crate::sandbox::{LINUX, Run, Sandbox};

const CONFIG: &str = "source = [\"*.c\", \"*.cc\"]\nstencils = \"op_*\"\nemit = [\"stencils\"]\n\
                      [holes]\nA = { operand = 0 }\nNEXT = \"continue\"\nTHERE = { target = 0 }\n";

const C: &str = "extern char A[];\nextern void NEXT(long *), THERE(long *);\n\
                 void op_c(long *p) { p[0] += (long)A; if (p[0]) THERE(p); NEXT(p); }\n";

const CXX: &str =
    "extern \"C\" void NEXT(long *);\nextern \"C\" void op_cxx(long *p) { NEXT(p); }\n";

/// Writes a project with one file in C and one in C++, and what is added to them.
fn project(sandbox: &Sandbox, c: &str, cxx: &str) {
    sandbox.write("p/jit.toml", CONFIG);
    sandbox.write("p/a.c", format!("{C}{c}"));
    sandbox.write("p/b.cc", format!("{CXX}{cxx}"));
}

fn build(sandbox: &Sandbox) -> Run<'_> {
    let run = sandbox.run(&["build", "-o", "out", "--llvm-version", "22", "-t", LINUX]);
    run.with(&["--config", "p/jit.toml"])
}

/// Returns the warnings of a build.
fn warnings(sandbox: &Sandbox) -> Vec<String> {
    let printed = build(sandbox).succeeds();
    let lines = printed.stderr.lines();
    lines.map(str::to_owned).collect()
}

#[test]
fn functions_that_clang_leaves_out() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new();
    project(&sandbox, "", "");
    assert_eq!(warnings(&sandbox), [""; 0]);
    let c = "static void op_static(long *p) { NEXT(p); }\n\
             inline void op_inline(long *p) { NEXT(p); }\n\
             void op_alias(long *p) __attribute__((alias(\"op_c\")));\n\
             static long helper(long x) { return x; }\n\
             #define OP(name) static void op_ ## name(long *p)\n\
             OP(pasted) { NEXT(p); }\n";
    let cxx = "inline void op_inline_cxx(long *p) { NEXT(p); }\n\
               namespace { void op_inner(long *p) { NEXT(p); } }\n";
    project(&sandbox, c, cxx);
    let found = warnings(&sandbox);
    for (place, name, reason) in [
        ("a.c:4: ", "op_static ", "static or inline"),
        ("a.c:5: ", "op_inline ", "static or inline"),
        ("a.c: ", "op_alias ", "an alias"),
        ("a.c:9: ", "op_pasted ", "static or inline"),
        ("b.cc:3: ", "op_inline_cxx ", "static or inline"),
    ] {
        let is_right = |line: &&String| line.contains(&format!("{place}{name}"));
        let lines: Vec<&String> = found.iter().filter(is_right).collect();
        assert!(
            lines.len() == 1 && lines[0].contains(reason),
            "{name}: {found:#?}"
        );
    }
    assert_eq!(found.len(), 5, "{found:#?}");
}

#[test]
fn holes_of_a_stencil_that_it_does_not_use() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new();
    project(&sandbox, "", "");
    let own =
        "[stencil.op_cxx.holes]\nA = { operand = 1 }\n[stencil.op_c.holes]\nA = { operand = 2 }\n";
    sandbox.write("p/jit.toml", format!("{CONFIG}{own}"));
    let found = warnings(&sandbox);
    assert_eq!(found.len(), 1, "{found:#?}");
    let expected = "[stencil.op_cxx.holes] A: the stencil does not use it";
    assert!(found[0].ends_with(expected), "{found:#?}");
}

#[test]
fn what_another_file_defines_is_the_hosts() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new();
    let c = "long shared(long x) { return x + 1; }\nstatic long own(long x) { return x; }\n\
             void op_d(long *p) { p[0] = shared(own(p[0])); NEXT(p); }\n";
    let cxx = "extern \"C\" { long shared(long); long own(long); }\n\
               extern \"C\" void op_e(long *p) { p[0] = shared(own(p[0])); NEXT(p); }\n";
    project(&sandbox, c, cxx);
    let found = warnings(&sandbox);
    assert_eq!(found.len(), 1, "{found:#?}");
    for part in [
        "shared is defined in ",
        "a.c, but op_e, a stencil of ",
        "b.cc, takes the host's",
    ] {
        assert!(found[0].contains(part), "{found:#?}");
    }
}

/// The modules have names of their own for holes and for the function.
#[test]
fn errors_have_the_authors_names() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new();
    project(
        &sandbox,
        "void op_f(long *p) {\n NEXT(p);\n p[0] = 1; }\n",
        "",
    );
    let message = build(&sandbox).fails(17);
    assert!(message.contains("a.c:4: op_f: "), "{message}");
    assert!(message.contains("NEXT is called at"), "{message}");
    assert!(!message.contains("_JIT_"), "{message}");
    let json = build(&sandbox).with(&["--message-format", "json"]);
    let printed = json.fails(17);
    assert!(!printed.contains("_JIT_"), "{printed}");
}

#[test]
fn what_runs_at_the_start_has_its_line() {
    fixtures::needs!(clang_22, objdump_22);
    for (file, text) in [
        ("b.cc:6: ", "\nlong start();\n\nlong value = start();\n"),
        ("b.cc:4: ", "struct S { S(); long x; };\nstatic S object;\n"),
        ("b.cc:3: ", "__attribute__((constructor)) void begin() {}\n"),
    ] {
        let sandbox = Sandbox::new();
        project(&sandbox, "", text);
        let message = build(&sandbox).fails(14);
        assert!(message.contains(file), "{text}\n{message}");
        assert!(
            message.contains("would run when the program starts"),
            "{message}"
        );
    }
}

/// What clang reads has line markers, which the author has not written.
#[test]
fn all_warnings_of_clang() {
    fixtures::needs!(clang_22, objdump_22);
    for flags in [
        "\"-Weverything\"",
        "\"-pedantic\"",
        "\"-pedantic\", \"-Werror\"",
    ] {
        let sandbox = Sandbox::new();
        project(&sandbox, "", "");
        sandbox.write("p/jit.toml", format!("cflags = [{flags}]\n{CONFIG}"));
        sandbox.write("p/b.cc", CXX);
        let declared = "void op_c(long *p);\n";
        sandbox.write(
            "p/a.c",
            C.replacen("void op_c", &format!("{declared}void op_c"), 1),
        );
        let printed = build(&sandbox).succeeds();
        assert!(
            !printed.stderr.contains("line directive"),
            "{}",
            printed.stderr
        );
    }
}

#[test]
#[cfg(target_os = "linux")]
fn directories_whose_names_are_not_utf8() {
    use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt as _};

    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new();
    project(&sandbox, "", "");
    let directory = sandbox.path("x").join(OsStr::from_bytes(b"d\xff"));
    fs::create_dir_all(&directory).unwrap();
    for name in ["jit.toml", "a.c", "b.cc"] {
        fs::copy(sandbox.path("p").join(name), directory.join(name)).unwrap();
    }
    let run = sandbox.run(&["build", "-o", "out", "--llvm-version", "22", "-t", LINUX]);
    let config = directory.join("jit.toml");
    let message = run
        .with(&["--config".as_ref(), config.as_os_str()])
        .fails(21);
    assert!(message.contains("the directory is not UTF-8"), "{message}");
}
