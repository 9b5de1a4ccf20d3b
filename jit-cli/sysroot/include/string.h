/* Memory and strings. linux declares functions that only read memory as pure (string.h). */
#ifndef JIT_SYSROOT_STRING_H
#define JIT_SYSROOT_STRING_H
#pragma clang system_header
#include <sysroot.h>

extern void *memcpy(void *, const void *, size_t) SYSROOT_NOTHROW;
extern void *memmove(void *, const void *, size_t) SYSROOT_NOTHROW;
extern void *memset(void *, int, size_t) SYSROOT_NOTHROW;
extern int memcmp(const void *, const void *, size_t) SYSROOT_NOTHROW SYSROOT_PURE;
extern void *memchr(const void *, int, size_t) SYSROOT_NOTHROW SYSROOT_PURE;
extern size_t strlen(const char *) SYSROOT_NOTHROW SYSROOT_PURE;
extern int strcmp(const char *, const char *) SYSROOT_NOTHROW SYSROOT_PURE;
extern int strncmp(const char *, const char *, size_t) SYSROOT_NOTHROW SYSROOT_PURE;
extern char *strchr(const char *, int) SYSROOT_NOTHROW SYSROOT_PURE;
extern char *strrchr(const char *, int) SYSROOT_NOTHROW SYSROOT_PURE;

/* darwin: its headers check known sizes (secure/_string.h) regardless of _FORTIFY_SOURCE. Therefore these functions
 * are builtins there, in spite of -fno-builtin, and can become plain moves. */
#if defined(__APPLE__)
# define memcpy(to, ...) __builtin___memcpy_chk(to, __VA_ARGS__, __builtin_object_size(to, 0))
# define memmove(to, ...) __builtin___memmove_chk(to, __VA_ARGS__, __builtin_object_size(to, 0))
# define memset(to, ...) __builtin___memset_chk(to, __VA_ARGS__, __builtin_object_size(to, 0))
#endif
#endif
