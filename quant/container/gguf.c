// SPDX-License-Identifier: Apache-2.0
#include "quant/container/gguf.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    VERSION = 3,
    ALIGNMENT_DEFAULT = 32,
    PAIR_SIZE_MIN = 8 + 1 + 4 + 1,           // length, key, type, a byte
    TENSOR_SIZE_MIN = 8 + 1 + 4 + 8 + 4 + 8, // length, name, rank, a dimension, type, offset
};
static const uint8_t magic[] = {'G', 'G', 'U', 'F'};

static const struct {
    const char *name;
    uint32_t size;
} types[ASSAY_GGUF_TYPE_COUNT] = {
#define X(name, bytes) {#name, bytes},
    ASSAY_GGUF_TYPE_LIST(X)
#undef X
};

// The format is little-endian, unlike all that the cursor's own readers are for.
static uint32_t u32_read(assay_cursor *at) {
    const uint8_t *in = assay_cursor_take(at, 4);
    return in ? assay_load_le32(in) : 0;
}

static uint64_t u64_read(assay_cursor *at) {
    const uint8_t *in = assay_cursor_take(at, 8);
    return in ? assay_load_le64(in) : 0;
}

// A u64 length, within limit and file, and that many bytes in place.
static assay_status text_read(assay_bytes *out, assay_cursor *at, uint64_t max, const char *what,
                              assay_error *err) {
    uint64_t size = u64_read(at);
    if (size > max)
        return ASSAY_FAIL(err, CAPACITY, "%s of %llu bytes, limit %llu", what, (ull)size, (ull)max);
    out->data = assay_cursor_take(at, (size_t)size);
    out->size = (size_t)size;
    if (!out->data) return ASSAY_FAIL(err, TRUNCATED, "GGUF file ends within %s", what);
    return ASSAY_OK;
}

// Keys and names: visible ASCII, so that a name has one spelling and can be shown.
static assay_status name_read(assay_bytes *out, assay_cursor *at, uint64_t max, const char *what,
                              assay_error *err) {
    ASSAY_TRY(text_read(out, at, max, what, err));
    if (out->size == 0) return ASSAY_FAIL(err, FORMAT, "%s is empty", what);
    for (size_t i = 0; i < out->size; i++)
        if (out->data[i] < 0x21 || out->data[i] > 0x7e)
            return ASSAY_FAIL(err, FORMAT, "%s holds the byte 0x%02x", what, out->data[i]);
    return ASSAY_OK;
}

assay_bytes assay_gguf_text_next(assay_cursor *at) {
    assay_bytes text = {NULL, 0};
    uint64_t size = u64_read(at);
    if (size > assay_cursor_left(at)) at->failed = true;
    text.data = assay_cursor_take(at, (size_t)size);
    if (text.data) text.size = (size_t)size;
    return text;
}

static assay_status items_read(assay_gguf_pair *pair, assay_cursor *at, assay_error *err) {
    uint64_t left = assay_cursor_left(at), size = types[pair->type].size;
    pair->data.data = at->at;
    if (pair->count > left / (size ? size : 8))
        return ASSAY_FAIL(err, TRUNCATED, "GGUF file ends within the value of %.*s",
                          (int)pair->key.size, pair->key.data);
    if (size)
        assay_cursor_take(at, (size_t)(pair->count * size));
    else
        for (uint64_t i = 0; i < pair->count; i++) {
            assay_bytes text;
            ASSAY_TRY(text_read(&text, at, ASSAY_GGUF_TEXT_MAX, "text", err));
        }
    pair->data.size = (size_t)(at->at - pair->data.data);
    for (uint64_t i = 0; pair->type == ASSAY_GGUF_TYPE_BOOL && i < pair->count; i++)
        if (pair->data.data[i] > 1)
            return ASSAY_FAIL(err, FORMAT, "%.*s: a bool is %u, not 0 or 1", (int)pair->key.size,
                              pair->key.data, pair->data.data[i]);
    return ASSAY_OK;
}

