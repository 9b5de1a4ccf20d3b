/* darwin: the segment in which CPython puts its debug offsets (pycore_debug_offsets.h). */
#pragma once
#pragma clang system_header
#define SEG_DATA "__DATA"
