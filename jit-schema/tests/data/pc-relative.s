    .text
    leaq symbol(%rip), %rax
