//! Code that CPython's micro-ops do not have, and that upstream's optimizer breaks: the optimizer keeps
//! its meaning, or refuses it. `plain_c.rs` runs such code.

mod common;

use common::{code, optimize, target, wrapped};
use jit_optimizer::{End, FramePointer, OptimizeError, Optimizer, Options};
use jit_schema::{CodeEnd, Codegen, Target};

const LINUX: &str = "x86_64-unknown-linux-gnu";
const DARWIN: &str = "x86_64-apple-darwin";
const ARM_LINUX: &str = "aarch64-unknown-linux-gnu";
const ARM_DARWIN: &str = "aarch64-apple-darwin";
const ARM_WINDOWS: &str = "aarch64-pc-windows-msvc";

/// Returns the code between the entry and the label for the next micro-op, without labels that stand for
/// relocations.
fn body(triple: &str, codegen: Codegen, body: &str) -> Vec<String> {
    let prefix = target(triple).symbol_prefix;
    let text = optimize(triple, codegen, &wrapped(prefix, body));
    let local = target(triple).label_prefix;
    let lines: Vec<String> = text
        .lines()
        .map(|line| line.trim().replace('\t', " "))
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .filter(|line| !line.starts_with('.') || line.starts_with(local))
        .collect();
    let lines = &lines[1..lines.len() - 1];
    let is_custom = |line: &&String| line.contains("_JIT_RELOCATION_") || line.contains("jit_temp");
    lines
        .iter()
        .filter(|line| !is_custom(line))
        .cloned()
        .collect()
}

#[test]
fn a_mask_is_removed_only_if_it_keeps_all_bits() {
    for triple in [ARM_LINUX, ARM_WINDOWS, ARM_DARWIN] {
        for (width, mask, removed) in [
            ("16", "w8, w8, #0xffff", true),
            ("16", "x8, x8, #0xffff", true),
            ("16", "w8, w8, #0xfffff", true),
            ("32", "x8, x8, #0xffffffff", true),
            ("32", "w8, w8, #0xffff", false),
            ("32", "x8, x8, #0xffff", false),
            ("16", "w8, w8, #0xffff0", false),
            ("32", "w8, w8, #0xffff0000", false),
            ("32", "w8, w8, #0x1ffff", false),
            ("16", "w9, w8, #0xffff", false),
        ] {
            let symbol = format!("_JIT_OPERAND0_{width}");
            let load = match triple {
                ARM_LINUX => {
                    format!("\tadrp\tx8, :got:{symbol}\n\tldr\tx8, [x8, :got_lo12:{symbol}]\n")
                }
                ARM_WINDOWS => {
                    format!("\tadrp\tx8, __imp_{symbol}\n\tldr\tx8, [x8, :lo12:__imp_{symbol}]\n")
                }
                _ => format!(
                    "\tadrp\tx8, _{symbol}@GOTPAGE\n\tldr\tx8, [x8, _{symbol}@GOTPAGEOFF]\n"
                ),
            };
            for codegen in Codegen::ALL {
                let lines = body(triple, codegen, &format!("{load}\tand\t{mask}\n"));
                assert!(lines[0].starts_with("movz x8"), "{triple}: {lines:?}");
                let kept = lines.contains(&format!("and {mask}"));
                assert_eq!(kept, !removed, "{triple} {width} {mask}: {lines:?}");
            }
        }
    }
    // After a mask that changes the register, and after another load, the register has other bits.
    let load = "\tadrp\tx8, :got:_JIT_OPARG_16\n\tldr\tx8, [x8, :got_lo12:_JIT_OPARG_16]\n";
    let last = "and w8, w8, #0xffff".to_owned();
    for between in [
        "and\tx8, x9, #0xffffff",
        "ldr\tx8, [x9, :got_lo12:_JIT_OPERAND0_32]",
        "ldr\tx8, [x9, :got_lo12:PyLong_Type]",
    ] {
        let text = format!("{load}\t{between}\n\tand\tw8, w8, #0xffff\n");
        let lines = body(ARM_LINUX, Codegen::Upstream, &text);
        assert!(lines.contains(&last), "{between}: {lines:?}");
    }
}

