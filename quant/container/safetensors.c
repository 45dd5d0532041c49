// SPDX-License-Identifier: Apache-2.0
#include "quant/container/safetensors.h"

#include <stdlib.h>

#include "base/json.h"

enum { LENGTH_SIZE = 8, HEADER_VALUES_MAX = 16 * ASSAY_TENSOR_COUNT_MAX }; // a tensor has 14

static const struct {
    const char *name;
    uint32_t size;
} dtypes[ASSAY_DTYPE_COUNT] = {
#define X(name, size) {#name, size},
    ASSAY_DTYPE_LIST(X)
#undef X
};

const char *assay_dtype_name(assay_dtype dtype) {
    return dtypes[dtype].name;
}

uint32_t assay_dtype_size(assay_dtype dtype) {
    return dtypes[dtype].size;
}

// base/json.h also takes decimal strings; a safetensors header has plain integers only.
static assay_status integer_read(uint64_t *out, const json_t *value, const char *name,
                                 const char *what, assay_error *err) {
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return ASSAY_FAIL(err, FORMAT,
                          "tensor \"%.80s\": %s holds something else than a whole "
                          "number from 0 to 2^63-1",
                          name, what);
    *out = (uint64_t)json_integer_value(value);
    return ASSAY_OK;
}

static assay_status dtype_read(assay_tensor *out, const json_t *entry, assay_error *err) {
    const char *text;
    ASSAY_TRY(assay_json_text(&text, entry, "dtype", 16, err));
    for (int i = 0; i < ASSAY_DTYPE_COUNT; i++) {
        if (strcmp(dtypes[i].name, text) != 0) continue;
        out->dtype = (assay_dtype)i;
        return ASSAY_OK;
    }
    return ASSAY_FAIL(err, UNKNOWN, "tensor \"%s\": unknown dtype \"%s\"", out->name, text);
}

// Shape, and its size in bytes as 64-bit products that may not overflow (F-4).
static assay_status shape_read(assay_tensor *out, const json_t *entry, assay_error *err) {
    const json_t *shape;
    ASSAY_TRY(assay_json_array(&shape, entry, "shape", ASSAY_TENSOR_RANK_MAX, err));
    out->rank = (uint32_t)json_array_size(shape);
    out->size = dtypes[out->dtype].size;
    for (uint32_t i = 0; i < out->rank; i++) {
        ASSAY_TRY(integer_read(&out->shape[i], json_array_get(shape, i), out->name, "shape", err));
        if (__builtin_mul_overflow(out->size, out->shape[i], &out->size))
            return ASSAY_FAIL(err, RANGE, "tensor \"%s\": shape has 2^64 bytes or more", out->name);
    }
    return ASSAY_OK;
}

static assay_status offsets_read(assay_tensor *out, const json_t *entry, uint64_t data_size,
                                 assay_error *err) {
    const json_t *offsets;
    uint64_t end;
    ASSAY_TRY(assay_json_array(&offsets, entry, "data_offsets", 2, err));
    if (json_array_size(offsets) != 2)
        return ASSAY_FAIL(err, FORMAT, "tensor \"%s\": data_offsets has %zu entries, not 2",
                          out->name, json_array_size(offsets));
    ASSAY_TRY(
        integer_read(&out->begin, json_array_get(offsets, 0), out->name, "data_offsets", err));
    ASSAY_TRY(integer_read(&end, json_array_get(offsets, 1), out->name, "data_offsets", err));
    if (out->begin > end)
        return ASSAY_FAIL(err, LAYOUT, "tensor \"%s\": begins at %llu, ends at %llu", out->name,
                          (ull)out->begin, (ull)end);
    if (end - out->begin != out->size)
        return ASSAY_FAIL(err, MISMATCH, "tensor \"%s\": shape has %llu bytes, offsets %llu",
                          out->name, (ull)out->size, (ull)(end - out->begin));
    if (end > data_size)
        return ASSAY_FAIL(err, TRUNCATED, "tensor \"%s\": ends at %llu of %llu data bytes",
                          out->name, (ull)end, (ull)data_size);
    return ASSAY_OK;
}

