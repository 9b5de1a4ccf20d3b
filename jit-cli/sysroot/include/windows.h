/* Win32: the types in CPython's runtime, and the functions and macros that its headers and those of mimalloc use.
 *
 *                         64-bit   i686
 *   HANDLE, FARPROC       8        4
 *   SRWLOCK               8        4        one pointer: synchapi.h, winnt.h (RTL_SRWLOCK)
 *   CONDITION_VARIABLE    8        4        one pointer
 *   INIT_ONCE             8        4        one pointer
 *   CRITICAL_SECTION      40       24       RTL_CRITICAL_SECTION in winnt.h
 *   LARGE_INTEGER         8        8        aligned to 8
 *   FILETIME              8        8        aligned to 4
 * DWORD, ULONG, LONG and BOOL have 4 bytes on all targets (windef.h, winnt.h, basetsd.h). */
#ifndef JIT_SYSROOT_WINDOWS_H
#define JIT_SYSROOT_WINDOWS_H
#pragma clang system_header
#include <basetsd.h>
#include <sdkddkver.h>
#include <sysroot.h>
#include <winapifamily.h>
#include <intrin.h>

#ifndef WIN32
# define WIN32 /* minwindef.h; pythonrun.h tests it */
#endif
#define WINAPI __stdcall
#define CALLBACK __stdcall
#define SYSROOT_WIN32 __declspec(dllimport)
#define MAX_PATH 260
#ifndef TRUE
# define TRUE 1
# define FALSE 0
#endif

typedef int BOOL, INT;
typedef unsigned char BYTE, BOOLEAN;
typedef unsigned short WORD, USHORT;
typedef unsigned int UINT;
typedef unsigned long DWORD, ULONG;
typedef long LONG, HRESULT;
typedef long long LONGLONG;
typedef unsigned long long ULONGLONG;
typedef void *PVOID, *LPVOID, *HANDLE;
typedef struct sysroot_module *HMODULE, *HINSTANCE;
typedef wchar_t WCHAR, *PWSTR, *LPWSTR;
typedef const wchar_t *PCWSTR, *LPCWSTR;
typedef const char *PCSTR, *LPCSTR;
typedef INT_PTR(WINAPI *FARPROC)(void);

typedef union {
    struct {
        DWORD LowPart;
        LONG HighPart;
    };
    LONGLONG QuadPart;
} LARGE_INTEGER;

typedef struct {
    DWORD dwLowDateTime;
    DWORD dwHighDateTime;
} FILETIME;

typedef struct {
    BYTE Identifier[16];
} FILE_ID_128;

typedef struct {
    PVOID Ptr;
} SRWLOCK, CONDITION_VARIABLE;
typedef union {
    PVOID Ptr;
} INIT_ONCE;
#define SRWLOCK_INIT {0}
#define CONDITION_VARIABLE_INIT {0}
#define INIT_ONCE_STATIC_INIT {0}

typedef struct {
    PVOID DebugInfo;
    LONG LockCount;
    LONG RecursionCount;
    HANDLE OwningThread;
    HANDLE LockSemaphore;
    ULONG_PTR SpinCount;
} CRITICAL_SECTION;

#define INVALID_HANDLE_VALUE ((HANDLE)(LONG_PTR)-1)
#define ERROR_NOT_SUPPORTED 50L

SYSROOT_WIN32 DWORD WINAPI GetLastError(void);
SYSROOT_WIN32 void WINAPI SetLastError(DWORD);
SYSROOT_WIN32 DWORD WINAPI GetCurrentThreadId(void);
SYSROOT_WIN32 BOOL WINAPI SwitchToThread(void);
SYSROOT_WIN32 void WINAPI Sleep(DWORD);
SYSROOT_WIN32 HMODULE WINAPI LoadLibraryW(LPCWSTR);
SYSROOT_WIN32 FARPROC WINAPI GetProcAddress(HMODULE, LPCSTR);
SYSROOT_WIN32 BOOL WINAPI FreeLibrary(HMODULE);

/* Used by mimalloc's locks (from CPython 3.15 on). */
SYSROOT_WIN32 void WINAPI InitializeSRWLock(SRWLOCK *);
SYSROOT_WIN32 void WINAPI AcquireSRWLockExclusive(SRWLOCK *);
SYSROOT_WIN32 BOOLEAN WINAPI TryAcquireSRWLockExclusive(SRWLOCK *);
SYSROOT_WIN32 void WINAPI ReleaseSRWLockExclusive(SRWLOCK *);

/* The thread environment block, which contains its own address (winnt.h). mimalloc uses it as the thread's number. */
struct _TEB;
static __inline struct _TEB *NtCurrentTeb(void)
{
#if defined(_M_X64)
    return (struct _TEB *)__readgsqword(0x30);
#elif defined(_M_ARM64)
    return (struct _TEB *)__getReg(18);
#else
    return (struct _TEB *)(ULONG_PTR)__readfsdword(0x18);
#endif
}

/* A pause while spinning (winnt.h). */
#if defined(_M_ARM64)
/* Built-in functions of the compiler, which not every clang declares in its intrin.h. */
extern void __dmb(unsigned int);
extern void __yield(void);
# define YieldProcessor() (__dmb(0xA), __yield()) /* a barrier for stores, inner shareable */
#else
# define YieldProcessor() __builtin_ia32_pause()
#endif

/* 64-bit atomics under their old names (winnt.h). i686 has only one instruction for them; the others are loops around it. */
#define InterlockedCompareExchange64 _InterlockedCompareExchange64
#if defined(_M_IX86)
static __inline LONG64 InterlockedExchange64(LONG64 volatile *target, LONG64 value)
{
    LONG64 old;
    do {
        old = *target;
    } while (_InterlockedCompareExchange64(target, value, old) != old);
    return old;
}
#else
# define InterlockedExchange64 _InterlockedExchange64
#endif
#endif
