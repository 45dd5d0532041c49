// SPDX-License-Identifier: Apache-2.0
#include "ledger/state/store_overlay.h"

#include <stdlib.h>
#include <sys/random.h>

enum { SLOTS_START = 1 << 14 };

// An entry as it was before its first write after a savepoint.
struct assay_overlay_undo {
    assay_overlay_entry *entry;
    assay_bytes value;
    uint64_t saved_at;
    uint32_t capacity;
    bool written;
};

static uint64_t mix(uint64_t a, uint64_t b) {
    assay_u128 product = (assay_u128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

// Keys come from strangers: without the seed nobody can aim at one slot.
static uint64_t key_hash(const assay_overlay *overlay, const uint8_t *key, size_t key_size) {
    uint64_t hash = overlay->seed ^ key_size;
    for (; key_size >= 8; key += 8, key_size -= 8)
        hash = mix(hash ^ assay_load_le64(key), 0x9e3779b97f4a7c15u ^ overlay->seed);
    uint64_t rest = 0;
    memcpy(&rest, key, key_size);
    return mix(hash ^ rest, 0xd6e8feb86659fd93u ^ overlay->seed);
}

static assay_status slots_make(assay_overlay *overlay, size_t slot_count, assay_error *err) {
    assay_overlay_entry **slots = calloc(slot_count, sizeof *slots);
    if (!slots) return ASSAY_FAIL(err, MEMORY, "no memory for %zu keys of a block", slot_count);
    free(overlay->slots);
    overlay->slots = slots;
    overlay->slot_count = slot_count;
    for (assay_overlay_entry *entry = overlay->first; entry; entry = entry->next) {
        assay_overlay_entry **slot = &slots[entry->hash & (slot_count - 1)];
        entry->chain = *slot;
        *slot = entry;
    }
    return ASSAY_OK;
}

assay_status assay_overlay_open(assay_overlay *overlay, size_t memory_max, assay_error *err) {
    uint64_t random[2];
    *overlay = (assay_overlay){0};
    assay_arena_init(&overlay->entries, memory_max);
    assay_arena_init(&overlay->values, memory_max);
    if (getrandom(random, sizeof random, 0) != sizeof random)
        return ASSAY_FAIL(err, IO, "the system gives no random bytes");
    overlay->seed = random[0];
    overlay->random = random[1];
    return slots_make(overlay, SLOTS_START, err);
}

void assay_overlay_close(assay_overlay *overlay) {
    assay_arena_close(&overlay->entries);
    assay_arena_close(&overlay->values);
    free(overlay->slots);
    free(overlay->undo);
    *overlay = (assay_overlay){0};
}

void assay_overlay_reset(assay_overlay *overlay) {
    // After one large block the table is large; a small block clears only what it used.
    if (overlay->count * 8 < overlay->slot_count)
        for (assay_overlay_entry *entry = overlay->first; entry; entry = entry->next)
            overlay->slots[entry->hash & (overlay->slot_count - 1)] = NULL;
    else
        memset(overlay->slots, 0, overlay->slot_count * sizeof overlay->slots[0]);
    memset(overlay->order, 0, sizeof overlay->order);
    assay_arena_reset(&overlay->entries);
    assay_arena_reset(&overlay->values);
    free(overlay->undo);
    overlay->undo = NULL;
    overlay->undo_count = overlay->undo_capacity = 0;
    overlay->first = NULL;
    overlay->count = 0;
    overlay->mark_count = 0;
}

assay_overlay_entry *assay_overlay_find(const assay_overlay *overlay, const void *key,
                                        size_t key_size) {
    uint64_t hash = key_hash(overlay, key, key_size);
    assay_overlay_entry *entry = overlay->slots[hash & (overlay->slot_count - 1)];
    while (entry && (entry->hash != hash || entry->key_size != key_size ||
                     memcmp(entry->key, key, key_size) != 0))
        entry = entry->chain;
    return entry;
}

assay_status assay_overlay_add(assay_overlay *overlay, const void *key, size_t key_size,
                               assay_bytes base, assay_overlay_entry **out, assay_error *err) {
    if (overlay->count >= overlay->slot_count)
        ASSAY_TRY(slots_make(overlay, 2 * overlay->slot_count, err));
    void *taken;
    ASSAY_TRY(assay_arena_get(&overlay->entries, 1, sizeof(assay_overlay_entry) + key_size,
                              "a key of the block", &taken, err));
    assay_overlay_entry *entry = taken;
    entry->base = entry->value = base;
    entry->hash = key_hash(overlay, key, key_size);
    entry->key_size = (uint8_t)key_size;
    memcpy(entry->key, key, key_size);
    assay_overlay_entry **slot = &overlay->slots[entry->hash & (overlay->slot_count - 1)];
    entry->chain = *slot;
    *slot = entry;
    entry->next = overlay->first;
    overlay->first = entry;
    overlay->count++;
    *out = entry;
    return ASSAY_OK;
}

// Returns: the first entry >= key (> key if after). links, if given, gets for each level the heads
// or tower whose link on that level passes the key.
static assay_overlay_entry *order_find(assay_overlay *overlay, const void *key, size_t key_size,
                                       bool after, assay_overlay_entry **links[]) {
    assay_overlay_entry **from = overlay->order;
    for (int i = ASSAY_OVERLAY_LEVELS - 1; i >= 0; i--) {
        while (from[i]) {
            int order = assay_bytes_order(from[i]->key, from[i]->key_size, key, key_size);
            if (order > 0 || (order == 0 && !after)) break;
            from = from[i]->tower;
        }
        if (links) links[i] = from;
    }
    return from[0];
}

// Puts a new key into the order. Once in, it stays until reset; without a value it is passed over.
static assay_status order_insert(assay_overlay *overlay, assay_overlay_entry *entry,
                                 assay_error *err) {
    overlay->random = overlay->random * 6364136223846793005u + 1442695040888963407u;
    int height = 1 + __builtin_ctzll(overlay->random >> 33 | 1ull << 30) / 2;
    if (height > ASSAY_OVERLAY_LEVELS) height = ASSAY_OVERLAY_LEVELS;
    void *taken;
    ASSAY_TRY(assay_arena_get(&overlay->entries, (size_t)height, sizeof entry->tower[0],
                              "a key of the block", &taken, err));
    assay_overlay_entry **links[ASSAY_OVERLAY_LEVELS];
    order_find(overlay, entry->key, entry->key_size, false, links);
    entry->tower = taken;
    for (int i = 0; i < height; i++) {
        entry->tower[i] = links[i][i];
        links[i][i] = entry;
    }
    return ASSAY_OK;
}

const assay_overlay_entry *assay_overlay_step(assay_overlay *overlay, const void *key,
                                              size_t key_size, bool after) {
    const assay_overlay_entry *entry = order_find(overlay, key, key_size, after, NULL);
    while (entry && !entry->value.data)
        entry = entry->tower[0];
    return entry;
}

// Remembers an entry before its first write after the newest mark.
static assay_status undo_add(assay_overlay *overlay, assay_overlay_entry *entry, assay_error *err) {
    if (overlay->mark_count == 0) return ASSAY_OK;
    if (entry->saved_at > overlay->marks[overlay->mark_count - 1].undo_count) return ASSAY_OK;
    if (overlay->undo_count == overlay->undo_capacity) {
        size_t capacity = overlay->undo_capacity ? 2 * overlay->undo_capacity : 256;
        assay_overlay_undo *undo = realloc(overlay->undo, capacity * sizeof *undo);
        if (!undo) return ASSAY_FAIL(err, MEMORY, "no memory to undo %zu writes", capacity);
        overlay->undo = undo;
        overlay->undo_capacity = capacity;
    }
    overlay->undo[overlay->undo_count++] =
        (assay_overlay_undo){entry, entry->value, entry->saved_at, entry->capacity, entry->written};
    entry->saved_at = overlay->undo_count;
    entry->capacity = 0; // the bytes are the log's now
    return ASSAY_OK;
}

assay_status assay_overlay_set(assay_overlay *overlay, assay_overlay_entry *entry, const void *data,
                               size_t size, assay_error *err) {
    static const uint8_t nothing[1];
    if (!entry->base.data && !entry->tower) ASSAY_TRY(order_insert(overlay, entry, err));
    ASSAY_TRY(undo_add(overlay, entry, err));
    if (!data) {
        entry->value = (assay_bytes){NULL, 0};
        entry->capacity = 0;
    } else if (size == 0) {
        entry->value = (assay_bytes){nothing, 0};
        entry->capacity = 0;
    } else if (size <= entry->capacity) {
        memmove((uint8_t *)entry->value.data, data, size);
        entry->value.size = size;
    } else {
        ASSAY_TRY(assay_arena_copy(&overlay->values, data, size, "a value of the block",
                                   &entry->value, err));
        entry->capacity = (uint32_t)size;
    }
    entry->written = true;
    return ASSAY_OK;
}

uint32_t assay_overlay_mark(assay_overlay *overlay) {
    ASSAY_ASSERT(overlay->mark_count < ASSAY_OVERLAY_MARKS_MAX);
    overlay->marks[overlay->mark_count].undo_count = overlay->undo_count;
    overlay->marks[overlay->mark_count].values = assay_arena_mark_take(&overlay->values);
    return overlay->mark_count++;
}

void assay_overlay_rollback(assay_overlay *overlay, uint32_t mark) {
    ASSAY_ASSERT(overlay->mark_count && mark == overlay->mark_count - 1);
    overlay->mark_count--;
    while (overlay->undo_count > overlay->marks[mark].undo_count) {
        const assay_overlay_undo *undo = &overlay->undo[--overlay->undo_count];
        undo->entry->value = undo->value;
        undo->entry->saved_at = undo->saved_at;
        undo->entry->capacity = undo->capacity;
        undo->entry->written = undo->written;
    }
    assay_arena_rewind(&overlay->values, overlay->marks[mark].values);
}

void assay_overlay_release(assay_overlay *overlay, uint32_t mark) {
    ASSAY_ASSERT(overlay->mark_count && mark == overlay->mark_count - 1);
    overlay->mark_count--;
    if (overlay->mark_count) return;
    for (size_t i = 0; i < overlay->undo_count; i++)
        overlay->undo[i].entry->saved_at = 0;
    overlay->undo_count = 0;
}

// A key's first bytes as a number: most comparisons end there.
typedef struct {
    uint64_t head;
    const assay_overlay_entry *entry;
} listed;

static int listed_order(const void *left, const void *right) {
    const listed *a = left, *b = right;
    if (a->head != b->head) return a->head < b->head ? -1 : 1;
    return assay_bytes_order(a->entry->key, a->entry->key_size, b->entry->key, b->entry->key_size);
}

bool assay_overlay_changed(const assay_overlay_entry *entry) {
    if (!entry->written || (!entry->value.data && !entry->base.data)) return false;
    return !entry->value.data || !entry->base.data || entry->value.size != entry->base.size ||
           memcmp(entry->value.data, entry->base.data, entry->value.size) != 0;
}

assay_status assay_overlay_list(assay_overlay *overlay, const assay_overlay_entry ***out,
                                size_t *count, assay_error *err) {
    listed *list = malloc((overlay->count + 1) * sizeof *list);
    void *taken = NULL;
    if (!list) return ASSAY_FAIL(err, MEMORY, "no memory to sort %zu keys", overlay->count);
    *count = 0;
    for (const assay_overlay_entry *entry = overlay->first; entry; entry = entry->next) {
        if (!assay_overlay_changed(entry)) continue;
        uint8_t head[8] = {0};
        memcpy(head, entry->key, entry->key_size < 8 ? entry->key_size : 8);
        list[(*count)++] = (listed){assay_load_be64(head), entry};
    }
    qsort(list, *count, sizeof *list, listed_order);
    assay_status status = assay_arena_get(&overlay->entries, *count, sizeof **out,
                                          "the sorted keys of the block", &taken, err);
    *out = taken;
    for (size_t i = 0; status == ASSAY_OK && i < *count; i++)
        (*out)[i] = list[i].entry;
    free(list);
    return status;
}
