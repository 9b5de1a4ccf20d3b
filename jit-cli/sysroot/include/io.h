/* windows: pyconfig.h includes this header, but CPython's headers use nothing in it. */
#pragma clang system_header
#include <sysroot.h>
