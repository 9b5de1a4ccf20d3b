//! What tuned passes change and what they leave alone, in hand-made code and in the example.
//! `tuned_semantics.rs` checks that the code still does the same.

mod common;

use common::{code, optimize, target, wrapped};
use fixtures::{generated::opnames, golden, inputs};
use jit_schema::Codegen;

const LINUX: &str = "x86_64-unknown-linux-gnu";
const DARWIN: &str = "x86_64-apple-darwin";
const WINDOWS: &str = "x86_64-pc-windows-msvc";
const NARROW: &str = "i686-pc-windows-msvc";

fn tuned(triple: &str, body: &str) -> Vec<String> {
    optimized(triple, Codegen::Tuned, body)
}

fn optimized(triple: &str, codegen: Codegen, body: &str) -> Vec<String> {
    let prefix = target(triple).symbol_prefix;
    let lines = code(&optimize(triple, codegen, &wrapped(prefix, body)));
    lines[1..lines.len() - 1].to_vec()
}

/// The label of a field for `symbol * scale + addend`.
fn label(kind: &str, value: (&str, &str, &str), number: u32) -> String {
    let (symbol, scale, addend) = value;
    format!(
        "CUSTOM_X86_64_{kind}_JIT_RELOCATION_{symbol}_JIT_TIMES_{scale}_JIT_PLUS_{addend}_JIT_RELOCATION_{number}:"
    )
}

const MARK: u32 = jit_schema::label::FIELD_MARK;

#[test]
fn small_values_are_immediate() {
    let set = |register: &str| format!("movl ${MARK}, %{register}");
    let oparg = label("FIELD32", ("_JIT_OPARG", "1", "0"), 0);
    let target = label("FIELD32", ("_JIT_TARGET", "1", "0"), 1);
    let expected = [
        set("eax"),
        oparg.clone(),
        "movl %eax, %r9d".to_owned(),
        set("r8d"),
        target,
    ];
    let elf = "\tmovabsq\t$_JIT_OPARG, %rax\n\tmovzwl\t%ax, %eax\n\tmovzwl\t%ax, %r9d\n\
               \tmovabsq\t$_JIT_TARGET, %r8\n\tmovl\t%r8d, %r8d\n";
    assert_eq!(tuned(LINUX, elf), expected);
    let coff = "\tmovq\t__imp__JIT_OPARG(%rip), %rax\n\tmovzwl\t%ax, %r9d\n\
                \tmovl\t__imp__JIT_TARGET(%rip), %r8d\n";
    assert_eq!(tuned(WINDOWS, coff), expected);
    let macho = "\tmovzwl\t__JIT_OPARG@GOTPCREL(%rip), %eax\n\tmovl\t%eax, %r9d\n\
                 \tmovq\t__JIT_TARGET@GOTPCREL(%rip), %r8\n";
    assert_eq!(tuned(DARWIN, macho), expected);
    // Labels do not start an atom.
    let text = optimize(DARWIN, Codegen::Tuned, &wrapped("_", macho));
    let alternative = format!("\n\t.alt_entry\t{}\n{oparg}\n", oparg.trim_end_matches(':'));
    assert!(text.contains(&alternative), "{text}");
}

/// The next micro-op reads all registers unless it is known what its arguments are in, so these are written.
#[test]
fn values_become_fields() {
    let oparg = |scale, addend, number| label("FIELD32S", ("_JIT_OPARG", scale, addend), number);
    let low = |number| label("FIELD32", ("_JIT_OPERAND0_LO", "1", "0"), number);
    let clear = "\txorl\t%eax, %eax\n";
    let mut index = format!("movq {MARK}(%r13), %rdi");
    for (body, kept, field) in [
        // The index of a local variable.
        (
            "\tmovabsq\t$_JIT_OPARG, %rax\n\tmovq\t80(%r13,%rax,8), %rdi\n",
            &mut index,
            oparg("8", "80", 0),
        ),
        (
            "\tmovabsq\t$_JIT_OPARG, %rax\n\tnotl\t%eax\n\tmovslq\t%eax, %rax\n\
             \tcmpq\t$1, (%r14,%rax,8)\n",
            &mut format!("cmpq $1, {MARK}(%r14)"),
            oparg("m8", "m8", 0),
        ),
        // The version of a type.
        (
            "\tmovabsq\t$_JIT_OPERAND0, %rax\n\tcmpl\t%eax, 384(%rcx)\n",
            &mut format!("cmpl ${MARK}, 384(%rcx)"),
            low(0),
        ),
        (
            "\tmovabsq\t$_JIT_OPARG, %rax\n\tleal\t(,%rax,8), %eax\n\tsubq\t%rax, %rsi\n",
            &mut format!("subq ${MARK}, %rsi"),
            oparg("8", "0", 0),
        ),
    ] {
        let lines = tuned(LINUX, &format!("{body}{clear}"));
        assert_eq!(lines, [kept.as_str(), &field, "xorl %eax, %eax"], "{body}");
    }
    // The register is read later: by the next micro-op, by a function, or by a loop.
    for rest in [
        "",
        "\tcallq\tf\n\txorl\t%eax, %eax\n",
        ".LBB0_1:\n\tincq\t%rax\n\tjne\t.LBB0_1\n\txorl\t%eax, %eax\n",
    ] {
        let body = format!("\tmovabsq\t$_JIT_OPARG, %rax\n\tmovq\t80(%r13,%rax,8), %rdi\n{rest}");
        let lines = tuned(LINUX, &body);
        assert_eq!(lines[0], format!("movl ${MARK}, %eax"), "{rest}");
        assert_eq!(lines[2], "movq 80(%r13,%rax,8), %rdi", "{rest}");
    }
    // Fields would make the code longer.
    let twice = "\tmovq\t80(%r13,%rax,8), %rdi\n".repeat(4);
    let lines = tuned(
        LINUX,
        &format!("\tmovabsq\t$_JIT_OPARG, %rax\n{twice}{clear}"),
    );
    assert_eq!(lines.len(), 7, "{lines:?}");
}

