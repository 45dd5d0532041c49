// SPDX-License-Identifier: Apache-2.0
// Any JSON as the index of a sharded folder (F-13): what is accepted names files beside it, sorted,
// each once, and finds each tensor's.
#include <stdlib.h>

#include "quant/container/shard_index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    json_t *json;
    assay_shard_index index;
    if (assay_json_parse(&json, data, size, 1 << 16, "index", NULL) != ASSAY_OK) return 0;
    if (assay_shard_index_read(&index, json, NULL) != ASSAY_OK) return 0;
    for (uint32_t i = 0; i < index.file_count; i++) {
        if (strchr(index.files[i], '/') || index.files[i][0] == '.') abort();
        if (i && strcmp(index.files[i - 1], index.files[i]) >= 0) abort();
    }
    const char *tensor;
    json_t *file;
    json_object_foreach((json_t *)index.map, tensor,
                        file) if (strcmp(assay_shard_index_file(&index, tensor),
                                         json_string_value(file)) != 0) abort();
    assay_shard_index_close(&index);
    return 0;
}
