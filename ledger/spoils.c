// SPDX-License-Identifier: Apache-2.0
#include "ledger/spoils.h"

#include "ledger/dataset.h"

// Beyond any case count × ASSAY_VOTERS_MAX.
enum { LIST_MAX = 1 << 16 };

static assay_record_key weight_key(uint8_t table, const assay_hash *batch,
                                   const assay_address *validator) {
    assay_record_key key = assay_record_key_of_hash(table, batch);
    assay_record_key_add(&key, validator->bytes, ASSAY_ADDRESS_SIZE);
    return key;
}

// P-61
assay_status assay_spoils_add(assay_ledger *ledger, uint8_t table, const assay_hash *batch,
                              const assay_address *validator, uint64_t weight, assay_error *err) {
    assay_record_key key = weight_key(table, batch, validator);
    assay_bytes value;
    uint8_t sum[8];
    ASSAY_TRY(assay_reader_get(&ledger->reader, &key, &value, err));
    assay_store_be64(sum, (value.data == NULL ? 0 : assay_load_be64(value.data)) + weight);
    return assay_ledger_put(ledger, &key, sum, sizeof sum, err);
}

assay_status assay_spoils_list(assay_spoils **out, uint32_t *count, const assay_reader *reader,
                               uint8_t table, const assay_hash *batch, assay_arena *arena,
                               assay_error *err) {
    assay_record_key prefix = assay_record_key_of_hash(table, batch);
    assay_store_position at;
    uint32_t found = 0;
    void *memory;
    *count = 0;
    ASSAY_TRY(assay_reader_seek(reader, &at, &prefix, prefix.size, err));
    for (; at.key_size > 0 && found < LIST_MAX; found++)
        ASSAY_TRY(assay_reader_next(reader, &at, err));
    ASSAY_TRY(assay_arena_get(arena, found, sizeof(assay_spoils), "validators", &memory, err));
    assay_spoils *list = memory;
    ASSAY_TRY(assay_reader_seek(reader, &at, &prefix, prefix.size, err));
    for (; at.key_size > 0 && *count < found; (*count)++) {
        if (at.key_size != prefix.size + ASSAY_ADDRESS_SIZE || at.value.size != 8)
            return ASSAY_FAIL(err, CORRUPT, "a batch's weight of right votes is damaged");
        memcpy(list[*count].validator.bytes, at.key + prefix.size, ASSAY_ADDRESS_SIZE);
        list[*count].weight = assay_load_be64(at.value.data);
        ASSAY_TRY(assay_reader_next(reader, &at, err));
    }
    *out = list;
    return ASSAY_OK;
}

static assay_record_key missing_key(const assay_hash *batch, const assay_hash *dataset) {
    assay_record_key key = assay_record_key_of_hash(ASSAY_TABLE_MISSING, batch);
    assay_record_key_add(&key, dataset->bytes, ASSAY_HASH_SIZE);
    return key;
}

assay_status assay_spoils_missing(assay_ledger *ledger, const assay_hash *batch,
                                  const assay_hash *dataset, assay_error *err) {
    assay_record_key key = missing_key(batch, dataset);
    return assay_ledger_put(ledger, &key, "", 0, err);
}

// P-69
assay_status assay_spoils_taker(assay_address *owner, bool *taker, const assay_ledger *ledger,
                                const assay_hash *batch, const assay_hash *id, assay_error *err) {
    assay_record_key key = missing_key(batch, id);
    assay_dataset dataset;
    assay_bytes value;
    bool found;
    ASSAY_TRY(assay_reader_get(&ledger->reader, &key, &value, err));
    ASSAY_TRY(assay_dataset_get(&dataset, &found, &ledger->reader, id, err));
    ASSAY_ASSERT(found); // checked when the batch came in; data sets stay
    *owner = dataset.owner;
    *taker = value.data == NULL && dataset.retired == 0;
    return ASSAY_OK;
}

assay_status assay_spoils_drop(assay_ledger *ledger, const assay_hash *batch, assay_error *err) {
    static const uint8_t tables[] = {ASSAY_TABLE_CHECKER, ASSAY_TABLE_CATCHER, ASSAY_TABLE_MISSING};
    for (size_t i = 0; i < sizeof tables; i++) {
        assay_record_key prefix = assay_record_key_of_hash(tables[i], batch);
        ASSAY_TRY(assay_ledger_drop(ledger, &prefix, err));
    }
    return ASSAY_OK;
}
