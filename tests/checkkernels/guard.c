// SPDX-License-Identifier: Apache-2.0
#include "tests/checkkernels/guard.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/status.h"

enum { GUARD_SIZE = 64 << 20, CANARY = 128, KNOWN = 0xA5 };

bool guard_open(guard *g) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    memset(g, 0, sizeof *g);
    for (int i = 0; i < GUARD_SLOTS; i++) {
        uint8_t *map = mmap(NULL, GUARD_SIZE + page, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (map == MAP_FAILED) return false;
        g->slots[i].map = map;
        if (mprotect(map + GUARD_SIZE, page, PROT_NONE) != 0) return false;
    }
    return true;
}

void guard_close(guard *g) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < GUARD_SLOTS; i++)
        if (g->slots[i].map) munmap(g->slots[i].map, GUARD_SIZE + page);
    memset(g, 0, sizeof *g);
}

void guard_reset(guard *g) {
    g->used = 0;
}

void *guard_take(guard *g, size_t size, size_t gap) {
    ASSAY_ASSERT(g->used < GUARD_SLOTS && size + gap + CANARY <= GUARD_SIZE);
    guard_slot *slot = &g->slots[g->used++];
    slot->size = size;
    slot->gap = gap;
    slot->data = slot->map + GUARD_SIZE - gap - size;
    memset(slot->data - CANARY, KNOWN, CANARY + size + gap);
    return slot->data;
}

static bool all_known(const uint8_t *bytes, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != KNOWN) return false;
    return true;
}

bool guard_intact(const guard *g) {
    for (unsigned i = 0; i < g->used; i++) {
        const guard_slot *slot = &g->slots[i];
        if (!all_known(slot->data - CANARY, CANARY)) return false;
        if (!all_known(slot->data + slot->size, slot->gap)) return false;
    }
    return true;
}
