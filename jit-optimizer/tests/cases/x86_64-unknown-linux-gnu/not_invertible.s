	.text
	.globl	_JIT_ENTRY                      # -- Begin function _JIT_ENTRY
	.type	_JIT_ENTRY,@function
_JIT_ENTRY:                             # @_JIT_ENTRY
# %bb.0:
	jcxz	.LOK_0
	jmp	_JIT_ERROR_TARGET
.LOK_0:
	incq	%rax
	jecxz	.LOK_1
	jmp	_JIT_ERROR_TARGET
.LOK_1:
	incq	%rax
	jrcxz	.LOK_2
	jmp	_JIT_ERROR_TARGET
.LOK_2:
	incq	%rax
	loop	.LOK_3
	jmp	_JIT_ERROR_TARGET
.LOK_3:
	incq	%rax
	loope	.LOK_4
	jmp	_JIT_ERROR_TARGET
.LOK_4:
	incq	%rax
	loopne	.LOK_5
	jmp	_JIT_ERROR_TARGET
.LOK_5:
	incq	%rax
	loopnz	.LOK_6
	jmp	_JIT_ERROR_TARGET
.LOK_6:
	incq	%rax
	loopz	.LOK_7
	jmp	_JIT_ERROR_TARGET
.LOK_7:
	incq	%rax
	jmp	_JIT_CONTINUE
