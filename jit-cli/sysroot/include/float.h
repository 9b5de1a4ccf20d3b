/* The compiler's limits of floating-point types, and Windows' control of the x87, for pycore_pymath.h on i686. */
#pragma clang system_header
#if __has_include_next(<float.h>)
# include_next <float.h>
#endif

#ifndef JIT_SYSROOT_FLOAT_H
#define JIT_SYSROOT_FLOAT_H
#if defined(_WIN32)
# include <sysroot.h>
/* corecrt's float.h: the masks of precision and rounding, and the values for IEEE 754 doubles. */
# define _MCW_PC 0x00030000
# define _MCW_RC 0x00000300
# define _PC_53 0x00010000
# define _RC_NEAR 0x00000000
# if defined(_M_IX86)
SYSROOT_CRT int __cdecl __control87_2(unsigned int, unsigned int, unsigned int *, unsigned int *);
# endif
#endif
#endif
