/* Signals: their number, and the types that CPython keeps for handlers.
 *
 *                    linux          darwin    windows
 *   NSIG             65             32        23
 *   sigset_t         128 bytes      4         -
 *   stack_t          24             24        -
 *   struct sigaction 152            16        -
 * linux: bits/signum-generic.h, bits/types/__sigset_t.h, bits/types/stack_t.h, bits/sigaction.h; darwin: sys/signal.h;
 * windows: ucrt's signal.h. */
#ifndef JIT_SYSROOT_SIGNAL_H
#define JIT_SYSROOT_SIGNAL_H
#pragma clang system_header
#include <sysroot.h>

typedef int sig_atomic_t;

#if defined(_WIN32)
# define NSIG 23
#else
typedef struct sysroot_siginfo siginfo_t;
# if defined(__APPLE__)
#  define NSIG 32
typedef unsigned int sigset_t;
typedef struct {
    void *ss_sp;
    size_t ss_size;
    int ss_flags;
} stack_t;
# else
#  define NSIG 65 /* one more than SIGRTMAX */
#  define _NSIG NSIG
typedef struct {
    unsigned long bits[1024 / 64];
} sigset_t;
typedef struct {
    void *ss_sp;
    int ss_flags;
    size_t ss_size;
} stack_t;
# endif

struct sigaction {
    union {
        void (*handler)(int);
        void (*action)(int, siginfo_t *, void *);
    } sysroot_handler;
    sigset_t sa_mask;
    int sa_flags;
# if defined(__linux__)
    void (*sa_restorer)(void);
# endif
};
# define sa_handler sysroot_handler.handler
# define sa_sigaction sysroot_handler.action
#endif
#endif
