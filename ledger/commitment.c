// SPDX-License-Identifier: Apache-2.0
#include "ledger/commitment.h"

#include "base/sha256.h"
#include "ledger/record.h"

enum { RECORD_SIZE = 8 + 4 };
static_assert(RECORD_SIZE == 12, "height and transaction index");

void assay_commitment_hash(assay_hash *out, const assay_hash *root, const assay_hash *salt,
                           const assay_address *owner) {
    static const assay_hash zero;
    assay_sha256 sha;
    assay_sha256_init(&sha);
    assay_sha256_update(&sha, root->bytes, ASSAY_HASH_SIZE);
    assay_sha256_update(&sha, salt ? salt->bytes : zero.bytes, ASSAY_HASH_SIZE);
    assay_sha256_update(&sha, owner->bytes, ASSAY_ADDRESS_SIZE);
    assay_sha256_final(&sha, out);
}

assay_status assay_commitment_get(assay_commitment *out, bool *found, const assay_reader *reader,
                                  const assay_hash *hash, assay_error *err) {
    assay_record_key key = assay_record_key_of_hash(ASSAY_TABLE_COMMITMENT, hash);
    assay_bytes value;
    assay_cursor cursor;
    ASSAY_TRY(assay_reader_get(reader, &key, &value, err));
    *found = value.data != NULL;
    if (!*found) return ASSAY_OK;
    assay_cursor_init(&cursor, value.data, value.size);
    out->height = assay_cursor_u64(&cursor);
    out->index = assay_cursor_u32(&cursor);
    return assay_record_finish(&cursor, "a commitment", err);
}

assay_status assay_commitment_make(assay_ledger *ledger, const assay_tx *tx, assay_error *err) {
    const assay_hash *hash = &tx->body.commit_dataset.commitment;
    assay_record_key key = assay_record_key_of_hash(ASSAY_TABLE_COMMITMENT, hash);
    assay_commitment before;
    bool found;
    ASSAY_TRY(assay_commitment_get(&before, &found, &ledger->reader, hash, err));
    if (found)
        return ASSAY_REJECT(err, COMMITMENT_EXISTS, "committed before, at height %llu",
                            (ull)before.height);
    uint8_t value[RECORD_SIZE];
    assay_store_be64(value, ledger->height);
    assay_store_be32(value + 8, ledger->tx_index);
    return assay_ledger_put(ledger, &key, value, sizeof value, err);
}

assay_status assay_commitment_use(assay_commitment *out, assay_ledger *ledger,
                                  const assay_hash *root, const assay_hash *salt,
                                  assay_error *err) {
    assay_hash hash;
    bool found;
    assay_commitment_hash(&hash, root, salt, &ledger->principal);
    ASSAY_TRY(assay_commitment_get(out, &found, &ledger->reader, &hash, err));
    if (!found)
        return ASSAY_REJECT(err, COMMITMENT_UNKNOWN, "no commitment of this owner to this root");
    if (ledger->height < out->height + ledger->params->commitment_blocks)
        return ASSAY_REJECT(
            err, COMMITMENT_EARLY, "committed at height %llu, good from height %llu, this is %llu",
            (ull)out->height, (ull)(out->height + ledger->params->commitment_blocks),
            (ull)ledger->height);
    assay_record_key key = assay_record_key_of_hash(ASSAY_TABLE_COMMITMENT, &hash);
    return assay_ledger_delete(ledger, &key, err);
}
