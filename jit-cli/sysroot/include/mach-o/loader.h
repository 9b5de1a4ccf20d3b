/* darwin: the segment that CPython puts its debug offsets in (pycore_debug_offsets.h). */
#pragma once
#pragma clang system_header
#define SEG_DATA "__DATA"
