# Sections that are no contents, and their relocations: python/cpython issue 118836 (a note with
# SHF_ALLOC) and 130673 ("KeyError: 5", relocations for a section that stays out).
    .text
    .globl _JIT_ENTRY
_JIT_ENTRY:
    nop
    .section .note.gnu.property,"a",@note
    .p2align 3
    .long 4, 16, 5
    .asciz "GNU"
    .long 0xc0000002, 4, 3, 0
    .section .note.relocated,"a",@note
    .quad elsewhere
    .section .comment,"MS",@progbits,1
    .asciz "a compiler"
    .section .debug_information,"",@progbits
    .long elsewhere
    .section .note.GNU-stack,"",@progbits
    .section .empty,"aw",@nobits
    .section .text.in_group,"axG",@progbits,in_group,comdat
    .weak in_group
in_group:
    nop
    .data
    .globl writable
writable:
    .quad 0
    .set an_absolute, 42
    .globl an_absolute
    .addrsig
    .addrsig_sym _JIT_ENTRY
