//! Flags for clang that distributions compile with: they work, or one error names them.

use crate::{
    batch::SOME,
    sandbox::{LINUX, Sandbox},
    tinyvm::{case, case_with},
};

const ARM_LINUX: &str = "aarch64-unknown-linux-gnu";

fn machine() -> Sandbox {
    let cases: Vec<String> = SOME.iter().map(|name| case(name)).collect();
    Sandbox::new().tinyvm_of(&cases)
}

/// The stencils that a build makes, and the lines with warnings.
fn built(sandbox: &Sandbox, triple: &str, words: &[&str]) -> (String, Vec<String>) {
    let run = sandbox.build_for(&[triple]).with(&["--force"]);
    let printed = run.with(words).succeeds();
    let header = sandbox.text(&format!("out/jit_stencils-{triple}.h"));
    // The first lines are the digest and the flags.
    let (_, stencils) = header.split_once("\n\n").unwrap();
    let warnings = printed.stderr.lines().filter(|line| line.contains("WARN"));
    (stencils.to_owned(), warnings.map(str::to_owned).collect())
}

/// What stencils can do without is turned off: they are the same as without the flag, whether it comes from
/// the command line or from a configuration file of clang's, and one warning says so.
#[test]
fn flags_without_effect() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = machine();
    for triple in [LINUX, ARM_LINUX] {
        let (expected, warnings) = built(&sandbox, triple, &[]);
        assert_eq!(warnings, [""; 0]);
        for (flags, named) in [
            ("-g", "-g has no effect here"),
            ("-O1 -g3 -Os", "-g3 has no effect here"),
            (
                "-fstack-protector-all",
                "-fstack-protector-all has no effect here",
            ),
            (
                "-flto=auto -ffat-lto-objects",
                "-flto=auto has no effect here",
            ),
            (
                "-fexceptions -fasynchronous-unwind-tables",
                "-fasynchronous-unwind-tables has no effect here",
            ),
        ] {
            let (stencils, warnings) = built(&sandbox, triple, &["--cflags", flags]);
            assert!(stencils == expected, "{triple}: {flags} changes stencils");
            assert_eq!(warnings.len(), 1, "{warnings:?}");
            assert!(warnings[0].contains(named), "{warnings:?}");
            if triple != LINUX {
                continue;
            }
            let config = sandbox.write("clang.cfg", format!("{flags}\n"));
            let config = format!("--config={}", config.display());
            let (stencils, warnings) = built(&sandbox, triple, &["--cflags", &config]);
            assert!(stencils == expected, "{triple}: {flags} changes stencils");
            // The configuration's flags come first, so that -fno-stack-protector wins without a word.
            let is_overridden = flags == "-fstack-protector-all";
            let told = warnings
                .iter()
                .filter(|text| text.contains("clang's configuration"));
            assert_eq!(
                (told.count(), warnings.len()),
                if is_overridden { (0, 0) } else { (1, 1) },
                "{flags}: {warnings:?}"
            );
        }
    }
    // The same with one process for each step.
    let (expected, _) = built(&sandbox, LINUX, &["--one-process-per-step"]);
    let words = ["--one-process-per-step", "--cflags", "-g -flto"];
    let (stencils, warnings) = built(&sandbox, LINUX, &words);
    assert!(stencils == expected);
    assert_eq!(warnings.len(), 2, "{warnings:?}");
}

/// For the same reason on all targets, so it is told once.
#[test]
fn one_warning_for_all_targets() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new().tinyvm_of(&[case("_NOP_r00")]);
    // One target of each object format is several, too.
    let targets = match fixtures::is_thorough() {
        true => &["--all-targets"][..],
        false => &[LINUX, "aarch64-apple-darwin", "i686-pc-windows-msvc"],
    };
    for codegen in ["upstream", "tuned"] {
        for (flags, warnings) in [("", 0), ("-g -flto", 2)] {
            let run = sandbox.build_for(targets).with(&["--force"]);
            let run = run.with(&["--codegen", codegen, "--cflags", flags]);
            let text = run.succeeds().stderr;
            assert_eq!(text.matches("WARN").count(), warnings, "{text}");
        }
    }
}

