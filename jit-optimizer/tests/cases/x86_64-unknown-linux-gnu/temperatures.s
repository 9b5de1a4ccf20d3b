	.globl	_JIT_ENTRY
_JIT_ENTRY:
	je	.LCOLD_1
	jmp	.LCOLD_2
.LWARM_1:
	incq	%rax
	jne	.LHOT_1
	jmp	.LEND
.LHOT_1:
	decq	%rcx
	jl	.LCOLD_3
	jmp	_JIT_CONTINUE
.LCOLD_1:
	incq	%rbx
	js	.LWARM_1
	jmp	_JIT_ERROR_TARGET
.LCOLD_2:
	decq	%rax
	jo	_JIT_EXIT_TARGET
	jmp	_JIT_JUMP_TARGET
.LCOLD_3:
	decq	%rbx
	jmp	_JIT_ERROR_TARGET
.LEND:
	incq	%rdx
	jmp	_JIT_CONTINUE
