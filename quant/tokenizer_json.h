// SPDX-License-Identifier: Apache-2.0
// The tables of a tokenizer, and how they are read from tokenizer.json.
#ifndef ASSAY_QUANT_TOKENIZER_JSON_H
#define ASSAY_QUANT_TOKENIZER_JSON_H

#include "base/json.h"
#include "quant/split.h"
#include "quant/tokenizer.h"
#include "quant/vocab.h"

// A token found in the text before it is split.
typedef struct {
    uint32_t id;
    uint32_t size;
    char *content; // [size]
} assay_added;

struct assay_tokenizer {
    assay_vocab vocab;
    assay_split *split;
    bool ignore_merges; // a piece that is a token is that token
    assay_added *added; // [added_count], ascending by content
    uint32_t added_count;
    uint32_t added_first[257]; // by first byte
};

// Fills a zeroed tokenizer; on failure it is for the caller to close. Errors: as
// assay_tokenizer_open. Spec: F-8.
assay_status assay_tokenizer_read(assay_tokenizer *tokenizer, const json_t *json,
                                  uint32_t vocab_size, assay_error *err);

#endif