#[test]
fn flags_that_stencils_cannot_have() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = machine();
    for (flags, named) in [
        ("-fprofile-generate", "-fprofile-generate"),
        (
            "-fprofile-instr-generate -fcoverage-mapping",
            "-fcoverage-mapping",
        ),
        ("-pg", "-pg"),
        ("-finstrument-functions", "-finstrument-functions"),
        (
            "-fsanitize=address,undefined",
            "-fsanitize=address,undefined",
        ),
        (
            "-fsanitize=undefined -fsanitize-trap=undefined",
            "-fsanitize=undefined",
        ),
        (
            "-fpatchable-function-entry=4,2",
            "-fpatchable-function-entry=4,2",
        ),
    ] {
        let message = sandbox.build().with(&["--cflags", flags]).fails(2);
        let expected = format!("{LINUX}: stencils can't be compiled with {named}, which adds ");
        assert!(message.contains(&expected), "{message}");
        assert!(message.contains("leave it out of --cflags"), "{message}");
        assert_eq!(message.lines().count(), 2, "{message}");
    }
    // Nothing is called there.
    let trapping = "-fsanitize=signed-integer-overflow -fsanitize-trap=signed-integer-overflow";
    built(&sandbox, LINUX, &["--cflags", trapping]);
    // What the message about these says to add.
    let trapping = "-fsanitize=undefined -fsanitize-trap=undefined";
    for triple in [LINUX, ARM_LINUX] {
        let run = sandbox.build_for(&[triple]).with(&["--cflags", trapping]);
        let message = run.fails(2);
        assert!(message.contains("add -fno-sanitize=function"), "{message}");
        let flags = format!("{trapping} -fno-sanitize=function");
        built(&sandbox, triple, &["--cflags", &flags]);
    }
}

/// Flags that change what clang does instead of how, wherever they come from.
#[test]
fn flags_that_select_another_action() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = machine();
    let input = sandbox.write("input.c", "int x;\n");
    let input = input.to_str().unwrap();
    let response = sandbox.write("response", "-DX\n");
    let response = format!("@{}", response.display());
    for (flags, named) in [
        ("-E", "-E"),
        ("-Os -S", "-S"),
        ("-c", "-c"),
        ("-fsyntax-only", "-fsyntax-only"),
        ("-emit-llvm", "-emit-llvm"),
        ("-o file.o", "-o"),
        ("-M", "-M"),
        ("-MMD -MF file.d", "-MMD"),
        ("-save-temps=obj", "-save-temps=obj"),
        ("--help", "--help"),
        ("--version", "--version"),
        ("-print-search-dirs", "-print-search-dirs"),
        ("-###", "-###"),
        ("-x c++", "-x"),
        ("-xassembler", "-xassembler"),
        (&response, &response),
        (input, input),
        // Relative to the directory in which this runs, or to none.
        ("input.c", "input.c"),
        ("-DX other.o", "other.o"),
        ("-Xclang -emit-obj", "-emit-obj"),
        ("-Xclang -emit-llvm", "-emit-llvm"),
        ("-Xclang -fsyntax-only", "-fsyntax-only"),
        ("-Xclang -ast-dump", "-ast-dump"),
        ("-mllvm --help", "--help"),
        ("-mx32", "-mx32"),
        ("-m32", "-m32"),
        (
            "--target=x86_64-unknown-freebsd",
            "--target=x86_64-unknown-freebsd",
        ),
    ] {
        for mode in [&[][..], &["--one-process-per-step"]] {
            let run = sandbox.build().with(&["--cflags", flags]).with(mode);
            let message = run.fails(2);
            let expected = format!("{LINUX}: stencils can't be compiled with {named}, which ");
            assert!(message.contains(&expected), "{flags}: {message}");
            assert!(message.contains("leave it out of --cflags"), "{message}");
            assert_eq!(message.lines().count(), 2, "{message}");
        }
    }
    // The same in a configuration file of clang's, as far as it is a flag there.
    for (flag, named) in [
        ("-emit-llvm", "-emit-llvm"),
        ("-E", "-E"),
        ("-Xclang -ast-dump", "-ast-dump"),
        ("-mx32", "-triple x86_64-unknown-linux-gnux32"),
    ] {
        let config = sandbox.write("clang.cfg", format!("{flag}\n"));
        let config = format!("--config={}", config.display());
        let message = sandbox.build().with(&["--cflags", &config]).fails(2);
        let expected = format!("{LINUX}: stencils can't be compiled with {named}");
        assert!(message.contains(&expected), "{flag}: {message}");
    }
}

