/* Which parts of POSIX are available, which pycore_pythread.h and pycore_semaphore.h test. */
#ifndef JIT_SYSROOT_UNISTD_H
#define JIT_SYSROOT_UNISTD_H
#pragma clang system_header
#include <sysroot.h>

#if defined(_WIN32)
# error "<unistd.h> is not on Windows, but pyconfig.h says so (HAVE_UNISTD_H): it is another system's"
#elif defined(__APPLE__)
# define _POSIX_THREADS 200112L
# define _POSIX_SEMAPHORES (-1) /* no unnamed ones: CPython uses a mutex and a condition variable instead */
# define _SC_THREADS 96
#else
# define _POSIX_THREADS 200809L /* bits/posix_opt.h */
# define _POSIX_SEMAPHORES 200809L
# define _SC_THREADS 67 /* bits/confname.h */
#endif

extern unsigned sleep(unsigned); /* for mimalloc: a pause while spinning */
#endif
