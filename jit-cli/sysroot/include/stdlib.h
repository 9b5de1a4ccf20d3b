/* Memory allocation, and functions that end a program. */
#ifndef JIT_SYSROOT_STDLIB_H
#define JIT_SYSROOT_STDLIB_H
#pragma clang system_header
#include <sysroot.h>

#if defined(_WIN32)
SYSROOT_CRT void *__cdecl malloc(size_t);
SYSROOT_CRT void *__cdecl calloc(size_t, size_t);
SYSROOT_CRT void *__cdecl realloc(void *, size_t);
SYSROOT_CRT void __cdecl free(void *);
SYSROOT_CRT __declspec(noreturn) void __cdecl abort(void);
SYSROOT_CRT __declspec(noreturn) void __cdecl exit(int);
SYSROOT_CRT char *__cdecl getenv(const char *);
/* For clang's mm_malloc.h, which its intrinsics include. */
SYSROOT_CRT void *__cdecl _aligned_malloc(size_t, size_t);
SYSROOT_CRT void __cdecl _aligned_free(void *);
/* corecrt.h and stdlib.h: CPython uses these to protect calls of the C runtime (pycore_fileutils.h). */
typedef void(__cdecl *_invalid_parameter_handler)(const wchar_t *, const wchar_t *, const wchar_t *, unsigned, uintptr_t);
SYSROOT_CRT _invalid_parameter_handler __cdecl
    _set_thread_local_invalid_parameter_handler(_invalid_parameter_handler);
#else
/* linux: the result of an allocation has no alias. darwin: its size is declared (malloc/_malloc.h). */
# if defined(__APPLE__)
#  define SYSROOT_ALLOCATES(...) __attribute__((__alloc_size__(__VA_ARGS__)))
# else
#  define SYSROOT_ALLOCATES(...) SYSROOT_NOTHROW __attribute__((__malloc__))
# endif
extern void *malloc(size_t) SYSROOT_ALLOCATES(1);
extern void *calloc(size_t, size_t) SYSROOT_ALLOCATES(1, 2);
extern void *realloc(void *, size_t) SYSROOT_NOTHROW;
extern void free(void *) SYSROOT_NOTHROW;
extern void abort(void) SYSROOT_NOTHROW __attribute__((__noreturn__));
extern void exit(int) SYSROOT_NOTHROW __attribute__((__noreturn__));
extern char *getenv(const char *) SYSROOT_NOTHROW;
extern int posix_memalign(void **, size_t, size_t) SYSROOT_NOTHROW;
#endif
#endif
