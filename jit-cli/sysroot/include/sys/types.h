#pragma clang system_header
#include <sysroot.h>
