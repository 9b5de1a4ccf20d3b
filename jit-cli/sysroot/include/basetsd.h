/* Win32: integers with their size in the name, and integers as wide as a pointer. */
#ifndef JIT_SYSROOT_BASETSD_H
#define JIT_SYSROOT_BASETSD_H
#pragma clang system_header
#include <sysroot.h>

#if !defined(_WIN32)
# error "<basetsd.h> is on Windows only"
#endif
typedef int INT32;
typedef unsigned int UINT32;
typedef long long INT64, LONG64;
typedef unsigned long long UINT64, ULONG64, DWORD64;
# if defined(_WIN64)
typedef long long INT_PTR, LONG_PTR;
typedef unsigned long long UINT_PTR, ULONG_PTR, DWORD_PTR;
# else
typedef int INT_PTR;
typedef long LONG_PTR;
typedef unsigned int UINT_PTR;
typedef unsigned long ULONG_PTR, DWORD_PTR;
# endif
typedef ULONG_PTR SIZE_T;
typedef LONG_PTR SSIZE_T;
#endif
