//! Whether control goes on to the next micro-op, as the optimizer reports it.

mod common;

use common::{target, wrapped};
use jit_optimizer::{Optimizer, Options};
use jit_schema::{CodeEnd, Target};

const LINUX: &str = "x86_64-unknown-linux-gnu";
const DARWIN: &str = "x86_64-apple-darwin";
const NARROW: &str = "i686-pc-windows-msvc";
const ARM_LINUX: &str = "aarch64-unknown-linux-gnu";
const ARM_DARWIN: &str = "aarch64-apple-darwin";

#[track_caller]
fn check(triple: &str, expected: CodeEnd, text: &str) {
    let target: &Target = target(triple);
    let optimizer = Optimizer::new(target, Options::default());
    let text = wrapped(target.symbol_prefix, text);
    let optimized = optimizer.optimize(&text).unwrap();
    assert_eq!(optimized.end, expected, "{triple}\n{text}");
    let again = optimizer.optimize(&text.replace('\n', "\r\n")).unwrap();
    assert_eq!(again.end, expected, "{triple}\n{text}");
}

#[test]
fn code_that_goes_on() {
    for (triple, text) in [
        (LINUX, "\tjmp\t_JIT_CONTINUE\n"),
        (LINUX, "\tjmp\t_JIT_CONTINUE@PLT\n"),
        (LINUX, "\tjmpq\t*_JIT_CONTINUE@GOTPCREL(%rip)\n"),
        (LINUX, "\tmovabsq\t$_JIT_CONTINUE, %rax\n\tjmpq\t*%rax\n"),
        (LINUX, "\tje\t_JIT_CONTINUE\n\tjmp\t_JIT_JUMP_TARGET\n"),
        (
            LINUX,
            "\tjne\t.LBB0_1\n\tjmp\t_JIT_CONTINUE\n.LBB0_1:\n\tjmp\t_JIT_JUMP_TARGET\n",
        ),
        (
            LINUX,
            "\tjne\t.LBB0_1\n\tjmp\t_JIT_JUMP_TARGET\n.LBB0_1:\n\tjmp\t_JIT_CONTINUE\n",
        ),
        // A function that control gets to by a jump to it.
        (
            LINUX,
            "\tjmp\thelper\nhelper:\t# @helper\n\tjmp\t_JIT_CONTINUE\n",
        ),
        // A jump table, from which only one case goes on.
        (
            LINUX,
            "\tjmpq\t*.LJTI0_0(,%rax,8)\n.LBB0_1:\n\tjmp\t_JIT_JUMP_TARGET\n.LBB0_2:\n\tjmp\t_JIT_CONTINUE\n\
             \t.section\t.rodata,\"a\",@progbits\n.LJTI0_0:\n\t.quad\t.LBB0_1\n\t.quad\t.LBB0_2\n",
        ),
        // A pointer to the next micro-op.
        (
            LINUX,
            "\tjmpq\t*table(%rip)\n\t.section\t.rodata,\"a\",@progbits\ntable:\n\t.quad\t_JIT_CONTINUE\n",
        ),
        (DARWIN, "\tjmp\t__JIT_CONTINUE\n"),
        (NARROW, "\tjmp\t__JIT_CONTINUE\n"),
        (NARROW, "\tmovl\t$__JIT_CONTINUE, %eax\n\tjmpl\t*%eax\n"),
        (ARM_LINUX, "\tb\t_JIT_CONTINUE\n"),
        (
            ARM_LINUX,
            "\tcbz\tx0, .LBB0_1\n\tret\n.LBB0_1:\n\tb\t_JIT_CONTINUE\n",
        ),
        (
            ARM_DARWIN,
            "\ttbz\tw0, #0, __JIT_CONTINUE\n\tb\t__JIT_JUMP_TARGET\n",
        ),
        (
            ARM_LINUX,
            "\tadrp\tx8, :got:_JIT_CONTINUE\n\tldr\tx8, [x8, :got_lo12:_JIT_CONTINUE]\n\tbr\tx8\n",
        ),
    ] {
        check(triple, CodeEnd::FallsThrough, text);
    }
}

#[test]
fn code_that_leaves() {
    for (triple, text) in [
        (LINUX, "\tretq\n"),
        (LINUX, "\tjmp\t_JIT_JUMP_TARGET\n"),
        (LINUX, "\tud2\n"),
        (LINUX, ".LBB0_1:\n\tjmp\t.LBB0_1\n"),
        // Compilers know that the callee does not return.
        (LINUX, "\tcallq\t*abort@GOTPCREL(%rip)\n"),
        (
            LINUX,
            "\tjne\t.LBB0_1\n\tretq\n.LBB0_1:\n\tcallq\tabort\n.Lfunc_end0:\n\t.size\tx, 1\n",
        ),
        // What nothing reaches.
        (LINUX, "\tretq\n.LBB0_1:\n\tjmp\t_JIT_CONTINUE\n"),
        (LINUX, "\tretq\nother:\t# @other\n\tjmp\t_JIT_CONTINUE\n"),
        (
            LINUX,
            "\tretq\n\t.globl\tother\nother:\t# @other\n\tjmp\t_JIT_CONTINUE\n",
        ),
        // Another symbol, a comment, and a directive.
        (LINUX, "\tjmp\t_JIT_CONTINUED\n"),
        (
            LINUX,
            "\tretq\t# _JIT_CONTINUE\n\t.addrsig\n\t.addrsig_sym _JIT_CONTINUE\n",
        ),
        // A table at the end of the code.
        (
            LINUX,
            "\tleaq\t.LJTI0_0(%rip), %rax\n\tretq\n.LJTI0_0:\n\t.long\t1\n",
        ),
        (
            ARM_DARWIN,
            "\tadr\tx8, LJTI0_0\n\tret\nLJTI0_0:\n\t.byte\t1\n",
        ),
        (ARM_LINUX, "\tbr\tx8\n"),
        (ARM_LINUX, "\tbrk\t#0x1\n"),
        (ARM_LINUX, "\tb.al\t_JIT_JUMP_TARGET\n"),
        (ARM_LINUX, "\tb\t_JIT_ERROR_TARGET\n"),
        (
            NARROW,
            "\tcalll\t_helper\n\tretl\n_helper:\t# @helper\n\tretl\n",
        ),
        (DARWIN, "\tretq\n\t.subsections_via_symbols\n"),
    ] {
        check(triple, CodeEnd::Leaves, text);
    }
}

/// Compilers write such code for what they know to be unreachable.
#[test]
fn code_that_runs_off_its_end_is_not_known() {
    for (triple, text) in [
        (LINUX, ""),
        (LINUX, "\tincl\t%eax\n"),
        (LINUX, "\tjne\t.LBB0_1\n\tretq\n.LBB0_1:\n.Lfunc_end0:\n"),
        (LINUX, "\tincl\t%eax; jmp\t_JIT_JUMP_TARGET\n"),
    ] {
        check(triple, CodeEnd::Unknown, text);
    }
    let next = "\tjne\t.LBB0_1\n\tjmp\t_JIT_CONTINUE\n.LBB0_1:\n";
    check(LINUX, CodeEnd::FallsThrough, next);
}

#[test]
fn code_without_an_entry_is_not_known() {
    let optimizer = Optimizer::new(target(LINUX), Options::default());
    let optimized = optimizer.optimize("\t.globl\tf\nf:\n\tretq\n").unwrap();
    assert_eq!(optimized.end, CodeEnd::Unknown);
}
