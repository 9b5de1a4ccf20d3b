//! Jumps to places become direct, however the compiler reaches them, and still lead to the same places with
//! the same values.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{target, wrapped};
use jit_optimizer::{End, OptimizeError, Optimized, Optimizer, Options, Places};
use jit_schema::{CodeEnd, Codegen};

const OPS: usize = 8;
const LINUX: &str = "x86_64-unknown-linux-gnu";
const DARWIN: &str = "x86_64-apple-darwin";
const WINDOWS: &str = "x86_64-pc-windows-msvc";
const NARROW: &str = "i686-pc-windows-msvc";
const ARM_LINUX: &str = "aarch64-unknown-linux-gnu";
const ARM_DARWIN: &str = "aarch64-apple-darwin";
const ARM_WINDOWS: &str = "aarch64-pc-windows-msvc";

/// The ways in which clang reaches a symbol.
const MODELS: [&[&str]; 3] = [
    &["-fno-pic"],
    &["-fPIC", "-fno-plt"],
    // clang's assembler crashes on a jump table in Darwin's code.
    &["-fno-pic", "-mcmodel=large", "-fno-jump-tables"],
];

fn source(file: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/places", file]
        .iter()
        .collect()
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    let messages = String::from_utf8_lossy(&output.stderr);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{command:?}:\n{messages}{printed}");
}

/// Returns what is known of a micro-op's use of places.
fn places(op: usize) -> Places {
    match op {
        2 | 4 => Places::Any,
        _ => Places::OnlyTargets,
    }
}

fn optimize(triple: &str, places: Places, assembly: &str) -> Result<Optimized, OptimizeError> {
    let options = Options::default()
        .codegen(Codegen::Tuned)
        .end(End::Jump)
        .places(places);
    Optimizer::new(target(triple), options).optimize(assembly)
}

/// Returns the instructions of a body, and how its code ends.
fn body(triple: &str, body: &str) -> Result<(Vec<String>, CodeEnd), OptimizeError> {
    let prefix = target(triple).symbol_prefix;
    let optimized = optimize(triple, Places::OnlyTargets, &wrapped(prefix, body))?;
    let lines = optimized
        .assembly
        .lines()
        .map(|line| line.trim().replace('\t', " "));
    let lines = lines.filter(|line| {
        !line.is_empty() && !line.starts_with('.') && !line.starts_with('#') && !line.ends_with(':')
    });
    let lines = lines.filter(|line| !line.starts_with(".def")).collect();
    Ok((lines, optimized.end))
}

fn clang(triple: &str, flags: &[&str]) -> Command {
    let mut command = Command::new(fixtures::needs::clang_22().unwrap());
    command.arg(format!("--target={triple}"));
    command.args([
        "-fno-asynchronous-unwind-tables",
        "-fno-stack-protector",
        "-fomit-frame-pointer",
        "-Wno-unused-command-line-argument",
    ]);
    command.args(flags);
    command
}

#[test]
fn stencils_leave_to_where_functions_leave() {
    if fixtures::needs::clang_22().is_none() {
        return;
    }
    if cfg!(not(all(target_arch = "x86_64", target_os = "linux"))) {
        return;
    }
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("places_native");
    fs::create_dir_all(&directory).unwrap();
    let path = |name: &str| directory.join(name);
    for convention in ["-UNONE", "-DNONE"] {
        let main = path("main.o");
        let flags = ["-O1", "-fPIE", convention, "-c", "-o"];
        run(clang(LINUX, &flags).arg(&main).arg(source("main.c")));
        for op in 0..OPS {
            let define = format!("-DOP={op}");
            let flags = [convention, define.as_str()];
            let reference = path("reference.o");
            run(clang(LINUX, &flags)
                .args(["-DREFERENCE", "-O1", "-fPIE", "-c", "-o"])
                .arg(&reference)
                .arg(source("ops.c")));
            for (model, level) in MODELS.iter().zip(["-Os", "-O2", "-Oz"]) {
                let (assembly, object) = (path("op.s"), path("op.o"));
                run(clang(LINUX, &flags)
                    .args(*model)
                    .args([level, "-S", "-o"])
                    .arg(&assembly)
                    .arg(source("ops.c")));
                let optimized =
                    optimize(LINUX, places(op), &fs::read_to_string(&assembly).unwrap()).unwrap();
                let text = &optimized.assembly;
                // Only the choice of a target is left, and what is called or passed on.
                let direct = |line: &str| {
                    !line.contains("_JIT_")
                        || line.contains("\tj")
                        || line.contains("} jmp\t")
                        || line.ends_with("_JIT_CONTINUE:")
                };
                let mut code = text.lines().filter(|line| line.starts_with('\t'));
                let code_is_direct = code.all(|line| line.starts_with("\t.") || direct(line));
                assert!(
                    matches!(op, 2 | 4 | 7) || code_is_direct,
                    "{op} {model:?}: {text}"
                );
                let next = "\t.text\n\tjmp\tplace_next\n";
                fs::write(&assembly, format!("{text}\n{next}")).unwrap();
                run(clang(LINUX, &["-c", "-o"]).arg(&object).arg(&assembly));
                let program = path("program");
                run(clang(LINUX, &["-no-pie", "-Wl,--no-warn-execstack"])
                    .arg("-o")
                    .arg(&program)
                    .args([&main, &reference, &object]));
                run(&mut Command::new(&program));
            }
        }
    }
}

