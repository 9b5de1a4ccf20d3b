	.text
	.globl	_JIT_ENTRY
_JIT_ENTRY:
	nop
	.section	.jit_falls_thru,"",@progbits
