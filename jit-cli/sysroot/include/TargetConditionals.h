/* darwin: which of Apple's systems this is (pycore_ceval.h asks). */
#pragma once
#pragma clang system_header
#define TARGET_OS_OSX 1
#define TARGET_OS_IPHONE 0