#[test]
fn addresses_have_shorter_instructions() {
    let load = |codegen, symbol: &str| {
        optimized(LINUX, codegen, &format!("\tmovabsq\t${symbol}, %rcx\n")).concat()
    };
    let from_slot = "movq PyLong_Type@GOTPCREL(%rip), %rcx";
    assert_eq!(load(Codegen::Small, "PyLong_Type"), from_slot);
    let whole = "movabsq $PyLong_Type, %rcx";
    assert_eq!(load(Codegen::Tuned, "PyLong_Type"), whole);
    for symbol in ["_Py_NoneStruct+1", "1234567890123", "_JIT_JUMP_TARGET"] {
        let whole = format!("movabsq ${symbol}, %rcx");
        assert_eq!(load(Codegen::Small, symbol), whole);
    }
    let text = "\tmovabsq\t$.L.str+1, %rcx\n\tjmp\t_JIT_CONTINUE\n\
                \t.section\t.rodata.str1.1,\"aMS\",@progbits,1\n.L.str:\n\t.asciz\t\"ab\"\n";
    for codegen in [Codegen::Tuned, Codegen::Small] {
        let lines = optimized(LINUX, codegen, text);
        assert_eq!(lines[0], "leaq .L.str+1(%rip), %rcx", "{lines:?}");
    }
}

/// jit-cli hides in empty inline assembly where a value comes from. Clang prints comments for it.
#[test]
fn empty_inline_assembly_separates_nothing() {
    let on = |triple: &str, load: &str, [start, end]: [&str; 2], mask: &str| {
        let with = format!("{load}\t{start}\n\t{end}\n{mask}");
        let other = format!("{load}\t{start}\n\tnop\n\t{end}\n{mask}");
        let plain = tuned(triple, &format!("{load}{mask}"));
        assert_eq!(tuned(triple, &with), plain);
        assert!(
            !plain.contains(&mask.trim().replace('\t', " ")),
            "{plain:?}"
        );
        // What is not empty may change the register.
        assert!(tuned(triple, &other).len() > plain.len());
    };
    let elf = "\tadrp\tx8, :got:_JIT_OPARG_16\n\tldr\tx8, [x8, :got_lo12:_JIT_OPARG_16]\n";
    let macho = "\tadrp\tx8, __JIT_OPARG_16@GOTPAGE\n\tldr\tx8, [x8, __JIT_OPARG_16@GOTPAGEOFF]\n";
    let mask = "\tand\tx8, x8, #0xffff\n";
    on(
        "aarch64-unknown-linux-gnu",
        elf,
        ["//APP", "//NO_APP"],
        mask,
    );
    let words = ["; InlineAsm Start", "; InlineAsm End"];
    on("aarch64-apple-darwin", macho, words, mask);
    let absolute = "\tmovabsq\t$_JIT_OPARG, %rax\n";
    let mask = "\tmovzwl\t%ax, %eax\n";
    on(LINUX, absolute, ["#APP", "#NO_APP"], mask);
    let slot = "\tmovq\t__JIT_OPARG@GOTPCREL(%rip), %rax\n";
    let words = ["## InlineAsm Start", "## InlineAsm End"];
    on(DARWIN, slot, words, mask);
}

#[test]
fn what_is_not_known_to_be_small_stays() {
    for (triple, line) in [
        (LINUX, "movabsq $_JIT_OPERAND0, %rax"),
        (LINUX, "movabsq $_JIT_OPARG_16, %rax"),
        (LINUX, "movabsq $_JIT_JUMP_TARGET, %rax"),
        // These keep the rest of the register.
        (DARWIN, "movb __JIT_OPARG@GOTPCREL(%rip), %cl"),
        (DARWIN, "movw __JIT_OPARG@GOTPCREL(%rip), %cx"),
        // These read only a part of the value, or do more than load it.
        (WINDOWS, "movzwl __imp__JIT_TARGET(%rip), %eax"),
        (WINDOWS, "movzbl __imp__JIT_OPARG(%rip), %eax"),
        (WINDOWS, "addq __imp__JIT_OPARG(%rip), %rax"),
    ] {
        assert_eq!(tuned(triple, &format!("\t{line}\n")), [line]);
    }
    // In between, the register is written or may be written.
    let load = "\tmovabsq\t$_JIT_OPARG, %rax\n";
    for between in [
        "incl %eax",
        "movb $1, %ah",
        "callq f",
        "xchgl %eax, %ecx",
        "cltq",
        "mull %ecx",
        "rep;stosb",
        "popq %rax",
        "loop .LBB0_9",
    ] {
        let body = format!("{load}\tjne\t.LBB0_1\n\t{between}\n\tmovzwl\t%ax, %eax\n.LBB0_9:\n");
        let lines = tuned(LINUX, &body);
        assert!(
            lines.contains(&"movzwl %ax, %eax".to_owned()),
            "{between}: {lines:?}"
        );
    }
}