static assay_status tensor_read(assay_tensor *out, const char *name, const json_t *entry,
                                uint64_t data_size, assay_error *err) {
    static const char *const members[] = {"dtype", "shape", "data_offsets", NULL};
    size_t length = strlen(name);
    if (length == 0 || length > ASSAY_TENSOR_NAME_MAX)
        return ASSAY_FAIL(err, CAPACITY, "tensor name of %zu bytes, limits 1 to %d", length,
                          ASSAY_TENSOR_NAME_MAX);
    memcpy(out->name, name, length + 1);
    assay_error inner = {0};
    assay_status status = assay_json_names(entry, members, "entry", &inner);
    if (status == ASSAY_OK) status = dtype_read(out, entry, &inner);
    if (status == ASSAY_OK) status = shape_read(out, entry, &inner);
    if (status == ASSAY_OK) status = offsets_read(out, entry, data_size, &inner);
    if (status == ASSAY_OK) return ASSAY_OK;
    if (strncmp(inner.text, "tensor ", 7) == 0) return assay_error_pass(err, &inner);
    return assay_fail(err, status, 0, "tensor \"%s\": %s", name, inner.text);
}

static assay_status metadata_read(assay_safetensors *out, const json_t *metadata,
                                  assay_error *err) {
    if (!json_is_object(metadata)) return ASSAY_FAIL(err, FORMAT, "__metadata__ is not an object");
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)metadata, name, value) {
        if (!json_is_string(value))
            return ASSAY_FAIL(err, FORMAT, "__metadata__ \"%.64s\" is not a text", name);
        size_t length = json_string_length(value);
        if (strcmp(name, "format") == 0 && length <= ASSAY_TENSOR_FORMAT_MAX)
            memcpy(out->format, json_string_value(value), length + 1);
    }
    return ASSAY_OK;
}

static int offset_compare(const void *left, const void *right) {
    const assay_tensor *a = left, *b = right;
    if (a->begin != b->begin) return a->begin < b->begin ? -1 : 1;
    if (a->size != b->size) return a->size < b->size ? -1 : 1;
    return 0;
}

static int name_compare(const void *left, const void *right) {
    return strcmp(((const assay_tensor *)left)->name, ((const assay_tensor *)right)->name);
}

// No hole, no overlap, nothing after the last tensor: no byte can mean two things or none (F-4).
static assay_status tiling_check(assay_safetensors *file, assay_error *err) {
    uint64_t end = 0;
    if (file->count) qsort(file->tensors, file->count, sizeof *file->tensors, offset_compare);
    for (uint32_t i = 0; i < file->count; i++) {
        const assay_tensor *tensor = &file->tensors[i];
        if (tensor->begin != end)
            return ASSAY_FAIL(err, LAYOUT, "tensor \"%s\": begins at %llu, %s at %llu",
                              tensor->name, (ull)tensor->begin,
                              tensor->begin > end ? "after a hole" : "before the last one's end",
                              (ull)end);
        end += tensor->size;
    }
    if (end != file->data_size)
        return ASSAY_FAIL(err, TRAILING, "%llu bytes after the last tensor",
                          (ull)(file->data_size - end));
    return ASSAY_OK;
}

