    .text
    .section .init_array,"aw",@init_array
    .quad constructor
