//! Instructions with several operands and targets, from C to code that this process executes. An interpreter
//! says what the result must be.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use jit_runtime::memory::{Arena, ArenaOptions, Executable, Exit};
use jit_runtime::{Instruction, LayoutPolicy, Linker, Stencils, Symbols};
use jit_schema::Target;
use jit_stencils::{Interface, file, lower_aligned, resolve};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// The micro-ops, one for each value of OP. Each takes one unit of fuel, which is in `state[0]`, and returns when
/// there is none left. PLACE_1 is reached by a jump, the others through their addresses.
const OPS: &str = r#"
typedef unsigned long op(unsigned long *state, unsigned long sum);
extern op _JIT_PLACE_0, _JIT_PLACE_2;
extern op _JIT_PLACE_1 __attribute__((visibility("hidden")));
extern char _JIT_OPERAND_0[], _JIT_OPERAND_1[], _JIT_OPERAND_2[], _JIT_OPERAND_3[], _JIT_OPERAND_4[];
#define OPERAND(number) ((unsigned long)_JIT_OPERAND_##number)
#define GO_TO(place) __attribute__((musttail)) return place(state, sum)

unsigned long _JIT_ENTRY(unsigned long *state, unsigned long sum) {
    if (state[0]-- == 0) return sum;
#if OP == 0
    sum = ((sum * OPERAND(0) + OPERAND(1)) ^ OPERAND(2)) - OPERAND(3) + (OPERAND(4) >> 1);
    GO_TO(_JIT_PLACE_1);
#elif OP == 1
    if (sum < OPERAND(3)) GO_TO(_JIT_PLACE_0);
    if (sum & OPERAND(1)) GO_TO(_JIT_PLACE_1);
    GO_TO(_JIT_PLACE_2);
#elif OP == 2
    state[OPERAND(0)] += sum ^ OPERAND(1);
    sum += state[OPERAND(2)];
    GO_TO(_JIT_PLACE_0);
#elif OP == 3
    GO_TO((*(op *const *)_JIT_OPERAND_0));
#elif OP == 4
    return sum + OPERAND(0);
#endif
}
"#;

/// The bits of the operands, and the number of targets, of each micro-op.
const INTERFACES: [(&[u8], u16); 5] = [
    (&[64, 32, 64, 31, 64], 2),
    (&[0, 64, 0, 64], 3),
    (&[2, 64, 2], 1),
    (&[64], 0),
    (&[32], 0),
];

/// The number of the micro-op that goes where an [`Exit`] leads, and of the one that returns the sum and its operand.
const LEAVE: u32 = 3;
const RETURN: u32 = 4;

/// Compiles a micro-op with the flags for stencils of this target.
fn object(clang: &Path, directory: &Path, number: usize) -> Vec<u8> {
    let (source, object) = (directory.join("ops.c"), directory.join("op.o"));
    std::fs::write(&source, OPS).unwrap();
    let output = Command::new(clang)
        .args(["--target=x86_64-unknown-linux-gnu", "-Os", "-fno-pic"])
        .args(["-mcmodel=medium", "-mlarge-data-threshold=0", "-fno-plt"])
        .args(["-fno-asynchronous-unwind-tables", "-Wall", "-Werror", "-c"])
        .arg(format!("-DOP={number}"))
        .arg(&source)
        .arg("-o")
        .arg(&object)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    std::fs::read(&object).unwrap()
}

/// Builds the stencils, and passes them through a file.
fn stencils(clang: &Path) -> Stencils {
    let target = Target::from_triple("x86_64-unknown-linux-gnu").unwrap();
    let directory = tempfile::tempdir().unwrap();
    let groups = (0..INTERFACES.len()).map(|number| {
        let object = object(clang, directory.path(), number);
        let object = jit_schema::native::read(&object).unwrap();
        let group = lower_aligned(target, &object).unwrap();
        (format!("OP_{number}"), group)
    });
    let mut set = resolve(target, groups).unwrap();
    for ((_, group), (operands, targets)) in set.groups.iter_mut().zip(INTERFACES) {
        group.interface = Interface {
            operands: operands.to_vec(),
            targets,
        };
    }
    Stencils::load(&file::encode(&set)).unwrap()
}

#[derive(Debug, Clone)]
struct Step {
    opcode: u32,
    operands: Vec<u64>,
    targets: Vec<u32>,
}

fn any_trace() -> impl Strategy<Value = Vec<Step>> {
    (1..40_u32).prop_flat_map(|length| {
        let step = (0..3_u32).prop_flat_map(move |opcode| {
            let (bits, targets) = INTERFACES[opcode as usize];
            let value = prop_oneof![any::<u64>(), Just(0), Just(u64::MAX), Just(1 << 63)];
            let operands: Vec<_> = bits
                .iter()
                .map(|bits| 64 - bits)
                .map(|unused| {
                    let value = value.clone();
                    // One that is not used can be anything.
                    value.prop_map(move |value| value >> (unused % 64))
                })
                .collect();
            let targets = proptest::collection::vec(0..length, usize::from(targets));
            (operands, targets).prop_map(move |(operands, targets)| Step {
                opcode,
                operands,
                targets,
            })
        });
        proptest::collection::vec(step, length as usize)
    })
}

