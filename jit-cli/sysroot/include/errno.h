/* errno and the error numbers that CPython's headers use. */
#ifndef JIT_SYSROOT_ERRNO_H
#define JIT_SYSROOT_ERRNO_H
#pragma clang system_header
#include <sysroot.h>

#if defined(_WIN32)
SYSROOT_CRT int *__cdecl _errno(void);
# define errno (*_errno())
#elif defined(__APPLE__)
extern int *__error(void);
# define errno (*__error())
#else
/* glibc declares that the address never changes, so clang merges calls (errno.h). */
extern int *__errno_location(void) SYSROOT_NOTHROW __attribute__((__const__));
# define errno (*__errno_location())
#endif

/* The same on all systems: asm-generic/errno-base.h, sys/errno.h, ucrt's errno.h. */
#define ENOENT 2
#define EINTR 4
#define ENOMEM 12
#define EFAULT 14
#define EINVAL 22
#define EDOM 33
#define ERANGE 34
/* Different on each system. */
#if defined(__APPLE__)
# define EAGAIN 35
# define EOVERFLOW 84
#else
# define EAGAIN 11
# if defined(_WIN32)
#  define EOVERFLOW 132
# else
#  define EOVERFLOW 75 /* asm-generic/errno.h */
# endif
#endif
#endif
