// SPDX-License-Identifier: Apache-2.0
// Any bytes as a canonical adapter file (F-7).
#include <stdlib.h>
#include <string.h>

#include "quant/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    assay_adapter adapter;
    uint8_t *aligned = malloc(size + 1);
    if (!aligned) return 0;
    memcpy(aligned, data, size);
    assay_adapter_bind(&adapter, aligned, size, NULL, NULL);
    assay_adapter_close(&adapter);
    free(aligned);
    return 0;
}
