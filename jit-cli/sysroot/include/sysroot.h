/* Shared by all headers of this sysroot: which system the target is, and the scalar types of its ABI.
 *
 * Stencils are never linked against a C library: CPython's headers only need layouts, constants and declarations to
 * compile. These headers contain those that CPython's use, with the sizes of the system's ABI. Types that CPython only
 * points to (FILE, struct tm, struct stat) stay incomplete: a header that starts to depend on their layout fails to
 * compile, where a guessed layout would change the generated code unnoticed.
 *
 * "linux" below is the GNU C library's ABI, "darwin" macOS 11 or newer, "windows" the Universal C Runtime and Win32.
 * A comment at each number names the system header that defines it. sysroot_checks.h asserts those that matter. */
#ifndef JIT_SYSROOT_H
#define JIT_SYSROOT_H

#pragma clang system_header

#if defined(_WIN32)
# if !defined(_MSC_VER) || !(defined(_M_X64) || defined(_M_ARM64) || defined(_M_IX86))
#  error "the built-in sysroot knows Windows as {x86_64,aarch64,i686}-pc-windows-msvc; give real headers with --sysroot"
# endif
#elif defined(__APPLE__)
# if !defined(__LP64__) || !(defined(__x86_64__) || defined(__aarch64__))
#  error "the built-in sysroot knows macOS on x86_64 and aarch64; give real headers with --sysroot"
# endif
#elif defined(__linux__)
# if !defined(__LP64__) || !(defined(__x86_64__) || defined(__aarch64__)) || defined(__ANDROID__)
#  error "the built-in sysroot knows Linux with the GNU C library on x86_64 and aarch64; give real headers with --sysroot"
# endif
/* The version of the C library (features.h). CPython's copy of mimalloc tests it; before 3.13, pymacro.h does, too. */
# define __GLIBC__ 2
# define __GLIBC_MINOR__ 36
#else
# error "the built-in sysroot does not know this system; give real headers with --sysroot"
#endif

#include <stddef.h>
#include <stdint.h>

/* Attributes of function declarations. They matter where a stencil calls a function.
 * linux: almost all functions are declared not to throw (__THROW in sys/cdefs.h); on darwin and windows they are not.
 * windows: the C runtime is imported from a DLL if _DLL is defined. -fms-runtime-lib=dll defines it, and corecrt.h
 * tests it. */
#if defined(__linux__)
# define SYSROOT_NOTHROW __attribute__((__nothrow__))
# define __THROW SYSROOT_NOTHROW /* mimalloc declares functions with it if it is defined */
# define SYSROOT_PURE __attribute__((__pure__))
#else
# define SYSROOT_NOTHROW
# define SYSROOT_PURE
#endif
#if defined(_WIN32) && defined(_DLL)
# define SYSROOT_CRT __declspec(dllimport)
#else
# define SYSROOT_CRT
#endif

/* Scalar types.
 *              linux x86_64      linux aarch64     darwin            windows
 *   time_t     long              long              long              long long, on i686 as well
 *   off_t      long              long              long long         long
 *   pid_t      int               int               int               (pyconfig.h: int)
 *   mode_t     unsigned int      unsigned int      unsigned short    -
 *   dev_t      unsigned long     unsigned long     int               -
 *   ino_t      unsigned long     unsigned long     unsigned long long -
 * linux: bits/types.h and bits/typesizes.h; darwin: sys/_types.h, i386/_types.h, arm/_types.h; windows: corecrt.h,
 * sys/types.h. CPython's runtime has fields of type dev_t and ino_t. Windows has other types of these names, which are
 * left out because CPython does not use them. */
#if defined(_WIN32)
typedef long long time_t;
typedef long off_t;
#else
typedef long ssize_t;
typedef long time_t;
typedef int pid_t;
typedef unsigned int uid_t, gid_t, id_t;
# if defined(__APPLE__)
typedef long long off_t;
typedef unsigned short mode_t;
typedef int dev_t;
typedef unsigned long long ino_t;
# else
typedef long off_t;
typedef unsigned int mode_t;
typedef unsigned long dev_t;
typedef unsigned long ino_t;
# endif
#endif

struct timespec {
    time_t tv_sec;
    long tv_nsec; /* 4 bytes on windows, followed by padding */
};

#if defined(_WIN32)
struct timeval; /* of winsock2.h; only pointed to */
#else
struct timeval {
    time_t tv_sec;
# if defined(__APPLE__)
    int tv_usec; /* suseconds_t, followed by padding: sys/_types/_timeval.h */
# else
    long tv_usec; /* suseconds_t: bits/types/struct_timeval.h */
# endif
};
#endif

#endif /* JIT_SYSROOT_H */
