    .text
    nop
    movq %fs:variable@TPOFF, %rax
