/* wchar_t is the compiler's: 4 bytes on linux (unsigned on aarch64) and darwin, 2 on windows. */
#ifndef JIT_SYSROOT_WCHAR_H
#define JIT_SYSROOT_WCHAR_H
#pragma clang system_header
#include <sysroot.h>

typedef __WINT_TYPE__ wint_t;
extern size_t wcslen(const wchar_t *) SYSROOT_NOTHROW SYSROOT_PURE;
#endif
