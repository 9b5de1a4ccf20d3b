// References to sections, which have addresses in the object or distances to those.
    .text
    .globl __JIT_ENTRY
__JIT_ENTRY:
    leaq L_second(%rip), %rax
    movsd L_number(%rip), %xmm0
    retq
    .section __TEXT,__literal8,8byte_literals
    .p2align 3
L_other:
    .quad 1
L_number:
    .quad 2
    .section __TEXT,__cstring,cstring_literals
    .asciz "first"
L_second:
    .asciz "second"
    .section __DATA,__const
    .p2align 3
    .quad L_second
    .quad _external+24
