	.globl	__JIT_ENTRY
__JIT_ENTRY:
Lloh0:
	adrp	x8, __JIT_OPARG_16@GOTPAGE
Lloh1:
	ldr	x8, [x8, __JIT_OPARG_16@GOTPAGEOFF]
	adrp	x9, __JIT_OPARG_32@GOTPAGE
	ldr	x9, [x9, __JIT_OPARG_32@GOTPAGEOFF]
	stp	x29, x30, [sp, #-16]!
	b	__JIT_CONTINUE
	.loh AdrpLdrGot	Lloh0, Lloh1
