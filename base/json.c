// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/hex.h"

// Before jansson runs: it recurses to its own limit of 2,048, and makes some 230 bytes of the two
// of "{}". Counted is where something begins: an object, a list, a text or name, or a run of what
// is neither (numbers and words); a text that is not JSON is counted somehow, and refused later.
static assay_status shape_check(const uint8_t *data, size_t size, size_t values_max,
                                const char *what, assay_error *err) {
    unsigned depth = 0;
    size_t values = 0;
    bool quoted = false, word = false;
    for (size_t i = 0; i < size; i++) {
        bool opens = data[i] == '{' || data[i] == '[';
        if (quoted) {
            if (data[i] == '\\')
                i++;
            else if (data[i] == '"')
                quoted = false;
            continue;
        }
        if (opens && ++depth > ASSAY_JSON_DEPTH_MAX)
            return ASSAY_FAIL(err, DEPTH, "%s nests %u deep, limit %d", what, depth,
                              ASSAY_JSON_DEPTH_MAX);
        if ((data[i] == '}' || data[i] == ']') && depth) depth--;
        quoted = data[i] == '"';
        bool within = !quoted && !opens && !strchr("}],: \t\r\n", data[i]);
        values += quoted || opens || (within && !word);
        word = within;
    }
    if (values > values_max)
        return ASSAY_FAIL(err, CAPACITY, "%s has %zu values and names, limit %zu", what, values,
                          values_max);
    return ASSAY_OK;
}

assay_status assay_json_parse(json_t **out, const void *data, size_t size, size_t size_max,
                              const char *what, assay_error *err) {
    return assay_json_parse_many(out, data, size, size_max, ASSAY_JSON_VALUES_MAX, what, err);
}

assay_status assay_json_parse_many(json_t **out, const void *data, size_t size, size_t size_max,
                                   size_t values_max, const char *what, assay_error *err) {
    *out = NULL;
    if (size > size_max)
        return ASSAY_FAIL(err, CAPACITY, "%s has %zu bytes, limit %zu", what, size, size_max);
    // jansson swallows a NUL that follows a number.
    if (size && memchr(data, 0, size)) return ASSAY_FAIL(err, FORMAT, "%s holds a zero byte", what);
    ASSAY_TRY(shape_check(data, size, values_max, what, err));
    json_error_t problem;
    *out = json_loadb(size ? data : "", size, JSON_REJECT_DUPLICATES, &problem);
    if (*out) return ASSAY_OK;
    switch (json_error_code(&problem)) {
    case json_error_duplicate_key:
        return ASSAY_FAIL(err, DUPLICATE, "%s line %d: %s", what, problem.line, problem.text);
    case json_error_end_of_input_expected:
        return ASSAY_FAIL(err, TRAILING, "%s line %d: %s", what, problem.line, problem.text);
    case json_error_out_of_memory:
        return ASSAY_FAIL(err, MEMORY, "%s: out of memory", what);
    default:
        return ASSAY_FAIL(err, FORMAT, "%s line %d: %s", what, problem.line, problem.text);
    }
}

assay_status assay_json_read(json_t **out, const char *path, size_t size_max, assay_error *err) {
    return assay_json_read_many(out, path, size_max, ASSAY_JSON_VALUES_MAX, err);
}

assay_status assay_json_read_many(json_t **out, const char *path, size_t size_max,
                                  size_t values_max, assay_error *err) {
    uint8_t *data;
    size_t size;
    *out = NULL;
    ASSAY_TRY(assay_file_read(path, size_max, &data, &size, err));
    assay_status status = assay_json_parse_many(out, data, size, size_max, values_max, path, err);
    free(data);
    return status;
}

static assay_status member(const json_t **out, const json_t *object, const char *name,
                           assay_error *err) {
    *out = json_object_get(object, name);
    if (!*out) return ASSAY_FAIL(err, MISSING, "%s is missing", name);
    return ASSAY_OK;
}

// A JSON integer or a decimal text without leading zeros.
static bool whole_read(assay_u128 *out, const json_t *value) {
    const char *text = json_string_value(value);
    *out = 0;
    if (!text) {
        *out = (assay_u128)json_integer_value(value);
        return json_is_integer(value) && json_integer_value(value) >= 0;
    }
    if (!*text || (text[0] == '0' && text[1])) return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9') return false;
        if (__builtin_mul_overflow(*out, (assay_u128)10, out)) return false;
        if (__builtin_add_overflow(*out, (assay_u128)(*text - '0'), out)) return false;
    }
    return true;
}

assay_status assay_json_u128(assay_u128 *out, const json_t *object, const char *name,
                             assay_error *err) {
    const json_t *value;
    ASSAY_TRY(member(&value, object, name, err));
    if (whole_read(out, value)) return ASSAY_OK;
    return ASSAY_FAIL(err, FORMAT, "%s is not a whole number from 0 to 2^128-1", name);
}

