/* POSIX semaphores: 32 bytes on linux (__SIZEOF_SEM_T in bits/semaphore.h, x86_64 and aarch64). darwin's unnamed
 * semaphores do not work, so CPython does not use them (no HAVE_SEM_TIMEDWAIT), and they are left out. */
#ifndef JIT_SYSROOT_SEMAPHORE_H
#define JIT_SYSROOT_SEMAPHORE_H
#pragma clang system_header
#include <sysroot.h>

#if !defined(__linux__)
# error "<semaphore.h> was not expected here: pyconfig.h says that sem_timedwait() is there (HAVE_SEM_TIMEDWAIT), as on Linux"
#endif
typedef union {
    long align;
    char opaque[32];
} sem_t;
#endif
