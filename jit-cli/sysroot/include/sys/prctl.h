/* linux: the function that names a mapping (pycore_mmap.h). The constants are in linux/prctl.h. */
#ifndef JIT_SYSROOT_SYS_PRCTL_H
#define JIT_SYSROOT_SYS_PRCTL_H
#pragma clang system_header
#include <linux/prctl.h>

extern int prctl(int, ...) SYSROOT_NOTHROW;
#endif