assay_status assay_json_u64(uint64_t *out, const json_t *object, const char *name, uint64_t min,
                            uint64_t max, assay_error *err) {
    const json_t *value;
    assay_u128 whole;
    ASSAY_TRY(member(&value, object, name, err));
    if (!whole_read(&whole, value) || whole > UINT64_MAX)
        return ASSAY_FAIL(err, FORMAT, "%s is not a whole number from 0 to 2^64-1", name);
    *out = (uint64_t)whole;
    if (*out < min || *out > max)
        return ASSAY_FAIL(err, RANGE, "%s is %llu, limits %llu to %llu", name, (ull)*out, (ull)min,
                          (ull)max);
    return ASSAY_OK;
}

assay_status assay_json_text(const char **out, const json_t *object, const char *name,
                             size_t size_max, assay_error *err) {
    const json_t *value;
    ASSAY_TRY(member(&value, object, name, err));
    if (!json_is_string(value)) return ASSAY_FAIL(err, FORMAT, "%s is not a text", name);
    if (json_string_length(value) > size_max)
        return ASSAY_FAIL(err, CAPACITY, "%s has %zu bytes, limit %zu", name,
                          json_string_length(value), size_max);
    *out = json_string_value(value);
    return ASSAY_OK;
}

assay_status assay_json_hex(uint8_t *out, size_t size, const json_t *object, const char *name,
                            assay_error *err) {
    const char *text;
    assay_error inner = {0};
    ASSAY_TRY(assay_json_text(&text, object, name, 2 * size + 2, err));
    if (assay_hex_decode(out, size, text, &inner) != ASSAY_OK)
        return ASSAY_FAIL(err, FORMAT, "%s: %s", name, inner.text);
    return ASSAY_OK;
}

assay_status assay_json_hash(assay_hash *out, const json_t *object, const char *name,
                             assay_error *err) {
    return assay_json_hex(out->bytes, ASSAY_HASH_SIZE, object, name, err);
}

assay_status assay_json_address(assay_address *out, const json_t *object, const char *name,
                                assay_error *err) {
    return assay_json_hex(out->bytes, ASSAY_ADDRESS_SIZE, object, name, err);
}

assay_status assay_json_bytes(uint8_t *out, size_t *size, size_t capacity, const json_t *object,
                              const char *name, assay_error *err) {
    const char *text;
    ASSAY_TRY(assay_json_text(&text, object, name, 2 * capacity + 2, err));
    size_t digits = strlen(assay_hex_digits(text));
    if (digits > 2 * capacity)
        return ASSAY_FAIL(err, CAPACITY, "%s has %zu digits, limit %zu", name, digits,
                          2 * capacity);
    *size = digits / 2;
    return assay_json_hex(out, *size, object, name, err);
}

assay_status assay_json_array(const json_t **out, const json_t *object, const char *name,
                              size_t count_max, assay_error *err) {
    ASSAY_TRY(member(out, object, name, err));
    if (!json_is_array(*out)) return ASSAY_FAIL(err, FORMAT, "%s is not a list", name);
    if (json_array_size(*out) > count_max)
        return ASSAY_FAIL(err, CAPACITY, "%s has %zu entries, limit %zu", name,
                          json_array_size(*out), count_max);
    return ASSAY_OK;
}

assay_status assay_json_object(const json_t **out, const json_t *object, const char *name,
                               assay_error *err) {
    ASSAY_TRY(member(out, object, name, err));
    if (!json_is_object(*out)) return ASSAY_FAIL(err, FORMAT, "%s is not an object", name);
    return ASSAY_OK;
}

assay_status assay_json_item_hash(assay_hash *out, const json_t *list, size_t index,
                                  const char *name, assay_error *err) {
    const char *text = json_string_value(json_array_get(list, index));
    if (!text) return ASSAY_FAIL(err, FORMAT, "%s has no text at place %zu", name, index);
    return assay_hex_decode(out->bytes, sizeof out->bytes, text, err);
}

assay_status assay_json_names(const json_t *object, const char *const *names, const char *what,
                              assay_error *err) {
    if (!json_is_object(object)) return ASSAY_FAIL(err, FORMAT, "%s is not an object", what);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value) {
        const char *const *name = names;
        while (*name && strcmp(*name, key) != 0)
            name++;
        if (!*name)
            return ASSAY_FAIL(err, UNKNOWN, "%s has an unknown member \"%.64s\"", what, key);
    }
    return ASSAY_OK;
}

json_t *assay_json_from_u64(uint64_t value) {
    if (value < (uint64_t)1 << 53) return json_integer((json_int_t)value);
    char text[24];
    snprintf(text, sizeof text, "%llu", (ull)value);
    return json_string(text);
}

json_t *assay_json_from_hash(const assay_hash *hash) {
    return assay_json_from_hex(hash->bytes, ASSAY_HASH_SIZE);
}

json_t *assay_json_from_address(const assay_address *address) {
    return assay_json_from_hex(address->bytes, ASSAY_ADDRESS_SIZE);
}

json_t *assay_json_from_hex(const uint8_t *data, size_t size) {
    char *text = malloc(2 * size + 3);
    if (!text) return NULL;
    assay_hex_encode_0x(text, data, size);
    json_t *value = json_string(text);
    free(text);
    return value;
}
