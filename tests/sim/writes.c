// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/writes.h"

#include <errno.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PAGE = 4096 };

// The tree hides its names; these must be found by LMDB before the C library's.
#pragma GCC visibility push(default)
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset);
ssize_t writev(int fd, const struct iovec *parts, int count);
int ftruncate(int fd, off_t size);
#pragma GCC visibility pop

static struct {
    sim_writes_fault fault;
    uint32_t left; // writes before the one that is struck
    bool struck;
    uint64_t count;
} writes;

void sim_writes_arm(sim_writes_fault fault, uint32_t at) {
    writes.fault = fault;
    writes.left = at;
    writes.struck = false;
}

bool sim_writes_disarm(void) {
    bool struck = writes.struck;
    writes.fault = SIM_WRITES_PASS;
    writes.struck = false;
    return struck;
}

uint64_t sim_writes_count(void) {
    return writes.count;
}

typedef enum { LANDS, TORN, LOST } fate;

static fate next_fate(void) {
    writes.count++;
    if (writes.fault == SIM_WRITES_PASS) return LANDS;
    if (writes.struck) return writes.fault == SIM_WRITES_DIE ? LOST : LANDS;
    if (writes.left-- > 0) return LANDS;
    writes.struck = true;
    return writes.fault == SIM_WRITES_DIE ? TORN : LOST;
}

static int lost(void) {
    errno = writes.fault == SIM_WRITES_DIE ? EIO : ENOSPC;
    return -1;
}

// A disk writes a sector whole, and LMDB counts on it for its meta page; the two pages that begin a
// new file come before anything there is to lose.
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
    fate what = next_fate();
    if (what == LANDS) return syscall(SYS_pwrite64, fd, data, size, offset);
    if (what == TORN && size >= PAGE && offset != 0)
        (void)syscall(SYS_pwrite64, fd, data, size / 2, offset);
    return lost();
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    fate what = next_fate();
    if (what == LANDS) return syscall(SYS_writev, fd, parts, count);
    if (what == TORN && count > 1) (void)syscall(SYS_writev, fd, parts, count / 2);
    return lost();
}

int ftruncate(int fd, off_t size) {
    return next_fate() == LANDS ? (int)syscall(SYS_ftruncate, fd, size) : lost();
}
