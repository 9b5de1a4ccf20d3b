	.text
	.globl	_JIT_ENTRY                      // -- Begin function _JIT_ENTRY
_JIT_ENTRY:                             // @_JIT_ENTRY
// %bb.0:
	adrp	x8, :got:_JIT_OPERAND0
	ldr	x8, [x8, :got_lo12:_JIT_OPERAND0]
	adrp	x9, :got:PyLong_Type
	adrp	x10, :got:PyList_Type
	ldr	x9, [x9, :got_lo12:PyLong_Type]
	ldr	x10, [x10, :got_lo12:PyDict_Type]
	adrp	x11, :got:PyLong_Type
	mov	x1, x11
	ldr	x11, [x11, :got_lo12:PyLong_Type]
	adrp	x12, :got:PyLong_Type
	adrp	x12, :got:_JIT_OPARG_16
	ldr	x12, [x12, :got_lo12:PyLong_Type]
	adrp	x13, :got:_JIT_OPARG_16
	adrp	x13, :got:PyLong_Type
	ldr	x13, [x13, :got_lo12:PyLong_Type]
	adrp	x14, .LCPI0_0
	ldr	x14, [x14, :lo12:.LCPI0_0]
	adrp	x15, :got:PyLong_Type
	bl	PyFoo
	ldr	x15, [x15, :got_lo12:PyLong_Type]
	b.ne	_JIT_ERROR_TARGET
	b	_JIT_CONTINUE
