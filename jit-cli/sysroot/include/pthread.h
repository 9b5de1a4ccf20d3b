/* POSIX threads: the objects that CPython keeps in its runtime and interpreter states.
 *
 * They are opaque, with the size and the alignment of the system's types. Sizes in bytes:
 *                        linux x86_64   linux aarch64   darwin
 *   pthread_mutex_t      40             48              64
 *   pthread_cond_t       48             48              48
 *   pthread_rwlock_t     56             56              200
 *   pthread_attr_t       56             64              64
 *   pthread_mutexattr_t  4              8               16
 *   pthread_condattr_t   4              8               16
 *   pthread_key_t        4              4               8
 *   pthread_once_t       4              4               16
 *   pthread_t            8              8               8 (a pointer)
 * linux: __SIZEOF_PTHREAD_*_T in glibc's bits/pthreadtypes-arch.h (sysdeps/x86/nptl and sysdeps/aarch64/nptl), keys in
 * bits/pthreadtypes.h. darwin: a long before __PTHREAD_*_SIZE__ bytes, in sys/_pthread/_pthread_types.h. */
#ifndef JIT_SYSROOT_PTHREAD_H
#define JIT_SYSROOT_PTHREAD_H
#pragma clang system_header
#include <sched.h>
#include <time.h>

#if defined(_WIN32)
# error "<pthread.h> is not on Windows, but pyconfig.h says so (HAVE_PTHREAD_H): it is another system's"
#elif defined(__APPLE__)
/* The first word identifies the kind of object: see the initializers below. */
# define SYSROOT_THREAD_OBJECT(name, rest) \
    typedef struct { \
        long signature; \
        char opaque[rest]; \
    } name
SYSROOT_THREAD_OBJECT(pthread_mutex_t, 56);
SYSROOT_THREAD_OBJECT(pthread_cond_t, 40);
SYSROOT_THREAD_OBJECT(pthread_rwlock_t, 192);
SYSROOT_THREAD_OBJECT(pthread_attr_t, 56);
SYSROOT_THREAD_OBJECT(pthread_mutexattr_t, 8);
SYSROOT_THREAD_OBJECT(pthread_condattr_t, 8);
SYSROOT_THREAD_OBJECT(pthread_once_t, 8);
typedef unsigned long pthread_key_t;
typedef struct sysroot_thread *pthread_t;
/* _PTHREAD_MUTEX_SIG_init and _PTHREAD_COND_SIG_init in darwin's pthread_impl.h. */
# define PTHREAD_MUTEX_INITIALIZER {0x32AAABA7, {0}}
# define PTHREAD_COND_INITIALIZER {0x3CB0B1BB, {0}}
#else
/* Objects hold pointers or 64-bit counters, so they are aligned to 8; attributes hold ints. */
# define SYSROOT_THREAD_OBJECT(name, unit, size) \
    typedef union { \
        unit align; \
        char opaque[size]; \
    } name
# if defined(__aarch64__)
SYSROOT_THREAD_OBJECT(pthread_mutex_t, long, 48);
SYSROOT_THREAD_OBJECT(pthread_attr_t, long, 64);
SYSROOT_THREAD_OBJECT(pthread_mutexattr_t, int, 8);
SYSROOT_THREAD_OBJECT(pthread_condattr_t, int, 8);
# else
SYSROOT_THREAD_OBJECT(pthread_mutex_t, long, 40);
SYSROOT_THREAD_OBJECT(pthread_attr_t, long, 56);
SYSROOT_THREAD_OBJECT(pthread_mutexattr_t, int, 4);
SYSROOT_THREAD_OBJECT(pthread_condattr_t, int, 4);
# endif
SYSROOT_THREAD_OBJECT(pthread_cond_t, long, 48);
SYSROOT_THREAD_OBJECT(pthread_rwlock_t, long, 56);
typedef unsigned int pthread_key_t;
typedef int pthread_once_t;
typedef unsigned long pthread_t;
/* All zero. */
# define PTHREAD_MUTEX_INITIALIZER {0}
# define PTHREAD_COND_INITIALIZER {0}
#endif

extern pthread_t pthread_self(void) SYSROOT_NOTHROW
#if defined(__linux__)
    __attribute__((__const__))
#endif
    ;
/* mimalloc's locks are mutexes (from CPython 3.15 on). */
extern int pthread_mutex_init(pthread_mutex_t *, const pthread_mutexattr_t *) SYSROOT_NOTHROW;
extern int pthread_mutex_destroy(pthread_mutex_t *) SYSROOT_NOTHROW;
extern int pthread_mutex_lock(pthread_mutex_t *) SYSROOT_NOTHROW;
extern int pthread_mutex_trylock(pthread_mutex_t *) SYSROOT_NOTHROW;
extern int pthread_mutex_unlock(pthread_mutex_t *) SYSROOT_NOTHROW;
extern void *pthread_getspecific(pthread_key_t) SYSROOT_NOTHROW;
extern int pthread_setspecific(pthread_key_t, const void *) SYSROOT_NOTHROW;
#endif
