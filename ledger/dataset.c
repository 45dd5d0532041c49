// SPDX-License-Identifier: Apache-2.0
#include "ledger/dataset.h"

#include "ledger/commitment.h"
#include "ledger/due.h"
#include "ledger/purse.h"
#include "ledger/record.h"

enum {
    DATASET_HEAD_SIZE = 20 + 8 + 4 + 8 + 8 + 8 + 8 + 8 + 8 + 32,
    DATASET_SIZE_MAX = DATASET_HEAD_SIZE + 3 * 2 + ASSAY_NAME_SIZE_MAX + ASSAY_LICENSE_SIZE_MAX +
                       ASSAY_URI_SIZE_MAX,
};
static_assert(DATASET_HEAD_SIZE == 112 && DATASET_SIZE_MAX == 502, "record layout");

static assay_status dataset_decode(assay_dataset *out, assay_bytes value, assay_error *err) {
    assay_cursor cursor;
    assay_cursor_init(&cursor, value.data, value.size);
    assay_cursor_address(&cursor, &out->owner);
    out->committed = assay_cursor_u64(&cursor);
    out->committed_index = assay_cursor_u32(&cursor);
    out->registered = assay_cursor_u64(&cursor);
    out->retired = assay_cursor_u64(&cursor);
    out->released = assay_cursor_u64(&cursor);
    out->chunk_count = assay_cursor_u64(&cursor);
    out->byte_count = assay_cursor_u64(&cursor);
    out->bond = assay_cursor_u64(&cursor);
    assay_cursor_hash(&cursor, &out->fingerprint_root);
    assay_record_text_read(&cursor, out->license, ASSAY_LICENSE_SIZE_MAX);
    assay_record_text_read(&cursor, out->name, ASSAY_NAME_SIZE_MAX);
    assay_record_text_read(&cursor, out->uri, ASSAY_URI_SIZE_MAX);
    return assay_record_finish(&cursor, "a data set", err);
}

static assay_status dataset_put(assay_ledger *ledger, const assay_hash *root,
                                const assay_dataset *dataset, assay_error *err) {
    assay_record_key key = assay_record_key_of_hash(ASSAY_TABLE_DATASET, root);
    uint8_t value[DATASET_SIZE_MAX];
    assay_writer writer;
    assay_writer_init(&writer, value, sizeof value);
    assay_writer_address(&writer, &dataset->owner);
    assay_writer_u64(&writer, dataset->committed);
    assay_writer_u32(&writer, dataset->committed_index);
    assay_writer_u64(&writer, dataset->registered);
    assay_writer_u64(&writer, dataset->retired);
    assay_writer_u64(&writer, dataset->released);
    assay_writer_u64(&writer, dataset->chunk_count);
    assay_writer_u64(&writer, dataset->byte_count);
    assay_writer_u64(&writer, dataset->bond);
    assay_writer_hash(&writer, &dataset->fingerprint_root);
    assay_record_text_write(&writer, dataset->license);
    assay_record_text_write(&writer, dataset->name);
    assay_record_text_write(&writer, dataset->uri);
    ASSAY_ASSERT(!writer.failed);
    return assay_ledger_put(ledger, &key, value, writer.size, err);
}

assay_status assay_dataset_get(assay_dataset *out, bool *found, const assay_reader *reader,
                               const assay_hash *root, assay_error *err) {
    assay_record_key key = assay_record_key_of_hash(ASSAY_TABLE_DATASET, root);
    assay_bytes value;
    ASSAY_TRY(assay_reader_get(reader, &key, &value, err));
    *found = value.data != NULL;
    return *found ? dataset_decode(out, value, err) : ASSAY_OK;
}

assay_status assay_dataset_next(assay_hash *root, assay_dataset *out, bool *found,
                                const assay_reader *reader, assay_error *err) {
    assay_bytes value;
    ASSAY_TRY(assay_record_next_hash(&value, found, reader, ASSAY_TABLE_DATASET, root, err));
    return *found ? dataset_decode(out, value, err) : ASSAY_OK;
}

