// Addends in the fields of instructions and of addresses.
    .text
    .globl _JIT_ENTRY
_JIT_ENTRY:
    adrp x8, table+48
    add x0, x8, :lo12:table+48
    ldr x0, [x8, :lo12:table+48]
    ldrb w0, [x8, :lo12:table+3]
    ldr q0, [x8, :lo12:table+32]
    adrp x8, table-8
    bl function
    b.eq function
    ret
    .section .rdata,"dr"
    .p2align 3
table:
    .xword table+24
    .xword external-8