#[test]
fn a_page_that_something_else_reads_stays() {
    for symbol in ["_JIT_OPERAND0_32", "_JIT_OPARG_16", "PyLong_Type"] {
        let page = format!("adrp x8, :got:{symbol}");
        let last = format!("ldr x8, [x8, :got_lo12:{symbol}]");
        let other = format!("ldr x8, [x9, :got_lo12:{symbol}]");
        for (between, last) in [
            (format!("ldr x9, [x8, :got_lo12:{symbol}]"), &last),
            ("ldr x9, [x8, :got_lo12:PyDict_Type]".to_owned(), &last),
            ("mov x9, x8".to_owned(), &last),
            ("nop".to_owned(), &other),
        ] {
            let text = format!("\t{page}\n\t{between}\n\t{last}\n");
            let output = optimize(ARM_LINUX, Codegen::Upstream, &wrapped("", &text));
            assert!(!output.contains("CUSTOM_"), "{output}");
            let lines = code(&output);
            for line in [&page, &between, last] {
                assert!(lines.contains(line), "{line}: {output}");
            }
        }
    }
}

#[test]
fn nothing_comes_between_the_halves_of_a_pair() {
    let load = |between: &str| {
        format!("\tadrp\tx8, :got:f\n{between}\tldr\tx8, [x8, :got_lo12:f]\n\tblr\tx8\n")
    };
    let pairs = |text: &str| {
        let output = optimize(ARM_LINUX, Codegen::Upstream, &wrapped("", text));
        output.matches("_JIT_PAIR_f_JIT_PAIR_").count()
    };
    assert_eq!(pairs(&load("")), 2);
    assert_eq!(pairs(&load("\tmov\tx0, x1\n")), 2);
    for between in [
        ".LBB0_1:\n",
        "\tcbz\tx0, .LBB0_2\n.LBB0_2:\n",
        "\tbl\tg\n",
        "\tmov\tx0, x1; 1: nop\n",
        "\tmov\tx9, x8\n",
    ] {
        assert!(pairs(&load(between)) < 2, "{between}");
    }
    // A label from elsewhere claims to be a pair.
    let forged = load("CUSTOM_AARCH64_CONST33a_JIT_PAIR_f_JIT_PAIR_9:\n");
    let optimizer = Optimizer::new(target(ARM_LINUX), Options::default());
    let checks = optimizer.only("check-pairs").unwrap();
    assert!(checks.optimize(&wrapped("", &forged)).is_ok());
}

#[test]
fn symbols_are_compared_as_a_whole() {
    for symbol in ["ext$a", "ext.b", "ext@8", "_JIT_CONTINUE$x", "\"e x,t\""] {
        let text = format!(
            "\ttestq\t%rax, %rax\n\tjs\t.LBB0_1\n\tjmp\t_JIT_CONTINUE\n.LBB0_1:\n\tjmp\t{symbol}\n"
        );
        let lines = body(LINUX, Codegen::Upstream, &text);
        assert_eq!(lines, ["testq %rax, %rax", &format!("js {symbol}")]);
    }
    let two = "\tcbz\tx0, .LBB0_1\n\tcbz\tx1, .LBB0_2\n\tb\t_JIT_CONTINUE\n\
               .LBB0_1:\n\tb\text$a\n.LBB0_2:\n\tb\text$b\n";
    let lines = body(ARM_LINUX, Codegen::Upstream, two);
    for line in ["b ext$a", "b ext$b"] {
        assert!(lines.contains(&line.to_owned()), "{lines:?}");
    }
    // The target's name is a part of another word, and the mnemonic a part of the target.
    let similar = "\tje\t.Lje_1\n\tjmp\t_JIT_ERROR_TARGET\n.Lje_1:\n\tjmp\t_JIT_CONTINUE\n";
    let lines = body(LINUX, Codegen::Upstream, similar);
    assert_eq!(lines, ["jne _JIT_ERROR_TARGET", ".Lje_1:"]);
    // Pairs and quoted labels.
    let pair = "\tadrp\tx8, :got:ext$a\n\tldr\tx8, [x8, :got_lo12:ext$a]\n";
    let output = optimize(ARM_LINUX, Codegen::Upstream, &wrapped("", pair));
    assert!(output.contains("CUSTOM_AARCH64_CONST33a_JIT_PAIR_ext$a_JIT_PAIR_"));
    let quoted = "\tcallq\t\"a b\"\n\tjmp\t_JIT_CONTINUE\n\"a b\":\n\tretq\n";
    let lines = body(LINUX, Codegen::Upstream, quoted);
    assert!(lines.contains(&"\"a b\":".to_owned()), "{lines:?}");
}

