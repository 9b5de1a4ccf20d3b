/* The configuration of CPython that stencils are built for: one text for seven targets.
 *
 * It defines what CPython's headers test (Include/, Python/ceval_macros.h); configure finds about five hundred more
 * facts that only CPython's sources need. It is right for a default build of CPython for the target. If you have the
 * target's own pyconfig.h, use that instead.
 *
 * JIT_SYSROOT_DEBUG          like configure --with-pydebug (windows: _DEBUG has the same effect)
 * JIT_SYSROOT_FREE_THREADED  like configure --disable-gil */
#ifndef Py_PYCONFIG_H
#define Py_PYCONFIG_H

#if defined(JIT_SYSROOT_DEBUG) || (defined(_WIN32) && defined(_DEBUG))
# define Py_DEBUG 1
#endif
#if defined(JIT_SYSROOT_FREE_THREADED)
# define Py_GIL_DISABLED 1
#endif

/* Facts about the language and the compiler, which the compiler defines for each target. */
#define DOUBLE_IS_LITTLE_ENDIAN_IEEE754 1
#define SIZEOF_SHORT __SIZEOF_SHORT__
#define SIZEOF_INT __SIZEOF_INT__
#define SIZEOF_LONG __SIZEOF_LONG__
#define SIZEOF_LONG_LONG __SIZEOF_LONG_LONG__
#define SIZEOF_FLOAT __SIZEOF_FLOAT__
#define SIZEOF_DOUBLE __SIZEOF_DOUBLE__
#define SIZEOF_VOID_P __SIZEOF_POINTER__
#define SIZEOF_SIZE_T __SIZEOF_SIZE_T__
#define SIZEOF_UINTPTR_T __SIZEOF_POINTER__
#define SIZEOF_WCHAR_T __SIZEOF_WCHAR_T__
#define SIZEOF__BOOL 1
#define ALIGNOF_LONG __SIZEOF_LONG__
#define ALIGNOF_SIZE_T __SIZEOF_SIZE_T__
#define STDC_HEADERS 1

/* The same for every system. */
#define SIZEOF_PID_T 4
#define SIZEOF_TIME_T 8
#define SIZEOF_FPOS_T 8
#define HAVE_ERRNO_H 1
#define HAVE_SIGNAL_H 1
#define HAVE_STDDEF_H 1
#define HAVE_SYS_STAT_H 1
#define HAVE_SYS_TYPES_H 1
#define HAVE_WCHAR_H 1
#define HAVE_DYNAMIC_LOADING 1

/* CPython's defaults. */
#define WITH_DECIMAL_CONTEXTVAR 1
#define WITH_DOC_STRINGS 1
#define WITH_MIMALLOC 1
#define WITH_PYMALLOC 1

#if defined(_WIN32)
/* Defined by hand in PC/pyconfig.h.in. */
# include <io.h>
# include <winapifamily.h>
# include <basetsd.h>
# include <stdio.h>
# define MS_WIN32
# define MS_WINDOWS
# if defined(_WIN64)
#  define MS_WIN64
# endif
# define NT_THREADS
# define WITH_THREAD
# if WINAPI_FAMILY_PARTITION(WINAPI_PARTITION_DESKTOP)
#  define MS_WINDOWS_DESKTOP
# endif
# if WINAPI_FAMILY_PARTITION(WINAPI_PARTITION_APP)
#  define MS_WINDOWS_APP
# endif
# if WINAPI_FAMILY_PARTITION(WINAPI_PARTITION_SYSTEM)
#  define MS_WINDOWS_SYSTEM
# endif
# if WINAPI_FAMILY_PARTITION(WINAPI_PARTITION_GAMES)
#  define MS_WINDOWS_GAMES
# endif
# define HAVE_WINDOWS_CONSOLE_IO 1
/* Windows 10 or newer. For older versions, condition variables are CPython's own, and the GIL has another layout. */
# define Py_WINVER 0x0A00
# define Py_NTDDI NTDDI_WIN10
# ifndef NTDDI_VERSION
#  define NTDDI_VERSION Py_NTDDI
# endif
# ifndef WINVER
#  define WINVER Py_WINVER
# endif
# ifndef _WIN32_WINNT
#  define _WIN32_WINNT Py_WINVER
# endif
typedef int pid_t;
# if defined(_WIN64)
typedef __int64 Py_ssize_t;
#  define PY_SSIZE_T_MAX LLONG_MAX
# else
typedef int Py_ssize_t;
#  define PY_SSIZE_T_MAX INT_MAX
# endif
# define HAVE_PY_SSIZE_T 1
/* The target's flags say that i686 is not a DLL; CPython's stencils there name symbols without __imp_. */
# if !defined(Py_NO_ENABLE_SHARED)
#  define Py_ENABLE_SHARED 1
#  define MS_COREDLL
# endif
# define HAVE_DECLSPEC_DLL
# define HAVE_LARGEFILE_SUPPORT
# define PLATFORM "win32"
# define LONG_BIT 32
# define SIZEOF_OFF_T 4
# define SIZEOF_HKEY __SIZEOF_POINTER__
# define ALIGNOF_MAX_ALIGN_T 8
# define _PYTHREAD_NAME_MAXLEN 32766

