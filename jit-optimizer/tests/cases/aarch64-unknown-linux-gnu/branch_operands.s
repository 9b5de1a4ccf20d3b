	.text
	.globl	_JIT_ENTRY                      // -- Begin function _JIT_ENTRY
_JIT_ENTRY:                             // @_JIT_ENTRY
// %bb.0:
	cbz	x0, foo // see bar, baz
	cbz	x0, foo // see bar, *baz
	cbz	x0,foo
	b.eq	foo,
	b.eq	*foo
	b.eq	 , foo
	b.eq	, foo
	tbz	w0,#3,foo
	b.al	foo
	ret	x30
