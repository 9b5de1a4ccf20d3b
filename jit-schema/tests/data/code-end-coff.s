	.text
	.globl	__JIT_ENTRY
__JIT_ENTRY:
	nop
	.section	.jit_falls_thru,"yn"
