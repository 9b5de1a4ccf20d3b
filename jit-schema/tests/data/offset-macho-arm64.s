    .text
    adrp x0, _symbol@PAGE+8
