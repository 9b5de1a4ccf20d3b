	.text
	.globl	_JIT_ENTRY                      # -- Begin function _JIT_ENTRY
	.type	_JIT_ENTRY,@function
_JIT_ENTRY:                             # @_JIT_ENTRY
# %bb.0:
	js	.LBB0_2
	je	.LBB0_3
.LBB0_2:
	jmp	_JIT_ERROR_TARGET
.LBB0_3:
	incq	%rax
	jne	.LBB0_5
.LBB0_4:
# an empty block between the branch and the jump
.LBB0_6:
	jmp	_JIT_ERROR_TARGET
.LBB0_5:
	jmp	_JIT_CONTINUE
