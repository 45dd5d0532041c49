// SPDX-License-Identifier: Apache-2.0
#include "ledger/due.h"

#include "ledger/bond.h"
#include "ledger/dataset.h"
#include "ledger/session.h"

enum { HEAD_SIZE = 1 + 8 + 1, ID_SIZE_MAX = ASSAY_HASH_SIZE };

// What one block does of each kind at most; the rest follows in the next. Bounds a block's work
// however many entries an attacker makes fall on one height, and keeps no kind waiting for another:
// sessions are cheap, and who makes many of them end at once holds back sessions only. P-40
enum { BLOCK_MAX = 4096 };

static assay_record_key due_key(uint64_t height, assay_due_kind kind, const void *id, size_t size) {
    assay_record_key key;
    ASSAY_ASSERT(size <= ID_SIZE_MAX);
    assay_record_key_start(&key, ASSAY_TABLE_DUE);
    assay_record_key_add_u8(&key, (uint8_t)kind);
    assay_record_key_add_u64(&key, height);
    assay_record_key_add(&key, id, size);
    return key;
}

static assay_record_key kind_key(uint8_t kind) {
    assay_record_key key;
    assay_record_key_start(&key, ASSAY_TABLE_DUE);
    assay_record_key_add_u8(&key, kind);
    return key;
}

// The first entry of a kind after `after`; at->key_size is 0 if there is none.
static assay_status kind_next(assay_store_position *at, const assay_reader *reader,
                              const assay_record_key *after, assay_error *err) {
    ASSAY_TRY(assay_reader_after(reader, at, after, 2, err));
    if (at->key_size != 0 && (at->key_size < HEAD_SIZE || at->key_size > HEAD_SIZE + ID_SIZE_MAX))
        return ASSAY_FAIL(err, CORRUPT, "a due entry has %zu key bytes", at->key_size);
    return ASSAY_OK;
}

assay_status assay_due_first(uint64_t *height, bool *found, assay_due_kind kind,
                             const assay_reader *reader, assay_error *err) {
    assay_store_position at;
    assay_record_key key = kind_key((uint8_t)kind);
    ASSAY_TRY(kind_next(&at, reader, &key, err));
    *found = at.key_size != 0;
    if (*found) *height = assay_load_be64(at.key + 2);
    return ASSAY_OK;
}

assay_status assay_due_put(assay_ledger *ledger, uint64_t height, assay_due_kind kind,
                           const void *id, size_t size, assay_error *err) {
    assay_record_key key = due_key(height, kind, id, size);
    return assay_ledger_put(ledger, &key, "", 0, err);
}

assay_status assay_due_delete(assay_ledger *ledger, uint64_t height, assay_due_kind kind,
                              const void *id, size_t size, assay_error *err) {
    assay_record_key key = due_key(height, kind, id, size);
    return assay_ledger_delete(ledger, &key, err);
}

static assay_status happen(assay_ledger *ledger, uint8_t kind, const uint8_t *id, size_t size,
                           assay_error *err) {
    if (kind == ASSAY_DUE_UNBONDING && size == 1 + ASSAY_ADDRESS_SIZE) {
        assay_address address;
        memcpy(address.bytes, id + 1, ASSAY_ADDRESS_SIZE);
        return assay_unbonding_release(ledger, id[0], &address, err);
    }
    assay_hash hash;
    if (size == ASSAY_HASH_SIZE) {
        memcpy(hash.bytes, id, ASSAY_HASH_SIZE);
        if (kind == ASSAY_DUE_SESSION) return assay_session_end(ledger, &hash, err);
        if (kind == ASSAY_DUE_DATASET) return assay_dataset_release(ledger, &hash, err);
    }
    return ASSAY_FAIL(err, CORRUPT, "a due entry of kind %u has %zu id bytes", kind, size);
}

static assay_status kind_run(assay_ledger *ledger, uint8_t kind, assay_error *err) {
    assay_store_position at;
    assay_record_key key = kind_key(kind);
    // From the last one on: to begin anew would pass over all that this block has removed.
    for (int done = 0; done < BLOCK_MAX; done++) {
        ASSAY_TRY(kind_next(&at, &ledger->reader, &key, err));
        if (at.key_size == 0 || assay_load_be64(at.key + 2) > ledger->height) break;
        key = assay_record_key_at(&at);
        ASSAY_TRY(assay_ledger_delete(ledger, &key, err));
        ASSAY_TRY(happen(ledger, kind, key.bytes + HEAD_SIZE, key.size - HEAD_SIZE, err));
    }
    return ASSAY_OK;
}

assay_status assay_due_run(assay_ledger *ledger, assay_error *err) {
    for (uint8_t kind = 1; kind <= ASSAY_DUE_KINDS; kind++)
        ASSAY_TRY(kind_run(ledger, kind, err));
    return ASSAY_OK;
}