static assay_status type_read(assay_gguf_type *out, const assay_gguf_pair *pair, assay_cursor *at,
                              assay_error *err) {
    uint32_t number = u32_read(at);
    if (at->failed)
        return ASSAY_FAIL(err, TRUNCATED, "GGUF file ends after the key %.*s", (int)pair->key.size,
                          pair->key.data);
    if (number >= ASSAY_GGUF_TYPE_COUNT)
        return ASSAY_FAIL(err, UNKNOWN, "%.*s: value type %u is unknown", (int)pair->key.size,
                          pair->key.data, number);
    *out = (assay_gguf_type)number;
    return ASSAY_OK;
}

static assay_status pair_read(assay_gguf_pair *out, assay_cursor *at, assay_error *err) {
    ASSAY_TRY(name_read(&out->key, at, ASSAY_GGUF_KEY_MAX, "key", err));
    ASSAY_TRY(type_read(&out->type, out, at, err));
    out->count = 1;
    if (out->type == ASSAY_GGUF_TYPE_TEXT)
        return text_read(&out->data, at, ASSAY_GGUF_TEXT_MAX, "text", err);
    if (out->type != ASSAY_GGUF_TYPE_ARRAY) return items_read(out, at, err);
    out->is_array = true;
    ASSAY_TRY(type_read(&out->type, out, at, err));
    if (out->type == ASSAY_GGUF_TYPE_ARRAY)
        return ASSAY_FAIL(err, DEPTH, "%.*s is an array of arrays", (int)out->key.size,
                          out->key.data);
    out->count = u64_read(at);
    if (out->count > ASSAY_GGUF_ITEMS_MAX)
        return ASSAY_FAIL(err, CAPACITY, "%.*s has %llu items, limit %d", (int)out->key.size,
                          out->key.data, (ull)out->count, ASSAY_GGUF_ITEMS_MAX);
    if (at->failed)
        return ASSAY_FAIL(err, TRUNCATED, "GGUF file ends within the value of %.*s",
                          (int)out->key.size, out->key.data);
    return items_read(out, at, err);
}

// Whole blocks a row, and products that may not overflow.
static assay_status size_read(assay_gguf_tensor *out, assay_cursor *at, assay_error *err) {
    uint64_t elements = 1;
    out->rank = u32_read(at);
    if (!at->failed && (out->rank == 0 || out->rank > ASSAY_GGUF_RANK_MAX))
        return ASSAY_FAIL(err, CAPACITY, "tensor \"%s\" has %u dimensions, limits 1 to %d",
                          out->name, out->rank, ASSAY_GGUF_RANK_MAX);
    for (uint32_t i = 0; i < ASSAY_GGUF_RANK_MAX; i++) {
        out->dims[i] = i < out->rank ? u64_read(at) : 1;
        if (at->failed) break;
        if (out->dims[i] == 0 || out->dims[i] > INT64_MAX / elements)
            return ASSAY_FAIL(err, RANGE, "tensor \"%s\": dimension %u is %llu, limits 1 and 2^63",
                              out->name, i, (ull)out->dims[i]);
        elements *= out->dims[i];
    }
    uint32_t number = u32_read(at);
    out->begin = u64_read(at);
    if (at->failed)
        return ASSAY_FAIL(err, TRUNCATED, "GGUF file ends within tensor \"%s\"", out->name);
    assay_error inner = {0};
    assay_status status = assay_gguf_block_find(&out->type, number, &inner);
    if (status != ASSAY_OK)
        return assay_fail(err, status, 0, "tensor \"%s\": %s", out->name, inner.text);
    uint64_t block = assay_gguf_block_elements(out->type);
    if (out->dims[0] % block)
        return ASSAY_FAIL(err, MISMATCH, "tensor \"%s\": rows of %llu are no blocks of %llu",
                          out->name, (ull)out->dims[0], (ull)block);
    if (__builtin_mul_overflow(elements / block, assay_gguf_block_bytes(out->type), &out->size))
        return ASSAY_FAIL(err, RANGE, "tensor \"%s\" has 2^64 bytes or more", out->name);
    return ASSAY_OK;
}

static assay_status tensor_read(assay_gguf_tensor *out, assay_cursor *at, assay_error *err) {
    assay_bytes name;
    ASSAY_TRY(name_read(&name, at, ASSAY_GGUF_NAME_MAX, "tensor name", err));
    memcpy(out->name, name.data, name.size);
    out->name[name.size] = 0;
    return size_read(out, at, err);
}

static int key_compare(const void *left, const void *right) {
    const assay_bytes *a = &((const assay_gguf_pair *)left)->key;
    const assay_bytes *b = &((const assay_gguf_pair *)right)->key;
    return assay_bytes_order(a->data, a->size, b->data, b->size);
}

