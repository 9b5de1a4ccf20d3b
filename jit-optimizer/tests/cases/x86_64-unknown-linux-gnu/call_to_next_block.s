	.text
	.globl	_JIT_ENTRY                      # -- Begin function _JIT_ENTRY
	.type	_JIT_ENTRY,@function
_JIT_ENTRY:                             # @_JIT_ENTRY
# %bb.0:
	movq	%rax, %rbx
	callq	.LBB0_1
.LBB0_1:
	incq	%rax
	jmp	_JIT_CONTINUE
