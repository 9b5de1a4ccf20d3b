    .text
    .section .CRT$XCU,"dr"
    .quad constructor
