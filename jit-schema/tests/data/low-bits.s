    .text
    adrp x0, variable
    ldr x0, [x0, :lo12:variable]
