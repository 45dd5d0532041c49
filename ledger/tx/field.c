// SPDX-License-Identifier: Apache-2.0
#include "ledger/tx/field.h"

#include "base/utf8.h"
#include "ledger/tx/reject.h"

static const void *at(const assay_field *field, const void *in) {
    return (const uint8_t *)in + field->offset;
}

static void *at_out(const assay_field *field, void *out) {
    return (uint8_t *)out + field->offset;
}

uint64_t assay_field_number(const assay_field *field, const void *in) {
    switch (field->type) {
    case ASSAY_FIELD_U8:
        return *(const uint8_t *)at(field, in);
    case ASSAY_FIELD_U16:
        return *(const uint16_t *)at(field, in);
    case ASSAY_FIELD_U32:
        return *(const uint32_t *)at(field, in);
    default:
        ASSAY_ASSERT(field->type == ASSAY_FIELD_U64);
        return *(const uint64_t *)at(field, in);
    }
}

void assay_field_number_set(const assay_field *field, void *out, uint64_t value) {
    switch (field->type) {
    case ASSAY_FIELD_U8:
        *(uint8_t *)at_out(field, out) = (uint8_t)value;
        break;
    case ASSAY_FIELD_U16:
        *(uint16_t *)at_out(field, out) = (uint16_t)value;
        break;
    case ASSAY_FIELD_U32:
        *(uint32_t *)at_out(field, out) = (uint32_t)value;
        break;
    default:
        ASSAY_ASSERT(field->type == ASSAY_FIELD_U64);
        *(uint64_t *)at_out(field, out) = value;
    }
}

// The five list types differ in their items' type alone; the two members are moved by bytes.
_Static_assert(sizeof(assay_any_list) == sizeof(assay_session_list), "lists share one layout");
_Static_assert(offsetof(assay_any_list, count) == offsetof(assay_session_list, count),
               "lists share one layout");

assay_any_list assay_field_list(const assay_field *field, const void *in) {
    assay_any_list list;
    memcpy(&list, at(field, in), sizeof list);
    return list;
}

void assay_field_list_set(const assay_field *field, void *out, const void *items, uint32_t count) {
    assay_any_list list = {items, count};
    memcpy(at_out(field, out), &list, sizeof list);
}

static assay_status truncated(assay_error *err, const char *name) {
    return ASSAY_REJECT(err, TX_TRUNCATED, "the bytes end before or inside %s", name);
}

static assay_status bytes_decode(const assay_field *field, void *out, assay_cursor *cursor,
                                 assay_error *err) {
    uint32_t size =
        field->type == ASSAY_FIELD_TEXT ? assay_cursor_u16(cursor) : assay_cursor_u32(cursor);
    if (size > field->max)
        return ASSAY_REJECT(err, TX_LENGTH, "%s has %u bytes, limit %llu", field->name, size,
                            (ull)field->max);
    const uint8_t *data = assay_cursor_take(cursor, size);
    if (!data) return truncated(err, field->name);
    *(assay_bytes *)at_out(field, out) = (assay_bytes){data, size};
    return ASSAY_OK;
}

static assay_status list_decode(const assay_field *field, void *out, assay_cursor *cursor,
                                assay_arena *arena, assay_error *err) {
    const assay_schema *rows = field->rows;
    uint32_t count = assay_cursor_u32(cursor);
    if (cursor->failed) return truncated(err, field->name);
    if (count > field->max)
        return ASSAY_REJECT(err, TX_COUNT, "%s has %u rows, limit %llu", field->name, count,
                            (ull)field->max);
    if (count > assay_cursor_left(cursor) / rows->wire_size) return truncated(err, field->name);
    void *items = NULL;
    if (count) ASSAY_TRY(assay_arena_get(arena, count, rows->size, field->name, &items, err));
    for (uint32_t i = 0; i < count; i++)
        ASSAY_TRY(assay_schema_decode(rows, (uint8_t *)items + (size_t)i * rows->size, cursor,
                                      arena, err));
    assay_field_list_set(field, out, items, count);
    return ASSAY_OK;
}

