/* CPython's headers point to a struct lconv. */
#ifndef JIT_SYSROOT_LOCALE_H
#define JIT_SYSROOT_LOCALE_H
#pragma clang system_header
#include <sysroot.h>

struct lconv;
#endif
