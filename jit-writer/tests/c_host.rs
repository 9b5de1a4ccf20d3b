//! The header with a linker compiles as C11 and C++17 without warnings, and what it links runs. That its images
//! are those of `jit-runtime` is checked in that crate's tests.

use std::path::{Path, PathBuf};
use std::process::Command;

use fixtures::generated::opnames;
use jit_schema::Target;
use jit_stencils::{
    CodeEnd, Family, FamilyOperand, Hole, HoleValue, Interface, Location, PatchKind, PatchValue,
    Stencil, StencilGroup, StencilSet, lower, resolve,
};
use jit_writer::{HeaderError, Preamble, host_header, is_whole_host_header};

const LINUX: &str = "x86_64-unknown-linux-gnu";
const STRICT: [&str; 4] = ["-Wall", "-Wextra", "-Werror", "-pedantic"];

const PREAMBLE: Preamble<'static> = Preamble {
    digest: "0123abcd",
    comment: "$ the command",
};

fn target(triple: &str) -> &'static Target {
    Target::from_triple(triple).unwrap()
}

/// Returns the example's stencils.
fn example(triple: &str) -> StencilSet {
    let groups = opnames(triple).into_iter().map(|opname| {
        let path = fixtures::inputs::object(triple, &opname);
        let object = jit_schema::native::read(&fixtures::golden::read_bytes(&path)).unwrap();
        (opname, lower(target(triple), &object).unwrap())
    });
    resolve(target(triple), groups).unwrap()
}

fn source(file: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/c_host", file]
        .iter()
        .collect()
}

#[track_caller]
fn run(command: &mut Command) {
    let output = command.output().unwrap();
    let messages = String::from_utf8_lossy(&output.stderr);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{command:?}:\n{messages}{printed}");
}

fn exists(program: &str) -> bool {
    let output = Command::new(program).arg("--version").output();
    output.is_ok_and(|output| output.status.success())
}

/// The compilers of this machine's programs that there are, each with the standard that it is asked for.
fn compilers() -> Vec<(&'static str, &'static str)> {
    let all = [
        ("gcc", "-std=c11"),
        ("g++", "-std=c++17"),
        ("clang-22", "-std=c11"),
        ("clang++-22", "-std=c++17"),
    ];
    all.into_iter().filter(|(name, _)| exists(name)).collect()
}

/// Writes a header, and returns the definition of the macro with its path.
fn write(directory: &Path, set: &StencilSet) -> String {
    let text = host_header(PREAMBLE, set).unwrap();
    assert!(text.starts_with("// 0123abcd\n// $ the command\n\n"));
    assert!(is_whole_host_header(text.as_bytes()));
    assert!(!is_whole_host_header(&text.as_bytes()[..text.len() - 1]));
    let path = directory.join(format!("{}.h", set.target.triple));
    std::fs::write(&path, text).unwrap();
    format!("-DJIT_HEADER={path:?}")
}

#[test]
fn headers_of_all_targets_compile_without_warnings() {
    fixtures::needs!(c_compiler, clang_22);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("host.c");
    std::fs::write(&file, "#include JIT_HEADER\n").unwrap();
    for triple in fixtures::TRIPLES {
        let header = write(directory.path(), &example(triple));
        for (compiler, standard) in compilers() {
            let language = if standard.contains("++") { "c++" } else { "c" };
            let mut command = Command::new(compiler);
            run(command
                .args([
                    standard,
                    "-x",
                    language,
                    "-c",
                    "-O2",
                    "-o",
                    "/dev/null",
                    &header,
                ])
                .args(STRICT)
                .arg(&file));
        }
    }
}

