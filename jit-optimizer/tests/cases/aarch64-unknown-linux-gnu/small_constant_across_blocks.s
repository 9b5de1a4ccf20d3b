	.text
	.globl	_JIT_ENTRY                      // -- Begin function _JIT_ENTRY
_JIT_ENTRY:                             // @_JIT_ENTRY
// %bb.0:
	adrp	x8, :got:_JIT_OPARG_16
	cbz	x0, .LBB0_1
	nop
.LBB0_1:
	ldr	x8, [x8, :got_lo12:_JIT_OPARG_16]
	adrp	x9, :got:_JIT_OPARG_32
	// a comment also ends a block
	ldr	x9, [x9, :got_lo12:_JIT_OPARG_32]
	b	_JIT_CONTINUE
