	.text
	.globl	_JIT_ENTRY                      # -- Begin function _JIT_ENTRY
	.type	_JIT_ENTRY,@function
_JIT_ENTRY:                             # @_JIT_ENTRY
# %bb.0:
	pushq	%rbp
	movq	%rsp, %rbp
	jmp	_JIT_CONTINUE