#[test]
fn every_target_assembles_them() {
    if fixtures::needs::clang_22().is_none() {
        return;
    }
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("places_targets");
    fs::create_dir_all(&directory).unwrap();
    let (assembly, object) = (directory.join("op.s"), directory.join("op.o"));
    for (number, triple) in fixtures::TRIPLES.into_iter().enumerate() {
        // Windows has one way to reach a symbol only.
        let models = if triple.ends_with("msvc") { 1 } else { 3 };
        let convention = if triple.starts_with("i686") {
            "-UNONE"
        } else {
            "-DNONE"
        };
        for op in 0..OPS {
            let model = MODELS[(number + op) % models];
            let define = format!("-DOP={op}");
            run(clang(triple, &[convention, &define])
                .args(model)
                .args(["-Os", "-S", "-o"])
                .arg(&assembly)
                .arg(source("ops.c")));
            let optimized = optimize(triple, places(op), &fs::read_to_string(&assembly).unwrap())
                .unwrap_or_else(|error| panic!("{triple} {op} {model:?}: {error}"));
            fs::write(&assembly, &optimized.assembly).unwrap();
            run(clang(triple, &["-c", "-o"]).arg(&object).arg(&assembly));
        }
    }
}

#[test]
fn jumps_through_slots_are_direct() {
    for (triple, jump, expected) in [
        (LINUX, "jmpq\t*{}@GOTPCREL(%rip)", "jmp {}"),
        (DARWIN, "jmpq\t*_{}@GOTPCREL(%rip)", "jmp _{}"),
        (WINDOWS, "rex64 jmpq\t*__imp_{}(%rip)", "jmp {}"),
        (NARROW, "jmpl\t*__imp__{}", "jmp _{}"),
        (
            ARM_LINUX,
            "adrp\tx3, :got:{}\n\tldr\tx3, [x3, :got_lo12:{}]\n\tbr\tx3",
            "b {}",
        ),
        (
            ARM_DARWIN,
            "adrp\tx3, _{}@GOTPAGE\n\tldr\tx3, [x3, _{}@GOTPAGEOFF]\n\tbr\tx3",
            "b _{}",
        ),
        (
            ARM_WINDOWS,
            "adrp\tx3, __imp_{}\n\tldr\tx3, [x3, :lo12:__imp_{}]\n\tbr\tx3",
            "b {}",
        ),
    ] {
        for place in [
            "_JIT_PLACE_0",
            "_JIT_PLACE_65535",
            "_JIT_JUMP_TARGET",
            "_JIT_ERROR_TARGET",
        ] {
            let text = format!("\t{}\n", jump.replace("{}", place));
            let lines = body(triple, &text).unwrap();
            let expected = (vec![expected.replace("{}", place)], CodeEnd::Leaves);
            assert_eq!(lines, expected, "{triple}");
        }
        let text = format!("\t{}\n", jump.replace("{}", "_JIT_CONTINUE"));
        assert_eq!(
            body(triple, &text).unwrap(),
            (vec![], CodeEnd::FallsThrough),
            "{triple}"
        );
        let text = format!("\t{}\n", jump.replace("{}", "_JIT_CONTINUE_JUMP"));
        let (lines, end) = body(triple, &text).unwrap();
        let stays = match &*lines {
            [line] => line.ends_with("L_JIT_CONTINUE"),
            _ => false,
        };
        assert!(stays && end == CodeEnd::FallsThrough, "{triple}: {lines:?}");
        for other in ["function", "_JIT_PLACE_", "_JIT_PLACE_1x"] {
            let text = format!("\t{}\n", jump.replace("{}", other));
            let (lines, _) = body(triple, &text).unwrap();
            let last = lines.last().unwrap();
            assert!(last.contains('*') || last == "br x3", "{triple}: {lines:?}");
        }
    }
}

