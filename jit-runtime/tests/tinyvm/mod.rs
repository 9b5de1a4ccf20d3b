//! Enters traces of the example's stencils, on Linux.

use std::{env, ptr};

use jit_runtime::{Stencils, Uop, memory::Executable};

// `vm_frame`, `_PyExecutorObject` and `vm_thread` of the example's `tinyvm.h`.

#[repr(C)]
struct Frame {
    locals: *mut u64,
    stack: *mut u64,
    code: *const u16,
    seen: *const u8,
    local_count: u32,
    flags: u32,
    version: u32,
    kind: u16,
}

#[repr(C)]
struct Executor {
    trace: *const u8,
    length: u32,
    code: u64,
}

#[repr(C)]
pub(crate) struct Thread {
    executor: *const Executor,
    error: *const u8,
    objects: *mut u8,
    stack_pointer: *mut u64,
    interrupt: u32,
    resume: *const u16,
}

type Shim = unsafe extern "C" fn(*const Executor, *mut Frame, *mut u64, *mut Thread) -> *const u16;

/// Returns the stencils for this machine, without a guard: `vm_fatal`, which it calls, has no address.
pub(crate) fn stencils() -> Stencils {
    let triple = format!("{}-unknown-linux-gnu", env::consts::ARCH);
    let stencils = Stencils::load(fixtures::stencils::file(&triple)).unwrap();
    stencils.with_guard(None).unwrap()
}

/// Returns a trace that prints a value with `vm_print` and leaves.
pub(crate) fn trace(stencils: &Stencils, value: u64) -> [Uop; 3] {
    ["_LOAD_INT_r01", "_PRINT_r10", "_EXIT_TRACE_r00"].map(|name| Uop {
        operand: [value, 0],
        // An error jumps to the last micro-op, which leaves the trace.
        error_target: 2,
        ..uop(stencils.opcode(name))
    })
}

/// Returns the shim, as a trace.
pub(crate) fn shim(stencils: &Stencils) -> [Uop; 1] {
    [uop(stencils.shim())]
}

fn uop(opcode: Option<u32>) -> Uop {
    Uop {
        opcode: opcode.unwrap(),
        ..Uop::default()
    }
}

/// Calls the shim, and returns the offset in the bytecode at which the trace left, in bytes.
#[inline(never)]
pub(crate) fn call_shim(shim: &Executable, trace: &Executable) -> Option<usize> {
    let mut stack = [0_u64; 4];
    let code = [0_u16; 1];
    let mut frame = Frame {
        locals: ptr::null_mut(),
        stack: stack.as_mut_ptr(),
        code: code.as_ptr(),
        seen: ptr::null(),
        local_count: 0,
        flags: 0,
        version: 0,
        kind: 0,
    };
    let executor = Executor {
        trace: ptr::null(),
        length: 0,
        code: trace.base(),
    };
    let mut thread = Thread {
        executor: &raw const executor,
        error: ptr::null(),
        objects: ptr::null_mut(),
        stack_pointer: frame.stack,
        interrupt: 0,
        resume: ptr::null(),
    };
    // SAFETY: the shim is at the start of its image, and has this type in the example's tinyvm_jit.h.
    let enter = unsafe { shim.entry::<Shim>(0) }.unwrap();
    // SAFETY: the structures have the layout of tinyvm.h and outlive the call. The trace loads a number, prints
    // it and leaves, and uses nothing else of them. Both are linked for this machine.
    let exit = unsafe {
        enter(
            &raw const executor,
            &raw mut frame,
            frame.stack,
            &raw mut thread,
        )
    };
    (!exit.is_null()).then(|| exit.addr() - code.as_ptr().addr())
}