#[test]
fn branches_to_functions_go_around_a_jump() {
    for triple in [ARM_LINUX, ARM_DARWIN, ARM_WINDOWS] {
        let (symbol, label) = (target(triple).symbol_prefix, target(triple).label_prefix);
        // A jump to a function stays one.
        let text = format!(
            "\tcbz\tx0, {label}BB0_1\n\tb\t{symbol}_JIT_CONTINUE\n{label}BB0_1:\n\tb\t{symbol}outside\n"
        );
        let lines = body(triple, Codegen::Upstream, &text);
        assert_eq!(lines[0], format!("cbz x0, {label}BB0_1"));
        assert!(lines.contains(&format!("b {symbol}outside")));
        // A branch that is in the source goes around one.
        for (branch, inverse) in [
            ("cbz x0, ", "cbnz x0, "),
            ("b.hs ", "b.lo "),
            ("tbnz w0, #3, ", "tbz w0, #3, "),
        ] {
            let text = format!("\t{branch}{symbol}outside\n\tb\t{symbol}_JIT_CONTINUE\n");
            let lines = body(triple, Codegen::Upstream, &text);
            let over = format!("{label}_JIT_OVER_");
            assert!(
                lines[0].starts_with(&format!("{inverse}{over}")),
                "{lines:?}"
            );
            assert_eq!(lines[1], format!("b {symbol}outside"));
            assert!(lines[2].starts_with(&over), "{lines:?}");
        }
        // Within the trace, 19 bits are enough, but 14 are not.
        let text = format!("\tcbz\tx0, {symbol}_JIT_ERROR_TARGET\n");
        assert_eq!(body(triple, Codegen::Upstream, &text), ["cbz x0, 0"]);
        let text = format!("\ttbz\tw0, #1, {symbol}_JIT_ERROR_TARGET\n");
        assert_eq!(body(triple, Codegen::Upstream, &text).len(), 3);
    }
}

#[test]
fn what_is_mentioned_stays_with_its_section() {
    let pool = "\t.section\t.rodata.cst8,\"aM\",@progbits,8\n\t.p2align\t3, 0x0\n.LCPI0_0:\n\t.quad\t1\n\
                .LCPI0_1:\n\t.quad\t2\n\t.text\n\t.globl\t_JIT_ENTRY\n_JIT_ENTRY:\n\
                \tmulsd\t.LCPI0_1(%rip), %xmm0\n\tjmp\t_JIT_CONTINUE\n";
    let output = optimize(LINUX, Codegen::Upstream, pool);
    let expected = pool.replace("\tjmp\t_JIT_CONTINUE\n", ".L_JIT_CONTINUE:");
    assert_eq!(output, expected);
    // The directives go with the code that they are before, and all code is in one section.
    let helpers = "\t.globl\t_JIT_ENTRY\n_JIT_ENTRY:\n\tleaq\tb(%rip), %rax\n\tjmp\t_JIT_CONTINUE\n\
                   .Lfunc_end0:\n\t.size\t_JIT_ENTRY, .Lfunc_end0-_JIT_ENTRY\n\
                   \t.section\t.rodata,\"a\",@progbits\n\t.p2align\t3\n.LT:\n\t.quad\tc\n\
                   \t.section\t.text.unlikely.,\"ax\",@progbits\na:\n\tretq\n.Lfunc_end1:\n\
                   \t.size\ta, .Lfunc_end1-a\nb:\n\tretq\nc:\n\tretq\n.Lfunc_end2:\n\
                   \t.size\tc, .Lfunc_end2-c\n\t.size\ta, .Lfunc_end2-c\n";
    let output = optimize(LINUX, Codegen::Upstream, helpers);
    let rest = output.split_once("leaq\tb(%rip), %rax\n").unwrap().1;
    let lines: Vec<&str> = rest.lines().filter(|l| !l.starts_with("# JIT")).collect();
    assert_eq!(
        lines.join("\n"),
        "\tjmp\t.L_JIT_CONTINUE\n.Lfunc_end0:\n\t.size\t_JIT_ENTRY, .Lfunc_end0-_JIT_ENTRY\n\
         \t.section\t.rodata,\"a\",@progbits\n\t.p2align\t3\n.LT:\n\t.quad\tc\n\t.text\n\
         b:\n\tretq\nc:\n\tretq\n.L_JIT_CONTINUE:\n.Lfunc_end2:\n\t.size\tc, .Lfunc_end2-c"
    );
}

