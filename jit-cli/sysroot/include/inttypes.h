/* CPython uses the types, and has its own formats. */
#pragma clang system_header
#include <sysroot.h>
