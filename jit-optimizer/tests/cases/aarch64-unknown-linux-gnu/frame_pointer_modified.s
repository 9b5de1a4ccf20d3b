	.text
	.globl	_JIT_ENTRY                      // -- Begin function _JIT_ENTRY
_JIT_ENTRY:                             // @_JIT_ENTRY
// %bb.0:
	stp	x29, x30, [sp, #-16]!
	b	_JIT_CONTINUE