/// A flag at the end that clang wants a value of is named, whether jit-cli knows it or not.
#[test]
fn flags_without_their_value() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = machine();
    for flags in [
        "-I",
        "-Os -D",
        "-include",
        "-isystem",
        "-Xclang",
        "-mllvm",
        "--sysroot",
        "--param",
        "-target",
        "-iapinotes-modules",
    ] {
        let named = flags.split(' ').next_back().unwrap();
        let mut clang = std::process::Command::new(crate::tools::clang_22());
        let said = clang
            .args(["-###", "-c", "-x", "c", named])
            .output()
            .unwrap();
        let said = String::from_utf8(said.stderr).unwrap();
        assert!(
            said.contains(&format!("argument to '{named}' is missing")),
            "{said}"
        );
        let flags = format!("--cflags={flags}");
        let message = sandbox.build().with(&[&flags]).fails(2);
        let expected = format!("stencils can't be compiled with {named}, which needs a value");
        assert!(message.contains(&expected), "{message}");
        assert_eq!(message.lines().count(), 2, "{message}");
    }
    let message = sandbox.build().with(&["--cflags=-image_base"]).fails(12);
    assert!(
        message.contains("-image_base has no value after it"),
        "{message}"
    );
    // Values that look like flags are values.
    built(&sandbox, LINUX, &["--cflags=-D I -I -I"]);
}

/// Flags with which clang writes more files than the one that it is asked for.
#[test]
fn flags_that_write_other_files() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = machine();
    let before: Vec<String> = sandbox.files(".").into_keys().collect();
    let file = sandbox.path("written");
    let file = file.display();
    for (flags, named) in [
        (format!("-Wp,-MD,{file}"), "-Wp,-MD,"),
        (
            format!("-Xclang -dependency-file -Xclang {file}"),
            "-dependency-file",
        ),
        ("-Wp,-MMD".to_owned(), "-Wp,-MMD"),
        ("-Xpreprocessor -MD".to_owned(), "-MD"),
        (
            format!("--serialize-diagnostics {file}"),
            "--serialize-diagnostics",
        ),
        (
            format!("-serialize-diagnostics {file}"),
            "-serialize-diagnostics",
        ),
        (format!("-ftime-trace={file}"), "-ftime-trace="),
        ("-ftime-trace".to_owned(), "-ftime-trace"),
        (
            "-fsave-optimization-record".to_owned(),
            "-fsave-optimization-record",
        ),
        (
            format!("-foptimization-record-file={file}"),
            "-foptimization-record-file=",
        ),
        ("-fstack-usage".to_owned(), "-fstack-usage"),
        ("-save-stats".to_owned(), "-save-stats"),
        (format!("-fproc-stat-report={file}"), "-fproc-stat-report="),
        (
            format!("-gen-cdb-fragment-path {file}"),
            "-gen-cdb-fragment-path",
        ),
        ("-fmodules".to_owned(), "-fmodules"),
        (
            format!("-mllvm -pass-remarks-output={file}"),
            "-pass-remarks-output=",
        ),
        (
            format!("-mllvm -info-output-file={file}"),
            "-info-output-file=",
        ),
    ] {
        for mode in [&[][..], &["--one-process-per-step"]] {
            let run = sandbox.build().with(&["--cflags", &flags]).with(mode);
            let message = run.fails(2);
            let expected = format!("stencils can't be compiled with {named}");
            assert!(message.contains(&expected), "{flags}: {message}");
            assert!(message.contains("makes clang write "), "{flags}: {message}");
        }
    }
    let mut after: Vec<String> = sandbox.files(".").into_keys().collect();
    after.retain(|name| !name.starts_with("home-"));
    assert_eq!(before, after);
}

/// Distributions have these. The shim's object has neither the name of another file nor a command.
#[test]
fn flags_that_name_files_in_debug_information() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = machine();
    for flags in [
        "-g -gsplit-dwarf",
        "-g -grecord-gcc-switches",
        "-frecord-gcc-switches",
    ] {
        let (_, warnings) = built(&sandbox, LINUX, &["--cflags", flags]);
        let last = flags.split(' ').next_back().unwrap();
        let named = format!("{last} has no effect here");
        assert!(
            warnings.iter().any(|text| text.contains(&named)),
            "{warnings:?}"
        );
        let shim = sandbox
            .files("out")
            .remove(&format!("jit_shim-{LINUX}.o"))
            .unwrap();
        let has = |text: &str| shim.windows(text.len()).any(|part| part == text.as_bytes());
        assert!(
            !has(".dwo") && !has("-cc1") && !has("-fno-record"),
            "{flags}"
        );
    }
}

