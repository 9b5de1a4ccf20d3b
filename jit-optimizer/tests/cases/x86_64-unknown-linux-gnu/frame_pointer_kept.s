	.text
	.globl	_JIT_ENTRY                      # -- Begin function _JIT_ENTRY
	.type	_JIT_ENTRY,@function
_JIT_ENTRY:                             # @_JIT_ENTRY
# %bb.0:
	movq	%rbp, %rax
	movq	%rsp,%rbp
	leaq	(%rsp), %rbp
	jmp	_JIT_CONTINUE
