/* File types. CPython's headers only point to a struct stat (on windows, to a struct of their own). */
#ifndef JIT_SYSROOT_SYS_STAT_H
#define JIT_SYSROOT_SYS_STAT_H
#pragma clang system_header
#include <sysroot.h>

struct stat;

/* The same numbers on all three systems: bits/stat.h, sys/_types/_s_ifmt.h, ucrt's sys/stat.h. */
#define S_IFMT 0170000
#define S_IFCHR 0020000
#define S_IFDIR 0040000
#define S_IFREG 0100000
#define S_ISCHR(mode) (((mode) & S_IFMT) == S_IFCHR)
#define S_ISDIR(mode) (((mode) & S_IFMT) == S_IFDIR)
#define S_ISREG(mode) (((mode) & S_IFMT) == S_IFREG)
#if !defined(_WIN32)
# define S_IFLNK 0120000
# define S_ISLNK(mode) (((mode) & S_IFMT) == S_IFLNK)
#endif
#endif
