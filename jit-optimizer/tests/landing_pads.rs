//! Landing pads are where an indirect branch can arrive, and nowhere else.

mod common;

use common::{code, target};
use jit_optimizer::{Entered, Known, LandingPads, Optimizer, Options};
use jit_schema::Codegen;

const LINUX: &str = "x86_64-unknown-linux-gnu";
const WINDOWS_32: &str = "i686-pc-windows-msvc";
const ARM_LINUX: &str = "aarch64-unknown-linux-gnu";

fn optimize(triple: &str, entered: Entered, assembly: &str) -> Vec<String> {
    let options = Options::default().landing_pads(LandingPads::Exact);
    let known = Known {
        entered,
        ..Known::default()
    };
    let optimizer = Optimizer::new(target(triple), options);
    code(&optimizer.optimize_with(assembly, &known).unwrap().assembly)
}

#[test]
fn the_start_of_a_stencil() {
    for (triple, prefix, pad, comment) in [
        (LINUX, "", "endbr64", "#"),
        (WINDOWS_32, "_", "endbr32", "#"),
        (ARM_LINUX, "", "hint #34", "//"),
    ] {
        let input = format!(
            "\t.globl\t{prefix}_JIT_ENTRY\n\t.def\t{prefix}_JIT_ENTRY;\n{prefix}_JIT_ENTRY: {comment} \
             @{prefix}_JIT_ENTRY\n\t{pad}\n\tnop\n\tret\n"
        );
        let entered = optimize(triple, Entered::ThroughPointers, &input);
        let direct = optimize(triple, Entered::Directly, &input);
        // `#` starts a comment for the function that removes them.
        let pad = pad.split('#').next().unwrap().trim();
        assert_eq!(entered.iter().filter(|line| *line == pad).count(), 1);
        assert_eq!(direct.iter().filter(|line| *line == pad).count(), 0);
        let without: Vec<&String> = entered.iter().filter(|line| *line != pad).collect();
        assert_eq!(without, direct.iter().collect::<Vec<_>>(), "{triple}");
        assert_eq!(entered[1], pad, "{entered:?}");
        // The same if the compiler had put none.
        let other = input.replace("\tendbr64\n", "").replace("\tendbr32\n", "");
        let other = other.replace("\thint #34\n", "");
        assert_eq!(optimize(triple, Entered::ThroughPointers, &other), entered);
    }
}

/// A pad stays where the compiler's output has it unless exact pads are asked for: upstream's bytes.
#[test]
fn pads_of_the_compiler_stay() {
    let input = "\t.globl\t_JIT_ENTRY\n_JIT_ENTRY:\n\tendbr64\n\tjmp\t_JIT_CONTINUE\n";
    for codegen in [Codegen::Upstream, Codegen::Tuned] {
        let text = common::optimize(LINUX, codegen, input);
        assert_eq!(code(&text), ["_JIT_ENTRY:", "endbr64", ".L_JIT_CONTINUE:"]);
    }
}

/// Control enters at the start of the code, and the entry's code comes later.
#[test]
fn a_start_before_other_functions() {
    let input = "\t.text\n\t.globl\town\nown: # @own\n\tendbr64\n\tretq\n\t.globl\t_JIT_ENTRY\n_JIT_ENTRY: # @_JIT_ENTRY\n\
                 \tendbr64\n\tcallq\town\n\tjmp\t_JIT_CONTINUE\n";
    assert_eq!(
        optimize(LINUX, Entered::ThroughPointers, input),
        [
            "_JIT_ENTRY:",
            "endbr64",
            "jmp .L_JIT_BODY",
            "own:",
            "retq",
            ".L_JIT_BODY:",
            "callq own",
            ".L_JIT_CONTINUE:"
        ]
    );
    assert!(!optimize(LINUX, Entered::Directly, input).contains(&"endbr64".to_owned()));
}

/// A function whose address is passed on, one that is only called, and a string with the name of the latter.
#[test]
fn functions_whose_addresses_are_taken() {
    let input = "\t.text\n\t.globl\t_JIT_ENTRY\n_JIT_ENTRY: # @_JIT_ENTRY\n\tendbr64\n\tleaq\ttaken(%rip), %rdi\n\tcallq\t*f@GOTPCREL(%rip)\n\
                 \tcallq\tcalled\n\tjmp\t_JIT_CONTINUE\ntaken: # @taken\n\tendbr64\n\tretq\ncalled: # @called\n\tendbr64\n\tretq\n\
                 \t.section\t.rodata\n.Lname:\n\t.asciz\t\"called\"\n";
    let found = optimize(LINUX, Entered::Directly, input);
    let after = |label: &str| {
        let at = found.iter().position(|line| line == label).unwrap();
        found[at + 1].as_str()
    };
    assert_eq!(after("taken:"), "endbr64", "{found:?}");
    assert_eq!(after("called:"), "retq", "{found:?}");
    assert_eq!(after("_JIT_ENTRY:"), "leaq taken(%rip), %rdi", "{found:?}");
}

