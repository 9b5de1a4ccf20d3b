	.text
	nop
orphan:
	nop
	.globl	_JIT_ENTRY
_JIT_ENTRY:
	b	_JIT_CONTINUE
	.data