/// The bodies stay as they are: the target is not certain, or something else may read the register.
#[test]
fn what_is_not_certain_stays() {
    for text in [
        // Inline assembly may pass an argument in the register.
        "\tmovabsq\t$_JIT_PLACE_0, %rax\n\t#APP\n\tjmpq\t*%rax\n\t#NO_APP\n",
        "\tmovabsq\t$_JIT_PLACE_0+8, %rax\n\tjmpq\t*%rax\n",
        "\tmovabsq\t$_JIT_PLACE_0, %rax\n\taddq\t$8, %rax\n\tjmpq\t*%rax\n",
        "\tmovabsq\t$_JIT_PLACE_0, %rax\n\tmovb\t$8, %al\n\tjmpq\t*%rax\n",
        "\tmovabsq\t$_JIT_PLACE_0, %rax\n\tcltq\n\tjmpq\t*%rax\n",
        "\tmovabsq\t$_JIT_PLACE_0, %rax\n\tcallq\tf\n\tjmpq\t*%rax\n",
        "\tmovabsq\t$_JIT_PLACE_0, %rax\n\tmulq\t%rcx\n\tjmpq\t*%rax\n",
        "\tmovabsq\t$_JIT_PLACE_0, %rsi\n\tmovsb\t(%rsi), %es:(%rdi)\n\tjmpq\t*%rsi\n",
        "\tmovabsq\t$_JIT_PLACE_0, %rcx\n\tpcmpestri\t$0, %xmm0, %xmm1\n\tjmpq\t*%rcx\n",
        "\tmovq\t_JIT_PLACE_0(%rip), %rax\n\tjmpq\t*%rax\n",
        "\tmovl\t_JIT_PLACE_0@GOTPCREL(%rip), %eax\n\tjmpq\t*%rax\n",
        "\tmovabsq\t$_JIT_PLACE_0, %rax\n\tjmpq\t*(%rax)\n",
    ] {
        let (lines, _) = body(LINUX, text).unwrap();
        let expected: Vec<String> = text
            .lines()
            .map(|line| line.trim().replace('\t', " "))
            .filter(|line| !line.starts_with('#'))
            .collect();
        assert_eq!(lines, expected);
    }
    for between in [
        "add\tx8, x8, #4",
        "mov\tw8, w9",
        "blr\tx9",
        "ld64b\tx2, [x10]",
        "bl\tf",
    ] {
        let load = "\tadrp\tx8, :got:_JIT_PLACE_0\n\tldr\tx8, [x8, :got_lo12:_JIT_PLACE_0]\n";
        let (lines, _) = body(ARM_LINUX, &format!("{load}\t{between}\n\tbr\tx8\n")).unwrap();
        assert_eq!(lines.last().unwrap(), "br x8", "{between}");
    }
    // It is not known whether a place reads the register.
    let text =
        "\tmovabsq\t$_JIT_PLACE_0, %rax\n\ttestq\t%rdi, %rdi\n\tje\t_JIT_PLACE_1\n\tjmpq\t*%rax\n";
    let text = wrapped("", text);
    for (places, loads) in [(Places::Any, 1), (Places::OnlyTargets, 0)] {
        let output = optimize(LINUX, places, &text).unwrap().assembly;
        assert_eq!(output.matches("movabsq").count(), loads, "{output}");
        assert!(output.contains("\n\tjmp\t_JIT_PLACE_0\n"), "{output}");
    }
}

#[test]
fn the_next_micro_op_is_not_called() {
    for (triple, text) in [
        (LINUX, "\tcallq\t*_JIT_CONTINUE@GOTPCREL(%rip)\n\tretq\n"),
        (LINUX, "\tcallq\t_JIT_CONTINUE_JUMP\n\tretq\n"),
        (
            LINUX,
            "\tmovabsq\t$_JIT_CONTINUE, %rax\n\tcallq\t*%rax\n\tretq\n",
        ),
        (
            LINUX,
            "\tmovabsq\t$_JIT_CONTINUE_JUMP, %rax\n\tcallq\t*%rax\n\tretq\n",
        ),
        (WINDOWS, "\tcallq\t*__imp__JIT_CONTINUE(%rip)\n\tretq\n"),
        (
            ARM_LINUX,
            "\tadrp\tx3, :got:_JIT_CONTINUE\n\tldr\tx3, [x3, :got_lo12:_JIT_CONTINUE]\n\tblr\tx3\n\tret\n",
        ),
    ] {
        let error = body(triple, text).unwrap_err();
        assert!(
            matches!(error, OptimizeError::ContinueCalled { .. }),
            "{text}: {error}"
        );
    }
}

#[test]
fn upstreams_options_leave_such_jumps() {
    let text = wrapped("", "\tjmpq\t*_JIT_JUMP_TARGET@GOTPCREL(%rip)\n");
    let optimizer = Optimizer::new(target(LINUX), Options::default());
    let output = optimizer.optimize(&text).unwrap().assembly;
    assert!(output.contains("jmpq\t*_JIT_JUMP_TARGET@GOTPCREL(%rip)"));
}

#[test]
fn lasting_jumps_are_long_and_stay() {
    let text = "\ttestq\t%rdi, %rdi\n\tje\t_JIT_CONTINUE_JUMP\n\tjmp\t_JIT_CONTINUE_JUMP\n";
    let (lines, end) = body(LINUX, text).unwrap();
    assert_eq!(
        lines,
        [
            "testq %rdi, %rdi",
            "jne .L_JIT_STAY_0",
            "{disp32} jmp .L_JIT_CONTINUE",
            "{disp32} jmp .L_JIT_CONTINUE",
        ]
    );
    assert_eq!(end, CodeEnd::FallsThrough);
    let error = body(LINUX, "\tjrcxz\t_JIT_CONTINUE_JUMP\n\tjmp\t_JIT_CONTINUE\n").unwrap_err();
    assert!(
        matches!(error, OptimizeError::BranchOutside { .. }),
        "{error}"
    );
}