#[test]
fn tables_in_the_code_are_jumped_over() {
    let table = "\tleaq\tLJTI0_0(%rip), %rax\n\tjmpq\t*%rax\nLBB0_1:\n\tincq\t%rax\nLBB0_2:\n\
                 \tjmp\t__JIT_CONTINUE\n\t.p2align\t2\n\t.data_region jt32\n\
                 L0_0_set_1 = LBB0_1-LJTI0_0\nL0_0_set_3 = LBB0_3-LJTI0_0\nLJTI0_0:\n\
                 \t.long\tL0_0_set_1\n\t.long\tL0_0_set_3\n\t.end_data_region\nLBB0_4:\n\tnop\nLBB0_3:\n\
                 \tincq\t%rbx\n\tjmp\tLBB0_2\n";
    let output = optimize(DARWIN, Codegen::Upstream, &wrapped("_", table));
    let at = |text: &str| {
        output
            .find(text)
            .unwrap_or_else(|| panic!("{text}: {output}"))
    };
    assert!(at("\tjmp\tL_JIT_CONTINUE\n") < at("\nL0_0_set_3 = LBB0_3-LJTI0_0\n"));
    assert!(at("\nLJTI0_0:\n") < at("\nLBB0_3:\n"));
    assert!(at("\tincq\t%rbx\n") < at("\nL_JIT_CONTINUE:"));
    // At the end of the code as well.
    let end = table.split_once("LBB0_4").unwrap().0;
    let output = optimize(DARWIN, Codegen::Upstream, &wrapped("_", end));
    assert!(
        output.ends_with("\t.end_data_region\nL_JIT_CONTINUE:"),
        "{output}"
    );
    // Code as data, and code on the line of a label, are not jumped to or over for nothing.
    for line in [".byte\t144", ".LBB0_9: nop"] {
        let text = format!(
            "\tjmp\t.LBB0_1\n\tleaq\t.LBB0_9(%rip), %rax\n\t{line}\n.LBB0_1:\n\tincq\t%rax\n"
        );
        let lines = body(
            LINUX,
            Codegen::Upstream,
            &format!("\tje\t.LBB0_2\n{text}.LBB0_2:\n"),
        );
        assert!(
            lines[1].starts_with("jmp .LBB0_1") || !lines.iter().any(|l| l.ends_with("nop")),
            "{lines:?}"
        );
    }
}

#[test]
fn a_block_whose_address_is_taken_keeps_its_jump() {
    let text = |cold: &str| {
        format!(
            "\tleaq\t{cold}(%rip), %rax\n\tjmpq\t*(%rbx)\n.LBB0_1:\n\tje\t.LBB0_3\n.Ltmp0:\n\
             \tjmp\t_JIT_ERROR_TARGET\n.LBB0_3:\n\tjmp\t_JIT_CONTINUE\n"
        )
    };
    let inverted = body(LINUX, Codegen::Upstream, &text(".LBB0_1"));
    assert!(
        inverted.contains(&"jne _JIT_ERROR_TARGET".to_owned()),
        "{inverted:?}"
    );
    let kept = body(LINUX, Codegen::Upstream, &text(".Ltmp0"));
    assert!(
        kept.contains(&"jmp _JIT_ERROR_TARGET".to_owned()),
        "{kept:?}"
    );
}