/// Runs a trace as the C code says.
fn interpret(trace: &[Step], state: &mut [u64; 4], mut sum: u64) -> u64 {
    let mut at = 0;
    loop {
        let Step {
            opcode,
            operands,
            targets,
        } = &trace[at];
        let fuel = state[0];
        state[0] = fuel.wrapping_sub(1);
        if fuel == 0 {
            return sum;
        }
        let number = match opcode {
            0 => {
                let [a, b, c, d, e] = *operands.as_slice() else {
                    panic!("{operands:?}");
                };
                sum = (sum.wrapping_mul(a).wrapping_add(b) ^ c).wrapping_sub(d);
                sum = sum.wrapping_add(e / 2);
                1
            }
            1 if sum < operands[3] => 0,
            1 if sum & operands[1] != 0 => 1,
            1 => 2,
            2 => {
                let place = &mut state[operands[0] as usize];
                *place = place.wrapping_add(sum ^ operands[1]);
                sum = sum.wrapping_add(state[operands[2] as usize]);
                0
            }
            other => panic!("{other}"),
        };
        at = targets[number] as usize;
    }
}

#[test]
fn random_traces_run_as_interpreted() {
    fixtures::needs!(clang_22);
    let clang = fixtures::needs::clang_22().unwrap();
    let stencils = stencils(&clang);
    let symbols = Symbols::new(&stencils, |_| None);
    let arena = Arena::new(ArenaOptions::default()).unwrap();
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        ..Config::default()
    });
    let input = (any_trace(), any::<[u64; 3]>(), any::<u64>(), 0..200_u64);
    let ran = runner.run(&input, |(trace, [a, b, c], sum, fuel)| {
        // Operations on the fuel itself would run for ever.
        let mut trace = trace;
        for step in trace.iter_mut().filter(|step| step.opcode == 2) {
            step.operands[0] = step.operands[0].max(1);
        }
        let instructions = trace.iter().map(|step| Instruction {
            opcode: step.opcode,
            operands: &step.operands,
            targets: &step.targets,
        });
        let instructions: Vec<_> = instructions.collect();
        let mut linker = Linker::new(&stencils, LayoutPolicy::Tight);
        let code = linker.compile(&instructions, &symbols, &arena).unwrap();
        // SAFETY: the micro-ops are functions of this type that end when there is no fuel left, they write to the
        // four words of the state alone, and `code` is alive.
        let run = unsafe { code.entry::<extern "C" fn(*mut u64, u64) -> u64>(0) }.unwrap();
        let mut state = [fuel, a, b, c];
        let result = run(state.as_mut_ptr(), sum);
        let mut expected = [fuel, a, b, c];
        let expected_result = interpret(&trace, &mut expected, sum);
        prop_assert_eq!((result, state), (expected_result, expected));
        Ok(())
    });
    ran.unwrap();
}

/// Calls a trace with the sum 1.
fn call(code: &Executable) -> u64 {
    // SAFETY: the traces below are of functions of this type, which write to the one word of the state, and are alive.
    let run = unsafe { code.entry::<extern "C" fn(*mut u64, u64) -> u64>(0) }.unwrap();
    let mut state = 100;
    run(&raw mut state, 1)
}

fn one(opcode: u32, operands: &[u64]) -> Instruction<'_> {
    Instruction {
        opcode,
        operands,
        targets: &[],
    }
}

/// An exit of a trace is redirected to traces that are compiled later, while another thread executes the trace.
#[test]
fn exits_lead_to_traces_that_are_compiled_later() {
    fixtures::needs!(clang_22);
    let clang = fixtures::needs::clang_22().unwrap();
    let stencils = std::sync::Arc::new(stencils(&clang));
    let symbols = Symbols::new(&stencils, |_| None);
    let arena = Arena::new(ArenaOptions::default()).unwrap();
    let mut linker = Linker::new(stencils, LayoutPolicy::Tight);
    let mut compile = |trace: &[Instruction<'_>]| linker.compile(trace, &symbols, &arena).unwrap();
    let first = compile(&[one(RETURN, &[10])]);
    let exit = Exit::new(first.base());
    // 1 becomes 1 * 2 + 5.
    let compute = Instruction {
        opcode: 0,
        operands: &[2, 5, 0, 0, 0],
        targets: &[0, 1],
    };
    let code = compile(&[compute, one(LEAVE, &[exit.address()])]);
    assert_eq!(call(&code), 17);
    let values: Vec<u64> = (1..=50).map(|index| 10 + index).collect();
    let at = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            // If the main thread fails, this one ends as well.
            let start = Instant::now();
            let mut last = 17;
            while last != 67 {
                assert!(start.elapsed() < Duration::from_secs(60), "{last}");
                let redirected = at.load(Ordering::SeqCst) as u64;
                let result = call(&code);
                // That of a trace which was the last one at some time during the call.
                let next = at.load(Ordering::SeqCst) as u64 + 1;
                assert!((17 + redirected..=17 + next).contains(&result), "{result}");
                assert!(result >= last, "{last}, then {result}");
                last = result;
            }
        });
        let mut alive = Vec::new();
        for value in values {
            let trace = compile(&[one(RETURN, &[value])]);
            exit.redirect(trace.base());
            at.fetch_add(1, Ordering::SeqCst);
            alive.push(trace);
            std::thread::yield_now();
        }
        assert_eq!(exit.leads_to(), alive[49].base());
        assert_eq!(call(&code), 67);
        other.join().unwrap();
    });
}
