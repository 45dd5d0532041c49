// SPDX-License-Identifier: Apache-2.0
#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum { SLAB_SIZE = 64 * 1024, ALIGNMENT = ASSAY_ARENA_ALIGNMENT };

struct assay_arena_slab {
    assay_arena_slab *next;
    size_t used;
    size_t size;
    alignas(ALIGNMENT) unsigned char data[];
};

void assay_arena_init(assay_arena *arena, size_t capacity) {
    *arena = (assay_arena){NULL, 0, capacity};
}

// NULL with CAPACITY where the budget ends, with MEMORY where it does not and there is none.
static void *take(assay_arena *arena, size_t count, size_t size, assay_status *why) {
    size_t total;
    *why = ASSAY_CAPACITY;
    if (__builtin_mul_overflow(count, size, &total)) return NULL;
    if (__builtin_add_overflow(total, (size_t)(ALIGNMENT - 1), &total)) return NULL;
    total &= ~(size_t)(ALIGNMENT - 1);
    if (total == 0) total = ALIGNMENT;
    if (total > arena->capacity - arena->used) return NULL;
    *why = ASSAY_MEMORY;
    assay_arena_slab *slab = arena->slabs;
    if (!slab || slab->size - slab->used < total) {
        size_t room = total > SLAB_SIZE ? total : SLAB_SIZE, whole;
        if (__builtin_add_overflow(sizeof *slab, room, &whole)) return NULL;
        slab = malloc(whole);
        if (!slab) return NULL;
        slab->next = arena->slabs;
        slab->used = 0;
        slab->size = room;
        arena->slabs = slab;
    }
    void *taken = slab->data + slab->used;
    slab->used += total;
    arena->used += total;
    return memset(taken, 0, total);
}

void *assay_arena_take(assay_arena *arena, size_t count, size_t size) {
    assay_status why;
    return take(arena, count, size, &why);
}

assay_status assay_arena_get(assay_arena *arena, size_t count, size_t size, const char *what,
                             void **out, assay_error *err) {
    assay_status why;
    *out = take(arena, count, size, &why);
    if (*out) return ASSAY_OK;
    if (why == ASSAY_MEMORY)
        return ASSAY_FAIL(err, MEMORY, "no memory for %s of %zu x %zu bytes", what, count, size);
    return ASSAY_FAIL(err, CAPACITY, "%s needs %zu x %zu bytes, %zu of %zu left", what, count, size,
                      arena->capacity - arena->used, arena->capacity);
}

assay_status assay_arena_copy(assay_arena *arena, const void *data, size_t size, const char *what,
                              assay_bytes *out, assay_error *err) {
    void *copy;
    ASSAY_TRY(assay_arena_get(arena, size, 1, what, &copy, err));
    if (size) memcpy(copy, data, size);
    *out = (assay_bytes){copy, size};
    return ASSAY_OK;
}

assay_arena_mark assay_arena_mark_take(const assay_arena *arena) {
    const assay_arena_slab *slab = arena->slabs;
    return (assay_arena_mark){arena->slabs, slab ? slab->used : 0, arena->used};
}

void assay_arena_rewind(assay_arena *arena, assay_arena_mark mark) {
    while (arena->slabs != mark.slab) {
        assay_arena_slab *next = arena->slabs->next;
        free(arena->slabs);
        arena->slabs = next;
    }
    if (mark.slab) mark.slab->used = mark.slab_used;
    arena->used = mark.used;
}

void assay_arena_reset(assay_arena *arena) {
    assay_arena_rewind(arena, (assay_arena_mark){NULL, 0, 0});
}

void assay_arena_close(assay_arena *arena) {
    assay_arena_reset(arena);
    arena->capacity = 0;
}
