// SPDX-License-Identifier: Apache-2.0
// Plain sockets for tests of the HTTP server and client: what a library would never send.
#ifndef ASSAY_TESTS_NODE_SOCKETS_H
#define ASSAY_TESTS_NODE_SOCKETS_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/bytes.h"

// A listening socket on a free port of 127.0.0.1.
static inline int test_listen(unsigned *port) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, 16) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        abort();
    *port = ntohs(address.sin_port);
    return fd;
}

// A connection to the host at the URL's port; reads give up after a minute.
static inline int test_connect_to(const char *host, const char *url) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    struct timeval patience = {60, 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    inet_pton(AF_INET, host, &address.sin_addr);
    address.sin_port = htons((uint16_t)strtoul(strrchr(url, ':') + 1, NULL, 10));
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
        connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        abort();
    return fd;
}

static inline int test_connect(const char *url) {
    return test_connect_to("127.0.0.1", url);
}

static inline bool test_send(int fd, const void *data, size_t size) {
    const char *from = data;
    while (size) {
        ssize_t part = send(fd, from, size, MSG_NOSIGNAL);
        if (part <= 0) return false;
        from += part;
        size -= (size_t)part;
    }
    return true;
}

// Reads until the other side closes, or out is full. Returns: bytes, out zero-terminated.
static inline size_t test_receive(int fd, char *out, size_t capacity) {
    size_t size = 0;
    while (size + 1 < capacity) {
        ssize_t part = recv(fd, out + size, capacity - 1 - size, 0);
        if (part <= 0) break;
        size += (size_t)part;
    }
    out[size] = 0;
    return size;
}

#endif
