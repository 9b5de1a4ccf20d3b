/* windows: pyconfig.h includes it, CPython's headers use nothing of it. */
#pragma clang system_header
#include <sysroot.h>
