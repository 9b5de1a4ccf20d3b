	.text
	.globl	x

# nothing
x:
	.quad	0
