# enter(function): loads all registers from `registers`, but the stack pointer, and jumps to the function. The function
# ends at leave_0 or leave_1, which put the registers into `out` and return from `enter`.
        .text
        .globl  enter, leave_0, leave_1, callee_0, callee_1
enter:
        pushq   %rbx
        pushq   %rbp
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        movq    %rdi, saved_function(%rip)
        movq    %rsp, saved_stack(%rip)
        movq    registers(%rip), %rax
        movq    registers+8(%rip), %rbx
        movq    registers+16(%rip), %rcx
        movq    registers+24(%rip), %rdx
        movq    registers+32(%rip), %rsi
        movq    registers+40(%rip), %rdi
        movq    registers+48(%rip), %rbp
        movq    registers+64(%rip), %r8
        movq    registers+72(%rip), %r9
        movq    registers+80(%rip), %r10
        movq    registers+88(%rip), %r11
        movq    registers+96(%rip), %r12
        movq    registers+104(%rip), %r13
        movq    registers+112(%rip), %r14
        movq    registers+120(%rip), %r15
        testq   %rsp, %rsp      # the same flags each time
        jmpq    *saved_function(%rip)
leave_0:
        movl    $1, left(%rip)
        jmp     leave
leave_1:
        movl    $2, left(%rip)
leave:
        movq    %rax, out(%rip)
        movq    %rbx, out+8(%rip)
        movq    %rcx, out+16(%rip)
        movq    %rdx, out+24(%rip)
        movq    %rsi, out+32(%rip)
        movq    %rdi, out+40(%rip)
        movq    %rbp, out+48(%rip)
        movq    %rsp, out+56(%rip)
        movq    %r8, out+64(%rip)
        movq    %r9, out+72(%rip)
        movq    %r10, out+80(%rip)
        movq    %r11, out+88(%rip)
        movq    %r12, out+96(%rip)
        movq    %r13, out+104(%rip)
        movq    %r14, out+112(%rip)
        movq    %r15, out+120(%rip)
        movq    saved_stack(%rip), %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbp
        popq    %rbx
        retq

# Functions that a stencil calls. The first has the platform's convention: it overwrites all registers that are its own.
# The second keeps all registers, as one with preserve_most may.
callee_0:
        pushq   $0
        jmp     callee
callee_1:
        pushq   $1
callee:
        pushq   %r15
        pushq   %r14
        pushq   %r13
        pushq   %r12
        pushq   %r11
        pushq   %r10
        pushq   %r9
        pushq   %r8
        pushq   $0
        pushq   %rbp
        pushq   %rdi
        pushq   %rsi
        pushq   %rdx
        pushq   %rcx
        pushq   %rbx
        pushq   %rax
        movq    %rsp, %rdi
        movq    %rsp, %rbx
        andq    $-16, %rsp
        callq   called
        movq    %rbx, %rsp
        popq    %rax
        popq    %rbx
        popq    %rcx
        popq    %rdx
        popq    %rsi
        popq    %rdi
        popq    %rbp
        popq    %r8
        popq    %r8
        popq    %r9
        popq    %r10
        popq    %r11
        popq    %r12
        popq    %r13
        popq    %r14
        popq    %r15
        testq   $1, (%rsp)
        leaq    8(%rsp), %rsp
        jne     kept
        movl    $0x11111111, %eax
        movl    $0x22222222, %ecx
        movl    $0x33333333, %edx
        movl    $0x44444444, %esi
        movl    $0x55555555, %edi
        movl    $0x66666666, %r8d
        movl    $0x77777777, %r9d
        movl    $0x08888888, %r10d
        movl    $0x09999999, %r11d
kept:
        retq
        .section .rodata
        .globl  callees
        .balign 8
callees:
        .rept   32768
        .quad   callee_0, callee_1
        .endr
        .section .note.GNU-stack,"",@progbits
