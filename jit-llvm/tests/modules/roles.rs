//! Symbols that stand for values and places.

use std::{fs, process::Command};

use jit_llvm::modules::{Extracted, Module, ModuleError, Part, Refusal, Role, Roles, Wanted};

use crate::sources::Clang;

/// Returns the IR of C before optimization.
fn ir(clang: &Clang, text: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let words = [
        "--target=x86_64-unknown-linux-gnu",
        "-Os",
        "-fno-pic",
        "-mcmodel=medium",
        "-mlarge-data-threshold=0",
        "-fno-builtin",
    ];
    clang.ir_of(("a.c", text), &words, directory.path())
}

fn operand(index: u16, bits: u8) -> Role {
    Role::Operand {
        index,
        bits,
        part: Part::Whole,
    }
}

fn roles(list: &[(&str, Role)]) -> Roles {
    list.iter()
        .map(|(name, role)| ((*name).to_owned(), *role))
        .collect()
}

fn extract(clang: &Clang, text: &str, list: &[(&str, Role)]) -> Result<Extracted, ModuleError> {
    let ir = ir(clang, text);
    let roles = roles(list);
    Module::parse(&ir)
        .unwrap()
        .extract(&Wanted::new("op", &roles))
}

/// The holes get symbols whose addresses are the operands, and the program sets those with `--defsym`.
const HOLES: &str = r#"
#include <stdint.h>
struct step { int64_t value, *result; };
extern char A[], B, M;
extern struct step first, second;
extern int64_t FUNCTION(int64_t);
extern int64_t place(int64_t, int64_t);
void marker(void);
int64_t op(int64_t n, int64_t m)
{
    marker();
    const void *chosen = n > 3 ? (const void *)A : (const void *)&B;
    int64_t total = (int64_t)(uintptr_t)chosen + (uint16_t)(uintptr_t)&B + (int64_t)(uintptr_t)(A + 3);
    /* Operands may be zero, equal, and not aligned. */
    total = total * 3 + ((uintptr_t)A == 0) + 2 * ((uintptr_t)A == (uintptr_t)&B) + 4 * ((uintptr_t)&B & 7);
    /* Both may be the same object. */
    first.value = n;
    second.value += m;
    *first.result = first.value * 5;
    total = total * 7 + second.value + *second.result;
    int64_t (*function)(int64_t) = n & 1 ? FUNCTION : 0;
    marker();
    total += FUNCTION(total & 0xff) + (function ? function(9) : 1);
    if (n == 5) {
        return place(total, m);
    }
    return total;
}
"#;

const HOST: &str = r#"
#include <stdint.h>
#include <stdio.h>
struct step { int64_t value, *result; };
static int64_t cell = 17;
struct step one = {3, &cell};
int64_t function(int64_t n) { return n * 1009; }
int64_t ended(int64_t total, int64_t m) { return total ^ m; }
int64_t _JIT_ENTRY(int64_t, int64_t);
int main(void)
{
    for (int64_t n = 0; n < 9; n++) {
        cell = n;
        one.value = 3;
        int64_t result = _JIT_ENTRY(n, 4);
        printf("%ld %ld %ld\n", result, one.value, cell);
    }
}
"#;

