# python/cpython issue 135690: assembled with -Wa,-mrelax-relocations=no.
    .text
    movq got@GOTPCREL(%rip), %rax
