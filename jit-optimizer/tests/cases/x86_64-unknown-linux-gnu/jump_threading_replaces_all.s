	.text
	.globl	_JIT_ENTRY                      # -- Begin function _JIT_ENTRY
	.type	_JIT_ENTRY,@function
_JIT_ENTRY:                             # @_JIT_ENTRY
# %bb.0:
	jne	.LBB0_1 # not to .LBB0_1
	incq	%rax
	jmp	_JIT_CONTINUE
.LBB0_1:
	jmp	_JIT_ERROR_TARGET # leaves
