// SPDX-License-Identifier: Apache-2.0
#ifndef MILLRACE_CLINUXIO_SHIM_H
#define MILLRACE_CLINUXIO_SHIM_H

// Single functions that Swift's Glibc module leaves out. Declared here, because including their headers would bring a
// second definition of types that Glibc has.

// From <resolv.h>: asks for records of a class and type, and gives the answer's length, or -1.
extern int res_query(const char *name, int class_, int type, unsigned char *answer, int size);

// From <sched.h>: which processors this process may run on, a bit each. 0, or -1.
extern int sched_getaffinity(int process, unsigned long size, void *mask);

// From <poll.h>: waits for one of `count` struct pollfd until a struct timespec is over; the last is a signal mask or null.
// How many are ready, or -1.
extern int ppoll(void *descriptors, unsigned long count, const void *timeout, const void *signals);

// From <linux/if_packet.h>: struct sockaddr_ll, the address of a packet socket; the protocol is in network order.
struct millrace_sockaddr_ll {
    unsigned short family;
    unsigned short protocol;
    int interface;
    unsigned short hardware;
    unsigned char packet;
    unsigned char length;
    unsigned char address[8];
};

// From <sys/socket.h>, <linux/if_packet.h> and <linux/if_ether.h>.
enum {
    MILLRACE_AF_PACKET = 17,
    MILLRACE_SOL_PACKET = 263,
    MILLRACE_PACKET_IGNORE_OUTGOING = 23,
    MILLRACE_ETH_P_ALL = 3,
};

#endif
