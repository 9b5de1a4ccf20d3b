/* windows: clang's intrin.h includes this header and declares _setjmp() with its type, _JUMP_BUFFER in ucrt's setjmp.h.
 * CPython does not use it. mingw-w64 has the same sizes on x86_64 and i686, and no such type on aarch64. */
#ifndef JIT_SYSROOT_SETJMP_H
#define JIT_SYSROOT_SETJMP_H
#pragma clang system_header
#include <sysroot.h>

#if defined(_M_X64)
typedef struct {
    _Alignas(16) char opaque[256];
} jmp_buf[1];
#elif defined(_M_ARM64)
typedef unsigned long long jmp_buf[24];
#elif defined(_M_IX86)
typedef int jmp_buf[16];
#else
# error "<setjmp.h> was expected on Windows only"
#endif
#endif
