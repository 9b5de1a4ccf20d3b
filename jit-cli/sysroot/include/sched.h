/* CPython's headers include this header but use nothing in it. */
#pragma clang system_header
#include <sysroot.h>
