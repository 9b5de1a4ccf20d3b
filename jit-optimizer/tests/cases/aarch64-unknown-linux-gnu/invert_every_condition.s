	.text
	.globl	_JIT_ENTRY                      // -- Begin function _JIT_ENTRY
_JIT_ENTRY:                             // @_JIT_ENTRY
// %bb.0:
	b.eq	.LOK_0
	b	_JIT_ERROR_TARGET
.LOK_0:
	add	x0, x0, #1
	b.ne	.LOK_1
	b	_JIT_ERROR_TARGET
.LOK_1:
	add	x0, x0, #1
	b.lt	.LOK_2
	b	_JIT_ERROR_TARGET
.LOK_2:
	add	x0, x0, #1
	b.ge	.LOK_3
	b	_JIT_ERROR_TARGET
.LOK_3:
	add	x0, x0, #1
	b.gt	.LOK_4
	b	_JIT_ERROR_TARGET
.LOK_4:
	add	x0, x0, #1
	b.le	.LOK_5
	b	_JIT_ERROR_TARGET
.LOK_5:
	add	x0, x0, #1
	b.vs	.LOK_6
	b	_JIT_ERROR_TARGET
.LOK_6:
	add	x0, x0, #1
	b.vc	.LOK_7
	b	_JIT_ERROR_TARGET
.LOK_7:
	add	x0, x0, #1
	b.mi	.LOK_8
	b	_JIT_ERROR_TARGET
.LOK_8:
	add	x0, x0, #1
	b.pl	.LOK_9
	b	_JIT_ERROR_TARGET
.LOK_9:
	add	x0, x0, #1
	b.cs	.LOK_10
	b	_JIT_ERROR_TARGET
.LOK_10:
	add	x0, x0, #1
	b.cc	.LOK_11
	b	_JIT_ERROR_TARGET
.LOK_11:
	add	x0, x0, #1
	b.hs	.LOK_12
	b	_JIT_ERROR_TARGET
.LOK_12:
	add	x0, x0, #1
	b.lo	.LOK_13
	b	_JIT_ERROR_TARGET
.LOK_13:
	add	x0, x0, #1
	b.hi	.LOK_14
	b	_JIT_ERROR_TARGET
.LOK_14:
	add	x0, x0, #1
	b.ls	.LOK_15
	b	_JIT_ERROR_TARGET
.LOK_15:
	add	x0, x0, #1
	bc.eq	.LOK_16
	b	_JIT_ERROR_TARGET
.LOK_16:
	add	x0, x0, #1
	bc.ne	.LOK_17
	b	_JIT_ERROR_TARGET
.LOK_17:
	add	x0, x0, #1
	bc.lt	.LOK_18
	b	_JIT_ERROR_TARGET
.LOK_18:
	add	x0, x0, #1
	bc.ge	.LOK_19
	b	_JIT_ERROR_TARGET
.LOK_19:
	add	x0, x0, #1
	bc.gt	.LOK_20
	b	_JIT_ERROR_TARGET
.LOK_20:
	add	x0, x0, #1
	bc.le	.LOK_21
	b	_JIT_ERROR_TARGET
.LOK_21:
	add	x0, x0, #1
	bc.vs	.LOK_22
	b	_JIT_ERROR_TARGET
.LOK_22:
	add	x0, x0, #1
	bc.vc	.LOK_23
	b	_JIT_ERROR_TARGET
.LOK_23:
	add	x0, x0, #1
	bc.mi	.LOK_24
	b	_JIT_ERROR_TARGET
.LOK_24:
	add	x0, x0, #1
	bc.pl	.LOK_25
	b	_JIT_ERROR_TARGET
.LOK_25:
	add	x0, x0, #1
	bc.cs	.LOK_26
	b	_JIT_ERROR_TARGET
.LOK_26:
	add	x0, x0, #1
	bc.cc	.LOK_27
	b	_JIT_ERROR_TARGET
.LOK_27:
	add	x0, x0, #1
	bc.hs	.LOK_28
	b	_JIT_ERROR_TARGET
.LOK_28:
	add	x0, x0, #1
	bc.lo	.LOK_29
	b	_JIT_ERROR_TARGET
.LOK_29:
	add	x0, x0, #1
	bc.hi	.LOK_30
	b	_JIT_ERROR_TARGET
.LOK_30:
	add	x0, x0, #1
	bc.ls	.LOK_31
	b	_JIT_ERROR_TARGET
.LOK_31:
	add	x0, x0, #1
	cbz	x1,	.LOK_32
	b	_JIT_ERROR_TARGET
.LOK_32:
	add	x0, x0, #1
	cbnz	w1,	.LOK_33
	b	_JIT_ERROR_TARGET
.LOK_33:
	add	x0, x0, #1
	b	_JIT_CONTINUE
