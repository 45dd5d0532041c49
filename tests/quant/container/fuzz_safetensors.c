// SPDX-License-Identifier: Apache-2.0
// Any bytes as a safetensors file (F-4): what opens has tensors within the data, that tile it.
#include <stdlib.h>

#include "quant/container/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    assay_safetensors file;
    if (assay_safetensors_open(&file, data, size, NULL) != ASSAY_OK) return 0;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < file.count; i++) {
        const assay_tensor *tensor = &file.tensors[i];
        if (assay_safetensors_find(&file, tensor->name) != tensor) abort();
        if (tensor->begin > file.data_size || tensor->size > file.data_size - tensor->begin)
            abort();
        sum += tensor->size;
    }
    if (sum != file.data_size || file.data + sum != data + size) abort();
    assay_safetensors_close(&file);
    return 0;
}
