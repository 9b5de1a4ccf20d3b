# Every kind that has a patch function, and addends; both against symbols and against sections.
    .section __TEXT,__text,regular,pure_instructions
    .globl _JIT_ENTRY
_JIT_ENTRY:
    callq _target
    callq _target+3
    callq L_local
    movq _got@GOTPCREL(%rip), %rax
    callq *_got@GOTPCREL(%rip)
    leaq _symbol+0x1234(%rip), %rax
    leaq _symbol-0x1234(%rip), %rax
    leaq L_text(%rip), %rax
    .p2align 4, 0x90
    .section __TEXT,__other,regular,pure_instructions
L_local:
    retq
    .cstring
L_text:
    .asciz "text"
    .data
    .p2align 3
    .private_extern _hidden
_hidden:
    .quad _symbol
    .quad _symbol+8
    .quad L_text
