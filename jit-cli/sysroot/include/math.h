/* Floating point: what compiles without a function call, and the functions that CPython's headers use.
 *
 * Classification uses clang's builtins, as in glibc. darwin's headers have inline functions that compile to the same code;
 * windows calls _dclass() in C, which is slower and has the same result. No micro-op classifies numbers yet. */
#ifndef JIT_SYSROOT_MATH_H
#define JIT_SYSROOT_MATH_H
#pragma clang system_header
#include <sysroot.h>

#define HUGE_VAL __builtin_huge_val()
#define INFINITY __builtin_inff()
#if defined(__APPLE__)
# define NAN __builtin_nanf("0x7fc00000") /* the same value */
#else
# define NAN __builtin_nanf("")
#endif
#define isnan(x) __builtin_isnan(x)
#define isinf(x) __builtin_isinf_sign(x)
#define isfinite(x) __builtin_isfinite(x)
#define signbit(x) __builtin_signbit(x)

/* windows: declared by corecrt_math.h, on some architectures as imports. */
#if !defined(_WIN32)
# if defined(__linux__)
#  define SYSROOT_CONST __attribute__((__const__))
# else
#  define SYSROOT_CONST
# endif
double copysign(double, double) SYSROOT_NOTHROW SYSROOT_CONST;
double fabs(double) SYSROOT_NOTHROW SYSROOT_CONST;
double floor(double) SYSROOT_NOTHROW SYSROOT_CONST;
double ceil(double) SYSROOT_NOTHROW SYSROOT_CONST;
double fmod(double, double) SYSROOT_NOTHROW;
double pow(double, double) SYSROOT_NOTHROW;
#endif
#endif
