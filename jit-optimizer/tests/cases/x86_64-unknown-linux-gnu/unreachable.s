	.text
	.globl	_JIT_ENTRY                      # -- Begin function _JIT_ENTRY
	.type	_JIT_ENTRY,@function
_JIT_ENTRY:                             # @_JIT_ENTRY
# %bb.0:
	jmp	.LBB0_2
	nop
.LBB0_1:
	incq	%rbx
	jne	.LBB0_1
	retq
.LBB0_2:
	incq	%rax
	jmp	_JIT_CONTINUE
.LBB0_3:
	decq	%rax
	retq # not_a_target
	.globl	second
second:
	decq	%rcx
	ret
third:
	nop
.Lfunc_end0:
	.size	_JIT_ENTRY, .Lfunc_end0-_JIT_ENTRY
                                        # -- End function
	.ident	"clang"
	.section	".note.GNU-stack","",@progbits
