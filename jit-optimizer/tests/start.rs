//! Control enters a stencil at the start of its code, and goes on to the next micro-op by a jump.

mod common;

use common::{optimize, target, wrapped};
use jit_optimizer::{OptimizeError, Optimizer, Options};
use jit_schema::Codegen;

const LINUX: &str = "x86_64-unknown-linux-gnu";
const DARWIN: &str = "x86_64-apple-darwin";
const WINDOWS_32: &str = "i686-pc-windows-msvc";
const ARM_LINUX: &str = "aarch64-unknown-linux-gnu";
const ARM_DARWIN: &str = "aarch64-apple-darwin";
const ARM_WINDOWS: &str = "aarch64-pc-windows-msvc";

#[test]
fn calls_of_the_next_micro_op_are_refused() {
    for (triple, call, line) in [
        (LINUX, "\tcallq\t_JIT_CONTINUE@PLT\n", 4),
        (LINUX, "\tnop\n\tcallq\t*_JIT_CONTINUE@GOTPCREL(%rip)\n", 5),
        (LINUX, "\tnop; call _JIT_CONTINUE\n", 4),
        (WINDOWS_32, "\tcalll\t__JIT_CONTINUE\n", 4),
        (DARWIN, "\tcallq\t__JIT_CONTINUE\n\tretq\n", 4),
        (ARM_LINUX, "\tbl\t_JIT_CONTINUE\n", 4),
        (ARM_DARWIN, "\tbl\t__JIT_CONTINUE\n\tret\n", 4),
        (ARM_WINDOWS, "\tnop\n\tbl\t_JIT_CONTINUE\n\tret\n", 5),
    ] {
        let input = wrapped(target(triple).symbol_prefix, call);
        let options = Options::default();
        let result = Optimizer::new(target(triple), options).optimize(&input);
        let Err(OptimizeError::ContinueCalled { line: found, .. }) = result else {
            panic!("{triple}: {call}{result:?}");
        };
        assert_eq!(found, line, "{triple}: {call}");
    }
    // Its address may be passed on, and a function may have a name that starts like that.
    for text in [
        "\tleaq\t_JIT_CONTINUE(%rip), %rdi\n\tcallq\tf\n\tretq\n",
        "\tcallq\t_JIT_CONTINUED\n\tjmp\t_JIT_CONTINUE\n",
    ] {
        optimize(LINUX, Codegen::Upstream, &wrapped("", text));
    }
}

/// Returns a stencil with a function before the entry.
fn with_function(prefix: &str, entry: &str) -> String {
    format!(
        "\"@feat.00\" = 0\n\t.text\n\t.globl\t{prefix}own\n{prefix}own:\n\tnop\n\tret\n\
         \t.globl\t{prefix}_JIT_ENTRY\n\t.def\t{prefix}_JIT_ENTRY;\n{prefix}_JIT_ENTRY:\n{entry}"
    )
}

#[test]
fn the_entry_is_at_the_start_of_the_code() {
    for (triple, call, jump) in [
        (LINUX, "callq own", "jmp"),
        (DARWIN, "callq _own", "jmp"),
        (WINDOWS_32, "calll _own", "jmp"),
        (ARM_LINUX, "bl own", "b"),
        (ARM_DARWIN, "bl _own", "b"),
        (ARM_WINDOWS, "bl own", "b"),
    ] {
        let prefix = target(triple).symbol_prefix;
        let local = target(triple).label_prefix;
        let lines = |entry: &str| -> Vec<String> {
            let text = optimize(triple, Codegen::Upstream, &with_function(prefix, entry));
            let lines = text.lines().map(|line| {
                let code = line.split([';', '#']).next().unwrap();
                code.split("//").next().unwrap().trim().replace('\t', " ")
            });
            lines
                .filter(|line| !line.is_empty() && !line.contains(" = "))
                .filter(|line| !line.starts_with('.') || line.ends_with(':'))
                .collect()
        };
        let used = lines(&format!("\t{call}\n\t{jump}\t{prefix}_JIT_CONTINUE\n"));
        let expected = [
            format!("{prefix}_JIT_ENTRY:"),
            format!("{jump} {local}_JIT_BODY"),
            format!("{prefix}own:"),
            "nop".to_owned(),
            "ret".to_owned(),
            format!("{local}_JIT_BODY:"),
            call.to_owned(),
            format!("{local}_JIT_CONTINUE:"),
        ];
        assert_eq!(used, expected, "{triple}");
        // What was inlined is gone, and the jump over it as well.
        let inlined = lines(&format!("\tnop\n\t{jump}\t{prefix}_JIT_CONTINUE\n"));
        let expected = [
            format!("{prefix}_JIT_ENTRY:"),
            format!("{local}_JIT_BODY:"),
            "nop".to_owned(),
            format!("{local}_JIT_CONTINUE:"),
        ];
        assert_eq!(inlined, expected, "{triple}");
    }
}
