// SPDX-License-Identifier: Apache-2.0
// Any bytes as a GGUF file (F-20): what opens has tensors within the data, that share no byte, and
// values within the file.
#include <stdlib.h>

#include "quant/gguf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
    if (!holds) abort();
}

static void pair_check(const assay_gguf *file, const assay_gguf_pair *pair, const uint8_t *data,
                       size_t size) {
    char key[ASSAY_GGUF_KEY_MAX + 1];
    uint64_t integer;
    float number;
    assay_bytes text;
    memcpy(key, pair->key.data, pair->key.size);
    key[pair->key.size] = 0;
    require(assay_gguf_find(file, key) == pair);
    require(pair->data.data >= data && pair->data.size <= size);
    require(pair->data.data + pair->data.size <= data + size);
    assay_gguf_u64(&integer, file, key, 0, UINT64_MAX, NULL);
    assay_gguf_f32(&number, file, key, NULL);
    assay_gguf_text(&text, file, key, NULL);
    if (!pair->is_array || pair->type != ASSAY_GGUF_TYPE_TEXT) return;
    assay_cursor at;
    assay_cursor_init(&at, pair->data.data, pair->data.size);
    for (uint64_t i = 0; i < pair->count; i++)
        assay_gguf_text_next(&at);
    require(!at.failed && assay_cursor_left(&at) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    assay_gguf file;
    if (assay_gguf_bind(&file, data, size, NULL) != ASSAY_OK) return 0;
    for (uint32_t i = 0; i < file.pair_count; i++)
        pair_check(&file, &file.pairs[i], data, size);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < file.tensor_count; i++) {
        const assay_gguf_tensor *tensor = &file.tensors[i];
        require(assay_gguf_tensor_find(&file, tensor->name) == tensor);
        require(tensor->begin <= file.data_size && tensor->size <= file.data_size - tensor->begin);
        sum += tensor->size;
    }
    require(sum <= file.data_size && file.data + file.data_size == data + size);
    require(file.data_size - sum < (uint64_t)(file.tensor_count + 1) * file.alignment);
    assay_gguf_close(&file);
    return 0;
}
