/* darwin: which of Apple's systems the target is; pycore_ceval.h tests it. */
#pragma once
#pragma clang system_header
#define TARGET_OS_OSX 1
#define TARGET_OS_IPHONE 0
