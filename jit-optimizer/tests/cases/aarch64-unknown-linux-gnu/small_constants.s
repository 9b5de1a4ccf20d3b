	.text
	.globl	_JIT_ENTRY                      // -- Begin function _JIT_ENTRY
_JIT_ENTRY:                             // @_JIT_ENTRY
// %bb.0:
	adrp	x8, :got:_JIT_OPARG_16
	ldr	x8, [x8, :got_lo12:_JIT_OPARG_16]
	and	x9, x9, #0x8
	and	w8, w8, #0xffff
	and	w9, w8, #0xffff
	adrp	x10, :got:_JIT_OPERAND0_32
	mov	x2, x3
	ldr	x10, [x10, :got_lo12:_JIT_OPERAND0_32]
	mov	w10, #1
	and	x10, x10, #0xffff
	adrp	x11, :got:_JIT_OPERAND1_16
	ldr	x11, [x11, :got_lo12:_JIT_OPARG_16]
	adrp	x12, :got:_JIT_OPERAND1_16
	ldr	x13, [x12, :got_lo12:_JIT_OPERAND1_16]
	ldr	x12, [x9, :got_lo12:_JIT_OPERAND1_16]
	adrp	x14, :got:_JIT_OPERAND1_32
	add	x1, x14, #1
	ldr	x14, [x14, :got_lo12:_JIT_OPERAND1_32]
	adrp	x15, :got:_JIT_OPERAND1_32
	add	x1, x1, #0x150
	ldr	x15, [x15, :got_lo12:_JIT_OPERAND1_32]
	b	_JIT_CONTINUE
