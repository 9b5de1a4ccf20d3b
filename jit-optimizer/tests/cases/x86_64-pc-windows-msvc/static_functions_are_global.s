	.def	_JIT_ENTRY;
	.scl	2;
	.type	32;
	.endef
	.globl	_JIT_ENTRY
_JIT_ENTRY:
	jmp	_JIT_CONTINUE
	.globl	only_globl
only_globl:
	retq
	.def	helper; .scl	3;
helper:
	incq	%rax
	retq
	.def	no_semicolon
no_semicolon:
	decq	%rax
	jmp	_JIT_CONTINUE
