// SPDX-License-Identifier: Apache-2.0
#include "ledger/restore.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "base/file.h"
#include "ledger/batch.h"
#include "ledger/beacon.h"
#include "ledger/session.h"
#include "ledger/state/keys.h"

static assay_status aux_put(assay_store_load *load, const assay_record_key *key, const void *value,
                            size_t size, assay_error *err) {
    return assay_store_load_aux(load, key->bytes, key->size, value, size, err);
}

static assay_status sessions_index(assay_store_load *load, const assay_reader *reader,
                                   assay_error *err) {
    assay_hash id = {{0}};
    assay_session session;
    for (;;) {
        bool found;
        ASSAY_TRY(assay_session_next(&id, &session, &found, reader, err));
        if (!found) return ASSAY_OK;
        assay_record_key key =
            assay_record_key_of_address(ASSAY_TABLE_PRINCIPAL_SESSION, &session.principal);
        assay_record_key_add(&key, id.bytes, ASSAY_HASH_SIZE);
        ASSAY_TRY(aux_put(load, &key, "", 0, err));
        key = assay_record_key_of_address(ASSAY_TABLE_PROVIDER_SESSION, &session.provider);
        assay_record_key_add(&key, id.bytes, ASSAY_HASH_SIZE);
        ASSAY_TRY(aux_put(load, &key, "", 0, err));
    }
}

static assay_status beacon_put(assay_store_load *load, uint64_t height, const assay_hash *beacon,
                               assay_error *err) {
    assay_record_key key;
    assay_record_key_start(&key, ASSAY_TABLE_BEACON_AT);
    assay_record_key_add_u64(&key, height);
    return aux_put(load, &key, beacon->bytes, ASSAY_HASH_SIZE, err);
}

static assay_status batches_index(assay_store_load *load, const assay_reader *reader,
                                  assay_error *err) {
    assay_hash id = {{0}};
    assay_batch batch;
    for (;;) {
        bool found;
        ASSAY_TRY(assay_batch_next_open(&id, &batch, &found, reader, err));
        if (!found) return ASSAY_OK;
        assay_record_key key;
        assay_record_key_start(&key, ASSAY_TABLE_BATCH_AT);
        assay_record_key_add_u64(&key, batch.height);
        assay_record_key_add_u32(&key, batch.index);
        ASSAY_TRY(aux_put(load, &key, id.bytes, ASSAY_HASH_SIZE, err));
        if (batch.beacon_height)
            ASSAY_TRY(beacon_put(load, batch.beacon_height, &batch.beacon, err));
    }
}

// Of the height's epoch all payouts are still in the state; of those before it some may be swept.
static assay_status payouts_copy(assay_store_load *load, const assay_reader *reader, uint64_t epoch,
                                 assay_error *err) {
    assay_record_key from;
    assay_store_position at;
    assay_record_key_start(&from, ASSAY_TABLE_PAYOUT);
    assay_record_key_add_u64(&from, epoch);
    ASSAY_TRY(assay_reader_seek(reader, &at, &from, from.size, err));
    while (at.key_size > 0) {
        at.key[0] = ASSAY_TABLE_PAID;
        ASSAY_TRY(
            assay_store_load_aux(load, at.key, at.key_size, at.value.data, at.value.size, err));
        at.key[0] = ASSAY_TABLE_PAYOUT;
        ASSAY_TRY(assay_reader_next(reader, &at, err));
    }
    return ASSAY_OK;
}

static assay_status aux_write(assay_store_load *load, const assay_reader *reader,
                              const assay_params *params, uint64_t height, assay_error *err) {
    assay_hash beacon;
    ASSAY_TRY(sessions_index(load, reader, err));
    ASSAY_TRY(batches_index(load, reader, err));
    ASSAY_TRY(payouts_copy(load, reader, assay_params_epoch(params, height), err));
    ASSAY_TRY(assay_beacon_last(&beacon, reader, err));
    return beacon_put(load, height, &beacon, err);
}

static const uint8_t restored_key[1] = {ASSAY_TABLE_RESTORED};

static assay_status height_put(assay_store_load *load, uint64_t height, assay_error *err) {
    uint8_t value[8];
    assay_store_be64(value, height);
    return assay_store_load_aux(load, restored_key, sizeof restored_key, value, sizeof value, err);
}

assay_status assay_restore_may_replace(bool *may, assay_snapshot *snapshot, assay_error *err) {
    const assay_store_tip *tip = assay_snapshot_tip(snapshot);
    assay_bytes value;
    *may = !tip->committed || tip->height == 0;
    if (*may) return ASSAY_OK;
    ASSAY_TRY(assay_snapshot_get(snapshot, restored_key, sizeof restored_key, &value, err));
    if (value.data && value.size != 8)
        return ASSAY_FAIL(err, CORRUPT, "a restored height of %zu bytes, not 8", value.size);
    *may = value.data && assay_load_be64(value.data) == tip->height;
    return ASSAY_OK;
}

assay_status assay_restore_finish(assay_store_load *load, const assay_params *params,
                                  uint64_t height, const assay_merkle_peaks *history,
                                  const assay_hash *app_hash, assay_error *err) {
    assay_snapshot *snapshot;
    ASSAY_ASSERT(height >= 1);
    ASSAY_TRY(assay_snapshot_open(&snapshot, assay_store_load_store(load), err));
    const assay_reader reader = assay_reader_of_snapshot(snapshot);
    assay_status status = aux_write(load, &reader, params, height, err);
    assay_snapshot_close(snapshot);
    ASSAY_TRY(status);
    ASSAY_TRY(assay_history_load(load, history, err));
    ASSAY_TRY(height_put(load, height, err));
    return assay_store_load_commit(load, height, app_hash, err);
}

assay_status assay_restore_install(const char *from, const char *to, assay_error *err) {
    // Where only the locks have moved, the old data gets new ones: nobody else has it open for
    // writing, and its readers' slots die with them.
    static const char *const names[] = {"writer.lock", "lock.mdb", "data.mdb"};
    char source[PATH_MAX], target[PATH_MAX];
    for (size_t i = 0; i < ASSAY_COUNT(names); i++) {
        ASSAY_TRY(assay_path_join(source, sizeof source, from, names[i], err));
        ASSAY_TRY(assay_path_join(target, sizeof target, to, names[i], err));
        if (rename(source, target) != 0)
            return assay_fail_errno(err, errno, "cannot rename %s to %s", source, target);
    }
    return assay_folder_sync(to, err);
}
