// SPDX-License-Identifier: Apache-2.0
// Bump allocation with one owner and one end: process, block or request.
#ifndef ASSAY_BASE_ARENA_H
#define ASSAY_BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

// What is taken starts at a multiple of this, and a take costs at most so much beyond its bytes.
enum { ASSAY_ARENA_ALIGNMENT = 16 };

typedef struct assay_arena_slab assay_arena_slab;

// Slabs grow as needed up to `capacity` bytes in all; one thread at a time. A zeroed struct is an
// arena without room and is safe to close.
typedef struct {
    assay_arena_slab *slabs;
    size_t used;
    size_t capacity;
} assay_arena;

// Sets the limit, in bytes, on what the arena may ever hold. Allocates nothing.
void assay_arena_init(assay_arena *arena, size_t capacity);

// Takes `count * size` zeroed bytes, aligned. Returns: NULL if the product overflows, the
// capacity is reached or memory is out. Lives: until reset or close.
void *assay_arena_take(assay_arena *arena, size_t count, size_t size);

// As take, with a sentence. Errors: CAPACITY (names the limit, which is the same on every machine),
// MEMORY (this machine's trouble, and nobody's fault). `what` names the object.
assay_status assay_arena_get(assay_arena *arena, size_t count, size_t size, const char *what,
                             void **out, assay_error *err);

// A copy of data[size], which may be NULL where size is 0. Errors: as assay_arena_get.
assay_status assay_arena_copy(assay_arena *arena, const void *data, size_t size, const char *what,
                              assay_bytes *out, assay_error *err);

// A moment in the arena's life: rewind frees what was taken since. Marks end newest first.
typedef struct {
    assay_arena_slab *slab;
    size_t slab_used;
    size_t used;
} assay_arena_mark;
assay_arena_mark assay_arena_mark_take(const assay_arena *arena);
void assay_arena_rewind(assay_arena *arena, assay_arena_mark mark);

// Frees everything taken; the arena may be used again.
void assay_arena_reset(assay_arena *arena);

// Frees everything and forgets the capacity.
void assay_arena_close(assay_arena *arena);

#endif
