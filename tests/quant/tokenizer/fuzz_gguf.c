// SPDX-License-Identifier: Apache-2.0
// Any bytes as a GGUF file with a tokenizer (F-35): what is converted is text that either cannot be
// read, with a reason, or encodes and gives back.
#include <stdlib.h>
#include <string.h>

#include "quant/tokenizer/gguf.h"
#include "quant/tokenizer/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char text[] = "the <s> \xC3\xA9  0 ";
    enum { VOCAB = 1024 };
    assay_gguf file;
    assay_tokenizer *tokenizer;
    char *json;
    size_t json_size, count;
    uint32_t *ids;
    if (assay_gguf_bind(&file, data, size, NULL) != ASSAY_OK) return 0;
    if (assay_tokenizer_gguf(&json, &json_size, &file, VOCAB, NULL) == ASSAY_OK) {
        if (json_size != strlen(json)) abort();
        if (assay_tokenizer_open(&tokenizer, (uint8_t *)json, json_size, VOCAB, NULL) == ASSAY_OK) {
            if (assay_tokenizer_encode(tokenizer, &ids, &count, text, sizeof text - 1, NULL) !=
                ASSAY_OK)
                abort();
            for (size_t i = 0; i < count; i++)
                if (ids[i] >= VOCAB) abort();
            free(ids);
            assay_tokenizer_close(tokenizer);
        }
        free(json);
    } else if (json) {
        abort();
    }
    assay_gguf_close(&file);
    return 0;
}