/// What the function has to print with these values of `A` and `B`, with both steps the same object.
fn expected(a: u64, b: u64) -> String {
    let mut text = String::new();
    for n in 0..9_i64 {
        let (a, b) = (a.cast_signed(), b.cast_signed());
        let mut total = if n > 3 { a } else { b };
        total = total
            .wrapping_add(b & 0xffff)
            .wrapping_add(a.wrapping_add(3));
        total = total.wrapping_mul(3) + i64::from(a == 0) + 2 * i64::from(a == b) + 4 * (b & 7);
        let value = n + 4;
        let cell = value * 5;
        total = total.wrapping_mul(7).wrapping_add(value + cell);
        let called = if n & 1 == 1 { 9 * 1009 } else { 1 };
        total = total.wrapping_add((total & 0xff) * 1009 + called);
        if n == 5 {
            total ^= 4;
        }
        text.push_str(&format!("{total} {value} {cell}\n"));
    }
    text
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn operands_can_have_any_value() {
    let list = [
        ("A", operand(0, 64)),
        ("B", operand(1, 16)),
        ("first", operand(2, 64)),
        ("second", operand(3, 64)),
        ("FUNCTION", operand(4, 64)),
        ("place", Role::Place(0)),
        ("marker", Role::Marker),
        ("unused", operand(7, 64)),
    ];
    for clang in Clang::all() {
        let split = extract(&clang, HOLES, &list).unwrap();
        assert_eq!(split.host.len(), 0, "{:?}", split.host);
        assert!(split.roles.len() == 7 && !split.roles.contains_key("unused"));
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str| directory.path().join(name);
        fs::write(file("a.ll"), &split.text).unwrap();
        fs::write(file("host.c"), HOST).unwrap();
        for level in ["-Os", "-O2"] {
            let words = [
                "--target=x86_64-unknown-linux-gnu",
                "-c",
                "-fno-pic",
                "-mcmodel=medium",
                "-mlarge-data-threshold=0",
                level,
            ];
            clang.run(&words, &file("a.ll"), &file("a.o"));
            for (a, b) in [
                (0, 0),
                (1, 1),
                (5, 3),
                (1 << 60 | 7, 65535),
                (u64::MAX, 0),
                (8, 8),
            ] {
                let compiler = fixtures::needs::c_compiler().expect("a C compiler");
                let done = Command::new(compiler)
                    .args(["-no-pie", "-O1", "-w", "-o"])
                    .args([file("program"), file("host.c"), file("a.o")])
                    .arg(format!("-Wl,--defsym,_JIT_OPERAND_0={a:#x}"))
                    .arg(format!("-Wl,--defsym,_JIT_OPERAND_1={b:#x}"))
                    .args(
                        ["2=one", "3=one", "4=function"]
                            .map(|text| format!("-Wl,--defsym,_JIT_OPERAND_{text}")),
                    )
                    .arg("-Wl,--defsym,_JIT_PLACE_0=ended")
                    .output()
                    .unwrap();
                assert!(
                    done.status.success(),
                    "{}",
                    String::from_utf8_lossy(&done.stderr)
                );
                let done = Command::new(file("program")).output().unwrap();
                let text = String::from_utf8_lossy(&done.stdout);
                assert_eq!(text, expected(a, b), "{level} {a} {b}\n{}", split.text);
            }
        }
    }
}

#[test]
fn halves_are_made_of_the_whole_where_it_fits() {
    let text = "#include <stdint.h>\nextern char L, H; uint64_t op(void) { return (uint32_t)(uintptr_t)&L ^ (uint64_t)(uintptr_t)&H << 32; }";
    for clang in Clang::all() {
        let ir = ir(&clang, text);
        let module = Module::parse(&ir).unwrap();
        let part = |part| Role::Operand {
            index: 6,
            bits: 64,
            part,
        };
        let roles = roles(&[("L", part(Part::Low)), ("H", part(Part::High))]);
        let mut wanted = Wanted::new("op", &roles);
        let split = module.extract(&wanted).unwrap();
        assert!(
            split
                .text
                .contains("@_JIT_OPERAND_6 = external dso_local global i8\n")
        );
        assert!(split.text.contains("4294967295") && split.text.contains("lshr i64"));
        wanted.pointer_bits = 32;
        wanted.imports = true;
        let split = module.extract(&wanted).unwrap();
        for half in ["LO", "HI"] {
            let line = format!("@_JIT_OPERAND_6_{half} = external dllimport global i8\n");
            assert!(split.text.contains(&line), "{}", split.text);
        }
    }
}

#[test]
fn wrong_uses_are_refused() {
    type Case = (&'static str, &'static str, Role, fn(&Refusal) -> bool);
    let cases: [Case; 9] = [
        (
            "extern char X; unsigned op(void) { return (unsigned)(long)&X; }",
            "X",
            operand(0, 16),
            |why| {
                matches!(
                    why,
                    Refusal::TooWide {
                        bits: 16,
                        used: 32,
                        ..
                    }
                )
            },
        ),
        (
            "extern int X; int op(void) { return X; }",
            "X",
            operand(0, 32),
            |why| matches!(why, Refusal::NotAnAddress { bits: 32, .. }),
        ),
        (
            "extern struct { long a, b; } X; void op(long n) { X.b = n; }",
            "X",
            operand(0, 32),
            |why| matches!(why, Refusal::NotAnAddress { bits: 32, .. }),
        ),
        (
            "long X(long); long op(long n) { return X(n); }",
            "X",
            operand(0, 8),
            |why| matches!(why, Refusal::NotAnAddress { bits: 8, .. }),
        ),
        (
            "extern long X; long op(void) { return (long)&X; }",
            "X",
            operand(0, 64),
            |why| matches!(why, Refusal::Aligned { alignment: 8, .. }),
        ),
        (
            "extern char X; static char *const list[] = {&X, 0}; char *op(long n) { return list[n]; }",
            "X",
            operand(0, 64),
            |why| matches!(why, Refusal::HoleInData { .. }),
        ),
        (
            "int X(void); int op(void) { return X(); }",
            "X",
            Role::Marker,
            |why| matches!(why, Refusal::Marker(_)),
        ),
        (
            "void X(void); void *op(void) { return (void *)X; }",
            "X",
            Role::Marker,
            |why| matches!(why, Refusal::Marker(_)),
        ),
        (
            "char X; char *op(void) { return &X; }",
            "X",
            operand(0, 64),
            |why| matches!(why, Refusal::Other(text) if text.contains("the file defines it")),
        ),
    ];
    for clang in Clang::all() {
        for (text, name, role, is_right) in &cases {
            match extract(&clang, text, &[(name, *role)]) {
                Err(ModuleError::Refused { function, refusal }) => {
                    assert!(is_right(&refusal), "{text}: {refusal}");
                    assert!(["op", "list"].contains(&function.as_str()), "{function}");
                }
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}
