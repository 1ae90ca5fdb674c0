/* Preloaded into every process of a test: writes down each address a socket is given, and lets none but loopback out. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Records a call with an internet address; says whether it may go on. Other families stay within the machine. */
static int allowed(const char *call, const struct sockaddr *address) {
    char text[INET6_ADDRSTRLEN] = "", line[128];
    int loopback;
    if (address == NULL || (address->sa_family != AF_INET && address->sa_family != AF_INET6)) return 1;
    if (address->sa_family == AF_INET) {
        const struct in_addr *four = &((const struct sockaddr_in *)address)->sin_addr;
        inet_ntop(AF_INET, four, text, sizeof text);
        loopback = ntohl(four->s_addr) >> 24 == 127;
    } else {
        const struct in6_addr *six = &((const struct sockaddr_in6 *)address)->sin6_addr;
        inet_ntop(AF_INET6, six, text, sizeof text);
        loopback = IN6_IS_ADDR_LOOPBACK(six);
    }
    int record = open(getenv("ALCOVE_TEST_SOCKETS"), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    int length = snprintf(line, sizeof line, "%d %s %s\n", getpid(), call, text);
    if (record < 0 || write(record, line, length) != length) abort();
    close(record);
    if (!loopback) errno = EPERM;
    return loopback;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int connect(int fd, const struct sockaddr *address, socklen_t size) {
    return allowed("connect", address) ? REAL(connect)(fd, address, size) : -1;
}

int bind(int fd, const struct sockaddr *address, socklen_t size) {
    return allowed("bind", address) ? REAL(bind)(fd, address, size) : -1;
}

ssize_t sendto(int fd, const void *data, size_t length, int flags, const struct sockaddr *address, socklen_t size) {
    return allowed("sendto", address) ? REAL(sendto)(fd, data, length, flags, address, size) : -1;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    return allowed("sendmsg", message->msg_name) ? REAL(sendmsg)(fd, message, flags) : -1;
}
