// SPDX-License-Identifier: Apache-2.0
// Ends this process before the n-th call that changes a file, LMDB's calls included: definitions in
// the program stand before those of the libraries. Include it in one file of a program.
#ifndef ASSAY_TESTS_CONSENSUS_STATESYNC_KILL_H
#define ASSAY_TESTS_CONSENSUS_STATESYNC_KILL_H

#include <dlfcn.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static _Atomic int kill_left; // 0: nobody counts

static inline void kill_point(void) {
    if (kill_left && --kill_left == 0) _exit(9);
}

// What the next definition of a name would do.
static inline void *kill_next(const char *name) {
    void *next = dlsym(RTLD_NEXT, name);
    if (!next) abort();
    return next;
}

#define KILL_WRAP(type, name, parameters, arguments)                                               \
    type name parameters;                                                                          \
    type name parameters {                                                                         \
        static type(*real) parameters;                                                             \
        if (!real) *(void **)&real = kill_next(#name);                                             \
        kill_point();                                                                              \
        return real arguments;                                                                     \
    }

KILL_WRAP(ssize_t, write, (int fd, const void *data, size_t size), (fd, data, size))
KILL_WRAP(ssize_t, pwrite, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at))
KILL_WRAP(ssize_t, pwrite64, (int fd, const void *data, size_t size, off_t at),
          (fd, data, size, at))
KILL_WRAP(ssize_t, writev, (int fd, const struct iovec *parts, int count), (fd, parts, count))
KILL_WRAP(ssize_t, pwritev, (int fd, const struct iovec *parts, int count, off_t at),
          (fd, parts, count, at))
KILL_WRAP(int, fsync, (int fd), (fd))
KILL_WRAP(int, fdatasync, (int fd), (fd))
KILL_WRAP(int, ftruncate, (int fd, off_t size), (fd, size))
KILL_WRAP(int, rename, (const char *from, const char *to), (from, to))
KILL_WRAP(int, link, (const char *from, const char *to), (from, to))
KILL_WRAP(int, unlink, (const char *path), (path))
KILL_WRAP(int, mkdir, (const char *path, mode_t mode), (path, mode))

// Runs `work` in a child that ends before its n-th change of a file. Returns: whether it did, false
// when the work was done before.
static inline int kill_at(int n, void (*work)(void *), void *context) {
    fflush(NULL);
    pid_t child = fork();
    if (child < 0) abort();
    if (child == 0) {
        kill_left = n;
        work(context);
        kill_left = 0;
        _exit(0);
    }
    int code;
    waitpid(child, &code, 0);
    if (!WIFEXITED(code) || (WEXITSTATUS(code) != 0 && WEXITSTATUS(code) != 9)) abort();
    return WEXITSTATUS(code) == 9;
}

#endif