/// What goes wrong because of a flag says so, although the flag compiles.
#[test]
fn flags_that_other_errors_come_from() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = machine();
    for flags in ["-mretpoline", "-mlvi-cfi", "-mretpoline-external-thunk"] {
        let message = sandbox.build().with(&["--cflags", flags]).fails(2);
        let expected = format!("stencils can't be compiled with {flags}, which makes calls");
        assert!(message.contains(&expected), "{message}");
    }
    // The text before each source is jit-cli's own.
    for entry in std::fs::read_dir(fixtures::root().join("plain")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        sandbox.write(&format!("plain/{name}"), std::fs::read(&path).unwrap());
    }
    let words = [
        "build",
        "--config",
        "plain/jit.toml",
        "-o",
        "out",
        "-t",
        LINUX,
    ];
    let run = sandbox.run(&words).with(&["--llvm-version", "22"]);
    let message = run.with(&["--cflags=-std=c89"]).fails(12);
    assert!(message.contains("<prelude>:"), "{message}");
    assert!(message.contains("change --cflags"), "{message}");
}

/// Words that look like these flags, but are values of others, or of no effect.
#[test]
fn flags_that_select_no_action() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = machine();
    let (expected, _) = built(&sandbox, LINUX, &[]);
    for flags in [
        "-D X -U Y -I . -isystem / -Xpreprocessor -DE",
        "-m64 --target=x86_64-pc-linux-gnu",
        "-Xlinker -E -lm -L / -Wl,-z,now",
        "-include stdint.h -mllvm -enable-misched",
        "-v",
    ] {
        let (stencils, _) = built(&sandbox, LINUX, &["--cflags", flags]);
        assert!(stencils == expected, "{flags}");
    }
    let mac = "aarch64-apple-darwin";
    let (expected, _) = built(&sandbox, mac, &[]);
    for flags in ["-mmacosx-version-min=12.0", "-arch arm64"] {
        let (stencils, _) = built(&sandbox, mac, &["--cflags", flags]);
        assert!(stencils == expected, "{flags}");
    }
}

/// Relative paths of headers are relative to where the flags are: the current directory, or that of `jit.toml`.
#[test]
fn relative_paths_of_headers() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = machine();
    let template = sandbox.text("vm/Tools/jit/template.c");
    sandbox.write(
        "vm/Tools/jit/template.c",
        format!("#include <one.h>\n#include <two.h>\n{template}"),
    );
    sandbox.write("elsewhere/one.h", "");
    sandbox.write(
        "vm/own/two.h",
        "#ifndef THREE\n#error \"no three.h\"\n#endif\n",
    );
    sandbox.write("vm/three.h", "#define THREE\n");
    let settings = sandbox.text("vm/jit.toml");
    let own = "cflags = [\"-Iown\", \"-include\", \"three.h\"]\n";
    sandbox.write("vm/jit.toml", format!("{own}{settings}"));
    let words = ["build", "--config", "vm/jit.toml", "--llvm-version", "22"];
    let run = sandbox.run(&words).with(&["--target", LINUX, "-o", "out"]);
    run.with(&["--cflags", "-isystem elsewhere"]).succeeds();
    let run = sandbox
        .run(&words)
        .with(&["--target", LINUX, "-f", "-o", "out"]);
    let message = run.with(&["--cflags", "-I nowhere"]).fails(12);
    assert!(message.contains("'one.h' file not found"), "{message}");
}

/// One error, not one for each micro-op.
#[test]
fn flags_of_another_target() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = machine();
    for (triple, flags) in [
        (LINUX, "-mbranch-protection=standard"),
        (ARM_LINUX, "-march=x86-64-v3"),
        (LINUX, "-fprofile-use=nowhere"),
    ] {
        for mode in [&[][..], &["--one-process-per-step"]] {
            let run = sandbox.build_for(&[triple]).with(&["--cflags", flags]);
            let message = run.with(mode).fails(12);
            assert!(message.lines().count() <= 5, "{message}");
            let (_, value) = flags.split_once('=').unwrap();
            let name = match value {
                "standard" => "-mbranch-protection=",
                value => value,
            };
            assert!(message.contains(name), "{message}");
            assert!(message.contains("change --cflags"), "{message}");
        }
    }
    // This is found out by the compiler proper; clang's own line starts with `error: `, too.
    let run = sandbox.build_for(&[ARM_LINUX]);
    let run = run.with(&["--cflags", "-fcf-protection=branch"]);
    let output = run.command().output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(12), "{message}");
    assert_eq!(
        message.matches("cf-protection=branch").count(),
        1,
        "{message}"
    );
    assert!(message.contains("change --cflags"), "{message}");
}

