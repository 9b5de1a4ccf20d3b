// Several sections of one name, and references to each by its section symbol.
    .text
    .globl _JIT_ENTRY
_JIT_ENTRY:
    leaq .Lsecond(%rip), %rax
    leaq .Lfirst(%rip), %rax
    movsd __real@4000000000000000(%rip), %xmm0
    retq
    .section .rdata,"dr",discard,__real@4000000000000000
    .globl __real@4000000000000000
    .p2align 3
__real@4000000000000000:
    .quad 0x4000000000000000
    .section .rdata,"dr"
    .p2align 3
.Lfirst:
    .quad 1
.Lsecond:
    .quad .Lsecond
