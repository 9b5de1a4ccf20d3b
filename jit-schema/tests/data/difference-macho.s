    .data
    .quad _one - _another
    .globl _another
_another:
