/* windows: clang's mm_malloc.h includes this header for _aligned_malloc(). */
#pragma clang system_header
#include <stdlib.h>
