// SPDX-License-Identifier: Apache-2.0
#include "ledger/record.h"

assay_status assay_amount_get(uint64_t *out, const assay_reader *reader,
                              const assay_record_key *key, assay_error *err) {
    assay_bytes value;
    *out = 0;
    ASSAY_TRY(assay_reader_get(reader, key, &value, err));
    if (value.data == NULL) return ASSAY_OK;
    if (value.size != 8)
        return ASSAY_FAIL(err, CORRUPT, "an amount of table 0x%02x has %zu bytes", key->bytes[0],
                          value.size);
    *out = assay_load_be64(value.data);
    return ASSAY_OK;
}

assay_status assay_amount_put(assay_ledger *ledger, const assay_record_key *key, uint64_t amount,
                              assay_error *err) {
    if (amount == 0) return assay_ledger_delete(ledger, key, err);
    uint8_t value[8];
    assay_store_be64(value, amount);
    return assay_ledger_put(ledger, key, value, sizeof value, err);
}

void assay_record_text_write(assay_writer *writer, const char *text) {
    uint16_t size = (uint16_t)strlen(text);
    assay_writer_u16(writer, size);
    assay_writer_copy(writer, text, size);
}

void assay_record_text_read(assay_cursor *cursor, char *out, size_t size_max) {
    uint16_t size = assay_cursor_u16(cursor);
    if (size > size_max) cursor->failed = true;
    const uint8_t *text = assay_cursor_take(cursor, size);
    if (text != NULL) memcpy(out, text, size);
    out[text != NULL ? size : 0] = 0;
}

void assay_record_text_copy(char *out, assay_bytes text, size_t size_max) {
    ASSAY_ASSERT(text.size <= size_max);
    if (text.size != 0) memcpy(out, text.data, text.size);
    out[text.size] = 0;
}

assay_status assay_record_finish(const assay_cursor *cursor, const char *what, assay_error *err) {
    if (!cursor->failed && assay_cursor_left(cursor) == 0) return ASSAY_OK;
    return ASSAY_FAIL(err, CORRUPT, "the record of %s is malformed", what);
}

assay_status assay_record_next(assay_bytes *value, bool *found, const assay_reader *reader,
                               const assay_record_key *after, void *tail, size_t tail_size,
                               assay_error *err) {
    size_t prefix_size = after->size - tail_size;
    assay_store_position at;
    ASSAY_TRY(assay_reader_after(reader, &at, after, prefix_size, err));
    *found = at.key_size != 0;
    if (!*found) return ASSAY_OK;
    if (at.key_size != after->size)
        return ASSAY_FAIL(err, CORRUPT, "a key of table 0x%02x has %zu bytes", after->bytes[0],
                          at.key_size);
    memcpy(tail, at.key + prefix_size, tail_size);
    *value = at.value;
    return ASSAY_OK;
}

assay_status assay_record_next_hash(assay_bytes *value, bool *found, const assay_reader *reader,
                                    uint8_t table, assay_hash *hash, assay_error *err) {
    assay_record_key after = assay_record_key_of_hash(table, hash);
    return assay_record_next(value, found, reader, &after, hash->bytes, ASSAY_HASH_SIZE, err);
}
