// SPDX-License-Identifier: Apache-2.0
#include "quant/container/shards.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "quant/container/shard_index.h"

#define FILE_MAX ((uint64_t)1 << 41)

static int name_compare(const void *left, const void *right) {
    const assay_shard_tensor *a = left, *b = right;
    int order = strcmp(a->tensor->name, b->tensor->name);
    return order ? order : a->file < b->file ? -1 : a->file > b->file;
}

static assay_status room_take(assay_shards *shards, uint32_t file_count, assay_error *err) {
    shards->mappings = calloc(file_count + 1, sizeof *shards->mappings);
    shards->files = calloc(file_count + 1, sizeof *shards->files);
    if (!shards->mappings || !shards->files)
        return ASSAY_FAIL(err, MEMORY, "no memory for %u tensor files", file_count);
    return ASSAY_OK;
}

// The sum over files stays below what one file may hold, before anything grows by it.
static assay_status file_open(assay_shards *shards, const char *path, assay_error *err) {
    uint32_t at = shards->file_count++;
    assay_mapping *mapping = &shards->mappings[at];
    ASSAY_TRY(assay_mapping_open(mapping, path, FILE_MAX, err));
    ASSAY_TRY(assay_fail_in(
        err, assay_safetensors_open(&shards->files[at], mapping->data, mapping->size, err), path));
    shards->count += shards->files[at].count;
    if (shards->count > ASSAY_TENSOR_COUNT_MAX)
        return ASSAY_FAIL(err, CAPACITY, "%u tensors, limit %d", shards->count,
                          ASSAY_TENSOR_COUNT_MAX);
    return ASSAY_OK;
}

static assay_status tensors_list(assay_shards *shards, assay_error *err) {
    uint32_t at = 0;
    shards->tensors = malloc(((size_t)shards->count + 1) * sizeof *shards->tensors);
    if (!shards->tensors) return ASSAY_FAIL(err, MEMORY, "no memory for %u tensors", shards->count);
    for (uint32_t file = 0; file < shards->file_count; file++) {
        const assay_safetensors *from = &shards->files[file];
        for (uint32_t i = 0; i < from->count; i++)
            shards->tensors[at++] =
                (assay_shard_tensor){&from->tensors[i], from->data + from->tensors[i].begin, file};
    }
    if (at) qsort(shards->tensors, at, sizeof *shards->tensors, name_compare);
    return ASSAY_OK;
}

static assay_status file_only(assay_shards *out, const char *path, assay_error *err) {
    ASSAY_TRY(room_take(out, 1, err));
    ASSAY_TRY(file_open(out, path, err));
    return tensors_list(out, err);
}

assay_status assay_shards_open_file(assay_shards *out, const char *path, assay_error *err) {
    *out = (assay_shards){0};
    assay_status status = file_only(out, path, err);
    if (status != ASSAY_OK) assay_shards_close(out);
    return status;
}

static assay_status index_check(const assay_shards *shards, const assay_shard_index *index,
                                assay_error *err) {
    for (uint32_t i = 0; i < shards->count; i++) {
        const assay_shard_tensor *at = &shards->tensors[i];
        const char *name = at->tensor->name, *in = index->files[at->file];
        if (i && strcmp(name, shards->tensors[i - 1].tensor->name) == 0)
            return ASSAY_FAIL(err, DUPLICATE, "tensor \"%s\" is in %s and in %s", name,
                              index->files[shards->tensors[i - 1].file], in);
        const char *file = assay_shard_index_file(index, name);
        if (!file)
            return ASSAY_FAIL(err, UNKNOWN, "tensor \"%s\" of %s is not in the index", name, in);
        if (file != in)
            return ASSAY_FAIL(err, MISMATCH, "tensor \"%s\" is in %s, the index says %s", name, in,
                              file);
    }
    const char *name;
    json_t *file;
    json_object_foreach(
        (json_t *)index->map, name,
        file) if (!assay_shards_find(shards,
                                     name)) return ASSAY_FAIL(err, MISSING,
                                                              "tensor \"%.127s\" is missing in %s",
                                                              name, json_string_value(file));
    return ASSAY_OK;
}

static assay_status index_open(assay_shards *out, const char *folder,
                               const assay_shard_index *index, assay_error *err) {
    ASSAY_TRY(room_take(out, index->file_count, err));
    for (uint32_t i = 0; i < index->file_count; i++) {
        char path[PATH_MAX];
        ASSAY_TRY(assay_path_join(path, sizeof path, folder, index->files[i], err));
        ASSAY_TRY(file_open(out, path, err));
    }
    ASSAY_TRY(tensors_list(out, err));
    return index_check(out, index, err);
}

assay_status assay_shards_open(assay_shards *out, const char *folder, assay_error *err) {
    char single[PATH_MAX], path[PATH_MAX];
    json_t *json;
    assay_shard_index index;
    *out = (assay_shards){0};
    ASSAY_TRY(assay_path_join(single, sizeof single, folder, "model.safetensors", err));
    ASSAY_TRY(assay_path_join(path, sizeof path, folder, "model.safetensors.index.json", err));
    if (access(path, F_OK) != 0) return assay_shards_open_file(out, single, err);
    if (access(single, F_OK) == 0)
        return ASSAY_FAIL(err, DUPLICATE,
                          "folder has both model.safetensors and model.safetensors.index.json");
    ASSAY_TRY(assay_json_read_many(&json, path, ASSAY_SHARD_INDEX_MAX, ASSAY_SHARD_INDEX_VALUES_MAX,
                                   err));
    ASSAY_TRY(assay_shard_index_read(&index, json, err));
    assay_status status = index_open(out, folder, &index, err);
    assay_shard_index_close(&index);
    if (status != ASSAY_OK) assay_shards_close(out);
    return status;
}

void assay_shards_close(assay_shards *shards) {
    for (uint32_t i = 0; i < shards->file_count; i++) {
        assay_safetensors_close(&shards->files[i]);
        assay_mapping_close(&shards->mappings[i]);
    }
    free(shards->mappings);
    free(shards->files);
    free(shards->tensors);
    *shards = (assay_shards){0};
}

static int name_find(const void *name, const void *tensor) {
    return strcmp(name, ((const assay_shard_tensor *)tensor)->tensor->name);
}

const assay_shard_tensor *assay_shards_find(const assay_shards *shards, const char *name) {
    return bsearch(name, shards->tensors, shards->count, sizeof *shards->tensors, name_find);
}