static int name_compare(const void *left, const void *right) {
    return strcmp(((const assay_gguf_tensor *)left)->name,
                  ((const assay_gguf_tensor *)right)->name);
}

static int offset_compare(const void *left, const void *right) {
    uint64_t a = ((const assay_gguf_tensor *)left)->begin;
    uint64_t b = ((const assay_gguf_tensor *)right)->begin;
    return (a > b) - (a < b);
}

static assay_status counts_read(assay_gguf *out, assay_cursor *at, assay_error *err) {
    const uint8_t *start = assay_cursor_take(at, sizeof magic);
    if (!start) return ASSAY_FAIL(err, TRUNCATED, "GGUF file ends within its magic");
    if (memcmp(start, magic, sizeof magic) != 0)
        return ASSAY_FAIL(err, FORMAT, "file does not begin with GGUF");
    uint32_t version = u32_read(at);
    if (!at->failed && version != VERSION)
        return ASSAY_FAIL(err, VERSION, "GGUF version %u, only %d is read", version, VERSION);
    uint64_t tensors = u64_read(at), pairs = u64_read(at), left = assay_cursor_left(at);
    if (tensors > ASSAY_GGUF_TENSORS_MAX)
        return ASSAY_FAIL(err, CAPACITY, "%llu tensors, limit %d", (ull)tensors,
                          ASSAY_GGUF_TENSORS_MAX);
    if (pairs > ASSAY_GGUF_PAIRS_MAX)
        return ASSAY_FAIL(err, CAPACITY, "%llu keys, limit %d", (ull)pairs, ASSAY_GGUF_PAIRS_MAX);
    if (at->failed || tensors * TENSOR_SIZE_MIN + pairs * PAIR_SIZE_MIN > left)
        return ASSAY_FAIL(err, TRUNCATED, "GGUF file ends within its head");
    out->pairs = calloc((size_t)pairs + 1, sizeof *out->pairs);
    out->tensors = calloc((size_t)tensors + 1, sizeof *out->tensors);
    if (!out->pairs || !out->tensors)
        return ASSAY_FAIL(err, MEMORY, "no memory for %llu tensors", (ull)tensors);
    out->pair_count = (uint32_t)pairs;
    out->tensor_count = (uint32_t)tensors;
    return ASSAY_OK;
}

static assay_status pairs_read(assay_gguf *out, assay_cursor *at, assay_error *err) {
    for (uint32_t i = 0; i < out->pair_count; i++)
        ASSAY_TRY(pair_read(&out->pairs[i], at, err));
    qsort(out->pairs, out->pair_count, sizeof *out->pairs, key_compare);
    for (uint32_t i = 1; i < out->pair_count; i++)
        if (key_compare(&out->pairs[i - 1], &out->pairs[i]) == 0)
            return ASSAY_FAIL(err, DUPLICATE, "key %.*s is there twice",
                              (int)out->pairs[i].key.size, out->pairs[i].key.data);
    return ASSAY_OK;
}

static assay_status alignment_read(assay_gguf *out, assay_error *err) {
    const assay_gguf_pair *pair = assay_gguf_find(out, "general.alignment");
    out->alignment = ALIGNMENT_DEFAULT;
    if (!pair) return ASSAY_OK;
    if (pair->is_array || pair->type != ASSAY_GGUF_TYPE_U32)
        return ASSAY_FAIL(err, FORMAT, "general.alignment is no u32");
    out->alignment = assay_load_le32(pair->data.data);
    if (out->alignment < 8 || out->alignment > ASSAY_GGUF_ALIGNMENT_MAX ||
        (out->alignment & (out->alignment - 1)))
        return ASSAY_FAIL(err, RANGE, "general.alignment is %u, not a power of two from 8 to %d",
                          out->alignment, ASSAY_GGUF_ALIGNMENT_MAX);
    return ASSAY_OK;
}

