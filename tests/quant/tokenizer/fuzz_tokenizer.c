// SPDX-License-Identifier: Apache-2.0
// Any bytes as a tokenizer.json (F-8, F-30): what opens encodes its own text, and gives it back
// where it can; as plain text there is no special id in it (F-32).
#include <stdlib.h>
#include <string.h>

#include "quant/tokenizer/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Whether text comes back: a normalized one does not, nor does an added token of the alphabet's
// characters, which stand for other bytes than their own (F-8).
static bool returns(const assay_tokenizer *tokenizer) {
    for (uint32_t i = 0; i < tokenizer->added_count; i++)
        for (const char *at = tokenizer->added[i].content; *at; at++)
            if ((unsigned char)*at >= 0x80) return false;
    return tokenizer->split && !tokenizer->nfc;
}

static void way_and_back(const assay_tokenizer *tokenizer, const uint8_t *data, size_t size,
                         bool plain) {
    uint32_t *ids;
    size_t count, back_size;
    uint8_t *back;
    const char *text = (const char *)data;
    assay_status status =
        plain ? assay_tokenizer_encode_plain(tokenizer, &ids, &count, text, size, false, NULL)
              : assay_tokenizer_encode(tokenizer, &ids, &count, text, size, NULL);
    if (status != ASSAY_OK) return;
    for (size_t i = 0; plain && i < count; i++)
        if (tokenizer->special[ids[i]]) abort();
    if (assay_tokenizer_decode(tokenizer, &back, &back_size, ids, count, NULL) != ASSAY_OK) abort();
    bool same = back_size == size && memcmp(back, data, size) == 0;
    if (!same && returns(tokenizer)) abort();
    free(back);
    free(ids);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    assay_tokenizer *tokenizer;
    if (assay_tokenizer_open(&tokenizer, data, size, 1024, NULL) != ASSAY_OK) return 0;
    way_and_back(tokenizer, data, size, false);
    way_and_back(tokenizer, data, size, true);
    assay_tokenizer_close(tokenizer);
    return 0;
}
