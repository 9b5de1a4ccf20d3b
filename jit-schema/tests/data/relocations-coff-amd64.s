# Every kind that has a patch function, and addends; long names.
    .text
    .globl _JIT_ENTRY
_JIT_ENTRY:
    callq target
    jmp target+0x10
    leaq symbol-0x1234(%rip), %rax
    movq __imp_a_function_with_a_long_name(%rip), %rax
    leaq .Ltext(%rip), %rax
    .section a_section_with_a_long_name,"dr"
    .globl a_symbol_with_a_long_name
a_symbol_with_a_long_name:
    .quad 0
exactly8:
    .section .rdata,"dr"
.Ltext:
    .asciz "text"