static assay_status header_read(assay_safetensors *out, const json_t *header, assay_error *err) {
    if (!json_is_object(header))
        return ASSAY_FAIL(err, FORMAT, "safetensors header is not an object");
    size_t count = json_object_size(header);
    if (count > ASSAY_TENSOR_COUNT_MAX)
        return ASSAY_FAIL(err, CAPACITY, "%zu tensors, limit %d", count, ASSAY_TENSOR_COUNT_MAX);
    out->tensors = calloc(count + 1, sizeof *out->tensors);
    if (!out->tensors) return ASSAY_FAIL(err, MEMORY, "no memory for %zu tensors", count);
    const char *name;
    json_t *entry;
    json_object_foreach((json_t *)header, name, entry) {
        if (strcmp(name, "__metadata__") == 0)
            ASSAY_TRY(metadata_read(out, entry, err));
        else
            ASSAY_TRY(tensor_read(&out->tensors[out->count++], name, entry, out->data_size, err));
    }
    ASSAY_TRY(tiling_check(out, err));
    if (out->count) qsort(out->tensors, out->count, sizeof *out->tensors, name_compare);
    return ASSAY_OK;
}

assay_status assay_safetensors_open(assay_safetensors *out, const uint8_t *data, size_t size,
                                    assay_error *err) {
    *out = (assay_safetensors){0};
    if (size < LENGTH_SIZE)
        return ASSAY_FAIL(err, TRUNCATED, "file of %zu bytes has no header length", size);
    uint64_t header_size = assay_load_le64(data);
    if (header_size == 0) return ASSAY_FAIL(err, FORMAT, "header of 0 bytes");
    if (header_size > ASSAY_TENSOR_HEADER_MAX)
        return ASSAY_FAIL(err, CAPACITY, "header of %llu bytes, limit %d", (ull)header_size,
                          ASSAY_TENSOR_HEADER_MAX);
    if (header_size > size - LENGTH_SIZE)
        return ASSAY_FAIL(err, TRUNCATED, "header of %llu bytes in a file of %zu", (ull)header_size,
                          size);
    json_t *header;
    ASSAY_TRY(assay_json_parse_many(&header, data + LENGTH_SIZE, header_size,
                                    ASSAY_TENSOR_HEADER_MAX, HEADER_VALUES_MAX,
                                    "safetensors header", err));
    out->data = data + LENGTH_SIZE + header_size;
    out->data_size = size - LENGTH_SIZE - header_size;
    assay_status status = header_read(out, header, err);
    json_decref(header);
    if (status != ASSAY_OK) assay_safetensors_close(out);
    return status;
}

void assay_safetensors_close(assay_safetensors *file) {
    free(file->tensors);
    *file = (assay_safetensors){0};
}

static int name_find(const void *name, const void *tensor) {
    return strcmp(name, ((const assay_tensor *)tensor)->name);
}

const assay_tensor *assay_safetensors_find(const assay_safetensors *file, const char *name) {
    return bsearch(name, file->tensors, file->count, sizeof *file->tensors, name_find);
}

assay_status assay_safetensors_shape_check(const assay_tensor *found, const assay_tensor *wanted,
                                           assay_error *err) {
    if (found->rank != wanted->rank)
        return ASSAY_FAIL(err, MISMATCH, "tensor \"%s\" has %u dimensions, needs %u", found->name,
                          found->rank, wanted->rank);
    for (uint32_t i = 0; i < found->rank; i++)
        if (found->shape[i] != wanted->shape[i])
            return ASSAY_FAIL(err, MISMATCH, "tensor \"%s\": dimension %u is %llu, needs %llu",
                              found->name, i, (ull)found->shape[i], (ull)wanted->shape[i]);
    return ASSAY_OK;
}

assay_status assay_safetensors_get(const uint8_t **out, const assay_safetensors *file,
                                   const assay_tensor *wanted, assay_error *err) {
    const assay_tensor *found = assay_safetensors_find(file, wanted->name);
    if (!found) return ASSAY_FAIL(err, MISSING, "tensor \"%s\" is missing", wanted->name);
    if (found->dtype != wanted->dtype)
        return ASSAY_FAIL(err, MISMATCH, "tensor \"%s\" is %s, needs %s", found->name,
                          dtypes[found->dtype].name, dtypes[wanted->dtype].name);
    ASSAY_TRY(assay_safetensors_shape_check(found, wanted, err));
    *out = file->data + found->begin;
    return ASSAY_OK;
}
