#ifndef JIT_SYSROOT_LINUX_PRCTL_H
#define JIT_SYSROOT_LINUX_PRCTL_H
#pragma clang system_header
#include <sysroot.h>

#if !defined(__linux__)
# error "<linux/prctl.h> is on Linux only, but pyconfig.h says so (_Py_HAVE_PR_SET_VMA_ANON_NAME): it is another system's"
#endif
/* linux/prctl.h: the number spells "SVMA"; the only attribute to set is the name. */
#define PR_SET_VMA 0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif
