//! Split modules, linked to one program and compared with the whole file.

use std::{fmt::Write as _, fs, process::Command};

use jit_llvm::modules::{Module, Roles, Wanted};

use crate::sources::{Clang, FILES, opt};

const HOST: &str = r#"
#include <stdint.h>
#include <stdio.h>
int64_t host_data[4] = {11, 22, 33, 44};
int64_t host_function(int64_t a, int64_t b) { return a * 1000003 + b; }
struct frame { int64_t slots[16]; double reals[4]; const char *text; };
"#;

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn split_functions_do_what_the_file_does() {
    for clang in Clang::all() {
        for file in &FILES {
            // Its IR is newer than clang 21.
            if file.name == "ops.ll" && opt(&clang).is_none() {
                continue;
            }
            for level in ["-Os", "-Oz", "-O3"] {
                let directory = tempfile::tempdir().unwrap();
                let directory = directory.path();
                let arguments = ["--target=x86_64-unknown-linux-gnu", level, "-fPIC"];
                let whole = clang.ir(file, &arguments, directory);
                let module = Module::parse(&whole).unwrap();
                let names: Vec<String> = module
                    .functions()
                    .filter(|name| name.starts_with("op_"))
                    .collect();
                assert!(names.len() > 3, "{names:?}");
                let mut programs = Vec::new();
                for is_split in [true, false] {
                    let mut inputs = Vec::new();
                    for name in &names {
                        let roles = Roles::new();
                        let split = module.extract(&Wanted::new(name, &roles)).unwrap();
                        let text = match is_split {
                            true => split.text.replace("@_JIT_ENTRY", &format!("@{name}")),
                            false => whole.clone(),
                        };
                        let path = directory.join(match is_split {
                            true => format!("{name}.ll"),
                            false => "all.ll".to_owned(),
                        });
                        fs::write(&path, text).unwrap();
                        if !inputs.contains(&path) {
                            inputs.push(path);
                        }
                    }
                    programs.push(outputs(&clang, &names, &inputs, directory, level));
                }
                assert!(programs[0].lines().count() > 100);
                assert_eq!(programs[0], programs[1], "{} {level}", file.name);
            }
        }
    }
}

/// Returns what a program prints that calls each function.
fn outputs(
    clang: &Clang,
    names: &[String],
    inputs: &[std::path::PathBuf],
    directory: &std::path::Path,
    level: &str,
) -> String {
    let mut text = HOST.to_owned();
    for name in names {
        writeln!(text, "int64_t {name}(struct frame *, int64_t);").unwrap();
    }
    text.push_str("int main(void) {\n");
    for name in names {
        writeln!(
            text,
            "for (int64_t n = -3; n < 40; n++) {{ struct frame f = {{{{n, 5, -7, n * n, 11, 3}}, {{0.25, 2}}, 0}};\n\
             int64_t result = {name}(&f, n < 0 ? -n : n); int64_t sum = 0;\n\
             for (int i = 0; i < 16; i++) sum = sum * 31 + f.slots[i];\n\
             printf(\"{name} %ld: %ld %ld %g\\n\", n, result, sum, f.reals[1]); }}"
        )
        .unwrap();
    }
    text.push_str("}\n");
    let host = directory.join("host.c");
    fs::write(&host, text).unwrap();
    let program = directory.join("program");
    let mut objects = Vec::new();
    for input in inputs {
        let object = input.with_extension("o");
        let arguments = [
            "--target=x86_64-unknown-linux-gnu",
            "-c",
            "-fPIC",
            "-w",
            level,
        ];
        clang.run(&arguments, input, &object);
        objects.push(object);
    }
    let compiler = fixtures::needs::c_compiler().expect("a C compiler");
    let done = Command::new(compiler)
        .args(["-O1", "-w", "-o"])
        .arg(&program)
        .arg(&host)
        .args(objects)
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let done = Command::new(&program).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    String::from_utf8(done.stdout).unwrap()
}
