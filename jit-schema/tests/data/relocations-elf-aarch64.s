// Every kind that has a patch function, and addends.
    .text
    .globl _JIT_ENTRY
_JIT_ENTRY:
    adrp x0, :got:got
    ldr x0, [x0, :got_lo12:got]
    adrp x0, symbol+0x1000
    add x0, x0, :lo12:symbol+0x1000
    movz x0, #:abs_g0_nc:symbol
    movk x0, #:abs_g1_nc:symbol
    movk x0, #:abs_g2_nc:symbol
    movk x0, #:abs_g3:symbol-1
    b.eq target
    bl target
    b target+8
    .word 0
local:
    ret
    .section .rodata,"a"
    .p2align 3
    .xword symbol-4
    .xword .text+4
