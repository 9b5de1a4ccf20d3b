// The offsets of loads and stores, which clang uses for constants and static variables.
    .text
    .globl _JIT_ENTRY
_JIT_ENTRY:
    adrp x8, .LCPI0_0
    ldrb w0, [x8, :lo12:.LCPI0_0+1]
    ldrh w0, [x8, :lo12:.LCPI0_0+2]
    ldr w0, [x8, :lo12:.LCPI0_0+4]
    ldr d0, [x8, :lo12:.LCPI0_0+8]
    ldr q0, [x8, :lo12:.LCPI0_0]
    ret
    .section .rodata.cst16,"aM",@progbits,16
    .p2align 4
.LCPI0_0:
    .xword 1, 2
