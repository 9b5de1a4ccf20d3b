    .text
    callq 0x1234