#[test]
fn several_statements_on_a_line_are_no_jump() {
    let text = "\tjmp 1f; nop; 1:\n\tincq\t%rax\n\tjmp\t_JIT_CONTINUE\n";
    let lines = body(LINUX, Codegen::Upstream, text);
    assert_eq!(lines, ["jmp 1f; nop; 1:", "incq %rax"]);
    // A jump to a numbered label means another place elsewhere.
    let text = "\tje\t.LBB0_1\n1:\n\tincq\t%rax\n\tjmp\t_JIT_CONTINUE\n.LBB0_1:\n\tjmp\t1b\n";
    let lines = body(LINUX, Codegen::Upstream, text);
    assert!(lines.contains(&"je .LBB0_1".to_owned()), "{lines:?}");
}

#[test]
fn addresses_of_32_bits_are_made_relative() {
    let helper = "helper:\n\tretq\n\"f@a\":\n\tretq\n.LT:\n\tnop\n\tretq\n";
    let with = |text: &str| {
        let text = format!("{text}\tjmp\t_JIT_CONTINUE\n{helper}");
        let lines = body(LINUX, Codegen::Upstream, &text);
        let is_end = |line: &String| line.ends_with("_JIT_CONTINUE") || line.ends_with(':');
        let end = lines.iter().position(is_end);
        lines[..end.unwrap_or(lines.len())].to_vec()
    };
    for (text, expected) in [
        ("movl\t$helper, %edi", &["leaq helper(%rip), %rdi"][..]),
        ("movl\t.LT, %edi", &["movl .LT(%rip), %edi"]),
        (
            "jmpq\t*.LT(,%r12,8)",
            &["leaq .LT(%rip), %r10", "jmpq *(%r10,%r12,8)"],
        ),
        (
            "notrack jmpq\t*.LT(,%r12,8)",
            &["leaq .LT(%rip), %r10", "notrack jmpq *(%r10,%r12,8)"],
        ),
        (
            "movq\t.LT+8(%rax), %r10",
            &["leaq .LT+8(%rip), %r10", "movq (%r10,%rax), %r10"],
        ),
        (
            "movq\t.LT(%rax,%rcx,4), %rcx",
            &[
                "leaq .LT(%rip), %r10",
                "leaq (%r10,%rax), %r10",
                "movq (%r10,%rcx,4), %rcx",
            ],
        ),
        (
            "movq\t$helper, 8(%rsp)",
            &["leaq helper(%rip), %r10", "movq %r10, 8(%rsp)"],
        ),
        ("movl\t$\"f@a\", %edi", &["leaq \"f@a\"(%rip), %rdi"]),
        ("movl\t$f@a, %edi", &["leaq f@a(%rip), %rdi"]),
        ("movabsq\t$helper, %rax", &["movabsq $helper, %rax"]),
        ("leaq\thelper(%rip), %rax", &["leaq helper(%rip), %rax"]),
        ("movl\t$outside, %edi", &["movl $outside, %edi"]),
    ] {
        assert_eq!(with(&format!("\t{text}\n")), expected);
    }
    let optimizer = Optimizer::new(target(LINUX), Options::default());
    // Both registers are in use, or the instruction stores only 32 bits.
    for text in [
        "\tleaq\t.LBB0_1(%rip), %rax\n\tjmpq\t*.LT(,%r12,8)\n.LBB0_1:\n\taddq\t%r10, %r11\n",
        "\tmovl\t$helper, 8(%rsp)\n",
    ] {
        let text = format!("{text}\tjmp\t_JIT_CONTINUE\n{helper}");
        let error = optimizer.optimize(&wrapped("", &text)).unwrap_err();
        let refused = matches!(error, OptimizeError::AbsoluteAddress { .. });
        assert!(refused, "{error}");
    }
}

