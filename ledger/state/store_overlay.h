// SPDX-License-Identifier: Apache-2.0
// What an open block has read and written, before any of it is stored: a hash table of keys, an
// order of the keys that are new, and a log that takes writes back to a savepoint.
//
// Invariants:
//  1. after a rollback every entry has the value it had at the mark (test_store: like_a_plain_map)
//  2. the hash table's order is never seen: listing is sorted, stepping goes by the key order
#ifndef ASSAY_LEDGER_STATE_STORE_OVERLAY_H
#define ASSAY_LEDGER_STATE_STORE_OVERLAY_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/status.h"

enum { ASSAY_OVERLAY_LEVELS = 16, ASSAY_OVERLAY_MARKS_MAX = 64 };

typedef struct assay_overlay_entry assay_overlay_entry;

// One key of the block.
struct assay_overlay_entry {
    assay_overlay_entry *chain;  // next in the hash slot
    assay_overlay_entry *next;   // next of all
    assay_overlay_entry **tower; // next in key order, a level; NULL: the key is not new
    assay_bytes base;            // value at the last commit; data NULL: none
    assay_bytes value;           // value now; data NULL: none
    uint64_t hash;
    uint64_t saved_at; // 1 + its newest place in the log; 0: none
    uint32_t capacity; // bytes at value.data that may be written over; 0: borrowed
    bool written;
    uint8_t key_size;
    uint8_t key[];
};

typedef struct assay_overlay_undo assay_overlay_undo;

// A zeroed struct is safe to close.
typedef struct {
    assay_arena entries;
    assay_arena values;
    assay_overlay_entry **slots; // [slot_count]
    size_t slot_count;           // a power of two
    assay_overlay_entry *first;
    size_t count;
    assay_overlay_entry *order[ASSAY_OVERLAY_LEVELS]; // heads of the key order
    uint64_t random;                                  // heights in the key order; not seen outside
    uint64_t seed;                                    // of the hash, secret
    assay_overlay_undo *undo;
    size_t undo_count, undo_capacity;
    struct {
        size_t undo_count;
        assay_arena_mark values;
    } marks[ASSAY_OVERLAY_MARKS_MAX];
    uint32_t mark_count;
} assay_overlay;

// memory_max: bytes that keys, and again values, may take in one block. Errors: MEMORY.
assay_status assay_overlay_open(assay_overlay *overlay, size_t memory_max, assay_error *err);
void assay_overlay_close(assay_overlay *overlay);

// Forgets the block.
void assay_overlay_reset(assay_overlay *overlay);

// Returns: the key's entry, or NULL.
assay_overlay_entry *assay_overlay_find(const assay_overlay *overlay, const void *key,
                                        size_t key_size);

// Makes the entry of a key that has none. base: its value at the last commit, borrowed.
// Errors: CAPACITY, MEMORY. Lives: until reset.
assay_status assay_overlay_add(assay_overlay *overlay, const void *key, size_t key_size,
                               assay_bytes base, assay_overlay_entry **out, assay_error *err);

// Gives an entry a value, copied (data NULL: none). Errors: CAPACITY, MEMORY; nothing then changed.
assay_status assay_overlay_set(assay_overlay *overlay, assay_overlay_entry *entry, const void *data,
                               size_t size, assay_error *err);

// Savepoints, newest first. Spec: P-85.
uint32_t assay_overlay_mark(assay_overlay *overlay);
void assay_overlay_rollback(assay_overlay *overlay, uint32_t mark);
void assay_overlay_release(assay_overlay *overlay, uint32_t mark);

// Returns: the first new key with a value that is >= key (> key if `after`), or NULL.
const assay_overlay_entry *assay_overlay_step(assay_overlay *overlay, const void *key,
                                              size_t key_size, bool after);

// Whether a commit must write the entry: its value now is not the one at the last commit.
bool assay_overlay_changed(const assay_overlay_entry *entry);

// The changed entries, in key order. Errors: CAPACITY, MEMORY. Lives: until reset.
assay_status assay_overlay_list(assay_overlay *overlay, const assay_overlay_entry ***out,
                                size_t *count, assay_error *err);

#endif
