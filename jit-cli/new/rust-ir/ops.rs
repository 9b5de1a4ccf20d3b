//! The ops of the machine. Each becomes a stencil: code with holes, which are filled in when a program is compiled.
//!
//! All ops have the same type, and each ends with a call of another, which becomes a jump.
#![no_std]
#![crate_type = "lib"]

/// The state of the machine, as in machine.h.
#[repr(C)]
pub struct Machine {
    registers: [i64; 8],
}

#[allow(improper_ctypes)]
unsafe extern "C" {
    // The holes. Their addresses are the values, and jit.toml says which ones.
    static REGISTER_A: u8;
    static REGISTER_B: u8;
    static NUMBER: u8;
    fn LABEL(m: *mut Machine) -> i64;
    fn NEXT(m: *mut Machine) -> i64;
    // A function of the host.
    fn host_print(value: i64);
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

unsafe fn a<'m>(m: *mut Machine) -> &'m mut i64 {
    unsafe { (*m).registers.get_unchecked_mut(&raw const REGISTER_A as usize as u8 as usize) }
}

unsafe fn b(m: *mut Machine) -> i64 {
    unsafe { *(*m).registers.get_unchecked(&raw const REGISTER_B as usize as u8 as usize) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn op_set(m: *mut Machine) -> i64 {
    unsafe {
        *a(m) = &raw const NUMBER as i64;
        NEXT(m)
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn op_add(m: *mut Machine) -> i64 {
    unsafe {
        *a(m) = a(m).wrapping_add(b(m));
        NEXT(m)
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn op_sub(m: *mut Machine) -> i64 {
    unsafe {
        *a(m) = a(m).wrapping_sub(b(m));
        NEXT(m)
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn op_mul(m: *mut Machine) -> i64 {
    unsafe {
        *a(m) = a(m).wrapping_mul(b(m));
        NEXT(m)
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn op_jump(m: *mut Machine) -> i64 {
    unsafe { LABEL(m) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn op_jump_if_less(m: *mut Machine) -> i64 {
    unsafe {
        match *a(m) < b(m) {
            true => LABEL(m),
            false => NEXT(m),
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn op_print(m: *mut Machine) -> i64 {
    unsafe {
        host_print(*a(m));
        NEXT(m)
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn op_return(m: *mut Machine) -> i64 {
    unsafe { *a(m) }
}
