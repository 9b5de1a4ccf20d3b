# Uninitialized data, linker directives, COMDATs, an alias, a weak symbol.
    .def _JIT_ENTRY; .scl 2; .type 32; .endef
    .text
    .globl _JIT_ENTRY
_JIT_ENTRY:
    nop
    .bss
    .globl zeros
    .long 0, 0, 0
zeros:
    .quad 0
    .section .drectve,"yn"
    .ascii " /EXPORT:_JIT_ENTRY"
    .section .rdata,"dr",discard,in_comdat
    .globl in_comdat
in_comdat:
    .long 42
    .weak weakly
    .globl another_name
    .set another_name, _JIT_ENTRY
    .set an_absolute, 42
    .globl an_absolute
    .addrsig
    .addrsig_sym _JIT_ENTRY
