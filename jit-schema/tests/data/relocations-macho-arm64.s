; Every kind that has a patch function; a section with a gap before it.
    .section __TEXT,__text,regular,pure_instructions
    .globl _JIT_ENTRY
_JIT_ENTRY:
    bl _target
    b _target
    adrp x0, _got@GOTPAGE
    ldr x0, [x0, _got@GOTPAGEOFF]
    adrp x0, _symbol@PAGE
    add x0, x0, _symbol@PAGEOFF
    adrp x0, l_text@PAGE
    ldr x0, [x0, _symbol@PAGEOFF]
    ret
    .cstring
l_text:
    .asciz "text"
    .data
    .p2align 5
    .globl _hidden
    .private_extern _hidden
_hidden:
    .quad _symbol
    .quad _symbol+8
    .quad l_text
