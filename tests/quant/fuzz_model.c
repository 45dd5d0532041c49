// SPDX-License-Identifier: Apache-2.0
// Any bytes as a canonical model file (F-5).
#include <stdlib.h>
#include <string.h>

#include "quant/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    assay_model model;
    uint8_t *aligned = malloc(size + 1);
    if (!aligned) return 0;
    memcpy(aligned, data, size);
    assay_model_bind(&model, aligned, size, NULL);
    assay_model_close(&model);
    free(aligned);
    return 0;
}