static assay_status tensors_read(assay_gguf *out, assay_cursor *at, assay_error *err) {
    for (uint32_t i = 0; i < out->tensor_count; i++)
        ASSAY_TRY(tensor_read(&out->tensors[i], at, err));
    qsort(out->tensors, out->tensor_count, sizeof *out->tensors, name_compare);
    for (uint32_t i = 1; i < out->tensor_count; i++)
        if (name_compare(&out->tensors[i - 1], &out->tensors[i]) == 0)
            return ASSAY_FAIL(err, DUPLICATE, "tensor \"%s\" is there twice", out->tensors[i].name);
    return ASSAY_OK;
}

// Each tensor begins where the one before it ends, rounded up to the alignment: no byte means two
// things, and no hole is longer than rounding needs. The file may end with or without the last
// rounding.
static assay_status tiling_check(assay_gguf *file, assay_error *err) {
    uint64_t end = 0, mask = file->alignment - 1;
    qsort(file->tensors, file->tensor_count, sizeof *file->tensors, offset_compare);
    for (uint32_t i = 0; i < file->tensor_count; i++) {
        const assay_gguf_tensor *tensor = &file->tensors[i];
        uint64_t wanted = (end + mask) & ~mask; // end is at most the file's size
        if (tensor->begin & mask)
            return ASSAY_FAIL(err, LAYOUT, "tensor \"%s\": offset %llu is not aligned to %u",
                              tensor->name, (ull)tensor->begin, file->alignment);
        if (tensor->begin != wanted)
            return ASSAY_FAIL(err, LAYOUT, "tensor \"%s\": begins at %llu, %s at %llu",
                              tensor->name, (ull)tensor->begin,
                              tensor->begin > wanted ? "after a hole" : "before the last one's end",
                              (ull)wanted);
        if (tensor->begin > file->data_size || tensor->size > file->data_size - tensor->begin)
            return ASSAY_FAIL(err, TRUNCATED,
                              "tensor \"%s\": %llu bytes from %llu on, the data %llu", tensor->name,
                              (ull)tensor->size, (ull)tensor->begin, (ull)file->data_size);
        end = tensor->begin + tensor->size;
    }
    if (file->data_size > ((end + mask) & ~mask))
        return ASSAY_FAIL(err, TRAILING, "%llu bytes after the last tensor",
                          (ull)(file->data_size - end));
    qsort(file->tensors, file->tensor_count, sizeof *file->tensors, name_compare);
    return ASSAY_OK;
}

static assay_status head_read(assay_gguf *out, const uint8_t *data, size_t size, assay_error *err) {
    assay_cursor at;
    assay_cursor_init(&at, data, size);
    ASSAY_TRY(counts_read(out, &at, err));
    ASSAY_TRY(pairs_read(out, &at, err));
    ASSAY_TRY(alignment_read(out, err));
    ASSAY_TRY(tensors_read(out, &at, err));
    size_t used = size - assay_cursor_left(&at);
    size_t padding = (out->alignment - used % out->alignment) % out->alignment;
    // Without tensors there may be nothing after the head.
    if (padding > size - used) padding = size - used;
    out->data = data + used + padding;
    out->data_size = size - used - padding;
    return tiling_check(out, err);
}

assay_status assay_gguf_bind(assay_gguf *out, const uint8_t *data, size_t size, assay_error *err) {
    *out = (assay_gguf){0};
    assay_status status = head_read(out, data, size, err);
    if (status != ASSAY_OK) assay_gguf_close(out);
    return status;
}

assay_status assay_gguf_open(assay_gguf *out, const char *path, assay_error *err) {
    assay_mapping file = {0};
    *out = (assay_gguf){0};
    ASSAY_TRY(assay_mapping_open(&file, path, INT64_MAX, err));
    assay_status status = assay_gguf_bind(out, file.data, file.size, err);
    if (status == ASSAY_OK)
        out->file = file;
    else
        assay_mapping_close(&file);
    return status;
}

void assay_gguf_close(assay_gguf *file) {
    free(file->pairs);
    free(file->tensors);
    assay_mapping_close(&file->file);
    *file = (assay_gguf){0};
}

bool assay_gguf_is(const char *path) {
    uint8_t start[sizeof magic];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool is = fd >= 0 && read(fd, start, sizeof start) == (ssize_t)sizeof start &&
              memcmp(start, magic, sizeof magic) == 0;
    if (fd >= 0) close(fd);
    return is;
}

const assay_gguf_pair *assay_gguf_find(const assay_gguf *file, const char *key) {
    assay_gguf_pair wanted = {.key = {(const uint8_t *)key, strlen(key)}};
    return bsearch(&wanted, file->pairs, file->pair_count, sizeof wanted, key_compare);
}

