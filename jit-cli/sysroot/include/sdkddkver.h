/* Win32: numbers of Windows versions. CPython's pyconfig.h uses NTDDI_WIN10; its condition variables are native ones
 * from NTDDI_VISTA on (pycore_condvar.h), so both must be defined, or the GIL gets another layout. */
#pragma once
#pragma clang system_header
#define NTDDI_VISTA 0x06000000
#define NTDDI_WIN7 0x06010000
#define NTDDI_WIN8 0x06020000
#define NTDDI_WINBLUE 0x06030000
#define NTDDI_WIN10 0x0A000000
#define NTDDI_WIN10_NI 0x0A00000C
#ifndef NTDDI_VERSION
# define NTDDI_VERSION NTDDI_WIN10
#endif
#ifndef _WIN32_WINNT
# define _WIN32_WINNT 0x0A00
#endif
#ifndef WINVER
# define WINVER _WIN32_WINNT
#endif
