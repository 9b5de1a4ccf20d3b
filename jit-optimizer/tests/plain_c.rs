//! Micro-ops in plain C: constants, jump tables, computed goto, static functions that are called and
//! passed on, calls to the outside. clang compiles each as a stencil and as an ordinary function.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use fixtures::TRIPLES;
use jit_optimizer::{End, Optimizer, Options};
use jit_schema::{Codegen, Target};

const OPS: usize = 16;
const LINUX: &str = "x86_64-unknown-linux-gnu";

fn source(file: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/plain_c", file]
        .iter()
        .collect()
}

/// Returns the flags for stencils, as CPython 3.15 and `jit-cli` have them.
fn flags(triple: &str, codegen: Codegen) -> Vec<&'static str> {
    let mut flags = vec![
        "-fno-asynchronous-unwind-tables",
        "-fno-unwind-tables",
        "-fno-builtin",
        "-fno-stack-protector",
        "-std=gnu11",
    ];
    if triple.contains("linux") {
        flags.extend(["-Xclang", "-mframe-pointer=reserved"]);
    }
    if triple == LINUX {
        flags.extend(["-fno-pic", "-mcmodel=medium", "-mlarge-data-threshold=0"]);
    }
    if triple == LINUX || triple.starts_with("aarch64-unknown") {
        flags.push("-fno-plt");
    }
    if triple == "i686-pc-windows-msvc" {
        flags.extend(["-mno-sse", "-Wno-ignored-attributes"]);
    }
    match codegen {
        Codegen::Upstream | Codegen::Tuned => flags.push("-Os"),
        Codegen::Small => {
            flags.push("-Oz");
            if triple.starts_with("aarch64") {
                flags.push("-mno-outline");
            }
        }
    }
    flags
}

/// Runs a command that must succeed.
fn run(command: &mut Command) {
    let output = command.output().unwrap();
    let messages = String::from_utf8_lossy(&output.stderr);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{command:?}:\n{messages}{printed}");
}

/// Compiles, optimizes and assembles a micro-op. Returns the object file and the optimized assembly.
fn stencil(
    clang: &Path,
    directory: &Path,
    triple: &str,
    codegen: Codegen,
    op: usize,
    after: &str,
) -> (PathBuf, String) {
    let path = |suffix: &str| directory.join(format!("{triple}-{op}.{suffix}"));
    let (assembly, optimized, object) = (path("s"), path("optimized.s"), path("o"));
    let mut compile = Command::new(clang);
    compile.arg(format!("--target={triple}"));
    compile
        .args(flags(triple, codegen))
        .arg(format!("-DOP={op}"));
    run(compile
        .arg("-S")
        .arg("-o")
        .arg(&assembly)
        .arg(source("ops.c")));
    let target = Target::from_triple(triple).unwrap();
    let optimizer = Optimizer::new(target, Options::default().codegen(codegen).end(End::Jump));
    let text = optimizer
        .optimize(&fs::read_to_string(&assembly).unwrap())
        .unwrap_or_else(|error| panic!("{triple} {codegen:?} {op}: {error}"))
        .assembly;
    fs::write(&optimized, format!("{text}\n{after}")).unwrap();
    let mut assemble = Command::new(clang);
    assemble.arg(format!("--target={triple}")).arg("-c");
    run(assemble.arg("-o").arg(&object).arg(&optimized));
    (object, text)
}

fn directory(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&directory).unwrap();
    directory
}

#[test]
fn stencils_do_what_functions_do() {
    let Some(clang) = fixtures::needs::clang_22() else {
        return;
    };
    if cfg!(not(all(target_arch = "x86_64", target_os = "linux"))) {
        return;
    }
    let directory = directory("plain_c_native");
    let main = directory.join("main.o");
    let mut compile = Command::new(&clang);
    run(compile
        .args(["-O1", "-fPIE", "-c", "-o"])
        .arg(&main)
        .arg(source("main.c")));
    for op in 0..OPS {
        let reference = directory.join(format!("reference-{op}.o"));
        let mut compile = Command::new(&clang);
        compile.args(["-O1", "-fPIE", "-DREFERENCE", &format!("-DOP={op}"), "-c"]);
        run(compile.arg("-o").arg(&reference).arg(source("ops.c")));
        for codegen in Codegen::ALL {
            // The next micro-op.
            let next = "\t.text\n\tjmp\tafter_stencil\n";
            let (object, _) = stencil(&clang, &directory, LINUX, codegen, op, next);
            let program = directory.join(format!("{op}"));
            let mut link = Command::new(&clang);
            // Addresses of 32 bits cannot be linked like this.
            link.args(["-pie", "-Wl,-z,notext", "-Wl,--no-warn-execstack", "-o"]);
            run(link.arg(&program).args([&main, &reference, &object]));
            run(&mut Command::new(&program));
        }
    }
}

/// Assembles all micro-ops for all targets.
fn assemble_all(clang: &Path, directory: &Path, codegens: [Codegen; 3]) {
    for triple in TRIPLES {
        for op in 0..OPS {
            let (_, text) = stencil(clang, directory, triple, codegens[op % 3], op, "");
            let branch = text.lines().find(|line| {
                let target = line.split_once("_BRANCH19_JIT_RELOCATION_");
                target.is_some_and(|(_, target)| !target.starts_with("_JIT_"))
            });
            assert_eq!(branch, None, "{triple} {op}");
        }
    }
}

#[test]
fn every_target_assembles_them() {
    if let Some(clang) = fixtures::needs::clang_22() {
        assemble_all(&clang, &directory("plain_c"), Codegen::ALL);
    }
}

#[test]
fn llvm_21_assembles_them() {
    if let Some(prefix) = fixtures::needs::prefix_21() {
        let codegens = [Codegen::Small, Codegen::Upstream, Codegen::Tuned];
        let clang = prefix.join("bin/clang");
        assemble_all(&clang, &directory("plain_c_21"), codegens);
    }
}