/// The code for the system that the stencils are for, where there are headers of that system.
#[test]
fn other_systems_compile_their_own() {
    fixtures::needs!(clang_22);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("host.c");
    std::fs::write(
        &file,
        "#include JIT_HEADER\n#if !JIT_FOR_THIS_HOST\n#error \"a foreign host\"\n#endif\n",
    )
    .unwrap();
    for (triple, headers, compilers) in [
        (
            "aarch64-unknown-linux-gnu",
            "/usr/aarch64-linux-gnu/include",
            ["aarch64-linux-gnu-gcc", "aarch64-linux-gnu-g++"],
        ),
        (
            "x86_64-pc-windows-msvc",
            "/usr/x86_64-w64-mingw32/include",
            ["x86_64-w64-mingw32-gcc", "x86_64-w64-mingw32-g++"],
        ),
        (
            "i686-pc-windows-msvc",
            "/usr/i686-w64-mingw32/include",
            ["i686-w64-mingw32-gcc", "i686-w64-mingw32-g++"],
        ),
    ] {
        let header = write(directory.path(), &example(triple));
        let check = |command: &mut Command, standard: &str| {
            let language = if standard.contains("++") { "c++" } else { "c" };
            run(command
                .args([standard, "-x", language, "-fsyntax-only", &header])
                .args(STRICT)
                .arg(&file));
        };
        if Path::new(headers).exists() {
            let name = Path::new(headers).parent().unwrap().file_name().unwrap();
            let mut command = Command::new("clang-22");
            command.arg(format!("--target={}", name.to_str().unwrap()));
            check(command.args(["-isystem", headers]), "-std=c11");
        }
        for (compiler, standard) in compilers.into_iter().zip(["-std=c11", "-std=c++17"]) {
            if exists(compiler) {
                check(&mut Command::new(compiler), standard);
            }
        }
    }
}

/// Micro-ops for x86_64 Linux: `%rdi` is a number, `%rsi` a counter.
const OPS: [(&str, &str, &[u8], u16); 7] = [
    (
        "ADD",
        "movabsq $_JIT_OPERAND_2, %rax\naddq %rax, %rdi\n",
        &[0, 0, 64],
        0,
    ),
    (
        "SMALL",
        "movabsq $_JIT_OPERAND_0, %rax\nleaq (%rdi,%rax,2), %rdi\n",
        &[16],
        0,
    ),
    (
        "LOOP",
        "decq %rsi\njne _JIT_PLACE_0\njmp _JIT_PLACE_3\n",
        &[],
        4,
    ),
    (
        "CALL",
        "pushq %rsi\ncallq *helper@GOTPCREL(%rip)\npopq %rsi\nmovq %rax, %rdi\n",
        &[],
        0,
    ),
    // A function whose address is an operand: it is too far away for the field of the call.
    (
        "CALL_OPERAND",
        "pushq %rsi\ncallq _JIT_OPERAND_1\npopq %rsi\nmovq %rax, %rdi\n",
        &[0, 64],
        0,
    ),
    // A place that returns.
    (
        "CALL_PLACE",
        "pushq %rsi\ncallq _JIT_PLACE_1\npopq %rsi\nleaq 5(%rax), %rdi\n",
        &[],
        2,
    ),
    ("RETURN", "movq %rdi, %rax\nretq\n", &[], 0),
];

/// Returns the stencils of these micro-ops.
fn numbers(directory: &Path) -> StencilSet {
    let (assembly, object) = (directory.join("op.s"), directory.join("op.o"));
    let groups: Vec<_> = OPS
        .iter()
        .map(|(name, code, ..)| {
            let text = format!("\t.text\n\t.globl _JIT_ENTRY\n_JIT_ENTRY:\n{code}");
            std::fs::write(&assembly, text).unwrap();
            let mut clang = Command::new("clang-22");
            clang.arg(format!("--target={LINUX}")).arg("-c");
            run(clang.arg(&assembly).arg("-o").arg(&object));
            let object = jit_schema::native::read(&std::fs::read(&object).unwrap()).unwrap();
            ((*name).to_owned(), lower(target(LINUX), &object).unwrap())
        })
        .collect();
    let mut set = resolve(target(LINUX), groups).unwrap();
    for ((_, group), (_, _, operands, targets)) in set.groups.iter_mut().zip(OPS) {
        group.interface = Interface {
            operands: operands.to_vec(),
            targets,
        };
    }
    set
}

