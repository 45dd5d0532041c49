// SPDX-License-Identifier: Apache-2.0
#include "ledger/state/reader.h"

assay_status assay_reader_find(const assay_reader *reader, const assay_record_key *key,
                               uint8_t ended, assay_bytes *value, assay_error *err) {
    ASSAY_TRY(assay_reader_get(reader, key, value, err));
    if (value->data != NULL || reader->rules) return ASSAY_OK;
    assay_record_key gone = *key;
    gone.bytes[0] = ended;
    return assay_reader_get(reader, &gone, value, err);
}

assay_status assay_reader_after(const assay_reader *reader, assay_store_position *position,
                                const assay_record_key *after, size_t prefix_size,
                                assay_error *err) {
    // The shortest key above `after` is `after` with a zero byte.
    assay_record_key from = *after;
    assay_record_key_add_u8(&from, 0);
    return assay_reader_seek(reader, position, &from, prefix_size, err);
}
