// SPDX-License-Identifier: Apache-2.0
// One way to read, for rules (the open block) and for everyone else (a snapshot): typed reads take
// an assay_reader and serve both. A rule's reader shows the state alone: what is aux differs
// between a node that has executed every block and one that began with a snapshot. Spec: P-20,
// E-60.
#ifndef ASSAY_LEDGER_STATE_READER_H
#define ASSAY_LEDGER_STATE_READER_H

#include "ledger/state/keys.h"
#include "ledger/state/store.h"

// Borrows one of the two. Copied freely; owns nothing.
typedef struct {
    assay_store *store;       // the open block, or NULL:
    assay_snapshot *snapshot; // a snapshot
    bool rules;               // aux tables are out of bounds
} assay_reader;

static inline assay_reader assay_reader_of_store(assay_store *store) {
    return (assay_reader){store, NULL, false};
}

// For rules: reading an aux key is a bug, and asserted. Spec: E-60.
static inline assay_reader assay_reader_of_rules(assay_store *store) {
    return (assay_reader){store, NULL, true};
}

static inline assay_reader assay_reader_of_snapshot(assay_snapshot *snapshot) {
    return (assay_reader){NULL, snapshot, false};
}

// As assay_store_get: value->data is NULL for an absent key. Errors: CORRUPT, MEMORY, IO.
// Lives: as assay_store_get or assay_snapshot_get.
static inline assay_status assay_reader_get(const assay_reader *reader, const assay_record_key *key,
                                            assay_bytes *value, assay_error *err) {
    ASSAY_ASSERT(!reader->rules || key->bytes[0] < ASSAY_STORE_AUX);
    if (reader->store != NULL)
        return assay_store_get(reader->store, key->bytes, key->size, value, err);
    return assay_snapshot_get(reader->snapshot, key->bytes, key->size, value, err);
}

// The same; to readers that are not a rule's, an entry that has left the state shows where it went:
// under the aux table `ended`. Errors and lives: as get. Spec: E-60.
assay_status assay_reader_find(const assay_reader *reader, const assay_record_key *key,
                               uint8_t ended, assay_bytes *value, assay_error *err);

// First key >= `from` with from's first prefix_size bytes; then the ones after it.
// position->key_size is 0 at the end. Errors: CORRUPT, MEMORY, IO.
static inline assay_status assay_reader_seek(const assay_reader *reader,
                                             assay_store_position *position,
                                             const assay_record_key *from, size_t prefix_size,
                                             assay_error *err) {
    ASSAY_ASSERT(!reader->rules || (from->bytes[0] < ASSAY_STORE_AUX && prefix_size > 0));
    if (reader->store != NULL)
        return assay_store_seek(reader->store, position, from->bytes, from->size, prefix_size, err);
    return assay_snapshot_seek(reader->snapshot, position, from->bytes, from->size, prefix_size,
                               err);
}

static inline assay_status assay_reader_next(const assay_reader *reader,
                                             assay_store_position *position, assay_error *err) {
    if (reader->store != NULL) return assay_store_next(reader->store, position, err);
    return assay_snapshot_next(reader->snapshot, position, err);
}

// The key of an entry found, which outlives the position.
static inline assay_record_key assay_record_key_at(const assay_store_position *position) {
    assay_record_key key = {.size = position->key_size};
    memcpy(key.bytes, position->key, position->key_size);
    return key;
}

// The first entry after `after` with after's first prefix_size bytes: paging over a table by the
// last key seen. Errors: as seek.
assay_status assay_reader_after(const assay_reader *reader, assay_store_position *position,
                                const assay_record_key *after, size_t prefix_size,
                                assay_error *err);

#endif
