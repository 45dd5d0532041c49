// SPDX-License-Identifier: Apache-2.0
// The tables of a tokenizer, and how they are read from tokenizer.json.
#ifndef ASSAY_QUANT_TOKENIZER_JSON_H
#define ASSAY_QUANT_TOKENIZER_JSON_H

#include "base/json.h"
#include "quant/tokenizer/matcher.h"
#include "quant/tokenizer/split.h"
#include "quant/tokenizer/tokenizer.h"
#include "quant/tokenizer/vocab.h"

// U+2581, in which SentencePiece writes a space.
#define ASSAY_SPACE_MARK "\xE2\x96\x81"
enum { ASSAY_SPACE_MARK_SIZE = sizeof ASSAY_SPACE_MARK - 1 };

// Where SentencePiece's text gets a space in front that is not in it.
typedef enum {
    ASSAY_SPACE_NEVER,
    ASSAY_SPACE_FIRST,  // before the text, unless it begins with one
    ASSAY_SPACE_UNLESS, // before each run between added tokens, unless it begins with one
    ASSAY_SPACE_ALWAYS  // before each run
} assay_space_rule;

// A token found in the text before it is split.
typedef struct {
    uint32_t id;
    char *content;
    bool special;
    bool normalized; // found in the normalized text
} assay_added;

struct assay_tokenizer {
    assay_vocab vocab;
    assay_split *split;     // NULL: SentencePiece, which splits nothing
    bool level_alone;       // its split is ByteLevel's own, without a step before it
    bool nfc;               // text is normalized first
    assay_space_rule space; // SentencePiece's
    bool space_early;       // ... as a normalizer, before normalized added tokens are sought
    bool space_cuts;        // no merge reaches over the start of a row of space marks
    bool space_dropped;     // its decoder takes the first space off
    bool ignore_merges;     // a piece that is a token is that token
    assay_added *added;     // [added_count], ascending by content
    uint32_t added_count;
    bool *special; // [vocab.id_count] which ids steer a model rather than spell text
    assay_matcher plain_matcher, normalized_matcher;
};

// Fills a zeroed tokenizer; on failure it is for the caller to close. Errors: as
// assay_tokenizer_open. Spec: F-8.
assay_status assay_tokenizer_read(assay_tokenizer *tokenizer, const json_t *json,
                                  uint32_t vocab_size, assay_error *err);

#endif
