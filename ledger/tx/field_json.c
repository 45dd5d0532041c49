// SPDX-License-Identifier: Apache-2.0
#include "ledger/tx/field_json.h"

#include "base/hex.h"
#include "base/json.h"

enum { NAMES_MAX = 32, U128_DIGITS_MAX = 39 };

static const void *at(const assay_field *field, const void *in) {
    return (const uint8_t *)in + field->offset;
}

void assay_field_camel(char *out, const char *snake, bool upper) {
    size_t size = 0;
    for (; *snake; snake++) {
        if (*snake == '_') {
            upper = true;
            continue;
        }
        ASSAY_ASSERT(size + 1 < ASSAY_FIELD_NAME_MAX);
        out[size++] = upper && *snake >= 'a' && *snake <= 'z' ? (char)(*snake - 'a' + 'A') : *snake;
        upper = false;
    }
    out[size] = 0;
}

json_t *assay_json_decimal(assay_u128 value) {
    char digits[U128_DIGITS_MAX + 1];
    char *first = digits + U128_DIGITS_MAX;
    *first = 0;
    do {
        *--first = (char)('0' + (unsigned)(value % 10));
        value /= 10;
    } while (value);
    return json_string(first);
}

static json_t *number(assay_u128 value, bool wide, assay_json_manner manner) {
    if (value >> 64 || (wide && manner == ASSAY_JSON_TYPED)) return assay_json_decimal(value);
    return assay_json_from_u64((uint64_t)value);
}

static json_t *list_to_json(const assay_field *field, const void *in, assay_json_manner manner) {
    assay_any_list list = assay_field_list(field, in);
    const uint8_t *row = list.items;
    json_t *array = json_array();
    bool ok = array;
    for (uint32_t i = 0; ok && i < list.count; i++, row += field->rows->size) {
        json_t *item;
        if (field->rows->name) {
            item = json_object();
            ok = item && assay_schema_json_add(item, field->rows, row, manner);
        } else {
            item = assay_json_from_hash((const assay_hash *)row);
        }
        if (json_array_append_new(array, item) != 0) ok = false;
    }
    if (ok) return array;
    json_decref(array);
    return NULL;
}

static json_t *field_to_json(const assay_field *field, const void *in, assay_json_manner manner) {
    const assay_bytes *bytes = at(field, in);
    switch (field->type) {
    case ASSAY_FIELD_U128:
        return number(*(const assay_u128 *)at(field, in), true, manner);
    case ASSAY_FIELD_HASH:
        return assay_json_from_hash(at(field, in));
    case ASSAY_FIELD_ADDRESS:
        return assay_json_from_address(at(field, in));
    case ASSAY_FIELD_TEXT:
        return json_stringn((const char *)bytes->data, bytes->size);
    case ASSAY_FIELD_BLOB:
        return assay_json_from_hex(bytes->data, bytes->size);
    case ASSAY_FIELD_LIST:
        return list_to_json(field, in, manner);
    default:
        return number(assay_field_number(field, in), field->type == ASSAY_FIELD_U64, manner);
    }
}

bool assay_schema_json_add(json_t *object, const assay_schema *schema, const void *in,
                           assay_json_manner manner) {
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const assay_field *field = &schema->fields[i];
        char name[ASSAY_FIELD_NAME_MAX];
        snprintf(name, sizeof name, "%s", field->name);
        if (manner == ASSAY_JSON_TYPED) assay_field_camel(name, field->name, false);
        if (json_object_set_new(object, name, field_to_json(field, in, manner)) != 0) return false;
    }
    return true;
}

static assay_status text_read(assay_bytes *out, const json_t *object, const assay_field *field,
                              assay_arena *arena, assay_error *err) {
    const char *text;
    ASSAY_TRY(assay_json_text(&text, object, field->name, field->max, err));
    size_t size = json_string_length(json_object_get(object, field->name));
    return assay_arena_copy(arena, text, size, field->name, out, err);
}

