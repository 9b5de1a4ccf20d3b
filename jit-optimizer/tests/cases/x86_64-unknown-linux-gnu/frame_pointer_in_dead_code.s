	.text
	.globl	_JIT_ENTRY                      # -- Begin function _JIT_ENTRY
	.type	_JIT_ENTRY,@function
_JIT_ENTRY:                             # @_JIT_ENTRY
# %bb.0:
	jmp	_JIT_CONTINUE
.LBB0_1:
	mov	%rsp, %rbp
	jmp	_JIT_CONTINUE
	.globl	x
x:
	retq
