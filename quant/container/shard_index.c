// SPDX-License-Identifier: Apache-2.0
#include "quant/container/shard_index.h"

#include <stdlib.h>

#include "quant/container/safetensors.h"

static int text_compare(const void *left, const void *right) {
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

// A plain name of one file: no folder, no parent, nothing hidden.
static assay_status name_check(const char *name, const char *tensor, assay_error *err) {
    static const char suffix[] = ".safetensors";
    static const char alphabet[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t length = strlen(name), end = sizeof suffix - 1;
    if (length > ASSAY_SHARD_NAME_MAX)
        return ASSAY_FAIL(err, CAPACITY,
                          "index: file of \"%.127s\" has a name of %zu bytes, limit %d", tensor,
                          length, ASSAY_SHARD_NAME_MAX);
    if (name[0] == '.' || name[strspn(name, alphabet)] || length <= end ||
        strcmp(name + length - end, suffix) != 0)
        return ASSAY_FAIL(
            err, FORBIDDEN,
            "index: file \"%s\" of \"%.127s\" is no plain name of a .safetensors file "
            "beside it",
            name, tensor);
    return ASSAY_OK;
}

static assay_status files_read(assay_shard_index *index, assay_error *err) {
    size_t count = json_object_size(index->map), at = 0;
    if (count > ASSAY_TENSOR_COUNT_MAX)
        return ASSAY_FAIL(err, CAPACITY, "index: %zu tensors, limit %d", count,
                          ASSAY_TENSOR_COUNT_MAX);
    index->files = malloc((count + 1) * sizeof *index->files);
    if (!index->files) return ASSAY_FAIL(err, MEMORY, "no memory for an index of %zu", count);
    const char *tensor;
    json_t *value;
    json_object_foreach((json_t *)index->map, tensor, value) {
        const char *name = json_string_value(value);
        if (!name) return ASSAY_FAIL(err, FORMAT, "index: file of \"%.127s\" is no text", tensor);
        ASSAY_TRY(name_check(name, tensor, err));
        index->files[at++] = name;
    }
    if (count) qsort(index->files, count, sizeof *index->files, text_compare);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || strcmp(index->files[i], index->files[index->file_count - 1]) != 0)
            index->files[index->file_count++] = index->files[i];
    if (index->file_count > ASSAY_SHARDS_MAX)
        return ASSAY_FAIL(err, CAPACITY, "index: %u files, limit %d", index->file_count,
                          ASSAY_SHARDS_MAX);
    return ASSAY_OK;
}

assay_status assay_shard_index_read(assay_shard_index *out, json_t *json, assay_error *err) {
    static const char *const members[] = {"metadata", "weight_map", NULL};
    *out = (assay_shard_index){.json = json};
    assay_status status = assay_json_names(json, members, "index", err);
    if (status == ASSAY_OK) status = assay_json_object(&out->map, json, "weight_map", err);
    if (status == ASSAY_OK) status = files_read(out, err);
    if (status != ASSAY_OK) assay_shard_index_close(out);
    return status;
}

void assay_shard_index_close(assay_shard_index *index) {
    free(index->files);
    json_decref(index->json);
    *index = (assay_shard_index){0};
}

const char *assay_shard_index_file(const assay_shard_index *index, const char *tensor) {
    const char *name = json_string_value(json_object_get(index->map, tensor));
    if (!name) return NULL;
    const char **found =
        bsearch(&name, index->files, index->file_count, sizeof *index->files, text_compare);
    return *found;
}
