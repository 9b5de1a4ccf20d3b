/* Win32: which part of the API is available, which pyconfig.h tests. A desktop program has all of it. */
#pragma once
#pragma clang system_header
#define WINAPI_PARTITION_DESKTOP 1
#define WINAPI_PARTITION_APP 1
#define WINAPI_PARTITION_SYSTEM 1
#define WINAPI_PARTITION_GAMES 1
#define WINAPI_FAMILY_PARTITION(partition) (partition)
