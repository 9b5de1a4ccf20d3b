/* windows: clang's mm_malloc.h includes it for _aligned_malloc(). */
#pragma clang system_header
#include <stdlib.h>