static assay_status blob_read(assay_bytes *out, const json_t *object, const assay_field *field,
                              assay_arena *arena, assay_error *err) {
    const char *text;
    void *copy;
    ASSAY_TRY(assay_json_text(&text, object, field->name, 2 * field->max + 2, err));
    size_t digits = strlen(assay_hex_digits(text));
    ASSAY_TRY(assay_arena_get(arena, digits / 2, 1, field->name, &copy, err));
    ASSAY_TRY(assay_json_hex(copy, digits / 2, object, field->name, err));
    *out = (assay_bytes){copy, digits / 2};
    return ASSAY_OK;
}

static assay_status hash_item_read(assay_hash *out, const json_t *item, const char *name,
                                   assay_error *err) {
    assay_error inner = {0};
    if (!json_is_string(item) ||
        assay_hex_decode(out->bytes, ASSAY_HASH_SIZE, json_string_value(item), &inner) != ASSAY_OK)
        return ASSAY_FAIL(err, FORMAT, "%s holds an entry that is not 32 bytes in hex", name);
    return ASSAY_OK;
}

static assay_status list_read(void *out, const json_t *object, const assay_field *field,
                              assay_arena *arena, assay_error *err) {
    static const char *const none[] = {NULL};
    const assay_schema *rows = field->rows;
    const json_t *array;
    void *items = NULL;
    ASSAY_TRY(assay_json_array(&array, object, field->name, field->max, err));
    size_t count = json_array_size(array);
    if (count) ASSAY_TRY(assay_arena_get(arena, count, rows->size, field->name, &items, err));
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(array, i);
        void *row = (uint8_t *)items + i * rows->size;
        if (!rows->name) {
            ASSAY_TRY(hash_item_read(row, item, field->name, err));
            continue;
        }
        ASSAY_TRY(assay_schema_json_names(rows, none, item, field->name, err));
        ASSAY_TRY(assay_schema_json_read(rows, row, item, arena, err));
    }
    assay_field_list_set(field, out, items, (uint32_t)count);
    return ASSAY_OK;
}

static assay_status number_read(void *out, const json_t *object, const assay_field *field,
                                assay_error *err) {
    static const uint64_t widest[] = {
        [ASSAY_FIELD_U8] = UINT8_MAX,
        [ASSAY_FIELD_U16] = UINT16_MAX,
        [ASSAY_FIELD_U32] = UINT32_MAX,
        [ASSAY_FIELD_U64] = UINT64_MAX,
    };
    uint64_t value;
    ASSAY_TRY(assay_json_u64(&value, object, field->name, 0, widest[field->type], err));
    assay_field_number_set(field, out, value);
    return ASSAY_OK;
}

assay_status assay_schema_json_read(const assay_schema *schema, void *out, const json_t *object,
                                    assay_arena *arena, assay_error *err) {
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const assay_field *field = &schema->fields[i];
        void *to = (uint8_t *)out + field->offset;
        switch (field->type) {
        case ASSAY_FIELD_U128:
            ASSAY_TRY(assay_json_u128(to, object, field->name, err));
            break;
        case ASSAY_FIELD_HASH:
            ASSAY_TRY(assay_json_hash(to, object, field->name, err));
            break;
        case ASSAY_FIELD_ADDRESS:
            ASSAY_TRY(assay_json_address(to, object, field->name, err));
            break;
        case ASSAY_FIELD_TEXT:
            ASSAY_TRY(text_read(to, object, field, arena, err));
            break;
        case ASSAY_FIELD_BLOB:
            ASSAY_TRY(blob_read(to, object, field, arena, err));
            break;
        case ASSAY_FIELD_LIST:
            ASSAY_TRY(list_read(out, object, field, arena, err));
            break;
        default:
            ASSAY_TRY(number_read(out, object, field, err));
        }
    }
    return ASSAY_OK;
}

assay_status assay_schema_json_names(const assay_schema *schema, const char *const *more,
                                     const json_t *object, const char *what, assay_error *err) {
    const char *names[NAMES_MAX];
    uint32_t count = 0;
    while (*more)
        names[count++] = *more++;
    for (uint32_t i = 0; i < schema->field_count; i++)
        names[count++] = schema->fields[i].name;
    ASSAY_ASSERT(count < NAMES_MAX);
    names[count] = NULL;
    return assay_json_names(object, names, what, err);
}
