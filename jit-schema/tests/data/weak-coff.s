    .text
    nop
    .weak function
    .globl function
function:
    ret
    .quad elsewhere
    .weak elsewhere
    .section .rdata,"dr"
    .quad 0
    .weak table
table:
    .quad 1
