//! Plain headers of stencils that take operands and targets by number.

use std::process::{Command, Stdio};

use jit_schema::Target;
use jit_stencils::{
    Hole, HoleValue, Interface, Part, PatchKind, PatchValue, Stencil, StencilGroup, StencilSet,
};
use jit_writer::{HeaderError, HeaderFormat, Preamble};

const PREAMBLE: Preamble<'static> = Preamble {
    digest: "0123abcd",
    comment: "$ the command",
};

fn hole(offset: usize, patch: PatchKind, base: HoleValue, addend: i64) -> Hole {
    let symbol = None;
    Hole {
        offset,
        patch,
        value: PatchValue::Address {
            base,
            symbol,
            addend,
        },
        first: None,
        void: false,
    }
}

/// movabs rax, OPERAND_4; jmp PLACE_1, and two halves in the data; then a micro-op that takes nothing.
fn numbers() -> StencilSet {
    let takes = StencilGroup {
        code: Stencil {
            body: b"\x48\xb8\0\0\0\0\0\0\0\0\xe9\0\0\0\0".to_vec(),
            holes: vec![
                hole(2, PatchKind::Patch64, HoleValue::Operand(4), 0),
                hole(11, PatchKind::Patch32r, HoleValue::Place(1), -4),
            ],
        },
        data: Stencil {
            body: vec![0; 16],
            holes: vec![
                hole(0, PatchKind::Patch64, HoleValue::OperandHigh(0), 0),
                hole(8, PatchKind::Patch64, HoleValue::OperandLow(0), 16),
            ],
        },
        interface: Interface {
            operands: vec![64, 0, 0, 0, 48],
            targets: 2,
        },
        ..StencilGroup::default()
    };
    let nothing = StencilGroup {
        code: Stencil {
            body: vec![0xc3],
            holes: vec![],
        },
        ..StencilGroup::default()
    };
    StencilSet {
        target: *Target::from_triple("x86_64-unknown-linux-gnu").unwrap(),
        groups: vec![("TAKES".to_owned(), takes), ("LEAVE".to_owned(), nothing)],
        symbols: vec![],
        shim: None,
        families: vec![],
    }
}

fn header() -> String {
    HeaderFormat::PLAIN
        .stencil_header(PREAMBLE, &numbers())
        .unwrap()
}

#[test]
fn instructions_have_arrays() {
    let header = header();
    for expected in [
        "typedef struct {\n\
         \x20   const uint64_t *operands; // _JIT_OPERAND_0, _JIT_OPERAND_1, and so on\n\
         \x20   const uintptr_t *targets; // the addresses of _JIT_PLACE_0, _JIT_PLACE_1, and so on\n\
         } jit_instruction;\n",
        "patch_64(data + 0x0, (instruction->operands[0] >> 32));\n",
        "patch_64(data + 0x8, (instruction->operands[0] & UINT32_MAX) + 0x10);\n",
        "patch_64(code + 0x2, instruction->operands[4]);\n",
        "patch_32r(code + 0xb, instruction->targets[1] + -0x4);\n",
        "#define JIT_OPERAND_COUNT 5\n",
        // In the order of the names.
        "jit_operand_bits[2][5] = {\n    {0},\n    {64, 0, 0, 0, 48},\n};\n",
        "jit_target_counts[2] = {\n    0,\n    2,\n};\n",
        "jit_operand_bits[JIT_UOP_...] says how many bits",
    ] {
        assert!(header.contains(expected), "{expected}\nis not in\n{header}");
    }
    assert!(!header.contains("oparg"));
}

#[test]
fn a_set_with_both_kinds_has_both_kinds_of_fields() {
    let mut set = numbers();
    let oparg = hole(0, PatchKind::Patch64, HoleValue::Oparg, 0);
    set.groups[1].1.data = Stencil {
        body: vec![0; 8],
        holes: vec![oparg],
    };
    let header = HeaderFormat::PLAIN.stencil_header(PREAMBLE, &set).unwrap();
    for expected in ["uint16_t oparg;", "const uint64_t *operands;"] {
        assert!(header.contains(expected), "{header}");
    }
}

/// CPython's instructions have no values with numbers.
#[test]
fn cpython_refuses_them_by_name() {
    let error = HeaderFormat::CPYTHON_3_15
        .stencil_header(PREAMBLE, &numbers())
        .unwrap_err();
    let expected = HeaderError::Value {
        opname: "TAKES".to_owned(),
        part: Part::Code,
        offset: 2,
        value: HoleValue::Operand(4),
        format: "cpython-3.15",
    };
    assert_eq!(error, expected);
    assert_eq!(
        error.to_string(),
        "TAKES: code+0x2 takes _JIT_OPERAND_4 from its instruction, and instructions of programs that use a \
         cpython-3.15 header have no such value: write a plain header or a stencil file instead"
    );
}

/// Links TAKES, which goes to micro-op 2, LEAVE, and TAKES, which goes to micro-op 1.
const HOST: &str = r#"
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static void patch_64(unsigned char *location, uint64_t value) {
    memcpy(location, &value, sizeof value);
}

static void patch_32r(unsigned char *location, uint64_t value) {
    uint32_t distance = (uint32_t)(value - (uintptr_t)location);
    memcpy(location, &distance, sizeof distance);
}

#include "stencils.h"

int main(void) {
    static const int trace[3] = {JIT_UOP_TAKES, JIT_UOP_LEAVE, JIT_UOP_TAKES};
    static const uint64_t operands[3][5] = {
        {0x1122334455667788, 9, 9, 9, 0xa1a2a3a4a5a6}, {0}, {1, 2, 3, 4, 5}};
    static unsigned char code[64], data[64];
    uintptr_t starts[3];
    size_t size = 0, data_size = 0;
    for (int index = 0; index < 3; index++) {
        starts[index] = (uintptr_t)code + size;
        size += jit_stencils[trace[index]].code_size;
    }
    for (int index = 0; index < 3; index++) {
        uintptr_t targets[2] = {0, starts[2 - index / 2]};
        jit_instruction instruction = {operands[index], targets};
        jit_stencils[trace[index]].emit(
            (unsigned char *)starts[index], data + data_size, &instruction, 0);
        data_size += jit_stencils[trace[index]].data_size;
    }
    for (int at = 0; at < 3; at++) {
        printf("%d operands, %d targets\n", jit_operand_bits[trace[at]][4], jit_target_counts[trace[at]]);
    }
    for (size_t at = 0; at < size; at++) printf("%02x", code[at]);
    puts("");
    for (size_t at = 0; at < data_size; at++) printf("%02x", data[at]);
    puts("");
    return 0;
}
"#;

#[test]
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
fn a_host_links_them() {
    fixtures::needs!(c_compiler);
    let compiler = fixtures::needs::c_compiler().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    std::fs::write(path("stencils.h"), header()).unwrap();
    std::fs::write(path("host.c"), HOST).unwrap();
    let run = |command: &mut Command| {
        let output = command.stdin(Stdio::null()).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    for language in [["c", "c11"], ["c++", "c++17"]] {
        let [language, standard] = language;
        run(Command::new(&compiler)
            .args(["-Wall", "-Wextra", "-Werror", "-x", language])
            .arg(format!("-std={standard}"))
            .arg(path("host.c"))
            .arg("-o")
            .arg(path("host")));
        let output = run(&mut Command::new(path("host")));
        let lines: Vec<&str> = output.lines().collect();
        assert_eq!(
            lines,
            [
                "48 operands, 2 targets",
                "0 operands, 0 targets",
                "48 operands, 2 targets",
                // To 16, which is 1 byte after the end; and from 31 to 15.
                "48b8a6a5a4a3a2a10000e901000000\
                 c3\
                 48b80500000000000000e9f0ffffff",
                "4433221100000000\
                 9877665500000000\
                 0000000000000000\
                 1100000000000000",
            ]
        );
    }
}
