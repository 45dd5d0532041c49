// SPDX-License-Identifier: Apache-2.0
#include "ledger/accusations.h"

// How many bits the fee total has: accusations are counted by it.
static assay_record_key accuser_key(const assay_address *validator, uint64_t fee_total) {
    assay_record_key key = assay_record_key_of_address(ASSAY_TABLE_ACCUSER, validator);
    assay_record_key_add_u8(&key, fee_total ? (uint8_t)(64 - __builtin_clzll(fee_total)) : 0);
    return key;
}

static assay_status accuser_decode(uint32_t *out, const assay_bytes *value, assay_error *err) {
    if (value->data && value->size != 4)
        return ASSAY_FAIL(err, CORRUPT, "an accuser's record is damaged");
    *out = value->data ? assay_load_be32(value->data) : 0;
    return ASSAY_OK;
}

assay_status assay_accusations_open(uint32_t *out, const assay_reader *reader,
                                    const assay_address *validator, uint64_t fee_total,
                                    assay_error *err) {
    assay_record_key from = accuser_key(validator, fee_total);
    assay_store_position at;
    *out = 0;
    ASSAY_TRY(assay_reader_seek(reader, &at, &from, from.size - 1, err));
    while (at.key_size > 0) {
        uint32_t open;
        ASSAY_TRY(accuser_decode(&open, &at.value, err));
        *out += open;
        ASSAY_TRY(assay_reader_next(reader, &at, err));
    }
    return ASSAY_OK;
}

assay_status assay_accusations_add(assay_ledger *ledger, const assay_address *validator,
                                   uint64_t fee_total, int by, assay_error *err) {
    assay_record_key key = accuser_key(validator, fee_total);
    assay_bytes stored;
    uint8_t value[4];
    uint32_t open;
    ASSAY_TRY(assay_reader_get(&ledger->reader, &key, &stored, err));
    ASSAY_TRY(accuser_decode(&open, &stored, err));
    ASSAY_ASSERT(by > 0 || open > 0);
    open = by > 0 ? open + 1 : open - 1;
    if (open == 0) return assay_ledger_delete(ledger, &key, err);
    assay_store_be32(value, open);
    return assay_ledger_put(ledger, &key, value, sizeof value, err);
}
