	.text
	.globl	_JIT_ENTRY                      # -- Begin function _JIT_ENTRY
	.type	_JIT_ENTRY,@function
_JIT_ENTRY:                             # @_JIT_ENTRY
# %bb.0:
	ja	.LOK_0
	jmp	_JIT_ERROR_TARGET
.LOK_0:
	incq	%rax
	jae	.LOK_1
	jmp	_JIT_ERROR_TARGET
.LOK_1:
	incq	%rax
	jb	.LOK_2
	jmp	_JIT_ERROR_TARGET
.LOK_2:
	incq	%rax
	jbe	.LOK_3
	jmp	_JIT_ERROR_TARGET
.LOK_3:
	incq	%rax
	jc	.LOK_4
	jmp	_JIT_ERROR_TARGET
.LOK_4:
	incq	%rax
	je	.LOK_5
	jmp	_JIT_ERROR_TARGET
.LOK_5:
	incq	%rax
	jg	.LOK_6
	jmp	_JIT_ERROR_TARGET
.LOK_6:
	incq	%rax
	jge	.LOK_7
	jmp	_JIT_ERROR_TARGET
.LOK_7:
	incq	%rax
	jl	.LOK_8
	jmp	_JIT_ERROR_TARGET
.LOK_8:
	incq	%rax
	jle	.LOK_9
	jmp	_JIT_ERROR_TARGET
.LOK_9:
	incq	%rax
	jo	.LOK_10
	jmp	_JIT_ERROR_TARGET
.LOK_10:
	incq	%rax
	jp	.LOK_11
	jmp	_JIT_ERROR_TARGET
.LOK_11:
	incq	%rax
	jpe	.LOK_12
	jmp	_JIT_ERROR_TARGET
.LOK_12:
	incq	%rax
	js	.LOK_13
	jmp	_JIT_ERROR_TARGET
.LOK_13:
	incq	%rax
	jz	.LOK_14
	jmp	_JIT_ERROR_TARGET
.LOK_14:
	incq	%rax
	jna	.LOK_15
	jmp	_JIT_ERROR_TARGET
.LOK_15:
	incq	%rax
	jnbe	.LOK_16
	jmp	_JIT_ERROR_TARGET
.LOK_16:
	incq	%rax
	jpo	.LOK_17
	jmp	_JIT_ERROR_TARGET
.LOK_17:
	incq	%rax
	jnz	.LOK_18
	jmp	_JIT_ERROR_TARGET
.LOK_18:
	incq	%rax
	jnle	.LOK_19
	jmp	_JIT_ERROR_TARGET
.LOK_19:
	incq	%rax
	jns	.LOK_20
	jmp	_JIT_ERROR_TARGET
.LOK_20:
	incq	%rax
	jmp	_JIT_CONTINUE
