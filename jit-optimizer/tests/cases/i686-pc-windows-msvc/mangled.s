	.def	@feat.00;
	.scl	3;
	.type	0;
	.endef
	.globl	@feat.00
@feat.00 = 1
	.def	__JIT_ENTRY;
	.scl	2;
	.type	32;
	.endef
	.globl	__JIT_ENTRY                     # -- Begin function _JIT_ENTRY
__JIT_ENTRY:                            # @_JIT_ENTRY
# %bb.0:
	pushl	%ebp
	movl	%esp, %ebp
	testl	%eax, %eax
	jns	LBB0_2
# %bb.1:
	jmp	__JIT_ERROR_TARGET
LBB0_2:
	jmpl	*__imp__PyFoo
	jmp	__JIT_CONTINUE
LBB0_3:
	retl
                                        # -- End function
	.section	.rdata,"dr",discard,"??_C@_03@x?$AA@"
	.globl	"??_C@_03@x?$AA@"
"??_C@_03@x?$AA@":                      # @"??_C@_03@x?$AA@"
	.asciz	"abc"
