	.text
	.globl	_JIT_ENTRY                      // -- Begin function _JIT_ENTRY
_JIT_ENTRY:                             // @_JIT_ENTRY
// %bb.0:
	adrp	x8, :got:_JIT_OPARG_16 // adrp
	ldr	x8, [x8, :got_lo12:_JIT_OPARG_16]
	ret
