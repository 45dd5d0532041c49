// SPDX-License-Identifier: Apache-2.0
// Any bytes as a tokenizer.json (F-8): what opens encodes its own text and gives it back.
#include <stdlib.h>
#include <string.h>

#include "quant/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    assay_tokenizer *tokenizer;
    if (assay_tokenizer_open(&tokenizer, data, size, 1024, NULL) != ASSAY_OK) return 0;
    uint32_t *ids;
    size_t count, back_size;
    uint8_t *back;
    if (assay_tokenizer_encode(tokenizer, &ids, &count, (const char *)data, size, NULL) ==
        ASSAY_OK) {
        if (assay_tokenizer_decode(tokenizer, &back, &back_size, ids, count, NULL) != ASSAY_OK)
            abort();
        if (back_size != size || memcmp(back, data, size) != 0) abort();
        free(back);
        free(ids);
    }
    assay_tokenizer_close(tokenizer);
    return 0;
}
