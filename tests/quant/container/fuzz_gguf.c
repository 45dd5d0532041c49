// SPDX-License-Identifier: Apache-2.0
// Any bytes as a GGUF file (F-20): what opens has tensors within the data, that share no byte, and
// values within the file; a configuration that is read is legal (F-23), and every row of a source
// is read without leaving the file (F-22, F-25).
#include <stdlib.h>

#include "kernels/float.h"
#include "quant/import/gguf_config.h"
#include "quant/import/source_gguf.h"
#include "quant/layout.h"

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
    require(pair->data.data != NULL && pair->data.size <= size);
    if (pair->data.size) // none may lie anywhere
        require(pair->data.data >= data && pair->data.data + pair->data.size <= data + size);
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

static void rows_read(const assay_gguf *file, assay_gguf_content content, uint32_t head_size) {
    enum { ROW_MAX = 4096 };
    static float row[ROW_MAX];
    assay_source *source;
    if (assay_source_gguf_open(&source, file, content, head_size, NULL) != ASSAY_OK) return;
    for (uint32_t i = 0; i < source->count; i++) {
        const assay_source_tensor *tensor = &source->tensors[i];
        uint64_t rows = assay_source_row_count(tensor);
        if (assay_source_row_size(tensor) > ROW_MAX) continue;
        for (uint64_t at = 0; at < rows && at < 64; at++)
            assay_source_rows(row, source, tensor, at, 1, NULL);
        assay_source_rows(row, source, tensor, rows - 1, 1, NULL);
        assay_source_drop(source, tensor, rows / 2, rows - rows / 2);
    }
    assay_source_close(source);
}

static void contents_read(const assay_gguf *file) {
    assay_hf_config config;
    bool paired;
    double alpha;
    uint64_t former = assay_float_enter();
    if (assay_gguf_config_read(&config, file, 0, NULL) == ASSAY_OK) {
        require(assay_model_shape_check(&config.shape, NULL) == ASSAY_OK);
        require(assay_gguf_paired(&paired, file, NULL) == ASSAY_OK);
    }
    if (assay_gguf_lora_read(&alpha, file, NULL) == ASSAY_OK) require(alpha != 0);
    rows_read(file, ASSAY_GGUF_MODEL, 2);
    rows_read(file, ASSAY_GGUF_ADAPTER, 0);
    assay_float_leave(former);
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
    contents_read(&file);
    assay_gguf_close(&file);
    return 0;
}
