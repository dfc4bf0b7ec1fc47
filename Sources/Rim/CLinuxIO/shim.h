// SPDX-License-Identifier: Apache-2.0
#ifndef MILLRACE_CLINUXIO_SHIM_H
#define MILLRACE_CLINUXIO_SHIM_H

// Single functions that Swift's Glibc module leaves out. Declared here, because including their headers would bring a
// second definition of types that Glibc has.

// From <resolv.h>: asks for records of a class and type, and gives the answer's length, or -1.
extern int res_query(const char *name, int class_, int type, unsigned char *answer, int size);

// From <sched.h>: which processors this process may run on, a bit each. 0, or -1.
extern int sched_getaffinity(int process, unsigned long size, void *mask);

#endif
