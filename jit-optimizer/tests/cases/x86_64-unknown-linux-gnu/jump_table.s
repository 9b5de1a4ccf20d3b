	.text
	.globl	_JIT_ENTRY                      # -- Begin function _JIT_ENTRY
	.type	_JIT_ENTRY,@function
_JIT_ENTRY:                             # @_JIT_ENTRY
# %bb.0:
	cmpl	$3, %eax
	ja	.LBB0_5
	jmpq	*.LJTI0_0(,%rax,8)
.LBB0_1:
	incq	%rbx
	jmp	.LBB0_5
.LBB0_2:
	incq	%rcx
	jmp	.LBB0_5
.LBB0_3:
	incq	%rdx
.LBB0_5:
	jmp	_JIT_CONTINUE
.Lfunc_end0:
	.size	_JIT_ENTRY, .Lfunc_end0-_JIT_ENTRY
	.section	.rodata,"a",@progbits
.LJTI0_0:
	.quad	.LBB0_1
	.quad	.LBB0_2
	.quad	.LBB0_3