#[test]
fn arguments_stay_where_they_are() {
    let body = "\tpushl\t%esi\n\tmovl\t12(%esp), %esi\n\tmovl\t8(%esp), %eax\n\tincl\t(%eax)\n\
                \tmovl\t%eax, 8(%esp)\n\tmovl\t%esi, 12(%esp)\n\tpopl\t%esi\n\
                \tjmp\t__JIT_JUMP_TARGET\n";
    let kept = [
        "pushl %esi",
        "movl 8(%esp), %eax",
        "incl (%eax)",
        "popl %esi",
        "jmp __JIT_JUMP_TARGET",
    ];
    let tuned = |body: &str| -> Vec<String> {
        let text = optimize(NARROW, Codegen::Tuned, &wrapped("_", body));
        code(&text)[1..]
            .iter()
            .filter(|line| !line.ends_with(':'))
            .cloned()
            .collect()
    };
    let plain = |body: &str| code(&wrapped("_", body))[1..].to_vec();
    assert_eq!(tuned(body), kept);
    // If the function removed nothing from the stack, the store would put the word back.
    let called = body
        .replacen("incl\t(%eax)", "pushl\t%eax\n\tcalll\t_f@4", 1)
        .replacen("%esi, 12(%esp)", "%esi, 16(%esp)", 1);
    assert!(tuned(&called).contains(&"movl %esi, 16(%esp)".to_owned()));
    // The word of another argument, a changed register, a changed word, a function that removes its
    // arguments from the stack, a pointer to the stack, an unknown instruction.
    for (old, new) in [
        ("%esi, 12(%esp)", "%esi, 16(%esp)"),
        ("incl\t(%eax)", "incl\t%eax\n\tincl\t%esi"),
        ("incl\t(%eax)", "incl\t8(%esp)\n\tincl\t12(%esp)"),
        (
            "incl\t(%eax)",
            "pushl\t%eax\n\tcalll\t_f@4\n\tmovl\t8(%esp), %eax",
        ),
        ("incl\t(%eax)", "leal\t8(%esp), %edi"),
        ("incl\t(%eax)", "movl\t%esp, %edi"),
        ("incl\t(%eax)", "strange\t%edi"),
    ] {
        let changed = body.replacen(old, new, 1);
        let stores = |lines: &[String]| lines.iter().filter(|l| l.ends_with("(%esp)")).count();
        assert!(stores(&plain(&changed)) > 0);
        let (before, after) = (plain(&changed), tuned(&changed));
        let at = |lines: &[String], end: &str| lines.iter().any(|l| l.ends_with(end));
        assert!(
            at(&after, "%esi, 12(%esp)") || at(&after, "%esi, 16(%esp)"),
            "{new}: {before:?} {after:?}"
        );
    }
}

/// In all micro-ops of the example, as upstream compiles them, each load of a small value that can be
/// immediate is, and on i686 the pass removes more than half of the stores to the stack.
#[test]
fn the_example() {
    for triple in [LINUX, DARWIN, WINDOWS, NARROW] {
        let (mut before, mut after, mut loads) = (0, 0, 0);
        for opname in opnames(triple) {
            let assembly = golden::read_text(&inputs::assembly(triple, &opname));
            let upstream = code(&optimize(triple, Codegen::Upstream, &assembly));
            let tuned = code(&optimize(triple, Codegen::Tuned, &assembly));
            let stores = |lines: &[String]| {
                let lines = lines.iter();
                lines
                    .filter(|line| line.starts_with("movl %e") && line.ends_with("(%esp)"))
                    .count()
            };
            before += stores(&upstream);
            after += stores(&tuned);
            let small = |line: &&String| {
                let wide = line.starts_with("movb") || line.contains("_JIT_RELOCATION_");
                (line.contains("_JIT_OPARG") || line.contains("_JIT_TARGET")) && !wide
            };
            loads += upstream.iter().filter(small).count();
            if triple != NARROW {
                assert_eq!(
                    tuned.iter().find(|line| small(line)),
                    None,
                    "{triple} {opname}"
                );
            }
        }
        assert!(loads > 15, "{triple}: {loads}");
        if triple == NARROW {
            assert!(before > 500 && after * 2 < before, "{after} of {before}");
        }
    }
}
