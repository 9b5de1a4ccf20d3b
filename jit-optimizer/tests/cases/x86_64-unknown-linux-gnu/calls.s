	.text
	.globl	_JIT_ENTRY                      # -- Begin function _JIT_ENTRY
	.type	_JIT_ENTRY,@function
_JIT_ENTRY:                             # @_JIT_ENTRY
# %bb.0:
	callq	PyObject_Foo@PLT
	callq	*%rax
	call	PyObject_Baz
	callq	.LBB0_3
	movl	$_JIT_CONTINUE, %eax	# not MY_JIT_CONTINUE or _JIT_CONTINUEX
	jmpq	*_JIT_CONTINUE@GOTPCREL(%rip)
.LBB0_2:
	retq
.LBB0_3:
	jmp	PyObject_Bar
