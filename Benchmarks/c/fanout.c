// SPDX-License-Identifier: Apache-2.0
// What the kernel lets a program that only sends do: the measure for the fan-out of plain RTP.
//
// fanout drain COUNT: binds so many sockets on loopback, prints their ports, and reads what comes until it is ended;
//   then prints how many datagrams that were.
// fanout send SECONDS BURST LENGTH: reads ports from standard input and sends each one BURST datagrams of LENGTH bytes
//   in turn, as one message (UDP_SEGMENT), 64 messages a call; prints datagrams, seconds, and seconds on a processor.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, LONGEST = 65536 };

static volatile sig_atomic_t ended;
static void end(int signal) { (void)signal, ended = 1; }

static double seconds(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static int bound(struct sockaddr_in *address) {
    socklen_t size = sizeof *address;
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (descriptor < 0 || bind(descriptor, (struct sockaddr *)address, size) ||
        getsockname(descriptor, (struct sockaddr *)address, &size)) {
        perror("socket");
        exit(1);
    }
    return descriptor;
}

static int drain(int count) {
    struct sigaction action = {.sa_handler = end};
    sigaction(SIGTERM, &action, 0);
    int poll = epoll_create1(0), large = 4 << 20;
    for (int index = 0; index < count; index++) {
        struct sockaddr_in address;
        int descriptor = bound(&address);
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &large, sizeof large);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = descriptor};
        epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event);
        printf("%d\n", ntohs(address.sin_port));
    }
    printf("\n");
    fflush(stdout);
    static char slots[BATCH][2048];
    struct iovec parts[BATCH];
    struct mmsghdr messages[BATCH];
    struct epoll_event events[256];
    unsigned long received = 0;
    while (!ended) {
        int ready = epoll_wait(poll, events, 256, 100);
        for (int index = 0; index < ready; index++) {
            for (int slot = 0; slot < BATCH; slot++) {
                parts[slot] = (struct iovec){slots[slot], sizeof slots[slot]};
                messages[slot] = (struct mmsghdr){.msg_hdr = {.msg_iov = &parts[slot], .msg_iovlen = 1}};
            }
            int taken = recvmmsg(events[index].data.fd, messages, BATCH, 0, 0);
            if (taken > 0) received += taken;
        }
    }
    printf("%lu\n", received);
    return 0;
}

static int sendAll(double limit, int burst, int length) {
    static struct sockaddr_in peers[65536];
    static char payload[LONGEST];
    int count = 0, port;
    while (count < 65536 && scanf("%d", &port) == 1) {
        peers[count++] = (struct sockaddr_in){
            .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    }
    if (count == 0 || burst * length > LONGEST) return 2;
    int descriptor = socket(AF_INET, SOCK_DGRAM, 0), large = 32 << 20;
    if (setsockopt(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, &large, sizeof large))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &large, sizeof large);
    struct iovec part = {payload, (size_t)burst * length};
    struct mmsghdr messages[BATCH];
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(unsigned short))] = {0};
    struct cmsghdr *head = (struct cmsghdr *)control;
    *head = (struct cmsghdr){.cmsg_level = SOL_UDP, .cmsg_type = UDP_SEGMENT,
                             .cmsg_len = CMSG_LEN(sizeof(unsigned short))};
    *(unsigned short *)CMSG_DATA(head) = length;
    double begin = seconds(CLOCK_MONOTONIC), busy = seconds(CLOCK_PROCESS_CPUTIME_ID);
    unsigned long sent = 0;
    while (seconds(CLOCK_MONOTONIC) - begin < limit) {
        for (int first = 0; first < count; first += BATCH) {
            int some = count - first < BATCH ? count - first : BATCH;
            for (int index = 0; index < some; index++) {
                messages[index] = (struct mmsghdr){.msg_hdr = {
                    .msg_name = &peers[first + index], .msg_namelen = sizeof peers[0], .msg_iov = &part,
                    .msg_iovlen = 1, .msg_control = burst > 1 ? control : 0,
                    .msg_controllen = burst > 1 ? sizeof control : 0}};
            }
            int taken = sendmmsg(descriptor, messages, some, 0);
            if (taken > 0) sent += (unsigned long)taken * burst;
        }
    }
    printf("%lu %f %f\n", sent, seconds(CLOCK_MONOTONIC) - begin, seconds(CLOCK_PROCESS_CPUTIME_ID) - busy);
    return 0;
}

int main(int count, char **words) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (count == 3 && !strcmp(words[1], "drain")) return drain(atoi(words[2]));
    if (count == 5 && !strcmp(words[1], "send")) return sendAll(atof(words[2]), atoi(words[3]), atoi(words[4]));
    fprintf(stderr, "fanout drain COUNT | fanout send SECONDS BURST LENGTH\n");
    return 2;
}
