// SPDX-License-Identifier: Apache-2.0
// Buffers between an unreadable page and known bytes: a kernel that reads or writes past an end is
// caught whatever it was compiled with.
#ifndef ASSAY_TESTS_CHECKKERNELS_GUARD_H
#define ASSAY_TESTS_CHECKKERNELS_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GUARD_SLOTS = 16 };

typedef struct {
    uint8_t *map;  // GUARD_SIZE bytes, then one unreadable page
    uint8_t *data; // size bytes, `gap` known bytes between its end and the page
    size_t size;
    size_t gap;
} guard_slot;

typedef struct {
    guard_slot slots[GUARD_SLOTS];
    unsigned used;
} guard;

bool guard_open(guard *g);
void guard_close(guard *g);

// Forgets all buffers.
void guard_reset(guard *g);

// `size` bytes of 0xA5 that end `gap` bytes before the unreadable page.
void *guard_take(guard *g, size_t size, size_t gap);

// Whether the known bytes around every buffer are untouched.
bool guard_intact(const guard *g);

#endif
