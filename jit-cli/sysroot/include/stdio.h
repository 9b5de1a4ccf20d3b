/* Streams, and the one function that micro-ops of a debug build call (to trace execution). */
#ifndef JIT_SYSROOT_STDIO_H
#define JIT_SYSROOT_STDIO_H
#pragma clang system_header
#include <stdarg.h>
#include <sysroot.h>

/* Only pointed to. */
#if defined(_WIN32)
typedef struct _iobuf FILE;
#elif defined(__APPLE__)
typedef struct __sFILE FILE;
#else
typedef struct _IO_FILE FILE;
#endif

/* The objects or the function that the names stand for: they are symbols in a stencil that uses them. */
#if defined(_WIN32)
SYSROOT_CRT FILE *__cdecl __acrt_iob_func(unsigned);
# define stdin (__acrt_iob_func(0))
# define stdout (__acrt_iob_func(1))
# define stderr (__acrt_iob_func(2))
#elif defined(__APPLE__)
extern FILE *__stdinp, *__stdoutp, *__stderrp;
# define stdin __stdinp
# define stdout __stdoutp
# define stderr __stderrp
#else
extern FILE *stdin, *stdout, *stderr;
# define stdin stdin
# define stdout stdout
# define stderr stderr
#endif

#define EOF (-1)

/* windows: inline functions in ucrt's stdio.h, and therefore never imported. Here they are ordinary functions. */
int printf(const char *, ...) __attribute__((__format__(__printf__, 1, 2)));
int fprintf(FILE *, const char *, ...) __attribute__((__format__(__printf__, 2, 3)));
#endif
