    .text
    cmpb $1, _symbol(%rip)
