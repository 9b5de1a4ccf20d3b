/* CPython takes the types from here, and writes formats itself. */
#pragma clang system_header
#include <sysroot.h>
