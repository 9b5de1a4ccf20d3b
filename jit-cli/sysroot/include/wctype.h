/* darwin: CPython 3.11's pyport.h includes this header but uses nothing in it. */
#pragma clang system_header
#include <wchar.h>
