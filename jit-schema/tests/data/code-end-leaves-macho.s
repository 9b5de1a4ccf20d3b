	.text
	.globl	__JIT_ENTRY
__JIT_ENTRY:
	nop
	.section	__DWARF,__jit_leaves,regular,debug
