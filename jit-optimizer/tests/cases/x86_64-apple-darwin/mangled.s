	.build_version macos, 11, 0
	.globl	__JIT_ENTRY                     ## -- Begin function _JIT_ENTRY
__JIT_ENTRY:                            ## @_JIT_ENTRY
## %bb.0:
	movq	%rsp, %rbp
	testq	%rax, %rax
	je	LBB0_2
## %bb.1:
	jmp	__JIT_ERROR_TARGET
LBB0_2:
	callq	_PyFoo
	jmp	__JIT_CONTINUE                  ## TAILCALL, not _JIT_CONTINUE
                                        ## -- End function
.subsections_via_symbols