#[test]
fn what_is_linked_runs() {
    fixtures::needs!(c_compiler, clang_22);
    if cfg!(not(all(target_arch = "x86_64", target_os = "linux"))) {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let header = write(directory.path(), &numbers(directory.path()));
    let path = |name: &str| directory.path().join(name);
    for (compiler, standard) in compilers() {
        let language = if standard.contains("++") { "c++" } else { "c" };
        let compile = |name: &str, macros: &[&str], file: &Path| {
            let mut command = Command::new(compiler);
            command.args([standard, "-x", language, "-c", "-O2", &header]);
            run(command
                .args(STRICT)
                .args(macros)
                .arg(file)
                .arg("-o")
                .arg(path(name)));
        };
        let link = |objects: &[&str]| {
            let mut command = Command::new(compiler);
            command.args(objects.iter().map(|name| path(name)));
            run(command.arg("-o").arg(path("program")));
            run(&mut Command::new(path("program")));
        };
        compile("one.o", &[], &source("program.c"));
        link(&["one.o"]);
        // The linker in a file of its own.
        compile("user.o", &["-DJIT_HOST_EXTERNAL"], &source("program.c"));
        let linker = path("linker.c");
        std::fs::write(&linker, "#include JIT_HEADER\n").unwrap();
        let macros = ["-DJIT_HOST_EXTERNAL", "-DJIT_HOST_IMPLEMENTATION"];
        compile("linker.o", &macros, &linker);
        link(&["user.o", "linker.o"]);
    }
}

fn group(hole: Hole) -> StencilGroup {
    StencilGroup {
        code: Stencil {
            body: vec![0; 8],
            holes: vec![hole],
        },
        end: CodeEnd::Leaves,
        ..StencilGroup::default()
    }
}

fn hole(offset: usize, patch: PatchKind, base: HoleValue) -> Hole {
    Hole {
        offset,
        patch,
        value: PatchValue::Address {
            base,
            symbol: None,
            addend: 0,
        },
        first: None,
        void: false,
    }
}

#[test]
fn what_the_linker_cannot_fill_is_refused() {
    let message = |groups: Vec<(&str, StencilGroup)>| {
        let set = StencilSet {
            target: *target(LINUX),
            groups: groups
                .into_iter()
                .map(|(name, group)| (name.to_owned(), group))
                .collect(),
            symbols: Vec::new(),
            shim: None,
            families: vec![],
        };
        host_header(PREAMBLE, &set)
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    let patch = PatchKind::Patch64;
    assert_eq!(
        message(vec![("A", group(hole(0, patch, HoleValue::Target)))]),
        Ok(())
    );
    for (hole, problem) in [
        (
            hole(1, patch, HoleValue::Code),
            "it is not within the 8 bytes of the stencil",
        ),
        (
            hole(usize::MAX, patch, HoleValue::Code),
            "it is not within the 8 bytes of the stencil",
        ),
        (
            hole(0, PatchKind::Aarch64_12, HoleValue::Code),
            "patch_aarch64_12 is for another architecture",
        ),
        (hole(0, patch, HoleValue::Got), "a GOT slot needs a symbol"),
        (
            Hole {
                value: PatchValue::Symbol { ordinal: 3 },
                ..hole(0, PatchKind::X86_64Trampoline, HoleValue::Zero)
            },
            "there is no symbol number 3",
        ),
    ] {
        let offset = hole.offset;
        let expected = format!("A: cannot fill the hole at code+{offset:#x}: {problem}");
        assert_eq!(message(vec![("A", group(hole))]), Err(expected));
    }
    let general = StencilGroup {
        interface: Interface {
            operands: vec![8],
            targets: 1,
        },
        ..group(hole(0, patch, HoleValue::Operand(0)))
    };
    assert_eq!(message(vec![("A", general.clone())]), Ok(()));
    for base in [HoleValue::Operand(1), HoleValue::Place(1)] {
        let other = StencilGroup {
            interface: general.interface.clone(),
            ..group(hole(0, patch, base))
        };
        let expected = format!(
            "A: cannot fill the hole at code+0x0: the stencil's interface does not have {base}"
        );
        assert_eq!(message(vec![("A", other)]), Err(expected));
    }
    let mixed = vec![
        ("A", general),
        ("B", group(hole(0, patch, HoleValue::Oparg))),
    ];
    let error = message(mixed).unwrap_err();
    assert!(
        error.starts_with("B: cannot fill the hole at code+0x0: it takes OPARG, but"),
        "{error}"
    );
    let name = HeaderError::OpName {
        opname: "a-b".to_owned(),
    };
    let named = vec![("a-b", group(hole(0, patch, HoleValue::Code)))];
    assert_eq!(message(named), Err(name.to_string()));
}

/// A C program prints the opcode for all choices, and for one more of each operand.
#[test]
fn families_have_functions() {
    fixtures::needs!(c_compiler);
    let operand = |name: &str, choices: &[Location]| FamilyOperand {
        name: name.to_owned(),
        choices: choices.to_vec(),
    };
    let [first, second] = [0, 1].map(Location::Reg);
    let families = [
        // Keywords, and names that are equal with underscores between them.
        (
            "mix",
            vec![
                operand("int", &[first, second, Location::Mem]),
                operand("a_b", &[Location::Imm, Location::Vec(1)]),
                operand("a", &[second]),
            ],
        ),
        (
            "mix_a",
            vec![operand("b", &[Location::Vec(1), Location::Imm])],
        ),
        ("nothing", vec![]),
    ];
    let mut set = example(LINUX);
    let count = u32::try_from(set.groups.len()).unwrap();
    let families = families.map(|(name, operands)| {
        let mut family = Family {
            name: name.to_owned(),
            operands,
            members: Vec::new(),
        };
        let size = u32::try_from(family.size().unwrap()).unwrap();
        family.members = (0..size).map(|member| (7 * member + 3) % count).collect();
        family
    });
    set.families = families.to_vec();
    let [mix, other, nothing] = families.map(|family| family.members);
    let mut expected = Vec::new();
    for (to, from) in (0..4).flat_map(|to| (0..3).map(move |from| (to, from))) {
        let is_there = to < 3 && from < 2;
        expected.push(if is_there {
            mix[2 * to + from]
        } else {
            u32::MAX
        });
    }
    expected.extend([other[0], other[1], u32::MAX, nothing[0], mix[3], mix[0]]);
    let directory = tempfile::tempdir().unwrap();
    let header = write(directory.path(), &set);
    let program = directory.path().join("families.c");
    let text = "#include JIT_HEADER\n#include <stdio.h>\nint main(void)\n{\n\
        for (unsigned i = 0; i < 12; i++) { printf(\"%u \", (unsigned)jit_family_mix(i / 3, i % 3, 0)); }\n\
        for (unsigned i = 0; i < 3; i++) { printf(\"%u \", (unsigned)jit_family_mix_a(i)); }\n\
        printf(\"%u \", (unsigned)jit_family_nothing());\n\
        printf(\"%u \", (unsigned)jit_family_mix(JIT_IN_mix_int_r1, JIT_IN_mix_a_b_v1, JIT_IN_mix_a_r1));\n\
        printf(\"%u\", (unsigned)jit_family_mix(JIT_IN_mix_int_r0, JIT_IN_mix_a_b_i, 0));\nreturn 0;\n}\n";
    std::fs::write(&program, text).unwrap();
    for (compiler, standard) in compilers() {
        let binary = directory.path().join("families");
        let mut command = Command::new(compiler);
        command.args(STRICT).args([standard, &header]);
        if compiler.contains("++") {
            command.args(["-x", "c++"]);
        }
        run(command.arg(&program).arg("-o").arg(&binary));
        let output = Command::new(&binary).output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let printed: Vec<u32> = printed
            .split(' ')
            .map(|word| word.parse().unwrap())
            .collect();
        assert_eq!(printed, expected, "{compiler}");
    }
}

#[test]
fn families_have_all_members() {
    let mut set = example(LINUX);
    set.families = vec![Family {
        name: "mix".to_owned(),
        operands: vec![FamilyOperand {
            name: "a".to_owned(),
            choices: vec![Location::Imm, Location::Mem],
        }],
        members: vec![0, 1],
    }];
    assert!(host_header(PREAMBLE, &set).is_ok());
    // Members that are not those of the operands, or no stencils.
    for damage in [
        |family: &mut Family| _ = family.members.pop(),
        |family: &mut Family| family.members[0] = u32::MAX,
    ] {
        let mut damaged = set.clone();
        damage(&mut damaged.families[0]);
        let error = host_header(PREAMBLE, &damaged).unwrap_err();
        assert_eq!(
            error,
            HeaderError::Family {
                name: "mix".to_owned()
            }
        );
        assert!(error.to_string().contains("mix"), "{error}");
    }
}
