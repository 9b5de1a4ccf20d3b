/* Win32: HRESULT (pycore_fileutils.h). */
#pragma clang system_header
#include <windows.h>
