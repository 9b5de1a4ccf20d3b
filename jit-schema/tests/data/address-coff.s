    .data
    .quad symbol
