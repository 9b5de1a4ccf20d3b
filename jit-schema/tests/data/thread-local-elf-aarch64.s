    .text
    adrp x0, :tlsdesc:variable
