// Every kind that has a patch function.
    .text
    .globl _JIT_ENTRY
_JIT_ENTRY:
    b.eq target
    bl target
    b target
    adrp x0, symbol
    add x0, x0, :lo12:symbol
    ldr x0, [x0, :lo12:symbol]
    ldr w0, [x0, :lo12:__imp_a_function_with_a_long_name]
    ret