assay_status assay_dataset_register(assay_ledger *ledger, const assay_tx *tx, assay_error *err) {
    const assay_tx_register_dataset *body = &tx->body.register_dataset;
    assay_dataset dataset;
    assay_commitment date;
    bool found;
    ASSAY_TRY(assay_dataset_get(&dataset, &found, &ledger->reader, &body->root, err));
    if (found)
        return ASSAY_REJECT(err, DATASET_EXISTS, "registered before, at height %llu",
                            (ull)dataset.registered);
    dataset = (assay_dataset){
        .owner = ledger->principal,
        .registered = ledger->height,
        .chunk_count = body->chunk_count,
        .byte_count = body->byte_count,
        .fingerprint_root = body->fingerprint_root,
    };
    assay_record_text_copy(dataset.license, body->license, ASSAY_LICENSE_SIZE_MAX);
    assay_record_text_copy(dataset.name, body->name, ASSAY_NAME_SIZE_MAX);
    assay_record_text_copy(dataset.uri, body->uri, ASSAY_URI_SIZE_MAX);
    if (assay_hash_is_zero(&body->root))
        return ASSAY_REJECT(err, ROOT_ZERO, "a data set with the zero root");
    ASSAY_TRY(assay_commitment_use(&date, ledger, &body->root, &body->salt, err));
    dataset.committed = date.height;
    dataset.committed_index = date.index;
    ASSAY_TRY(dataset_put(ledger, &body->root, &dataset, err));
    return assay_money_spend(ledger, assay_purse_registration(ASSAY_TABLE_DATASET, &body->root),
                             ledger->params->dataset_bond, err);
}

assay_status assay_dataset_retire(assay_ledger *ledger, const assay_tx *tx, assay_error *err) {
    const assay_hash *root = &tx->body.retire_dataset.dataset;
    assay_dataset dataset;
    bool found;
    ASSAY_TRY(assay_dataset_get(&dataset, &found, &ledger->reader, root, err));
    if (!found) return ASSAY_REJECT(err, DATASET_UNKNOWN, "no data set has this root");
    if (!assay_address_equal(&dataset.owner, &ledger->principal))
        return ASSAY_REJECT(err, DATASET_OWNER, "only its owner retires a data set");
    if (dataset.retired != 0)
        return ASSAY_REJECT(err, DATASET_RETIRED, "retired before, at height %llu",
                            (ull)dataset.retired);
    dataset.retired = ledger->height;
    dataset.released = ledger->height + assay_params_unbond_blocks(ledger->params);
    ASSAY_TRY(assay_due_put(ledger, dataset.released, ASSAY_DUE_DATASET, root->bytes,
                            ASSAY_HASH_SIZE, err));
    return dataset_put(ledger, root, &dataset, err);
}

// A record that must be there: the caller has read it in this transaction, or it is in a queue.
static assay_status dataset_load(assay_dataset *out, assay_ledger *ledger, const assay_hash *root,
                                 assay_error *err) {
    bool found;
    ASSAY_TRY(assay_dataset_get(out, &found, &ledger->reader, root, err));
    ASSAY_ASSERT(found);
    return ASSAY_OK;
}

assay_status assay_dataset_release(assay_ledger *ledger, const assay_hash *root, assay_error *err) {
    assay_dataset dataset;
    ASSAY_TRY(dataset_load(&dataset, ledger, root, err));
    return assay_money_move(ledger, assay_purse_registration(ASSAY_TABLE_DATASET, root),
                            assay_purse_balance(&dataset.owner), dataset.bond, err);
}

assay_status assay_dataset_bond_change(assay_ledger *ledger, const assay_hash *root, int64_t change,
                                       assay_error *err) {
    assay_dataset dataset;
    ASSAY_TRY(dataset_load(&dataset, ledger, root, err));
    dataset.bond = assay_purse_changed(dataset.bond, change);
    return dataset_put(ledger, root, &dataset, err);
}