#else /* POSIX */
/* Real headers test these macros to decide what to declare; the built-in ones do not. */
# define _GNU_SOURCE 1
# define _DARWIN_C_SOURCE 1
# define _POSIX_C_SOURCE 202405L
# define _XOPEN_SOURCE 800
# define _XOPEN_SOURCE_EXTENDED 1
# define HAVE_BACKTRACE 1
# define HAVE_CLOCK_GETTIME 1
# define HAVE_COMPUTED_GOTOS 1
# define HAVE_DECL_RTLD_NOW 1
# define HAVE_DLOPEN 1
# define HAVE_EXECINFO_H 1
# define HAVE_FORK 1
# define HAVE_GCC_UINT128_T 1
# define HAVE_LANGINFO_H 1
# define HAVE_PTHREAD_H 1
# define HAVE_READLINK 1
# define HAVE_REALPATH 1
# define HAVE_SIGACTION 1
# define HAVE_SIGALTSTACK 1
# define HAVE_SSIZE_T 1
# define HAVE_SYS_PARAM_H 1
# define HAVE_UNISTD_H 1
# define PY_HAVE_PERF_TRAMPOLINE 1
# define Py_REMOTE_DEBUG 1
# define SIZEOF_LONG_DOUBLE __SIZEOF_LONG_DOUBLE__
# define SIZEOF_OFF_T 8
# define SIZEOF_PTHREAD_T 8
# define _Py_HAVE_LIBGCC_EH_FRAME_REGISTRATION 1
# define _Py_STACK_GROWS_DOWN 1
# if defined(__x86_64__)
#  define HAVE_GCC_ASM_FOR_X64 1
#  define HAVE_GCC_ASM_FOR_X87 1
# endif
# if defined(__APPLE__)
#  define HAVE_KQUEUE 1
#  define SIZEOF_PTHREAD_KEY_T 8
#  define THREAD_STACK_SIZE 0x1000000
/* pymacconfig.h redefines these and most sizes. */
#  if defined(__aarch64__)
#   define ALIGNOF_MAX_ALIGN_T 8
#  else
#   define ALIGNOF_MAX_ALIGN_T 16
#  endif
#  define _PYTHREAD_NAME_MAXLEN 63
# else
#  define HAVE_PROCESS_VM_READV 1
#  define HAVE_PTHREAD_CONDATTR_SETCLOCK 1
#  define HAVE_SEM_CLOCKWAIT 1
#  define HAVE_SEM_TIMEDWAIT 1
#  define PTHREAD_KEY_T_IS_COMPATIBLE_WITH_INT 1
#  define SIZEOF_PTHREAD_KEY_T 4
#  define ALIGNOF_MAX_ALIGN_T 16
#  define _Py_HAVE_PR_SET_VMA_ANON_NAME 1
#  define _PYTHREAD_NAME_MAXLEN 15
# endif
#endif

#endif /* Py_PYCONFIG_H */
