/* The maximal length of a path, which osdefs.h uses. */
#ifndef JIT_SYSROOT_SYS_PARAM_H
#define JIT_SYSROOT_SYS_PARAM_H
#pragma clang system_header
#include <limits.h>

#if defined(_WIN32)
# error "<sys/param.h> is not on Windows, but pyconfig.h says so (HAVE_SYS_PARAM_H): it is another system's"
#endif
#define MAXPATHLEN PATH_MAX
#endif
