// Addends in entries before those that they belong to, and in addresses.
    .text
    .globl __JIT_ENTRY
__JIT_ENTRY:
    adrp x8, _table@PAGE+48
    ldr x0, [x8, _table@PAGEOFF+48]
    add x0, x8, _table@PAGEOFF+8
    bl _function
    ret
    .section __DATA,__const
    .p2align 3
_table:
    .quad _table+24
    .quad _external-8
    .quad L_local
    .section __TEXT,__cstring,cstring_literals
    .asciz "first"
L_local:
    .asciz "second"