assay_status assay_schema_decode(const assay_schema *schema, void *out, assay_cursor *cursor,
                                 assay_arena *arena, assay_error *err) {
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const assay_field *field = &schema->fields[i];
        switch (field->type) {
        case ASSAY_FIELD_U8:
            assay_field_number_set(field, out, assay_cursor_u8(cursor));
            break;
        case ASSAY_FIELD_U16:
            assay_field_number_set(field, out, assay_cursor_u16(cursor));
            break;
        case ASSAY_FIELD_U32:
            assay_field_number_set(field, out, assay_cursor_u32(cursor));
            break;
        case ASSAY_FIELD_U64:
            assay_field_number_set(field, out, assay_cursor_u64(cursor));
            break;
        case ASSAY_FIELD_U128: {
            assay_u128 high = assay_cursor_u64(cursor);
            uint64_t low = assay_cursor_u64(cursor);
            *(assay_u128 *)at_out(field, out) = high << 64 | low;
            break;
        }
        case ASSAY_FIELD_HASH:
            assay_cursor_hash(cursor, at_out(field, out));
            break;
        case ASSAY_FIELD_ADDRESS:
            assay_cursor_address(cursor, at_out(field, out));
            break;
        case ASSAY_FIELD_TEXT:
        case ASSAY_FIELD_BLOB:
            ASSAY_TRY(bytes_decode(field, out, cursor, err));
            break;
        case ASSAY_FIELD_LIST:
            ASSAY_TRY(list_decode(field, out, cursor, arena, err));
            break;
        }
        if (cursor->failed) return truncated(err, field->name);
    }
    return ASSAY_OK;
}

static void list_encode(const assay_field *field, const void *in, assay_writer *writer) {
    assay_any_list list = assay_field_list(field, in);
    assay_writer_u32(writer, list.count);
    for (uint32_t i = 0; i < list.count; i++)
        assay_schema_encode(field->rows,
                            (const uint8_t *)list.items + (size_t)i * field->rows->size, writer);
}

void assay_schema_encode(const assay_schema *schema, const void *in, assay_writer *writer) {
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const assay_field *field = &schema->fields[i];
        switch (field->type) {
        case ASSAY_FIELD_U8:
            assay_writer_u8(writer, (uint8_t)assay_field_number(field, in));
            break;
        case ASSAY_FIELD_U16:
            assay_writer_u16(writer, (uint16_t)assay_field_number(field, in));
            break;
        case ASSAY_FIELD_U32:
            assay_writer_u32(writer, (uint32_t)assay_field_number(field, in));
            break;
        case ASSAY_FIELD_U64:
            assay_writer_u64(writer, assay_field_number(field, in));
            break;
        case ASSAY_FIELD_U128: {
            assay_u128 value = *(const assay_u128 *)at(field, in);
            assay_writer_u64(writer, (uint64_t)(value >> 64));
            assay_writer_u64(writer, (uint64_t)value);
            break;
        }
        case ASSAY_FIELD_HASH:
            assay_writer_hash(writer, at(field, in));
            break;
        case ASSAY_FIELD_ADDRESS:
            assay_writer_address(writer, at(field, in));
            break;
        case ASSAY_FIELD_TEXT:
        case ASSAY_FIELD_BLOB: {
            const assay_bytes *bytes = at(field, in);
            if (field->type == ASSAY_FIELD_TEXT)
                assay_writer_u16(writer, (uint16_t)bytes->size);
            else
                assay_writer_u32(writer, (uint32_t)bytes->size);
            assay_writer_copy(writer, bytes->data, bytes->size);
            break;
        }
        case ASSAY_FIELD_LIST:
            list_encode(field, in, writer);
            break;
        }
    }
}

