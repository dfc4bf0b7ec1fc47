// SPDX-License-Identifier: Apache-2.0
#ifndef MILLRACE_CLINUXIO_SHIM_H
#define MILLRACE_CLINUXIO_SHIM_H

// From <malloc.h>, which Swift's Glibc module leaves out. Declared here, because including it would bring a second
// definition of types that Glibc has.
extern int mallopt(int parameter, int value);

// From <sched.h>: which processors this process may run on, a bit each. 0, or -1.
extern int sched_getaffinity(int process, unsigned long size, void *mask);

enum {
    MILLRACE_M_TRIM_THRESHOLD = -1,
    MILLRACE_M_MMAP_THRESHOLD = -3,
    MILLRACE_M_ARENA_MAX = -8,
};

#endif
