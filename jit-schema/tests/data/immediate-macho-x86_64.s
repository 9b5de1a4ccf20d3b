// References with bytes of the instruction after the field. The displacement is the distance from the
// end of the instruction. L_number is in no symbol, so its section stands for it.
    .text
    .globl __JIT_ENTRY
__JIT_ENTRY:
    cmpb $1, _external(%rip)
    cmpw $0x1234, _external(%rip)
    cmpl $0x12345678, _external(%rip)
    cmpb $1, _external+8(%rip)
    movzbl _external-1(%rip), %eax
    cmpb $1, L_number(%rip)
    cmpw $0x1234, L_number(%rip)
    cmpl $0x12345678, L_number(%rip)
    retq
    .section __DATA,__const
    .quad 1
L_number:
    .quad 2