/// A call on 32-bit Windows is no instruction that upstream's optimizer knows.
#[test]
fn calls_take_no_address() {
    let input = "\t.text\n\t.def\t__JIT_ENTRY;\n\t.globl\t__JIT_ENTRY\n__JIT_ENTRY: # @_JIT_ENTRY\n\tendbr32\n\tcalll\t_own\n\tmovl\t$_taken, %eax\n\
                 \tjmp\t__JIT_CONTINUE\n_own: # -- Begin function own\n # @own\n\tendbr32\n\tcalll\t_own\n\tretl\n_taken: # @taken\n\tendbr32\n\tretl\n";
    let found = optimize(WINDOWS_32, Entered::Directly, input).join("\n");
    assert!(
        found.contains("_own:\ncalll") && found.contains("_taken:\nendbr32\nretl"),
        "{found}"
    );
}

/// clang turns the check off for a jump through a table. It is turned on, and the blocks of the table get pads.
#[test]
fn jumps_through_tables() {
    let input = "\t.text\n\t.globl\t_JIT_ENTRY\n_JIT_ENTRY: # @_JIT_ENTRY\n\tendbr64\n\tnotrack\t\tjmpq\t*.LJTI0_0(,%rax,8)\n.LBB0_1:\n\tincl\t%eax\n\
                 \tjmp\t_JIT_CONTINUE\n.LBB0_2:\n\tdecl\t%eax\n.LBB0_3:\n\tnop\n\tjmp\t_JIT_CONTINUE\n\
                 \t.section\t.rodata\n.LJTI0_0:\n\t.quad\t.LBB0_1\n\t.quad\t.LBB0_2\n";
    let found = optimize(LINUX, Entered::Directly, input);
    let text = found.join("\n");
    assert!(!text.contains("notrack"), "{text}");
    for block in [
        ".LBB0_1:\nendbr64\nincl",
        ".LBB0_2:\nendbr64\ndecl",
        ".LBB0_3:\nnop",
    ] {
        assert!(text.contains(block), "{text}");
    }
    assert_eq!(text.matches("endbr64").count(), 2, "{text}");
}

/// Pads within functions are where the compiler needs them: after a call that returns twice, and at a block whose address is taken.
#[test]
fn pads_within_functions_stay() {
    let input = "\t.text\n\t.globl\t_JIT_ENTRY\n_JIT_ENTRY: # @_JIT_ENTRY\n\tendbr64\n\tcallq\t*setjmp@GOTPCREL(%rip)\n\tendbr64\n\ttestl\t%eax, %eax\n\
                 \tjne\t.LBB0_2\n\tjmp\t_JIT_CONTINUE\n.LBB0_2:\n\tretq\n";
    let found = optimize(LINUX, Entered::Directly, input);
    assert_eq!(
        found.iter().filter(|line| *line == "endbr64").count(),
        1,
        "{found:?}"
    );
    // clang leaves it out after a call through a slot, whatever the name has before it on other systems.
    for (call, pads) in [
        ("callq\t*setjmp@GOTPCREL(%rip)", 1),
        ("callq\t*__sigsetjmp@GOTPCREL(%rip)", 1),
        ("callq\t_setjmp", 1),
        ("callq\t*unset_jmp@GOTPCREL(%rip)", 0),
        ("callq\t*setjmp_of_mine@GOTPCREL(%rip)", 0),
        ("leaq\tsetjmp(%rip), %rax", 0),
    ] {
        let input = format!(
            "\t.text\n\t.globl\t_JIT_ENTRY\n_JIT_ENTRY: # @_JIT_ENTRY\n\tendbr64\n\t{call}\n\ttestl\t%eax, %eax\n\tjne\t.LBB0_2\n\
             \tjmp\t_JIT_CONTINUE\n.LBB0_2:\n\tretq\n"
        );
        let found = optimize(LINUX, Entered::Directly, &input);
        let call = call.replace('\t', " ");
        let after = found
            .iter()
            .skip_while(|line| line.replace('\t', " ") != call)
            .nth(1);
        let all = found.iter().filter(|line| *line == "endbr64").count();
        assert_eq!(all, pads, "{found:?}");
        assert_eq!(
            after.is_some_and(|line| line == "endbr64"),
            pads == 1,
            "{found:?}"
        );
    }
    let input = "\t.text\n\t.globl\t_JIT_ENTRY\n_JIT_ENTRY: // @_JIT_ENTRY\n\thint\t#34\n\tbr\tx8\n.LBB0_1:\n\thint\t#36\n\tb\t_JIT_CONTINUE\n\
                 \t.section\t.rodata\n.Ltable:\n\t.xword\t.LBB0_1\n";
    let found = optimize(ARM_LINUX, Entered::Directly, input);
    assert_eq!(
        found.iter().filter(|line| line.starts_with("hint")).count(),
        1,
        "{found:?}"
    );
}

/// A signed return address is a landing pad by itself.
#[test]
fn signing_is_a_pad() {
    let input = "\t.text\n\t.globl\t_JIT_ENTRY\n_JIT_ENTRY: // @_JIT_ENTRY\n\thint\t#25\n\tstr\tx30, [sp, #-16]!\n\tb\t_JIT_CONTINUE\n";
    for entered in [Entered::ThroughPointers, Entered::Directly] {
        let found = optimize(ARM_LINUX, entered, input);
        assert_eq!(
            found.iter().filter(|line| line.starts_with("hint")).count(),
            1,
            "{found:?}"
        );
    }
}
