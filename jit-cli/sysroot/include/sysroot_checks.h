/* Assertions of the sizes that matter: a wrong size changes what stencils do, unnoticed.
 *
 * Include this header last, after Python.h: then it also checks pyconfig.h against the target. Its numbers are those of
 * each system's ABI, not those of the other headers here, so it holds for real headers as well (for mingw-w64's, with
 * the flags that make them agree with Microsoft's). */
#ifndef JIT_SYSROOT_CHECKS_H
#define JIT_SYSROOT_CHECKS_H

#include <assert.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <wchar.h>
#if defined(_WIN32)
# include <windows.h>
#else
# include <pthread.h>
# include <time.h>
# include <unistd.h>
# if defined(__linux__)
#  include <semaphore.h>
# else
#  include <sys/time.h>
# endif
#endif

#define SYSROOT_SAME(what, value, expected) \
    _Static_assert((value) == (expected), "sysroot: " what " is not what the target has: wrong headers, or wrong flags for them")
#define SYSROOT_SIZE(type, size, alignment) \
    SYSROOT_SAME("the size of " #type, sizeof(type), size); \
    SYSROOT_SAME("the alignment of " #type, _Alignof(type), alignment)

/* The C types of each ABI. */
SYSROOT_SIZE(int, 4, 4);
SYSROOT_SIZE(long long, 8, 8);
SYSROOT_SIZE(double, 8, 8);
SYSROOT_SIZE(time_t, 8, 8);
#if defined(_M_IX86)
SYSROOT_SIZE(void *, 4, 4);
SYSROOT_SIZE(size_t, 4, 4);
#else
SYSROOT_SIZE(void *, 8, 8);
SYSROOT_SIZE(size_t, 8, 8);
#endif
#if defined(_WIN32)
SYSROOT_SIZE(long, 4, 4);
SYSROOT_SIZE(wchar_t, 2, 2);
SYSROOT_SAME("NSIG", NSIG, 23);
#else
SYSROOT_SIZE(long, 8, 8);
SYSROOT_SIZE(wchar_t, 4, 4);
SYSROOT_SIZE(pid_t, 4, 4);
SYSROOT_SIZE(off_t, 8, 8);
SYSROOT_SIZE(ino_t, 8, 8);
SYSROOT_SIZE(struct timespec, 16, 8);
SYSROOT_SIZE(struct timeval, 16, 8);
SYSROOT_SIZE(pthread_t, 8, 8);
SYSROOT_SIZE(pthread_cond_t, 48, 8);
SYSROOT_SIZE(sig_atomic_t, 4, 4);
SYSROOT_SIZE(stack_t, 24, 8);
SYSROOT_SAME("SSIZE_MAX", SSIZE_MAX, LONG_MAX);
#endif

#if defined(__linux__)
# if defined(__aarch64__)
SYSROOT_SIZE(pthread_mutex_t, 48, 8);
SYSROOT_SIZE(pthread_attr_t, 64, 8);
SYSROOT_SIZE(pthread_condattr_t, 8, 4);
# else
SYSROOT_SIZE(pthread_mutex_t, 40, 8);
SYSROOT_SIZE(pthread_attr_t, 56, 8);
SYSROOT_SIZE(pthread_condattr_t, 4, 4);
# endif
SYSROOT_SIZE(pthread_rwlock_t, 56, 8);
SYSROOT_SIZE(pthread_key_t, 4, 4);
SYSROOT_SIZE(pthread_once_t, 4, 4);
SYSROOT_SIZE(sem_t, 32, 8);
SYSROOT_SIZE(sigset_t, 128, 8);
SYSROOT_SIZE(struct sigaction, 152, 8);
SYSROOT_SIZE(dev_t, 8, 8);
SYSROOT_SIZE(mode_t, 4, 4);
SYSROOT_SAME("NSIG", NSIG, 65);
SYSROOT_SAME("_POSIX_SEMAPHORES", _POSIX_SEMAPHORES > 0, 1);
#elif defined(__APPLE__)
SYSROOT_SIZE(pthread_mutex_t, 64, 8);
SYSROOT_SIZE(pthread_attr_t, 64, 8);
SYSROOT_SIZE(pthread_condattr_t, 16, 8);
SYSROOT_SIZE(pthread_rwlock_t, 200, 8);
SYSROOT_SIZE(pthread_key_t, 8, 8);
SYSROOT_SIZE(pthread_once_t, 16, 8);
SYSROOT_SIZE(sigset_t, 4, 4);
SYSROOT_SIZE(struct sigaction, 16, 8);
SYSROOT_SIZE(dev_t, 4, 4);
SYSROOT_SIZE(mode_t, 2, 2);
SYSROOT_SAME("NSIG", NSIG, 32);
SYSROOT_SAME("_POSIX_SEMAPHORES", _POSIX_SEMAPHORES, -1);
#else
SYSROOT_SIZE(HANDLE, sizeof(void *), sizeof(void *));
SYSROOT_SIZE(SRWLOCK, sizeof(void *), sizeof(void *));
SYSROOT_SIZE(CONDITION_VARIABLE, sizeof(void *), sizeof(void *));
SYSROOT_SIZE(CRITICAL_SECTION, sizeof(void *) == 8 ? 40 : 24, sizeof(void *));
SYSROOT_SIZE(LARGE_INTEGER, 8, 8);
SYSROOT_SIZE(FILETIME, 8, 4);
SYSROOT_SIZE(DWORD, 4, 4);
SYSROOT_SAME("NTDDI_VERSION (pyconfig.h: at least Windows Vista)", NTDDI_VERSION >= 0x06000000, 1);
#endif

/* If pyconfig.h was included: is it this target's? CPython's defines all of these; another project's may not. */
#if defined(SIZEOF_VOID_P)
SYSROOT_SAME("SIZEOF_VOID_P in pyconfig.h", SIZEOF_VOID_P, sizeof(void *));
#endif
#if defined(SIZEOF_PID_T)
SYSROOT_SAME("SIZEOF_SIZE_T in pyconfig.h", SIZEOF_SIZE_T, sizeof(size_t));
SYSROOT_SAME("SIZEOF_INT in pyconfig.h", SIZEOF_INT, sizeof(int));
SYSROOT_SAME("SIZEOF_LONG in pyconfig.h", SIZEOF_LONG, sizeof(long));
SYSROOT_SAME("SIZEOF_LONG_LONG in pyconfig.h", SIZEOF_LONG_LONG, sizeof(long long));
SYSROOT_SAME("SIZEOF_DOUBLE in pyconfig.h", SIZEOF_DOUBLE, sizeof(double));
SYSROOT_SAME("SIZEOF_WCHAR_T in pyconfig.h", SIZEOF_WCHAR_T, sizeof(wchar_t));
SYSROOT_SAME("SIZEOF_TIME_T in pyconfig.h", SIZEOF_TIME_T, sizeof(time_t));
SYSROOT_SAME("SIZEOF_PID_T in pyconfig.h", SIZEOF_PID_T, sizeof(pid_t));
# if defined(SIZEOF_LONG_DOUBLE)
SYSROOT_SAME("SIZEOF_LONG_DOUBLE in pyconfig.h", SIZEOF_LONG_DOUBLE, sizeof(long double));
# endif
# if defined(SIZEOF_OFF_T)
SYSROOT_SAME("SIZEOF_OFF_T in pyconfig.h", SIZEOF_OFF_T, sizeof(off_t));
# endif
# if defined(SIZEOF_PTHREAD_T)
SYSROOT_SAME("SIZEOF_PTHREAD_T in pyconfig.h", SIZEOF_PTHREAD_T, sizeof(pthread_t));
# endif
# if defined(SIZEOF_PTHREAD_KEY_T)
SYSROOT_SAME("SIZEOF_PTHREAD_KEY_T in pyconfig.h", SIZEOF_PTHREAD_KEY_T, sizeof(pthread_key_t));
# endif
# if defined(_WIN32) != defined(MS_WINDOWS) || defined(_WIN64) != defined(MS_WIN64)
#  error "sysroot: pyconfig.h is another system's: MS_WINDOWS and MS_WIN64 do not fit the target"
# endif
# if defined(__APPLE__) && defined(HAVE_SEM_TIMEDWAIT) || defined(__linux__) && defined(HAVE_KQUEUE)
#  error "sysroot: pyconfig.h is another system's: HAVE_SEM_TIMEDWAIT is Linux's, HAVE_KQUEUE macOS's"
# endif
# if defined(HAVE_PTHREAD_H) && !defined(_POSIX_THREADS)
#  error "sysroot: HAVE_PTHREAD_H is there, _POSIX_THREADS is not"
# endif
#endif
#endif /* JIT_SYSROOT_CHECKS_H */
