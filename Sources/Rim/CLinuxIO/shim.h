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

// From <sys/timex.h>: fills a struct timex, whose first field, the number of changes, is 0. The clock's state, or -1.
extern int adjtimex(void *state);

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

// From <unistd.h>: a pipe, the end to read from first. 0, or -1.
extern int pipe2(int *ends, int flags);

// From <spawn.h>: has a program begin without any descriptor from this one on. 0, or an errno.
extern int posix_spawn_file_actions_addclosefrom_np(void *actions, int first);

// From <pthread.h>: the name of a thread, at most 15 characters, as `top -H` shows it. 0, or an errno.
extern int pthread_setname_np(unsigned long thread, const char *name);

// From <sys/eventfd.h>: a descriptor that is readable while its counter is not zero. -1 where there is none.
extern int eventfd(unsigned int count, int flags);

// From <sys/epoll.h>: waits for many descriptors at once. Packed where the kernel has it so.
struct millrace_epoll_event {
    unsigned int events;
    unsigned long data;
}
#ifdef __x86_64__
__attribute__((packed))
#endif
;
extern int epoll_create1(int flags);
extern int epoll_ctl(int epoll, int operation, int descriptor, struct millrace_epoll_event *event);
extern int epoll_wait(int epoll, struct millrace_epoll_event *events, int count, int milliseconds);
enum {
    MILLRACE_EPOLL_CLOEXEC = 02000000,
    MILLRACE_EPOLL_CTL_ADD = 1,
    MILLRACE_EPOLL_CTL_MOD = 3,
    MILLRACE_EPOLLIN = 1,
    MILLRACE_EPOLLOUT = 4,
};

// From <sys/socket.h>: struct iovec, struct msghdr and struct mmsghdr.
struct millrace_iovec {
    void *base;
    unsigned long length;
};
struct millrace_msghdr {
    void *name;
    unsigned int name_length;
    struct millrace_iovec *parts;
    unsigned long part_count;
    void *control;
    unsigned long control_length;
    int flags;
};
struct millrace_mmsghdr {
    struct millrace_msghdr header;
    unsigned int length;
};

// From <sys/socket.h>: the head of struct cmsghdr; its data follows, and the next one begins at a multiple of eight.
struct millrace_cmsghdr {
    unsigned long length;
    int level;
    int type;
};

// From <sys/socket.h>: how many messages were sent or received, or -1 where the first one failed. The timeout is null.
extern int sendmmsg(int socket, struct millrace_mmsghdr *messages, unsigned int count, int flags);
extern int recvmmsg(int socket, struct millrace_mmsghdr *messages, unsigned int count, int flags, void *timeout);

// From <sys/eventfd.h>, <sys/socket.h>, <linux/in.h> and <linux/udp.h>.
enum {
    MILLRACE_IP_BIND_ADDRESS_NO_PORT = 24,
    MILLRACE_EFD_CLOEXEC = 02000000,
    MILLRACE_EFD_NONBLOCK = 04000,
    MILLRACE_MSG_TRUNC = 0x20,
    MILLRACE_SO_RXQ_OVFL = 40,
    MILLRACE_SOL_UDP = 17,
    MILLRACE_UDP_SEGMENT = 103,
    MILLRACE_UDP_GRO = 104,
};

#endif