#[test]
fn functions_do_not_run_off_their_end() {
    let options = Options::default().end(End::Jump);
    for (triple, good, bad) in [
        (
            LINUX,
            &[
                "jmp\t_JIT_CONTINUE",
                "je\t.LBB0_1\n\tud2\n.LBB0_1:\n\tretq",
                "callq\tabort",
                "callq\t*abort@GOTPCREL(%rip)",
                "je\t.LBB0_1\n\tretq\n.LBB0_1:\n\tcallq\tabort\n.Lfunc_end9:",
                "jmpq\t*%rax",
                "rex64 jmpq\t*f(%rip)",
                "notrack jmpq\t*%rax",
            ][..],
            &[
                "incq\t%rax",
                "je\t_JIT_CONTINUE",
                "",
                "jmp\t.LBB0_1\n.LBB0_1:",
            ][..],
        ),
        (
            ARM_LINUX,
            &[
                "b\t_JIT_CONTINUE",
                "bl\tabort",
                "brk\t#0x1",
                "br\tx8",
                "ret",
            ],
            &["add\tx0, x0, #1", "cbz\tx0, _JIT_CONTINUE"],
        ),
        (
            "i686-pc-windows-msvc",
            &[
                "retl",
                "jmp\t__JIT_CONTINUE",
                "calll\t*__imp__abort",
                "jmpl\t*%eax",
            ],
            &["incl\t%eax"],
        ),
    ] {
        let optimizer = Optimizer::new(target(triple), options);
        let prefix = target(triple).symbol_prefix;
        let helper = match prefix {
            "" => "helper:\t# @helper\n\tret\n",
            _ => "_helper:\t# @helper\n\tret\n",
        };
        let helper = if triple == ARM_LINUX {
            helper.replace('#', "//")
        } else {
            helper.to_owned()
        };
        for after in ["", ".Lfunc_end0:\n\t.size\tx, 1\n", &helper] {
            let call = if triple == ARM_LINUX { "bl" } else { "call" };
            let run = |text: &str| -> Result<String, OptimizeError> {
                let text = format!("\t{call}\t{prefix}helper\n\t{text}\n{after}");
                let optimized = optimizer.optimize(&wrapped(prefix, &text))?;
                Ok(optimized.assembly)
            };
            for text in good {
                if let Err(error) = run(text) {
                    panic!("{triple} {text}: {error}");
                }
            }
            for text in bad.iter().filter(|text| !text.is_empty()) {
                let error = run(text).map(|text| panic!("{triple} {text}"));
                assert!(matches!(error, Err(OptimizeError::RunsOffEnd { .. })));
            }
        }
    }
    let nothing = Optimizer::new(target(LINUX), options).optimize(&wrapped("", ""));
    assert!(matches!(nothing, Err(OptimizeError::RunsOffEnd { .. })));
}

/// Clang fills gaps in a jump table with the address of a block that it knows to be unreachable.
#[test]
fn unreachable_entries_of_tables_do_not_run_off_the_end() {
    const NARROW: &str = "i686-pc-windows-msvc";
    let optimizer = Optimizer::new(target(NARROW), Options::default().end(End::Jump));
    let run = |tail: &str, entry: &str| {
        let code = format!(
            "\tjmpl\t*LJTI0_0(,%eax,4)\nLBB0_1:\n\tjmp\t__JIT_JUMP_TARGET\n{tail}\
             \t.section\t.rdata,\"dr\"\nLJTI0_0:\n\t.long\tLBB0_1\n\t.long\t{entry}\n"
        );
        let optimized = optimizer.optimize(&wrapped("_", &code))?;
        Ok::<_, OptimizeError>(optimized.end)
    };
    for tail in [
        "LBB0_2:\n",
        "LBB0_2:\n\tfstp\t%st(0)\n",
        "LBB0_2:\n\tfstp\t%st(1)\n\tfstp\t%st(0)   # comment\n",
        "LBB0_2:\n\tfstp\t%st(0)\nLBB0_3:\n\tfstp\t%st(0)\n",
    ] {
        assert_eq!(run(tail, "LBB0_2"), Ok(CodeEnd::Leaves), "{tail}");
    }
    for (tail, entry) in [
        ("LBB0_2:\n\tfstpl\t(%eax)\n", "LBB0_2"),
        ("LBB0_2:\n\tincl\t%eax\n", "LBB0_2"),
        ("LBB0_2:\n\tfstp\t%st(0)\n\tincl\t%eax\n", "LBB0_2"),
        // Something else goes there, by a jump or from the instruction before it.
        (
            "LBB0_2:\n\tje\tLBB0_3\n\tretl\nLBB0_3:\n\tfstp\t%st(0)\n",
            "LBB0_2",
        ),
        ("LBB0_3:\n\tincl\t%eax\nLBB0_2:\n\tfstp\t%st(0)\n", "LBB0_3"),
        (
            "LBB0_2:\n\tje\tLBB0_3\n\tretl\nLBB0_3:\n\tfstp\t%st(0)\nLBB0_4:\n\tfstp\t%st(0)\n",
            "LBB0_2",
        ),
    ] {
        let end = run(tail, entry);
        let refused = matches!(end, Err(OptimizeError::RunsOffEnd { .. }));
        assert!(refused, "{tail}: {end:?}");
    }
}

