	.text
	.globl	__JIT_ENTRY
__JIT_ENTRY:
	nop
	.section	__DWARF,__jit_falls_thru,regular,debug
