	.text
	.globl	_JIT_ENTRY                      # -- Begin function _JIT_ENTRY
	.type	_JIT_ENTRY,@function
_JIT_ENTRY:                             # @_JIT_ENTRY
# %bb.0:
	testq	%rax, %rax
	je	.LBB0_2
# %bb.1:
	jmp	_JIT_ERROR_TARGET
.LBB0_2:
	incq	%rax
	jmp	_JIT_CONTINUE
.LBB0_3:
	movq	%rax, %rbx
	jmp	_JIT_JUMP_TARGET
.Lfunc_end0:
	.size	_JIT_ENTRY, .Lfunc_end0-_JIT_ENTRY
                                        # -- End function
	.ident	"clang"
	.section	".note.GNU-stack","",@progbits
