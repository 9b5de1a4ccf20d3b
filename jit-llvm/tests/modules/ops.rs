//! Functions in Rust: generics, closures, matches, slices without checks, constants.
#![no_std]
#![crate_type = "lib"]

#[repr(C)]
pub struct Frame {
    slots: [i64; 16],
    reals: [f64; 4],
    text: *const u8,
}

unsafe extern "C" {
    fn host_function(a: i64, b: i64) -> i64;
    static host_data: [i64; 4];
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}

const NAMES: [&[u8]; 3] = [b"zero @\"", b"one", b"two"];
static TABLE: [i64; 8] = [0, 1, 8, 27, 64, 125, 216, 343];

#[inline(never)]
fn cubed(n: i64) -> i64 {
    TABLE[(n & 7) as usize].wrapping_mul(n)
}

fn fold<F: Fn(i64) -> i64>(frame: &Frame, count: i64, f: F) -> i64 {
    let mut total = 0_i64;
    let mut i = 0;
    while i < (count & 15) {
        total = total.wrapping_mul(33).wrapping_add(f(frame.slots[(i & 15) as usize]));
        i += 1;
    }
    total
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn op_add(frame: &mut Frame, n: i64) -> i64 {
    frame.slots[2] = frame.slots[2].wrapping_add(cubed(n));
    frame.slots[2]
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn op_match(frame: &mut Frame, n: i64) -> i64 {
    match n % 7 {
        0 => frame.slots[1],
        1 => unsafe { host_function(n, 5) },
        2 => cubed(n ^ 3),
        3 => { frame.slots[4] = n; n }
        4 => frame.slots[5] ^ 0x55,
        5 => -n,
        _ => frame.slots[(n & 15) as usize] | 1,
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn op_fold(frame: &mut Frame, n: i64) -> i64 {
    let by = n;
    fold(frame, n, |x| x.wrapping_mul(by) ^ cubed(by)).wrapping_add(fold(frame, n, |x| x & by))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn op_text(frame: &mut Frame, n: i64) -> i64 {
    let mut hash = 5381_i64;
    for &byte in NAMES[(n & 1) as usize] {
        hash = hash.wrapping_mul(33).wrapping_add(byte as i64);
    }
    hash ^ unsafe { host_data[(n & 3) as usize] }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn op_real(frame: &mut Frame, n: i64) -> i64 {
    frame.reals[1] = frame.reals[0] * 1.5 + n as f64;
    frame.reals[1] as i64
}