static int name_find(const void *name, const void *tensor) {
    return strcmp(name, ((const assay_gguf_tensor *)tensor)->name);
}

const assay_gguf_tensor *assay_gguf_tensor_find(const assay_gguf *file, const char *name) {
    return bsearch(name, file->tensors, file->tensor_count, sizeof *file->tensors, name_find);
}

static assay_status value_find(const assay_gguf_pair **out, const assay_gguf *file, const char *key,
                               bool is_array, assay_error *err) {
    *out = assay_gguf_find(file, key);
    if (!*out) return ASSAY_FAIL(err, MISSING, "key %s is missing", key);
    if ((*out)->is_array != is_array)
        return ASSAY_FAIL(err, FORMAT, "%s is %s array", key, is_array ? "no" : "an");
    return ASSAY_OK;
}

// Sign-extended where the type has a sign.
static uint64_t integer_load(const assay_gguf_pair *pair) {
    uint64_t value = 0, bits = 8 * pair->data.size;
    for (size_t i = 0; i < pair->data.size; i++)
        value |= (uint64_t)pair->data.data[i] << 8 * i;
    bool is_signed = pair->type == ASSAY_GGUF_TYPE_I8 || pair->type == ASSAY_GGUF_TYPE_I16 ||
                     pair->type == ASSAY_GGUF_TYPE_I32;
    if (is_signed && value >> (bits - 1)) value |= UINT64_MAX << bits;
    return value;
}

assay_status assay_gguf_u64(uint64_t *out, const assay_gguf *file, const char *key, uint64_t min,
                            uint64_t max, assay_error *err) {
    const assay_gguf_pair *pair;
    ASSAY_TRY(value_find(&pair, file, key, false, err));
    if (pair->type == ASSAY_GGUF_TYPE_F32 || pair->type == ASSAY_GGUF_TYPE_F64 ||
        pair->type == ASSAY_GGUF_TYPE_BOOL || pair->type == ASSAY_GGUF_TYPE_TEXT)
        return ASSAY_FAIL(err, FORMAT, "%s is a %s, not an integer", key, types[pair->type].name);
    uint64_t value = integer_load(pair);
    bool negative = pair->type != ASSAY_GGUF_TYPE_U64 && value >> 63;
    if (negative || value < min || value > max)
        return ASSAY_FAIL(err, RANGE, "%s is %s%llu, limits %llu to %llu", key, negative ? "-" : "",
                          (ull)(negative ? -value : value), (ull)min, (ull)max);
    *out = value;
    return ASSAY_OK;
}

assay_status assay_gguf_f32(float *out, const assay_gguf *file, const char *key, assay_error *err) {
    const assay_gguf_pair *pair;
    ASSAY_TRY(value_find(&pair, file, key, false, err));
    if (pair->type != ASSAY_GGUF_TYPE_F32)
        return ASSAY_FAIL(err, FORMAT, "%s is a %s, not an F32", key, types[pair->type].name);
    uint32_t bits = assay_load_le32(pair->data.data);
    memcpy(out, &bits, sizeof bits);
    return ASSAY_OK;
}

assay_status assay_gguf_text(assay_bytes *out, const assay_gguf *file, const char *key,
                             assay_error *err) {
    const assay_gguf_pair *pair;
    ASSAY_TRY(value_find(&pair, file, key, false, err));
    if (pair->type != ASSAY_GGUF_TYPE_TEXT)
        return ASSAY_FAIL(err, FORMAT, "%s is a %s, not a text", key, types[pair->type].name);
    *out = pair->data;
    return ASSAY_OK;
}

assay_status assay_gguf_array(const assay_gguf_pair **out, const assay_gguf *file, const char *key,
                              assay_gguf_type type, assay_error *err) {
    ASSAY_TRY(value_find(out, file, key, true, err));
    if ((*out)->type != type)
        return ASSAY_FAIL(err, FORMAT, "%s is an array of %s, not of %s", key,
                          types[(*out)->type].name, types[type].name);
    return ASSAY_OK;
}

bool assay_gguf_text_is(assay_bytes text, const char *wanted) {
    return text.size == strlen(wanted) && memcmp(text.data, wanted, text.size) == 0;
}
