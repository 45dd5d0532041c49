// SPDX-License-Identifier: Apache-2.0
#include "ledger/ledger.h"

assay_ledger_mark assay_ledger_savepoint(assay_ledger *ledger) {
    return (assay_ledger_mark){assay_store_savepoint(ledger->store), ledger->totals, ledger->counts,
                               ledger->new_keys};
}

void assay_ledger_rollback(assay_ledger *ledger, const assay_ledger_mark *mark) {
    assay_store_rollback(ledger->store, mark->mark);
    ledger->totals = mark->totals;
    ledger->counts = mark->counts;
    ledger->new_keys = mark->new_keys;
}

void assay_ledger_release(assay_ledger *ledger, const assay_ledger_mark *mark) {
    assay_store_release(ledger->store, mark->mark);
}

assay_status assay_ledger_put(assay_ledger *ledger, const assay_record_key *key, const void *value,
                              size_t size, assay_error *err) {
    ledger->writes += 1 + size / ASSAY_WRITE_BYTES;
    if (key->bytes[0] < ASSAY_STORE_AUX) {
        assay_bytes before;
        ASSAY_TRY(assay_store_get(ledger->store, key->bytes, key->size, &before, err));
        if (before.data == NULL) ledger->new_keys++;
    }
    return assay_store_put(ledger->store, key->bytes, key->size, value, size, err);
}

assay_status assay_ledger_delete(assay_ledger *ledger, const assay_record_key *key,
                                 assay_error *err) {
    ledger->writes++;
    return assay_store_delete(ledger->store, key->bytes, key->size, err);
}

assay_status assay_ledger_drop(assay_ledger *ledger, const assay_record_key *prefix,
                               assay_error *err) {
    assay_store_position at;
    ASSAY_TRY(assay_reader_seek(&ledger->reader, &at, prefix, prefix->size, err));
    while (at.key_size > 0) {
        assay_record_key key = assay_record_key_at(&at);
        ASSAY_TRY(assay_ledger_delete(ledger, &key, err));
        ASSAY_TRY(assay_reader_next(&ledger->reader, &at, err));
    }
    return ASSAY_OK;
}

assay_status assay_ledger_sweep(assay_ledger *ledger, uint8_t table, uint64_t end,
                                assay_error *err) {
    assay_record_key key;
    assay_store_position at;
    assay_record_key_start(&key, table);
    ASSAY_TRY(assay_reader_seek(&ledger->reader, &at, &key, 1, err));
    for (uint32_t i = 0; i < ASSAY_SWEEP_MAX && at.key_size > 0; i++) {
        if (assay_load_be64(at.key + 1) >= end) break;
        key = assay_record_key_at(&at);
        ASSAY_TRY(assay_ledger_delete(ledger, &key, err));
        ASSAY_TRY(assay_reader_next(&ledger->reader, &at, err));
    }
    return ASSAY_OK;
}
