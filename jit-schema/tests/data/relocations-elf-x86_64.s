# Every kind that has a patch function, and addends.
    .text
    .globl _JIT_ENTRY
_JIT_ENTRY:
    movabsq $absolute, %rax
    movabsq $absolute+0x123456789abcdef0, %rax
    movabsq $absolute-1, %rax
    callq *got@GOTPCREL(%rip)
    movq got@GOTPCREL(%rip), %rax
    jmp target
    jmp local
    .byte 0xe8
    .reloc ., R_X86_64_PLT32, local
    .long 0
local:
    ret
    movb got@GOTPCREL(%rip), %al
    .section .rodata,"a"
    .p2align 3
    .quad absolute
    .quad .text+2
    .quad .rodata.str+1
    .section .rodata.str,"aMS",@progbits,1
text:
    .asciz "text"
