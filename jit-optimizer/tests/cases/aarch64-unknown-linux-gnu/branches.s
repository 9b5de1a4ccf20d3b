	.text
	.globl	_JIT_ENTRY                      // -- Begin function _JIT_ENTRY
_JIT_ENTRY:                             // @_JIT_ENTRY
// %bb.0:
	cbz	x0, .LBB0_2
	b	_JIT_ERROR_TARGET
.LBB0_2:
	b.eq	_JIT_ERROR_TARGET
	cbnz	w8, _JIT_EXIT_TARGET      // a comment
	tbz	w8, #3, .LBB0_3
	b	_JIT_ERROR_TARGET
.LBB0_3:
	tbnz	w8, #4, .LBB0_4
	b	.LBB0_6
.LBB0_4:
	tbz	w8, #5, .LBB0_7
	bc.ls	.LBB0_7
	bl	PyFoo
	blx	PyBar
	blr	x8
	b	_JIT_CONTINUE
.LBB0_6:
	mov	x0, x1
	ret
.LBB0_7:
	b	_JIT_JUMP_TARGET
