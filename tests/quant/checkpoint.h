// SPDX-License-Identifier: Apache-2.0
// A safetensors file as a list that tests change and write: tensors in any order, of any dtype.
#ifndef ASSAY_TESTS_QUANT_CHECKPOINT_H
#define ASSAY_TESTS_QUANT_CHECKPOINT_H

#include <unistd.h>

#include "base/file.h"
#include "quant/container/safetensors.h"
#include "tests/vectors.h"

enum { CHECKPOINT_TENSORS_MAX = 96 };

typedef struct {
    assay_tensor tensors[CHECKPOINT_TENSORS_MAX]; // begin and size are set when it is written
    uint8_t *contents[CHECKPOINT_TENSORS_MAX];    // owned, of `size` bytes; NULL: a hole
    uint32_t count;
} checkpoint;

// Adds a tensor of rank 1 (columns 0) or 2 of zeros: a hole in the file, which takes no memory
// here.
static inline assay_tensor *checkpoint_hole_add(checkpoint *c, const char *name, assay_dtype dtype,
                                                uint64_t rows, uint64_t columns) {
    assert_true(c->count < CHECKPOINT_TENSORS_MAX);
    assay_tensor *tensor = &c->tensors[c->count];
    *tensor = (assay_tensor){.dtype = dtype, .rank = columns ? 2 : 1, .shape = {rows, columns}};
    assert_true(strlen(name) < sizeof tensor->name);
    memcpy(tensor->name, name, strlen(name) + 1);
    tensor->size = rows * (columns ? columns : 1) * assay_dtype_size(dtype);
    c->contents[c->count++] = NULL;
    return tensor;
}

// Adds a tensor with a copy of the content, or zeros, which the caller may change.
static inline assay_tensor *checkpoint_add(checkpoint *c, const char *name, assay_dtype dtype,
                                           uint64_t rows, uint64_t columns, const void *content) {
    assay_tensor *tensor = checkpoint_hole_add(c, name, dtype, rows, columns);
    uint8_t **copy = &c->contents[c->count - 1];
    *copy = calloc(tensor->size + 1, 1);
    assert_non_null(*copy);
    if (content) memcpy(*copy, content, tensor->size);
    return tensor;
}

static inline void checkpoint_close(checkpoint *c) {
    for (uint32_t i = 0; i < c->count; i++)
        free(c->contents[i]);
    *c = (checkpoint){0};
}

// The place of the tensor whose name ends so.
static inline uint32_t checkpoint_find(const checkpoint *c, const char *suffix) {
    for (uint32_t i = 0; i < c->count; i++) {
        size_t size = strlen(c->tensors[i].name), end = strlen(suffix);
        if (size >= end && strcmp(c->tensors[i].name + size - end, suffix) == 0) return i;
    }
    fail_msg("no tensor ...%s", suffix);
    return 0;
}

static inline void checkpoint_remove(checkpoint *c, uint32_t at) {
    free(c->contents[at]);
    c->count--;
    c->tensors[at] = c->tensors[c->count];
    c->contents[at] = c->contents[c->count];
}

// The tensors of a recorded file.
static inline void checkpoint_read(checkpoint *c, const uint8_t *data, size_t size) {
    assay_safetensors file;
    *c = (checkpoint){0};
    assert_int_equal(assay_safetensors_open(&file, data, size, NULL), ASSAY_OK);
    for (uint32_t i = 0; i < file.count; i++) {
        const assay_tensor *t = &file.tensors[i];
        checkpoint_add(c, t->name, t->dtype, t->shape[0], t->rank == 2 ? t->shape[1] : 0,
                       file.data + t->begin);
    }
    assay_safetensors_close(&file);
}

// Writes those tensors for which `only` is 0 or that have its place in `shards`.
static inline void checkpoint_shard_write(const checkpoint *c, const char *path,
                                          const uint32_t *shards, uint32_t only) {
    size_t room = 256 * (size_t)(c->count + 1), at = 8;
    char *header = calloc(room, 1);
    uint64_t begin = 0;
    at += (size_t)snprintf(header + at, room - at, "{\"__metadata__\":{\"format\":\"pt\"}");
    for (uint32_t i = 0; i < c->count; i++) {
        const assay_tensor *t = &c->tensors[i];
        if (shards && shards[i] != only) continue;
        char shape[48];
        snprintf(shape, sizeof shape, t->rank == 2 ? "%llu,%llu" : "%llu", (ull)t->shape[0],
                 (ull)t->shape[1]);
        at += (size_t)snprintf(header + at, room - at,
                               ",\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],"
                               "\"data_offsets\":[%llu,%llu]}",
                               t->name, assay_dtype_name(t->dtype), shape, (ull)begin,
                               (ull)(begin + t->size));
        begin += t->size;
    }
    header[at++] = '}';
    assay_store_le64((uint8_t *)header, at - 8);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(header, 1, at, file), at);
    for (uint32_t i = 0; i < c->count; i++) {
        size_t size = c->tensors[i].size;
        if (shards && shards[i] != only) continue;
        if (c->contents[i])
            assert_int_equal(fwrite(c->contents[i], 1, size, file), size);
        else
            assert_int_equal(fseek(file, (long)size, SEEK_CUR), 0);
    }
    assert_int_equal(fclose(file), 0);
    assert_int_equal(truncate(path, (off_t)(at + begin)), 0); // it may end with a hole
    free(header);
}

static inline void checkpoint_write(const checkpoint *c, const char *path) {
    checkpoint_shard_write(c, path, NULL, 0);
}

// Deals the tensors out to so many files of a folder, and writes their index.
static inline void checkpoint_shards_write(const checkpoint *c, const char *folder,
                                           uint32_t count) {
    uint32_t shards[CHECKPOINT_TENSORS_MAX];
    char path[160], name[32];
    json_t *map = json_object(), *index = json_pack("{s:o}", "weight_map", map);
    for (uint32_t i = 0; i < c->count; i++) {
        shards[i] = i % count;
        snprintf(name, sizeof name, "%u.safetensors", shards[i]);
        json_object_set_new(map, c->tensors[i].name, json_string(name));
    }
    for (uint32_t i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%u.safetensors", folder, i);
        checkpoint_shard_write(c, path, shards, i);
    }
    snprintf(path, sizeof path, "%s/model.safetensors.index.json", folder);
    assert_int_equal(json_dump_file(index, path, 0), 0);
    json_decref(index);
}

static inline void checkpoint_shards_remove(const char *folder, uint32_t count) {
    char path[160];
    for (uint32_t i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%u.safetensors", folder, i);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/model.safetensors.index.json", folder);
    unlink(path);
}

#endif
