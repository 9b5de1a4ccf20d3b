/* CPython's headers include it and use nothing of it. */
#pragma clang system_header
#include <sysroot.h>
