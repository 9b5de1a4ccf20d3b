/* Types are in sysroot.h; CPython's headers only point to a struct tm. */
#ifndef JIT_SYSROOT_TIME_H
#define JIT_SYSROOT_TIME_H
#pragma clang system_header
#include <sysroot.h>

struct tm;

#if !defined(_WIN32)
# if defined(__APPLE__)
typedef enum { SYSROOT_CLOCK_REALTIME = 0, SYSROOT_CLOCK_MONOTONIC = 6 } clockid_t; /* an enum in darwin's time.h too */
#  define CLOCK_REALTIME SYSROOT_CLOCK_REALTIME
#  define CLOCK_MONOTONIC SYSROOT_CLOCK_MONOTONIC
# else
typedef int clockid_t; /* bits/types/clockid_t.h, bits/time.h */
#  define CLOCK_REALTIME 0
#  define CLOCK_MONOTONIC 1
# endif
#endif
#endif
