	.text
	.globl	_JIT_ENTRY                      # -- Begin function _JIT_ENTRY
	.type	_JIT_ENTRY,@function
_JIT_ENTRY:                             # @_JIT_ENTRY
# %bb.0:
; a comment of another assembler
	incq	%rax ; decq %rbx
	#APP
  // and another

  je   .LBB0_1   # .LBB0_1, twice
	je
	jmp	*%rax
	lock
	retqx
	retq.
.LBB0_1: nop
	.globl .LBB0_1 # behind its label
"quoted$label@?":
	ret_
	jmp	_JIT_ERROR_TARGET
	repz	retq
	incq	%raxdecq %rbx	nop
	nop é
	retq