/// The shim's return address is not signed on Linux, as the unwind rules of stencils cannot say so. Its landing
/// pads stay. Elsewhere, the shim is compiled as the flag says.
#[test]
fn the_shim_of_signed_return_addresses() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new().tinyvm_of(&[case("_NOP_r00")]);
    let config = sandbox.write("clang.cfg", "-mbranch-protection=standard\n");
    let config = format!("--config={}", config.display());
    // The first instruction of each kind; objdump has names for these hints.
    let shim = |triple: &str| {
        let path = sandbox.path(&format!("out/jit_shim-{triple}.o"));
        let mut objdump = std::process::Command::new("llvm-objdump-22");
        let output = objdump.args(["-d", "--mattr=+all"]).arg(path).output();
        let text = String::from_utf8(output.unwrap().stdout).unwrap();
        [text.contains("\tbti\tc"), text.contains("\tpaciasp")]
    };
    for mode in [&[][..], &["--one-process-per-step"]] {
        for (flags, pad, named) in [
            ("-mbranch-protection=bti", true, None),
            (
                "-mbranch-protection=pac-ret",
                false,
                Some("-mbranch-protection=pac-ret"),
            ),
            (
                "-mbranch-protection=standard",
                true,
                Some("-mbranch-protection=standard"),
            ),
            (&config, true, Some("clang's configuration")),
        ] {
            let words = [mode, &["--cflags", flags]].concat();
            let (_, warnings) = built(&sandbox, ARM_LINUX, &words);
            assert_eq!(shim(ARM_LINUX), [pad, false], "{flags}");
            assert_eq!(warnings.len(), usize::from(named.is_some()), "{warnings:?}");
            if let Some(named) = named {
                assert!(warnings[0].contains(named), "{warnings:?}");
                assert!(
                    warnings[0].contains("on the shim's return address"),
                    "{warnings:?}"
                );
            }
        }
    }
    let mac = "aarch64-apple-darwin";
    let words = ["--cflags", "-mbranch-protection=standard"];
    let (_, warnings) = built(&sandbox, mac, &words);
    assert_eq!(shim(mac), [false, true]);
    assert_eq!(warnings, [""; 0]);
}

/// The shim's debug information has the name of the author's file, however it is compiled.
#[test]
fn the_shim_with_debug_information() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new().tinyvm_of(&[case("_NOP_r00")]);
    for triple in [LINUX, ARM_LINUX, "x86_64-pc-windows-msvc"] {
        let built = |words: &[&str]| {
            let run = sandbox.build_for(&[triple]).with(&["--force"]);
            run.with(words).succeeds();
            sandbox.files("out")[&format!("jit_shim-{triple}.o")].clone()
        };
        let has =
            |object: &[u8], text: &str| object.windows(text.len()).any(|at| at == text.as_bytes());
        for flags in ["-g", "-g1", "-gdwarf-4 -g3"] {
            let words = ["--cflags", flags];
            let batch = built(&words);
            let names = ["jit/shim.c", "jit\\shim.c"];
            assert!(names.iter().any(|name| has(&batch, name)), "{triple}");
            assert!(batch == built(&words), "{triple}: {flags}: from the cache");
            let slow = built(&["--cflags", flags, "--one-process-per-step"]);
            assert!(batch == slow, "{triple}: {flags}");
        }
    }
}

/// Instructions that a flag selects are known when the assembly is assembled.
#[test]
fn instructions_that_a_flag_selects() {
    fixtures::needs!(clang_22, objdump_22);
    let body = "extern long vm_count;\n__atomic_fetch_add(&vm_count, 1, 5);";
    let text = case_with("_NOP_r00", body);
    let sandbox = Sandbox::new().tinyvm_of(&[text]);
    for mode in [&[][..], &["--one-process-per-step"]] {
        for flags in ["-march=armv8.1-a", "-mcpu=neoverse-n1"] {
            let words = [mode, &["--cflags", flags]].concat();
            let (stencils, _) = built(&sandbox, ARM_LINUX, &words);
            assert!(stencils.contains("ldadd"), "{stencils}");
        }
    }
}
