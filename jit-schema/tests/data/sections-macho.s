; Sections far apart, of the same name, empty, for debugging only.
    .section __TEXT,__text,regular,pure_instructions
    .globl _JIT_ENTRY
_JIT_ENTRY:
    nop
    .section __TEXT,__const
    .p2align 6
_constant:
    .byte 1
    .section __DATA,__const
_another:
    .byte 2
    .section __DATA,__an_exactly_16b
    .byte 3
    .bss
    .section __DWARF,__debug_info,regular,debug
    .quad _elsewhere - _JIT_ENTRY
    .globl _an_absolute
    .set _an_absolute, 42
    .subsections_via_symbols
