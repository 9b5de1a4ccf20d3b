/* darwin: CPython 3.11's pyport.h includes it and uses nothing of it. */
#pragma clang system_header
#include <wchar.h>
