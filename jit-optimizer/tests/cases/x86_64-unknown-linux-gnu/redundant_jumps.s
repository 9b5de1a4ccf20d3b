	.text
	.globl	_JIT_ENTRY                      # -- Begin function _JIT_ENTRY
	.type	_JIT_ENTRY,@function
_JIT_ENTRY:                             # @_JIT_ENTRY
# %bb.0:
	jmp	.LBB0_1
.LBB0_1:
	je	.LBB0_2
.LBB0_9:
.LBB0_2:
	jne	.LBB0_4
	incq	%rax
	js	.LBB0_5
	retq
.LBB0_4:
	jmp	.LBB0_6
.LBB0_5:
	jmp	_JIT_EXIT_TARGET
.LBB0_6:
	decq	%rax
	jmp	_JIT_CONTINUE
