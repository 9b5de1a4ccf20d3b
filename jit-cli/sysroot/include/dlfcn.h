/* Modes of opening a library (pycore_import.h): bits/dlfcn.h, darwin's dlfcn.h. */
#ifndef JIT_SYSROOT_DLFCN_H
#define JIT_SYSROOT_DLFCN_H
#pragma clang system_header
#include <sysroot.h>

#if defined(_WIN32)
# error "<dlfcn.h> is not on Windows, but pyconfig.h says so (HAVE_DLOPEN): it is another system's"
#endif
#define RTLD_LAZY 1
#define RTLD_NOW 2
#endif
