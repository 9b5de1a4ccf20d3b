/* The compiler's limits, and those limits of the system that CPython's headers use. */
#pragma clang system_header
#if __has_include_next(<limits.h>)
# include_next <limits.h>
#endif

#ifndef JIT_SYSROOT_LIMITS_H
#define JIT_SYSROOT_LIMITS_H
#if defined(_WIN32)
/* Names that CPython's PC/pyconfig.h.in uses for its longest integers. */
# define _I64_MIN LLONG_MIN
# define _I64_MAX LLONG_MAX
# define _UI64_MAX ULLONG_MAX
#else
/* linux: bits/posix1_lim.h, linux/limits.h, bits/local_lim.h; darwin: i386/limits.h, arm/limits.h, sys/syslimits.h. */
# define SSIZE_MAX LONG_MAX
# if defined(__APPLE__)
#  define PATH_MAX 1024
#  define PTHREAD_KEYS_MAX 512
# else
#  define PATH_MAX 4096
#  define PTHREAD_KEYS_MAX 1024
# endif
# define LONG_BIT 64 /* CPython's pyport.h compares it with its own value */
#endif
#endif
