	.globl	__JIT_ENTRY                     ; -- Begin function _JIT_ENTRY
__JIT_ENTRY:                            ; @_JIT_ENTRY
; %bb.0:
	; InlineAsm Start
	nop
	; InlineAsm End
	cbz	x0, LBB0_2
	b	__JIT_ERROR_TARGET
LBB0_2:
	b.eq	__JIT_ERROR_TARGET
	cbnz	w8, __JIT_EXIT_TARGET      // a comment
	tbz	w8, #3, LBB0_3
	b	__JIT_ERROR_TARGET
LBB0_3:
	tbnz	w8, #4, LBB0_4
	b	LBB0_6
LBB0_4:
	tbz	w8, #5, LBB0_7
	bc.ls	LBB0_7
	bl	_PyFoo
	blx	_PyBar
	blr	x8
	b	__JIT_CONTINUE
LBB0_6:
	mov	x0, x1
	ret
LBB0_7:
	b	__JIT_JUMP_TARGET