size_t assay_schema_wire_size(const assay_schema *schema, const void *in) {
    static const uint8_t fixed[] = {
        [ASSAY_FIELD_U8] = 1,
        [ASSAY_FIELD_U16] = 2,
        [ASSAY_FIELD_U32] = 4,
        [ASSAY_FIELD_U64] = 8,
        [ASSAY_FIELD_U128] = 16,
        [ASSAY_FIELD_HASH] = ASSAY_HASH_SIZE,
        [ASSAY_FIELD_ADDRESS] = ASSAY_ADDRESS_SIZE,
        [ASSAY_FIELD_TEXT] = 2,
        [ASSAY_FIELD_BLOB] = 4,
        [ASSAY_FIELD_LIST] = 4,
    };
    size_t size = 0;
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const assay_field *field = &schema->fields[i];
        size += fixed[field->type];
        if (field->type == ASSAY_FIELD_TEXT || field->type == ASSAY_FIELD_BLOB)
            size += ((const assay_bytes *)at(field, in))->size;
        if (field->type == ASSAY_FIELD_LIST)
            size += (size_t)assay_field_list(field, in).count * field->rows->wire_size;
    }
    return size;
}

// Well-formed UTF-8 first; then C1 can only stand as C2 80 … C2 9F.
bool assay_text_is_clean(const uint8_t *text, size_t size) {
    if (assay_utf8_prefix(text, size) != size) return false;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < 0x20 || text[i] == 0x7f) return false;
        if (text[i] == 0xc2 && text[i + 1] < 0xa0) return false;
    }
    return true;
}

static assay_status bytes_check(const assay_field *field, const void *in, assay_error *err) {
    const assay_bytes *bytes = at(field, in);
    if (bytes->size < field->min || bytes->size > field->max)
        return ASSAY_REJECT(err, TX_LENGTH, "%s has %zu bytes, limits %llu to %llu", field->name,
                            bytes->size, (ull)field->min, (ull)field->max);
    if (field->type == ASSAY_FIELD_TEXT && !assay_text_is_clean(bytes->data, bytes->size))
        return ASSAY_REJECT(err, TX_TEXT, "%s is not UTF-8 or holds a control character",
                            field->name);
    return ASSAY_OK;
}

static assay_status list_check(const assay_field *field, const void *in, assay_error *err) {
    const assay_schema *rows = field->rows;
    assay_any_list list = assay_field_list(field, in);
    if (list.count < field->min || list.count > field->max)
        return ASSAY_REJECT(err, TX_COUNT, "%s has %u rows, limits %llu to %llu", field->name,
                            list.count, (ull)field->min, (ull)field->max);
    const uint8_t *row = list.items;
    for (uint32_t i = 0; i < list.count; i++, row += rows->size) {
        ASSAY_TRY(assay_schema_check(rows, row, err));
        if (i && memcmp(row - rows->size, row, rows->key_size) >= 0)
            return ASSAY_REJECT(err, TX_ORDER, "%s row %u is not above the row before it",
                                field->name, i);
    }
    return ASSAY_OK;
}

assay_status assay_schema_check(const assay_schema *schema, const void *in, assay_error *err) {
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const assay_field *field = &schema->fields[i];
        switch (field->type) {
        case ASSAY_FIELD_U128:
        case ASSAY_FIELD_HASH:
        case ASSAY_FIELD_ADDRESS:
            break;
        case ASSAY_FIELD_TEXT:
        case ASSAY_FIELD_BLOB:
            ASSAY_TRY(bytes_check(field, in, err));
            break;
        case ASSAY_FIELD_LIST:
            ASSAY_TRY(list_check(field, in, err));
            break;
        default: {
            uint64_t value = assay_field_number(field, in);
            if (value < field->min || value > field->max)
                return ASSAY_REJECT(err, TX_RANGE, "%s is %llu, limits %llu to %llu", field->name,
                                    (ull)value, (ull)field->min, (ull)field->max);
        }
        }
    }
    return ASSAY_OK;
}
