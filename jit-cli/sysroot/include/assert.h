/* assert(): the function that a failed assertion calls and its arguments are part of every stencil of a debug build. */
#pragma clang system_header
#include <sysroot.h>

#undef assert
#ifdef NDEBUG
# define assert(condition) ((void)0)
#elif defined(_WIN32)
/* ucrt's assert.h: wide strings, and a function that is not declared noreturn. mingw-w64 up to version 10 does the same
 * if UNICODE is defined; later versions declare the function noreturn. */
SYSROOT_CRT void __cdecl _wassert(const wchar_t *, const wchar_t *, unsigned);
# define SYSROOT_WIDE_(text) L##text
# define SYSROOT_WIDE(text) SYSROOT_WIDE_(text)
# define assert(condition) \
    ((void)(!!(condition) || (_wassert(SYSROOT_WIDE(#condition), SYSROOT_WIDE(__FILE__), (unsigned)__LINE__), 0)))
#elif defined(__APPLE__)
/* darwin's assert.h: the file's name without its directory, an unlikely branch, a cold function. */
void __assert_rtn(const char *, const char *, int, const char *)
    __attribute__((__noreturn__, __cold__, __disable_tail_calls__));
# define assert(condition) \
    (__builtin_expect(!(condition), 0) ? __assert_rtn(__func__, __FILE_NAME__, __LINE__, #condition) : (void)0)
#else
/* glibc's assert.h: the function with its signature. */
extern void __assert_fail(const char *, const char *, unsigned, const char *) SYSROOT_NOTHROW
    __attribute__((__noreturn__));
# define assert(condition) \
    ((condition) ? (void)0 : __assert_fail(#condition, __FILE__, __LINE__, __extension__ __PRETTY_FUNCTION__))
#endif

#if !defined(static_assert) && (!defined(__STDC_VERSION__) || __STDC_VERSION__ < 202311L)
# define static_assert _Static_assert
#endif
