	.text
	.globl	_JIT_ENTRY                      # -- Begin function _JIT_ENTRY
	.type	_JIT_ENTRY,@function
_JIT_ENTRY:                             # @_JIT_ENTRY
# %bb.0:
	je	.LBB0_1
	jmp	_JIT_CONTINUE
.LBB0_1:
	movq	%rsp, %rbp
	retq
