//! Batches give the same results as one process for each micro-op.
//!
//! CPython's build.py runs one process for each step, and `goldens` compares its results for the whole example.
//! Here, `--one-process-per-step` is compared, with fewer micro-ops.

use fixtures::TRIPLES;

use crate::{
    sandbox::{Run, Sandbox},
    tinyvm::{Files, TEMPLATE, case, case_with, file, line_of_case, text},
};

/// Micro-ops that together use every relocation, section and pass.
pub(crate) const SOME: [&str; 7] = [
    "_CHECK_STACK_r00",
    "_CONVERT_UNIT_r11",
    "_JUMP_r00",
    "_LOAD_CONST_r01",
    "_MATH_r11",
    "_PRINT_LOCALS_r00",
    "_SWITCH_TABLE_r11",
];

/// Returns a copy of the example with these micro-ops only.
pub(crate) fn some() -> Sandbox {
    Sandbox::new().tinyvm_of(&SOME.map(case))
}

/// Builds in batches and with one process for each step, and compares the files.
#[track_caller]
pub(crate) fn both_ways(sandbox: &Sandbox, run: fn(&Sandbox) -> Run<'_>) -> Files {
    let quick = run(sandbox).succeeds();
    assert!(!quick.stderr.contains("slow"), "{}", quick.stderr);
    let batch = sandbox.files("out");
    run(sandbox)
        .with(&["--force", "--one-process-per-step"])
        .succeeds();
    let slow = sandbox.files("out");
    let names = |files: &Files| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&batch), names(&slow));
    for (name, contents) in &batch {
        let readable = |bytes| String::from_utf8_lossy(bytes).into_owned();
        same_lines(name, &readable(contents), &readable(&slow[name]));
        assert!(*contents == slow[name], "{name}");
    }
    batch
}

#[track_caller]
fn same_lines(name: &str, ours: &str, theirs: &str) {
    let mut lines = ours.lines().zip(theirs.lines()).zip(1..);
    if let Some(((ours, theirs), line)) = lines.find(|((ours, theirs), _)| ours != theirs) {
        panic!("{name}:{line}:\n{ours}\n{theirs}");
    }
}

#[test]
fn all_targets() {
    fixtures::needs!(clang_22, objdump_22);
    both_ways(&some(), |sandbox| sandbox.build_for(&TRIPLES));
}

/// With several batches at the same time, the order of the results still is that of the cases.
#[test]
fn order() {
    fixtures::needs!(clang_22, objdump_22);
    let (files, _) = crate::goldens::release();
    for triple in TRIPLES {
        let header = text(files, &format!("jit_stencils-{triple}.h"));
        let emitted: Vec<&str> = header
            .lines()
            .filter_map(|line| line.strip_prefix("emit_")?.strip_suffix('('))
            .collect();
        assert_eq!(emitted, fixtures::generated::opnames(triple));
    }
}

/// Headers that can't be precompiled for all micro-ops are compiled by the driver.
#[test]
fn a_header_that_depends_on_the_micro_op() {
    fixtures::needs!(clang_22, objdump_22);
    let names = SOME;
    let cases = names.map(|name| case_with(name, "thread->error = this_opcode;"));
    let sandbox = Sandbox::new().tinyvm_of(&cases);
    let template = file("Tools/jit/template.c");
    sandbox.write(TEMPLATE, format!("#include \"this_opcode.h\"\n{template}"));
    let in_a_string = "#define QUOTED(NAME) #NAME\n\
                       #define STRING(NAME) QUOTED(NAME)\n\
                       static const char this_opcode[] = \"this is \" STRING(_JIT_OPCODE);\n";
    let conditions = names.iter().enumerate().map(|(number, name)| {
        let number = number + 1;
        format!(
            "#define {name} {number}\n#if _JIT_OP\\\nCODE == {number}\n\
             static const char this_opcode[] = \"this is {name}\";\n#endif\n#undef {name}\n"
        )
    });
    for header in [in_a_string.to_owned(), conditions.collect()] {
        sandbox.write("vm/Include/this_opcode.h", header);
        let printed = sandbox.build().with(&["--force"]).succeeds();
        let why = "this_opcode.h mentions _JIT_OPCODE";
        assert!(printed.stderr.contains(why), "{}", printed.stderr);
        let header = sandbox.text("out/jit_stencils-x86_64-unknown-linux-gnu.h");
        for name in names {
            assert!(header.contains(&format!("this is {name}")), "{header}");
        }
    }
}

/// `__LINE__` and `__FILE__` are as if each micro-op had its own file, whether the headers are precompiled (for
/// more than a few micro-ops) or not.
#[test]
fn lines_and_file_names() {
    fixtures::needs!(clang_22, objdump_22);
    let line = line_of_case() + 1;
    let body = "thread->error = __FILE__ + 0x5afe0000 + __LINE__;";
    for others in [&SOME[..0], &SOME] {
        let mut cases = vec![case_with("_NOP_r00", body)];
        cases.extend(others.iter().map(|name| case(name)));
        let sandbox = Sandbox::new().tinyvm_of(&cases);
        let files = both_ways(&sandbox, Sandbox::build);
        let header = text(&files, "jit_stencils-x86_64-unknown-linux-gnu.h");
        let name = "'_NOP_r00.c\\x00'";
        assert!(header.contains(name), "{name}\n{header}");
        // The line number is in the instruction's bytes.
        let number = 0x5afe_0000 + u32::try_from(line).unwrap();
        let bytes = number.to_le_bytes().map(|byte| format!("0x{byte:02x}"));
        let words: Vec<&str> = header.split_whitespace().collect();
        let code = words.join(" ");
        assert!(code.contains(&bytes.join(", ")), "{bytes:?}\n{header}");
    }
}

/// On x86_64 Linux, the table of the switch has an address of 32 bits at first, and no register is free for
/// another: the micro-op is compiled again, as position-independent code, and the others are not.
#[test]
fn a_switch_without_a_free_register() {
    fixtures::needs!(clang_22, objdump_22);
    let body = "
        volatile uint64_t out[12];
        uint64_t start = (uintptr_t)tos0, a = (uintptr_t)frame, b = (uintptr_t)thread;
        for (uint32_t i = 0; i < 12; i++) {
            uint64_t x = start;
            switch (i) {
            case 0: x += 5; break;
            case 1: x *= a; break;
            case 2: x ^= 0x5555; break;
            case 3: x = x * 3 - b; break;
            case 4: x -= a; break;
            case 5: x = ~x; break;
            case 6: x <<= 7; break;
            case 7: x = x >> 3; break;
            case 8: x |= b; break;
            default: x = 1;
            }
            out[i] = x;
        }
        tos0 = (vm_value)(uintptr_t)out[3];";
    let mut cases = SOME.map(case).to_vec();
    let alone = Sandbox::new().tinyvm_of(&cases);
    cases.push(case_with("_NOP_r00", body));
    let sandbox = Sandbox::new().tinyvm_of(&cases);
    let files = both_ways(&sandbox, Sandbox::build);
    let header = text(&files, "jit_stencils-x86_64-unknown-linux-gnu.h");
    let function = |header: &str, name: &str| {
        let start = header.find(&format!("\nemit_{name}(")).unwrap();
        let rest = &header[start..];
        rest[..rest.find("\n}").unwrap()].to_owned()
    };
    // The distances from the table, which position-independent code adds.
    assert!(function(header, "_NOP_r00").contains("movslq"), "{header}");
    alone.build().succeeds();
    let before = alone.text("out/jit_stencils-x86_64-unknown-linux-gnu.h");
    for name in SOME {
        assert_eq!(function(header, name), function(&before, name));
    }
}
