/* Empty: every system has its own tables or inline functions here, and CPython's headers have theirs (pyctype.h). */
#pragma clang system_header
#include <sysroot.h>