#[test]
fn setjmp_is_refused_in_64_bits() {
    let text =
        |label: &str| format!("\tnop\n\t#EH_SjLj_Setup\t{label}\n\tret\n{label}:\n\tnop\n\tret\n");
    for triple in [LINUX, DARWIN, "x86_64-pc-windows-msvc"] {
        let Target { symbol_prefix, .. } = target(triple);
        let optimizer = Optimizer::new(target(triple), Options::default());
        let input = wrapped(symbol_prefix, &text(".LBB0_1"));
        let line = input
            .lines()
            .position(|line| line.contains("EH_SjLj"))
            .unwrap()
            + 1;
        let error = optimizer.optimize(&input).unwrap_err();
        assert_eq!(error, OptimizeError::Setjmp { line });
    }
    let narrow = Optimizer::new(target("i686-pc-windows-msvc"), Options::default());
    assert!(narrow.optimize(&wrapped("_", &text("LBB0_1"))).is_ok());
}

/// An alignment that all functions have comes from a flag, such as `-O2`.
#[test]
fn a_function_is_not_more_aligned_than_the_entry() {
    let data =
        "\t.section\t.rodata,\"a\",@progbits\n\t.p2align\t5, 0x0\n.LT:\n\t.quad\t1\n\t.text\n";
    let aligned_loop = |label: &str| format!("\t.p2align\t6\n.L{label}:\n\tnop\n");
    let refused = |entry: &str, before: &str, function: &str| {
        let (first, second) = (aligned_loop("BB0_1"), aligned_loop("BB1_1"));
        let text = format!(
            "\t.text\n\t.globl\t_JIT_ENTRY\n{entry}_JIT_ENTRY:\t# @_JIT_ENTRY\n{first}\tcallq\tf\n\
             \tjmp\t_JIT_CONTINUE\n{before}{function}f:\t# @f\n{second}\tretq\n"
        );
        let error = Optimizer::new(target(LINUX), Options::default()).optimize(&text);
        match error {
            Ok(_) => None,
            Err(OptimizeError::AlignedFunction {
                function,
                alignment,
            }) if function == "f" => Some(alignment),
            Err(other) => panic!("{other}"),
        }
    };
    let (sixteen, sixty_four) = ("\t.p2align\t4, 0x90\n", "\t.p2align\t6, 0x90\t# -- Begin\n");
    for before in ["", data] {
        assert_eq!(refused("", before, ""), None);
        assert_eq!(refused("", before, sixteen), Some(16));
        assert_eq!(refused(sixteen, before, sixteen), None);
        assert_eq!(refused(sixteen, before, sixty_four), Some(64));
        assert_eq!(refused("\t.balign\t64\n", before, sixty_four), None);
    }
}

/// The arguments of another function are in other words of the stack.
#[test]
fn stores_of_a_called_function_stay() {
    let text = "\tmovl\t8(%esp), %ecx\n\tcalll\t_helper\n\tjmp\t__JIT_CONTINUE\n\
                _helper:\n\tmovl\t%ecx, 8(%esp)\n\tjmp\t__JIT_JUMP_TARGET\n";
    let lines = body("i686-pc-windows-msvc", Codegen::Tuned, text);
    assert!(
        lines.contains(&"movl %ecx, 8(%esp)".to_owned()),
        "{lines:?}"
    );
}

/// A frame is as clang makes one for an array of variable length, and is gone where control leaves.
#[test]
fn frames_are_linked_and_do_not_outlive_the_stencil() {
    let options = Options::default().frame_pointer(FramePointer::Reserved);
    let cases = [
        (
            LINUX,
            [
                "\tpushq\t%rbp\n\tmovq\t%rsp, %rbp\n",
                "\tmovq\t%rbp, %rsp\n\tpopq\t%rbp\n",
                "\ttestq\t%rax, %rax\n\tje\t.LBB0_1\n",
                "\tjmp\t_JIT_CONTINUE\n",
                "\tcallq\t*abort@GOTPCREL(%rip)\n",
            ],
            &[
                "\tmovq\t%rsp, %rbp\n",
                "\tpushq\t%rbx\n\tmovq\t%rsp, %rbp\n",
                "\tpushq\t%rbp\n\tpushq\t%rbx\n\tmovq\t%rsp, %rbp\n",
                "\tpushq\t%rbp\n\tmovq\t%rax, %rbp\n",
            ][..],
        ),
        (
            ARM_LINUX,
            [
                "\tstp\tx29, x30, [sp, #-16]!\t// 16-byte Folded Spill\n\tmov\tx29, sp\n",
                "\tmov\tsp, x29\n\tldp\tx29, x30, [sp], #16\n",
                "\tcbz\tx8, .LBB0_1\n",
                "\tb\t_JIT_CONTINUE\n",
                "\tbl\tabort\n",
            ],
            &["\tstp\tx29, x30, [sp, #-16]!\n"],
        ),
        // From clang 20, with -mframe-pointer=all and assembly that reads the stack pointer.
        (
            ARM_LINUX,
            [
                "\tstp\tx29, x30, [sp, #-16]!\n\tldr\tx8, [x23, #984]\n\t//APP\n\tmov\tx9, sp\n\t//NO_APP\n\tmov\tx29, sp\n",
                "\tldp\tx29, x30, [sp], #16\n",
                "\tcmp\tx9, x8\n\tb.hs\t.LBB0_1\n",
                "\tb\t_JIT_CONTINUE\n",
                "\tbl\tabort\n",
            ],
            &[
                "\tstp\tx29, x30, [sp, #-16]!\n\t//APP\n\tmov\tx9, sp\n\t//NO_APP\n",
                "\tstp\tx29, x30, [sp, #-16]!\n\t//APP\n\tmov\tx29, x9\n\t//NO_APP\n\tmov\tx29, sp\n",
                "\tstp\tx29, x30, [sp, #-16]!\n\t//APP\n.LBB0_2:\n\t//NO_APP\n\tmov\tx29, sp\n",
            ],
        ),
    ];
    for (triple, [begin, end, branch, leave, abort], bad) in cases {
        let optimizer = Optimizer::new(target(triple), options);
        let run = |text: String| {
            let optimized = optimizer.optimize(&wrapped("", &text));
            optimized.map(|optimized| optimized.assembly)
        };
        for good in [
            format!("{begin}{end}{leave}"),
            format!("{begin}{branch}{end}{leave}.LBB0_1:\n{end}{leave}"),
            format!("{begin}{branch}{end}{leave}.LBB0_1:\n{abort}"),
        ] {
            let output = run(good.clone()).unwrap();
            for part in [begin, end] {
                assert!(output.contains(part), "{output}");
            }
        }
        let begins = bad.iter().map(|begin| format!("{begin}{end}{leave}"));
        for bad in begins.chain([
            format!("{begin}{leave}"),
            format!("{begin}{branch}{end}{leave}.LBB0_1:\n{leave}"),
            format!("{branch}{begin}{end}{leave}.LBB0_1:\n{begin}{leave}"),
        ]) {
            let error = run(bad.clone()).unwrap_err();
            let refused = matches!(error, OptimizeError::FramePointerModified { .. });
            assert!(refused, "{bad}\n{error}");
        }
    }
}
