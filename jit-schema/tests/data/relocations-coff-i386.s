# Every kind that has a patch function, and addends.
    .text
    .globl __JIT_ENTRY
__JIT_ENTRY:
    calll _target
    jmp _target+0x10
    movl $_symbol, %eax
    movl _symbol+0x1234, %eax
    movl $_symbol-1, %eax
    calll *__imp__a_function_with_a_long_name
    .section .rdata,"dr"
    .long _symbol+1
